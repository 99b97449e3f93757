"""What our pages need to know of the store before anybody has signed in."""

from typing import Literal

from tillkeeper.contract.base import View
from tillkeeper.contract.caller import Scope
from tillkeeper.contract.values import FireRule, OrderType

TaxIncluded = Literal["all", "none", "some"]
TerminalView = Literal["counter", "lane", "window"]


class Terminal(View, frozen=True):
    """A page's place. `view`: counter rings and cashes, lane takes orders car by car, window cashes them. `drawer` is
    empty where no cash is taken."""

    terminal: str
    title: str
    view: TerminalView = "counter"
    order_type: OrderType = "dine_in"
    drawer: str = ""
    receipt_printer: str = ""


class DisplaySettings(View, frozen=True):
    """A kitchen display and the stations whose tickets it gets: id -> title."""

    device: str
    stations: dict[str, str]


class PreviewOptions(View, frozen=True):
    """What `/v1/preview/{document}` can show: stations as id -> title, languages by tag, columns of the printers known."""

    documents: tuple[str, ...]
    stations: dict[str, str]
    languages: tuple[str, ...]
    columns: tuple[int, ...]
    language: str


class PageSettings(View, frozen=True):
    """`registers`: base addresses of the store's other registers, for the kitchen page. `bump_keys`: key name (as in
    KeyboardEvent.key) -> action; empty for the page's own default. `staff`: PINs exist, so one has to sign in. `hq`: there is
    one to report to; without it nothing is ever synced. `tax_included`: which prices of the menu contain their tax.
    `scope`: what whoever asks may do at most (docs/access.md), `device`: its name where it is a paired one."""

    store: str
    store_name: str
    register: str
    version: str
    currency: str
    minor_digits: int
    timezone: str
    language: str
    country: str
    day_cutoff: str
    fire: FireRule
    terminals: tuple[Terminal, ...]
    displays: tuple[DisplaySettings, ...]
    order_types: tuple[OrderType, ...]
    registers: tuple[str, ...]
    bump_keys: dict[str, str]
    ticket_warn_s: float
    ticket_late_s: float
    languages: tuple[str, ...]
    staff: bool
    pin_length: int
    offline_support: bool
    cash_session_required: bool
    hq: bool
    tax_included: TaxIncluded = "none"
    scope: Scope = "page"
    device: str = ""

"""What can be read of a register: the answers of the API's GET routes and the messages of its live WebSocket.

Money is in minor units of the store's currency, times named `_at_ms` are wall clock in ms since the epoch (for people), ages
named `_age_s` are seconds measured on the boot clock. A fact that is not known is None or `unknown`, never a guess.
"""

from typing import Literal

from tillkeeper.contract.authorisations import FrozenView
from tillkeeper.contract.base import View
from tillkeeper.contract.book_views import BooksView as BooksView
from tillkeeper.contract.book_views import TaxBook as TaxBook
from tillkeeper.contract.book_views import TenderBook as TenderBook
from tillkeeper.contract.devices import ReplacedView
from tillkeeper.contract.network import NetworkBrief
from tillkeeper.contract.paper import Slip
from tillkeeper.contract.people import StaffListVersion
from tillkeeper.contract.roles import RolesBrief
from tillkeeper.contract.sinks import SinkView
from tillkeeper.contract.together import Conflict, ElsewhereView
from tillkeeper.contract.values import CheckState, DocumentClass, JobState, Modifier, OrderType, Tax, TenderKind, Totals

Tri = Literal["yes", "no", "unknown"]
LineState = Literal["waiting", "held", "scheduled", "fired", "voided"]
Mode = Literal["checking", "online", "offline", "island", "offsite", "manual_offline"]
Colour = Literal["green", "red", "grey"]
Severity = Literal["notice", "warning", "alarm"]


# --- checks ---


class LineView(View, frozen=True):
    """`quantity` is what is left after voids. `fire_at_ms` only while `state` is scheduled."""

    line_id: str
    item_id: str
    name: str
    quantity: int
    unit_price_minor: int
    state: LineState
    tax: Tax
    station: str
    modifiers: tuple[Modifier, ...] = ()
    seat: int | None = None
    course: int = 1
    order_type: OrderType | None = None
    note: str = ""
    fire_at_ms: int | None = None
    voided_quantity: int = 0
    refunded_quantity: int = 0


class DiscountView(View, frozen=True):
    discount_id: str
    code: str
    name: str
    line_id: str = ""
    rate_ppm: int = 0
    amount_minor: int = 0


class PaymentView(View, frozen=True):
    tender_id: str
    tender: str
    kind: TenderKind
    amount_minor: int
    tendered_minor: int
    change_minor: int = 0
    rounding_minor: int = 0
    foreign_currency: str = ""
    foreign_minor: int = 0
    reference: str = ""
    returned: bool = False
    label: str = ""


class RefundView(View, frozen=True):
    refund_id: str
    tender: str
    amount_minor: int
    tax_minor: int
    reason: str
    rounding_minor: int = 0
    quantities: dict[str, int] = {}
    of_overpayment: bool = False


class CheckSummary(View, frozen=True):
    """A row of the list of checks. `elsewhere`: another register has it. `doubt`: registers that had it and are silent: it may
    be paid there. `conflicts`: how many a merge left for a person to look at. `synced`: HQ holds everything of it; only then
    may the not-synced mark go away. `awaiting`: the tender by which it is to be settled later. `car`: place in the
    drive-through's queue of the day, 0 elsewhere."""

    check_id: str
    ticket_code: str
    state: CheckState
    synced: bool
    order_type: OrderType
    business_day: str
    opened_at_ms: int
    terminal: str
    gross_minor: int
    due_minor: int
    lines: int
    number: int | None = None
    table: str = ""
    server: str = ""
    name: str | None = None
    closed_at_ms: int | None = None
    awaiting: str = ""
    training: bool = False
    car: int = 0
    elsewhere: ElsewhereView | None = None
    doubt: tuple[str, ...] = ()
    conflicts: int = 0
    slip: Slip | None = None
    """It was entered from paper."""
    frozen: bool = False
    """What became of a payment of it is not known: it can not change until that is."""


class CheckView(View, frozen=True):
    """One check. `name`, `phone` and `note` are None where there is none; `erased` names those that were erased since."""

    check_id: str
    ticket_code: str
    state: CheckState
    synced: bool
    order_type: OrderType
    business_day: str
    opened_at_ms: int
    terminal: str
    catalogue_version: str
    totals: Totals
    number: int | None = None
    table: str = ""
    covers: int = 0
    server: str = ""
    name: str | None = None
    phone: str | None = None
    note: str | None = None
    erased: tuple[str, ...] = ()
    lines: tuple[LineView, ...] = ()
    discounts: tuple[DiscountView, ...] = ()
    payments: tuple[PaymentView, ...] = ()
    refunds: tuple[RefundView, ...] = ()
    receipts: int = 0
    closed_at_ms: int | None = None
    void_reason: str = ""
    awaiting: str = ""
    training: bool = False
    car: int = 0
    elsewhere: ElsewhereView | None = None
    doubt: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    overpaid_minor: int = 0
    """Two registers took payments: to be given back (a refund of this amount takes nothing off the sale)."""
    slip: Slip | None = None
    """It was entered from paper."""
    frozen: tuple[FrozenView, ...] = ()


class CheckPage(View, frozen=True):
    """Newest first. `next_before` goes into `before` of the next page; None on the last one."""

    checks: tuple[CheckSummary, ...]
    next_before: str | None = None


# --- devices and their jobs ---


class JobView(View, frozen=True):
    """`may_have_printed`: an attempt ended unknown, every later print is marked. `age_s`: since it was accepted."""

    job_id: str
    device: str
    document_class: DocumentClass
    state: JobState
    created_at_ms: int
    age_s: float
    check_id: str = ""
    ticket_code: str = ""
    station: str = ""
    attempts: int = 0
    may_have_printed: bool = False
    marks: tuple[str, ...] = ()
    reason: str = ""
    evidence: str = ""
    rerouted_from: str = ""
    settled_at_ms: int | None = None


class JobPage(View, frozen=True):
    """Oldest first, as they will print. `more`: the limit cut the list."""

    jobs: tuple[JobView, ...]
    more: bool = False


class DeviceView(View, frozen=True):
    """What a device last said of itself, and what waits for it. `trouble` is empty only where nothing is known to be wrong,
    which is not the same as fine: see `known`, the answer to "has it said anything since the start?"."""

    device: str
    kind: str
    known: bool = False
    asked_age_s: float | None = None
    reachable: Tri = "unknown"
    online: Tri = "unknown"
    cover_open: Tri = "unknown"
    paper_out: Tri = "unknown"
    paper_near_end: Tri = "unknown"
    cutter_error: Tri = "unknown"
    unrecoverable_error: Tri = "unknown"
    auto_recoverable_error: Tri = "unknown"
    """It stopped and goes on by itself, mostly once its head has cooled down."""
    temperature_error: Tri = "unknown"
    mechanical_error: Tri = "unknown"
    buffer_full: Tri = "unknown"
    """It takes nothing more for now: at work, not in trouble."""
    drawer_open: Tri = "unknown"
    queued: int = 0
    held: int = 0
    behind: int = 0
    """Displays: tickets delivered and not yet acknowledged."""
    trouble: str = ""
    note: str = ""
    """In words a person can act on ("paper is out"), or empty. `note`: why something waits where that is no trouble (yet)."""
    detail: str = ""
    stations: tuple[str, ...] = ()
    address: str = ""
    profile: str = ""
    register: str = ""
    """The other register that it is wired to, and through which it is used; empty for one that is driven from here."""
    replaced: ReplacedView | None = None


class DeviceList(View, frozen=True):
    devices: tuple[DeviceView, ...]


# --- the register ---


class Dot(View, frozen=True):
    """The connection in one look. Green only while HQ is known to answer; `words` always say the same as the colour."""

    colour: Colour
    words: str


class AdvisoryView(View, frozen=True):
    """One thing that a person should know. `subject` is the device, file or peer it is about, where there is one."""

    code: str
    severity: Severity
    title: str
    text: str
    hint: str = ""
    subject: str = ""


class StatusView(View, frozen=True):
    """Everything a status page, the CLI and a monitor show, of one moment. `only_here` is the number of events that no other
    machine holds yet; `advisories` come worst first."""

    store: str
    register: str
    incarnation: str
    version: str
    uptime_s: float
    at_ms: int
    business_day: str
    mode: Mode
    dot: Dot
    offline_support: bool
    only_here: int
    only_here_words: str
    hq_exchange_age_s: float | None
    selling: bool
    """False while the journal refuses to store."""
    catalogue_version: str
    catalogue_age_s: float | None
    devices: tuple[DeviceView, ...]
    jobs_waiting: int
    jobs_held: int
    checks_open: int
    advisories: tuple[AdvisoryView, ...]
    paused: tuple[str, ...] = ()
    """What stands still while HQ is away, in words; empty while it answers."""
    network: NetworkBrief = NetworkBrief()
    """What the prober says; all of it is at `/v1/network`."""
    sinks: tuple[SinkView, ...] = ()
    """HQ and the other registers of the store."""
    roles: RolesBrief | None = None
    """Who is primary and who backup."""
    staff: StaffListVersion | None = None
    """The list of staff in force; None where nobody signs in, or it was last written by an earlier version."""


class Health(View, frozen=True):
    """Answered without a token: says that the agent runs, and nothing about the store."""

    running: bool = True


# --- catalogue ---


class ModifierOffer(View, frozen=True):
    modifier_id: str
    name: str
    price_minor: int = 0


class ModifierGroupView(View, frozen=True):
    """How many of a group an item takes; `maximum` None for any number."""

    group_id: str
    name: str
    modifiers: tuple[ModifierOffer, ...]
    minimum: int = 0
    maximum: int | None = None


class CategoryView(View, frozen=True):
    category_id: str
    name: str


class ItemView(View, frozen=True):
    item_id: str
    name: str
    price_minor: int
    category: str = ""
    modifier_groups: tuple[str, ...] = ()
    order_types: tuple[OrderType, ...] = ()
    """Where it is sold; empty for everywhere."""


class DiscountOffer(View, frozen=True):
    """`scope`: on one line or on the whole check. Where both `rate_ppm` and `amount_minor` are None the person who applies it
    says the amount."""

    code: str
    name: str
    scope: Literal["line", "check"]
    rate_ppm: int | None = None
    amount_minor: int | None = None
    needs_reason: bool = False


class TenderOffer(View, frozen=True):
    """`available` is False while the connection does not allow it; `unavailable_words` say why."""

    tender: str
    title: str
    kind: TenderKind
    currency: str
    available: bool = True
    unavailable_words: str = ""


class CatalogueView(View, frozen=True):
    version: str
    sha256: str
    currency: str
    minor_digits: int
    age_s: float | None
    items: tuple[ItemView, ...]
    modifier_groups: tuple[ModifierGroupView, ...] = ()
    discounts: tuple[DiscountOffer, ...] = ()
    tenders: tuple[TenderOffer, ...] = ()
    categories: tuple[CategoryView, ...] = ()
    """In the order in which the catalogue names them."""

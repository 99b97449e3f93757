"""The configuration as types. One TOML file; see `tillkeeper config example` for a commented one.

Tables that hold named things (`[devices.grill]`) become dicts; names are checked by `load.py`, which reports every error
at once with its line. Money in minor units, durations in seconds unless the name says otherwise.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillkeeper.config.fiscal import Fiscal
from tillkeeper.config.lan import Lan
from tillkeeper.config.network import Network, Port
from tillkeeper.config.online import Online
from tillkeeper.config.roles import Roles
from tillkeeper.config.section import Section
from tillkeeper.contract.values import FireRule, OrderType, TenderKind
from tillkeeper.layouts.model import DocumentName

Seconds = Annotated[float, Meta(ge=0, le=7 * 86_400)]


class Store(Section, frozen=True):
    """`day_cutoff`: local time HH:MM at which the business day changes. `currency`: ISO 4217, `minor_digits` 2 for EUR.
    `tax_rounding`: once per tax rate of a check, or for each line. `rounding`: half_up or half_even.
    `language` of papers and pages (ISO 639-1), `country` (ISO 3166-1) for its copy rules. `logo`: a PNG that receipts begin
    with."""

    id: str
    name: str
    timezone: str
    currency: str
    language: str = "en"
    country: str = ""
    day_cutoff: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "04:00"
    minor_digits: Annotated[int, Meta(ge=0, le=3)] = 2
    tax_rounding: Literal["check", "line"] = "check"
    rounding: Literal["half_up", "half_even"] = "half_up"
    receipt_header: tuple[str, ...] = ()
    receipt_footer: tuple[str, ...] = ()
    logo: str = ""


class TaxRate(Section, frozen=True):
    """`percent` as a number or text ("8.875"); `included`: prices contain it (VAT) or it is added (US sales tax)."""

    name: str
    percent: float | str
    included: bool = False


class TaxCategory(Section, frozen=True):
    """Which rate an item of this category takes; the order type may choose another."""

    default: str
    by_order_type: dict[OrderType, str] = {}


class Taxes(Section, frozen=True):
    rates: dict[str, TaxRate]
    categories: dict[str, TaxCategory]


class Register(Section, frozen=True):
    """`letter` starts the ticket codes of this register (B-037). `receipt_printer` and `drawer` name devices. `address`: where
    the store's other registers find it, "host" or "host:port"; empty: nowhere."""

    letter: Annotated[str, Meta(pattern=r"^[A-Z]$")]
    address: str = ""
    receipt_printer: str = ""
    drawer: str = ""
    fire: FireRule | None = None


class SerialLine(Section, frozen=True):
    """A serial printer's own switches. `flow`: how it says stop, see docs/transports.md."""

    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400] = 9600
    parity: Literal["none", "even", "odd"] = "none"
    data_bits: Literal[7, 8] = 8
    stop_bits: Literal[1, 2] = 1
    flow: Literal["none", "rts_cts", "xon_xoff", "dsr"] = "none"


class Device(Section, frozen=True):
    """`kind`: escpos or star (a printer), display (our own page over WebSocket), escpos_display, drawer (on a printer's pin),
    epson_kds, fresh_kds, logic_controls (displays of other makers, docs/kitchen-displays.md).

    Printers: `address` "host:port", "serial:..." (with `serial`) or "usb:...", `profile` a model name. Drawer:
    `printer` and `pin`. `bell_pin`: a bell hangs on that pin of a printer. `confirm_timeout_s`: how long a confirmation may
    take."""

    kind: Literal["escpos", "star", "display", "escpos_display", "epson_kds", "fresh_kds", "logic_controls", "drawer"]
    address: str = ""
    serial: SerialLine = SerialLine()
    profile: str = ""
    printer: str = ""
    pin: Literal[2, 5] = 2
    on_ms: Annotated[int, Meta(ge=20, le=500)] = 100
    open_level: Literal["high", "low", "learn"] = "learn"
    bell_pin: Literal[2, 5] | None = None
    left_open_s: Seconds = 60.0
    """A drawer that stands open for longer raises an alarm, where its sensor tells; 0: never."""
    confirm_timeout_s: Seconds = 15.0
    columns: Annotated[int, Meta(ge=20, le=80)] | None = None
    callback: str = ""
    """An epson_kds: "address:port" of this machine where it calls when a cook bumps. Empty: it is only asked."""
    kds_station: Annotated[int, Meta(ge=1, le=99)] = 1
    """A logic_controls display: the number of the station in its own settings."""
    mac: str = ""
    """Of a network device: who it is, wherever its address goes ("00:26:ab:01:02:03")."""
    hold: bool = False
    """A network printer that no other register prints on: one connection stands, and its status comes by itself."""
    register: str = ""
    """A printer: the register that it is wired to; the others use it through that one (docs/devices-wired.md). Empty: every
    register drives it by itself."""


class Station(Section, frozen=True):
    """Where a kind of work is done. `devices`: each of them gets every ticket. `backup`: devices, or stations whose devices
    step in, best first, when a device refuses for `reroute_after_s`; one alone may be a plain text. Tickets older than
    `stale_after_s` are held. `language` and `layouts` (document -> name of a layout) of what is printed here, where they
    differ from the store's."""

    title: str
    devices: tuple[str, ...]
    backup: str | tuple[str, ...] = ""
    carry: bool = True
    """Where no device of it can be reached its tickets are printed at the register, to be carried to the kitchen."""
    alarm_after_s: Seconds = 30.0
    """A ticket that has not come out by then is said aloud; 0: never."""
    bell: bool = True
    """A ticket rings the bell of the printer that it is printed on, where that has one (`bell_pin`)."""
    on_unknown: Literal["reprint_marked", "hold"] = "reprint_marked"
    stale_after_s: Seconds = 1800.0
    reroute_after_s: Seconds = 20.0
    language: str = ""
    layouts: dict[DocumentName, str] = {}


class Routing(Section, frozen=True):
    """`items` wins over `categories`, and both win over `default`. Several stations may get one item."""

    default: tuple[str, ...]
    categories: dict[str, tuple[str, ...]] = {}
    items: dict[str, tuple[str, ...]] = {}


class Tender(Section, frozen=True):
    """`opens_drawer` defaults to cash only. `currency` and `rate` (store currency per unit, as text) for foreign cash."""

    kind: TenderKind
    title: str
    opens_drawer: bool | None = None
    overpayment: Literal["change", "refuse"] | None = None
    currency: str = ""
    rate: str = ""
    gateway: str = ""
    """Of a card, gift card or loyalty: which of [gateways] authorises it. Empty: nobody can, and it is refused."""


class Gateway(Section, frozen=True):
    """Who authorises cards, gift cards or points (docs/gateway-protocol.md). `token_file`: its first line is the shared secret.
    `timeout_s`: how long one authorisation may take, the guest at the terminal included."""

    url: str
    token_file: str = ""
    timeout_s: Annotated[float, Meta(ge=0.5, le=300)] = 60.0


class Offline(Section, frozen=True):
    """`support`: an administrator allows offline mode. `online_window_s`: how old the last exchange with HQ may be."""

    support: bool = True
    online_window_s: Seconds = 5.0


class Hq(Section, frozen=True):
    """`token_file`: a file whose first line is the shared secret of this register and HQ. `ca_file`: certificates of
    authorities (PEM): with https these alone are believed; empty: those of this machine. Empty `url`: no HQ."""

    url: str = ""
    token_file: str = ""
    ca_file: str = ""
    beat_s: Seconds = 1.0
    timeout_s: Annotated[float, Meta(ge=0.1, le=60)] = 3.0


class Privacy(Section, frozen=True):
    """`keep_days`: so long names, phone numbers and notes of guests are kept, then they are erased; 0: for ever."""

    keep_days: Annotated[int, Meta(ge=0, le=36_500)] = 0


class Replication(Section, frozen=True):
    """Between the registers of a store (docs/replication.md). `listen`: the address of this machine on which the others are
    answered ("0.0.0.0": on all), or address:port; empty: on none. `port`: where neither says another. `second_copy_ms`: how
    long an order waits at most for another register's copy. `adopt_after_s`: a register that was silent for so long has its
    kitchen tickets printed by another."""

    listen: str = ""
    port: Port = 7468
    second_copy_ms: Annotated[int, Meta(ge=0, le=1000)] = 50
    adopt_after_s: Annotated[float, Meta(ge=5, le=86_400)] = 10.0


class Api(Section, frozen=True):
    """`listen`: "127.0.0.1:PORT" or empty for the unix socket alone. `origins`: pages that may call, besides our own.
    `page_token_file`: the token of our own pages, the same on all registers of a store."""

    listen: str = ""
    token_file: str = ""
    page_token_file: str = ""
    socket: str = "tillkeeper.sock"
    socket_group: str = ""
    origins: tuple[str, ...] = ()


class Terminal(Section, frozen=True):
    """A page's place. `view`: counter rings and cashes, lane takes orders car by car, window cashes them. `drawer` and
    `receipt_printer` default to the register's; a lane has no drawer."""

    title: str
    view: Literal["counter", "lane", "window"] = "counter"
    order_type: OrderType = "dine_in"
    drawer: str | None = None
    receipt_printer: str | None = None


class Staff(Section, frozen=True):
    """`file`: the roster that `tillkeeper staff` writes; empty: nobody has to sign in. `pin_length` of new PINs.
    `session_h`: how long a sign-in lasts without a sign-out, in hours."""

    file: str = ""
    pin_length: Annotated[int, Meta(ge=4, le=8)] = 6
    session_h: Annotated[float, Meta(ge=0.1, le=48)] = 16.0


class Training(Section, frozen=True):
    """Where kitchen tickets of practice go: on paper at the register, to the kitchen (marked), or nowhere."""

    kitchen: Literal["receipt_printer", "kitchen", "none"] = "receipt_printer"


class Cash(Section, frozen=True):
    """`session_required`: cash is refused at a drawer without an open session."""

    session_required: bool = False


class Pages(Section, frozen=True):
    """`registers`: addresses ("http://host:port") of the store's other registers, for the kitchen page. `bump_keys`: key name
    -> action, laid over the page's default. `ticket_warn_s`, `ticket_late_s`: from which age a kitchen ticket is marked."""

    registers: tuple[str, ...] = ()
    bump_keys: dict[str, str] = {}
    ticket_warn_s: Seconds = 300.0
    ticket_late_s: Seconds = 600.0


class Layouts(Section, frozen=True):
    """`folder`: the store's own layouts, each a NAME.toml that goes before the packaged one of that name. `use`: document ->
    name. `most_copies` of a receipt, instead of what the country's rule says."""

    folder: str = ""
    use: dict[DocumentName, str] = {}
    most_copies: Annotated[int, Meta(ge=0, le=1000)] | None = None


class Models(Section, frozen=True):
    """`own`: a file of printer models of your own, or a folder of such files (`tillkeeper devices pair --export`)."""

    own: str = ""


class CatalogueFile(Section, frozen=True):
    file: str


class Config(Section, frozen=True):
    """The whole file. Relative paths are relative to the file's folder; `data_dir` holds journal, socket and tokens."""

    this_register: str
    store: Store
    taxes: Taxes
    registers: dict[str, Register]
    stations: dict[str, Station]
    devices: dict[str, Device]
    routing: Routing
    tenders: dict[str, Tender]
    catalogue: CatalogueFile
    data_dir: str = "data"
    fire: FireRule = "on_send"
    gateways: dict[str, Gateway] = {}
    cash_rounding: dict[str, Annotated[int, Meta(ge=1, le=100_000)]] = {}
    """Currency -> smallest coin in minor units (CHF = 5)."""
    terminals: dict[str, Terminal] = {}
    staff: Staff = Staff()
    training: Training = Training()
    cash: Cash = Cash()
    pages: Pages = Pages()
    layouts: Layouts = Layouts()
    models: Models = Models()
    offline: Offline = Offline()
    hq: Hq = Hq()
    replication: Replication = Replication()
    roles: Roles = Roles()
    online: Online = Online()
    privacy: Privacy = Privacy()
    fiscal: Fiscal = Fiscal()
    api: Api = Api()
    lan: Lan = Lan()
    network: Network = Network()

    @property
    def register(self) -> Register:
        return self.registers[self.this_register]

    def wired_to(self, device: str) -> str:
        """The other register through which a device is used, a drawer's being its printer's; empty where this register drives
        it by itself, and for an unknown one."""
        found = self.devices.get(device)
        if found is not None and found.kind == "drawer":
            found = self.devices.get(found.printer)
        return found.register if found is not None and found.register != self.this_register else ""

    def place(self, terminal: str) -> Terminal:
        """The terminal with its drawer and printer filled in; the register itself where the name is not configured."""
        register = self.register
        found = self.terminals.get(terminal) or Terminal(title=self.this_register)
        drawer = register.drawer if found.drawer is None and found.view != "lane" else found.drawer or ""
        printer = register.receipt_printer if found.receipt_printer is None else found.receipt_printer
        return msgspec.structs.replace(found, drawer=drawer, receipt_printer=printer)

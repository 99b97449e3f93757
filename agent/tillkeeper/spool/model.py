"""A job: one document for one device, with what is needed to print it again after a power cut."""

from typing import Literal

import msgspec

from tillkeeper.contract.values import DocumentClass, JobState


class ReceiptLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """`amount_minor` is the line's gross as rung (quantity x price, modifiers apart), `depth` 1 for a modifier.
    `order_type`: not a thing sold, but the line's own order type where it differs from the check's."""

    text: str
    quantity: int = 1
    amount_minor: int = 0
    depth: int = 0
    order_type: str = ""


AmountKind = Literal[
    "", "subtotal", "discount", "tax", "total", "refund", "included_tax", "rounding", "tender", "change", "returned", "due"
]


class ReceiptAmount(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row below the lines. `strong` is printed large.

    `kind` says what it is, in words of the guest's language; `label` is a name of the store's own (a tender, a tax, a
    discount), empty where the kind says all. A row without a kind (of an older release) is its label. `rate_ppm` and
    `net_minor` belong to taxes, `foreign_minor` in `currency` to tenders in foreign money."""

    label: str
    amount_minor: int
    strong: bool = False
    kind: AmountKind = ""
    rate_ppm: int = 0
    net_minor: int = 0
    foreign_minor: int = 0
    currency: str = ""


class ReceiptData(msgspec.Struct, frozen=True, tag="receipt"):
    """Everything a receipt says, already decided when the sale was accepted."""

    check_id: str
    ticket_code: str
    order_type: str
    printed_at_ms: int
    terminal: str
    server: str
    table: str
    lines: tuple[ReceiptLine, ...]
    amounts: tuple[ReceiptAmount, ...]
    title: str = ""
    """"REFUND", "VOID", or empty for a sale."""
    check_number: int | None = None
    copy: int = 0
    original_at_ms: int | None = None
    """Of a copy: when the original was printed. None where nobody knows (a copy of an older release)."""
    training: bool = False


class WasBefore(msgspec.Struct, frozen=True):
    """What the kitchen was told before; an empty `text` is "none" (no modifiers, no note, no seat)."""

    kind: Literal["name", "modifiers", "note", "seat", "course", "order_type"]
    text: str = ""


class TicketLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """As `tillkeeper_drivers.api.TicketItem`, kept apart so that a stored job does not change with a driver."""

    line_id: str
    action: str
    quantity: int
    name: str
    modifiers: tuple[str, ...] = ()
    note: str = ""
    seat: int | None = None
    course: int = 1
    order_type: str = ""
    previous_quantity: int | None = None
    was: tuple[WasBefore | str, ...] = ()
    """With action `modify`: what else the kitchen was told before; as plain words in jobs of an older release."""


class TicketData(msgspec.Struct, frozen=True, tag="ticket"):
    check_id: str
    ticket_code: str
    revision: int
    station: str
    order_type: str
    fired_at_ms: int
    items: tuple[TicketLine, ...]
    table: str = ""
    server: str = ""
    terminal: str = ""
    covers: int = 0
    check_number: int | None = None
    training: bool = False
    car: int = 0
    """Its place in the drive-through; 0 for what is none."""


class PulseData(msgspec.Struct, frozen=True, tag="pulse"):
    drawer: str
    cause: str


class TestSlipData(msgspec.Struct, frozen=True, tag="test_slip"):
    """`number`: on the slip of a printer that is to take another's place. `bell`: it rings with it."""

    requested_at_ms: int
    number: str = ""
    bell: bool = False


class ReportLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of a report: a name and what stands right of it (`amount_minor`, else `count`, else `text`, else nothing: then
    it is a heading).

    `word` is a key of the `report` table of the language files; `label` a name of the store's own (a tender, a drawer), after
    the word where both are given. `currency` empty: the store's. `strong` is printed large, `depth` indents."""

    word: str = ""
    label: str = ""
    amount_minor: int | None = None
    count: int | None = None
    text: str = ""
    currency: str = ""
    strong: bool = False
    depth: int = 0


class ReportData(msgspec.Struct, frozen=True, tag="report", omit_defaults=True):
    """An X (the drawer as it stands) or Z (a closed drawer session; where `whole_store`, a closed day of the whole store).
    `number`: the Z's, of this drawer or store; 0 on an X. `session`: the id of the drawer session. Times are wall clock in ms
    since the epoch, None where it has not happened."""

    kind: Literal["x", "z"]
    drawer: str
    printed_at_ms: int
    lines: tuple[ReportLine, ...]
    title: str = ""
    """The drawer's name for people; empty: `drawer`."""
    number: int = 0
    session: str = ""
    terminal: str = ""
    business_day: str = ""
    opened_at_ms: int | None = None
    counted_at_ms: int | None = None
    closed_at_ms: int | None = None
    opened_by: str = ""
    counted_by: str = ""
    closed_by: str = ""
    printed_by: str = ""
    copy: int = 0
    training: bool = False
    whole_store: bool = False


class WiredData(msgspec.Struct, frozen=True, tag="wired", omit_defaults=True):
    """One attempt of a job of another `register`, at a device that is wired to this one. Its document, with what it says about
    guests, is in memory only: this row is what is known of the attempt for ever (docs/devices-wired.md).

    `origin`: the first id of that job, however often it was moved since. `attempt`: its name among the attempts of that
    register. `pulse`: it opens a drawer."""

    register: str
    origin: str
    attempt: str
    pulse: bool = False
    training: bool = False


JobData = ReceiptData | TicketData | PulseData | TestSlipData | ReportData | WiredData


class Job(msgspec.Struct, frozen=True, omit_defaults=True):
    """`personal` names the digests to be resolved when the document is laid out (`name`, `note`): the texts are not kept in
    the job. `order` is the acceptance order within one device. `token` is the confirmation id of the attempt under way, stored
    before the first byte. `may_have_printed` is set for ever once an attempt ended unknown: every later attempt is marked.
    All times are wall clock in ms since the epoch."""

    job_id: str
    device: str
    document_class: DocumentClass
    data: JobData
    created_at_ms: int
    check_id: str = ""
    station: str = ""
    state: JobState = "queued"
    order: int = 0
    attempts: int = 0
    unknown_attempts: int = 0
    first_refused_at_ms: int | None = None
    """Since when the device has refused this job without a byte sent."""
    next_try_at_ms: int = 0
    token: str = ""
    may_have_printed: bool = False
    marks: tuple[str, ...] = ()
    personal: dict[str, str] = {}
    reason: str = ""
    evidence: str = ""
    origin: str = ""
    """The first id of a job that was moved, or adopted, since."""
    rerouted_from: str = ""
    home: str = ""
    """The device that it was meant for, once it has been moved."""
    visited: tuple[str, ...] = ()
    """Devices that it was moved away from in this round: a round visits each device once."""
    round: int = 0
    """How often it began anew with a device that it had visited: each time it waits longer for the next."""
    released_at_ms: int | None = None
    """When a person released it from `held`: its age counts from here."""
    settled_at_ms: int | None = None

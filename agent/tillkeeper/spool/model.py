"""A job: one document for one device, with what is needed to print it again after a power cut."""

import msgspec

from tillkeeper.contract.values import DocumentClass, JobState


class ReceiptLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """`amount_minor` is the line's gross as rung (quantity x price, modifiers apart), `depth` 1 for a modifier."""

    text: str
    quantity: int = 1
    amount_minor: int = 0
    depth: int = 0


class ReceiptAmount(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row below the lines: subtotal, discount, tax, total, tender, change. `strong` is printed large."""

    label: str
    amount_minor: int
    strong: bool = False


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
    was: tuple[str, ...] = ()
    """With action `modify`: in words, what else the kitchen was told before."""


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


class PulseData(msgspec.Struct, frozen=True, tag="pulse"):
    drawer: str
    cause: str


class TestSlipData(msgspec.Struct, frozen=True, tag="test_slip"):
    requested_at_ms: int


JobData = ReceiptData | TicketData | PulseData | TestSlipData


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
    rerouted_from: str = ""
    released_at_ms: int | None = None
    """When a person released it from `held`: its age counts from here."""
    settled_at_ms: int | None = None

"""Events about documents and devices: tickets, receipts, drawer pulses, and what cooks did."""

import msgspec

from tillkeeper.contract.base import Event
from tillkeeper.contract.values import DocumentClass, JobState, OrderType


class TicketItemFired(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one station was told about one line. `action`: add, modify, void."""

    line_id: str
    action: str
    quantity: int
    name: str
    modifiers: tuple[str, ...] = ()
    note: str = ""
    seat: int | None = None
    course: int = 1
    order_type: str = ""


class TicketFired(Event, frozen=True):
    """A ticket or change slip for one station was made, as job `job_id`."""

    check_id: str
    job_id: str
    station: str
    device: str
    revision: int
    document_class: DocumentClass
    items: tuple[TicketItemFired, ...]
    order_type: OrderType


class ReceiptIssued(Event, frozen=True):
    """`copy`: 0 for the first, then 1, 2, ... (printed with the COPY mark). A receipt of a refund names it."""

    check_id: str
    job_id: str
    device: str
    copy: int = 0
    refund_id: str = ""


class DrawerKicked(Event, frozen=True):
    """A pulse was asked for, as job `job_id`. `cause`: tender, change, refund, no_sale; float, paid_in, paid_out, safe_drop,
    count."""

    drawer: str
    job_id: str
    device: str
    cause: str
    check_id: str = ""
    by: str = ""


class NoSaleRecorded(Event, frozen=True):
    no_sale_id: str
    drawer: str
    reason: str
    by: str
    drawer_session: str = ""


class TicketReprinted(Event, frozen=True):
    """A person asked for a kitchen ticket again; it carries a mark."""

    check_id: str
    job_id: str
    original_job_id: str
    device: str
    by: str = ""


class DocumentSettled(Event, frozen=True):
    """A job reached an end, or a state in which it waits for a person (held)."""

    job_id: str
    document_class: DocumentClass
    device: str
    outcome: JobState
    by: str = ""
    """The evidence ("GS ( H", "display ack"), or the person who decided."""
    reason: str = ""
    attempts: int = 0
    marks: tuple[str, ...] = ()
    check_id: str = ""


class DocumentRerouted(Event, frozen=True):
    job_id: str
    new_job_id: str
    from_device: str
    to_device: str
    reason: str


class TicketBumped(Event, frozen=True):
    """`job_ids`: the tickets that the cook saw, of every display of the station."""

    check_id: str
    station: str
    device: str
    job_ids: tuple[str, ...] = ()


class TicketRecalled(Event, frozen=True):
    """As `TicketBumped`."""

    check_id: str
    station: str
    device: str
    job_ids: tuple[str, ...] = ()


class VoidAcknowledged(Event, frozen=True):
    """A cook has seen the STOP of a VOID on a display; `job_id` is the change slip."""

    check_id: str
    station: str
    device: str
    job_id: str

"""What a device is given: tickets of the kitchen, paper, kicks of a drawer. Drivers and the agent take these from
`tillkeeper_drivers.api`."""

from typing import Literal

import msgspec

from tillkeeper_drivers.blocks import Block

# --- what the kitchen is told: the shared model of every display protocol ------------------------------------------

Action = Literal["add", "modify", "void"]


class TicketItem(msgspec.Struct, frozen=True):
    """One line of a ticket. `line_id` is stable over revisions; `modifiers` are in the order to be read."""

    line_id: str
    quantity: int
    name: str
    action: Action = "add"
    modifiers: tuple[str, ...] = ()
    note: str = ""
    seat: int | None = None
    course: int = 1
    order_type: str = ""
    """Only where the line's own order type differs from the check's."""
    previous_quantity: int | None = None
    """With action `modify`: what the kitchen was told before."""
    was: tuple[str, ...] = ()
    """With action `modify`: in words, what else it was told before (a name, modifiers, a note, a seat, a course)."""


class Ticket(msgspec.Struct, frozen=True):
    """One revision of one check for one station. Only what changed since the revision before is in `items`."""

    check_id: str
    ticket_code: str
    revision: int
    station: str
    order_type: str
    """Prints first and largest (the words for people, e.g. TAKEOUT)."""
    items: tuple[TicketItem, ...]
    fired_at_ms: int
    """Wall clock, milliseconds since the epoch."""
    fired_at_text: str = ""
    """The same in the store's own time, for paper."""
    table: str = ""
    server: str = ""
    terminal: str = ""
    name: str = ""
    covers: int = 0
    note: str = ""
    rush: bool = False
    check_number: int | None = None
    car: int = 0
    """The place in the drive-through; 0 for what is none."""
    order_kind: str = ""
    """What `order_type` says in words: dine_in, takeout, drive_through or delivery. Empty: not told."""


# --- documents ----------------------------------------------------------------------------------------------------

DocumentClass = Literal["kitchen_ticket", "change_slip", "receipt", "drawer_pulse", "test_slip", "report"]


class PrintDocument(msgspec.Struct, frozen=True, tag="print"):
    """Paper: laid out by the agent, marks (POSSIBLE DUPLICATE, REROUTED ...) already among the blocks."""

    job_id: str
    blocks: tuple[Block, ...]
    cut: bool = True
    bell: bool = False
    """Ring the bell of the printer, where one hangs on a pin of it."""


class DisplayDocument(msgspec.Struct, frozen=True, tag="display"):
    """A ticket for a kitchen display; `marks` are shown as they are. A display drops a `job_id` it already shows."""

    job_id: str
    ticket: Ticket
    marks: tuple[str, ...] = ()


class PulseDocument(msgspec.Struct, frozen=True, tag="pulse"):
    """One kick of the drawer on `pin` (2 or 5). `on_ms` is the coil's time; drivers keep off >= 4 x on."""

    job_id: str
    pin: Literal[2, 5] = 2
    on_ms: int = 100


Document = PrintDocument | DisplayDocument | PulseDocument

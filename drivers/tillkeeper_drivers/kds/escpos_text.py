"""A kitchen display that takes ESC/POS text over TCP 9100, or a printer that should get plain tickets.

ASCII only, and a cut ends each ticket (Epson's KDS shows itself as a receipt printer). A VOID repeats quantity, name and
modifiers to the letter, because such displays find what to strike out by comparing text.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from tillkeeper_drivers.api import (
    Block,
    Delivery,
    DisplayDocument,
    Document,
    NotSent,
    PrintDocument,
    Rule,
    Status,
    Text,
    Ticket,
    TicketItem,
    Transport,
)
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import Profile, profile
from tillkeeper_drivers.printing.settings import Deadlines


class EscPosTextDisplay:
    """A `Device` for `DisplayDocument`s, `Attended`, on top of `EscPosPrinter`.

    Args:
        device_id: the device's id in the config.
        transport: where it is.
        model: `kds-text` where not given.
        deadlines: see `Deadlines`.
        hold: it is this register's alone, and its connection stands while it is attended.
    """

    def __init__(
        self,
        device_id: str,
        transport: Transport,
        model: Profile | None = None,
        deadlines: Deadlines | None = None,
        *,
        hold: bool = False,
    ) -> None:
        self._printer = EscPosPrinter(device_id, transport, model or profile("kds-text"), deadlines=deadlines, hold=hold)

    @property
    def id(self) -> str:
        return self._printer.id

    def accepts(self, document: Document) -> bool:
        """Tickets for displays, nothing else."""
        return isinstance(document, DisplayDocument)

    async def deliver(self, document: Document, token: bytes) -> Delivery:
        """See `Device.deliver`."""
        if not isinstance(document, DisplayDocument):
            raise NotSent("show", self.id, "unsupported", f"a display takes no {type(document).__name__}")
        return await self._printer.deliver(as_text(document), token)

    async def status(self) -> Status:
        """See `Device.status`."""
        return await self._printer.status()

    async def attend(self, changed: Callable[[Status], None], looks: AbstractAsyncContextManager[object]) -> None:
        """See `Attended.attend`: a connection is kept where `hold` says so."""
        await self._printer.attend(changed, looks)

    async def close(self) -> None:
        await self._printer.close()


def as_text(document: DisplayDocument) -> PrintDocument:
    """The ticket as lines of plain text, the order type first."""
    ticket = document.ticket
    blocks: list[Block] = [Text(ticket.order_type, bold=True)]
    blocks += [Text(f"*** {mark} ***", bold=True) for mark in document.marks]
    blocks += [Text(line) for line in _head(ticket) if line]
    blocks.append(Rule("-"))
    for item in ticket.items:
        blocks += [Text(line) for line in _item(item)]
    return PrintDocument(document.job_id, tuple(blocks))


def _head(ticket: Ticket) -> list[str]:
    number = f"#{ticket.check_number}" if ticket.check_number is not None else ""
    revision = f"revision {ticket.revision}" if ticket.revision > 1 else ""
    return [
        "RUSH" if ticket.rush else "",
        " ".join(part for part in (ticket.ticket_code, number, revision) if part),
        " ".join(part for part in (_named("Table", ticket.table), _named("For", ticket.name)) if part),
        " ".join(part for part in (ticket.station, ticket.server, ticket.terminal, ticket.fired_at_text) if part),
        f"{ticket.covers} covers" if ticket.covers else "",
        ticket.note,
    ]


def _named(label: str, value: str) -> str:
    return f"{label} {value}" if value else ""


def _item(item: TicketItem) -> list[str]:
    """Lines of one item. The item itself and its modifiers read the same whether it is added, changed or voided."""
    lines = []
    if item.action == "void":
        lines.append("VOID")
    elif item.action == "modify":
        before = f" (was {item.previous_quantity})" if item.previous_quantity is not None else ""
        lines.append(f"CHANGED{before}")
    lines.append(f"{item.quantity} {item.name}")
    lines += [f"  {modifier}" for modifier in item.modifiers]
    place = [f"seat {item.seat}"] if item.seat is not None else []
    place += [f"course {item.course}"] if item.course != 1 else []
    place += [item.order_type] if item.order_type else []
    if place:
        lines.append("  " + ", ".join(place))
    if item.note:
        lines.append(f"  * {item.note}")
    return lines

"""Tickets for displays of other makers, and what is common to their tests."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tillkeeper_drivers.api import BoardEvent, Delivery, DisplayDocument, Ticket, TicketItem
from tillkeeper_drivers.kds.foreign import ForeignDisplay
from tillkeeper_drivers.simulator.foreign_screen import ForeignScreen

TOKEN = b"ab12"
LONG_MODIFIER = "sauce on the side and a second plate for the child"


def item(line_id: str, name: str, quantity: int = 1, **more: Any) -> TicketItem:
    return TicketItem(line_id, quantity, name, **more)


def ticket(
    job: str, *items: TicketItem, check: str = "c1", code: str = "", revision: int = 1, marks: tuple[str, ...] = (), **more: Any
) -> DisplayDocument:
    """A ticket of check `check`; its code is the check's name in capitals where none is given."""
    code = code or check.upper()
    made = Ticket(check, code, revision, "grill", "TAKEOUT", items, 1_760_000_000_000, order_kind="takeout", **more)
    return DisplayDocument(job, made, marks)


BURGER = item("l1", "Burger", 2, modifiers=("no onion",))
FRIES = item("l2", "Fries")


def deliver(device: ForeignDisplay, document: DisplayDocument) -> Awaitable[Delivery]:
    return device.deliver(document, TOKEN)


def texts(screen: ForeignScreen) -> list[str]:
    """The lines of all open cards, from the top."""
    return [row.text.strip() for order in screen.on_screen() for row in order.rows()]


async def until(what: Callable[[], bool], deadline_s: float = 5.0) -> None:
    """Wait until it holds. Raises `TimeoutError`."""
    async with asyncio.timeout(deadline_s):
        while not what():  # noqa: ASYNC110 - what comes over a socket sets no event here
            await asyncio.sleep(0.01)


def cooked(events: list[BoardEvent]) -> list[tuple[str, str, tuple[str, ...]]]:
    """What cooks did, without the receipts: kind, check, jobs."""
    return [(event.kind, event.check_id, event.job_ids) for event in events if event.kind != "received"]

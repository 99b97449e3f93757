"""The screen of a kitchen display of another maker, as text and picture, and what can be done to such a display.

    power on / off, restart (its memory is empty then), deaf (shows and does not answer), slow, and one of `FAULTS`:
    error (refuses in its own words), wrong_id (answers for another order), half_answer, garbage, endless, drip
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

from tillkeeper_drivers.simulator.board import Line
from tillkeeper_drivers.simulator.changes import Changes
from tillkeeper_drivers.simulator.control import BadRequest, take, take_seconds
from tillkeeper_drivers.simulator.door import Door

FAULTS = ("error", "wrong_id", "half_answer", "garbage", "endless", "drip")
MAX_ORDERS = 2_000


class ScreenLine:
    """One item. `struck`: voided and still there to be seen."""

    def __init__(self, quantity: str, text: str, more: list[str]) -> None:
        self.quantity, self.text, self.more = quantity, text, more
        self.struck = False
        self.bumped = False


class Order:
    """One card. `lines` by the display's own id of each."""

    def __init__(self, name: str, heads: list[str]) -> None:
        self.name, self.heads = name, heads
        self.lines: dict[str, ScreenLine] = {}
        self.bumped = False

    def rows(self) -> list[Line]:
        """What the card says: the first head is the largest."""
        first, *others = [head for head in self.heads if head] or [self.name]
        rows = [Line(first, "order_type"), *(Line(head, "loud" if "***" in head else "head") for head in others)]
        for line in self.lines.values():
            text = f"{line.quantity} {line.text}".strip()
            rows.append(Line(f"-- {text} --", "loud") if line.struck else Line(text, "item"))
            rows += [Line(f"   {more}") for more in line.more]
        return rows


class ForeignScreen:
    """What all these displays have; `VirtualEpsonKds` and the others add how they speak.

    Args:
        name: its name at the control socket.
        memory: orders outlive a power cut.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.orders: dict[str, Order] = {}
        self.changed = Changes()
        self.deaf = False
        self.slow_s = 0.0
        self.fault = ""
        self.taken = 0
        """Requests that changed the screen."""
        self.refused = 0
        self.door = Door()
        self._up: contextlib.AsyncExitStack | None = None

    # --- power ---

    async def __aenter__(self) -> Self:
        try:
            await self.power_on()
        except OSError:
            self.door.let_go()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.power_off()
        self.door.let_go()

    async def power_on(self) -> None:
        """Raises `OSError` where it can not listen."""
        if self._up is None:
            async with contextlib.AsyncExitStack() as stack:
                await self.start(stack)
                self._up = stack.pop_all()
            self.changed.notify()

    async def power_off(self) -> None:
        up, self._up = self._up, None
        if up is not None:
            await up.aclose()
        self.changed.notify()

    async def restart(self) -> None:
        """Off and on again, with an empty memory."""
        await self.power_off()
        self.forget()
        await self.power_on()

    def forget(self) -> None:
        self.orders.clear()

    async def start(self, stack: contextlib.AsyncExitStack) -> None:
        """Go up until `stack` is closed."""
        raise TypeError(f"{type(self).__name__} speaks no protocol")

    # --- the screen ---

    def show(self, order: Order) -> None:
        if len(self.orders) >= MAX_ORDERS:
            del self.orders[next(iter(self.orders))]
        self.orders[order.name] = order

    def on_screen(self) -> list[Order]:
        return [order for order in self.orders.values() if not order.bumped]

    def count(self) -> int:
        """Orders ever shown that are still known, bumped ones included."""
        return len(self.orders)

    async def wait_shown(self, count: int, deadline_s: float) -> list[Order]:
        """Wait until `count` orders are known. Raises `TimeoutError`."""
        await self.changed.wait_for(lambda: len(self.orders) >= count, deadline_s)
        return list(self.orders.values())

    def as_text(self) -> str:
        """Open cards in order, a rule between them."""
        cards = ["\n".join(row.text for row in order.rows()) for order in self.on_screen()]
        return ("\n" + "-" * 32 + "\n").join(cards) + "\n"

    def as_png(self) -> bytes:
        """The screen as a PNG. Slow: not for an event loop."""
        from tillkeeper_drivers.simulator import board_picture

        return board_picture.draw([order.rows() for order in self.on_screen()], agent_lost=False)

    async def bump(self, name: str, line: str = "") -> None:
        """A cook is done with an order, or with one line of it. Raises `BadRequest` where it is not on the screen."""
        order = self.orders.get(name)
        if order is None or order.bumped or (line and line not in order.lines):
            raise BadRequest(f"{name} {line} is not on the screen; there are {', '.join(o.name for o in self.on_screen())}")
        if line:
            order.lines[line].bumped = True
        else:
            order.bumped = True
        self.changed.notify()
        await self.after_bump(order, line)

    async def recall(self, name: str) -> None:
        """Bring a bumped order back. Raises `BadRequest` where there is none."""
        order = self.orders.get(name)
        if order is None or not order.bumped:
            raise BadRequest(f"{name} was not bumped")
        order.bumped = False
        self.changed.notify()

    async def after_bump(self, order: Order, line: str) -> None:
        """Tell the agent, where the protocol can."""

    # --- hands on it, from outside ---

    async def command(self, request: dict[str, Any]) -> dict[str, Any]:
        """A request of the control socket: deaf, slow_s, fault, power (on, off, restart), bump, recall, state."""
        deaf, slow_s = take(request, "deaf"), take_seconds(request, "slow_s")
        self.deaf = self.deaf if deaf is None else bool(deaf)
        self.slow_s = self.slow_s if slow_s is None else slow_s
        fault = take(request, "fault", dict.fromkeys((*FAULTS, "none")))
        if fault is not None:
            self.fault = "" if fault == "none" else str(fault)
        power = take(request, "power", {"on": 0, "off": 0, "restart": 0})
        if power is not None:
            await {"on": self.power_on, "off": self.power_off, "restart": self.restart}[power]()
        for kind, do in (("bump", self.bump), ("recall", self.recall)):
            name = take(request, kind)
            if name is not None:
                await do(str(name))
        return {"state": self.state()} if take(request, "state") else {}

    def state(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "on": self._up is not None,
            "on_screen": [order.name for order in self.on_screen()],
            "known": self.count(),
            "taken": self.taken,
            "refused": self.refused,
            "deaf": self.deaf,
            "slow_s": self.slow_s,
            "fault": self.fault or "none",
        }


async def spoilt(fault: str, whole: bytes) -> AsyncIterator[bytes]:
    """An answer that goes wrong on the wire: half of it, one byte at a time, or one without an end."""
    if fault == "drip":
        for at in range(len(whole)):
            await asyncio.sleep(0.25)
            yield whole[at : at + 1]
        return
    yield whole[: len(whole) // 2]
    while fault == "endless":
        await asyncio.sleep(0)
        yield b" " * 65_536
    raise ConnectionResetError("half an answer is all there is")

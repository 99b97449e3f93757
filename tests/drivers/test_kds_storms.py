"""Displays of other makers in a storm: orders that change, answers that get lost, displays and agents that restart. What hangs
in the kitchen in the end is what was ordered, each line once."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace
from tests.drivers.kds_tickets import deliver, item, ticket

from tillkeeper_drivers.api import BoardEvent, DisplayDocument, NotSent, OutcomeUnknown, ShownTicket, TicketItem
from tillkeeper_drivers.kds.epson import epson_display
from tillkeeper_drivers.kds.foreign import ForeignDisplay
from tillkeeper_drivers.kds.fresh import fresh_display
from tillkeeper_drivers.kds.logic_controls import logic_controls_display
from tillkeeper_drivers.simulator.epson_kds import VirtualEpsonKds
from tillkeeper_drivers.simulator.foreign_screen import ForeignScreen
from tillkeeper_drivers.simulator.fresh_kds import VirtualFreshKds
from tillkeeper_drivers.simulator.logic_controls import VirtualLogicControls
from tillkeeper_drivers.transport.tcp import TcpTransport

TICKETS, CHECKS = 40, 4
TRIES = 400
PAUSE_S = 0.05
"""Between tries, as the spool makes one: a disk that is busy needs its time."""
ANSWER_S, SETTLED_S = 0.3, 30.0
ANSWERS = ("half_answer", "garbage", "wrong_id")


def epson(_folder: Path) -> tuple[ForeignScreen, Callable[[], ForeignDisplay], tuple[str, ...]]:
    kds = VirtualEpsonKds()

    def agent() -> ForeignDisplay:
        return epson_display("wall", kds.host, kds.port, ignore, callback=("127.0.0.1", 0), answer_s=ANSWER_S)

    return kds, agent, ("deaf", *ANSWERS, "power", "agent", "kill", "forget")


def fresh(_folder: Path) -> tuple[ForeignScreen, Callable[[], ForeignDisplay], tuple[str, ...]]:
    kds = VirtualFreshKds()

    def agent() -> ForeignDisplay:
        return fresh_display("wall", TcpTransport(kds.host, kds.port), ignore, answer_s=ANSWER_S)

    return kds, agent, ("deaf", *ANSWERS, "power", "agent", "kill")


def files(folder: Path) -> tuple[ForeignScreen, Callable[[], ForeignDisplay], tuple[str, ...]]:
    def agent() -> ForeignDisplay:
        return logic_controls_display("wall", folder, ignore, answer_s=2 * ANSWER_S)

    return VirtualLogicControls(folder), agent, ("power", "agent")


def ignore(_event: BoardEvent) -> None:
    """Nobody listens."""


class Restaurant:
    """Checks that change: each ticket says the difference, as `kitchen.tickets` makes it."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.lines: dict[str, dict[str, TicketItem]] = {f"c{n}": {} for n in range(CHECKS)}
        self.revisions: Counter[str] = Counter()
        self.made = 0

    def next(self) -> DisplayDocument:
        check = f"c{self.chance.randrange(CHECKS)}"
        lines = self.lines[check]
        items: list[TicketItem] = []
        known = list(lines)
        if known and self.chance.random() < 0.35:
            items.append(replace(lines.pop(self.chance.choice(known)), action="void"))
        if lines and self.chance.random() < 0.4:
            before = lines[self.chance.choice(list(lines))]
            after = replace(before, quantity=before.quantity + 1, action="modify", previous_quantity=before.quantity)
            lines[before.line_id] = replace(after, action="add", previous_quantity=None)
            items.append(after)
        if not items or self.chance.random() < 0.5:
            self.made += 1
            new = item(f"l{self.made}", f"Dish {self.made}", self.chance.randrange(1, 4), modifiers=("hot",))
            lines[new.line_id] = new
            items.append(new)
        self.revisions[check] += 1
        return ticket(f"j{sum(self.revisions.values())}", *items, check=check, revision=self.revisions[check])

    def ordered(self) -> Counter[tuple[str, int]]:
        return Counter((line.name, line.quantity) for lines in self.lines.values() for line in lines.values())


def hangs(screen: ForeignScreen) -> Counter[tuple[str, int]]:
    """Dishes to be made that are on the screen."""
    lines = [line for order in screen.on_screen() for line in order.lines.values() if not line.struck and line.quantity]
    plain = [(re.sub(r"^(CHANGED |\(SENT BEFORE\) )+", "", line.text), int(line.quantity)) for line in lines]
    return Counter((name, quantity) for name, quantity in plain if not name.startswith("VOID "))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("made", [epson, fresh, files])
def test_in_the_end_the_screen_shows_what_was_ordered(
    tmp_path: Path, made: Callable[[Path], tuple[ForeignScreen, Callable[[], ForeignDisplay], tuple[str, ...]]], seed: int
) -> None:
    chance = Random(seed)

    async def storm() -> None:
        screen, new_agent, faults = made(tmp_path)
        async with asyncio.timeout(100), screen:
            device = new_agent()
            restaurant = Restaurant(chance)
            journal: list[ShownTicket] = []

            async def restart(flying: DisplayDocument | None = None) -> ForeignDisplay:
                await device.close()
                later = new_agent()
                later.restore([*journal, *([ShownTicket(flying, acked=False)] if flying else [])])
                return later

            for _ in range(TICKETS):
                document = restaurant.next()
                for tried in range(TRIES):
                    fault = chance.choice(faults) if tried < 3 and chance.random() < 0.4 else ""
                    screen.deaf, screen.fault = fault == "deaf", fault if fault in ANSWERS else ""
                    if fault == "power":
                        await screen.power_off()
                    if fault == "forget":
                        await screen.restart()
                        await device.status()
                    if fault == "agent":
                        device = await restart(document if tried else None)
                    try:
                        delivering = asyncio.ensure_future(deliver(device, document))
                        if fault == "kill":
                            await asyncio.wait({delivering}, timeout=chance.random() * 0.02)
                            delivering.cancel()
                            await asyncio.wait({delivering})
                            device = await restart(document)
                            continue
                        await delivering
                        break
                    except (NotSent, OutcomeUnknown):
                        await asyncio.sleep(PAUSE_S)
                    finally:
                        await screen.power_on()
                        screen.deaf, screen.fault = False, ""
                        await device.status()
                else:
                    pytest.fail("never delivered")
                journal.append(ShownTicket(document))
            try:
                async with asyncio.timeout(SETTLED_S):
                    while hangs(screen) != restaurant.ordered():
                        await device.status()  # as the spool looks at it; on a busy machine a look may come to nothing
                        await asyncio.sleep(PAUSE_S)
            except TimeoutError:
                pytest.fail(f"too much: {hangs(screen) - restaurant.ordered()}, lacks {restaurant.ordered() - hangs(screen)}")
            busy = [order for order in screen.on_screen() if any(not line.struck for line in order.lines.values())]
            assert len(busy) <= CHECKS, "one card for a check"
            await device.close()

    asyncio.run(storm())

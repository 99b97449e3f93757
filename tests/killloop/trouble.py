"""What goes wrong besides the agent: devices fail and are put right, the internet is cut and comes back."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from tests.support.store import StoreRig

from tillkeeper_drivers.simulator.faults import Faults
from tillkeeper_drivers.simulator.printer import VirtualPrinter

BETWEEN_FAULTS_S = (2.0, 8.0)
FAULT_S = (0.3, 6.0)
BETWEEN_CUTS_S = (5.0, 15.0)
CUT_S = (0.5, 6.0)


class Trouble:
    """`run` until cancelled; then `mend`. `counts` says what happened how often."""

    def __init__(self, rig: StoreRig, chance: random.Random) -> None:
        self._rig, self._chance = rig, chance
        self.counts: dict[str, int] = {}

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._devices())
            tasks.create_task(self._internet())

    async def mend(self) -> None:
        """Everything works again."""
        await self._rig.internet.cut()
        await self._rig.internet.restore()
        for printer in self._rig.shop.printers.values():
            await _mend(printer)
        for screen in self._rig.shop.displays.values():
            screen.deaf = False
            screen.power_on()

    async def _internet(self) -> None:
        while True:
            await asyncio.sleep(self._chance.uniform(*BETWEEN_CUTS_S))
            self._count("internet cut")
            await self._rig.internet.cut()
            await asyncio.sleep(self._chance.uniform(*CUT_S))
            await self._rig.internet.restore()

    async def _devices(self) -> None:
        kinds: list[tuple[str, Callable[[VirtualPrinter], Awaitable[None]]]] = [
            ("power lost", self._power), ("paper out", self._paper), ("cover open", self._cover),
            ("mute", self._mute), ("connections reset", self._resets), ("cut off after some bytes", self._cut_off),
        ]  # fmt: skip
        names = [*self._rig.shop.printers, *self._rig.shop.displays]
        while True:
            await asyncio.sleep(self._chance.uniform(*BETWEEN_FAULTS_S))
            name = self._chance.choice(names)
            if name in self._rig.shop.displays:
                await self._screen(name)
                continue
            kind, strike = self._chance.choice(kinds)
            self._count(kind)
            printer = self._rig.printer(name)
            await strike(printer)
            await asyncio.sleep(self._chance.uniform(*FAULT_S))
            await _mend(printer)

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    async def _screen(self, name: str) -> None:
        screen = self._rig.display(name)
        if self._chance.random() < 0.5:
            self._count("screen dark")
            await screen.power_off()
        else:
            self._count("screen deaf")
            screen.deaf = True
        await asyncio.sleep(self._chance.uniform(*FAULT_S))
        screen.deaf = False
        screen.power_on()

    async def _power(self, printer: VirtualPrinter) -> None:
        printer.faults.power_loss_after_lines = self._chance.randint(1, 12)

    async def _paper(self, printer: VirtualPrinter) -> None:
        printer.faults.paper_out_after_lines = self._chance.randint(1, 12)

    async def _cover(self, printer: VirtualPrinter) -> None:
        printer.faults.cover_open_after_lines = self._chance.randint(1, 12)

    async def _mute(self, printer: VirtualPrinter) -> None:
        printer.faults.mute = True

    async def _resets(self, printer: VirtualPrinter) -> None:
        printer.faults.rst_on_connect = True

    async def _cut_off(self, printer: VirtualPrinter) -> None:
        printer.faults.close_after_bytes = self._chance.randint(1, 300)


async def _mend(printer: VirtualPrinter) -> None:
    for name, value in ((field, getattr(Faults(), field)) for field in Faults.__struct_fields__):
        setattr(printer.faults, name, value)
    printer.load_paper(1_000_000)
    printer.set_cover(open_=False)
    printer.changed.notify()
    await printer.power_on()

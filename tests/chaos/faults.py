"""What goes wrong: each fault begins at a printer that had none, and ends by itself. Everything is drawn from one seed."""

import asyncio
import random
from collections.abc import Callable

from tillkeeper_drivers.simulator.faults import Faults
from tillkeeper_drivers.simulator.printer import VirtualPrinter

ROLL = 1_000_000


class Trouble:
    """`counts`: how often each fault was made."""

    def __init__(self, printers: dict[str, VirtualPrinter], restart: Callable[[], None], chance: random.Random) -> None:
        self._printers, self._restart, self._chance = printers, restart, chance
        self._ill: set[str] = set()
        self._ends: set[asyncio.TimerHandle] = set()
        self._behind: set[str] = set()
        self.counts: dict[str, int] = {}

    def behind(self, name: str) -> bool:
        """Whether it has not yet come to the end of what it got while it drained slowly."""
        printer = self._printers[name]
        if printer.faults.drain_bytes_per_s is None and printer.engine.idle:
            self._behind.discard(name)
        return name in self._behind

    def begin(self, name: str) -> str:
        """Something goes wrong at `name`, or, where it is ill already, with the agent: what it is."""
        kinds: list[Callable[[str], tuple[str, float]]] = [
            self._power_in_ticket, self._power_long, self._rst, self._silence, self._mute, self._paper, self._cover,
            self._garbage, self._byte_by_byte, self._slow_drain, self._wrong_id, self._echo, self._cutter,
        ]  # fmt: skip
        if name in self._ill or self._chance.random() < 1 / (len(kinds) + 1):
            self._count("agent restart")
            asyncio.get_running_loop().call_later(self._chance.uniform(0, 4), self._restart)
            return "agent restart"
        kind, seconds = self._chance.choice(kinds)(name)
        self._count(kind)
        self._ill.add(name)
        self._later(seconds, lambda: self._heal(name))
        return kind

    async def heal_all(self) -> None:
        """The end of all trouble."""
        for end in self._ends:
            end.cancel()
        for name in self._printers:
            self._heal(name)
        for printer in self._printers.values():
            await printer.power_on()

    def _heal(self, name: str) -> None:
        printer = self._printers[name]
        well = Faults(power_off_s=1.0)
        for field in well.__struct_fields__:
            setattr(printer.faults, field, getattr(well, field))
        printer.clear_cutter()
        printer.load_paper(ROLL)
        printer.set_cover(open_=False)
        printer.changed.notify()
        self._ill.discard(name)

    def _count(self, kind: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        def due() -> None:
            self._ends.discard(handle)
            work()

        handle = asyncio.get_running_loop().call_later(seconds, due)
        self._ends.add(handle)

    # --- the kinds: what is done, and how long it lasts ---

    def _lines(self) -> int:
        return self._chance.randint(1, 14)

    def _set(self, name: str, kind: str, low_s: float, high_s: float, **faults: object) -> tuple[str, float]:
        for field, value in faults.items():
            setattr(self._printers[name].faults, field, value)
        self._printers[name].changed.notify()
        return kind, self._chance.uniform(low_s, high_s)

    def _power_in_ticket(self, name: str) -> tuple[str, float]:
        off_s = self._chance.uniform(1, 20)
        return self._set(name, "power lost in a ticket", 40, 60, power_loss_after_lines=self._lines(), power_off_s=off_s)

    def _power_long(self, name: str) -> tuple[str, float]:
        off_s = self._chance.uniform(30, 90)
        return self._set(name, "power lost for long", 100, 120, power_loss_after_lines=self._lines(), power_off_s=off_s)

    def _rst(self, name: str) -> tuple[str, float]:
        return self._set(name, "RST", 3, 40, rst_on_connect=True)

    def _silence(self, name: str) -> tuple[str, float]:
        return self._set(name, "silence", 3, 60, silent=True)

    def _mute(self, name: str) -> tuple[str, float]:
        return self._set(name, "prints and does not answer", 3, 40, mute=True)

    def _paper(self, name: str) -> tuple[str, float]:
        return self._set(name, "paper out", 15, 60, paper_out_after_lines=self._lines())

    def _cover(self, name: str) -> tuple[str, float]:
        return self._set(name, "cover open", 10, 40, cover_open_after_lines=self._lines())

    def _garbage(self, name: str) -> tuple[str, float]:
        return self._set(name, "garbage", 5, 30, garbage=True)

    def _byte_by_byte(self, name: str) -> tuple[str, float]:
        return self._set(name, "closes after each byte", 3, 20, close_after_bytes=self._chance.choice((1, 7, 60)))

    def _slow_drain(self, name: str) -> tuple[str, float]:
        self._behind.add(name)
        return self._set(name, "slow drain", 10, 60, drain_bytes_per_s=self._chance.choice((1, 20, 100)))

    def _wrong_id(self, name: str) -> tuple[str, float]:
        return self._set(name, "answers another's id", 5, 30, wrong_id=True)

    def _echo(self, name: str) -> tuple[str, float]:
        return self._set(name, "echo", 5, 30, echo=True)

    def _cutter(self, name: str) -> tuple[str, float]:
        self._printers[name].jam_cutter()
        return "cutter jammed", self._chance.uniform(10, 40)

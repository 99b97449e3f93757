"""The run: an agent's spool with its real drivers, virtual printers at the other end of TCP, and what reached paper."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress

import msgspec
from tests.chaos.faults import ROLL, Trouble
from tests.killloop.paper import Print, fold, prints_of
from tests.spool.world import EPOCH_MS

from tillkeeper.config.model import CatalogueFile, Config, Device, Register, Routing, Station, Store, Taxes
from tillkeeper.devices.registry import Registry
from tillkeeper.journal.records import Appended, Batch, JobRow, NewEvent
from tillkeeper.spool.jobs import decode, job_row
from tillkeeper.spool.model import Job, TicketData, TicketLine
from tillkeeper.spool.spool import Spool
from tillkeeper_drivers.simulator.printer import VirtualPrinter

MODELS = {
    "grill": "tm-t88vi", "fry": "tm-m30", "bar": "tm-t88iii", "cold": "ct-s310", "pizza": "tm-u220", "sushi": "generic-80",
    "salad": "generic-58", "receipt": "tm-t20iii",
}  # fmt: skip
"""Two that confirm by GS ( H, four by GS r (of a clone it is found out), one that can not, and the register's."""
CAN_NOT_TELL = {"salad"}
SLOW_MM_S = {"salad": 55.0}
"""As slow as one that can not confirm may be: its profile waits for 50 mm/s."""
STATIONS = tuple(name for name in MODELS if name != "receipt")
FAULT_EACH = 20
APART_S = 2.0
END_S = 3_600.0
BEHIND = ", which was far behind"


class Tally(msgspec.Struct):
    """What the run came to. `lost` (not whole on paper) and `unmarked` name tickets; `repeats` were printed with a mark.
    `well_and_slow`: lost in a printer of `CAN_NOT_TELL` that had taken them while it drained slowly and said it was well."""

    tickets: int = 0
    faults: dict[str, int] = {}
    lost: list[str] = []
    well_and_slow: list[str] = []
    unmarked: list[str] = []
    repeats: int = 0
    rerouted: int = 0
    carried: int = 0
    released: int = 0
    restarts: int = 0
    ends: dict[str, int] = {}
    virtual_s: float = 0.0


class _Journal:
    """Outlives the agent. Holds what is not settled; what is, is counted. `behind`: see `Trouble.behind`."""

    def __init__(self, behind: Callable[[str], bool]) -> None:
        self._behind = behind
        self.rows: dict[str, JobRow] = {}
        self.settled: Counter[str] = Counter()
        self.ends: dict[str, str] = {}
        """Ticket -> how its last job ended: state, device, evidence."""
        self.taken_behind: set[str] = set()

    async def append(self, batch: Batch) -> Appended:
        await asyncio.sleep(0.002)
        for row in batch.jobs:
            if row.settled:
                self.rows.pop(row.job_id, None)
                self.settled[row.state] += 1
                job = decode(row.body)
                words = f"{job.state} by {job.evidence or 'nobody'} at {job.device} ({MODELS[job.device]})"
                self.ends[job.check_id] = words + (BEHIND if self._behind(job.device) else "")
                self.taken_behind.discard(job.check_id)
                if job.state == "sent" and job.device in CAN_NOT_TELL and self._behind(job.device):
                    self.taken_behind.add(job.check_id)
            else:
                self.rows[row.job_id] = row
        return Appended(0, "")

    def unsettled_jobs(self, device: str = "", state: str = "", limit: int = -1) -> list[JobRow]:
        rows = [row for row in self.rows.values() if device in ("", row.device) and state in ("", row.state)]
        return rows if limit < 0 else rows[:limit]

    def job(self, job_id: str) -> JobRow | None:
        return self.rows.get(job_id)

    def devices_with_jobs(self) -> list[str]:
        return sorted({row.device for row in self.rows.values()})


def store(ports: dict[str, int]) -> Config:
    """Each station has the next two as its backups."""
    ring = (*STATIONS, *STATIONS)
    return Config(
        this_register="front",
        store=Store(id="s1", name="Corner", timezone="Europe/Berlin", currency="EUR"),
        taxes=Taxes(rates={}, categories={}),
        registers={"front": Register(letter="B", receipt_printer="receipt")},
        stations={
            name: Station(title=name.title(), devices=(name,), backup=ring[n + 1 : n + 3]) for n, name in enumerate(STATIONS)
        },
        devices={
            name: Device(kind="escpos", address=f"127.0.0.1:{ports[name]}", profile=model) for name, model in MODELS.items()
        },
        routing=Routing(default=("grill",)),
        tenders={},
        catalogue=CatalogueFile(file="builtin"),
    )


class Kitchen:
    """One run, in virtual time."""

    def __init__(self, tickets: int, seed: int, tell: Callable[[str], None] = lambda _line: None) -> None:
        self._tickets, self._seed, self._tell = tickets, seed, tell
        self._chance = random.Random(seed)
        self._trouble: Trouble | None = None
        self._journal = _Journal(lambda name: self._trouble is not None and self._trouble.behind(name))
        self._printers: dict[str, VirtualPrinter] = {}
        self._spool: Spool | None = None
        self._running: asyncio.Task[None] | None = None
        self._registry: Registry | None = None
        self._again = asyncio.Event()
        self._ids = 0
        self.prints: list[Print] = []
        """All documents on paper so far."""
        self._taken: dict[str, int] = {}
        self._struck: dict[str, str] = {}
        self.tally = Tally(tickets=tickets)

    async def run(self) -> Tally:
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            for n, (name, model) in enumerate(MODELS.items()):
                printer = VirtualPrinter(
                    model, name=name, seed=self._seed + n, keep=5000, paper_lines=ROLL, speed_mm_s=SLOW_MM_S.get(name)
                )
                self._printers[name] = await stack.enter_async_context(printer)
            self._config = store({name: printer.port for name, printer in self._printers.items()})
            trouble = self._trouble = Trouble(self._printers, self._again.set, self._chance)
            await self._begin()
            keeper = asyncio.create_task(self._restarts())
            try:
                await self._sell(trouble)
                await trouble.heal_all()
                await self._until_done(loop.time() + END_S)
            finally:
                keeper.cancel()
                with suppress(asyncio.CancelledError):
                    await keeper
                await self._end()
            self._harvest(whole=False)
            self.judge()
            self.tally.faults = trouble.counts
            self.tally.virtual_s = loop.time()
        return self.tally

    # --- the agent ---

    async def _begin(self) -> None:
        self._registry = Registry(self._config, lambda _digests: {}, lambda _event: None)
        self._spool = Spool(
            self._journal, self._config, self._registry,
            stamp=lambda event: NewEvent(event, "2025-10-09", self._now_ms()),
            now_ms=self._now_ms, new_id=self._id, seed=self._chance.getrandbits(32),
        )  # fmt: skip
        self._running = asyncio.create_task(self._spool.run())
        await asyncio.sleep(0)

    async def _end(self) -> None:
        """As a crash: whatever was under way stays as the journal has it."""
        assert self._running is not None
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running

    async def _restarts(self) -> None:
        while True:
            await self._again.wait()
            self._again.clear()
            await self._end()
            self._spool = None
            await asyncio.sleep(self._chance.uniform(0.1, 3))
            await self._begin()
            self.tally.restarts += 1

    def _now_ms(self) -> int:
        return EPOCH_MS + int(asyncio.get_running_loop().time() * 1000)

    def _id(self) -> str:
        self._ids += 1
        return f"J{self._ids:08d}"

    # --- the day ---

    async def _sell(self, trouble: Trouble) -> None:
        for number in range(1, self._tickets + 1):
            station = self._chance.choice(STATIONS)
            if number % FAULT_EACH == 0:
                kind = trouble.begin(station)
                self._struck[f"T-{number:05d}"] = f"{kind} at {station}"
            await self._accept(self._ticket(number, station))
            await asyncio.sleep(self._chance.uniform(0, 2 * APART_S))
            if number % 100 == 0:
                await self._release()
                self._harvest(whole=True)
            if number % 1000 == 0:
                self._tell(f"{number} tickets, {sum(trouble.counts.values())} faults, {len(self._journal.rows)} wait")

    async def _accept(self, job: Job) -> None:
        spool = self._spool
        if spool is None:
            # The agent is down: the order was accepted just before, and its ticket is in the journal.
            await self._journal.append(Batch(jobs=(job_row(msgspec.structs.replace(job, order=self._now_ms())),)))
            return
        prepared = spool.prepare((job,))
        await self._journal.append(Batch(jobs=tuple(map(job_row, prepared))))
        if spool is self._spool:
            spool.submit(prepared)
        else:
            self._again.set()  # what a dead agent accepted is found at the next start

    async def _release(self) -> None:
        if self._spool is not None:
            self.tally.released += len(await self._spool.release_all("Ann", training=False))

    async def _until_done(self, end_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._again.set()  # the last one finds whatever is left
        while loop.time() < end_s:
            await asyncio.sleep(10)
            await self._release()
            if not self._journal.rows:
                return

    def _ticket(self, number: int, station: str) -> Job:
        code = f"T-{number:05d}"
        names = ("Burger", "Fries", f"Last {code}")
        items = tuple(
            TicketLine(line_id=str(n), action="add", quantity=n, name=name, modifiers=("no onions",) if n == 1 else ())
            for n, name in enumerate(names, 1)
        )
        data = TicketData(
            check_id=code, ticket_code=code, revision=1, station=station, order_type="dine_in", fired_at_ms=self._now_ms(),
            items=items, terminal="front",
        )  # fmt: skip
        return Job(
            job_id=self._id(), device=station, document_class="kitchen_ticket", data=data, created_at_ms=self._now_ms(),
            check_id=code, station=station,
        )  # fmt: skip

    # --- paper ---

    def _harvest(self, *, whole: bool) -> None:
        """What was printed since the last time. `whole`: only what was cut."""
        for name, printer in self._printers.items():
            texts = [slip.text for slip in printer.printed if slip.number > self._taken.get(name, 0)]
            self._taken[name] = printer.count
            hanging = [] if whole else [printer.hanging.as_text()]
            self.prints += prints_of(name, (*texts, *hanging), "")

    def judge(self) -> None:
        """What is on paper, ticket by ticket, into `tally`."""
        tally, found = self.tally, dict[str, list[Print]]()
        for one in self.prints:
            found.setdefault(one.code, []).append(one)
            tally.repeats += one.marked_repeat
            tally.rerouted += any(mark.startswith("REROUTED") for mark in one.marks)
            tally.carried += any(mark.startswith("CARRY") for mark in one.marks)
        for number in range(1, self._tickets + 1):
            code = f"T-{number:05d}"
            prints = found.get(code, [])
            if not any(fold(f"Last {code}") in one.text for one in prints):
                near = [words for at, words in self._struck.items() if 0 <= number - int(at[2:]) < 2 * FAULT_EACH]
                torn = [f"{one.device}: {one.text[-40:]}" for one in prints]
                end = self._journal.ends.get(code, "no end")
                where = tally.well_and_slow if code in self._journal.taken_behind else tally.lost
                where.append(f"{code}: {end}; on paper {torn}; before it: {near}")
            if sum(not one.marked_repeat for one in prints) > 1:
                tally.unmarked.append(code)
        tally.ends = dict(self._journal.settled) | {f"left {row.state}": 1 for row in self._journal.rows.values()}


"""What happens at one register: cashiers who ring, fire, take money and void, and a spool that prints what was fired."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Protocol

import msgspec
from tests.simulation.disk import MemoryJournal, Raw

from tillkeeper.config.model import CatalogueFile, Config, Device, Register, Routing, Station, Store, Taxes
from tillkeeper.contract.base import Event
from tillkeeper.contract.documents import DocumentRerouted, TicketFired, TicketItemFired
from tillkeeper.contract.envelope import NumberAssigned
from tillkeeper.contract.events import CheckClosed, CheckNumbered, CheckOpened, CheckVoided, TenderRecorded
from tillkeeper.contract.placing import read_event
from tillkeeper.contract.values import Tax, TaxTotal, Totals
from tillkeeper.errors import Overloaded, StorageRefused
from tillkeeper.journal.faults import AlreadyDone
from tillkeeper.journal.records import Appended, Batch, KeptCommand, NewEvent
from tillkeeper.spool import jobs as steps
from tillkeeper.spool.adopting import Orphan, adopt, adopted_id
from tillkeeper.spool.keeping import settled_event
from tillkeeper.spool.model import Job, TicketData, TicketLine
from tillkeeper.spool.policy import POSSIBLE_DUPLICATE

DAY = "2026-11-21"
VAT = Tax("vat", 190_000, True)
PRINT_S = (0.5, 4.0)


class Sale(msgspec.Struct, frozen=True):
    """What a terminal sends, and sends again under the same key where it got no answer. `kind`: open, fire, tender, void."""

    key: str
    kind: str
    check_id: str
    amount_minor: int


class Witness(Protocol):
    """Who watches all that a guest or a cook could see."""

    def asked(self, machine: str, sale: Sale) -> None: ...

    def answered(self, machine: str, sale: Sale, at: Appended, took_s: float) -> None: ...

    def refused(self, machine: str, sale: Sale) -> None: ...

    def printed(self, machine: str, job: Job) -> None: ...

    def moved(self, job_id: str, new_job_id: str) -> None: ...

    def numbered(self, machine: str, check_id: str, number: int) -> None: ...


class Habits(msgspec.Struct):
    """`apart_s`: mean time between two commands. `unknown`, `poison`: shares of commands that bring an event of a type to
    come, or one that nobody can read. `printer_out`: share of tickets before which the printer is out for a minute."""

    apart_s: float = 3.0
    unknown: float = 0.05
    poison: float = 0.0
    printer_out: float = 0.0


class Till:
    """Of one process. `pending` outlives it: what a terminal has no answer to yet."""

    def __init__(
        self, name: str, journal: MemoryJournal, pending: list[Sale], habits: Habits, chance: random.Random,
        witness: Witness, *, wall_ms: Callable[[], int], now_s: Callable[[], float], new_id: Callable[[], str],
        second_copy: Callable[[Appended], Awaitable[None]], notify: Callable[[], None],
    ) -> None:  # fmt: skip
        self._name, self._journal, self._pending, self._habits = name, journal, pending, habits
        self._chance, self._witness = chance, witness
        self._wall_ms, self._now_s, self._new_id = wall_ms, now_s, new_id
        self._second_copy, self._notify = second_copy, notify
        self.selling = True
        self.numbers: dict[str, int | None] = {}
        self._open: dict[str, int] = {}
        self._recover()
        self.spool = Spool(name, journal, habits, chance, witness, wall_ms=wall_ms, new_id=new_id, notify=notify)

    def _recover(self) -> None:
        for envelope in self._journal.platter.own():
            match read_event(envelope):
                case CheckOpened(check_id=check_id):
                    self.numbers.setdefault(check_id, None)
                    self._open[check_id] = 0
                case CheckNumbered(check_id=check_id, number=number):
                    self.numbers[check_id] = number
                case CheckClosed(check_id=check_id) | CheckVoided(check_id=check_id):
                    self._open.pop(check_id, None)
                case _:
                    pass

    async def run(self) -> None:
        """Cashiers at work."""
        for sale in list(self._pending):
            await self._send(sale)
        while True:
            await asyncio.sleep(self._chance.expovariate(1.0 / self._habits.apart_s))
            if self.selling:
                for sale in list(self._pending):
                    await self._send(sale)
                await self._send(self._next())

    def _next(self) -> Sale:
        key = self._new_id()
        if not self._open or self._chance.random() < 0.3:
            return Sale(key, "open", self._new_id(), 0)
        check_id = self._chance.choice(list(self._open))
        roll = self._chance.random()
        kind = "fire" if roll < 0.35 else "void" if roll < 0.45 else "tender"
        return Sale(key, kind, check_id, self._chance.randint(1, 99_999))

    async def _send(self, sale: Sale) -> None:
        if sale not in self._pending:
            self._pending.append(sale)
            self._witness.asked(self._name, sale)
        jobs, events = self._work(sale)
        batch = Batch(
            events=tuple(NewEvent(event=event, business_day=DAY, at_ms=self._wall_ms()) for event in events),
            jobs=tuple(map(steps.job_row, jobs)),
            command=KeptCommand(sale.key, b"", b"", self._wall_ms()),
        )
        began_s = self._now_s()
        try:
            done = await self._journal.append(batch)
        except AlreadyDone:
            self._pending.remove(sale)
            self._recover()
            return
        except (StorageRefused, Overloaded):
            self._pending.remove(sale)
            self._witness.refused(self._name, sale)
            return
        self._folded(sale)
        self._notify()
        await self._second_copy(done)
        self._pending.remove(sale)
        self._witness.answered(self._name, sale, done, self._now_s() - began_s)
        self.spool.submit(jobs)

    def _folded(self, sale: Sale) -> None:
        if sale.kind == "open":
            self.numbers.setdefault(sale.check_id, None)
            self._open[sale.check_id] = 0
        elif sale.kind in ("tender", "void"):
            self._open.pop(sale.check_id, None)

    def _work(self, sale: Sale) -> tuple[list[Job], list[Event]]:
        events: list[Event] = []
        jobs: list[Job] = []
        check_id, amount = sale.check_id, sale.amount_minor
        match sale.kind:
            case "open":
                opened = CheckOpened(
                    check_id=check_id, ticket_code="A-1", order_type="dine_in", catalogue_version="c", terminal=self._name
                )
                events.append(opened)
            case "fire":
                jobs.append(self._ticket(sale))
                fired = TicketFired(
                    check_id=check_id, job_id=jobs[0].job_id, station="grill", device="grill", revision=1,
                    document_class="kitchen_ticket", items=(TicketItemFired("l1", "add", 1, "Soup"),), order_type="dine_in",
                )  # fmt: skip
                events.append(fired)
            case "void":
                events.append(CheckVoided(check_id=check_id, reason="left"))
            case _:
                tax = amount * 19 // 119
                paid = TenderRecorded(
                    check_id=check_id, tender_id=sale.key, tender="cash", kind="cash", amount_minor=amount,
                    tendered_minor=amount,
                )  # fmt: skip
                totals = Totals(amount, 0, amount - tax, tax, amount, 0, amount, 0, (TaxTotal(VAT, amount - tax, tax),))
                events += [paid, CheckClosed(check_id=check_id, totals=totals)]
        roll = self._chance.random()
        if roll < self._habits.unknown:
            events.append(Raw(type="table_merged", version=7, body=f'{{"key" :  "{sale.key}","n":1.50, "x":null}}'))
        elif roll > 1 - self._habits.poison:
            events.append(Raw(type="tender_recorded", version=1, body=f'{{"tender_id": {amount}, "check_id": []}}'))
        return jobs, events

    def _ticket(self, sale: Sale) -> Job:
        now_ms = self._wall_ms()
        line = TicketLine(line_id="l1", action="add", quantity=1, name="Soup")
        data = TicketData(sale.check_id, "A-1", 1, "grill", "dine_in", now_ms, (line,))
        return Job(f"{sale.key}j", "grill", "kitchen_ticket", data, now_ms, check_id=sale.check_id, station="grill")

    # --- from HQ (see `hq.NumberSink`) ---

    async def numbers_assigned(self, numbers: Sequence[NumberAssigned], settings: dict[str, bytes]) -> None:
        fresh = [one for one in numbers if self.numbers.get(one.check_id, 0) is None]
        now_ms = self._wall_ms()
        events = tuple(
            NewEvent(event=CheckNumbered(check_id=one.check_id, number=one.number), business_day=DAY, at_ms=now_ms)
            for one in fresh
        )
        await self._journal.append(Batch(events=events, settings=settings))
        for one in fresh:
            self.numbers[one.check_id] = one.number
        for one in numbers:
            if (known := self.numbers.get(one.check_id)) is not None:
                self._witness.numbered(self._name, one.check_id, known)
        if fresh:
            self._notify()


class Spool:
    """One printer. A ticket whose attempt was cut off is printed again with its mark."""

    def __init__(
        self, name: str, journal: MemoryJournal, habits: Habits, chance: random.Random, witness: Witness,
        *, wall_ms: Callable[[], int], new_id: Callable[[], str], notify: Callable[[], None],
    ) -> None:  # fmt: skip
        self._name, self._journal, self._habits, self._chance = name, journal, habits, chance
        self._witness, self._wall_ms, self._new_id, self._notify = witness, wall_ms, new_id, notify
        self._config = config(journal.register)
        self._queue: list[str] = []
        self._printing = ""
        self._wake = asyncio.Event()

    def submit(self, jobs: Iterable[Job]) -> None:
        self._queue += [job.job_id for job in jobs]
        self._wake.set()

    async def adopt(self, tickets: Sequence[Orphan], originator: str) -> tuple[Job, ...]:
        known = {adopted_id(one.job.job_id, self._journal.register): one.job for one in tickets}
        wanted = adopt(tickets, originator, self._config)
        jobs = tuple(job for job in wanted if self._journal.job(job.job_id) is None)
        events = [
            DocumentRerouted(
                job_id=known[job.job_id].job_id, new_job_id=job.job_id, from_device=known[job.job_id].device,
                to_device=job.device, reason=job.reason,
            )
            for job in jobs
        ]  # fmt: skip
        if jobs:
            await self._store(jobs, events)
            for job in jobs:
                self._witness.moved(known[job.job_id].job_id, job.job_id)
            self.submit(jobs)
        return jobs

    async def given_up(self, job_ids: Iterable[str], register: str) -> None:
        for job_id in job_ids:
            row = self._journal.job(job_id)
            if row is not None and row.state == "queued" and job_id != self._printing:
                settled = steps.settle(steps.decode(row.body), "was_rerouted", self._wall_ms(), reason=f"by {register}")
                await self._store((settled,), [settled_event(settled, register)])

    async def run(self) -> None:
        """What was not settled comes first, in its order."""
        waiting = [row for row in self._journal.platter.jobs.values() if not row.settled]
        self._queue = [row.job_id for row in waiting]
        while True:
            while not self._queue:
                self._wake.clear()
                await self._wake.wait()
            try:
                await self._print(self._queue[0])
            except StorageRefused:
                await asyncio.sleep(1.0)
                continue
            del self._queue[0]

    async def _print(self, job_id: str) -> None:
        if self._chance.random() < self._habits.printer_out:
            await asyncio.sleep(60.0)
        self._printing = job_id
        row = self._journal.job(job_id)
        if row is None or row.settled:
            return
        job = steps.decode(row.body)
        if job.state == "sending":
            marks = job.marks if POSSIBLE_DUPLICATE in job.marks else (*job.marks, POSSIBLE_DUPLICATE)
            job = msgspec.structs.replace(job, marks=marks, may_have_printed=True)
        job = msgspec.structs.replace(job, state="sending")
        await self._store((job,), [])
        await asyncio.sleep(self._chance.uniform(*PRINT_S))
        self._witness.printed(self._name, job)
        settled = steps.settle(job, "was_confirmed", self._wall_ms(), evidence="GS ( H")
        await self._store((settled,), [settled_event(settled, "GS ( H")])

    async def _store(self, jobs: Collection[Job], events: Sequence[Event]) -> None:
        now_ms = self._wall_ms()
        news = tuple(NewEvent(event=event, business_day=DAY, at_ms=now_ms) for event in events)
        await self._journal.append(Batch(events=news, jobs=tuple(map(steps.job_row, jobs))))
        self._notify()


def config(register: str) -> Config:
    """One kitchen printer at each register, of the same name everywhere."""
    return Config(
        this_register=register,
        store=Store(id="corner", name="Corner", timezone="Europe/Berlin", currency="EUR"),
        taxes=Taxes(rates={}, categories={}),
        registers={register: Register(letter="A", receipt_printer="grill")},
        stations={"grill": Station(title="Grill", devices=("grill",))},
        devices={"grill": Device(kind="escpos", address="192.0.2.9:9100", profile="tm-m30")},
        routing=Routing(default=("grill",)),
        tenders={},
        catalogue=CatalogueFile(file="builtin"),
    )

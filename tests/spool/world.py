"""A kitchen of misbehaving devices around a real spool: what reached paper is the truth that survives every crash."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tillkeeper.config.model import CatalogueFile, Config, Device, Register, Routing, Station, Store, Taxes
from tillkeeper.contract.base import Event
from tillkeeper.contract.documents import DocumentRerouted, DocumentSettled
from tillkeeper.contract.values import DocumentClass
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.records import Appended, Batch, JobRow, NewEvent
from tillkeeper.layouts import documents, shelf
from tillkeeper.spool.jobs import decode, job_row
from tillkeeper.spool.model import Job, JobData, PulseData, ReceiptData, TestSlipData, TicketData, TicketLine
from tillkeeper.spool.spool import Spool
from tillkeeper_drivers.api import (
    Delivery,
    Document,
    NotSent,
    OutcomeUnknown,
    PrintDocument,
    PulseDocument,
    Reason,
    Status,
    Text,
)

EPOCH_MS = 1_760_000_000_000
CLEAN = Status(reachable="yes", online="yes", cover_open="no", paper_out="no")


def config(**stations: Station) -> Config:
    """Printers grill, bar, receipt; station grill (backup bar), bar (none); drawer on receipt."""
    return Config(
        this_register="front",
        store=Store(id="s1", name="Corner", timezone="Europe/Berlin", currency="EUR"),
        taxes=Taxes(rates={}, categories={}),
        registers={"front": Register(letter="B", receipt_printer="receipt", drawer="drawer")},
        stations={
            "grill": Station(title="Grill", devices=("grill",), backup="bar"),
            "bar": Station(title="Bar", devices=("bar",)),
            **stations,
        },
        devices={
            "grill": Device(kind="escpos", address="127.0.0.1:1", profile="tm-t88vi"),
            "bar": Device(kind="escpos", address="127.0.0.1:2", profile="tm-t88vi"),
            "receipt": Device(kind="escpos", address="127.0.0.1:3", profile="tm-t88vi"),
            "drawer": Device(kind="drawer", printer="receipt", pin=2),
        },
        routing=Routing(default=("grill",)),
        tenders={},
        catalogue=CatalogueFile(file="builtin"),
    )



@dataclass
class Life:
    """One run of the agent. At the step number `dies_at` (journal writes and device calls, before and after each) it stops
    for ever in the middle of what it does."""

    dies_at: int | None = None
    steps: int = 0
    died: asyncio.Event = field(default_factory=asyncio.Event)

    async def step(self) -> None:
        self.steps += 1
        if self.dies_at is not None and self.steps >= self.dies_at:
            self.died.set()
            await asyncio.Event().wait()


class Printer:
    """Does what its script says, one word a delivery, then prints and confirms. `paper`: (what, marks, at_s)."""

    def __init__(self, name: str, seed: int = 0) -> None:
        self._name = name
        self.script: list[str] = []
        self.condition = CLEAN
        self.paper: list[tuple[str, tuple[str, ...], float]] = []
        self.kicks: list[str] = []
        self.tokens: list[bytes] = []
        self.calls = 0
        self.asked = 0
        self.busy = False
        self.life = Life()
        self._chance = random.Random(seed)

    @property
    def id(self) -> str:
        return self._name

    def accepts(self, document: Document) -> bool:
        return isinstance(document, PrintDocument | PulseDocument)

    async def deliver(self, document: Document, token: bytes) -> Delivery:
        assert not self.busy, "two at a time"
        self.busy = True
        try:
            return await self._deliver(document, token)
        finally:
            self.busy = False

    async def _deliver(self, document: Document, token: bytes) -> Delivery:
        life = self.life
        await life.step()
        self.calls += 1
        self.tokens.append(token)
        trouble = self.condition.trouble()
        word = self.script.pop(0) if self.script else "ok"
        if trouble is not None:
            raise NotSent("print", self._name, trouble, "the device says so")
        await asyncio.sleep(self._chance.uniform(0.01, 0.3))
        if word in ("unreachable", "busy", "paper_out", "bad_document", "no_answer"):
            reason: Reason = word  # type: ignore[assignment]
            raise NotSent("print", self._name, reason, "on command")
        if word == "bug":
            raise ValueError("a driver's mistake")
        if word != "lost":
            self._print(document)
        await life.step()
        if word == "slow":
            await asyncio.sleep(20)
        if word == "hang":
            await asyncio.Event().wait()
        if word in ("lost", "unconfirmed"):
            raise OutcomeUnknown("print", self._name, "no_answer", "on command")
        return Delivery("sent" if word == "sent" else "confirmed", "DLE EOT" if word == "sent" else "GS ( H")

    def _print(self, document: Document) -> None:
        if isinstance(document, PulseDocument):
            self.kicks.append(document.job_id)
        elif isinstance(document, PrintDocument):
            texts = [block.text.strip() for block in document.blocks if isinstance(block, Text)]
            marks = tuple(text for text in texts if "DUPLICATE" in text or text.startswith(("REROUTED", "CARRY", "FROM")))
            code = next((text for text in texts if text.startswith("T-")), "TEST")
            self.paper.append((code, marks, asyncio.get_running_loop().time()))

    async def status(self) -> Status:
        assert not self.busy, "status during a job"
        self.asked += 1
        return self.condition

    async def close(self) -> None:
        pass

    def printed(self) -> list[str]:
        return [code for code, _marks, _at in self.paper]


class MemoryJournal:
    """Survives lives. `refusing`: as a full disk does."""

    def __init__(self) -> None:
        self.rows: dict[str, JobRow] = {}
        self.events: list[Event] = []
        self.refusing = False
        self.refused = 0
        self.writes = 0
        self.life = Life()

    async def append(self, batch: Batch) -> Appended:
        life = self.life
        await life.step()
        await asyncio.sleep(0.002)
        if self.refusing:
            self.refused += 1
            raise StorageRefused("append", "journal", "disk full")
        self.writes += 1
        for row in batch.jobs:
            self.rows[row.job_id] = row
        self.events += [new.event for new in batch.events]
        await life.step()
        return Appended(len(self.events), "")

    def unsettled_jobs(self, device: str = "", state: str = "", limit: int = -1) -> Sequence[JobRow]:
        waiting = (row for row in self.rows.values() if not row.settled)
        rows = [row for row in waiting if device in ("", row.device) and state in ("", row.state)]
        return rows if limit < 0 else rows[:limit]

    def devices_with_jobs(self) -> Sequence[str]:
        return sorted({row.device for row in self.rows.values() if not row.settled})

    def job(self, job_id: str) -> JobRow | None:
        return self.rows.get(job_id)


class World:
    """Devices and journal stay; `living` runs an agent among them."""

    def __init__(self, settings: Config | None = None, seed: int = 0) -> None:
        self.config = settings or config()
        self.layouts = shelf.chosen(self.config)
        printers = (name for name, device in self.config.devices.items() if device.kind == "escpos")
        self.printers = {name: Printer(name, seed + n) for n, name in enumerate(printers)}
        self.journal = MemoryJournal()
        self.seed = seed
        self.ids = 0
        self.slept_ms = 0
        self.changes: list[str] = []
        self.island = False
        self.spool: Spool

    # --- as the registry does it ---

    def worker_ids(self) -> tuple[str, ...]:
        return tuple(self.printers)

    def worker_of(self, device_id: str) -> str | None:
        device = self.config.devices.get(device_id)
        return None if device is None else device.printer or device_id

    def device(self, worker_id: str) -> Printer:
        return self.printers[worker_id]

    def document(self, job: Job) -> Document:
        return documents.document(job, self.config, {}, self.layouts)

    def withheld(self, job: Job) -> str:
        return ""

    # --- clock and ids ---

    def now_ms(self) -> int:
        return EPOCH_MS + self.slept_ms + int(asyncio.get_running_loop().time() * 1000)

    def new_id(self) -> str:
        self.ids += 1
        return f"J{self.ids:06d}"

    def stamp(self, event: Event) -> NewEvent:
        return NewEvent(event, "2025-10-09", self.now_ms())

    # --- lives ---

    @asynccontextmanager
    async def living(self, dies_at: int | None = None) -> AsyncIterator[Life]:
        life = self.journal.life = Life(dies_at)
        for printer in self.printers.values():
            printer.life = life
            printer.busy = False
        self.spool = Spool(
            self.journal, self.config, self,
            stamp=self.stamp, now_ms=self.now_ms, new_id=self.new_id, seed=self.seed, on_change=self.changes.append,
            island=lambda: self.island,
        )  # fmt: skip
        running = asyncio.create_task(self.spool.run())
        await asyncio.sleep(0)  # its first step loads what waits
        try:
            yield life
        finally:
            if not running.done():
                running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def accept(self, *jobs: Job) -> None:
        """As the till does: one batch, then the spool is woken."""
        prepared = self.spool.prepare(jobs)
        await self.journal.append(Batch(jobs=tuple(map(job_row, prepared))))
        self.spool.submit(prepared)

    def job(
        self,
        code: str,
        device: str = "grill",
        document_class: DocumentClass = "kitchen_ticket",
        *,
        check: str = "",
        action: str = "add",
    ) -> Job:
        data: JobData
        station = ""
        if document_class in ("kitchen_ticket", "change_slip"):
            item = TicketLine(line_id="l1", action=action, quantity=1, name="Burger")
            data = TicketData(
                check_id=check or code, ticket_code=code, revision=1, station=device, order_type="dine_in",
                fired_at_ms=self.now_ms(), items=(item,),
            )  # fmt: skip
            station = device
        elif document_class == "receipt":
            data = ReceiptData(
                check_id=check or code, ticket_code=code, order_type="dine_in", printed_at_ms=self.now_ms(), terminal="front",
                server="", table="", lines=(), amounts=(),
            )  # fmt: skip
        elif document_class == "drawer_pulse":
            data = PulseData(drawer="drawer", cause="tender")
        else:
            data = TestSlipData(requested_at_ms=self.now_ms())
        return Job(
            job_id=self.new_id(), device=device, document_class=document_class, data=data,
            created_at_ms=self.now_ms(), check_id=check or code, station=station,
        )  # fmt: skip

    # --- what became of it ---

    def stored(self, job_id: str) -> Job:
        row = self.journal.job(job_id)
        assert row is not None
        return decode(row.body)

    def states(self, jobs: Iterable[Job]) -> list[str]:
        return [self.stored(job.job_id).state for job in jobs]

    def outcomes(self) -> list[tuple[str, str]]:
        return [(event.job_id, event.outcome) for event in self.journal.events if isinstance(event, DocumentSettled)]

    def reroutes(self) -> list[DocumentRerouted]:
        return [event for event in self.journal.events if isinstance(event, DocumentRerouted)]

    def unsettled(self) -> list[Job]:
        return [decode(row.body) for row in self.journal.unsettled_jobs()]

    async def until(self, condition: Callable[[], bool], within_s: float) -> None:
        """Virtual seconds."""
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - costs no time here
                await asyncio.sleep(0.05)

    async def until_done(self, within_s: float = 600) -> None:
        """Nothing is left but what waits for a person."""
        await self.until(lambda: all(job.state == "held" for job in self.unsettled()), within_s)

    def all_paper(self) -> list[tuple[str, tuple[str, ...], float]]:
        return sorted((sheet for printer in self.printers.values() for sheet in printer.paper), key=lambda sheet: sheet[2])

    def assert_repeats_are_marked(self) -> None:
        seen: set[str] = set()
        for code, marks, _at in self.all_paper():
            assert code not in seen or any("DUPLICATE" in mark for mark in marks), f"{code} repeated without a mark"
            seen.add(code)

    def assert_no_kick_twice(self) -> None:
        kicks = [kick for printer in self.printers.values() for kick in printer.kicks]
        assert len(kicks) == len(set(kicks)), "a drawer was opened twice"

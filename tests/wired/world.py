"""Registers with real spools and a lossy line between them, in virtual time: `a` drives the printers, the others use them
through it. What is on the printers' paper survives every death."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
from tests.spool.world import Life, MemoryJournal, Printer, World, config

from tillkeeper.config.model import Config, Register
from tillkeeper.contract.roles import Epoch
from tillkeeper.devices import wired_wire as wire
from tillkeeper.devices.remote import Remote
from tillkeeper.devices.wired import Bench
from tillkeeper.errors import TillkeeperError
from tillkeeper.journal.records import Appended, Batch, JobRow
from tillkeeper.replication.trouble import SinkTrouble
from tillkeeper.spool import jobs as steps
from tillkeeper.spool.model import Job, WiredData
from tillkeeper_drivers.api import Delivery, Device, Document, NotSent, Status

WIRED = ("grill", "receipt")


def store(register: str, **stations: Any) -> Config:
    """The grill's and the receipt printer, with the drawer, are wired to register a; the bar is everybody's."""
    base = config(**stations)
    devices = {
        name: msgspec.structs.replace(device, register="a" if name in WIRED else "") for name, device in base.devices.items()
    }
    registers = {name: Register(letter=name.upper(), receipt_printer="receipt", drawer="drawer") for name in ("a", "b", "c")}
    return msgspec.structs.replace(base, this_register=register, registers=registers, devices=devices)


class SettingsJournal(MemoryJournal):
    """With settings; and a copy of it is a restored disk."""

    def __init__(self) -> None:
        super().__init__()
        self.settings: dict[str, bytes] = {}
        self.written: Callable[[JobRow], None] = lambda _row: None

    async def append(self, batch: Batch) -> Appended:
        appended = await super().append(batch)
        self.settings |= batch.settings
        for row in batch.jobs:
            self.written(row)
        return appended


class DiskFence:
    """What was seen is on the disk before it is used, and found again by the next life."""

    def __init__(self, disk: "SettingsJournal") -> None:
        self._disk = disk
        kept = disk.settings.get("fence")
        self.highest = msgspec.json.decode(kept, type=Epoch) if kept is not None else Epoch()

    async def admit(self, epoch: Epoch) -> bool:
        if epoch > self.highest:
            await self._disk.append(Batch(settings={"fence": msgspec.json.encode(epoch)}))
            self.highest = max(self.highest, epoch)
        return epoch == self.highest


class Till(World):
    """One register. `bench` answers the others while it lives."""

    def __init__(self, register: str, room: "Room", seed: int) -> None:
        super().__init__(store(register), seed)
        self.name, self.room = register, room
        self.disk = SettingsJournal()
        self.journal = self.disk
        self.epoch = Epoch()
        self.bench: Bench
        self.life: Life | None = None
        self.remotes: dict[str, Remote] = {}
        self.stopped_s = 0.0
        """How long its process was stopped so far: its clock went on, and nothing of it ran."""

    @property
    def drives(self) -> frozenset[str]:
        wired = {name for name, device in self.config.devices.items() if device.register == self.name}
        return frozenset(wired)

    # --- as the registry does it ---

    def device(self, worker_id: str) -> Device:  # type: ignore[override]
        if self.config.wired_to(worker_id):
            remote = Remote(worker_id, self.config.wired_to(worker_id), Line(self), self._job, lambda: self.epoch)
            return self.remotes.setdefault(worker_id, remote)
        return self.printers[worker_id]

    def document(self, job: Job) -> Document:
        if not isinstance(job.data, WiredData):
            return super().document(job)
        self.room.begun(job.data)
        return self.bench.document(job)

    def withheld(self, job: Job) -> str:
        return self.bench.withheld(job)

    def _job(self, job_id: str) -> Job | None:
        row = self.journal.job(job_id)
        return steps.decode(row.body) if row is not None else None

    def new_id(self) -> str:
        self.ids += 1
        return f"{self.name.upper()}{self.ids:06d}"

    # --- lives ---

    @asynccontextmanager
    async def alive(self, dies_at: int | None = None) -> AsyncIterator[Life]:
        """Until the block ends, or it dies by itself."""
        self.remotes.clear()
        async with AsyncExitStack() as stack:
            loop = asyncio.get_running_loop()

            def now_s() -> float:
                return loop.time() + self.stopped_s

            self.bench = Bench(
                self.disk, lambda: self.spool, lambda name: name in self.drives, DiskFence(self.disk), now_s, self.now_ms
            )
            self.life = await stack.enter_async_context(self.living(dies_at))
            running = asyncio.create_task(self.bench.run())
            try:
                yield self.life
            finally:
                self.life = None
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                await self.room.drop(self)

    def seen(self, device: str) -> Status:
        """As this register last heard of it."""
        snapshot = self.spool.snapshot_of(device)
        return (snapshot.status if snapshot is not None else None) or Status()

    def trouble(self, device: str) -> str:
        snapshot = self.spool.snapshot_of(device)
        return snapshot.trouble if snapshot is not None else "no such device"

    @property
    def answers(self) -> bool:
        return self.life is not None and not self.life.died.is_set()


class Shared(Printer):
    """On the network: whoever comes second is told that it is busy."""

    async def deliver(self, document: Document, token: bytes) -> Delivery:
        if self.busy:
            raise NotSent("print", self.id, "busy", "another register prints on it")
        return await super().deliver(document, token)

    async def status(self) -> Status:
        return Status() if self.busy else await super().status()


class Line:
    """From one register to the others, as `remote.Lines`: what goes wrong on it is the room's to say."""

    def __init__(self, till: Till) -> None:
        self._till = till

    def there(self, register: str) -> bool:
        far = self._till.room.tills[register]
        return far.answers and not self._till.room.is_cut(self._till.name, register)

    async def ask(self, register: str, topic: str, body: bytes, within_s: float) -> bytes:
        return await self._till.room.ask(self._till.name, register, topic, body, within_s)


class Room:
    """All registers of the store. `printers` are a's; the bar's is shared.

    Args:
        lossy: one in so many questions, and answers, is lost; 0 none.
        slow_s: how long one may be under way at most.
    """

    def __init__(self, seed: int = 0, *, lossy: int = 0, slow_s: float = 0.004, names: str = "abc") -> None:
        self.chance = random.Random(seed)
        self.lossy, self.slow_s = lossy, slow_s
        self.tills = {name: Till(name, self, seed + n) for n, name in enumerate(names)}
        bar = Shared("bar", seed)
        for till in self.tills.values():
            till.printers["bar"] = bar
        self._cut: set[frozenset[str]] = set()
        self._answering: dict[str, set[asyncio.Task[bytes]]] = {name: set() for name in names}
        self.asked: list[tuple[str, str]] = []
        """(who, topic)."""
        self.obeyed: list[Epoch] = []
        """Under which epochs attempts of the others were begun at a, in that order."""
        self._epochs: dict[tuple[str, str, str], Epoch] = {}
        self._held_till_s = 0.0

    def __getitem__(self, name: str) -> Till:
        return self.tills[name]

    def printer(self, name: str) -> Printer:
        return self.tills["a"].printers[name]

    def cut(self, one: str, other: str) -> None:
        self._cut.add(frozenset((one, other)))

    def mend(self, one: str, other: str) -> None:
        self._cut.discard(frozenset((one, other)))

    def is_cut(self, one: str, other: str) -> bool:
        return frozenset((one, other)) in self._cut

    def hold(self, for_s: float) -> None:
        """What is sent from now on arrives, all of it, and so much later at most."""
        self._held_till_s = asyncio.get_running_loop().time() + for_s

    async def ask(self, near: str, far: str, topic: str, body: bytes, within_s: float) -> bytes:
        """Answered beside the question, as the real line does: it runs on when nobody waits any more."""
        subject = f"register {far}"
        self.asked.append((near, topic))
        if self.is_cut(near, far) or not self.tills[far].answers:
            raise SinkTrouble("unreachable", subject, "there is no line to it")
        try:
            async with asyncio.timeout(within_s):
                # It is under way, also when nobody waits for an answer any more.
                answer: asyncio.Task[bytes] = asyncio.create_task(self._arrive(near, far, topic, body))
                self._answering[far].add(answer)
                answer.add_done_callback(self._answered(far))
                said = await asyncio.shield(answer)
                await self._way(near, far)
                return said
        except TimeoutError:
            raise SinkTrouble("timeout", subject, f"no answer within {within_s:g} s") from None
        except asyncio.CancelledError:
            if self.tills[far].answers or asyncio.current_task().cancelling():  # type: ignore[union-attr]
                raise
            raise SinkTrouble("unreachable", subject, "the line ended") from None

    async def bring(self, near: str, topic: str, body: object) -> bytes:
        """One question to a, without a line."""
        return await self._arrive(near, "a", topic, wire.encode(body))

    def begun(self, data: WiredData) -> None:
        self.obeyed.append(self._epochs[data.register, data.origin, data.attempt])

    async def _arrive(self, near: str, far: str, topic: str, body: bytes) -> bytes:
        await self._way(near, far)
        if not self.tills[far].answers:
            raise SinkTrouble("unreachable", f"register {far}", "the line ended")
        if topic == wire.DO:
            do = wire.decode_do(body)
            self._epochs[near, do.origin, do.attempt] = do.epoch
        bench = self.tills[far].bench
        answerers = {wire.DO: bench.do, wire.STATE: bench.state, wire.STATUS: bench.status}
        return await answerers[topic](near, body)

    def _answered(self, far: str) -> Callable[[asyncio.Task[bytes]], None]:
        def done(answer: asyncio.Task[bytes]) -> None:
            self._answering[far].discard(answer)
            if not answer.cancelled() and (error := answer.exception()) is not None:
                assert isinstance(error, TillkeeperError | msgspec.DecodeError), error

        return done

    async def _way(self, near: str, far: str) -> None:
        await asyncio.sleep(self.chance.uniform(0.0005, self.slow_s))
        if (wait_s := self._held_till_s - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(wait_s)
        if self.is_cut(near, far) or (self.lossy and self.chance.randrange(self.lossy) == 0):
            await asyncio.Event().wait()

    async def drop(self, till: Till) -> None:
        """What it was answering dies with it."""
        for answer in tuple(self._answering[till.name]):
            answer.cancel()
        await asyncio.gather(*self._answering[till.name], return_exceptions=True)

    # --- what came of it ---

    def paper(self) -> list[tuple[str, tuple[str, ...], float]]:
        printers = {id(one): one for till in self.tills.values() for one in till.printers.values()}
        return sorted((sheet for one in printers.values() for sheet in one.paper), key=lambda sheet: sheet[2])

    def kicks(self) -> list[str]:
        return [kick for till in self.tills.values() for kick in till.printers["receipt"].kicks]

    def assert_promises(self, *codes: str) -> None:
        """Each at least once, each repeat marked, no drawer twice."""
        seen: set[str] = set()
        for code, marks, at_s in self.paper():
            marked = any("DUPLICATE" in mark for mark in marks)
            assert code not in seen or marked, f"{code} repeated at {at_s} without a mark: {self.paper()}"
            seen.add(code)
        assert set(codes) <= seen, f"lost: {set(codes) - seen}"
        assert len(self.kicks()) == len(set(self.kicks())), "a drawer was opened twice"

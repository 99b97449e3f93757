"""Registers of one store in one process: real journals, real files of what is held, real TLS; only the till is missing."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.support.keys import AUTHORITY, join_all
from tests.support.lines import Line

from tillkeeper import clock
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import ModeChanged
from tillkeeper.contract.roster import Left, Signed
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch, NewEvent
from tillkeeper.replication.held.held import HeldLogs
from tillkeeper.replication.library import Library
from tillkeeper.replication.model import LogId
from tillkeeper.replication.peers.desk import PeersDesk
from tillkeeper.replication.peers.parts import PeersParts
from tillkeeper.replication.peers.session import Connection
from tillkeeper.replication.peers.stream import Listener, StreamConnection, dial
from tillkeeper.replication.renewals import Renewals
from tillkeeper.trust.admitting import signed
from tillkeeper.trust.store_keys import StoreKeys

STORE = "corner"
DEADLINE_S = 30.0


class Counter:
    """One register: its journal, what it holds, and its desk. `lines` lead to the others."""

    def __init__(self, folder: Path, register: str, order: tuple[str, ...], lines: dict[str, Line]) -> None:
        self.folder, self.register, self.order, self.lines = folder, register, order, lines
        self.port = 0
        self.hq = False
        self.forked: frozenset[LogId] = frozenset()
        self._stack = contextlib.AsyncExitStack()

    async def open(self) -> None:
        keys = StoreKeys.open(self.folder, STORE, self.register)
        assert keys is not None
        self.keys = keys
        self.journal = await self._stack.enter_async_context(
            await Journal.open(
                self.folder / "journal.db", STORE, self.register, wall_ms=clock.wall_ms, new_id=clock.new_id, machine_id="m"
            )
        )
        self.held = await self._stack.enter_async_context(
            await HeldLogs.open(self.folder / "held.db", STORE, wall_ms=clock.wall_ms)
        )
        self.library = Library(self.journal, self.held, keys.signer.key, keys.signer.sign)
        self.renewals = Renewals(self.journal)
        self.desk = PeersDesk(
            PeersParts(
                store=STORE, register=self.register, version="1", session=clock.new_id(), order=self.order,
                callable=frozenset(self.lines), library=self.library, writing=self.journal, holdings=self.held, keys=keys,
                dial=self._dial, listen=self._listen, renewals=self.renewals, now_s=clock.boot_s, now_ms=clock.wall_ms,
                chance=random.Random(1), second_copy_s=0.05, hq=lambda: self.hq,
                forked=lambda: self.forked,
            )
        )  # fmt: skip

    async def _dial(self, register: str) -> StreamConnection:
        return await dial(self.keys, register, *self.lines[register].address)

    async def _listen(self, serve: Callable[[Connection], Awaitable[None]]) -> None:
        def bound(port: int) -> None:
            self.port = port

        await Listener(self.keys, "127.0.0.1", self.port).run(serve, bound)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())
        await until(lambda: self.port > 0 or self._task.done())
        if self._task.done():
            self._task.result()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.desk.run())
            tasks.create_task(self.renewals.run())

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def close(self) -> None:
        await self._stack.aclose()

    now_s = staticmethod(clock.boot_s)

    @property
    def own(self) -> LogId:
        return LogId(self.register, self.journal.incarnation)

    async def sell(self, count: int = 1) -> None:
        changes = (ModeChanged(mode="online", previous="offline", cause=clock.new_id()) for _ in range(count))
        events = tuple(NewEvent(change, "2026-11-22", n) for n, change in enumerate(changes))
        await self.journal.append(Batch(events=events))
        self.desk.notify()

    def holds(self, log: LogId) -> int:
        mark = self.held.marks().get(log)
        return mark.seq if mark is not None else 0

    def all_of(self, log: LogId) -> list[Envelope]:
        return self.library.events(log, 0, 1_000_000)


class Corner:
    """The store. `lines[a, b]` is the one over which a calls b."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.names = names
        self.folders = {name: folder / name for name in names}
        self.lines: dict[tuple[str, str], Line] = {}
        self.counters: dict[str, Counter] = {}
        self.keys: dict[str, str] = {}
        self.stack = contextlib.AsyncExitStack()

    def __getitem__(self, name: str) -> Counter:
        return self.counters[name]

    async def build(self, name: str) -> Counter:
        lines = {far: line for (near, far), line in self.lines.items() if near == name}
        counter = self.counters[name] = Counter(self.folders[name], name, self.names, lines)
        await counter.open()
        return counter

    async def begin(self, name: str) -> Counter:
        counter = self.counters.get(name) or await self.build(name)
        await counter.start()
        for (_, far), line in self.lines.items():
            if far == name:
                line.target = ("127.0.0.1", counter.port)
        return counter

    async def end(self, name: str) -> None:
        counter = self.counters.pop(name)
        await counter.stop()
        await counter.close()

    async def another_line(self, near: str, far: str) -> Line:
        """In place of one that stays as it is."""
        return await self.stack.enter_async_context(Line(self.lines[near, far].target))

    def leaving(self, register: str, **finals: int) -> tuple[Signed, ...]:
        """The statement that a register has left."""
        return (signed(AUTHORITY, Left(store=STORE, register=register, key=self.keys[register], finals=finals)),)

    async def between(self, one: str, other: str) -> tuple[Line, Line]:
        return self.lines[one, other], self.lines[other, one]

    async def cut(self, one: str, other: str) -> None:
        for line in await self.between(one, other):
            await line.cut()

    async def mend(self, one: str, other: str) -> None:
        for line in await self.between(one, other):
            await line.mend()


@contextlib.asynccontextmanager
async def corner(folder: Path, *names: str, start: bool = True) -> AsyncIterator[Corner]:
    store = Corner(folder, *names)
    for path in store.folders.values():
        path.mkdir(parents=True)
    store.keys = {name: member.key for name, member in join_all(STORE, store.folders).members.items()}
    async with store.stack as stack:
        for near in names:
            for far in names:
                if near != far:
                    store.lines[near, far] = await stack.enter_async_context(Line(("127.0.0.1", 9)))
        try:
            if start:
                for name in names:
                    await store.begin(name)
            yield store
        finally:
            for name in tuple(store.counters):
                await store.end(name)


async def until(seen: Callable[[], Any], deadline_s: float = DEADLINE_S) -> Any:
    """What `seen` gives as soon as it is true."""
    end = asyncio.get_running_loop().time() + deadline_s
    while not (found := seen()):
        assert asyncio.get_running_loop().time() < end, "not in time"
        await asyncio.sleep(0.01)
    return found

"""A device in memory that misbehaves on purpose: for tests, demonstrations and vendors' own drivers.

The peer is any function from bytes received to bytes answered, and it may keep state. What goes wrong on the way is
told by `Faults` and drawn from a seed, so a failure repeats.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import msgspec

from tillkeeper_drivers.api import Connection, TransportError

MAX_READ = 4096
Peer = Callable[[bytes], bytes]


class Faults(msgspec.Struct, frozen=True):
    """What goes wrong. Counts are bytes of one connection, None means never; chances are 0.0 to 1.0."""

    refuse: bool = False
    reset_on_connect: bool = False
    """Accepts, then resets before the first byte: somebody else holds the one connection."""
    reset_after: int | None = None
    """The peer has taken this many bytes when the connection breaks."""
    close_after: int | None = None
    """The same with an orderly end: the peer's answers until then still arrive."""
    reads_at_most: int | None = None
    """The peer stops taking bytes here, for ever: what is written past it never drains."""
    split_writes: bool = False
    """The peer sees writes in random portions."""
    split_reads: bool = False
    """Answers arrive in random portions."""
    lose: float = 0.0
    """The chance that an answer is lost."""
    delay_s: float = 0.0
    """How late each answer is, at most."""


class MemoryTransport:
    """A transport whose other end is `peer`.

    Args:
        peer: called with every portion the device receives; returns what the device sends back.
        faults: what goes wrong; may be replaced between jobs (`transport.faults = ...`).
        seed: of portions, losses and delays.
    """

    def __init__(self, peer: Peer, faults: Faults | None = None, seed: int = 0) -> None:
        self.faults = faults or Faults()
        self.received = bytearray()
        """All that the device took, over all connections."""
        self.connections = 0
        self._peer = peer
        self._random = random.Random(seed)  # noqa: S311 - not for secrets

    @property
    def name(self) -> str:
        return "memory"

    def connect(self, deadline_s: float) -> AbstractAsyncContextManager[Connection]:
        """Open for one job. Raises `TransportError("unreachable", bytes_left=False)` where `faults.refuse`."""
        return self._connect()

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[Connection]:
        await asyncio.sleep(0)
        if self.faults.refuse:
            raise TransportError("unreachable", "refused", bytes_left=False)
        self.connections += 1
        connection = MemoryConnection(self._take, self.faults, self._random)
        try:
            yield connection
        finally:
            connection.end()

    def _take(self, data: bytes) -> bytes:
        self.received += data
        return self._peer(data)


class MemoryConnection:
    """One connection to a `MemoryTransport`'s peer."""

    def __init__(self, take: Peer, faults: Faults, chance: random.Random) -> None:
        self._take = take
        self._faults = faults
        self._random = chance
        self._taken = 0
        self._answers = bytearray()
        self._changed = asyncio.Event()
        self._closed = False
        self._reset = False
        self._stalled = False
        self._unread = False
        self._timers: list[asyncio.TimerHandle] = []
        self._due = 0.0
        self._late: deque[bytes] = deque()

    async def write(self, data: bytes, deadline_s: float) -> None:
        """See `Connection.write`. Past `reads_at_most` the rest is taken and never delivered, as a kernel would."""
        await asyncio.sleep(0)
        if self._faults.reset_on_connect:
            raise TransportError("busy", "reset", bytes_left=False)
        before = self._taken
        for portion in self._portions(data) if self._faults.split_writes else [data]:
            if self._reset or self._closed:
                raise TransportError("lost", "the peer is gone", bytes_left=self._taken > before)
            self._write(portion)

    async def read(self, deadline_s: float) -> bytes:
        """See `Connection.read`."""
        async with asyncio.timeout(deadline_s):
            while not self._answers:
                if self._reset or self._faults.reset_on_connect:
                    raise TransportError("lost", "reset", bytes_left=self._taken > 0)
                if self._closed:
                    return b""
                self._changed.clear()
                await self._changed.wait()
        most = self._random.randint(1, len(self._answers)) if self._faults.split_reads else MAX_READ
        found = bytes(self._answers[:most])
        del self._answers[:most]
        return found

    async def drain(self, deadline_s: float) -> None:
        """See `Connection.drain`; "stalled" comes at once, in the name of the deadline."""
        await asyncio.sleep(0)
        if self._stalled:
            raise TransportError("stalled", "the peer stopped reading", bytes_left=True)
        if self._reset or self._unread:
            raise TransportError("lost", "reset", bytes_left=True)

    def push(self, data: bytes) -> None:
        """The device says something by itself."""
        self._answers += data
        self._changed.set()

    def _push_next(self) -> None:
        # Timers of the same moment run in any order; answers do not.
        self.push(self._late.popleft())

    def end(self) -> None:
        """The host closed; answers still under way are lost."""
        for timer in self._timers:
            timer.cancel()

    def _portions(self, data: bytes) -> list[bytes]:
        portions = []
        while data:
            size = self._random.randint(1, len(data))
            portions.append(data[:size])
            data = data[size:]
        return portions

    def _write(self, data: bytes) -> None:
        limits = (self._faults.reset_after, self._faults.close_after, self._faults.reads_at_most)
        room = min((limit - self._taken for limit in limits if limit is not None), default=len(data))
        taken = data[: max(0, room)]
        self._taken += len(taken)
        if taken:
            self._answer(self._take(taken))
        if self._faults.reset_after is not None and self._taken >= self._faults.reset_after:
            self._reset = True
            self._answers.clear()
        elif self._faults.close_after is not None and self._taken >= self._faults.close_after:
            self._closed = True
            self._unread = len(taken) < len(data)
        elif len(taken) < len(data):
            self._stalled = True  # as far as `write` can tell all is well: the host's kernel took the rest
        self._changed.set()

    def _answer(self, data: bytes) -> None:
        if not data or self._random.random() < self._faults.lose:
            return
        if self._faults.delay_s:
            loop = asyncio.get_running_loop()
            # Late, but never overtaken by the next answer.
            self._due = max(self._due, loop.time() + self._random.uniform(0, self._faults.delay_s))
            self._late.append(data)
            self._timers.append(loop.call_at(self._due, self._push_next))
        else:
            self.push(data)

"""Lines between machines: ordered within a connection as TCP is, and bad in every way in which a store's network is.

A path leads one way from one machine to another. A packet that is lost comes later; a path that is shut holds what was sent
until it opens again or somebody gives up.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from tests.simulation.loops import MachineLoop

from tillkeeper.replication.peers.wire import HEADER, Malformed, Message, decode, frame_length
from tillkeeper.replication.trouble import SinkTrouble

CONNECT_S = 2.0
HANDSHAKE_S = 3.0
SEND_S = 5.0
AGAIN_S = 0.3
WINDOW = 16
"""Frames on their way before `send` waits and `post` gives up."""


class Host(Protocol):
    """A machine. `powered`: its kernel answers. `serve`: what it does with callers, None while nothing listens."""

    name: str
    register: str
    loop: MachineLoop
    powered: bool
    serve: "Callable[[SimConnection], Awaitable[None]] | None"

    @property
    def key(self) -> str: ...


class Path:
    """`shut`: nothing comes through. `loss`: share of packets that have to be sent again."""

    def __init__(self) -> None:
        self.well()

    def well(self) -> None:
        self.shut = False
        self.low_s, self.high_s, self.loss = 0.0003, 0.002, 0.0

    def delay_s(self, chance: random.Random) -> float:
        lost = chance.random() < self.loss
        return chance.uniform(self.low_s, self.high_s) + (chance.uniform(0.2, 1.6) if lost else 0.0)


class Net:
    """`nature`: the loop in which packets travel; it never dies."""

    def __init__(self, nature: MachineLoop, seed: int) -> None:
        self.nature, self._seed = nature, seed
        self._paths: dict[tuple[str, str], Path] = {}
        self.hosts: list[Host] = []
        self.connections: list[SimConnection] = []
        self._made = 0

    def path(self, source: str, target: str) -> Path:
        return self._paths.setdefault((source, target), Path())

    def paths(self) -> list[Path]:
        return list(self._paths.values())

    def chance(self) -> random.Random:
        """One of its own for each connection: what one does never changes another's luck."""
        self._made += 1
        return random.Random(f"{self._seed} line {self._made}")

    async def dial(self, caller: Host, register: str) -> "SimConnection":
        """Raises: SinkTrouble."""
        chance = self.chance()
        found = [host for host in self.hosts if host.register == register and host.powered and host is not caller]
        target = chance.choice(found) if found else None
        subject = f"register {register}"
        there = self.path(caller.name, target.name if target else register)
        back = self.path(target.name if target else register, caller.name)
        await asyncio.sleep(there.delay_s(chance) + back.delay_s(chance))
        if target is None or there.shut or back.shut or not target.powered:
            await asyncio.sleep(CONNECT_S)
            raise SinkTrouble("unreachable", subject, f"no answer within {CONNECT_S:g} s")
        if target.serve is None or not target.loop.alive:
            raise SinkTrouble("unreachable", subject, "connection refused")
        await asyncio.sleep(there.delay_s(chance) + back.delay_s(chance))
        if target.loop.paused or there.shut or back.shut:
            await asyncio.sleep(HANDSHAKE_S)
            raise SinkTrouble("timeout", subject, f"no handshake within {HANDSHAKE_S:g} s")
        if target.serve is None or not target.loop.alive:
            raise SinkTrouble("unreachable", subject, "connection reset")
        here = SimConnection(self, caller, target, there, chance)
        other = SimConnection(self, target, caller, back, self.chance())
        here.other, other.other = other, here
        self.connections = [*(one for one in self.connections if not one.ended), here, other]
        target.loop.call_soon(target.loop.create_task, target.serve(other))
        return here

    def died(self, host: Host) -> None:
        """Its process is gone; a kernel that still runs says so to the others."""
        for one in self.connections:
            if one.owner is host and not one.ended:
                one.ended = True
                if host.powered:
                    one.travel(None)


class SimConnection:
    """One end; see `session.Connection`. `owner`'s process reads and writes here."""

    other: "SimConnection"

    def __init__(self, net: Net, owner: Host, peer: Host, path: Path, chance: random.Random) -> None:
        self._net, self.owner, self.peer, self._path, self._chance = net, owner, peer, path, chance
        self.register, self.key, self.address = "", peer.key, peer.name
        self.ended = False
        self._loop = owner.loop
        self._inbox: deque[bytes | None] = deque()
        self._arrived, self._room = asyncio.Event(), asyncio.Event()
        self._out: deque[bytes | None] = deque()
        self._reset = False

    async def send(self, frame: bytes) -> None:
        if self.ended or not self._loop.alive:
            raise self._lost("the line is closed")
        self.travel(frame)
        try:
            async with asyncio.timeout(SEND_S):
                while len(self._out) > WINDOW and not self.ended:
                    self._room.clear()
                    await self._room.wait()
        except TimeoutError:
            raise SinkTrouble("timeout", self._who(), f"takes nothing for {SEND_S:g} s") from None

    def post(self, frame: bytes) -> None:
        if not self.ended and self._loop.alive and len(self._out) < WINDOW:
            self.travel(frame)

    async def receive(self, within_s: float) -> Message:
        try:
            async with asyncio.timeout(within_s):
                while True:
                    while not self._inbox:
                        if self.ended or self._reset:
                            raise self._lost("the line was reset")
                        self._arrived.clear()
                        await self._arrived.wait()
                    frame = self._inbox.popleft()
                    if frame is None:
                        self._reset = True
                        continue
                    if (message := self._read(frame)) is not None:
                        return message
        except TimeoutError:
            raise SinkTrouble("timeout", self._who(), f"silent for {within_s:g} s") from None

    def _read(self, frame: bytes) -> Message | None:
        try:
            _, flag = frame_length(frame[: HEADER.size])
            return decode(flag, frame[HEADER.size :])
        except Malformed as error:
            raise SinkTrouble("garbage", self._who(), str(error)) from error

    def abort(self) -> None:
        """Also what a broken network does to both ends."""
        if not self.ended:
            self.ended = True
            self._out.clear()
            self._arrived.set()
            self._room.set()
            if self._loop.alive:
                self.travel(None)

    async def aclose(self) -> None:
        if not self.ended and self._loop.alive:
            self.ended = True
            self._arrived.set()
            self._room.set()
            self.travel(None)

    # --- on its way ---

    def travel(self, frame: bytes | None) -> None:
        self._out.append(frame)
        if len(self._out) == 1:
            self._net.nature.call_later(self._path.delay_s(self._chance), self._deliver)

    def _deliver(self) -> None:
        if not self._out:
            return
        if self._path.shut or not self.peer.powered:
            if not self.other.ended:
                self._net.nature.call_later(AGAIN_S, self._deliver)
            return
        frame = self._out.popleft()
        self._room.set()
        self.other._take(frame)
        if self._out:
            self._net.nature.call_later(self._path.delay_s(self._chance), self._deliver)

    def _take(self, frame: bytes | None) -> None:
        if self.ended or not self._loop.alive:
            if frame is not None and not self.other.ended:
                self.other._inbox.append(None)  # nobody has this connection any more: reset
                self.other._arrived.set()
            return
        self._inbox.append(frame)
        self._arrived.set()

    def _who(self) -> str:
        return f"register {self.register or self.peer.register}"

    def _lost(self, cause: str) -> SinkTrouble:
        return SinkTrouble("unreachable", self._who(), cause)

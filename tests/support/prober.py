"""A stand-in for the prober: says over the agent's socket what a test wants said, and hears what the agent says.

async with StandIn(rig.data / "probe.sock") as prober:
    await prober.hello()
    await prober.says("confirmed", "router_dead", "router_cable")
    async with prober.reporting(verdict("fine")):      # once a second, as the real one
        ...
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Self

import msgspec
from msgspec.structs import replace

from tillkeeper import clock
from tillkeeper.network.model import Column, ColumnName, Evidence, Phase, Report, TargetState, Verdict
from tillkeeper.network.wire import Diagnose, FromAgent, FromProber, Hello, Reported, Uplink

DEADLINE_S = 60.0
LOOK_S = 0.01

_decode = msgspec.json.Decoder(FromAgent).decode

COLUMNS: dict[ColumnName, Column] = {
    "carrier": Column(state="yes", paths=1, since_s=1.0),
    "address": Column(state="yes", paths=1, since_s=1.0),
    "broadcast": Column(state="yes", hits=5, paths=1, since_s=1.0),
    "gateway": Column(state="yes", hits=10, paths=1, rtt_ms=0.4, usual_ms=0.4, since_s=1.0),
    "neighbours": Column(state="yes", hits=5, paths=2, since_s=1.0),
    "router": Column(state="yes", hits=50, paths=1, rtt_ms=0.5, usual_ms=0.5, since_s=1.0),
    "anycast": Column(state="yes", hits=10, paths=2, rtt_ms=12.0, usual_ms=12.0, since_s=1.0),
}
"""A network in which all is well, as far as it is asked."""
ROUTER_DEAD: dict[ColumnName, Column] = COLUMNS | {
    "gateway": Column(state="no", misses=5, run=5, paths=1, since_s=2.0),
    "router": Column(state="no", misses=12, run=12, paths=1, since_s=2.0),
    "anycast": Column(state="no", misses=12, run=8, paths=2, since_s=2.0),
}


def targets(now_s: float, *, dead: bool) -> tuple[TargetState, ...]:
    """A router that answers, or did until 4 s ago; a printer that does; a modem that never did; nobody with our address."""
    gateway = TargetState(
        name="gateway", role="gateway", address="192.0.2.1", way="echo", works="yes", sent=100, answered=90, late=1, rtt_ms=0.5,
        run=12 if dead else 0, answered_s=now_s - (4.0 if dead else 0.1),
    )  # fmt: skip
    printer = TargetState(
        name="grill", role="printer", address="192.0.2.60", way="arp", works="yes", sent=40, answered=40, late=0, rtt_ms=0.4,
        mac="02:00:00:00:00:60", answered_s=now_s - 0.5,
    )  # fmt: skip
    modem = TargetState(
        name="modem", role="modem", address="198.51.100.1", way="echo", works="no", sent=10, answered=0, late=0, rtt_ms=None,
        run=10,
    )  # fmt: skip
    own = TargetState(
        name="self:192.0.2.11", role="self", address="192.0.2.11", way="arp", works="no", sent=6, answered=0, late=0,
        rtt_ms=None, run=6,
    )  # fmt: skip
    return gateway, printer, modem, own


def _since(columns: dict[ColumnName, Column], now_s: float) -> dict[ColumnName, Column]:
    """What is missing went 4 s ago, all else has been there for 20 min."""
    ages = {"yes": 1200.0, "no": 4.0, "unknown": 0.0}
    return {name: replace(column, since_s=now_s - ages[column.state]) for name, column in columns.items()}


def verdict(phase: Phase, *faults: str, also: tuple[str, ...] = (), since_s: float | None = None) -> Verdict:
    return Verdict(phase=phase, faults=faults, also=also, since_s=clock.boot_s() if since_s is None else since_s)


def report(said: Verdict, at_s: float | None = None) -> Report:
    """As of now; the columns fit a dead router where anything is wrong."""
    now_s = clock.boot_s() if at_s is None else at_s
    columns = ROUTER_DEAD if said.phase in ("suspect", "confirmed") else COLUMNS
    return Report(
        at_s=now_s,
        verdict=said,
        evidence=Evidence(at_s=now_s, interface="eth0", columns=_since(columns, now_s)),
        targets=targets(now_s, dead=columns is ROUTER_DEAD),
        probes_sent=1000,
        arp_sent=80,
        wan_bytes=4096,
    )


class StandIn:
    """See the module. `heard`: everything that the agent has said to this connection, oldest first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[FromAgent] = []
        self.ended = asyncio.Event()
        """The agent has closed the connection."""
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                    self.reader, self.writer = await asyncio.open_unix_connection(str(self.path), limit=2**20)
                    break
                await asyncio.sleep(LOOK_S)
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.die()

    async def die(self) -> None:
        """As a killed process does: the connection is gone."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
            self._listening = None
        self.writer.transport.abort()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    def deaf(self) -> None:
        """From now on it does not read."""
        assert self._listening is not None
        self._listening.cancel()

    async def _listen(self) -> None:
        try:
            while line := await self.reader.readline():
                self.heard.append(_decode(line))
        except OSError:
            pass
        finally:
            self.ended.set()

    async def raw(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self.writer.write(data)
            await self.writer.drain()

    async def say(self, message: FromProber) -> None:
        await self.raw(msgspec.json.encode(message) + b"\n")

    async def hello(self, *, raw: bool = True, trouble: str = "", unkeyed: str = "") -> None:
        await self.say(Hello(version="0.1.0", pid=os.getpid(), interface="eth0", raw=raw, trouble=trouble, unkeyed=unkeyed))

    async def says(self, phase: Phase, *faults: str, also: tuple[str, ...] = ()) -> None:
        await self.say(Reported(report=report(verdict(phase, *faults, also=also))))

    @contextlib.asynccontextmanager
    async def reporting(self, said: Verdict, every_s: float = 0.5) -> AsyncIterator[None]:
        """Says it again and again."""

        async def again() -> None:
            while True:
                await self.say(Reported(report=report(said)))
                await asyncio.sleep(every_s)

        task = asyncio.create_task(again())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def hears(self, what: Callable[[FromAgent], bool]) -> FromAgent:
        """The first thing that it has heard, or hears before the deadline, that is so."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                if found := [message for message in self.heard if what(message)]:
                    return found[0]
                await asyncio.sleep(LOOK_S)

    async def uplink(self, what: Callable[[Uplink], bool] = lambda _: True) -> Uplink:
        found = await self.hears(lambda message: isinstance(message, Uplink) and what(message))
        assert isinstance(found, Uplink)
        return found

    async def asked(self) -> Diagnose:
        """The newest wish for a diagnosis."""
        await self.hears(lambda message: isinstance(message, Diagnose))
        return [message for message in self.heard if isinstance(message, Diagnose)][-1]

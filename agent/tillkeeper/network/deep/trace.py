"""The way to a target, hop by hop: echoes of every TTL at once, then UDP datagrams where no answer came."""

from typing import Literal

from tillkeeper.network.deep import packets
from tillkeeper.network.deep.check import Check, Found, Line, Outcome, Skip
from tillkeeper.network.deep.values import Heard, IcmpHeard

MAX_HOPS = 12
PACE_S = 0.03
SECOND_S = 1.8
"""A router answers at most one a second to each host (Linux' icmp_ratelimit): the second try comes later than that."""
END_S = 4.2


class TraceFound(Found, frozen=True):
    """`hops`: "3 192.0.2.1 8.4 ms" or "3 no answer", up to the target or the last hop that answered. `stopped_by`: a router
    that says it cannot go on, and how it says it."""

    target: str
    reached: bool
    hops: list[str]
    last: str
    stopped_by: str


class Trace(Check):
    """`source`: own address of the target's family. `identifier`: of the echoes, and above 49152 the UDP source port."""

    def __init__(
        self, line: Line, where: Literal["hq", "anycast"], target: str, source: str, identifier: int, port: int
    ) -> None:
        self.name = f"route_{where}"
        self._title = "HQ" if where == "hq" else target
        self.doing = f"Following the way to {self._title} ..."
        self._missing = "no address of HQ is known" if where == "hq" else "no public address is configured to be asked"
        self._line = line
        self._target = target
        self._source = source
        self._identifier = identifier
        self._port = port
        self._began_s = 0.0
        self._due: list[tuple[float, int, bool]] = []
        self._sent: dict[tuple[int, bool], float] = {}
        self._hops: dict[int, tuple[str, float]] = {}
        self._reached: int | None = None
        self._stopped = ""

    def begin(self, now_s: float) -> None:
        if not self._target:
            raise Skip(self._missing)
        if not self._source:
            raise Skip(f"the interface has no address from which {self._target} can be asked")
        self._began_s = now_s
        ttls = range(1, MAX_HOPS + 1)
        self._due = [(now_s + ttl * PACE_S, ttl, False) for ttl in ttls]
        self._due += [(now_s + SECOND_S + ttl * PACE_S, ttl, True) for ttl in ttls]

    def take(self, heard: Heard, now_s: float) -> None:
        if not isinstance(heard, IcmpHeard) or heard.destination != self._target:
            return
        if heard.protocol == "icmp" and heard.identifier == self._identifier:
            ttl, second = heard.sequence, False
        elif heard.protocol == "udp" and heard.identifier == self._port:
            ttl, second = heard.sequence - packets.UDP_PORT, True
        else:
            return
        sent_s = self._sent.get((ttl, second))
        if sent_s is None:
            return
        there = heard.source == self._target and heard.kind != "time_exceeded"
        if there:
            self._reached = min(ttl, self._reached or ttl)
        elif heard.kind not in ("time_exceeded", "too_big"):
            self._stopped = f"{heard.source} ({heard.kind.replace('_', ' ')})"
        self._hops.setdefault(ttl, (heard.source, max(0.0, now_s - sent_s) * 1000))

    def poll(self, now_s: float, *, last: bool) -> Outcome | None:
        while self._due and now_s >= self._due[0][0]:
            _, ttl, second = self._due.pop(0)
            if ttl not in self._hops and not (self._reached and ttl > self._reached):
                self._send(ttl, second)
        wanted = range(1, self._reached) if self._reached else range(1, MAX_HOPS + 1)
        complete = all(ttl in self._hops for ttl in wanted)
        return self._outcome() if last or complete or now_s >= self._began_s + END_S else None

    def _send(self, ttl: int, second: bool) -> None:
        if second:
            packet = packets.datagram(self._source, self._target, ttl, self._port, packets.UDP_PORT + ttl)
        else:
            packet = packets.echo(self._source, self._target, ttl, self._identifier, ttl)
        self._sent[ttl, second] = self._line.packet(packet, self._target)

    def _outcome(self) -> Outcome:
        end = self._reached or max(self._hops, default=0)
        hops = [
            f"{ttl} {self._hops[ttl][0]} {self._hops[ttl][1]:.1f} ms" if ttl in self._hops else f"{ttl} no answer"
            for ttl in range(1, end + 1)
        ]
        last = self._hops[end][0] if end else ""
        found = TraceFound(target=self._target, reached=bool(self._reached), hops=hops, last=last, stopped_by=self._stopped)
        if self._reached:
            words = f"{self._title} answers at hop {self._reached}"
        elif self._stopped:
            words = f"The way to {self._title} is refused by {self._stopped}"
        elif end:
            words = f"The way to {self._title} is known up to hop {end} ({last}); nothing beyond it answers"
        else:
            words = f"No hop on the way to {self._title} answers"
        return Outcome(state="done", words=words, found=found)

"""How large may a packet be on the way to HQ? Echoes of several sizes that must not be fragmented (RFC 1191, RFC 8201).

A size that gets no answer although nobody says "too big" is a black hole: connections begin and then hang."""

from tillkeeper.network.deep import packets
from tillkeeper.network.deep.check import Check, Found, Line, Outcome, Skip
from tillkeeper.network.deep.values import Heard, IcmpHeard

SIZES = (9000, 1500, 1492, 1480, 1472, 1454, 1440, 1420, 1400, 1360, 1280, 1024, 576)
"""Bytes of the whole packet. Ethernet, PPPoE (1492), tunnels and VPNs (1480 ... 1360), what IPv6 guarantees, what IPv4 does."""
TRIES = 2
PACE_S = 0.04
ROUND_S = 1.6
HOPS = 64


class PathMtuFound(Found, frozen=True):
    """`mtu`: the largest size that was answered, 0 for none. `told`: what a router said fits, and which one."""

    target: str
    mtu: int
    interface_mtu: int
    told_mtu: int | None
    told_by: str
    black_hole: bool


class PathMtu(Check):
    """`targets`: (title, address, own address); the next one is asked where the one before answers no echo at all."""

    name = "path_mtu"
    doing = "Measuring how large a packet may be ..."

    def __init__(self, line: Line, targets: tuple[tuple[str, str, str], ...], identifier: int) -> None:
        self._line = line
        self._targets = [target for target in targets if target[1] and target[2]]
        self._identifier = identifier
        self._sizes: tuple[int, ...] = ()
        self._due: list[tuple[float, int]] = []
        self._end_s = 0.0
        self._answered: set[int] = set()
        self._told: tuple[int, str] | None = None

    def begin(self, now_s: float) -> None:
        if not self._targets:
            raise Skip("neither HQ nor a public address is known to be asked")
        self._start(now_s)

    def _start(self, now_s: float) -> None:
        _, target, _ = self._targets[0]
        least = 1280 if ":" in target else 576
        mtu = self._line.mtu
        self._sizes = tuple(sorted({size for size in (mtu, *SIZES) if least <= size <= mtu}, reverse=True))
        order = [(attempt, size) for attempt in range(TRIES) for size in self._sizes]
        self._due = [(now_s + attempt * ROUND_S + self._sizes.index(size) * PACE_S, size) for attempt, size in order]
        self._end_s = now_s + TRIES * ROUND_S
        self._answered = set()
        self._told = None

    def take(self, heard: Heard, now_s: float) -> None:
        _, target, _ = self._targets[0]
        if not isinstance(heard, IcmpHeard) or (heard.destination, heard.identifier) != (target, self._identifier):
            return
        if heard.kind == "echo_reply" and heard.sequence in self._sizes:
            self._answered.add(heard.sequence)
        elif heard.kind == "too_big":
            self._told = (heard.mtu or 0, heard.source)

    def poll(self, now_s: float, *, last: bool) -> Outcome | None:
        _, target, source = self._targets[0]
        while self._due and now_s >= self._due[0][0]:
            _, size = self._due.pop(0)
            if size > max(self._answered, default=0):
                self._line.packet(packets.echo(source, target, HOPS, self._identifier, size, size), target)
        complete = bool(self._sizes) and self._sizes[0] in self._answered
        if not complete and not last and now_s < self._end_s:
            return None
        if not self._answered and not last and len(self._targets) > 1:
            self._targets.pop(0)
            self._start(now_s)
            return None
        return self._outcome()

    def _outcome(self) -> Outcome:
        title, target, _ = self._targets[0]
        if not self._answered:
            return Outcome(state="failed", words=f"{title} answers no echo of any size: the size cannot be measured")
        mtu, own = max(self._answered), self._line.mtu
        told_mtu, told_by = self._told or (None, "")
        hole = mtu < own and self._told is None
        found = PathMtuFound(
            target=target, mtu=mtu, interface_mtu=own, told_mtu=told_mtu, told_by=told_by, black_hole=hole
        )  # fmt: skip
        if mtu == own:
            words = f"Packets of {mtu} bytes reach {title}: nothing on the way is narrower than this interface"
        elif hole:
            words = f"Packets over {mtu} bytes vanish on the way to {title} and no router says so (a black hole)"
        else:
            words = f"Packets of at most {told_mtu or mtu} bytes reach {title}; {told_by} says so"
        return Outcome(state="done", words=words, found=found)

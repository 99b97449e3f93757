"""What is known of each other register: when it was heard, what it holds, what it says of itself."""

from collections.abc import Mapping, Sequence

import msgspec

from tillkeeper.replication.link import LinkStatus, SinkLink
from tillkeeper.replication.model import LogId, Mark
from tillkeeper.replication.peers.session import Session
from tillkeeper.replication.sinks import SILENT_S, Author

MAX_MARKS = 4_000
"""Of one register; what it says beyond that is not remembered."""
STALLED_S = 3.0
"""A log that a sink lacks and does not get from its author in this time is relayed."""
ALL_HELP_S = 30.0
"""After so long everybody who holds a silent register's log relays it, not only the first in the order."""


class PeerState:
    """One other register. `calling`: the session that we dialled, over which we push; `called`: the one it dialled. `told`: of
    logs of which it has another branch, up to where which run of its agent has answered. `past`: logs of its own that it did
    not write any more when it was met; what it lacks of them it gets from others at once."""

    def __init__(self, register: str) -> None:
        self.register = register
        self.calling: Session | None = None
        self.called: Session | None = None
        self.link: SinkLink | None = None
        self.last_link: LinkStatus | None = None
        self.heard_s: float | None = None
        self.hq = False
        self.hears: frozenset[str] = frozenset()
        self.marks: dict[LogId, Mark] = {}
        self.acked: dict[LogId, int] = {}
        self.told: dict[LogId, tuple[str, int]] = {}
        self.past: frozenset[LogId] = frozenset()
        self.trouble = self.error = ""
        self.alarm = ""
        self.relays: frozenset[LogId] = frozenset()
        self._lacks: dict[LogId, tuple[int, float]] = {}

    def hear(self, now_s: float) -> None:
        self.heard_s = now_s

    def age_s(self, now_s: float) -> float | None:
        """Since its last word, whoever dialled; None where it never said one."""
        stamps = [session.heard_s for session in (self.calling, self.called) if session is not None]
        if self.heard_s is not None:
            stamps.append(self.heard_s)
        return now_s - max(stamps) if stamps else None

    def is_heard(self, now_s: float) -> bool:
        age_s = self.age_s(now_s)
        return age_s is not None and age_s <= SILENT_S and (self.calling is not None or self.called is not None)

    def learn(self, marks: Sequence[Mark]) -> None:
        for mark in marks:
            if mark.log in self.marks or len(self.marks) < MAX_MARKS:
                self.marks[mark.log] = mark

    def seq(self, log: LogId) -> int:
        mark = self.marks.get(log)
        return mark.seq if mark is not None else 0

    def has(self, log: LogId) -> int:
        """As far as it has said, answered for or brought it."""
        return max(self.seq(log), self.acked.get(log, 0))

    def author(self, now_s: float) -> Author | None:
        """What it says of its own logs; None where it never said anything."""
        age_s = self.age_s(now_s)
        if age_s is None:
            return None
        own = (log for log in self.marks.keys() | self.acked.keys() if log.register == self.register)
        heads = {log.incarnation: self.has(log) for log in own}
        return Author(age_s if self.is_heard(now_s) else max(age_s, SILENT_S + 0.001), self.hq, heads)

    def look_for_relays(self, held: Mapping[LogId, Mark], now_s: float) -> bool:
        """Which logs it lacks and does not get by itself: those of others, and what it has lost of its own, which nobody else
        sends it; whether that changed."""
        relays = set()
        for log, mark in held.items():
            theirs = self.has(log)
            if theirs >= mark.seq:
                self._lacks.pop(log, None)
                continue
            before, since_s = self._lacks.get(log, (theirs, now_s))
            if log not in self.relays and theirs != before:
                since_s = now_s  # it moves by itself
            self._lacks[log] = (theirs, since_s)
            if now_s - since_s >= STALLED_S or log in self.past:
                relays.add(log)
        changed = relays != self.relays
        self.relays = frozenset(relays)
        return changed


class PeerStatus(msgspec.Struct, frozen=True):
    """`sink`: this register pushes to it. `reachable`: a line to it stands, or, where none is kept, somebody who is heard hears
    it. `heard_s`: seconds since its last word here, None for never. `behind`: events that it is still to get from here, None
    where that is not known. `for_s`: about how long that takes at the rate of late, None where it does not move. `version`: of
    its agent. `refuses`: why it takes no more of the books."""

    register: str
    sink: bool
    reachable: bool
    heard_s: float | None
    behind: int | None
    for_s: float | None
    trouble: str = ""
    error: str = ""
    version: str = ""
    refuses: str = ""
    alarms: tuple[str, ...] = ()


def first_helper(order: Sequence[str], me: str, log: LogId, seq: int, others: Mapping[str, PeerState], now_s: float) -> str:
    """Who relays a log to HQ: the first in the order who is heard, reaches HQ and holds it as far as `seq`."""
    for register in order:
        if register in (me, log.register):
            if register == me:
                return me
            continue
        state = others.get(register)
        if state is not None and state.is_heard(now_s) and state.hq and state.seq(log) >= seq:
            return register
    return me


def hears_author(order: Sequence[str], me: str, log: LogId, seq: int, others: Mapping[str, PeerState], now_s: float) -> bool:
    """Whether somebody before this register in the order hears the author of a log, reaches HQ and holds it as far as `seq`:
    then it knows better whether the author needs help, and gives it. Of two that could leave it to each other the first helps.
    """
    for register in order:
        if register == me:
            return False
        state = others.get(register)
        if state is not None and state.is_heard(now_s) and state.hq and log.register in state.hears and state.seq(log) >= seq:
            return True
    return False

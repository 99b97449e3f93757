"""What this register knows of the others when a day is to be closed: the facts for `day/end_of_day.py`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tillkeeper.contract.day import DayMember
from tillkeeper.day.end_of_day import LogFacts, MemberFacts, member
from tillkeeper.day.index import DayIndex
from tillkeeper.replication.following import Logs
from tillkeeper.replication.model import LogId

if TYPE_CHECKING:
    from tillkeeper.replication.peers.state import PeerState  # a register alone does without

COPIES = 2
"""Registers that are to hold a log up to its tail, where so many can be heard."""


@dataclass(frozen=True, kw_only=True)
class MemberParts:
    """`members`: the registers that belong to the store. `states`: what is known of each other one, empty for a register
    alone. `finals`: the furthest that anybody holds of a register's logs, by incarnation. `writing`: this register's log."""

    register: str
    logs: Logs
    index: DayIndex
    members: Callable[[], tuple[str, ...]]
    states: "Mapping[str, PeerState]"
    finals: Callable[[str], Mapping[str, int]]
    now_s: Callable[[], float]
    writing: Callable[[], str]


class DayMembers:
    def __init__(self, parts: MemberParts) -> None:
        self._ = parts

    def heard(self) -> tuple[str, ...]:
        """The other members that can be heard now."""
        now_s, members = self._.now_s(), self._.members()
        return tuple(name for name, state in self._.states.items() if name in members and state.is_heard(now_s))

    def look(self, day: str, told: Mapping[LogId, int] | None = None) -> tuple[DayMember, ...]:
        """How each register stands to the close of `day`. `told`: tails that were told just now and have not come as events.

        Raises:
            StorageUnreadable: as `Logs.heads`.
        """
        parts = self._
        held = {which: mark.seq for which, mark in parts.logs.heads().items()}
        members = parts.members()
        names = [*members, *sorted({which.register for which in held} - set(members))]
        return tuple(member(day, self._facts(day, name, name in members, held, told or {})) for name in names)

    def _facts(
        self, day: str, name: str, is_member: bool, held: Mapping[LogId, int], told: Mapping[LogId, int]
    ) -> MemberFacts:  # fmt: skip
        parts, own = self._, name == self._.register
        state, heard = parts.states.get(name), self.heard()
        known = dict(parts.finals(name))
        for which, seq in [*held.items(), *told.items()]:
            if which.register == name:
                known[which.incarnation] = max(seq, known.get(which.incarnation, 0))
        age_s = state.age_s(parts.now_s()) if state is not None else None
        ended = parts.index.ended
        over = ended.logs(name) | {one for one in known if self._is_over(LogId(name, one), told)}
        return MemberFacts(
            register=name,
            own=own,
            heard=name in heard,
            silent_s=age_s,
            logs=tuple(
                self._log(day, LogId(name, incarnation), known[incarnation], held, told) for incarnation in sorted(known)
            ),
            needed=min(COPIES, 1 + len(heard)),
            gap=parts.index.gap(day, name),
            parked=parts.index.parked(name),
            left=not is_member,
            lost=tuple(sorted(one for one in over if ended.is_lost(name, one, known.get(one, 0), day))),
        )

    def _is_over(self, which: LogId, told: Mapping[LogId, int]) -> bool:
        """Whether its register writes another log now: a disk that was lost told nobody that its log ended."""
        parts = self._
        if which in told:
            return False
        if any(one.register == which.register for one in told) or parts.index.is_followed(*which):
            return True
        if which.register == parts.register:
            return which.incarnation != parts.writing()
        state = parts.states.get(which.register)
        return state is not None and which in state.past

    def _log(
        self, day: str, which: LogId, known: int, held: Mapping[LogId, int], told: Mapping[LogId, int]
    ) -> LogFacts:  # fmt: skip
        here = held.get(which, 0)
        holders = [here]
        for name in self.heard():
            state = self._.states[name]
            theirs = max(state.seq(which), state.acked.get(which, 0))
            holders.append(known if name == which.register else theirs)  # an author has what it wrote
        return LogFacts(
            incarnation=which.incarnation,
            held=here,
            known=known,
            declared=told.get(which) or self._.index.tail(*which, day),
            is_followed=self._is_over(which, told),
            holders=tuple(holders),
        )

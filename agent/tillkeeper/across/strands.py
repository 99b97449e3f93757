"""What each register wrote about one check, and what that comes to. Pure."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from tillkeeper.contract.base import Event
from tillkeeper.contract.documents import ReceiptIssued
from tillkeeper.contract.events import CheckNumbered
from tillkeeper.replication.model import LogId
from tillkeeper.sales.checks import IllegalEvent, apply
from tillkeeper.sales.model import Check

_QUIET = (CheckNumbered, ReceiptIssued)
"""What need not be merged: a number and a receipt change nothing that is owed."""


class Op(NamedTuple):
    """An event of a check and where it is."""

    log: LogId
    seq: int
    event: Event
    day: str
    at_ms: int


class Strand(NamedTuple):
    """What one register wrote about a check, in its order."""

    register: str
    ops: tuple[Op, ...]

    def check(self) -> Check | None:
        return folded(self.ops)

    @property
    def at(self) -> dict[str, int]:
        """Up to where it goes: incarnation -> seq."""
        found: dict[str, int] = {}
        for op in self.ops:
            found[op.log.incarnation] = max(op.seq, found.get(op.log.incarnation, 0))
        return found

    def split(self, known: Mapping[str, int]) -> "tuple[tuple[Op, ...], tuple[Op, ...]]":
        """(what is in a check that knows so much, what is not). A side that nobody merged begins with how it came to it."""
        before = tuple(op for op in self.ops if op.seq <= known.get(op.log.incarnation, 0)) or self.ops[:1]
        places = {(op.log, op.seq) for op in before}
        return before, tuple(op for op in self.ops if (op.log, op.seq) not in places)


class Standing(NamedTuple):
    """Of a check in the store. `register`, `hand`: the highest claim. `check`: as that register has it, or as it was handed to
    it. `strand`: of the register whose word that is; `own`: the owner's own. `as_of_ms`: of its newest event."""

    register: str
    hand: int
    check: Check
    strand: Strand
    own: bool
    as_of_ms: int


def folded(ops: Iterable[Op]) -> Check | None:
    """What cannot follow is passed over: another register wrote it, and its own books are right."""
    check: Check | None = None
    for op in ops:
        try:
            check = apply(check, op.event, op.day, op.at_ms)
        except IllegalEvent:
            continue
    return check


def needs_merging(ops: Iterable[Op]) -> bool:
    return any(not isinstance(op.event, _QUIET) for op in ops)


def standing_of(strands: Iterable[Strand]) -> Standing | None:
    """None where too little of the check is known."""
    claims: list[tuple[int, str, bool, Strand, Check]] = []
    for strand in strands:
        check = strand.check()
        if check is None:
            continue
        here = not check.elsewhere
        claims.append((check.hand, check.elsewhere or strand.register, here, strand, check))
    if not claims:
        return None
    hand, register, here, strand, check = max(claims, key=lambda claim: (claim[0], claim[1], claim[2]))
    return Standing(register, hand, check, strand, here, max(op.at_ms for op in strand.ops))


def given(strands: Collection[Strand], to: str) -> Standing | None:
    """By the word of the others: that it was handed to `to`, where nobody has a higher claim. What `to` says itself does not
    count: a register that lost its disk may hear its own word again before theirs, or after."""
    standing = standing_of(strands)
    others = standing_of(strand for strand in strands if strand.register != to)
    if standing is None or others is None or others.register != to:
        return None
    return others if (others.hand, to) == (standing.hand, standing.register) else None

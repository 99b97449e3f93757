"""What each register wrote about one check, and what that comes to. Pure."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from tillkeeper.contract.base import Event
from tillkeeper.contract.documents import ReceiptIssued
from tillkeeper.contract.events import CheckNumbered, CheckOpened, LineAdded, RefundRecorded, TenderRecorded
from tillkeeper.contract.together import CheckForked, CheckTaken, CheckYielded
from tillkeeper.replication.model import LogId
from tillkeeper.sales.asking import is_taken_back
from tillkeeper.sales.checks import IllegalEvent, apply
from tillkeeper.sales.model import Check

BEGINS = CheckOpened | CheckTaken | CheckForked
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
    """What one register wrote about a check on one disk, or had written before that was copied, in its order; and at the end
    what it wrote on other disks that did not have the check: that another register goes on, what became of a card."""

    register: str
    ops: tuple[Op, ...]

    def told(self, words: Iterable[Op]) -> "Strand":
        """With what other disks of the register say; but for a yield to a lower claim than this one had."""
        check = self.check()
        claim = (check.hand, check.elsewhere or self.register) if check is not None else (-1, "")
        told = (op for op in words if not isinstance(op.event, CheckYielded) or (op.event.hand, op.event.to) > claim)
        return self._replace(ops=(*self.ops, *told))

    def check(self) -> Check | None:
        return folded(self.ops)

    @property
    def at(self) -> dict[str, int]:
        """Up to where it goes: incarnation -> seq."""
        found: dict[str, int] = {}
        for op in self.ops:
            found[op.log.incarnation] = max(op.seq, found.get(op.log.incarnation, 0))
        return found

    @property
    def newest_ms(self) -> int:
        return max(op.at_ms for op in self.ops)

    def split(self, known: Mapping[str, int], check: Check) -> "tuple[tuple[Op, ...], tuple[Op, ...]]":
        """(what is in a check that knows so much, what is not). A side that nobody merged begins with how it came to it.
        Whoever knows a place may have another event there, where two machines wrote the log: what was rung, paid or given back
        in it and is not on the check is not in it."""
        lacks = _added(self.check()) - _added(check)
        before = tuple(
            op for op in self.ops if op.seq <= known.get(op.log.incarnation, 0) and lacks.isdisjoint(_adds(op.event))
        )  # fmt: skip
        if not any(isinstance(op.event, BEGINS) for op in before):
            before = (*self.ops[:1], *before)
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


def _adds(event: Event) -> tuple[str, ...]:
    """What is on the check for ever after it."""
    match event:
        case LineAdded(line_id=name) | TenderRecorded(tender_id=name) | RefundRecorded(refund_id=name):
            return (name,)
    return ()


def _added(check: Check | None) -> frozenset[str]:
    """Lines, payments and refunds, those that the gateway took back too: these are on it no more."""
    if check is None:
        return frozenset()
    lines, payments = (line.line_id for line in check.lines), (one.tender_id for one in check.payments)
    asked = (one for one in check.authorisations if one.situation == "refund" and is_taken_back(one))
    refunds = (*(one.refund_id for one in check.refunds), *(one.authorisation_id for one in asked))
    return frozenset((*lines, *payments, *refunds))


def strand_of(log: LogId, path: Mapping[str, int], ops: Iterable[Op]) -> Strand:
    """What the disk has on which this log is written. `path`: as in `Descent`. `ops`: of all registers, in whatever order."""
    place = {incarnation: at for at, incarnation in enumerate(path)}
    own = (op for op in ops if op.log.register == log.register and op.seq <= path.get(op.log.incarnation, 0))
    return Strand(log.register, tuple(sorted(own, key=lambda op: (place[op.log.incarnation], op.seq))))


def strands_of(disks: Iterable[Strand]) -> tuple[Strand, ...]:
    """Of several disks of a register each is a strand of its own: they know no more of each other than two registers do. Disks
    on which the check never was are one, where there is no other."""
    found: list[Strand] = []
    without: dict[str, dict[tuple[LogId, int], Op]] = {}
    for register, ops in disks:
        begins = next((at for at, op in enumerate(ops) if isinstance(op.event, BEGINS)), len(ops))
        without.setdefault(register, {}).update({(op.log, op.seq): op for op in ops[:begins]})
        if ops[begins:]:
            found.append(Strand(register, ops[begins:]))
    alone = (Strand(register, ()) for register in without.keys() - {strand.register for strand in found})
    return tuple(strand.told(without[strand.register].values()) for strand in (*found, *sorted(alone)))


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


def joined(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Up to where logs are known to either."""
    return {log: max(one.get(log, 0), other.get(log, 0)) for log in (*one, *other)}


def standing_of(strands: Iterable[Strand]) -> Standing | None:
    """None where too little of the check is known. Of several disks of one register it is as on the one that knows most of what
    the others did."""
    found = [(strand, check) for strand in strands if (check := strand.check()) is not None]
    if not found:
        return None
    claims = [(check.hand, check.elsewhere or strand.register, not check.elsewhere) for strand, check in found]
    hand, register, own = highest = max(claims)
    equal = [one for one, claim in zip(found, claims, strict=True) if claim == highest]

    def known_here(one: tuple[Strand, Check]) -> tuple[int, int]:
        known = joined(one[0].at, one[1].known)
        merged = sum(joined(known, strand.at) == known for strand, _ in equal)
        return merged, one[0].newest_ms

    strand, check = max(equal, key=known_here)
    return Standing(register, hand, check, strand, own, strand.newest_ms)


def given(strands: Collection[Strand], to: str) -> Standing | None:
    """By the word of the others: that it was handed to `to`, where nobody has a higher claim. What `to` says itself does not
    count: a register that lost its disk may hear its own word again before theirs, or after."""
    standing = standing_of(strands)
    others = standing_of(strand for strand in strands if strand.register != to)
    if standing is None or others is None or others.register != to:
        return None
    return others if (others.hand, to) == (standing.hand, standing.register) else None

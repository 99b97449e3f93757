"""Two sides of one check become one. Pure.

A register forked a check whose owner was silent, and both went on with it. Nothing that was added on either side is dropped:
lines, pieces, payments, refunds and discounts of both are in it, each once. A void takes no more than the pieces that it saw;
where both sides voided, they are taken to mean the same pieces. What both changed to different things is told as a conflict,
and the same one of the two wins whoever merges and in whatever order: never the last that was written. Several others are
merged one by one, and each in as many parts as its log arrives in.

A card payment that one side recorded and the other had taken back is given back: it stays on the check as returned, a person is
told, and the books count it no more.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from tillkeeper.contract.base import Event
from tillkeeper.contract.events import CheckClosed, CheckVoided, RefundRecorded, TenderRecorded
from tillkeeper.contract.together import MAX_CONFLICTS, CheckMerged, CheckYielded, Conflict, ConflictCode, Twice
from tillkeeper.contract.values import OrderType, Totals
from tillkeeper.sales.asking import is_taken_back, progress
from tillkeeper.sales.authorisations import Step, after, may_follow
from tillkeeper.sales.merge_kitchen import stations
from tillkeeper.sales.model import Authorisation, Check, Discount, Line, Payment
from tillkeeper.sales.pricing import Rules, totals
from tillkeeper.sales.sayings import Said, Saying, holds, own

T = TypeVar("T")
_encode = msgspec.json.Encoder(order="deterministic").encode
_ATTRIBUTES = ("tax", "modifiers", "seat", "course", "order_type", "note", "held", "fire_at_ms")
_UNTIL_FIRED = ("held", "fire_at_ms")
_TOLD = frozenset(_ATTRIBUTES) - frozenset(_UNTIL_FIRED)
_KINDS = {field.name: field.type for field in msgspec.structs.fields(Line)}


class Side(NamedTuple):
    """What another register did. `before`: its check up to where it is in ours already, `after`: as it is now, `events`: what
    it wrote between, `at`: up to where in its logs that is."""

    register: str
    before: Check
    after: Check
    events: tuple[Event, ...]
    at: dict[str, int]


class Merged(NamedTuple):
    check: Check
    event: CheckMerged


def overpaid_minor(check: Check, sums: Totals) -> int:
    """What is to be given back, because two registers took payments for one check."""
    given = sum(refund.amount_minor for refund in check.refunds if refund.of_overpayment)
    return max(0, -sums.due_minor - given)


def merge(ours: Check, side: Side, rules: Rules, now_ms: int) -> Merged:
    """Our check with what the other side did. `now_ms`: wall clock."""
    work = _Merge(ours, side)
    check = work.merged()
    known = check.known | {log: max(seq, check.known.get(log, 0)) for log, seq in side.at.items()}
    yielded = any(isinstance(event, CheckYielded) for event in side.events)
    doubt = tuple(one for one in check.doubt if not (yielded and one == side.register))
    check = replace(check, known=known, doubt=doubt)
    if not doubt:
        check = replace(check, lines=tuple(replace(line, maybe_fired=False) for line in check.lines))
    check = _settled(check, ours, side, rules, now_ms)
    if ours.state == "closed" and check.state == "open":
        work.conflict("reopened")
    twice, unseen = _twice(ours, check, side.events)
    check = replace(check, conflicts=(*check.conflicts, *work.conflicts)[:MAX_CONFLICTS], unseen=unseen)
    sums = check.closed_totals or totals(check, rules)
    taken_back, put_back, voids = _counted(ours, side.events)
    event = CheckMerged(
        check_id=ours.check_id,
        from_register=side.register,
        at=side.at,
        check=msgspec.Raw(_encode(check)),
        was=ours.state,
        state=check.state,
        totals=check.closed_totals,
        taken_back=taken_back,
        put_back=put_back,
        voids=(check.state == "voided") - voids,
        lines=_came(ours.lines, check.lines, "line_id"),
        payments=_came(ours.payments, check.payments, "tender_id"),
        refunds=_came(ours.refunds, check.refunds, "refund_id"),
        overpaid_minor=overpaid_minor(check, sums),
        due_minor=max(0, sums.due_minor),
        conflicts=tuple(work.conflicts)[:MAX_CONFLICTS],
        yielded=yielded,
        twice=twice,
        training=ours.training,
    )
    return Merged(check, event)


def changes_nothing(merged: Merged, ours: Check) -> bool:
    """Whether it says no more than that the other side was heard up to there, to the books too: a close of which nothing is new
    to the check is still counted once more than it should be."""
    event, quiet = merged.event, replace(ours, known=merged.check.known)
    counted = Counter(_encode(one) for one in (*event.put_back, event.totals) if one is not None)
    balanced = counted == Counter(map(_encode, event.taken_back)) and not event.voids and not event.twice
    return balanced and not event.yielded and merged.check == quiet


def _settled(check: Check, ours: Check, side: Side, rules: Rules, now_ms: int) -> Check:
    """Open, closed or voided: what the union comes to."""
    check = replace(check, state="open", closed_totals=None)
    sums = totals(check, rules)
    pieces = any(line.quantity for line in check.lines)
    closed_before = "closed" in (ours.state, side.after.state)
    paid = pieces and sums.due_minor <= 0 and (sums.paid_minor or closed_before)
    if check.refunds or paid:
        at_ms = max((one for one in (ours.closed_at_ms, side.after.closed_at_ms) if one is not None), default=now_ms)
        return replace(check, state="closed", closed_totals=sums, closed_at_ms=at_ms, awaiting="")
    if not pieces and not sums.paid_minor and "voided" in (ours.state, side.after.state):
        reason = ours.void_reason or side.after.void_reason
        lines = tuple(replace(line, fire_at_ms=None) for line in check.lines)
        return replace(check, state="voided", void_reason=reason, lines=lines, awaiting="", closed_at_ms=None)
    return replace(check, void_reason="", closed_at_ms=None)


def _counted(ours: Check, events: Iterable[Event]) -> tuple[tuple[Totals, ...], tuple[Totals, ...], int]:
    """What the books have counted of this check since the two sides parted, and of ours: closes, those taken back, voids."""
    closes = [ours.closed_totals] if ours.state == "closed" and ours.closed_totals is not None else []
    back: list[Totals] = []
    voids = int(ours.state == "voided")
    for event in events:
        match event:
            case CheckClosed():
                closes.append(event.totals)
            case CheckVoided():
                voids += 1
            case CheckMerged():
                closes += [event.totals] if event.totals is not None else []
                closes += event.put_back
                back += event.taken_back
                voids += event.voids
    return tuple(closes), tuple(back), voids


def _twice(ours: Check, merged: Check, events: Iterable[Event]) -> tuple[tuple[Twice, ...], dict[str, int]]:
    """What the books have once too often: what both sides have recorded under one id counts once, what was taken back not at
    all. And what is still `unseen`: it came to the check before the event that recorded it."""
    known: dict[str, Twice] = {}
    times = Counter({name: -count for name, count in ours.unseen.items()})
    for check, sign in ((ours, 1), (merged, -1)):
        for one in _counting(check):
            known[one.tender_id] = one
            times[one.tender_id] += sign
    for event in events:
        match event:
            case TenderRecorded(tender_id=name):
                known[name] = Twice(name, event.tender, event.amount_minor)
                times[name] += 1
            case RefundRecorded(refund_id=name):
                known[name] = Twice(name, event.tender, event.amount_minor, event.tax_minor, refund=True)
                times[name] += 1
            case CheckMerged():
                times.subtract(one.tender_id for one in event.twice)
    twice = tuple(known[name] for name in sorted(times) for _ in range(times[name]))
    return twice, {name: -times[name] for name in sorted(times) if times[name] < 0}


def _counting(check: Check) -> Iterable[Twice]:
    """What the books have of this check, once its merges are in them."""
    gone = {one.authorisation_id for one in check.authorisations if is_taken_back(one)}
    for payment in check.payments:
        if payment.tender_id not in gone:
            yield Twice(payment.tender_id, payment.tender, payment.amount_minor)
    for refund in check.refunds:
        if refund.refund_id not in gone:
            yield Twice(refund.refund_id, refund.tender, refund.amount_minor, refund.tax_minor, refund=True)


def _came(before: Sequence[Any], after: Sequence[Any], key: str) -> tuple[str, ...]:
    known = {getattr(one, key) for one in before}
    return tuple(getattr(one, key) for one in after if getattr(one, key) not in known)


def _pick(before: T, ours: T, theirs: T) -> tuple[T, bool]:
    """Whichever was changed; and whether both were, to different things."""
    if theirs in (ours, before):
        return ours, False
    if ours == before:
        return theirs, False
    return max(ours, theirs, key=_encode), True


def _by(ones: Iterable[T], key: str) -> dict[str, T]:
    return {str(getattr(one, key)): one for one in ones}


def _voided(check: Check) -> Check:
    """A voided check as one whose lines were voided and whose payments were given back."""
    if check.state != "voided":
        return check
    lines = tuple(
        replace(
            line,
            quantity=0,
            voided_quantity=line.voided_quantity + line.quantity,
            removed=line.removed | {"": max(line.removed.values(), default=0) + line.quantity},
            fire_at_ms=None,
        )
        for line in check.lines
    )
    return replace(check, lines=lines, payments=tuple(replace(one, returned=True) for one in check.payments))


class _Merge:
    def __init__(self, ours: Check, side: Side) -> None:
        self.ours, self.before, self.after = _voided(ours), _voided(side.before), _voided(side.after)
        self.register, self.events = side.register, side.events
        self.conflicts: list[Conflict] = []
        self.said = dict(ours.said)

    def conflict(self, code: ConflictCode, subject: str = "", detail: str = "") -> None:
        self.conflicts.append(Conflict(code, self.register, subject, detail[:200]))

    def merged(self) -> Check:
        ours, before, after = self.ours, self.before, self.after
        order_type, differ = self._attribute("", before, ours, after, "order_type", OrderType)
        if differ:
            self.conflict("changed_on_both", "order_type", f"{ours.order_type} / {after.order_type}")
        if ours.state == after.state == "closed" and before.state != "closed":
            self.conflict("closed_on_both")
        lines = self._lines()
        asked = self._authorisations()
        gone = {one.authorisation_id for one in asked if is_taken_back(one)}
        pieces = {line.line_id: line.quantity for line in lines}
        refunds = _by((*after.refunds, *ours.refunds), "refund_id")
        refunds = {name: one for name, one in refunds.items() if name not in gone}
        refunded: dict[str, int] = {}
        for refund in refunds.values():
            for line_id, quantity in refund.quantities.items():
                refunded[line_id] = refunded.get(line_id, 0) + quantity
        lines = tuple(replace(one, refunded_quantity=min(refunded.get(one.line_id, 0), pieces[one.line_id])) for one in lines)
        awaiting, _ = _pick(before.awaiting, ours.awaiting, after.awaiting)
        past = {f"{line.line_id}/{name}" for line in lines if line.fired for name in _UNTIL_FIRED}
        return replace(
            ours,
            order_type=order_type,
            number=ours.number if ours.number is not None else after.number,
            lines=lines,
            discounts=self._discounts(),
            payments=self._payments(gone),
            refunds=tuple(refunds[one] for one in sorted(refunds)),
            stations=stations(before.stations, ours.stations, after.stations),
            authorisations=asked,
            receipts=ours.receipts + max(0, after.receipts - before.receipts),
            awaiting=awaiting,
            said={key: one for key, one in self.said.items() if key not in past},
        )

    def _attribute(
        self, line_id: str, before: Check | Line | None, ours: Check | Line, after: Check | Line, name: str, kind: Any
    ) -> tuple[Any, bool]:
        """What holds of it, and whether sides differ about it."""
        key = f"{line_id}/{name}"
        was, mine, theirs = (
            Saying(getattr(one, name), one.turns.get(name, 0), said.get(key))
            for one, said in ((before or after, {}), (ours, self.said), (after, self.after.said))
        )
        if before is None:
            was = was._replace(turn=0)
        found = holds(was, mine, theirs, self.register, kind)
        if found.said is not None:
            self.said[key] = found.said
        return found.value, found.conflict

    # --- lines ---

    def _lines(self) -> tuple[Line, ...]:
        before, ours, after = (_by(check.lines, "line_id") for check in (self.before, self.ours, self.after))
        found = []
        for line_id in sorted({*ours, *after}):
            if line_id not in ours:
                found.append(self._new(after[line_id]))
            elif line_id not in after:
                found.append(ours[line_id])
            else:
                found.append(self._line(before.get(line_id), ours[line_id], after[line_id]))
        return tuple(found)

    def _new(self, line: Line) -> Line:
        """One that the other side has and we do not: what was said of it since it was rung, others may say otherwise."""
        for name, turn in line.turns.items():
            key = f"{line.line_id}/{name}"
            if (said := own(Saying(getattr(line, name), turn, self.after.said.get(key)))) is not None:
                self.said[key] = Said(others={self.register: said})
        return replace(line, removed={}, turns={})

    def _line(self, before: Line | None, ours: Line, after: Line) -> Line:
        """`before` is None where both learned of it elsewhere: then what they agree on holds."""
        was = before or after
        changed: dict[str, Any] = {}
        differ = []
        for name in _ATTRIBUTES:
            changed[name], conflict = self._attribute(ours.line_id, before, ours, after, name, _KINDS[name])
            differ += [name] if conflict and name in _TOLD else []
        if differ:
            self.conflict("changed_on_both", ours.line_id, ", ".join(differ))
        rung = after.quantity + after.voided_quantity - was.quantity - was.voided_quantity
        voids = after.voided_quantity - was.voided_quantity
        removed = dict(ours.removed)
        most = max(removed.values(), default=0)
        if down := max(0, -rung) + max(0, voids):
            removed[self.register] = removed.get(self.register, 0) + down
        less = max(removed.values(), default=0) - most
        left = ours.quantity - ours.owed + max(0, rung) - less
        quantity = max(0, left)
        gone = ours.quantity + max(0, rung) - quantity
        if voids > 0 and gone:
            self.conflict("voided_elsewhere", ours.line_id, f"{gone}")
        fired = ours.fired or after.fired
        held, fire_at_ms = changed.pop("held"), changed.pop("fire_at_ms")
        return replace(
            ours,
            **changed,
            quantity=quantity,
            owed=max(0, -left),
            voided_quantity=ours.voided_quantity + (min(gone, voids) if voids > 0 else 0),
            removed=removed,
            fired=fired,
            held=not fired and held,
            fire_at_ms=None if fired or not quantity else fire_at_ms,
            maybe_fired=ours.maybe_fired and not fired,
        )

    # --- money ---

    def _payments(self, gone: set[str]) -> tuple[Payment, ...]:
        """`gone`: what was taken back by the gateway."""
        before, ours, after = (_by(check.payments, "tender_id") for check in (self.before, self.ours, self.after))
        if (after.keys() - before.keys() - ours.keys()) and (ours.keys() - before.keys() - after.keys()):
            self.conflict("paid_on_both")
        found = []
        for tender_id in sorted({*ours, *after}):
            one = ours.get(tender_id) or after[tender_id]
            there = tender_id in after and after[tender_id].returned
            there_before = tender_id in before and before[tender_id].returned
            if there and not there_before:
                self.conflict("returned_on_both" if one.returned and tender_id in ours else "returned_elsewhere", tender_id)
            found.append(replace(one, returned=one.returned or there or tender_id in gone))
        return tuple(found)

    def _authorisations(self) -> tuple[Authorisation, ...]:
        """Of each the side that is further on. What comes from the other side others may have decided about."""
        ours, after = (_by(check.authorisations, "authorisation_id") for check in (self.ours, self.after))
        told = {one.subject for one in self.ours.conflicts if one.code == "taken_back"}
        found = []
        for name in sorted({*ours, *after}):
            mine, theirs = ours.get(name), after.get(name)
            if mine is None or theirs is None:
                found.append(replace(theirs, brought=True) if theirs is not None else ours[name])
                continue
            one = replace(max(mine, theirs, key=progress), brought=mine.brought)
            if is_taken_back(one) and (mine.used or theirs.used) and name not in told:
                self.conflict("taken_back", name)
            found.append(one)
        return tuple(map(self._heard, found))

    def _heard(self, one: Authorisation) -> Authorisation:
        """With what the other side says of it, also where that could not be read in its order: of logs that it lost only clocks
        tell which was first."""
        for event in self.events:
            if isinstance(event, Step) and event.authorisation_id == one.authorisation_id and not one.used:
                one = after(one, event) if may_follow(one, event) else one
        return one

    def _discounts(self) -> tuple[Discount, ...]:
        before, ours, after = (_by(check.discounts, "discount_id") for check in (self.before, self.ours, self.after))
        kept = {one: ours[one] for one in ours if one in after or one not in before}
        kept |= {one: after[one] for one in after if one in ours or one not in before}
        same: dict[tuple[object, ...], str] = {}
        for one in sorted(kept, key=lambda name: (name not in ours, name)):  # theirs may be taken off again, there
            discount = kept[one]
            what = (discount.code, discount.line_id, discount.rate_ppm, discount.amount_minor)
            if what not in same:
                same[what] = one
            elif (one in ours) != (same[what] in ours):
                self.conflict("discount_on_both", one, discount.code)
                del kept[one]
        return tuple(kept[one] for one in sorted(kept))

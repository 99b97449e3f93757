"""86: what is sold out, what is counted down, and what an order takes of it. Pure.

The pieces of a check are those on its lines; a command takes the difference that it makes, and gives back what it lessens. So
ringing, raising, lowering, voiding and other modifiers all go by one rule, and what is on a check already is never touched.
"""

from collections.abc import Callable, Iterator, Mapping

import msgspec

from tillkeeper.contract.availability import AvailabilityEntry, AvailabilitySet, AvailabilityView, SetAvailability, SubjectKind
from tillkeeper.errors import Refused
from tillkeeper.sales.catalogue_model import Catalogue
from tillkeeper.sales.model import Check, Line
from tillkeeper.sales.refusals import found
from tillkeeper.sales.stock import Change, Level, Stock, Subject


class Shortage(msgspec.Struct, frozen=True):
    """The first subject, in the order of the lines, of which there is less than `wanted`."""

    subject: Subject
    name: str
    wanted: int
    remaining: int


# --- what a check takes ---


def taken(before: Check | None, after: Check) -> dict[Subject, int]:
    """The pieces that the check has more (or, negative, less) of. Money given back on a closed check gives back no piece."""
    if before is not None and before.lines is after.lines and before.state == after.state:
        return {}
    was, now = _pieces(before), _pieces(after)
    return {subject: more for subject in {**was, **now} if (more := now.get(subject, 0) - was.get(subject, 0))}


def _pieces(check: Check | None) -> dict[Subject, int]:
    pieces: dict[Subject, int] = {}
    for line in () if check is None or check.state == "voided" else check.lines:
        for subject, _name, each in _subjects(line):
            pieces[subject] = pieces.get(subject, 0) + line.quantity * each
    return pieces


def _subjects(line: Line) -> Iterator[tuple[Subject, str, int]]:
    """Subject, name, pieces of it in each piece of the line."""
    yield ("item", line.item_id), line.name, 1
    for modifier in line.modifiers:
        yield ("modifier", modifier.modifier_id), modifier.name, modifier.quantity


def shortage(before: Check | None, after: Check, stock: Stock, catalogue: Catalogue) -> Shortage | None:
    """What the check may not take. `catalogue`: that of the check."""
    more = {subject: pieces for subject, pieces in taken(before, after).items() if pieces > 0}
    for line in after.lines if more else ():
        for subject, name, _each in _subjects(line):
            level = stock.of(subject, marked=_marked(catalogue, line, subject)) if subject in more else None
            if level is None or level.state == "available":
                continue
            left = max(0, level.remaining or 0)
            if more[subject] > left:
                return Shortage(subject, name, more[subject], left)
    return None


def _marked(catalogue: Catalogue, line: Line, subject: Subject) -> bool:
    kind, subject_id = subject
    if kind == "item":
        item = catalogue.items.get(subject_id)
        return item is not None and item.sold_out
    modifier = catalogue.modifiers_by_item.get(line.item_id, {}).get(subject_id)
    return modifier is not None and modifier.sold_out


def counted_down(stock: Stock, pieces: Mapping[Subject, int]) -> Change | None:
    """What `pieces` are on this register's counters; None where nothing of them counts down."""
    counted = tuple(stock.count(subject, number) for subject, number in pieces.items() if stock.counts_down(subject))
    return Change(counted) if counted else None


# --- what a person says ---


def put(command: SetAvailability, stock: Stock, catalogue: Catalogue, now_ms: int, new_id: Callable[[], str]) -> Change | None:
    """None: it is so already.

    Raises:
        Refused: `unknown_item`, `unknown_modifier`, `remaining_missing`, `remaining_unexpected`.
    """
    operation, subject = "set availability", (command.kind, command.subject_id)
    marks = _marks(catalogue, command.kind)
    if subject not in stock.words:  # what is gone from the catalogue can still be set back
        found(marks, command.subject_id, code=f"unknown_{command.kind}", operation=operation, what=command.kind)
    counting = command.state == "counting"
    if counting and command.remaining is None:
        cause = "a countdown needs to know how many are left"
        raise Refused("remaining_missing", operation, command.subject_id, cause, "send remaining")
    if not counting and command.remaining is not None:
        cause = "only a countdown has a number"
        raise Refused("remaining_unexpected", operation, command.subject_id, cause, "leave remaining out, or set it counting")
    _name, marked = marks.get(command.subject_id, ("", False))
    before = stock.of(subject, marked=marked) or Level("available")
    if (before.state, before.remaining) == (command.state, command.remaining):
        return None
    event = AvailabilitySet(
        kind=command.kind,
        subject_id=command.subject_id,
        state=command.state,
        remaining=command.remaining,
        by=command.by,
        word=new_id(),
        stamp_ms=stock.next_stamp(subject, now_ms),
    )
    return Change((event,))


def _marks(catalogue: Catalogue, kind: SubjectKind) -> dict[str, tuple[str, bool]]:
    """Id -> name, and whether the catalogue itself marks it sold out; in the catalogue's order."""
    if kind == "item":
        return {item.id: (item.name, item.sold_out) for item in catalogue.items.values()}
    return {entry.id: (entry.name, entry.sold_out) for group in catalogue.groups.values() for entry in group.modifiers}


def view(stock: Stock, catalogue: Catalogue) -> AvailabilityView:
    """What of this catalogue is not simply available: items, then modifiers, each in the catalogue's order."""
    kinds: tuple[SubjectKind, ...] = ("item", "modifier")
    entries: list[AvailabilityEntry] = []
    for kind in kinds:
        for subject_id, (name, marked) in _marks(catalogue, kind).items():
            level = stock.of((kind, subject_id), marked=marked)
            if level is None or level.state == "available":
                continue
            entries.append(
                AvailabilityEntry(
                    kind=kind,
                    subject_id=subject_id,
                    state=level.state,
                    name=name,
                    remaining=level.remaining or 0,
                    by=level.by,
                )
            )
    return AvailabilityView(entries=tuple(entries))

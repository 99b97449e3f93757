"""86: what is sold out, what is counted down, and what an order takes of it. Pure.

The pieces of a check are those on its lines; a command takes the difference that it makes, and gives back what it lessens. So
ringing, raising, lowering, voiding and other modifiers all go by one rule, and what is on a check already is never touched.
"""

from collections.abc import Iterator, Mapping

import msgspec

from tillkeeper.contract.availability import (
    MAX_REMAINING,
    AvailabilityEntry,
    AvailabilitySet,
    AvailabilityState,
    AvailabilityView,
    SetAvailability,
    SubjectKind,
)
from tillkeeper.errors import Refused
from tillkeeper.sales.catalogue_model import Catalogue
from tillkeeper.sales.model import Check, Line
from tillkeeper.sales.refusals import found

Subject = tuple[SubjectKind, str]
"""An item or a modifier of the catalogue, by kind and id."""


class Level(msgspec.Struct, frozen=True):
    """`remaining` while counting. Sold out with `remaining` 0 is the end of a countdown, which goes on where pieces are given
    back; sold out with None is a person's word, and stays. `available` is kept only against the catalogue's own mark."""

    state: AvailabilityState
    remaining: int | None = None
    by: str = ""

    @property
    def counted(self) -> bool:
        return self.remaining is not None

    def after(self, pieces: int) -> "Level":
        """A counted level after so many pieces were taken; negative: given back."""
        left = max(0, min((self.remaining or 0) - pieces, MAX_REMAINING))
        return Level("counting", left, self.by) if left else Level("sold_out", 0)


class Taken(msgspec.Struct, frozen=True):
    """Pieces of counted subjects that an order takes; negative ones are given back."""

    pieces: dict[Subject, int]


class Put(msgspec.Struct, frozen=True):
    """What a person said of a subject; None: simply available."""

    subject: Subject
    level: Level | None


Change = Taken | Put


class Shortage(msgspec.Struct, frozen=True):
    """The first subject, in the order of the lines, of which there is less than `wanted`."""

    subject: Subject
    name: str
    wanted: int
    remaining: int


class Stock(msgspec.Struct, frozen=True):
    """What is not simply available. Ids that the catalogue does not know are kept: it may know them again tomorrow."""

    levels: dict[Subject, Level] = {}

    def of(self, subject: Subject, *, marked: bool) -> Level | None:
        """`marked`: the catalogue itself says that it is sold out, which holds until somebody says otherwise."""
        return self.levels.get(subject) or (Level("sold_out") if marked else None)

    def after(self, change: Change) -> "Stock":
        levels = dict(self.levels)
        if isinstance(change, Put):
            levels.pop(change.subject, None)
            if change.level is not None:
                levels[change.subject] = change.level
            return Stock(levels)
        for subject, pieces in change.pieces.items():
            if (level := levels.get(subject)) is not None and level.counted:
                levels[subject] = level.after(pieces)
        return Stock(levels)


NOTHING_SAID = Stock()


class _Row(msgspec.Struct, frozen=True, array_like=True):
    kind: SubjectKind
    subject_id: str
    state: AvailabilityState
    remaining: int | None
    by: str


def encode(stock: Stock) -> bytes:
    return msgspec.json.encode([_Row(*subject, *msgspec.structs.astuple(level)) for subject, level in stock.levels.items()])


def decode(stored: bytes) -> Stock:
    """Raises: msgspec.DecodeError."""
    rows = msgspec.json.decode(stored, type=list[_Row])
    return Stock({(row.kind, row.subject_id): Level(row.state, row.remaining, row.by) for row in rows})


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
            left = level.remaining or 0
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


def counted_down(stock: Stock, pieces: Mapping[Subject, int]) -> tuple[Taken | None, tuple[AvailabilitySet, ...]]:
    """What `pieces` change of the counted levels, and what is to be journaled of it: a countdown that ends, and one that goes
    on because something was given back."""
    counted = {s: n for s, n in pieces.items() if (level := stock.levels.get(s)) is not None and level.counted}
    if not counted:
        return None, ()
    change = Taken(counted)
    later = stock.after(change)
    events = tuple(
        AvailabilitySet(kind=subject[0], subject_id=subject[1], state=now.state, remaining=now.remaining or None)
        for subject in counted
        if (now := later.levels[subject]).state != stock.levels[subject].state
    )
    return change, events


# --- what a person says ---


def put(command: SetAvailability, stock: Stock, catalogue: Catalogue) -> tuple[Put | None, tuple[AvailabilitySet, ...]]:
    """
    Raises:
        Refused: `unknown_item`, `unknown_modifier`, `remaining_missing`, `remaining_unexpected`.
    """
    operation, subject = "set availability", (command.kind, command.subject_id)
    marks = _marks(catalogue, command.kind)
    if subject not in stock.levels:  # what is gone from the catalogue can still be set back
        found(marks, command.subject_id, code=f"unknown_{command.kind}", operation=operation, what=command.kind)
    counting = command.state == "counting"
    if counting and command.remaining is None:
        cause = "a countdown needs to know how many are left"
        raise Refused("remaining_missing", operation, command.subject_id, cause, "send remaining")
    if not counting and command.remaining is not None:
        cause = "only a countdown has a number"
        raise Refused("remaining_unexpected", operation, command.subject_id, cause, "leave remaining out, or set it counting")
    _name, marked = marks.get(command.subject_id, ("", False))
    level = None if command.state == "available" and not marked else Level(command.state, command.remaining, command.by)
    before = stock.of(subject, marked=marked)
    same = (before and (before.state, before.remaining)) == (level and (level.state, level.remaining))
    if same:
        return None, ()
    event = AvailabilitySet(
        kind=command.kind,
        subject_id=command.subject_id,
        state=command.state,
        remaining=command.remaining,
        by=command.by,
    )
    return Put(subject, level), (event,)


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

"""What is left, for the whole store: what all registers said and counted, in whatever order it is heard. Pure.

A word holds until a newer one about its subject; a piece is counted on the counter of the register that rang it. Words and
counters only grow, so registers that know the same events know the same (`docs/decisions/0026-one-shelf-of-86.md`).
"""

from collections.abc import Callable, Iterable
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from tillkeeper.contract.availability import AvailabilityCounted, AvailabilitySet, AvailabilityState, SubjectKind
from tillkeeper.contract.placing import MAX_INT

Subject = tuple[SubjectKind, str]
"""An item or a modifier of the catalogue, by kind and id."""
Counter = tuple[str, str, str]
"""Register, its counter, and the word of the countdown."""
Said = AvailabilitySet | AvailabilityCounted

RESTATED_MS = 1
"""The stamp of a word that only this register knew: every other word comes after it."""


class Level(msgspec.Struct, frozen=True):
    """`remaining` while counting. Sold out with `remaining` 0 or less is the end of a countdown, which goes on where pieces are
    given back; sold out with None is a person's word, and stays."""

    state: AvailabilityState
    remaining: int | None = None
    by: str = ""


class Word(NamedTuple):
    """Words about one subject are in the order of these fields."""

    stamp_ms: int
    register: str
    word: str
    state: AvailabilityState
    remaining: int | None = None
    by: str = ""


class Count(NamedTuple):
    """What a counter shows. `stamp_ms`: of the word, which may be heard of later."""

    stamp_ms: int
    taken: int = 0
    returned: int = 0


class Change(msgspec.Struct, frozen=True):
    """What one command says and counts: the events that are journaled of it."""

    events: tuple[Said, ...]

    @property
    def says(self) -> bool:
        return any(isinstance(event, AvailabilitySet) for event in self.events)


class Stock(msgspec.Struct, frozen=True):
    """`register`, `counter`: under which this register says and counts. Words of ids that the catalogue does not know are kept:
    it may know them again tomorrow. So are words that something is available: older ones may still come."""

    words: dict[Subject, Word] = {}
    counts: dict[Subject, dict[Counter, Count]] = {}
    register: str = ""
    counter: str = ""

    def of(self, subject: Subject, *, marked: bool) -> Level | None:
        """None: nobody said anything. `marked`: the catalogue itself says that it is sold out, which holds until somebody says
        otherwise."""
        word = self.words.get(subject)
        if word is None:
            return Level("sold_out") if marked else None
        if word.state != "counting":
            return Level(word.state, None, word.by)
        left = self._left(subject, word)
        return Level("counting", left, word.by) if left > 0 else Level("sold_out", left)

    def counts_down(self, subject: Subject) -> bool:
        word = self.words.get(subject)
        return word is not None and word.state == "counting"

    def next_stamp(self, subject: Subject, now_ms: int) -> int:
        """Of a word that is said now: behind all that is known, whatever the clocks say that were asked for it."""
        known = [count.stamp_ms for count in self.counts.get(subject, {}).values()]
        if (word := self.words.get(subject)) is not None:
            known.append(word.stamp_ms)
        return max([now_ms, *(stamp + 1 for stamp in known)])

    def own(self, subject: Subject) -> Count:
        """This register's counter under the word that holds, which counts down."""
        word = self.words[subject]
        return self.counts.get(subject, {}).get((self.register, self.counter, word.word), Count(word.stamp_ms))

    def count(self, subject: Subject, pieces: int) -> AvailabilityCounted:
        """So many pieces more are rung, or (negative) given back, of what counts down."""
        own = self.own(subject)
        return AvailabilityCounted(
            kind=subject[0],
            subject_id=subject[1],
            word=self.words[subject].word,
            stamp_ms=own.stamp_ms,
            counter=self.counter,
            taken=own.taken + max(0, pieces),
            returned=own.returned + max(0, -pieces),
        )

    def after(self, change: Change) -> "Stock":
        """With what this register says itself."""
        stock = self
        for event in change.events:
            stock = stock.heard(self.register, event)
        return stock

    def heard(self, register: str, event: Said) -> "Stock":
        """With what a register said. Heard twice, or late, it is the same."""
        subject = (event.kind, event.subject_id)
        if isinstance(event, AvailabilityCounted):
            count = Count(event.stamp_ms, event.taken, event.returned)
            return self._counted(subject, (register, event.counter, event.word), count)
        if not event.word:
            return self
        word = Word(event.stamp_ms, register, event.word, event.state, event.remaining, event.by)
        return self._said(subject, word)

    def _said(self, subject: Subject, word: Word) -> "Stock":
        before = self.words.get(subject)
        if before is not None and before[:3] >= word[:3]:
            return self
        counts = self.counts
        if subject in counts:
            kept = {counter: count for counter, count in counts[subject].items() if count.stamp_ms >= word.stamp_ms}
            counts = {**counts, subject: kept} if kept else {other: of for other, of in counts.items() if other != subject}
        return msgspec.structs.replace(self, words={**self.words, subject: word}, counts=counts)

    def _counted(self, subject: Subject, counter: Counter, count: Count) -> "Stock":
        word = self.words.get(subject)
        if word is not None and count.stamp_ms < word.stamp_ms:
            return self  # of a countdown that is over
        before = self.counts.get(subject, {}).get(counter, Count(count.stamp_ms))
        count = Count(count.stamp_ms, max(before.taken, count.taken), max(before.returned, count.returned))
        if before == count:
            return self
        of_it = {**self.counts.get(subject, {}), counter: count}
        return msgspec.structs.replace(self, counts={**self.counts, subject: of_it})

    def _left(self, subject: Subject, word: Word) -> int:
        counts = [count for counter, count in self.counts.get(subject, {}).items() if counter[2] == word.word]
        return (word.remaining or 0) - sum(count.taken - count.returned for count in counts)

    @property
    def newest_ms(self) -> int:
        """The latest stamp in it."""
        counts = (count.stamp_ms for of in self.counts.values() for count in of.values())
        return max((*(word.stamp_ms for word in self.words.values()), *counts), default=0)

    def until(self, last_ms: int) -> "Stock":
        """Without what is stamped later: a clock was wrong, and nobody could say anything after it."""
        words = {subject: word for subject, word in self.words.items() if word.stamp_ms <= last_ms}
        counts: dict[Subject, dict[Counter, Count]] = {}
        for subject, of in self.counts.items():
            if kept := {counter: count for counter, count in of.items() if count.stamp_ms <= last_ms}:
                counts[subject] = kept
        return msgspec.structs.replace(self, words=words, counts=counts)

    def joined(self, other: "Stock") -> "Stock":
        """With all that `other` knows."""
        stock = self
        for subject, word in other.words.items():
            stock = stock._said(subject, word)
        for subject, counts in other.counts.items():
            for counter, count in counts.items():
                stock = stock._counted(subject, counter, count)
        return stock


NOTHING_SAID = Stock()


class Short(NamedTuple):
    """Pieces that were refused, and yet are in the numbers of what was stored after them."""

    subject: Subject
    word: str
    pieces: int


def built_on(stock: Stock, change: Change, pieces: dict[Subject, int]) -> list[Short]:
    """Which pieces of a refused `change` are in the numbers of `stock`, which is without it. `pieces`: what it took of what."""
    found = []
    for event in change.events:
        if not isinstance(event, AvailabilityCounted):
            continue
        subject = (event.kind, event.subject_id)
        own = stock.counts.get(subject, {}).get((stock.register, event.counter, event.word), Count(0))
        more = pieces.get(subject, 0)
        if (more > 0 and own.taken >= event.taken) or (more < 0 and own.returned >= event.returned):
            found.append(Short(subject, event.word, more))
    return found


def pieces_of(change: Change, stock: Stock) -> dict[Subject, int]:
    """What `change`, made against `stock`, takes (negative: gives back) of what counts down."""
    pieces = {}
    for event in change.events:
        if isinstance(event, AvailabilityCounted):
            subject = (event.kind, event.subject_id)
            own = stock.own(subject)
            pieces[subject] = (event.taken - own.taken) - (event.returned - own.returned)
    return pieces


def put_right(stock: Stock, short: Iterable[Short]) -> Change:
    """Events that take these pieces out of the numbers again; countdowns that are over need none."""
    events: list[Said] = []
    for subject, word, pieces in short:
        holds = stock.words.get(subject)
        if holds is not None and holds.word == word:
            event = stock.count(subject, -pieces)
            events.append(event)
            stock = stock.heard(stock.register, event)
    return Change(tuple(events))


# --- as it is kept, and told to others ---

_Stamp = Annotated[int, Meta(ge=0, le=MAX_INT)]
_Pieces = Annotated[int, Meta(ge=0, le=MAX_INT // 2)]
"""Another register may tell this one its own counter: what it adds to that has to fit into an event."""


class _Word(msgspec.Struct, frozen=True, array_like=True):
    kind: SubjectKind
    subject_id: str
    stamp_ms: _Stamp
    register: str
    word: str
    state: AvailabilityState
    remaining: _Pieces | None
    by: str


class _Count(msgspec.Struct, frozen=True, array_like=True):
    kind: SubjectKind
    subject_id: str
    register: str
    counter: str
    word: str
    stamp_ms: _Stamp
    taken: _Pieces
    returned: _Pieces


class _Before(msgspec.Struct, frozen=True, array_like=True):
    """As an earlier agent kept it: what one register was told."""

    kind: SubjectKind
    subject_id: str
    state: AvailabilityState
    remaining: int | None
    by: str


def encode_words(stock: Stock) -> bytes:
    return msgspec.json.encode(
        [
            _Word(*subject, one.stamp_ms, one.register, one.word, one.state, one.remaining, one.by)
            for subject, one in stock.words.items()
        ]
    )


def encode_counts(stock: Stock) -> bytes:
    rows = [_Count(*subject, *which, *count) for subject, of in stock.counts.items() for which, count in of.items()]
    return msgspec.json.encode(rows)


def decode(words: bytes, counts: bytes) -> Stock:
    """Raises: msgspec.DecodeError."""
    said = {
        (row.kind, row.subject_id): Word(row.stamp_ms, row.register, row.word, row.state, row.remaining, row.by)
        for row in msgspec.json.decode(words, type=list[_Word])
    }
    counted: dict[Subject, dict[Counter, Count]] = {}
    for row in msgspec.json.decode(counts, type=list[_Count]):
        of_it = counted.setdefault((row.kind, row.subject_id), {})
        of_it[row.register, row.counter, row.word] = Count(row.stamp_ms, row.taken, row.returned)
    return Stock(said, counted)


def restated(kept: bytes, new_id: Callable[[], str]) -> Change:
    """What an earlier agent kept, as words that count for all registers: before any other word. Raises: msgspec.DecodeError."""
    events = []
    for row in msgspec.json.decode(kept, type=list[_Before]):
        event = AvailabilitySet(
            kind=row.kind,
            subject_id=row.subject_id,
            state=row.state if row.remaining is None else "counting",
            remaining=row.remaining,
            by=row.by,
            word=new_id(),
            stamp_ms=RESTATED_MS,
        )
        events.append(event)
    return Change(tuple(events))

"""Rosters of two registers become one. Pure.

What holds of a person is the greatest word: of the latest term, in which being taken off beats everything, else of the highest
stamp. The greatest of a set depends on no order, so registers that have heard the same have the same roster, however late,
often or stale it came. Whoever was taken off comes back by a new term alone, that is by somebody who knew of it.
"""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from tillkeeper.errors import ConfigInvalid
from tillkeeper.people.roster import MAX_PEOPLE, MAX_STAMP, MAX_TERM, Member, Removed, Roster


def merged(mine: Roster, other: Roster) -> Roster:
    """`mine` with what `other` knows better; itself where that is nothing. Members without a stamp stay where they are: of two
    lists that nobody stamped none can say who was taken off.

    Both are of one store and one secret. There may be more members in it than a roster may have: see `roster.check`.
    """
    known: dict[str, Member | Removed] = {word.employee: word for word in mine.words}
    for word in other.words:
        before = known.get(word.employee)
        if word.stamp and (before is None or _rank(word) > _rank(before)):
            known[word.employee] = word
    made = _of(mine, known.values())
    return mine if {*made.words} == {*mine.words} else made


def put(mine: Roster, word: Member | Removed, at_ms: int) -> Roster:
    """With a new word about a person, greater than all that is known of that one. Who had been taken off begins another term,
    and so does whoever has a stamp that nothing can be later than.

    Args:
        word: its `term` and `stamp` are given here.
        at_ms: now, by the wall clock.

    Raises:
        ConfigInvalid: the person's last term was ended.
    """
    before = next((one for one in mine.words if one.employee == word.employee), None)
    term, stamp = before.term if before is not None else 1, min(at_ms, MAX_STAMP)
    if before is not None and isinstance(word, Member):
        if isinstance(before, Removed) or before.stamp == MAX_STAMP:
            term += 1
        else:
            stamp = max(stamp, before.stamp + 1)
    if term > MAX_TERM:
        raise ConfigInvalid("change", "roster", f"{word.employee} was on it {MAX_TERM} times", "take another short name")
    others = (one for one in mine.words if one.employee != word.employee)
    return _of(mine, (*others, replace(word, term=term, stamp=stamp)))


def _rank(word: Member | Removed) -> tuple[int, bool, int, bytes]:
    """Two words of one stamp are told apart by their bytes, so that everybody takes the same one."""
    return word.term, isinstance(word, Removed), word.stamp, msgspec.json.encode(word)


def _of(mine: Roster, words: Iterable[Member | Removed]) -> Roster:
    """Of those who were taken off the oldest are forgotten first."""
    ordered = sorted(words, key=lambda word: word.employee)
    removed = sorted((word for word in ordered if isinstance(word, Removed)), key=lambda word: word.stamp)
    return Roster(
        store=mine.store,
        secret_id=mine.secret_id,
        members=tuple(word for word in ordered if isinstance(word, Member)),
        removed=tuple(sorted(removed[-MAX_PEOPLE:], key=lambda word: word.employee)),
    )

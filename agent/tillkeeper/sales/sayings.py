"""Who said what of one attribute of a check or of a line that several registers have, and which of it holds. Pure.

What holds must not depend on whom a merge hears first. So it is kept what each side said last; of that, whatever came when, the
same holds. Whoever changes an attribute has seen what held before: what this register had heard by then no longer counts.
"""

from typing import Any, NamedTuple

import msgspec

_encode = msgspec.json.Encoder(order="deterministic").encode


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """`own`: the last that this register said, as JSON, None for nothing since it has the check; `turn`: how often it had said
    something by then. `others`: register -> the last that it said."""

    own: str | None = None
    turn: int = 0
    others: dict[str, str] = {}


class Saying(NamedTuple):
    """One side: what its check has now, how often it was said there, and what is kept of it."""

    value: Any
    turn: int
    said: Said | None


class Holds(NamedTuple):
    """`conflict`: the other side said something now, and not all say the same."""

    value: Any
    said: Said | None
    conflict: bool


def written(value: Any) -> str:
    return _encode(value).decode()


def own(saying: Saying) -> str | None:
    """The last that this side said itself."""
    if saying.said is None:
        return written(saying.value) if saying.turn else None
    return written(saying.value) if saying.turn > saying.said.turn else saying.said.own


def holds(before: Saying, ours: Saying, theirs: Saying, register: str, kind: Any) -> Holds:
    """What holds of an attribute of type `kind` after `register` was heard. `before`: its side as it was heard before."""
    heard = own(theirs) if theirs.turn > before.turn else None
    if heard is None:
        # It may have it from a third one that is not heard yet.
        alone = ours.said is None and not ours.turn and ours.value == before.value
        return Holds(theirs.value if alone else ours.value, ours.said, conflict=False)
    mine = own(ours)
    others = dict(ours.said.others) if ours.said is not None and ours.turn <= ours.said.turn else {}
    others[register] = heard
    every = [*others.values(), *([] if mine is None else [mine])]
    value = msgspec.json.decode(max(every), type=kind)
    return Holds(value, Said(mine, ours.turn, others), conflict=len(set(every)) > 1)

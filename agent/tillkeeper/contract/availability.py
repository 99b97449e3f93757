"""86: what is sold out, or counted down. Events, commands and views of one room."""

from typing import Annotated, Literal

from msgspec import Meta

from tillkeeper.contract.base import Command, Event, Id, View

SubjectKind = Literal["item", "modifier"]
AvailabilityState = Literal["available", "sold_out", "counting"]
MAX_REMAINING = 9_999
Remaining = Annotated[int, Meta(ge=1, le=MAX_REMAINING)]


class AvailabilitySet(Event, frozen=True):
    """A person's word. `remaining` only while counting: how many can be rung from now on.

    `word` is its id, and `stamp_ms` places it among the words about this subject: the wall clock of who said it, but always
    behind every word that the register knew. The newest by (`stamp_ms`, register, `word`) holds on all registers. Events of an
    earlier agent have neither; they say what one register did, also (`by` empty) that a countdown ended, and no other
    register goes by them."""

    kind: SubjectKind
    subject_id: str
    state: AvailabilityState
    remaining: int | None = None
    by: str = ""
    word: str = ""
    stamp_ms: int = 0


class AvailabilityCounted(Event, frozen=True):
    """What a command took of a countdown, or gave back. `taken` and `returned` only ever rise: all pieces that were rung and
    given back under the countdown `word` (said at `stamp_ms`) on the counter `counter` of the register that writes this. A
    counter is that of one log; it is named by the log's incarnation. What is left is what the word said, minus what all
    counters took, plus what they gave back."""

    kind: SubjectKind
    subject_id: str
    word: str
    stamp_ms: int
    counter: str
    taken: int
    returned: int


class SetAvailability(Command, frozen=True, tag="set_availability"):
    """`remaining` is needed with `counting` and refused otherwise."""

    kind: SubjectKind
    subject_id: Id
    state: AvailabilityState
    remaining: Remaining | None = None


class AvailabilityEntry(View, frozen=True):
    """What is not simply available. `remaining` is 0 where it is sold out, and below 0 where more was sold than there was: by
    registers that could not hear each other."""

    kind: SubjectKind
    subject_id: str
    state: AvailabilityState
    name: str
    remaining: int | None = None
    by: str = ""


class AvailabilityView(View, frozen=True):
    entries: tuple[AvailabilityEntry, ...]

"""86: what is sold out, or counted down. Events, commands and views of one room."""

from typing import Annotated, Literal

from msgspec import Meta

from tillkeeper.contract.base import Command, Event, Id, View

SubjectKind = Literal["item", "modifier"]
AvailabilityState = Literal["available", "sold_out", "counting"]
MAX_REMAINING = 9_999
Remaining = Annotated[int, Meta(ge=1, le=MAX_REMAINING)]


class AvailabilitySet(Event, frozen=True):
    """A person said so. Or nobody did (`by` empty): a countdown came to its end, or goes on after it because pieces were given
    back. `remaining` only while counting; what orders take of it in between has no events of its own."""

    kind: SubjectKind
    subject_id: str
    state: AvailabilityState
    remaining: int | None = None
    by: str = ""


class SetAvailability(Command, frozen=True, tag="set_availability"):
    """`remaining` is needed with `counting` and refused otherwise."""

    kind: SubjectKind
    subject_id: Id
    state: AvailabilityState
    remaining: Remaining | None = None


class AvailabilityEntry(View, frozen=True):
    """What is not simply available. `remaining` 0 where it is sold out."""

    kind: SubjectKind
    subject_id: str
    state: AvailabilityState
    name: str
    remaining: int | None = None
    by: str = ""


class AvailabilityView(View, frozen=True):
    entries: tuple[AvailabilityEntry, ...]

"""Texts about persons (names, phones, notes): the event that erases them everywhere, and what the API says of them.

They live beside the chain, which carries a salted digest of each. Whoever holds logs erases the texts that a stored
`personal_data_erased` names, and does not take them in again when they come later.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillkeeper.contract.base import Day, Event, FreeText, ShortText, View

MAX_DIGESTS = 500
"""Of one event."""
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
Place = Literal["journal", "held", "quarantine"]


class PersonalDataErased(Event, frozen=True):
    """The texts with these digests are gone, wherever in the store they were. `cause`: asked (a person did it), retention."""

    digests: tuple[str, ...]
    cause: str = "asked"
    by: str = ""


def is_digest(text: str) -> bool:
    """Whether it can be the digest of a text: SHA-256 in lower-case hex."""
    return len(text) == 64 and not text.strip("0123456789abcdef")


def erasures(event: Event | None) -> tuple[str, ...]:
    """The digests whose texts go with this event; none for all other events."""
    return tuple(filter(is_digest, event.digests)) if isinstance(event, PersonalDataErased) else ()


class FindBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Exactly one of `text` and `check` (a long id, or a ticket code of any day, of `day` where that is given). `exact`: the
    whole text is meant; else a part of it. Capitals and spaces do not count, nor what stands between a phone's digits."""

    text: FreeText = ""
    check: ShortText = ""
    day: Day | None = None
    exact: bool = False
    limit: Annotated[int, Meta(ge=1, le=MAX_DIGESTS)] = MAX_DIGESTS


class EraseBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    digests: Annotated[tuple[Digest, ...], Meta(min_length=1, max_length=MAX_DIGESTS)]
    by: ShortText = ""


class HeldText(View, frozen=True):
    """One text as it is held here. `field`: of the event that speaks of it (name, phone, note). `place`: this register's own
    journal, what it holds for others, or what is in quarantine there."""

    digest: str
    field: str
    text: str
    check_id: str
    ticket_code: str
    business_day: str
    at_ms: int
    register: str
    place: Place


class FoundTexts(View, frozen=True):
    """Oldest first in each place. `more`: there are others that fit. `held`: how many texts this register holds in all."""

    texts: tuple[HeldText, ...]
    more: bool
    held: int


class ErasedTexts(View, frozen=True):
    """`digests`: how many were named. `erased`: how many texts were here and are gone. `notes`: what is not done yet."""

    digests: int
    erased: int
    notes: tuple[str, ...] = ()

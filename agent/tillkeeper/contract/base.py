"""What all events, commands and views are built on, and the bounds of their fields."""

from typing import Annotated

import msgspec
from msgspec import Meta

from tillkeeper.contract.values import MAX_AMOUNT_MINOR, MAX_NAME, MAX_QUANTITY, MAX_TEXT

Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$(?!\n)")]
ShortText = Annotated[str, Meta(max_length=MAX_NAME)]
FreeText = Annotated[str, Meta(max_length=MAX_TEXT)]
Quantity = Annotated[int, Meta(ge=1, le=MAX_QUANTITY)]
Amount = Annotated[int, Meta(ge=1, le=MAX_AMOUNT_MINOR)]
AmountOrNone = Annotated[int, Meta(ge=0, le=MAX_AMOUNT_MINOR)]
"""An amount that may be nothing: an empty drawer, a float of zero."""
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$(?!\n)")]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)")]


class Event(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Base of all bodies. Fields left at their default are not written."""


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Base of all commands. `by` is the person; an unknown field is an error, never ignored."""

    by: ShortText = ""


class CheckCommand(Command, frozen=True):
    check_id: Id
    """The long id, the ticket code of today, or the check number."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Base: every field is always written, so that a reader never has to guess a default."""

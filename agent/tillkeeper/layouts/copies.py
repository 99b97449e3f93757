"""Copy rules by country: the word on a copy of a receipt, how many there may be, what a copy has to carry.

Data with their basis (`law`, `unchecked`, `custom`); docs/layouts.md says what of it somebody has checked. No certification
is claimed.
"""

from functools import cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillkeeper.config.model import Config
from tillkeeper.errors import Refused
from tillkeeper.layouts import names


class CopyRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`word` on a copy, empty: the language's own. `most`: copies of one receipt, None: any number. `original_time`: a copy
    carries the time of the original. `width` and `height` of the mark. `basis`: what the rule rests on, `source`: where that
    can be read."""

    word: str = ""
    most: Annotated[int, Meta(ge=0)] | None = None
    original_time: bool = False
    width: Annotated[int, Meta(ge=1, le=8)] = 1
    height: Annotated[int, Meta(ge=2, le=8)] = 2
    basis: Literal["law", "unchecked", "custom"] = "custom"
    source: str = ""


ANYWHERE = CopyRule()


@cache
def rules() -> dict[str, CopyRule]:
    """By ISO 3166-1 code. Raises msgspec.ValidationError: the shipped file is wrong (a test reads it)."""
    return msgspec.convert(names.country_tables(), dict[str, CopyRule])


def rule(config: Config) -> CopyRule:
    """The store's: its country's, with what `[layouts]` says otherwise."""
    found = rules().get(config.store.country, ANYWHERE)
    most = config.layouts.most_copies
    return found if most is None else msgspec.structs.replace(found, most=most)


def refuse_copies(printed: int, config: Config, ticket_code: str) -> None:
    """Where one more copy of a receipt would be one too many.

    Args:
        printed: how often it was printed, the original included.

    Raises:
        Refused: `copies_exhausted`, with the number allowed.
    """
    most = rule(config).most
    if most is None or printed <= most:
        return
    said = "no copy" if not most else "one copy" if most == 1 else f"{most} copies"
    where = config.store.country or config.store.name
    raise Refused(
        "copies_exhausted", "reprint", f"receipt of check {ticket_code}", f"{said} of a receipt may be printed in {where}",
        "write an invoice, or show the check on the screen", most_copies=most,
    )  # fmt: skip

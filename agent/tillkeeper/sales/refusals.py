"""How a rule of the store says no: one stable code a rule, and names that are nearly right."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from tillkeeper.errors import Refused

T = TypeVar("T")


def nearest(wrong: str, known: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """Up to `limit` of the known names that look like the wrong one, best first."""
    by_lower = {name.lower(): name for name in known}
    return tuple(by_lower[match] for match in difflib.get_close_matches(wrong.lower(), by_lower, n=limit, cutoff=0.5))


def found(known: Mapping[str, T], name: str, *, code: str, operation: str, what: str, **extra: Any) -> T:
    """The named one.

    Raises:
        Refused: there is none of that name; `nearest` lists those that look like it.
    """
    if name in known:
        return known[name]
    near = nearest(name, known)
    hint = f"did you mean {' or '.join(near)}?" if near else ""
    raise Refused(code, operation, name, f"there is no {what} of this name", hint, nearest=near, **extra)


def reason_needed(reason: str, operation: str, subject: str) -> None:
    """
    Raises:
        Refused: `reason_missing`.
    """
    if not reason.strip():
        raise Refused("reason_missing", operation, subject, "this needs a reason", "send a reason")

"""How a rule of the store says no: one stable code a rule, and names that are nearly right."""

from collections.abc import Mapping
from typing import Any, TypeVar

from tillkeeper.errors import Refused
from tillkeeper.file_problem import alike

T = TypeVar("T")


def found(known: Mapping[str, T], name: str, *, code: str, operation: str, what: str, **extra: Any) -> T:
    """The named one.

    Raises:
        Refused: there is none of that name; `nearest` lists those that look like it.
    """
    if name in known:
        return known[name]
    near = alike(name, known)
    hint = f"did you mean {' or '.join(near)}?" if near else ""
    raise Refused(code, operation, name, f"there is no {what} of this name", hint, nearest=near, **extra)


def reason_needed(reason: str, operation: str, subject: str) -> None:
    """
    Raises:
        Refused: `reason_missing`.
    """
    if not reason.strip():
        raise Refused("reason_missing", operation, subject, "this needs a reason", "send a reason")

"""Questions as data, and what an answer has to be. Pure: `dialogue` shows them at a terminal, tests answer by themselves."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")


class Wrong(Exception):
    """An answer that can not be: why, in words. It never quotes a secret."""


@dataclass(frozen=True)
class Say:
    """Something to read before the next question."""

    text: str


@dataclass(frozen=True)
class Question(Generic[T]):
    """`key`: as in the file of answers. `default`: what an empty answer means, as it would be typed; None: there is none.
    `keep`: the value that an empty answer means, where it is what holds now: a person may have written what nobody would be
    allowed to type. `check` makes the value of what was typed, or raises `Wrong`. `secret`: typed without being shown, asked
    for twice where `twice`."""

    key: str
    text: str
    check: Callable[[str], T]
    default: str | None = None
    secret: bool = False
    twice: bool = False
    keep: T | None = None

    def value(self, typed: str) -> T:
        """Of what was typed. Raises Wrong."""
        if typed.strip():
            return self.check(typed)
        if self.keep is not None:
            return self.keep
        if self.default is None:
            raise Wrong("an answer is needed here")
        return self.check(self.default)


Step: TypeAlias = Question[Any] | Say
Interview: TypeAlias = Generator[Step, Any, T]
"""Yields questions, takes the checked answer of each, returns what follows from all of them."""


def ask(
    key: str,
    text: str,
    check: Callable[[str], T],
    default: str | None = None,
    *,
    secret: bool = False,
    twice: bool = False,
    keep: T | None = None,
) -> Interview[T]:
    answer: T = yield Question(key, text, check, default, secret, twice, keep)
    return answer


def ask_yes(key: str, text: str, *, default: bool) -> Interview[bool]:
    return (yield from ask(key, text, yes_or_no, "yes" if default else "no"))


def say(text: str) -> Interview[None]:
    yield Say(text)


def yes_or_no(text: str) -> bool:
    word = text.strip().lower()
    if word in ("y", "yes"):
        return True
    if word in ("n", "no"):
        return False
    raise Wrong("answer yes or no")


def also_empty(check: Callable[[str], str]) -> Callable[[str], str]:
    """`check`, and "-" for nothing: an empty line means the default."""

    def checked(text: str) -> str:
        return "" if text.strip() in ("", "-") else check(text)

    return checked

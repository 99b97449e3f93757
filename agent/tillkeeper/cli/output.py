"""Plain tables, money and times for people; JSON for programs."""

import argparse
import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from tillkeeper.cli.exits import UsageError
from tillkeeper.cli.terminal import clean as clean
from tillkeeper.contract.values import MAX_AMOUNT_MINOR
from tillkeeper.sales.money import exact, to_text


def show(args: argparse.Namespace, answer: Any, text: str) -> None:
    """`answer` as JSON where `--json` asks for it, else `text`."""
    say(json.dumps(answer, ensure_ascii=False, indent=2) if args.json else text)


def say(text: str) -> None:
    sys.stdout.write(text.rstrip("\n") + "\n")
    sys.stdout.flush()


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], empty: str = "nothing") -> str:
    """Columns as wide as their widest cell; a heading that starts with ">" is set to the right."""
    cells = [[clean(cell) for cell in row] for row in rows]
    if not cells:
        return empty
    right = [heading.startswith(">") for heading in headings]
    names = [heading.lstrip(">") for heading in headings]
    lines = [names, *cells] if any(names) else cells
    widths = [max(width(line[at]) for line in lines) for at in range(len(headings))]
    return "\n".join(
        "  ".join(pad(cell, widths[at], to_right=right[at]) for at, cell in enumerate(line)).rstrip() for line in lines
    )


def width(text: str) -> int:
    """Columns on a terminal: wide East Asian characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def pad(text: str, columns: int, *, to_right: bool = False) -> str:
    space = " " * (columns - width(text))
    return space + text if to_right else text + space


def clock(at_ms: int | None) -> str:
    """Local time of this terminal, to the second, and its zone: slips go by the store's, which may be another."""
    try:
        return datetime.fromtimestamp(at_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z") if at_ms else ""
    except (ValueError, OverflowError, OSError):  # no year of a calendar
        return f"{at_ms} ms"


def count(number: int, word: str) -> str:
    """`1 problem`, `2 problems`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def age(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def to_minor(text: str, digits: int) -> int:
    """ "20.00" as minor units.

    Raises:
        UsageError: not a positive amount with at most `digits` decimals, or more than a check may hold.
    """
    try:
        amount = exact(text).scaleb(digits)
    except ValueError as error:
        raise UsageError(f"{text!r} is not an amount") from error
    if not 0 < amount <= MAX_AMOUNT_MINOR or amount != amount.to_integral_value():
        raise UsageError(f"{text!r} is not an amount above 0 and within bounds, with at most {digits} decimals")
    return int(amount)


class Money:
    """Amounts in the store's currency, as the agent's catalogue says it."""

    def __init__(self, catalogue: dict[str, Any]) -> None:
        self.currency = str(catalogue["currency"])
        self.digits = int(catalogue["minor_digits"])

    def text(self, minor: int) -> str:
        return to_text(minor, self.digits)

    def full(self, minor: int) -> str:
        return to_text(minor, self.digits, self.currency)

    def minor(self, text: str) -> int:
        return to_minor(text, self.digits)

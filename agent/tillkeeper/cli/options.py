"""Types of options: what the API would refuse is a wrong command line, said before anything is sent."""

import argparse
import re
from collections.abc import Callable
from datetime import date

MAX_ROWS = 500
"""Of one page of a list (`api.ports.Limit`)."""
_DIGITS = re.compile(r"[0-9]{1,9}", re.ASCII)


def add_ref(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ref", metavar="REF", help="the check's long id, ticket code of today (B-037) or number")


def whole(low: int, high: int) -> Callable[[str], int]:
    """An option's type: a whole number within bounds."""

    def number(text: str) -> int:
        if not _DIGITS.fullmatch(text) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {low} to {high}")
        return int(text)

    return number


def day(text: str) -> str:
    """An option's type: a business day as the API takes it."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it as YYYY-MM-DD") from None

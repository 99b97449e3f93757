"""What the people of the lunch hour know by themselves: what a page showed them, and what went through their hands."""

from collections import Counter
from typing import Literal

import msgspec

Shift = Literal["clock_in", "break_start", "break_end", "clock_out"]


class ToldCheck(msgspec.Struct):
    """One check as its cashier remembers it. `total_minor`: what the page asked for, tax included, with what was ordered last.
    `pieces`: item id -> how many are left after voids."""

    code: str
    training: bool = False
    state: Literal["open", "closed", "voided"] = "open"
    awaiting: bool = False
    total_minor: int = 0
    pieces: Counter[str] = msgspec.field(default_factory=Counter)
    paid: Counter[str] = msgspec.field(default_factory=Counter)
    """Tender -> what was kept of it, change off, in store currency."""
    refunded_minor: int = 0
    receipts: int = 0
    """Receipts asked for beyond the first: copies."""


class Purse(msgspec.Struct):
    """The cash that truly lies in one drawer, by currency, as hands put it in and took it out."""

    drawer: str
    cash: Counter[str] = msgspec.field(default_factory=Counter)
    counted: list[dict[str, int]] = msgspec.field(default_factory=list)

    def put(self, minor: int, currency: str = "USD") -> None:
        self.cash[currency] += minor

    def take(self, minor: int, currency: str = "USD") -> None:
        self.cash[currency] -= minor
        assert self.cash[currency] >= 0, f"{self.drawer}: more was taken out than there was: {self.cash}"


class Told(msgspec.Struct):
    """All of it. `clocked`: (employee, what) in order; `sold_out`: (subject, state) in order."""

    checks: dict[str, ToldCheck] = msgspec.field(default_factory=dict)
    purses: dict[str, Purse] = msgspec.field(default_factory=dict)
    clocked: list[tuple[str, Shift]] = msgspec.field(default_factory=list)
    sold_out: list[tuple[str, str]] = msgspec.field(default_factory=list)
    no_sales: int = 0
    moved: Counter[str] = msgspec.field(default_factory=Counter)
    """paid_in, paid_out, safe_drop -> sum in minor units."""
    tips: Counter[str] = msgspec.field(default_factory=Counter)

    def check(self, code: str) -> ToldCheck:
        return self.checks.setdefault(code, ToldCheck(code, training=code.startswith("T-")))

"""The figures of one business day, as they are shown and printed. `books.py` folds them from the events."""

import msgspec


class TaxBooks(msgspec.Struct, frozen=True):
    """Sales under one tax code: `net_minor` + `tax_minor` = gross."""

    net_minor: int = 0
    tax_minor: int = 0


class TenderBooks(msgspec.Struct, frozen=True):
    """One tender's money. `taken_minor` was paid by guests (change already taken off), `returned_minor` went back when an
    unfinished check was voided, `refunded_minor` went back on closed checks."""

    taken_minor: int = 0
    returned_minor: int = 0
    refunded_minor: int = 0

    @property
    def kept_minor(self) -> int:
        return self.taken_minor - self.returned_minor - self.refunded_minor


class DayBooks(msgspec.Struct, frozen=True, kw_only=True):
    """One business day of a store or register. Sales are closed checks, on the day they closed, before refunds; a voided
    check is no sale. `refunded_minor` is the money handed back, cash rounding included. `open_checks` were opened on this day
    or before and were neither closed nor voided by its end."""

    business_day: str
    sales: int = 0
    gross_minor: int = 0
    net_minor: int = 0
    tax_minor: int = 0
    discount_minor: int = 0
    rounding_minor: int = 0
    taxes: dict[str, TaxBooks] = {}
    tenders: dict[str, TenderBooks] = {}
    refunds: int = 0
    refunded_minor: int = 0
    refunded_tax_minor: int = 0
    voids: int = 0
    no_sales: int = 0
    opened: int = 0
    open_checks: int = 0

"""Values that events, commands and views have in common. Money is always an integer in minor units (cents)."""

from typing import Literal

import msgspec

OrderType = Literal["dine_in", "takeout", "drive_through", "delivery"]
FireRule = Literal["each_item", "on_send", "on_tender"]
TenderKind = Literal["cash", "custom", "card", "gift", "loyalty"]
CheckState = Literal["open", "closed", "voided"]
TimeEntryKind = Literal["clock_in", "clock_out", "break_start", "break_end"]
DocumentClass = Literal["kitchen_ticket", "change_slip", "receipt", "drawer_pulse", "test_slip", "report"]
JobState = Literal["queued", "sending", "sent", "confirmed", "unconfirmed", "failed", "held", "expired", "rerouted"]

MAX_QUANTITY = 999
MAX_AMOUNT_MINOR = 100_000_000
MAX_LINES = 500
MAX_TEXT = 500
MAX_NAME = 200


class Personal(msgspec.Struct, frozen=True):
    """A field about a person. The chain carries only `digest`, a salted SHA-256 in hex; the text lives beside it and can
    be erased while the chain still verifies."""

    digest: str


class Tax(msgspec.Struct, frozen=True):
    """The tax of a line as it was when the line was rung. `rate_ppm`: parts per million, 8.875 % is 88750."""

    code: str
    rate_ppm: int
    included: bool


class Modifier(msgspec.Struct, frozen=True):
    modifier_id: str
    name: str
    price_minor: int = 0
    quantity: int = 1
    kitchen_name: str = ""


class TaxTotal(msgspec.Struct, frozen=True):
    """`net_minor` + `tax_minor` = gross of all lines under this tax, whether the tax is included in prices or not."""

    tax: Tax
    net_minor: int
    tax_minor: int


class Totals(msgspec.Struct, frozen=True):
    """A check's sums. `gross_minor` = net + tax; `due_minor` = gross - paid + rounding, negative only where two
    registers took payments for one check.

    `subtotal_minor` is before discounts as rung, `discount_minor` is positive, `rounding_minor` is what cash rounding
    added (negative where it took away)."""

    subtotal_minor: int
    discount_minor: int
    net_minor: int
    tax_minor: int
    gross_minor: int
    rounding_minor: int
    paid_minor: int
    due_minor: int
    taxes: tuple[TaxTotal, ...] = ()

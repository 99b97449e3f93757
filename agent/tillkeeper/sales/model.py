"""A check as the fold of its events. Frozen values: `checks.apply` makes a new one."""

import msgspec

from tillkeeper.contract.values import CheckState, Modifier, OrderType, Personal, Tax, TenderKind, Totals


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """`quantity` is what is left after voids. `fired` once the kitchen owes it; `fire_at_ms` while it waits for a time."""

    line_id: str
    item_id: str
    name: str
    quantity: int
    unit_price_minor: int
    tax: Tax
    station: str
    kitchen_name: str = ""
    modifiers: tuple[Modifier, ...] = ()
    seat: int | None = None
    course: int = 1
    order_type: OrderType | None = None
    note: str = ""
    held: bool = False
    fired: bool = False
    fire_at_ms: int | None = None
    voided_quantity: int = 0
    refunded_quantity: int = 0


class Discount(msgspec.Struct, frozen=True, omit_defaults=True):
    discount_id: str
    code: str
    name: str
    line_id: str = ""
    rate_ppm: int = 0
    amount_minor: int = 0


class Payment(msgspec.Struct, frozen=True, omit_defaults=True):
    tender_id: str
    tender: str
    kind: TenderKind
    amount_minor: int
    tendered_minor: int
    change_minor: int = 0
    rounding_minor: int = 0
    foreign_currency: str = ""
    foreign_minor: int = 0
    reference: str = ""


class Refund(msgspec.Struct, frozen=True, omit_defaults=True):
    refund_id: str
    tender: str
    amount_minor: int
    tax_minor: int
    reason: str
    rounding_minor: int = 0
    quantities: dict[str, int] = {}


class KnownItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a station is known to hold of one line: the last it was told."""

    line_id: str
    quantity: int
    name: str
    modifiers: tuple[str, ...] = ()
    note: str = ""
    seat: int | None = None
    course: int = 1
    order_type: str = ""


class StationView(msgspec.Struct, frozen=True):
    """The kitchen's knowledge of one check at one station, from the `ticket_fired` events. `job_id` is the last ticket's."""

    revision: int = 0
    job_id: str = ""
    items: dict[str, KnownItem] = {}


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    check_id: str
    ticket_code: str
    order_type: OrderType
    catalogue_version: str
    terminal: str
    business_day: str
    opened_at_ms: int
    state: CheckState = "open"
    number: int | None = None
    server: str = ""
    table: str = ""
    covers: int = 0
    name: Personal | None = None
    phone: Personal | None = None
    note: Personal | None = None
    lines: tuple[Line, ...] = ()
    discounts: tuple[Discount, ...] = ()
    payments: tuple[Payment, ...] = ()
    refunds: tuple[Refund, ...] = ()
    stations: dict[str, StationView] = {}
    receipts: int = 0
    """Receipts issued so far; the second and later ones are copies."""
    closed_at_ms: int | None = None
    closed_totals: Totals | None = None
    void_reason: str = ""
    awaiting: str = ""
    """The tender by which it is to be settled later."""
    training: bool = False
    car: int = 0

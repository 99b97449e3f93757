"""A check as the fold of its events. Frozen values: `checks.apply` makes a new one."""

import msgspec

from tillkeeper.contract.authorisations import AuthorisationState, Purpose, Situation
from tillkeeper.contract.paper import Slip
from tillkeeper.contract.together import Conflict
from tillkeeper.contract.values import CheckState, Modifier, OrderType, Personal, Tax, TenderKind, Totals
from tillkeeper.sales.sayings import Said


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
    maybe_fired: bool = False
    """Not fired as far as is known here, but a silent register that had the check may have fired it."""
    removed: dict[str, int] = {}
    """Pieces that each side took off since the check was taken: register -> pieces, empty for this one (see `merge`)."""
    owed: int = 0
    """Pieces that others took off beyond what is here: what is still to come of them in a later merge is less by so many."""
    from_paper: bool = False
    """Sold on paper: no ticket of ours told the kitchen, and none ever will."""
    voided_quantity: int = 0
    refunded_quantity: int = 0
    turns: dict[str, int] = {}
    """How often each attribute was said since this register has the check."""


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
    label: str = ""
    returned: bool = False
    """Given back, at a register that voided its side of the check."""


class Refund(msgspec.Struct, frozen=True, omit_defaults=True):
    refund_id: str
    tender: str
    amount_minor: int
    tax_minor: int
    reason: str
    rounding_minor: int = 0
    quantities: dict[str, int] = {}
    of_overpayment: bool = False


class Authorisation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One attempt to move money by a tender that needs the world: what was asked, and what has become of it. The fields are
    those of its events. `used`: what it was for is recorded under its id. `made` False: a reversal found that it never was."""

    authorisation_id: str
    situation: Situation
    tender: str
    kind: TenderKind
    gateway: str
    amount_minor: int
    purpose: Purpose
    key_sha256: str
    asked_at_ms: int
    check_id: str = ""
    index: int = 0
    original: str = ""
    guest_absent: bool = False
    terminal: str = ""
    by: str = ""
    state: AuthorisationState = "asked"
    used: bool = False
    brought: bool = False
    """It came with the check from another register, or in a merge: others may have decided what becomes of it."""
    made: bool = True
    reference: str = ""
    label: str = ""
    reason: str = ""
    cause: str = ""


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
    authorisations: tuple[Authorisation, ...] = ()
    elsewhere: str = ""
    """The register that has it now; empty: it is here."""
    hand: int = 0
    """With the register that has it: the claim to the check (`contract.together`)."""
    known: dict[str, int] = {}
    """Up to where the logs of other registers are in it: incarnation -> seq."""
    doubt: tuple[str, ...] = ()
    """Registers that had it and are silent: they may have gone on with it."""
    conflicts: tuple[Conflict, ...] = ()
    turns: dict[str, int] = {}
    """As of a line, for what is said of the whole check."""
    said: dict[str, Said] = {}
    """What registers said of an attribute since the check was taken: line id/name, or /name of the whole check."""
    unseen: dict[str, int] = {}
    """Payments and refunds that came with a merge before the event which recorded them: id -> times (see `merge`)."""
    slip: Slip | None = None
    """It was entered from paper."""

"""Orders of a web shop: what the shop gives HQ, what HQ hands to a register, what becomes of it (`docs/online-orders.md`)."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillkeeper.contract.base import Amount, FreeText, Id, Quantity, ShortText, View
from tillkeeper.contract.commands import ChosenModifier, TimeMs
from tillkeeper.contract.roles import Epoch
from tillkeeper.contract.values import OrderType

MAX_ORDER_LINES = 100
MAX_AT_ONCE = 20
MAX_DONE = 50
LEASE_S = 10
"""So long a register that was silent counts as there. Each time it asks, it begins anew."""
Words = Annotated[str, Meta(max_length=300)]

OnlineState = Literal["waiting", "handed_out", "accepted", "refused", "expired"]
Outcome = Literal["accepted", "refused", "not_placed"]


class OnlineLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The price is the catalogue's."""

    item_id: Id
    quantity: Quantity = 1
    modifiers: Annotated[tuple[ChosenModifier, ...], Meta(max_length=50)] = ()
    note: FreeText = ""


class OnlineOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """`id`: the shop's own, the same order under the same one. `paid_minor`: what the guest has paid to the shop, None: to be
    paid when it is handed out. `promised_ms`: when it is to be ready, ms since the epoch, None: as soon as can be.
    `expires_in_s`: so long it may wait for a register."""

    id: Id
    order_type: OrderType
    lines: Annotated[tuple[OnlineLine, ...], Meta(min_length=1, max_length=MAX_ORDER_LINES)]
    name: ShortText = ""
    phone: ShortText = ""
    note: FreeText = ""
    paid_minor: Amount | None = None
    payment_reference: ShortText = ""
    promised_ms: TimeMs | None = None
    expires_in_s: Annotated[int, Meta(ge=30, le=86_400)] = 900


class OnlinePlaced(msgspec.Struct, frozen=True):
    """A check that the order became."""

    register: str
    check_id: str
    ticket_code: str


class OnlineOrderState(msgspec.Struct, frozen=True, kw_only=True):
    """What the shop is told. `handed_out`: a register has it and has not said yet what became of it; past `expires_ms` nobody
    else gets it. `register`: who has it, or placed it. `code` and `reason`: why it was refused. `may_be_doubled`: it was given
    to a second register because the first fell silent. `also_placed`: further checks that it became."""

    id: str
    state: OnlineState
    received_ms: int
    expires_ms: int
    register: str = ""
    check_id: str = ""
    ticket_code: str = ""
    code: str = ""
    reason: str = ""
    may_be_doubled: bool = False
    also_placed: tuple[OnlinePlaced, ...] = ()


class OnlineDone(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of an order at the register that says so. `not_placed`: it has it not, and will not place it."""

    id: Id
    outcome: Outcome
    check_id: Annotated[str, Meta(max_length=64)] = ""
    ticket_code: Annotated[str, Meta(max_length=64)] = ""
    code: Annotated[str, Meta(max_length=64)] = ""
    reason: Words = ""


class TakeOnlineOrders(msgspec.Struct, frozen=True, kw_only=True):
    """A register asks for orders and says what became of those that it had. `primary`, `backup` and `epoch`: the record of
    roles that it goes by. `limit` 0: it only tells."""

    register: Id
    primary: Id
    backup: Annotated[str, Meta(max_length=64)] = ""
    epoch: Epoch = Epoch()
    done: Annotated[tuple[OnlineDone, ...], Meta(max_length=MAX_DONE)] = ()
    limit: Annotated[int, Meta(ge=0, le=MAX_AT_ONCE)] = MAX_AT_ONCE


class HandedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """`order` None: it is not to be placed any more, only to be said whether it was. `may_be_doubled`: another register had it
    before, and nobody knows what that one did."""

    id: str
    order: OnlineOrder | None = None
    may_be_doubled: bool = False


class OnlineOrdersTaken(msgspec.Struct, frozen=True, kw_only=True):
    """`holder`: who gets orders now, for `lease_s` after it last asked; empty for nobody. `waiting`: orders that wait still."""

    holder: str
    lease_s: int = LEASE_S
    orders: tuple[HandedOrder, ...] = ()
    waiting: int = 0


# --- what the register shows ---


class OnlineRow(View, frozen=True):
    """One of the last orders that came here."""

    id: str
    outcome: str
    at_ms: int
    ticket_code: str = ""
    check_id: str = ""
    code: str = ""
    reason: str = ""
    may_be_doubled: bool = False


class OnlineView(View, frozen=True):
    """`takes`: whether this register is to ask. `words`: how it stands. `holder`: who gets the orders, as HQ said last;
    `waiting`: how many waited then. `asked_s`: seconds since HQ answered, None for never."""

    takes: bool
    words: str
    holder: str
    waiting: int
    asked_s: float | None
    rows: tuple[OnlineRow, ...]

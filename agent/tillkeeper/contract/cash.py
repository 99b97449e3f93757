"""Cash drawers: sessions with float, movements, blind count, X and Z. Events, commands and views of one room.

A session is the stay of one cash insert in one drawer: open -> counted -> closed. A counted session takes no more money, so
another one may be opened at once (a drawer swap) while the first waits for its Z. Amounts are in minor units; a map
`{currency: minor}` where foreign cash may lie in the drawer.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillkeeper.contract.base import Amount, AmountOrNone, Command, Currency, Event, Id, ShortText, View

MovementKind = Literal["paid_in", "paid_out", "safe_drop"]
SessionState = Literal["open", "counted", "closed"]
Counted = Annotated[dict[Currency, AmountOrNone], Meta(min_length=1, max_length=20)]


class DrawerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in one session. `tenders`: tender -> what was kept of it. `expected_minor`: what must lie in the drawer, by
    currency = float + cash taken - change - cash given back + paid in - paid out - drops; the store's own is always there.
    `cash_back_minor`: given back in cash by refunds and voids. `change_minor`: given in cash on foreign notes and vouchers;
    change on the store's own cash is not counted apart. Otherwise the terms are those of `books.DayBooks`. All positive
    unless it says otherwise; what is expected and what is kept of a tender can be negative."""

    float_minor: int = 0
    expected_minor: dict[str, int] = {}
    tenders: dict[str, int] = {}
    sales: int = 0
    gross_minor: int = 0
    net_minor: int = 0
    tax_minor: int = 0
    discount_minor: int = 0
    rounding_minor: int = 0
    """Signed: what cash rounding added."""
    refunds: int = 0
    refunded_minor: int = 0
    voids: int = 0
    returned_minor: int = 0
    cash_back_minor: int = 0
    change_minor: int = 0
    no_sales: int = 0
    paid_in_minor: int = 0
    paid_out_minor: int = 0
    safe_drop_minor: int = 0


# --- events ---


class DrawerSessionOpened(Event, frozen=True):
    session_id: str
    drawer: str
    float_minor: int
    terminal: str = ""
    by: str = ""


class CashMoved(Event, frozen=True):
    """Cash put in or taken out without a sale. `amount_minor` is positive, in store currency."""

    movement_id: str
    session_id: str
    drawer: str
    kind: MovementKind
    amount_minor: int
    reason: str
    by: str = ""


class DrawerCounted(Event, frozen=True):
    """Counted blind: whoever counted had not been told what to expect. A currency that is not named was counted as nothing.
    `recount`: again, by a person who may see the expected amount; it stands beside the first and counts from then on."""

    session_id: str
    drawer: str
    counted_minor: dict[str, int]
    by: str = ""
    recount: bool = False


class DrawerSessionClosed(Event, frozen=True):
    """The Z of a session. `number` rises by one per drawer, without gaps. `over_short_minor` by currency: positive is over."""

    session_id: str
    drawer: str
    number: int
    figures: DrawerFigures
    counted_minor: dict[str, int]
    over_short_minor: dict[str, int]
    by: str = ""


class DrawerReportPrinted(Event, frozen=True):
    """`kind`: x or z; `copy` counts repeats of a Z."""

    session_id: str
    drawer: str
    kind: Literal["x", "z"]
    job_id: str
    device: str
    copy: int = 0
    by: str = ""


# --- commands ---


class DrawerCommand(Command, frozen=True):
    drawer: Id


class OpenDrawerSession(DrawerCommand, frozen=True, tag="open_drawer_session"):
    float_minor: AmountOrNone


class MoveCash(DrawerCommand, frozen=True, tag="move_cash"):
    kind: MovementKind
    amount_minor: Amount
    reason: ShortText


class CountDrawer(DrawerCommand, frozen=True, tag="count_drawer"):
    """Of the open session, or, named by `session_id`, again of one that waits for its Z. `open_session_id`: the session that
    was open when the counting began, so that no other one is counted by mistake."""

    counted: Counted
    session_id: Id | None = None
    open_session_id: Id | None = None


class CloseDrawerSession(DrawerCommand, frozen=True, tag="close_drawer_session"):
    """The Z. Of the session that waits for it; the oldest where several do."""

    session_id: Id | None = None


class PrintDrawerReport(DrawerCommand, frozen=True, tag="print_drawer_report"):
    """X of the open session; of a closed one, named by `session_id`, its Z again."""

    session_id: Id | None = None


# --- views ---


class DrawerSessionView(View, frozen=True):
    """`expected_minor` and `over_short_minor` are in reports of counted sessions (before, for those who may see it) and in
    closed ones; lists of drawers leave them out."""

    session_id: str
    drawer: str
    state: SessionState
    opened_at_ms: int
    opened_by: str
    float_minor: int
    terminal: str = ""
    number: int | None = None
    counted_at_ms: int | None = None
    counted_by: str = ""
    closed_at_ms: int | None = None
    closed_by: str = ""
    counted_minor: dict[str, int] | None = None
    expected_minor: dict[str, int] | None = None
    over_short_minor: dict[str, int] | None = None


class DrawerView(View, frozen=True):
    """One drawer: its open session, and those that are counted and wait for their Z. `open` is what its sensor says."""

    drawer: str
    title: str
    session: DrawerSessionView | None
    waiting: tuple[DrawerSessionView, ...] = ()
    open: Literal["yes", "no", "unknown"] = "unknown"


class DrawerList(View, frozen=True):
    drawers: tuple[DrawerView, ...]


class DrawerReport(View, frozen=True):
    """An X (session not closed) or a Z. `figures` is None while the count must be blind for whoever asks: what was sold tells
    what to expect."""

    kind: Literal["x", "z"]
    session: DrawerSessionView
    figures: DrawerFigures | None
    currency: str
    at_ms: int


class DrawerSessionList(View, frozen=True):
    """Closed ones, newest first. `next_before`: the Z number to ask for the next page with, None where this is the end."""

    sessions: tuple[DrawerSessionView, ...]
    next_before: int | None = None

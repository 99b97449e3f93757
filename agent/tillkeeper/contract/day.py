"""End of day: tails, declared gaps, parked registers, the close and its Z. Events, commands and views of one room.

A business day is closed by the holder of the primary's lease, for the whole store. Each register says up to where its log
belongs to the day (its tail). An event is in exactly one business day; `days.py` says in which.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillkeeper.contract.base import Command, Day, Event, Id, ShortText, View
from tillkeeper.contract.figures import DayBooks
from tillkeeper.contract.roles import Epoch

Seq = Annotated[int, Meta(ge=0, le=2**53)]
Tails = dict[str, dict[str, Seq]]
"""register -> incarnation -> the last seq that belongs to the day."""

MAX_Z = 999_999_999
MAX_LISTED = 50
"""Open checks, frozen sales and drawer sessions that a close names; it counts all of them."""


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A manager signed that the day is closed without the rest of this register's log. `held`: incarnation -> seq that was
    held when it was signed. `lost`: logs that are over, and nobody knows how much more they had. `rest`: False where that alone
    was signed, and what the register writes now is waited for."""

    register: str
    held: dict[str, int] = {}
    reason: str = ""
    by: str = ""
    lost: tuple[str, ...] = ()
    rest: bool = True


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """A register that the close does not wait for, until it is taken back."""

    register: str
    reason: str = ""
    by: str = ""


class DrawerLine(msgspec.Struct, frozen=True, kw_only=True):
    """One drawer session in the report of a day, in minor units. `number`: of its Z, None while it has none. `counted_minor`,
    `expected_minor` and `over_short_minor` by currency, empty while it is open; over is positive."""

    register: str
    drawer: str
    session_id: str
    state: Literal["open", "counted", "closed"]
    number: int | None = None
    by: str = ""
    float_minor: int = 0
    expected_minor: dict[str, int] = {}
    counted_minor: dict[str, int] = {}
    over_short_minor: dict[str, int] = {}


class OpenCheckLine(msgspec.Struct, frozen=True, kw_only=True):
    """A check that goes over into the next day. `due_minor` is None where it is not known here."""

    check_id: str
    ticket_code: str
    register: str
    opened_day: str
    due_minor: int | None = None


class FrozenSale(msgspec.Struct, frozen=True, kw_only=True):
    """A card sale whose authorisation has no final outcome yet."""

    check_id: str
    ticket_code: str
    register: str
    amount_minor: int
    state: str


class Adjustment(msgspec.Struct, frozen=True, kw_only=True):
    """What this day books for events that are stamped with an earlier day, `of`, and came after that day was closed."""

    of: str
    figures: DayBooks


class DayFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What a close says. `books`: everything that this day books, `adjustments` included; `adjustments`: of it, by the day
    that the events are stamped with. `quarantine`: events in quarantine at HQ, None where HQ was not reached. Lists name
    `MAX_LISTED` at most; the counts count all."""

    books: DayBooks
    adjustments: tuple[Adjustment, ...] = ()
    drawers: tuple[DrawerLine, ...] = ()
    open_checks: tuple[OpenCheckLine, ...] = ()
    open_checks_count: int = 0
    frozen: tuple[FrozenSale, ...] = ()
    frozen_count: int = 0
    quarantine: int | None = None


# --- events ---


class DayTailDeclared(Event, frozen=True):
    """This register stamps a later day from here on. The event's own place in the log is the register's tail of `day`.
    `epoch`: of the primary that asked."""

    day: Day
    epoch: Epoch = Epoch()


class GapDeclared(Event, frozen=True):
    """See `Gap`. Counts for the close of `day` alone."""

    day: Day
    register: str
    held: dict[str, Seq]
    reason: str
    by: str = ""
    lost: tuple[str, ...] = ()
    rest: bool = True


class RegisterParked(Event, frozen=True):
    """`n` rises with each parking and taking back of the same register, as far as its author knew; the highest counts."""

    register: str
    n: int
    reason: str
    by: str = ""


class RegisterUnparked(Event, frozen=True):
    """As `RegisterParked`: the close waits for this register again."""

    register: str
    n: int
    reason: str = ""
    by: str = ""


class DayClosed(Event, frozen=True):
    """The Z of the store. `z` rises by one per close, as far as its author knew. What the registers write after `tails` is not
    in this day. Of two closes of one day the one of the higher epoch counts (`days.counting`)."""

    day: Day
    z: Annotated[int, Meta(ge=1, le=MAX_Z)]
    epoch: Epoch
    tails: Tails
    figures: DayFigures
    gaps: tuple[Gap, ...] = ()
    parked: tuple[Parked, ...] = ()
    by: str = ""


class DayReportPrinted(Event, frozen=True):
    """`copy`: 0 for the first, then 1, 2, ..."""

    day: str
    z: int
    job_id: str
    device: str
    copy: int = 0
    by: str = ""


# --- commands ---


class CloseDay(Command, frozen=True, tag="close_day"):
    """`day` None: the oldest day with events that is not closed. A day that is closed already is answered as it was closed.
    `print_report`: on this register's report printer, where it has one."""

    day: Day | None = None
    print_report: bool = True


class DeclareGap(Command, frozen=True, tag="declare_gap"):
    """Close `day` (None: the one that is to be closed) without what is missing of this register's log."""

    register: Id
    reason: Annotated[ShortText, Meta(min_length=1)]
    day: Day | None = None


class ParkRegister(Command, frozen=True, tag="park_register"):
    register: Id
    reason: Annotated[ShortText, Meta(min_length=1)]


class UnparkRegister(Command, frozen=True, tag="unpark_register"):
    register: Id
    reason: ShortText = ""


class PrintDayReport(Command, frozen=True, tag="print_day_report"):
    """The Z of a closed day again, marked as a copy."""

    day: Day


# --- what registers ask each other ---


class DayAsk(msgspec.Struct, frozen=True):
    """Topic `day.ask`: declare the tail of `day`."""

    day: Day
    epoch: Epoch


class DayTail(msgspec.Struct, frozen=True):
    """The answer: the asked register's log and its tail in it."""

    incarnation: str
    seq: int


# --- views ---

MemberState = Literal["ready", "to_be_asked", "behind", "one_copy", "silent", "unknown", "lost", "gap", "parked", "left"]


class LogHeld(View, frozen=True):
    """One log of a register. `tail`: what the day needs of it, None where nobody knows; `held`: how far it is held here;
    `copies`: registers that hold it up to the tail, this one included."""

    incarnation: str
    held: int
    tail: int | None
    copies: int


class DayMember(View, frozen=True):
    """One register of the store and the day's close. `ready`, `to_be_asked` (it is heard and is asked at the close), `gap`,
    `parked` and `left` are not in its way. `missing`: events still to come, None where that is not known. `silent_s`: since it
    was last heard, None where it is heard or never was. `words` says what is the matter, `todo` what a person can do. `lost`:
    logs that are over and of which nobody knows where they ended, until a closed day names them."""

    register: str
    state: MemberState
    blocks: bool
    logs: tuple[LogHeld, ...] = ()
    missing: int | None = 0
    silent_s: float | None = None
    words: str = ""
    todo: str = ""
    lost: tuple[str, ...] = ()


class DayStatus(View, frozen=True):
    """`today`: what events are stamped with now. `day`: what would be closed next, None where there is nothing to close.
    `open`: all days with events that are not closed. `primary`: who may close, empty where that is not known; `may_close`: this
    register, now. `ready`: nothing stands in the way. `words`: one sentence for it."""

    today: str
    day: str | None
    open: tuple[str, ...]
    primary: str
    may_close: bool
    ready: bool
    words: str
    members: tuple[DayMember, ...]
    last_closed: str = ""
    last_z: int = 0


class ClosedDay(View, frozen=True):
    """`counts`: False for the close of a lower epoch, beside another of the same day."""

    day: str
    z: int
    closed_at_ms: int
    by: str
    register: str
    epoch: Epoch
    counts: bool
    sales: int
    gross_minor: int
    adjustments: int
    gaps: int
    parked: int


class ClosedDayList(View, frozen=True):
    """Newest first. `next_before`: the day to ask for the next page with."""

    days: tuple[ClosedDay, ...]
    next_before: str | None = None


class DayReport(View, frozen=True):
    """One day of the whole store, as far as its logs are held here. `closed` is None for an open day: then `figures` are those
    of now. `late`: what is stamped with this day and is booked in a later one, by that day."""

    day: str
    closed: ClosedDay | None
    figures: DayFigures
    currency: str
    minor_digits: int
    tails: Tails = {}
    gaps: tuple[Gap, ...] = ()
    parked: tuple[Parked, ...] = ()
    others: tuple[ClosedDay, ...] = ()
    late: dict[str, DayBooks] = {}
    at_ms: int = 0

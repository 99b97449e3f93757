"""What a register knows of the store's days, folded from all logs: closes, tails, gaps, parked registers, and where in which
log the events of a day are. A `Follower`; pure.

Logs come in any interleaving. So whatever two logs can say about the same thing is kept under a rank that does not depend on
who came first.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from tillkeeper.contract.authorisations import AuthorisationAsked, AuthorisationSettled, ReversalOwed
from tillkeeper.contract.base import Event
from tillkeeper.contract.cash import CashMoved, DrawerCounted, DrawerSessionClosed, DrawerSessionOpened
from tillkeeper.contract.day import (
    DayClosed,
    DayTailDeclared,
    FrozenSale,
    Gap,
    GapDeclared,
    Parked,
    RegisterParked,
    RegisterUnparked,
)
from tillkeeper.contract.days import LAST, Close, Days, Place, believed, close_of, reach
from tillkeeper.contract.documents import NoSaleRecorded
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import (
    TYPE_NAMES,
    CheckClosed,
    CheckOpened,
    CheckVoided,
    IncarnationBegan,
    RefundRecorded,
    TenderRecorded,
)
from tillkeeper.contract.roles import LEAP
from tillkeeper.contract.together import CheckForked, CheckMerged, CheckTaken
from tillkeeper.day import open_checks
from tillkeeper.day.ended import Ended
from tillkeeper.day.open_checks import OpenCheck, OpenChecks
from tillkeeper.day.pending import Going, Pending

LAST_MS = 250_000_000_000_000
"""A stamp after this (the year 9892) is no time."""
MAX_TAILS = 400
"""Of one log: the tails of the last days."""

_BOOKED: tuple[type[Event], ...] = (
    CheckOpened, CheckClosed, CheckVoided, TenderRecorded, RefundRecorded, NoSaleRecorded, CheckMerged
)  # fmt: skip
_CHECKS = open_checks.KINDS
_CALLS: tuple[type[Event], ...] = (AuthorisationAsked, AuthorisationSettled, ReversalOwed)
_CASH: tuple[type[Event], ...] = (DrawerSessionOpened, DrawerCounted, DrawerSessionClosed, CashMoved)
_DAY: tuple[type[Event], ...] = (
    DayTailDeclared, GapDeclared, RegisterParked, RegisterUnparked, DayClosed, IncarnationBegan
)  # fmt: skip
FIGURES = frozenset(TYPE_NAMES[kind] for kind in (*_BOOKED, *_CASH))
"""Types that figures of a day are made of."""


class KnownClose(msgspec.Struct, frozen=True):
    """A close and what a list says of it."""

    close: Close
    at_ms: int
    by: str
    sales: int
    gross_minor: int
    adjustments: int
    gaps: int
    parked: int


class _Signed(msgspec.Struct, frozen=True):
    rank: tuple[int, Place]
    gap: Gap


class _Parking(msgspec.Struct, frozen=True):
    rank: tuple[int, Place]
    parked: Parked | None


class _State(msgspec.Struct):
    ended: Ended
    ranges: dict[str, dict[str, dict[str, tuple[int, int]]]] = {}
    tails: dict[str, dict[str, list[tuple[str, int]]]] = {}
    closes: list[KnownClose] = []
    gaps: dict[str, dict[str, _Signed]] = {}
    parking: dict[str, _Parking] = {}
    checks: dict[str, OpenCheck] = {}
    stamps: dict[str, int] = {}
    sessions: dict[str, Going] = {}
    calls: dict[str, FrozenSale | None] = {}


class Range(msgspec.Struct, frozen=True):
    """Events of one log that are stamped with one day: the first and the last of them; others may lie between."""

    register: str
    incarnation: str
    stamped: str
    first: int
    last: int


class DayIndex:
    """See `following.Follower`. `today`: what the calendar says now, whatever is closed (`contract.days.reach`)."""

    name = "day"
    kinds: frozenset[str] | None = FIGURES | frozenset(TYPE_NAMES[kind] for kind in (*_DAY, *_CALLS, *_CHECKS))

    def __init__(self, today: Callable[[], str] = lambda: LAST) -> None:
        self._today = today
        self._state = _State(Ended())
        self._checks, self._pending = OpenChecks(self.is_followed), Pending()
        self._days: tuple[str, Days, str] | None = None

    # --- the fold ---

    def take(self, envelope: Envelope, event: Event) -> None:
        at = Place(envelope.register, envelope.incarnation, envelope.seq)
        if envelope.at_ms <= LAST_MS:
            self._state.stamps[at.register] = max(envelope.at_ms, self._state.stamps.get(at.register, 0))
        if getattr(event, "training", False):
            return
        if isinstance(event, CheckOpened | CheckTaken | CheckForked | CheckClosed | CheckVoided | CheckMerged):
            self._checks.take(event.check_id, at, envelope.business_day, event)
        if isinstance(event, (*_BOOKED, *_CASH)):
            self._mark(at, envelope.business_day)
            self._pending.go(at, envelope.business_day, event)
            return
        if isinstance(event, _CALLS):
            self._pending.call(at, event)
            return
        match event:
            case IncarnationBegan():
                self.ended.began(at.register, at.incarnation, event)
            case DayTailDeclared(day=day):
                declared = self._state.tails.setdefault(at.register, {}).setdefault(at.incarnation, [])
                if all(day != known for known, _ in declared):
                    declared.append((day, at.seq))
                    del declared[:-MAX_TAILS]
            case GapDeclared():
                signed = self._state.gaps.setdefault(event.day, {})
                signed[event.register] = _both(_signed(envelope.at_ms, at, event), signed.get(event.register))
            case RegisterParked():
                self._park(at, event.n, event.register, Parked(register=event.register, reason=event.reason, by=event.by))
            case RegisterUnparked():
                self._park(at, event.n, event.register, None)
            case DayClosed():
                self.ended.closed(event)
                self._state.closes.append(_known(close_of(envelope, event), envelope.at_ms, event))
                self._days = None

    def _mark(self, at: Place, stamped: str) -> None:
        days = self._state.ranges.setdefault(at.register, {}).setdefault(at.incarnation, {})
        first, _ = days.get(stamped, (at.seq, at.seq))
        days[stamped] = (first, at.seq)

    def _park(self, at: Place, n: int, register: str, parked: Parked | None) -> None:
        before = self._state.parking.get(register)
        if n > self.parkings(register) + LEAP:
            return  # nobody has parked it so often: it would be parked for ever
        if before is None or (n, at) > before.rank:
            self._state.parking[register] = _Parking((n, at), parked)

    def dump(self) -> bytes:
        state, pending = self._state, self._pending
        state.checks, state.sessions, state.calls = self._checks.known, pending.sessions, pending.calls
        return msgspec.msgpack.encode(self._state)

    def load(self, state: bytes) -> None:
        self._state = msgspec.msgpack.decode(state, type=_State)
        self._checks.known = self._state.checks
        self._pending = Pending(self._state.sessions, self._state.calls)
        self._days = None

    # --- what it knows ---

    @property
    def days(self) -> Days:
        """By the closes that are believed today."""
        return self._believed()[1]

    @property
    def reach(self) -> str:
        """The latest day whose close, or tail, is believed today."""
        return self._believed()[2]

    def reach_from(self, today: str) -> str:
        """The latest day whose close would be believed where it is `today`."""
        return reach((known.close for known in self._state.closes), today)

    def _believed(self) -> tuple[str, Days, str]:
        today = self._today()
        if self._days is None or self._days[0] != today:
            closes = [known.close for known in self._state.closes]
            self._days = today, Days(believed(closes, today)), reach(closes, today)
        return self._days

    @property
    def ahead(self) -> tuple[KnownClose, ...]:
        """Closes of days that are too far ahead to count."""
        end = self.reach
        return tuple(known for known in self.closes if known.close.day > end)

    def stamps(self) -> Mapping[str, int]:
        """register -> the latest that its clock has shown in what is known of it, in ms since the epoch."""
        return self._state.stamps

    @property
    def closes(self) -> tuple[KnownClose, ...]:
        """All, also those that do not count, by day and rank."""
        return tuple(sorted(self._state.closes, key=lambda one: (one.close.day, one.close.rank)))

    @property
    def last_z(self) -> int:
        """The highest of the closes that are believed; a number that leaps over all others is nobody's honest one."""
        highest = 0
        for z in sorted(close.z for close in believed((one.close for one in self._state.closes), self._today())):
            highest = z if z <= highest + LEAP else highest
        return highest

    def closed(self, day: str) -> KnownClose | None:
        """The close of `day` that counts."""
        close = self.days.closes.get(day)
        return next((one for one in self._state.closes if one.close == close), None)

    def tail(self, register: str, incarnation: str, day: str) -> int | None:
        """Up to where this log belongs to `day` or before, as its author declared; None where it did not."""
        declared, end = self._state.tails.get(register, {}).get(incarnation, ()), self.reach
        return next((seq for until, seq in declared if day <= until <= end), None)

    def last_tail(self, register: str, incarnation: str) -> str:
        """The latest day that its author ended in this log; empty for none."""
        declared, end = self._state.tails.get(register, {}).get(incarnation, ()), self.reach
        return max((until for until, _ in declared if until <= end), default="")

    @property
    def ended(self) -> Ended:
        return self._state.ended

    def is_followed(self, register: str, incarnation: str) -> bool:
        """Whether the register began another log after this one."""
        return self.ended.is_over(register, incarnation)

    def gap(self, day: str, register: str) -> Gap | None:
        signed = self._state.gaps.get(day, {}).get(register)
        return signed.gap if signed is not None else None

    def parked(self, register: str) -> Parked | None:
        known = self._state.parking.get(register)
        return known.parked if known is not None else None

    def parkings(self, register: str) -> int:
        """The highest `n` of it."""
        known = self._state.parking.get(register)
        return known.rank[0] if known is not None else 0

    def ranges(self, day: str) -> list[Range]:
        """Where the events are that may be in business day `day`."""
        days = self.days
        return [one for one in self.all_ranges() if _may_be_in(days, one, day)]

    def open_days(self) -> list[str]:
        """Days with events that are not closed, oldest first: those that events are stamped with."""
        days = self.days
        return sorted({one.stamped for one in self.all_ranges() if days.may_close(one.stamped)})

    def unclosed_before(self, today: str) -> list[str]:
        """Of `open_days` those that have passed."""
        return [day for day in self.open_days() if day < today]

    def open_checks(self, day: str) -> list[tuple[str, OpenCheck]]:
        """Those that were open when business day `day` ended, oldest first."""
        return self._checks.at_the_end(day, self.days.posted)

    def open_sessions(self, day: str) -> list[tuple[str, Going]]:
        """Those that were open when business day `day` ended, oldest first."""
        return self._pending.open_sessions(day, self.days.posted)

    def frozen(self) -> list[FrozenSale]:
        """Card sales without a final outcome."""
        return self._pending.frozen(self._checks.code)

    def all_ranges(self) -> Iterable[Range]:
        for register, logs in self._state.ranges.items():
            for incarnation, days in logs.items():
                for stamped, (first, last) in days.items():
                    yield Range(register, incarnation, stamped, first, last)


def _signed(at_ms: int, at: Place, event: GapDeclared) -> _Signed:
    gap = Gap(
        register=event.register, held=event.held, reason=event.reason, by=event.by, lost=event.lost, rest=event.rest
    )  # fmt: skip
    return _Signed((at_ms, at), gap)


def _both(one: _Signed, other: _Signed | None) -> _Signed:
    """The later of two words about one day and register, over all that both are about."""
    if other is None:
        return one
    newest = max(one, other, key=lambda signed: signed.rank)
    lost = tuple(sorted({*one.gap.lost, *other.gap.lost}))
    return _Signed(newest.rank, msgspec.structs.replace(newest.gap, lost=lost, rest=one.gap.rest or other.gap.rest))


def _may_be_in(days: Days, one: Range, day: str) -> bool:
    places = (Place(one.register, one.incarnation, seq) for seq in (one.first, one.last))
    earliest, latest = (days.posted(one.stamped, place) for place in places)
    return earliest <= day <= latest


def _known(close: Close, at_ms: int, event: DayClosed) -> KnownClose:
    books = event.figures.books
    return KnownClose(
        close=close,
        at_ms=at_ms,
        by=event.by,
        sales=books.sales,
        gross_minor=books.gross_minor,
        adjustments=len(event.figures.adjustments),
        gaps=len(event.gaps),
        parked=len(event.parked),
    )

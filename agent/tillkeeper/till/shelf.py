"""The checks at hand: open ones, and paid ones that still wait for a timed fire. Others are read from the journal."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple
from weakref import WeakValueDictionary

import msgspec

from tillkeeper.contract.envelope import MAX_NUMBER
from tillkeeper.errors import NotFound
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Appended, CheckRow, StoredCheck
from tillkeeper.sales.decide import next_fire_at_ms
from tillkeeper.sales.model import Check

_decode = msgspec.json.Decoder(Check).decode
_encode = msgspec.json.Encoder().encode


def row(check: Check) -> CheckRow:
    """What another register has is "elsewhere", whatever its state was when it went."""
    return CheckRow(
        check_id=check.check_id,
        ticket_code=check.ticket_code,
        business_day=check.business_day,
        state="elsewhere" if check.elsewhere else check.state,
        opened_at_ms=check.opened_at_ms,
        number=check.number,
        next_fire_at_ms=next_fire_at_ms(check),
        body=_encode(check),
    )


def check_of(stored: CheckRow) -> Check:
    return _decode(stored.body)


def held_of(stored: StoredCheck) -> "Held":
    return Held(check_of(stored.row), Span(stored.incarnation, stored.last_seq, stored.older))


class Span(NamedTuple):
    """Where the events of a check are: in log `incarnation` up to `last_seq`, and before that in the logs `older`."""

    incarnation: str
    last_seq: int
    older: tuple[str, ...] = ()

    def is_held(self, held_by: Callable[[str], int], end_of: Callable[[str], int]) -> bool:
        """Whether all of it is held by one who holds log `x` up to `held_by(x)`. `end_of`: the last seq of an older log."""
        return held_by(self.incarnation) >= self.last_seq and all(held_by(log) >= end_of(log) for log in self.older)


class Held(NamedTuple):
    """A check and where its events are."""

    check: Check
    span: Span


class Shelf:
    """Who changes a check holds its lock from reading it until its events are durable: `changing`."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._at_hand: dict[str, Held] = {}
        self._codes: dict[str, dict[str, str]] = {}
        """Ticket code -> business day -> check id: a code comes again on another day while the earlier check is still open."""
        self._fires: dict[str, int] = {}
        """Check id -> when its next timed fire is due: asked after each command, so it must not cost a look at every check."""
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def load(self) -> None:
        """Open checks and waiting fires, once at start."""
        for stored in (*self._journal.open_checks(), *self._journal.waiting_fires()):
            self._keep(held_of(stored))

    def put(self, check: Check, appended: Appended) -> Held:
        """Call after the events that led to `check` are durable; `appended` is what the journal said of the last of them."""
        older = self._journal.older_logs(check.check_id)
        held = Held(check, Span(appended.incarnation, appended.last_seq, older))
        self._keep(held)
        return held

    def _keep(self, held: Held) -> None:
        check = held.check
        fire_at_ms = next_fire_at_ms(check)
        if fire_at_ms is None:
            self._fires.pop(check.check_id, None)
        else:
            self._fires[check.check_id] = fire_at_ms
        if (check.state == "open" and not check.elsewhere) or fire_at_ms is not None:
            self._at_hand[check.check_id] = held
            self._codes.setdefault(check.ticket_code, {})[check.business_day] = check.check_id
        elif self._at_hand.pop(check.check_id, None) is not None:
            days = self._codes.get(check.ticket_code, {})
            if days.get(check.business_day) == check.check_id:
                del days[check.business_day]
            if not days:
                self._codes.pop(check.ticket_code, None)

    def get(self, check_id: str) -> Held | None:
        held = self._at_hand.get(check_id)
        if held is None and (stored := self._journal.check(check_id)) is not None:
            held = held_of(stored)
        return held

    def open_checks(self) -> list[Held]:
        return [held for held in self._at_hand.values() if held.check.state == "open"]

    def next_fire_at_ms(self) -> int | None:
        return min(self._fires.values(), default=None)

    def due_for_fire(self, now_ms: int) -> list[str]:
        return [check_id for check_id, at_ms in self._fires.items() if at_ms <= now_ms]

    def find(self, ref: str, business_day: str) -> str:
        """The long id of what a person calls a check: its long id, a ticket code, its number. A code is that of `business_day`;
        where that day has none, of the latest day with an open check of this code (a guest who stays over the day's end).

        Raises:
            NotFound: no check of this register is called so.
        """
        if self.get(ref) is not None:
            return ref
        days = self._codes.get(ref.upper(), {})
        if (check_id := days.get(business_day)) is not None:
            return check_id
        stored = self._journal.find_check(ref.upper(), business_day)
        if stored is None and days:
            return days[max(days)]
        if stored is None and ref.isdigit() and int(ref) <= MAX_NUMBER:
            stored = self._journal.check_by_number(int(ref))
        if stored is None:
            raise NotFound("find", f"check {ref}", "no check has this id, code of today, or number", "see the list of checks")
        return stored.row.check_id

    def numbered(self, number: int) -> str | None:
        """The long id of the check that has this number."""
        stored = self._journal.check_by_number(number)
        return None if stored is None else stored.row.check_id

    @asynccontextmanager
    async def changing(self, *check_ids: str) -> AsyncIterator[None]:
        """Hold these checks. Locks are taken in one order everywhere, so two holders can not wait for each other."""
        async with AsyncExitStack() as held:
            for check_id in sorted(set(check_ids)):
                lock = self._locks.get(check_id)
                if lock is None:
                    lock = self._locks[check_id] = asyncio.Lock()
                await held.enter_async_context(lock)
            yield

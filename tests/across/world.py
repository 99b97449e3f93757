"""Stories of one check, told by the logs of several registers, and a register that hears them with a new disk."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from tests.replication.logs_of_others import rehashed
from tests.sales.world import World
from tests.simulation import shop
from tests.simulation.disk import Drive, Kept, MemoryJournal, Platter, Rows

from tillkeeper.across.elsewhere import Directory
from tillkeeper.across.healing import Healing
from tillkeeper.across.taking import Taking
from tillkeeper.contract import commands as cmd
from tillkeeper.contract.base import Event
from tillkeeper.contract.books import Books, day_books, post
from tillkeeper.contract.chain import GENESIS
from tillkeeper.contract.day import DayBooks
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import EVENT_TYPES, TYPE_NAMES, IncarnationBegan, encode_body
from tillkeeper.contract.placing import read_event
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch
from tillkeeper.replication.model import LogId
from tillkeeper.sales.changing_hands import hand_over, taken, yields
from tillkeeper.sales.checks import apply
from tillkeeper.sales.model import Check
from tillkeeper.sales.pricing import rules_of
from tillkeeper.till.compose import Draft, Moment
from tillkeeper.till.shelf import Shelf, row
from tillkeeper.trust.keys import KeyPair

DAY = "2030-03-17"
ORDER = ("front", "side", "back")
Logs = dict[LogId, list[Envelope]]


class Register(World):
    """One that works on the check, and its log on one disk."""

    def __init__(self, name: str, disk: int = 1) -> None:
        numbers = itertools.count()
        super().__init__(shop.config(name, ORDER), shop.catalogue(), new_id=lambda: f"{name}{next(numbers):04d}")
        self.name, self.place = name, LogId(name, f"{name}-{disk}")
        self._copied: dict[str, int] = {}
        self.log.append((IncarnationBegan(reason="first_start"), "", self.now_ms))

    def another_disk(self, disk: int = 2, *, is_copy: bool, clock_ms: int) -> "Register":
        """Of the same register: a copy of this one as it is now, or empty. `clock_ms`: so much its clock is ahead."""
        new = Register(self.name, disk)
        new.new_id, new.now_ms = self.new_id, self.now_ms + clock_ms
        began = IncarnationBegan("first_start")
        if is_copy:
            new.check, new._copied = self.check, self.at
            began = IncarnationBegan("restored_copy", self.place.incarnation, len(self.log))
        new.log = [(began, "", new.now_ms)]
        return new

    @property
    def at(self) -> dict[str, int]:
        """Up to where its disk goes."""
        return self._copied | {self.place.incarnation: len(self.log)}

    def says(self, event: Event) -> None:
        """Of a check that it may not have."""
        self.now_ms += 1
        self.log.append((event, DAY, self.now_ms))

    def write(self, event: Event) -> None:
        self.says(event)
        self.check = apply(self.check, event, DAY, self.now_ms)

    def opens(self, *items: str) -> None:
        self.do(cmd.OpenCheck(order_type="dine_in", lines=tuple(cmd.NewLine(item_id=one) for one in items)))

    def adds(self, item: str) -> None:
        self.do(cmd.AddLines(check_id=self.open_check.check_id, lines=(cmd.NewLine(item_id=item),)))

    def pays(self, amount: int | None = None) -> None:
        check_id = self.open_check.check_id
        self.do(cmd.RecordTender(check_id=check_id, tender="cash", tendered_minor=amount, although_unreachable=True))

    def refunds(self, amount: int) -> None:
        check_id = self.open_check.check_id
        self.do(cmd.RefundCheck(check_id=check_id, tender="cash", reason="cold", amount_minor=amount))

    def gives(self, to: "Register") -> None:
        """Handed over, and taken."""
        self.write(hand_over(self.open_check, to.name))
        to.begins(self, taken)

    def begins(self, giver: "Register", how: Callable[..., Event], hand: int = 0, **more: Any) -> None:
        check = giver.open_check
        self.now_ms = giver.now_ms
        self.write(how(check, giver.name, hand or check.hand, giver.at, rules_of(self.config.store), **more))

    def yields(self, to: "Register") -> None:
        self.write(yields(self.open_check, to.name, to.open_check.hand))

    def envelopes(self) -> list[Envelope]:
        found: list[Envelope] = []
        for seq, (event, day, at_ms) in enumerate(self.log, 1):
            kind, before = TYPE_NAMES[type(event)], found[-1].hash if found else GENESIS
            body = encode_body(event).decode()
            bare = Envelope(shop.STORE, *self.place, seq, kind, EVENT_TYPES[kind][1], day, at_ms, body, before, "")
            found.append(rehashed(bare))
        return found


class Forgetful:
    """The register `front` with nothing on its disk but `copy`, the beginning of its log. It is its own intake. `came_to`: what
    the check was after each change. `knows`: whether its past is here, as far as it can tell."""

    def __init__(self, journal: MemoryJournal, now_ms: int) -> None:
        agent, config = cast(Journal, journal), shop.config("front", ORDER)
        self.journal, self.heard, self.knows = journal, dict[LogId, list[Envelope]](), True
        self.came_to: list[Check | None] = []
        self._followed: dict[str, int] = {}
        self.shelf = Shelf(agent)
        self.directory = Directory(self)
        ids = itertools.count()
        self._moment = Moment(config, DAY, now_ms, lambda: f"new{next(ids):04d}")
        taking = Taking(config, agent, self.shelf, self.directory, None, lambda: self)
        self.healing = Healing(
            config, agent, self.shelf, taking, None, lambda: self, lambda _check_id: None, self.caught_up, lambda: self.knows
        )

    async def hears(self, which: LogId, events: list[Envelope]) -> None:
        """Of the one check that there is."""
        for envelope in events:
            self.heard.setdefault(which, []).append(envelope)
            self._follow(envelope)
        await self.looks()

    async def looks(self) -> None:
        for check_id in sorted(self.directory.touched):
            await self.healing.look(check_id)
            await self.caught_up()

    def _follow(self, envelope: Envelope) -> None:
        if (event := read_event(envelope)) is not None and envelope.type in (self.directory.kinds or ()):
            self.directory.take(envelope, event)

    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]:
        here = self.journal.events(log.incarnation, 0, 10_000) if log.register == "front" else []
        return [*here, *self.heard.get(log, [])][after_seq : after_seq + limit]

    async def caught_up(self) -> None:
        """With its own journal; of the others it is told."""
        for log in self.journal.logs():
            followed = self._followed.get(log.incarnation, 0)
            for envelope in self.journal.events(log.incarnation, followed, 10_000):
                self._followed[log.incarnation] = envelope.seq
                self._follow(envelope)

    async def change_check(self, check_id: str, make: Callable[[Check | None, Moment], Any]) -> None:
        held = self.shelf.get(check_id)
        draft: Draft | None = await make(held.check if held is not None else None, self._moment)
        if draft is None:
            return
        checks = (row(draft.check),) if draft.check is not None else ()
        appended = await self.journal.append(Batch(checks=checks, events=draft.events))
        if draft.check is not None:
            self.shelf.put(draft.check, appended)
        self.came_to.append(draft.check)

    async def look_across(self, check_id: str) -> None:
        pass


@asynccontextmanager
async def forgetful(now_ms: int, copy: list[Envelope], incarnation: str = "front-9") -> AsyncIterator[Forgetful]:
    platter, drive = Platter("front", 1, KeyPair(bytes(32)), ()), Drive(random.Random(1))
    drive.slow = 0.0
    if copy:
        log, check = Rows(copy[0].incarnation, 0), check_in(copy)
        log.events = list(copy)
        platter.logs.append(log)
        platter.checks[check.check_id] = Kept(row(check), len(copy), (log.incarnation,))
    journal = MemoryJournal(
        platter, drive, random.Random(1), wall_ms=lambda: now_ms, new_id=lambda: incarnation, written=lambda _event: None
    )
    writer = asyncio.create_task(journal.run())
    try:
        if copy:
            await journal.renew("restored_copy")
        here = Forgetful(journal, now_ms)
        await here.caught_up()
        await here.looks()
        yield here
    finally:
        writer.cancel()
        with suppress(asyncio.CancelledError):
            await writer


def check_in(log: list[Envelope]) -> Check:
    check: Check | None = None
    for envelope in log:
        if (event := read_event(envelope)) is not None and not isinstance(event, IncarnationBegan):
            check = apply(check, event, envelope.business_day, envelope.at_ms)
    assert check is not None
    return check


def books_of(logs: Mapping[LogId, list[Envelope]]) -> DayBooks:
    """What HQ books of all logs of the store."""
    books: Books = {}
    for envelope in itertools.chain(*logs.values()):
        if (event := read_event(envelope)) is not None and envelope.business_day:
            post(books, event, envelope.business_day)
    return day_books(books, DAY)


def arrivals(parts: Mapping[LogId, list[list[Envelope]]]) -> Iterator[list[tuple[LogId, list[Envelope]]]]:
    """Each order in which logs can come in these parts."""
    names = [name for name, of_one in parts.items() for _ in of_one]
    for order in sorted(set(itertools.permutations(names))):
        left = {name: iter(of_one) for name, of_one in parts.items()}
        yield [(name, next(left[name])) for name in order]


def what_counts(check: Check) -> Any:
    lines = sorted((line.line_id, line.quantity, line.fired) for line in check.lines)
    paid = sorted((one.tender_id, one.amount_minor, one.returned) for one in check.payments)
    return check.state, check.elsewhere, lines, paid, check.closed_totals

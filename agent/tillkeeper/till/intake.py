"""The way in: a command is decided, made durable with everything that follows from it, and only then answered.

accept -> decide (pure) -> documents (pure) -> ONE journal batch, fsynced -> answer, and the spool is woken.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import cast

import msgspec
from msgspec.structs import replace

from tillkeeper.clock import IdSource, WallClock
from tillkeeper.config.model import Config
from tillkeeper.contract.base import Command, Event
from tillkeeper.contract.caller import INTEGRATION, Caller
from tillkeeper.contract.commands import (
    AnyCommand,
    CheckCommand,
    CommandResult,
    JobRef,
    OpenCheck,
    PlaceOrder,
    ReprintReceipt,
    ReprintTicket,
)
from tillkeeper.contract.envelope import NumberAssigned
from tillkeeper.contract.events import CheckNumbered, CheckOpened, ModeChanged
from tillkeeper.errors import NotFound, Refused, TillkeeperError
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.numbering import Codes
from tillkeeper.journal.privacy import make_personal
from tillkeeper.journal.records import Batch, KeptCommand, NewEvent
from tillkeeper.kitchen.tickets import reprint, revise
from tillkeeper.layouts.copies import refuse_copies
from tillkeeper.roles.mode import Mode
from tillkeeper.sales.checks import apply
from tillkeeper.sales.context import Context
from tillkeeper.sales.decide import Decidable, decide, due_fires
from tillkeeper.sales.model import Check
from tillkeeper.sales.pricing import rules_of, totals
from tillkeeper.spool.jobs import job_row
from tillkeeper.spool.model import Job, TestSlipData
from tillkeeper.spool.spool import Spool
from tillkeeper.till.catalogues import Catalogues
from tillkeeper.till.compose import Draft, Moment, compose, receipt
from tillkeeper.till.desk import Desk
from tillkeeper.till.once import Once, Work
from tillkeeper.till.shelf import Held, Shelf, row
from tillkeeper.till.stamp import Stamp

log = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode
_decode_result = msgspec.json.Decoder(CommandResult).decode
_decode_job = msgspec.json.Decoder(JobRef).decode

PRINTS = ("escpos", "escpos_display")


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What an intake works with. `drawer_session`: the open session of a drawer, or empty."""

    config: Config
    journal: Journal
    shelf: Shelf
    spool: Spool
    catalogues: Catalogues
    codes: Codes
    mode: Callable[[], Mode]
    stamp: Stamp
    now_ms: WallClock
    new_id: IdSource
    desks: tuple[Desk, ...] = ()
    drawer_session: Callable[[str], str] = lambda _drawer: ""


class Intake:
    """`changed` is told after each durable change, with the check that changed, if one did."""

    def __init__(self, parts: Parts, tasks: asyncio.TaskGroup, changed: Callable[[Held | None], None]) -> None:
        self._ = parts
        self._once = Once(parts.journal, parts.now_ms, tasks)
        self._changed = changed
        self._desks = {command: desk for desk in parts.desks for command in desk.commands}
        self._desk_locks = {desk.name: asyncio.Lock() for desk in parts.desks}

    # --- commands ---

    async def execute(self, key: str, command: AnyCommand, caller: Caller = INTEGRATION) -> tuple[CommandResult, bool]:
        """The answer, and whether it is the stored one of an earlier call with `key`.

        Raises:
            Conflict, Refused, NotFound, StorageRefused, Overloaded: nothing has changed.
        """
        asked = replace(command, by=caller.person(command.by))

        async def work(keep: Callable[[bytes], KeptCommand]) -> bytes:
            if (desk := self._desks.get(type(asked))) is not None:
                return await self._at_desk(desk, asked, caller, keep)
            if not isinstance(asked, CheckCommand):
                return await self._accept(self._draft(asked, None, caller), keep)
            check_id = self._.shelf.find(asked.check_id, self._.stamp.today())
            async with self._.shelf.changing(check_id):
                return await self._accept(self._draft(asked, self._at_hand(check_id), caller), keep)

        answer, replayed = await self._once.run(key, _encode(asked), work)
        return _decode_result(answer), replayed

    async def _at_desk(self, desk: Desk, command: Command, caller: Caller, keep: Callable[[bytes], KeptCommand]) -> bytes:
        async with self._desk_locks[desk.name]:
            draft = await desk.draft(command, self._moment(caller))
            answer = await self._accept(draft, keep)
            desk.accepted(draft)
            return answer

    async def by_itself(self, desk: Desk, make: Callable[[Moment], Awaitable[Draft | None]]) -> None:
        """A change of a desk's room that no command asked for (a lock-out, an expired session), in its turn."""
        async with self._desk_locks[desk.name]:
            draft = await make(self._moment(INTEGRATION))
            if draft is not None:
                await self._commit(draft, None)
                desk.accepted(draft)

    async def test_slip(self, key: str, device: str, by: str) -> tuple[JobRef, bool]:
        """Print a slip that says which device this is. Raises `NotFound`, or `Refused` where nothing is printed."""

        async def work(keep: Callable[[bytes], KeptCommand]) -> bytes:
            configured = self._.config.devices.get(device)
            if configured is None:
                raise NotFound("test", f"device {device}", "no device of this name is configured", "see the list of devices")
            if configured.kind not in PRINTS:
                raise Refused(
                    "device_prints_nothing", "test", f"device {device}", f"a {configured.kind} prints no slip",
                    "a drawer is tested by a no-sale, a display by an order",
                )  # fmt: skip
            now_ms = self._.now_ms()
            job = Job(
                job_id=self._.new_id(),
                device=device,
                document_class="test_slip",
                data=TestSlipData(requested_at_ms=now_ms),
                created_at_ms=now_ms,
            )
            ref = JobRef(job.job_id, job.document_class, job.device)
            answer = _encode(ref)
            await self._commit(Draft((), None, (job,), (), CommandResult(events=0)), keep(answer))
            return answer

        answer, replayed = await self._once.run(key, _encode(["test_slip", device, by]), work)
        return _decode_job(answer), replayed

    async def once(self, key: str, body: bytes, work: Work) -> tuple[bytes, bool]:
        """For work that stores its own effect, and the answer with it (releasing a job)."""
        return await self._once.run(key, body, work)

    # --- what happens by itself ---

    async def fire_due(self, check_id: str) -> None:
        """Fire the lines of a check whose time has come."""
        async with self._.shelf.changing(check_id):
            check = self._at_hand(check_id)
            moment = self._moment()
            events: list[Event] = list(due_fires(check, moment.now_ms))
            for event in events:
                check = apply(check, event, moment.business_day, moment.now_ms)
            jobs: list[Job] = []
            for fired, job in revise(check, moment.config, moment.now_ms, moment.new_id):
                check = apply(check, fired, moment.business_day, moment.now_ms)
                events.append(fired)
                jobs.append(job)
            if events:
                stamped = tuple(map(moment.stamp, events))
                await self._commit(Draft(stamped, check, tuple(jobs), (), CommandResult(events=len(events))), None)

    async def numbers_assigned(self, numbers: Sequence[NumberAssigned], settings: dict[str, bytes]) -> None:
        """HQ's check numbers and the cursor that says so, in one batch. Unknown or numbered checks are passed over, and so is a
        number that another check has: one that names two checks is worse than none."""
        async with self._.shelf.changing(*(number.check_id for number in numbers)):
            moment = self._moment()
            events: list[Event] = []
            checks: list[Check] = []
            for check, number in self._fresh(numbers):
                event = CheckNumbered(check_id=check.check_id, number=number)
                events.append(event)
                checks.append(apply(check, event, moment.business_day, moment.now_ms))
            stamped = tuple(map(moment.stamp, events))
            batch = Batch(events=stamped, checks=tuple(row(check) for check in checks), settings=settings)
            appended = await self._.journal.append(batch)
            for check in checks:
                self._changed(self._.shelf.put(check, appended.last_seq))

    def _fresh(self, numbers: Sequence[NumberAssigned]) -> list[tuple[Check, int]]:
        """Each check once, each number once."""
        fresh: list[tuple[Check, int]] = []
        taken: dict[int, str] = {}
        numbered: set[str] = set()
        for check_id, number in ((assigned.check_id, assigned.number) for assigned in numbers):
            found = self._.shelf.get(check_id)
            if found is None or found.check.number is not None or check_id in numbered:
                continue
            if (other := taken.get(number) or self._.shelf.numbered(number)) is not None:
                log.error("HQ gave check %s the number %d, which check %s has", check_id, number, other)
                continue
            taken[number] = check_id
            numbered.add(check_id)
            fresh.append((found.check, number))
        return fresh

    async def mode_changed(self, event: ModeChanged) -> None:
        await self._commit(Draft((self._.stamp(event),), None, (), (), CommandResult(events=1)), None)

    # --- inside ---

    def _at_hand(self, check_id: str) -> Check:
        found = self._.shelf.get(check_id)
        if found is None:
            raise NotFound("find", f"check {check_id}", "it is not in this register's journal")
        return found.check

    def _moment(self, caller: Caller = INTEGRATION) -> Moment:
        now_ms = self._.now_ms()
        return Moment(self._.config, self._.stamp.day(now_ms), now_ms, self._.new_id, caller)

    def _draft(self, command: AnyCommand, check: Check | None, caller: Caller) -> Draft:
        moment = self._moment(caller)
        if isinstance(command, ReprintReceipt | ReprintTicket):
            return self._reprint(command, cast(Check, check), moment)
        if not isinstance(command, OpenCheck | PlaceOrder):
            return compose(decide(cast(Decidable, command), check, self._context(check, moment)), moment, command.by)
        number = self._.codes.next(moment.business_day)
        code = f"{moment.config.register.letter}-{number:03d}"
        try:
            return compose(decide(command, None, self._context(None, moment, code)), moment, command.by)
        except TillkeeperError:
            self._.codes.give_back(moment.business_day, number)
            raise

    def _context(self, check: Check | None, moment: Moment, code: str = "") -> Context:
        return Context(
            config=moment.config,
            catalogue=self._.catalogues.of(check.catalogue_version) if check else self._.catalogues.current,
            mode=self._.mode(),
            now_ms=moment.now_ms,
            business_day=moment.business_day,
            new_id=moment.new_id,
            make_personal=make_personal,
            ticket_code=code,
            caller=moment.caller,
            drawer_session=self._.drawer_session(moment.place.drawer or ""),
        )

    def _reprint(self, command: ReprintReceipt | ReprintTicket, check: Check, moment: Moment) -> Draft:
        events: list[Event] = []
        jobs: list[Job] = []
        if isinstance(command, ReprintTicket):
            if command.station is not None and command.station not in check.stations:
                told = ", ".join(check.stations) or "no station"
                cause = "it was told nothing of this check"
                raise NotFound("reprint", f"ticket of station {command.station}", cause, f"told: {told}")
            for reprinted, job in reprint(
                check, moment.config, moment.now_ms, moment.new_id, by=command.by, station=command.station
            ):
                events.append(reprinted)
                jobs.append(job)
        elif check.receipts:
            refuse_copies(check.receipts, moment.config, check.ticket_code)
            sums = check.closed_totals or totals(check, rules_of(moment.config.store))
            if (made := receipt(check, sums, moment, copy=check.receipts)) is not None:
                events.append(made[0])
                jobs.append(made[1])
                check = apply(check, made[0], moment.business_day, moment.now_ms)
        if not jobs:
            raise Refused("nothing_to_reprint", "reprint", f"check {check.ticket_code}", "nothing was printed for it yet")
        result = CommandResult(
            events=len(events),
            check_id=check.check_id,
            ticket_code=check.ticket_code,
            state=check.state,
            jobs=tuple(JobRef(job.job_id, job.document_class, job.device, job.station) for job in jobs),
        )
        return Draft(tuple(map(moment.stamp, events)), check, tuple(jobs), (), result)

    async def _accept(self, draft: Draft, keep: Callable[[bytes], KeptCommand]) -> bytes:
        answer = _encode(draft.result)
        try:
            await self._commit(draft, keep(answer))
        except Refused:  # by the card-number guard, before anything was written; other errors may have reached the disk
            for new in draft.events:
                if isinstance(new.event, CheckOpened):
                    number = new.event.ticket_code.partition("-")[2]
                    self._.codes.give_back(new.business_day, int(number))
            raise
        return answer

    async def _commit(self, draft: Draft, command: KeptCommand | None) -> None:
        """All of it durable, then visible. Raises before anything is visible."""
        events, check = draft.events, draft.check
        prepared = self._.spool.prepare(draft.jobs)
        batch = Batch(
            events=events,
            checks=(row(check),) if check is not None and events else (),
            jobs=tuple(job_row(job) for job in prepared),
            command=command,
            personal=draft.personal,
            settings=draft.settings | (self._.codes.setting() if opens_check(events) else {}),
        )
        appended = await self._.journal.append(batch)
        held = self._.shelf.put(check, appended.last_seq) if check is not None and events else None
        self._.spool.submit(prepared)
        if events:
            self._changed(held)


def opens_check(events: Sequence[NewEvent]) -> bool:
    return any(isinstance(new.event, CheckOpened) for new in events)

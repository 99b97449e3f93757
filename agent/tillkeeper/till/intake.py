"""The way in: a command is decided, made durable with everything that follows from it, and only then answered.

accept -> decide (pure) -> documents (pure) -> ONE journal batch, fsynced -> answer, and the spool is woken.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from typing import cast

import msgspec
from msgspec.structs import replace

from tillkeeper.across.here import catalogue_of, find, require_catalogue, take
from tillkeeper.cards.authorising import Authorising, answer_of
from tillkeeper.cards.hands import IntakeHands
from tillkeeper.cards.paying import Run
from tillkeeper.cards.purposes import PAYABLE, Payable
from tillkeeper.cards.refusals import raised
from tillkeeper.cards.unsettled import Unsettled
from tillkeeper.contract.authorisations import AbandonAuthorisation, QueryAuthorisation
from tillkeeper.contract.base import CheckCommand, Command, Event
from tillkeeper.contract.caller import INTEGRATION, Caller
from tillkeeper.contract.commands import (
    AnyCommand,
    CommandResult,
    JobRef,
    OpenCheck,
    PlaceOrder,
    RecordNoSale,
    ReprintReceipt,
    ReprintTicket,
)
from tillkeeper.contract.envelope import NumberAssigned
from tillkeeper.contract.events import CheckNumbered, ModeChanged
from tillkeeper.contract.together import TakeCheck
from tillkeeper.errors import NotFound, Refused, TillkeeperError
from tillkeeper.journal.commit import key_digest
from tillkeeper.journal.privacy import make_personal
from tillkeeper.journal.records import Batch, KeptCommand
from tillkeeper.kitchen.tickets import revise
from tillkeeper.sales.calls import Calls
from tillkeeper.sales.checks import apply
from tillkeeper.sales.context import Context
from tillkeeper.sales.decide import Decidable, decide, due_fires
from tillkeeper.sales.model import Check
from tillkeeper.sales.permits import is_accountable
from tillkeeper.sales.tenders import NoTerminal
from tillkeeper.sales.training import in_training, kitchen_of, require_same_side
from tillkeeper.spool.jobs import job_row
from tillkeeper.spool.model import Job, TestSlipData
from tillkeeper.till.codes import Opening, opening_of
from tillkeeper.till.compose import Draft, Moment, compose
from tillkeeper.till.desk import Desk
from tillkeeper.till.once import Once, Work
from tillkeeper.till.parts import Parts as Parts
from tillkeeper.till.reprints import reprinted
from tillkeeper.till.shelf import Held, row

log = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode
_decode_result = msgspec.json.Decoder(CommandResult).decode
_decode_job = msgspec.json.Decoder(JobRef).decode

NUMBERS_AT_ONCE = 8
"""Of HQ's check numbers in one batch: a sale that comes meanwhile waits for no more than that."""
PRINTS = ("escpos", "star", "escpos_display")


class Intake:
    """`changed` is told after each durable change, with the check that changed, if one did."""

    def __init__(self, parts: Parts, tasks: asyncio.TaskGroup, changed: Callable[[Held | None], None]) -> None:
        self._ = parts
        self._once = Once(parts.journal, parts.now_ms, tasks)
        self._changed = changed
        self._desks = {command: desk for desk in parts.desks for command in desk.commands}
        self._desk_locks = {desk.name: asyncio.Lock() for desk in parts.desks}
        hands = IntakeHands(
            journal=parts.journal, shelf=parts.shelf, codes=parts.codes, at_hand=self._at_hand, moment=self._moment,
            draft=self._draft, commit=self._commit, second_copy=parts.second_copy,
            taking=parts.taking,
        )  # fmt: skip
        unsettled = Unsettled(parts.journal.setting)
        self.authorising = Authorising(parts.config, unsettled, parts.gateways, hands, parts.now_s, parts.knows_its_past)

    @property
    def under_way(self) -> int:
        """How many commands are not answered yet, those that wait for a gateway among them."""
        return self._once.under_way

    @property
    def in_hand(self) -> bool:
        """Whether a command is on its way to being durable."""
        return self._once.under_way > self.authorising.calling

    async def note(self, event: Event) -> None:
        """Journal what is no command. Raises: StorageRefused, Overloaded."""
        await self._.journal.append(Batch(events=(self._.stamp(event),)))

    # --- commands ---

    async def execute(self, key: str, command: AnyCommand, caller: Caller = INTEGRATION) -> tuple[CommandResult, bool]:
        """The answer, and whether it is the stored one of an earlier call with `key`.

        Raises:
            Conflict, Refused, NotFound, StorageRefused, Overloaded: nothing has changed.
        """
        by = caller.person(command.by) if is_accountable(command) else caller.named(command.by)
        asked = replace(command, by=by)

        async def work(keep: Callable[[bytes], KeptCommand]) -> bytes:
            permitted = self._.approvals.permitted
            if isinstance(asked, PAYABLE) and self._.gateways:
                return await self._pay(key, asked, caller, keep)
            if (desk := self._desks.get(type(asked))) is not None:
                with permitted(asked, None, caller) as given:
                    return await self._at_desk(desk, asked, caller, keep, given)
            if not isinstance(asked, CheckCommand):
                with permitted(asked, None, caller) as given:
                    return await self._accept(self._draft(asked, None, caller), keep, given)
            check_id = self._find(asked.check_id)
            if isinstance(asked, QueryAuthorisation):
                with permitted(asked, self._at_hand(check_id), caller) as given:
                    done = await self.authorising.query(check_id, keep, given)
                return answer_of(done)
            async with self._.shelf.changing(check_id):
                if isinstance(asked, TakeCheck):
                    with permitted(asked, None, caller) as given:
                        moment = self._moment(caller)
                        return await self._accept(await take(self._.shelf, self._.taking, asked, check_id, moment), keep, given)
                check = self._at_hand(check_id)
                require_same_side(check, caller, str(asked.__struct_config__.tag).replace("_", " "))
                with permitted(asked, check, caller) as given:
                    if isinstance(asked, AbandonAuthorisation):
                        return await self.authorising.abandon(check_id, asked, keep, given)
                    return await self._accept(self._draft(asked, check, caller), keep, given)

        # As it was sent: who asks again for the answer of a key need not be signed in any more.
        answer, replayed = await self._once.run(key, _encode(command), work)
        if not replayed and self._.second_copy is not None:
            await self._.second_copy()
        result = _decode_result(answer)
        if result.refused is not None:
            raise raised(result.refused)
        return result, replayed

    async def _pay(self, key: str, asked: Payable, caller: Caller, keep: Callable[[bytes], KeptCommand]) -> bytes:
        """What may need the world: for all that needs nobody outside this is as short as `_accept`."""
        check_id = "" if isinstance(asked, PlaceOrder) else self._find(asked.check_id)

        def permitted(check: Check | None) -> AbstractContextManager[tuple[Event, ...]]:
            if check is not None:
                require_same_side(check, caller, str(asked.__struct_config__.tag).replace("_", " "))
            return self._.approvals.permitted(asked, check, caller)

        run = Run(key_digest(key).hex(), asked, caller, check_id, keep=keep, key=key, asks_again=True)
        return await self.authorising.pay(run, permitted)

    async def _at_desk(
        self, desk: Desk, command: Command, caller: Caller, keep: Callable[[bytes], KeptCommand], given: Sequence[Event]
    ) -> bytes:
        async with self._desk_locks[desk.name]:
            draft = await desk.draft(command, self._moment(caller))
            # From here to the journal nothing is awaited: what a draft holds back from others is held back in time.
            try:
                answer = await self._accept(draft, keep, given)
            except BaseException:  # not durable, for whatever reason: what the draft held back is free again
                draft.dropped()
                raise
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
                    "device_prints_nothing", "test", f"device {device}", f"its kind, {configured.kind}, prints no slip",
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

    async def change_check(self, check_id: str, make: Callable[[Check | None, Moment], Awaitable[Draft | None]]) -> None:
        """A change of a check that no command asked for (another register has a higher claim to it), in its turn."""
        async with self._.shelf.changing(check_id):
            held = self._.shelf.get(check_id)
            draft = await make(held.check if held is not None else None, self._moment())
            if draft is not None:
                await self._commit(draft, None)

    async def look_across(self, check_id: str) -> None:
        """Something is new of a check that several registers have worked on."""
        await self.authorising.look_across(check_id)

    async def fire_due(self, check_id: str) -> None:
        """Fire the lines of a check whose time has come."""
        async with self._.shelf.changing(check_id):
            check = self._at_hand(check_id)
            moment = self._moment()
            events: list[Event] = list(due_fires(check, moment.now_ms))
            for event in events:
                check = apply(check, event, moment.business_day, moment.now_ms)
            jobs: list[Job] = []
            for fired, job in revise(check, kitchen_of(moment.config, check), moment.now_ms, moment.new_id):
                check = apply(check, fired, moment.business_day, moment.now_ms)
                events.append(fired)
                jobs.append(job)
            if events:
                stamped = tuple(map(moment.stamp, events))
                await self._commit(Draft(stamped, check, tuple(jobs), (), CommandResult(events=len(events))), None)

    async def numbers_assigned(self, numbers: Sequence[NumberAssigned], settings: dict[str, bytes]) -> None:
        """HQ's check numbers, a few in a batch, and with the last of them the cursor that says so: killed between two batches
        the numbers come again. Unknown or numbered checks are passed over, and so is a number that another check has: one
        that names two checks is worse than none."""
        for at in range(0, max(1, len(numbers)), NUMBERS_AT_ONCE):
            await self._.step_aside()
            last = at + NUMBERS_AT_ONCE >= len(numbers)
            await self._number(numbers[at : at + NUMBERS_AT_ONCE], settings if last else {})

    async def _number(self, numbers: Sequence[NumberAssigned], settings: dict[str, bytes]) -> None:
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
                self._changed(self._.shelf.put(check, appended))

    def _fresh(self, numbers: Sequence[NumberAssigned]) -> list[tuple[Check, int]]:
        """Each check once, each number once."""
        fresh: list[tuple[Check, int]] = []
        taken: dict[int, str] = {}
        numbered: set[str] = set()
        for check_id, number in ((assigned.check_id, assigned.number) for assigned in numbers):
            found = self._.shelf.get(check_id)
            if found is None or found.check.training or found.check.number is not None or check_id in numbered:
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

    def _find(self, ref: str) -> str:
        return find(self._.shelf, self._.taking, ref, self._.stamp.today())

    def _at_hand(self, check_id: str) -> Check:
        """Raises: Refused: `check_elsewhere`. NotFound."""
        found = self._.shelf.get(check_id)
        if self._.taking is not None and (found is None or found.check.elsewhere):
            raise self._.taking.refusal(check_id)
        if found is None:
            raise NotFound("find", f"check {check_id}", "it is not in this register's journal")
        return found.check

    def _moment(self, caller: Caller = INTEGRATION) -> Moment:
        now_ms = self._.now_ms()
        return Moment(self._.config, self._.stamp.stamped(now_ms), now_ms, self._.new_id, caller)

    def _draft(
        self, command: AnyCommand, check: Check | None, caller: Caller, calls: Calls | None = None, resuming: str = ""
    ) -> Draft:
        moment = self._moment(caller)
        if isinstance(command, ReprintReceipt | ReprintTicket):
            return reprinted(command, cast(Check, check), moment)
        if not isinstance(command, OpenCheck | PlaceOrder):
            drawer = command.drawer if isinstance(command, RecordNoSale) else None
            require_catalogue(self._.catalogues, command, check)
            context = self._context(check, moment, drawer=drawer, calls=calls, resuming=resuming)
            return compose(decide(cast(Decidable, command), check, context), moment, command.by)
        training = in_training(command, moment.caller)
        opening = self._.codes.take(moment.business_day, command.order_type, training=training)
        try:
            draft = compose(decide(command, None, self._context(None, moment, opening, calls=calls)), moment, command.by)
            return draft if self._.taking is None else self._.taking.compared(draft, moment)
        except TillkeeperError:
            self._.codes.give_back(opening)
            raise

    def _context(
        self, check: Check | None, moment: Moment, opening: Opening | None = None, drawer: str | None = None,
        calls: Calls | None = None, resuming: str = "",
    ) -> Context:  # fmt: skip
        """`drawer`: where not that of the caller's place."""
        return Context(
            config=moment.config,
            catalogue=catalogue_of(self._.catalogues, check),
            mode=self._.mode(),
            now_ms=moment.now_ms,
            business_day=moment.business_day,
            new_id=moment.new_id,
            make_personal=make_personal,
            ticket_code=opening.ticket_code if opening else "",
            car=opening.car if opening else 0,
            stock=self._.stock.now,
            caller=moment.caller,
            drawer_session=self._.drawer_session(moment.place.drawer or "" if drawer is None else drawer),
            authoriser=NoTerminal() if calls is None else calls,
            resuming=resuming,
        )

    async def _accept(self, draft: Draft, keep: Callable[[bytes], KeptCommand], given: Sequence[Event]) -> bytes:
        """`given`: by whose word it may be, right before what it comes to."""
        answer = _encode(draft.result)
        if given:
            draft = dataclasses.replace(draft, events=(*map(self._.stamp, given), *draft.events))
        try:
            await self._commit(draft, keep(answer))
        except Refused:  # by the card-number guard, before anything was written; other errors may have reached the disk
            for new in draft.events:
                if (opening := opening_of(new)) is not None:
                    self._.codes.give_back(opening)
            raise
        return answer

    async def _commit(self, draft: Draft, command: KeptCommand | None) -> None:
        """All of it durable, then visible. Raises before anything is visible."""
        events, check = draft.events, draft.check
        prepared = self._.spool.prepare(draft.jobs)
        async with self._.stock.changing(draft.stock) as levels:
            batch = Batch(
                events=events,
                checks=(row(check),) if check is not None and events else (),
                jobs=tuple(job_row(job) for job in prepared),
                command=command,
                personal=draft.personal,
                answers=draft.answers,
                settings=draft.settings | self._.codes.settings(events) | levels,
            )
            appended = await self._.journal.append(batch)
        held = self._.shelf.put(check, appended) if check is not None and events else None
        self._.spool.submit(prepared)
        if events:
            self._changed(held)

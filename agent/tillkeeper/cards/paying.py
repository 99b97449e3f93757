"""A command whose money needs the world, from its first call to its last event.

    decide -> asked (durable) -> the call, holding nothing -> decide again -> settled and what it was for, in one batch

The check is free for reading meanwhile and frozen for change. Whoever takes the command up again - its own key, a clerk who
asks, the background after a restart - goes the same steps from where the journal says that it is, so no call is made twice.
"""

import dataclasses
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from tillkeeper.cards import refusals
from tillkeeper.cards.gateway import Said
from tillkeeper.cards.lent import Hands
from tillkeeper.cards.purposes import Payable, command_of, purpose_of
from tillkeeper.cards.unsettled import Unsettled
from tillkeeper.config.model import Config
from tillkeeper.contract.authorisations import (
    AbandonAuthorisation,
    AuthorisationAsked,
    AuthorisationReversed,
    AuthorisationSettled,
    Outcome,
    ReversalOwed,
)
from tillkeeper.contract.base import Event
from tillkeeper.contract.caller import INTEGRATION, Caller
from tillkeeper.contract.commands import CommandResult, PlaceOrder
from tillkeeper.errors import Conflict, Refused, StorageRefused
from tillkeeper.journal.records import KeptAnswer, KeptCommand
from tillkeeper.sales.asking import Right, is_mine, may_go_on, place_of, rights
from tillkeeper.sales.authorisations import FAILED, OPEN, STEPS, Step, after, begun, freezes, of_key, used
from tillkeeper.sales.calls import Calls, Wanted
from tillkeeper.sales.checks import apply
from tillkeeper.sales.model import Authorisation, Check
from tillkeeper.till.compose import Draft, Moment

_encode = msgspec.json.Encoder().encode
_ORDER = PlaceOrder(order_type="takeout", lines=())
"""Stands for an order of which only its client knows the rest."""


@dataclass
class Run:
    """`check_id` empty: an order. `keep` of whoever waits for an answer, under the key of their own command; `key` where that
    is the command itself. `asks_again`: what the gateway never heard of is asked once more, else it is given up.
    `fresh`: asked by this very run."""

    key_sha256: str
    command: Payable
    caller: Caller
    check_id: str
    keep: Callable[[bytes], KeptCommand] | None = None
    key: str = ""
    asks_again: bool = False
    given: Sequence[Event] = ()
    fresh: set[str] = field(default_factory=set)

    @property
    def subject(self) -> str:
        return self.check_id or self.key_sha256


@dataclass(frozen=True)
class Done:
    """`answer`: encoded result; `refusal` is raised instead, once everything that was held is let go."""

    answer: bytes = b""
    refusal: Refused | None = None


class _Change:
    """What a step adds: each event is applied as it comes."""

    def __init__(self, check: Check | None, known: tuple[Authorisation, ...], moment: Moment) -> None:
        self.check, self.known, self.moment = check, known, moment
        self.events: list[Event] = []
        self._changed: dict[str, Authorisation] = {}

    @property
    def changed(self) -> tuple[Authorisation, ...]:
        return tuple(self._changed.values())

    def asked(self, event: AuthorisationAsked) -> Authorisation:
        one = begun(event, self.moment.now_ms)
        self.known = (*self.known, one)
        self._note(event, one)
        return one

    def step(self, one: Authorisation, event: Step) -> None:
        later = after(one, event)
        self.known = tuple(later if other.authorisation_id == one.authorisation_id else other for other in self.known)
        self._note(event, later)

    def of(self, authorisation_id: str) -> Authorisation:
        return next(one for one in self.known if one.authorisation_id == authorisation_id)

    def spend(self) -> None:
        """What they were for is recorded with them."""
        for one in self.known:
            self._changed[one.authorisation_id] = used(one)

    def _note(self, event: Event, one: Authorisation) -> None:
        self.events.append(event)
        self._changed[one.authorisation_id] = one
        if self.check is not None:
            self.check = apply(self.check, event, self.moment.business_day, self.moment.now_ms)


def _hear(change: _Change, one: Authorisation, said: Said, *, fresh: bool) -> None:
    """An order that is not known to be paid is not placed; a check waits. `fresh`: nothing was sent for it before."""
    outcome: Outcome = "unknown"
    if said.heard in ("approved", "declined", "never_made"):
        outcome = said.heard
    elif said.heard == "reversed" or (said.heard in ("not_reached", "not_begun") and fresh):
        outcome = "never_made"
    words = {"reference": said.reference, "label": said.label, "reason": said.reason}
    if said.heard == "unknown_here" and one.check_id:  # the request may be on its way: durable before the reversal goes out
        owed = ReversalOwed(authorisation_id=one.authorisation_id, cause="never_heard_of", check_id=one.check_id)
        change.step(one, owed)
        return
    if outcome != "unknown" or one.state == "asked":
        settled = AuthorisationSettled(
            authorisation_id=one.authorisation_id, outcome=outcome, check_id=one.check_id, **words
        )  # fmt: skip
        change.step(one, settled)
    if outcome == "unknown" and (said.heard == "partial" or not one.check_id):
        cause = "not_needed" if one.check_id else "order_not_placed"
        owed = ReversalOwed(authorisation_id=one.authorisation_id, cause=cause, check_id=one.check_id)
        change.step(change.of(one.authorisation_id), owed)


class Paying:
    """The steps of `Run`s; what they come to is durable when a step returns."""

    def __init__(self, config: Config, unsettled: Unsettled, hands: Hands) -> None:
        self._config, self._unsettled, self._hands = config, unsettled, hands

    def known(self, key_sha256: str, check: Check | None) -> tuple[Authorisation, ...]:
        return of_key(check, key_sha256) if check is not None else self._unsettled.of_key(key_sha256)

    def rights(self, one: Authorisation, check: Check | None) -> frozenset[Right]:
        """What this register may do about one; `check`: as it has it."""
        disputed = check is not None and one.brought and self._hands.disputed(check.check_id)
        return rights(one, place_of(one, check, disputed=disputed), mine=self.is_mine(one))

    def is_mine(self, one: Authorisation) -> bool:
        return is_mine(one, self._config.store.id, self._config.this_register)

    def held_up(self, known: tuple[Authorisation, ...], check: Check | None) -> Authorisation | None:
        """Which of those of a command keeps it from going on here: another register asks, or may have decided."""
        waiting = (one for one in known if check is not None and one.brought and freezes(one))
        return next((one for one in waiting if not may_go_on(one, self.rights(one, check))), None)

    def matching(self, run: Run, known: tuple[Authorisation, ...]) -> None:
        """Raises: Conflict: the key came with another command before."""
        if known and known[0].purpose != purpose_of(run.command):
            what, hint = "this idempotency key was used with another command", "use a new key for a new command"
            raise Conflict("accept", "command", what, hint)

    async def step(self, run: Run, authorisation_id: str = "", said: Said | None = None) -> Done | Authorisation:
        """Under the lock of the check: take over what was heard, and find the next call or the end. What it journals is durable
        when it returns.

        Raises:
            Refused: nothing was ever asked, and nothing has changed.
        """
        hands = self._hands
        check = hands.at_hand(run.check_id) if run.check_id else None
        change = _Change(check, self.known(run.key_sha256, check), hands.moment(run.caller))
        if (held_up := self.held_up(change.known, check)) is not None:
            raise refusals.asked_elsewhere(refusals.operation_of(run.command), held_up, self._config)
        one = next((one for one in change.known if one.authorisation_id == authorisation_id), None)
        if said is not None and one is not None and one.state in OPEN:
            _hear(change, one, said, fresh=authorisation_id in run.fresh)
        if (failed := next((one for one in change.known if one.state in FAILED), None)) is not None:
            return await self._give_up(run, change, failed, refusals.failed(run.command, failed, self._config))
        if change.known and all(one.used for one in change.known):
            return Done(hands.kept(run.key) or _encode(_result(change)))
        if (waiting := next((one for one in change.known if one.state in OPEN), None)) is not None:
            await self._journal(run, change)
            return waiting if said is None else Done(refusal=refusals.unknown(run.command, waiting))
        practice = (check.training if check is not None else run.caller.training) or getattr(run.command, "training", False)
        calls = Calls(self._config, run.key_sha256, change.known, practice=practice)
        try:
            draft = hands.draft(run.command, change.check, run.caller, calls, run.key_sha256)
        except Refused as refused:
            if not change.known:
                raise
            return await self._give_up(run, change, change.known[-1], refused)
        if not calls.wanted:
            return await self._finish(run, change, draft)
        hands.undo(draft)
        if not change.known:
            hands.examine(draft)
            if hands.trouble:
                raise StorageRefused("authorise", calls.wanted[0].request.tender, hands.trouble, "nothing was charged")
        asked = change.asked(self._asked(run, calls.wanted[0], change.check))
        await self._journal(run, change)
        run.fresh.add(asked.authorisation_id)
        return asked

    def _asked(self, run: Run, wanted: Wanted, check: Check | None) -> AuthorisationAsked:
        request = wanted.request
        return AuthorisationAsked(
            authorisation_id=wanted.authorisation_id,
            situation=request.situation,
            tender=request.tender,
            kind=request.kind,
            gateway=wanted.gateway,
            amount_minor=request.amount_minor,
            purpose=purpose_of(run.command),
            key_sha256=run.key_sha256,
            check_id=check.check_id if check is not None else "",
            index=wanted.index,
            original=request.original,
            guest_absent=request.guest_absent,
            terminal=run.caller.terminal,
            by=run.command.by,
        )

    async def _give_up(self, run: Run, change: _Change, failed: Authorisation, refusal: Refused) -> Done:
        """What was authorised for the command is taken back, and its key is answered so for good."""
        cause = "not_needed" if run.check_id else "order_not_placed"
        for one in change.known:
            if one.state in (*OPEN, "approved") and not one.used:
                owed = ReversalOwed(authorisation_id=one.authorisation_id, cause=cause, check_id=one.check_id)
                change.step(one, owed)
        kept = replace(_result(change), refused=refusals.kept(refusal))
        if not change.events:
            return Done(_encode(kept)) if run.key else Done(_encode(replace(kept, refused=None, authorisation=failed.state)))
        if run.key:
            await self._journal(run, change, _encode(kept))
            return Done(_encode(kept))
        mine = replace(kept, refused=None, authorisation=failed.state)
        await self._journal(run, change, _encode(mine), self._answers(run, _encode(kept), change))
        return Done(_encode(mine))

    async def _finish(self, run: Run, change: _Change, draft: Draft) -> Done:
        change.spend()
        given, run.given = run.given, ()
        stamped = tuple(map(change.moment.stamp, (*given, *change.events)))
        result = replace(draft.result, events=len(change.events) + len(draft.events))
        if not run.key:
            result = replace(result, authorisation="approved")
        answer = _encode(result)
        draft = dataclasses.replace(draft, events=(*stamped, *draft.events), result=result)
        try:
            await self._commit(change, draft, _kept(run, answer), self._answers(run, answer, change))
        except Refused:  # by the card-number guard, before anything was written; other errors may have reached the disk
            self._hands.undo(draft)
            raise
        return Done(answer)

    def _answers(self, run: Run, answer: bytes, change: _Change) -> tuple[KeptAnswer, ...]:
        """The command's own key is answered too where somebody else brought it to its end."""
        if run.key:
            return ()
        return (KeptAnswer(bytes.fromhex(run.key_sha256), answer, change.moment.now_ms),)

    async def _journal(
        self, run: Run, change: _Change, answer: bytes | None = None, answers: tuple[KeptAnswer, ...] = ()
    ) -> None:
        if not change.events:
            return
        given, run.given = run.given, ()
        stamped = tuple(map(change.moment.stamp, (*given, *change.events)))
        draft = Draft(stamped, change.check, (), (), CommandResult(events=len(stamped)))
        await self._commit(change, draft, _kept(run, answer), answers)

    async def _commit(
        self, change: _Change, draft: Draft, kept: KeptCommand | None, answers: tuple[KeptAnswer, ...] = ()
    ) -> None:
        with self._unsettled.changing(change.changed) as settings:
            await self._hands.commit(dataclasses.replace(draft, settings=draft.settings | settings, answers=answers), kept)

    # --- without its command ---

    async def abandon(
        self, check_id: str, waits: tuple[Authorisation, ...], command: AbandonAuthorisation,
        keep: Callable[[bytes], KeptCommand], given: Sequence[Event] = (),
    ) -> bytes:  # fmt: skip
        """Under the lock of the check: it is free again, and its payment is another command's. `given`: by whose word.

        Raises:
            Refused: `asked_elsewhere`.
        """
        change = _Change(self._hands.at_hand(check_id), waits, self._hands.moment(INTEGRATION))
        for one in waits:
            found = self.rights(one, change.check)
            if "give_up" not in found and not (command.although_unreachable and "give_up_by_word" in found):
                raise refusals.asked_elsewhere(refusals.operation_of(command), one, self._config)
            cause = "paid_another_way"
            change.step(one, ReversalOwed(authorisation_id=one.authorisation_id, cause=cause, check_id=check_id, by=command.by))
        answer = _encode(replace(_result(change), authorisation="reversal_owed"))
        await self._given_up(change, keep(answer), given)
        return answer

    async def tell(self, one: Authorisation, said: Said) -> None:
        """What was heard of one that this register asked for, whose check is no longer its own to bring to an end."""
        async with self._hands.holding(one.check_id):
            check = self._hands.last_here(one.check_id)
            known = check.authorisations if check is not None else ()
            now = next((other for other in known if other.authorisation_id == one.authorisation_id), None)
            if now is None or check is None or check.elsewhere:
                now = self._unsettled.open.get(one.authorisation_id)
            if now is None or now.state not in OPEN:
                return
            change = _Change(check, (now,), self._hands.moment(INTEGRATION))
            _hear(change, now, said, fresh=False)
            await self._quietly(change)

    async def owe(self, one: Authorisation) -> None:
        """That it was given up stands in a log that this register lost."""
        async with self._hands.holding(one.check_id):
            now = self._unsettled.open.get(one.authorisation_id)
            if now is None or (now.state, "owed") not in STEPS:
                return
            change = _Change(self._agreeing(now), (now,), self._hands.moment(INTEGRATION))
            change.step(now, ReversalOwed(authorisation_id=one.authorisation_id, cause="not_needed", check_id=one.check_id))
            await self._quietly(change)

    def _agreeing(self, one: Authorisation) -> Check | None:
        """The check where it says the same of it; it may have it from another register, and further on."""
        check = self._hands.last_here(one.check_id) if one.check_id else None
        known = check.authorisations if check is not None else ()
        differs = any(other.authorisation_id == one.authorisation_id and other.state != one.state for other in known)
        return None if differs else check

    async def _quietly(self, change: _Change) -> None:
        """What answers nobody's command."""
        if change.events:
            stamped = tuple(map(change.moment.stamp, change.events))
            await self._commit(change, Draft(stamped, change.check, (), (), CommandResult(events=len(stamped))), None)

    async def drop_order(self, one: Authorisation, live: Container[str]) -> None:
        """An order that was being paid when the agent died, and that nobody asks for any more, is not placed."""
        async with self._hands.holding(one.key_sha256):
            known = self._unsettled.of_key(one.key_sha256)
            if one.key_sha256 in live:
                return
            change = _Change(None, known, self._hands.moment(INTEGRATION))
            for other in known:
                if (other.state, "owed") in STEPS:
                    change.step(other, ReversalOwed(authorisation_id=other.authorisation_id, cause="order_not_placed"))
            if change.events:
                await self._given_up(change, None)

    async def _given_up(self, change: _Change, kept: KeptCommand | None, given: Sequence[Event] = ()) -> None:
        """The keys of the commands are answered so for good."""
        answers = {}
        for one in change.known:
            refusal = refusals.kept(refusals.failed(command_of(one) or _ORDER, one, self._config))
            answer = _encode(replace(_result(change), refused=refusal))
            answers[one.key_sha256] = KeptAnswer(bytes.fromhex(one.key_sha256), answer, change.moment.now_ms)
        stamped = tuple(map(change.moment.stamp, (*given, *change.events)))
        draft = Draft(stamped, change.check, (), (), CommandResult(events=len(stamped)))
        await self._commit(change, draft, kept, tuple(answers.values()))

    async def note(self, one: Authorisation, event: AuthorisationReversed) -> None:
        """It was taken back."""
        async with self._hands.holding(one.check_id or one.key_sha256):
            now = self._unsettled.open.get(one.authorisation_id)
            if now is None or now.state != "reversal_owed":
                return
            change = _Change(self._agreeing(now), (now,), self._hands.moment(INTEGRATION))
            change.step(now, event)
            await self._quietly(change)


def _kept(run: Run, answer: bytes | None) -> KeptCommand | None:
    return run.keep(answer) if run.keep is not None and answer is not None else None


def _result(change: _Change) -> CommandResult:
    check = change.check
    if check is None:
        return CommandResult(events=len(change.events))
    return CommandResult(
        events=len(change.events), check_id=check.check_id, ticket_code=check.ticket_code, state=check.state
    )  # fmt: skip

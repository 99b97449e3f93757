"""Checks of other registers: taking them over, handing them out, stepping back from them, and merging what two did with one.

The taker asks the owner (`check.take`): its word is durable before it answers, and it answers the same again. Killed between
the two, the check is not lost: whoever it was handed to reads so in the owner's log and takes it by itself.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple, Protocol

import msgspec
from msgspec.structs import replace

from tillkeeper.across.elsewhere import Directory
from tillkeeper.across.past import Past
from tillkeeper.across.strands import Standing
from tillkeeper.config.model import Config
from tillkeeper.contract import events as ev
from tillkeeper.contract.base import Event
from tillkeeper.contract.bodies import reader
from tillkeeper.contract.commands import CommandResult, JobRef
from tillkeeper.contract.together import CheckTaken, ElsewhereView, TakeAsk, TakeCheck, TakeSaid
from tillkeeper.errors import NotFound, Refused
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import PersonalText
from tillkeeper.kitchen.tickets import revise
from tillkeeper.replication.model import LogId
from tillkeeper.replication.peers.asking import AskRefused
from tillkeeper.replication.trouble import SinkTrouble
from tillkeeper.sales.asking import Side
from tillkeeper.sales.authorisations import frozen
from tillkeeper.sales.changing_hands import forked, hand_over, taken
from tillkeeper.sales.checks import apply
from tillkeeper.sales.model import Check
from tillkeeper.sales.pricing import rules_of, totals
from tillkeeper.sales.training import kitchen_of
from tillkeeper.spool.model import Job
from tillkeeper.till.compose import Draft, Moment
from tillkeeper.till.shelf import Held, Shelf

TOPIC = "check.take"
NOT_HERE = "not_here"
ASK_S = 1.5
"""So long the owner may take to answer; then it counts as silent."""
BUSY_S = 1.0
"""So long a hand-over waits for a command on the check that is under way."""
SAME_WITHIN_MS = 15 * 60_000
LOOKED_AT = 200
"""Checks that a new order is compared with, the newest."""
_decode = reader(Check)
_decode_said = reader(TakeSaid)
_decode_ask = reader(TakeAsk)
_encode = msgspec.json.Encoder().encode


class There(NamedTuple):
    """A check at another register. `texts`: digest -> text, of persons."""

    check: Check
    where: ElsewhereView
    texts: dict[str, str]


class Peers(Protocol):
    """The other registers. `silent_s` is None for one that was never heard since the start."""

    def others(self) -> Iterable[str]: ...

    def is_heard(self, register: str) -> bool: ...

    def silent_s(self, register: str) -> float | None: ...

    async def ask(self, register: str, topic: str, body: bytes, within_s: float) -> bytes: ...


Change = Callable[[Check | None, Moment], Awaitable[Draft | None]]


class Changing(Protocol):
    """The intake."""

    async def change_check(self, check_id: str, make: Change) -> None: ...

    async def look_across(self, check_id: str) -> None: ...


class Taking:
    """Of one register. `peers` is None where there are no others; `changing`: the intake, once it is there.
    `past`: what this register recorded in logs that it lost."""

    def __init__(
        self,
        config: Config,
        journal: Journal,
        shelf: Shelf,
        directory: Directory,
        peers: Peers | None,
        changing: Callable[[], Changing],
        past: Past | None = None,
    ) -> None:
        self.past = past
        self._config, self._journal, self._shelf, self.directory = config, journal, shelf, directory
        self._peers, self._changing = peers, changing
        self.me = config.this_register
        self._rules = rules_of(config.store)

    # --- what a command comes to ---

    def find(self, ref: str, today: str) -> str:
        """The long id of a check that this register does not have.

        Raises:
            NotFound: nobody is known to have it.
        """
        check_id = self.directory.find(ref, today)
        if not check_id:
            raise NotFound("find", f"check {ref}", "no check has this id, code of today, or number", "see the list of checks")
        return check_id

    def elsewhere(self, check_id: str) -> ElsewhereView | None:
        """Who has it; None where this register does. Raises: StorageUnreadable."""
        held = self._shelf.get(check_id)
        if held is not None and not held.check.elsewhere:
            return None
        standing = self.directory.standing(check_id)
        register = standing.register if standing is not None else held.check.elsewhere if held is not None else ""
        if not register:
            return None
        peers = self._peers
        return ElsewhereView(
            register=register,
            reachable=peers is not None and peers.is_heard(register),
            heard_s=peers.silent_s(register) if peers is not None else None,
            as_of_ms=standing.as_of_ms if standing is not None else 0,
            mine=register == self.me,
        )

    def there(self, check_id: str) -> There | None:
        """None where it is here, or nothing is known of it. Raises: StorageUnreadable."""
        standing, where = self.directory.standing(check_id), self.elsewhere(check_id)
        if standing is None or where is None:
            return None
        texts = {digest: text for digest, (_, text) in self.directory.texts(check_id).items()}
        return There(standing.check, where, texts)

    def open_elsewhere(self) -> list[There]:
        """Raises: StorageUnreadable."""
        found = []
        for check_id in self.directory.open_ids():
            if self.directory.owner(check_id) == self.me and self._is_here(check_id):
                continue
            if (there := self.there(check_id)) is not None and there.check.state == "open":
                found.append(there)
        return found

    def _is_here(self, check_id: str) -> bool:
        held = self._shelf.get(check_id)
        return held is not None and not held.check.elsewhere

    def refusal(self, check_id: str, operation: str = "change") -> Refused:
        """Of a command on a check that another register has."""
        where = self.elsewhere(check_id)
        register = where.register if where is not None else ""
        subject = f"check {check_id}"
        cause = f"register {register} has it" if register != self.me else "this register had it before it lost its journal"
        hint = "take it over, then go on here"
        if where is not None and not where.reachable and register != self.me:
            cause += ", and is silent"
        return Refused(
            "check_elsewhere", operation, subject, cause, hint, check_id=check_id, register=register,
            reachable=where is not None and where.reachable, heard_s=where.heard_s if where is not None else None,
        )  # fmt: skip

    async def draft(self, command: TakeCheck, check_id: str, moment: Moment) -> Draft:
        """Under the check's lock: it goes on here.

        Raises:
            Refused: `owner_silent`, `check_not_open`, or what the owner says (`check_frozen`, `busy`, ...).
            NotFound: nobody knows the check.
        """
        standing = self.directory.standing(check_id)
        held = self._shelf.get(check_id)
        owner = standing.register if standing is not None else held.check.elsewhere if held is not None else ""
        if standing is not None and standing.check.training != moment.caller.training and moment.caller.scope != "full":
            raise Refused("not_training", "take check", f"check {check_id}", "practice and sales are apart")
        if owner and owner != self.me and self._peers is not None:
            try:
                said, check = _said_of(await self._peers.ask(owner, TOPIC, _encode(TakeAsk(check_id)), ASK_S), owner, check_id)
            except AskRefused as error:
                if error.code != NOT_HERE:
                    raise Refused(error.code, "take check", f"check {check_id}", error.cause, error.hint) from error
            except SinkTrouble as error:
                if not command.although_unreachable:
                    raise self._silent(owner, check_id, error, standing) from error
                return self._fork(self._known(standing, check_id), moment, lost=False, by=command.by)
            else:
                event = taken(check, owner, said.hand, said.at, self._rules, command.by)
                return self.draft_of(None, [event], moment, said.texts)
        known = self._known(standing, check_id)
        if not known.own and known.register == self.me:
            return self.draft_of(None, [self.completes(known, command.by)], moment, self.directory.texts(check_id))
        return self._fork(known, moment, lost=True, by=command.by)

    def _known(self, standing: Standing | None, check_id: str) -> Standing:
        if standing is None:
            raise NotFound("take", f"check {check_id}", "what is on it is not known here", "wait until its register is heard")
        if standing.check.state == "voided":
            raise Refused("check_not_open", "take check", f"check {check_id}", "the check is voided", state="voided")
        return standing

    def _silent(self, owner: str, check_id: str, error: SinkTrouble, standing: Standing | None) -> Refused:
        heard_s = self._peers.silent_s(owner) if self._peers is not None else None
        cause = f"register {owner} has it and does not answer ({error.cause}): it may have been changed or paid there"
        if standing is None:
            return Refused("owner_silent", "take check", f"check {check_id}", cause, "", register=owner, heard_s=heard_s)
        hint = "take it all the same: what both did is merged when the register is back"
        return Refused(
            "owner_silent", "take check", f"check {standing.check.ticket_code}", cause, hint, register=owner, heard_s=heard_s,
            check_id=check_id, as_of_ms=standing.as_of_ms,
        )  # fmt: skip

    def completes(self, known: Standing, by: str = "") -> CheckTaken:
        """It was handed to this register, which was killed before it had it."""
        giver = known.strand
        return taken(known.check, giver.register, known.hand, giver.at, self._rules, by)

    def _fork(self, known: Standing, moment: Moment, *, lost: bool, by: str) -> Draft:
        fork = forked(known.check, known.register, known.hand + 1, known.strand.at, self._rules, lost=lost, by=by)
        check = _decode(fork.check)
        events: list[Event] = [fork]
        rule = self._config.register.fire or self._config.fire
        waiting = tuple(
            line.line_id
            for line in check.lines
            if line.maybe_fired and not line.held and line.fire_at_ms is None and line.course == 1
        )
        if waiting and check.state != "voided" and (rule != "on_tender" or check.state == "closed"):
            events.append(ev.LinesFired(check_id=check.check_id, line_ids=waiting, cause="forked"))
        return self.draft_of(None, events, moment, self.directory.texts(check.check_id))

    def draft_of(
        self, check: Check | None, events: list[Event], moment: Moment, texts: dict[str, tuple[str, str]] | None = None
    ) -> Draft:
        """The events with what the kitchen is to be told of them. `check`: before them; None where the first one brings it."""
        for event in events:
            check = apply(check, event, moment.business_day, moment.now_ms)
        assert check is not None  # noqa: S101 - no caller comes without an event
        jobs: list[Job] = []
        if not check.elsewhere and not isinstance(events[-1], CheckTaken):  # the kitchen knows of what was handed over
            for fired, job in revise(check, kitchen_of(self._config, check), moment.now_ms, moment.new_id):
                check = apply(check, fired, moment.business_day, moment.now_ms)
                events.append(fired)
                jobs.append(job)
        result = CommandResult(
            events=len(events),
            check_id=check.check_id,
            ticket_code=check.ticket_code,
            state=check.state,
            totals=check.closed_totals or totals(check, self._rules),
            jobs=tuple(JobRef(job.job_id, job.document_class, job.device, job.station) for job in jobs),
        )
        personal = tuple(PersonalText(digest, salt, text) for digest, (salt, text) in (texts or {}).items())
        return Draft(tuple(map(moment.stamp, events)), check, tuple(jobs), personal, result)

    # --- of its cards ---

    def sides(self, check_id: str) -> list[Side]:
        """What each register wrote, by disk. Raises: StorageUnreadable."""
        strands = self.directory.strands(check_id)
        return [Side(strand.register, strand.check(), [op.event for op in strand.ops]) for strand in strands]

    def own_events(self, check_id: str) -> list[Event]:
        """What this register's journal has of it: not what it wrote before it lost its disk. Raises: StorageUnreadable."""
        return [op.event for op in self.directory.strand(check_id, LogId(self.me, self._journal.incarnation)).ops]

    # --- what others ask ---

    async def answer(self, register: str, body: bytes) -> bytes:
        """Hand a check over. Durable before it is said.

        Raises:
            Refused: `not_here`, `moved_on`, `busy`, `check_frozen`, `check_not_open`.
        """
        check_id = _decode_ask(body).check_id

        async def make(check: Check | None, moment: Moment) -> Draft | None:
            if check is None:
                raise Refused(NOT_HERE, "hand over", f"check {check_id}", "this register does not have it")
            if check.elsewhere == register:
                return None
            if check.elsewhere:
                raise Refused("moved_on", "hand over", f"check {check_id}", f"register {check.elsewhere} has it")
            if waiting := frozen(check):
                cause = f"a payment of it waits for its answer ({waiting[0].tender})"
                raise Refused("check_frozen", "hand over", f"check {check.ticket_code}", cause, "finish it where it is")
            return self.draft_of(check, [hand_over(check, register)], moment)

        try:
            async with asyncio.timeout(BUSY_S):
                async with self._shelf.changing(check_id):
                    pass  # nobody is at it
        except TimeoutError:
            raise Refused("busy", "hand over", f"check {check_id}", "somebody is at it right now", "try again") from None
        await self._changing().change_check(check_id, make)
        held = self._shelf.get(check_id)
        if held is None or held.check.elsewhere != register:
            raise Refused(NOT_HERE, "hand over", f"check {check_id}", "it was not handed over")
        return _encode(self._said(held))

    def _said(self, held: Held) -> TakeSaid:
        check, span = held
        at = {incarnation: self._journal.end_of(incarnation) for incarnation in span.older} | {span.incarnation: span.last_seq}
        digests = [one.digest for one in (check.name, check.phone, check.note) if one is not None]
        return TakeSaid(check.hand, at, msgspec.Raw(_encode(check)), self._journal.personal_texts(digests))

    # --- rung again? ---

    def compared(self, draft: Draft, moment: Moment) -> Draft:
        """The draft of a new check; its answer says where it may be one that was rung before."""
        code = self.same_as(draft.check, moment.now_ms) if draft.check is not None else ""
        return dataclasses.replace(draft, result=replace(draft.result, maybe_same=code)) if code else draft

    def same_as(self, check: Check, now_ms: int) -> str:
        """The ticket code of a check at a silent register that holds the same items, open or paid of late; empty for none."""
        peers = self._peers
        if peers is None or all(map(peers.is_heard, peers.others())):
            return ""
        wanted = _items(check)
        for check_id in reversed(self.directory.recent_ids(LOOKED_AT)):
            owner = self.directory.owner(check_id)
            if owner in ("", self.me) or peers.is_heard(owner) or check_id == check.check_id:
                continue
            standing = self.directory.standing(check_id)
            if standing is None or standing.check.state == "voided" or standing.check.training != check.training:
                continue
            if 0 <= now_ms - standing.as_of_ms <= SAME_WITHIN_MS and _items(standing.check) == wanted:
                return standing.check.ticket_code
        return ""


def _said_of(body: bytes, owner: str, check_id: str) -> tuple[TakeSaid, Check]:
    """What the owner hands over. Raises: SinkTrouble: that is nothing which could go on here."""
    try:
        said = _decode_said(body)
        check = _decode(said.check)
    except msgspec.DecodeError as error:
        raise SinkTrouble("garbage", f"register {owner}", "its answer is not understood here") from error
    if check.check_id != check_id:
        raise SinkTrouble("garbage", f"register {owner}", "it answers about another check")
    return said, check


def _items(check: Check) -> list[tuple[object, ...]]:
    lines = (line for line in check.lines if line.quantity)
    return sorted(
        (line.item_id, line.quantity, *sorted((chosen.modifier_id, chosen.quantity) for chosen in line.modifiers))
        for line in lines
    )  # fmt: skip

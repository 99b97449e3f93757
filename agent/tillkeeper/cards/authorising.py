"""The gateways of this register: commands that need them, and what is brought to its end by itself.

A check whose payment is not known is asked about in the background until it is, at growing intervals; so is what is owed. Of a
check that another register has by now, this one asks what it had asked for and writes down what it hears; the other one goes by
that (`sales.asking`).
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from tillkeeper.cards import refusals, unsettled_view
from tillkeeper.cards.abroad import Abroad
from tillkeeper.cards.gateway import Gateway, Said
from tillkeeper.cards.gateway_line import Line
from tillkeeper.cards.lent import Hands
from tillkeeper.cards.paying import Done, Paying, Run
from tillkeeper.cards.purposes import command_of
from tillkeeper.cards.unsettled import Unsettled
from tillkeeper.config.model import Config
from tillkeeper.contract.authorisations import AbandonAuthorisation, AuthorisationsView
from tillkeeper.contract.base import Event
from tillkeeper.contract.caller import Caller
from tillkeeper.errors import Refused, TillkeeperError
from tillkeeper.journal.records import KeptCommand
from tillkeeper.sales.authorisations import OPEN, freezes, frozen, frozen_fields
from tillkeeper.sales.model import Authorisation, Check

log = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
PAST_LOOK_S, PAST_REST_S = 0.25, 1.0
"""A register that may have forgotten what became of a payment looks so often whether it has come back, and gives it so long
to reach the check."""
BROUGHT_S = 5.0
"""How often a register that waits for nothing looks whether a check came to it that does."""
RESUME_S = 30.0
"""So long after a start an order that was being paid waits for its client to ask again; then what was charged goes back."""


class Authorising:
    """`hands` is set before anything is called. `now_s`: the boot clock. `knows_its_past`: whether all that this register ever
    wrote is here; before that nothing is finished by itself, for it may be finished."""

    def __init__(
        self, config: Config, unsettled: Unsettled, gateways: Mapping[str, Gateway], hands: Hands, now_s: Callable[[], float],
        knows_its_past: Callable[[], bool] = lambda: True,
    ) -> None:  # fmt: skip
        self._config, self._unsettled, self._hands, self._now_s = config, unsettled, hands, now_s
        self._paying = Paying(config, unsettled, hands)
        self._lines = {
            name: Line(name, gateway, config, unsettled, self._paying.note, now_s) for name, gateway in gateways.items()
        }
        self._abroad = Abroad(config.this_register, unsettled, self._paying, hands)
        self._arrived: set[str] = set()
        """Checks that are here, of which another register has asked for something."""
        self._live: set[str] = set()
        """Keys of commands that somebody is at."""
        self._started_s, self._knows_its_past = now_s(), knows_its_past

    @property
    def calling(self) -> int:
        """How many commands wait for a gateway."""
        return sum(len(line.calling) for line in self._lines.values())

    # --- commands ---

    async def pay(self, run: Run, permitted: Callable[[Check | None], AbstractContextManager[tuple[Event, ...]]]) -> bytes:
        """Bring a command to its end. `permitted`: see `Approvals.permitted`; asked only of what was not asked before.

        Raises:
            Refused, Conflict: also what the world said.
        """
        paying, hands = self._paying, self._hands
        self._live.add(run.key_sha256)
        try:
            async with hands.holding(run.subject):
                check = hands.at_hand(run.check_id) if run.check_id else None
                known = paying.known(run.key_sha256, check)
                paying.matching(run, known)
                if known:
                    step = await paying.step(run)
                else:
                    with permitted(check) as run.given:
                        step = await paying.step(run)
            return answer_of(await self._carry(run, step))
        finally:
            self._live.discard(run.key_sha256)

    async def query(self, check_id: str, keep: Callable[[bytes], KeptCommand], given: Sequence[Event] = ()) -> Done:
        """`given`: by whose word. Raises: Refused: `not_frozen`, `check_frozen` (it is being asked), `asked_elsewhere`: nobody
        was asked."""
        one = self._frozen("query authorisation", check_id)[0]
        if (held_up := self._held_up(one)) is not None:
            raise refusals.asked_elsewhere("query authorisation", held_up, self._config)
        done = await self._finish(one, keep, given)
        if done is None:
            cause, subject = "the gateway is being asked at this moment", f"check {check_id}"
            raise Refused("check_frozen", "query authorisation", subject, cause, "wait", **frozen_fields(one))
        return done

    async def abandon(
        self, check_id: str, command: AbandonAuthorisation, keep: Callable[[bytes], KeptCommand], given: Sequence[Event] = ()
    ) -> bytes:
        """Under the lock of the check. `given`: by whose word. Raises: Refused: `not_frozen`, `asked_elsewhere`."""
        waits = self._frozen("abandon authorisation", check_id)
        answer = await self._paying.abandon(check_id, waits, command, keep, given)
        for one in waits:
            self._wake(one)
        return answer

    def _frozen(self, operation: str, check_id: str) -> tuple[Authorisation, ...]:
        check = self._hands.at_hand(check_id)
        if not (waits := frozen(check)):
            raise Refused("not_frozen", operation, f"check {check.ticket_code}", "no payment of it is in doubt")
        return waits

    def _held_up(self, one: Authorisation) -> Authorisation | None:
        check = self._hands.last_here(one.check_id) if one.check_id else None
        return self._paying.held_up(self._paying.known(one.key_sha256, check), check)

    async def _finish(
        self, one: Authorisation, keep: Callable[[bytes], KeptCommand] | None, given: Sequence[Event] = ()
    ) -> Done | None:
        """Find out what became of it, and do what it was for. None: somebody else is at it."""
        command = command_of(one)
        if command is None or one.key_sha256 in self._live:
            return None
        caller = Caller(terminal=one.terminal, employee=one.by)
        run = Run(one.key_sha256, command, caller, one.check_id, keep=keep, given=given)
        self._live.add(run.key_sha256)
        try:
            async with self._hands.holding(run.subject):
                step = await self._paying.step(run)
            return await self._carry(run, step)
        finally:
            self._live.discard(run.key_sha256)

    async def _carry(self, run: Run, step: Done | Authorisation) -> Done:
        while isinstance(step, Authorisation):
            if self._hands.second_copy is not None:  # a register that burns leaves its question behind
                await self._hands.second_copy()
            line, fresh = self._lines.get(step.gateway), step.authorisation_id in run.fresh
            if line is None:
                said = Said("no_answer", reason=f"no gateway {step.gateway} is configured any more")
            else:
                said = await line.call(step, fresh=fresh, asks_again=run.asks_again)
            async with self._hands.holding(run.subject):
                step = await self._paying.step(run, step.authorisation_id, said)
        for one in self._unsettled.of_key(run.key_sha256):
            if run.keep is not None or one.state == "reversal_owed":  # else the background would wake itself for ever
                self._wake(one)
        return step

    # --- by itself ---

    def _wake(self, one: Authorisation) -> None:
        if (line := self._lines.get(one.gateway)) is not None:
            line.woken.set()

    async def look_across(self, check_id: str) -> None:
        """Something is new of a check that several registers have worked on. Raises: TillkeeperError: a disk that refuses."""
        stirred = await self._abroad.look(check_id)
        check = self._hands.last_here(check_id)
        if check is not None and not check.elsewhere and any(one.brought for one in frozen(check)):
            self._arrived.add(check_id)
            stirred = True
        if stirred:
            self.link_changed()

    def link_changed(self) -> None:
        """The way out may be back."""
        for line in self._lines.values():
            line.woken.set()

    async def run(self) -> None:
        """Until cancelled; closes the gateways."""
        try:
            await self._past()
            async with asyncio.TaskGroup() as tasks:
                for line in self._lines.values():
                    tasks.create_task(self._look_after(line), name=f"gateway {line.name}")
        finally:
            for line in self._lines.values():
                await line.gateway.aclose()

    async def _past(self) -> None:
        rest_s = 0.0
        while self._unsettled.open and not self._knows_its_past():
            rest_s = PAST_REST_S
            await asyncio.sleep(PAST_LOOK_S)
        await asyncio.sleep(rest_s)

    async def _look_after(self, line: Line) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            line.woken.clear()
            before = len(self._unsettled.open)
            try:
                await self._look(line)
            except TillkeeperError as error:  # a disk that refuses: what the gateway said is heard again
                log.warning("gateway %s: %s", line.name, error)
            came_on = len(self._unsettled.open) < before
            idle = not self._of(line) and not self._brought(line)
            wait_s = FIRST_WAIT_S if came_on or idle else min(wait_s * 2, LONGEST_WAIT_S)
            try:
                async with asyncio.timeout(BROUGHT_S if idle else wait_s):
                    await line.woken.wait()
                wait_s = FIRST_WAIT_S
            except TimeoutError:
                continue

    def _of(self, line: Line) -> list[Authorisation]:
        return [one for one in self._unsettled.open.values() if one.gateway == line.name]

    async def _look(self, line: Line) -> None:
        """One round: what is owed, then what is not known."""
        await self._abroad.orders(self._now_s())
        if not await line.reverse_all():
            return
        for one in (*self._of(line), *self._brought(line)):
            if one.state not in (*OPEN, "approved") or one.key_sha256 in self._live:
                continue
            try:
                if one.check_id:
                    await self._bring_on(line, one)
                elif not await self._abroad.forgotten(one) and self._now_s() - self._started_s >= RESUME_S:
                    await self._paying.drop_order(one, self._live)
                    line.woken.set()
            except Refused as error:  # this one can not be finished now; the others can
                log.warning("gateway %s: %s", line.name, error)
            if line.reachable is False:
                return

    async def _bring_on(self, line: Line, one: Authorisation) -> None:
        """To its end where that is this register's to decide; else as far as finding out what became of it."""
        check = self._hands.last_here(one.check_id)
        here = check.authorisations if check is not None and not check.elsewhere else ()
        now = next((other for other in here if other.authorisation_id == one.authorisation_id), None)
        if now is not None and not freezes(now):
            return  # it came to its end at another register: it is let go of as soon as that is heard
        if now is not None and self._held_up(one) is None:
            line.tried_once_more(one)
            await self._finish(one, None)
        elif one.state in OPEN and self._paying.is_mine(one):
            line.tried_once_more(one)
            await self._paying.tell(one, await line.call(one, fresh=False, asks_again=False))

    def _brought(self, line: Line) -> list[Authorisation]:
        """What freezes a check that came from another register with it, and can be brought on here."""
        known, found = self._unsettled.open, []
        for check_id in sorted(self._arrived):
            check = self._hands.last_here(check_id)
            waits = [one for one in frozen(check) if one.brought] if check is not None and not check.elsewhere else []
            if not waits:
                self._arrived.discard(check_id)
            found += [
                one
                for one in waits
                if one.gateway == line.name and one.authorisation_id not in known
                and (self._held_up(one) is None or (one.state in OPEN and self._paying.is_mine(one)))
            ]  # fmt: skip
        return found

    # --- what is open ---

    def view(self, open_checks: tuple[Check, ...]) -> AuthorisationsView:
        return unsettled_view.view(self._config, self._unsettled, self._lines, self._hands, open_checks)


def answer_of(done: Done) -> bytes:
    """Raises: Refused: what it came to."""
    if done.refusal is not None:
        raise done.refusal
    return done.answer

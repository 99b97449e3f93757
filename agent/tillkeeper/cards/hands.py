"""What of the intake is lent to the room that pays by gateways."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from tillkeeper.across.taking import Taking
from tillkeeper.cards.purposes import Payable
from tillkeeper.contract.base import Event
from tillkeeper.contract.caller import Caller
from tillkeeper.journal.commit import prepare
from tillkeeper.journal.guard import guard_batch
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch, KeptCommand
from tillkeeper.sales.asking import Side
from tillkeeper.sales.calls import Calls
from tillkeeper.sales.model import Authorisation, Check
from tillkeeper.spool.jobs import job_row
from tillkeeper.till.codes import OpeningCodes, opening_of
from tillkeeper.till.compose import Draft, Moment
from tillkeeper.till.shelf import Shelf, row

Drafting = Callable[[Payable, Check | None, Caller, Calls, str], Draft]


@dataclass(frozen=True, kw_only=True)
class IntakeHands:
    """Implements `lent.Hands`."""

    journal: Journal
    shelf: Shelf
    codes: OpeningCodes
    at_hand: Callable[[str], Check]
    moment: Callable[[Caller], Moment]
    draft: Drafting
    commit: Callable[[Draft, KeptCommand | None], Awaitable[None]]
    second_copy: Callable[[], Awaitable[None]] | None
    taking: Taking | None

    def holding(self, name: str) -> AbstractAsyncContextManager[None]:
        return self.shelf.changing(name)

    def last_here(self, check_id: str) -> Check | None:
        held = self.shelf.get(check_id)
        return held.check if held is not None else None

    def undo(self, draft: Draft) -> None:
        for new in draft.events:
            if (opening := opening_of(new)) is not None:
                self.codes.give_back(opening)

    def examine(self, draft: Draft) -> None:
        """As the journal will look at it once there is no way back. Raises: Refused."""
        checks = (row(draft.check),) if draft.check is not None else ()
        jobs = tuple(job_row(job) for job in draft.jobs)
        batch = Batch(events=draft.events, checks=checks, jobs=jobs, personal=draft.personal)
        guard_batch("append", batch, ((event.type_name, event.body) for event in prepare(batch).events))

    def kept(self, key: str) -> bytes | None:
        found = self.journal.kept_command(key) if key else None
        return found.result if found is not None else None

    def disputed(self, check_id: str) -> bool:
        return self.taking is not None and bool(self.taking.directory.disputed(check_id, self.taking.me))

    def sides(self, check_id: str) -> list[Side]:
        return self.taking.sides(check_id) if self.taking is not None else []

    def own_events(self, check_id: str) -> list[Event]:
        return self.taking.own_events(check_id) if self.taking is not None else []

    def recorded_before(self, tender_id: str) -> bool:
        return self.taking is not None and self.taking.past is not None and self.taking.past.has(tender_id)

    def unfinished_orders(self) -> tuple[Authorisation, ...]:
        return self.taking.past.unfinished() if self.taking is not None and self.taking.past is not None else ()

    @property
    def trouble(self) -> str | None:
        """Why the journal takes no sale at this moment."""
        return self.journal.trouble

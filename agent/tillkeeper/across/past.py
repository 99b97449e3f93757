"""Orders that this register was being paid for in logs which it lost with its disk, and got back from others.

An order that is being paid has no check by which it could be found again. An older copy of the disk knows only that it was
asked for, and would have the money taken back of an order that was placed; or it knows nothing of it, and nobody would take
back the money of one that was not."""

import msgspec

from tillkeeper.contract.authorisations import AuthorisationAsked, AuthorisationReversed, AuthorisationSettled
from tillkeeper.contract.base import Event
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import TenderRecorded
from tillkeeper.journal.journal import Journal
from tillkeeper.sales.authorisations import begun
from tillkeeper.sales.model import Authorisation
from tillkeeper.sales.tenders import needs_world

MAX_KEPT = 2_000
"""The newest of each kind."""


class _State(msgspec.Struct):
    """All of orders. `asked`: in logs that were lost, without an end as far as is known. `recorded`: in such logs. `ended`:
    recorded in the journal, or without money having moved for good. `of_checks`: approved for a check and not recorded yet."""

    asked: dict[str, Authorisation] = {}
    recorded: dict[str, None] = {}
    ended: dict[str, None] = {}
    of_checks: dict[str, None] = {}


class Past:
    """A follower."""

    name = "past_payments"
    kinds: frozenset[str] | None = frozenset(
        {"tender_recorded", "authorisation_asked", "authorisation_settled", "authorisation_reversed"}
    )  # fmt: skip

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._state = _State()

    def take(self, envelope: Envelope, event: Event) -> None:
        journal, log, state = self._journal, envelope.incarnation, self._state
        if envelope.register != journal.register:
            return
        lost = log != journal.incarnation and envelope.seq > journal.end_of(log)
        match event:
            case AuthorisationAsked(check_id="", authorisation_id=name) if lost:
                if name not in state.recorded and name not in state.ended:
                    state.asked[name] = begun(event, envelope.at_ms)
            case AuthorisationSettled(authorisation_id=name, outcome="approved") if event.check_id:
                state.of_checks[name] = None
            case TenderRecorded(tender_id=name) if name in state.of_checks:
                del state.of_checks[name]
            case TenderRecorded(tender_id=name, kind=kind) if needs_world(kind):
                self._end(name, state.recorded if lost else state.ended)
            case AuthorisationSettled(check_id="", authorisation_id=name, outcome="declined" | "never_made"):
                self._end(name, state.ended)
            case AuthorisationReversed(check_id="", authorisation_id=name):
                self._end(name, state.ended)
        for kept in (state.asked, state.recorded, state.ended, state.of_checks):
            while len(kept) > MAX_KEPT:
                del kept[next(iter(kept))]

    def _end(self, name: str, where: dict[str, None]) -> None:
        """What has its end is asked for no more, also once there is no room for the end: else the money of a sale of long ago
        would be taken back."""
        where[name] = None
        self._state.asked.pop(name, None)

    def dump(self) -> bytes:
        return msgspec.msgpack.encode(self._state)

    def load(self, state: bytes) -> None:
        self._state = msgspec.msgpack.decode(state, type=_State)

    def has(self, tender_id: str) -> bool:
        """It paid an order that was placed, in a log that was lost."""
        return tender_id in self._state.recorded

    def unfinished(self) -> tuple[Authorisation, ...]:
        """What was asked for orders in logs that were lost, and has no end in any."""
        return tuple(self._state.asked.values())

"""A kitchen display that another maker built, as a `Device`: what all of them have in common.

What differs is a `Wire`: how a move of a card is said, what counts as the display's answer, and what it can be asked. Here is
what is remembered (`cards`), so that a ticket is shown once and a change names what it changes; what was sent and not
answered, so that it is asked for before it is sent again; and what cooks do, which becomes `BoardEvent`s.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from tillkeeper_drivers.api import (
    BoardEvent,
    Delivery,
    DisplayDocument,
    Document,
    NotSent,
    OutcomeUnknown,
    Reason,
    ShownTicket,
    Status,
    Ticket,
)
from tillkeeper_drivers.kds.cards import Card, Cards, Move
from tillkeeper_drivers.kds.wire import CardState, Refused, Saying, Wire

MAX_WORKS = 500
REFUSALS = 3
"""A ticket that the display refuses so often, though it took the ticket before, is the ticket's fault."""
SENT_AGAIN = "SENT AGAIN: LOOK WHETHER IT IS DONE"

log = logging.getLogger(__name__)


StepState = Literal["waiting", "unknown", "done"]


class _Step:
    __slots__ = ("move", "part", "state")

    def __init__(self, move: Move, part: str, state: StepState = "waiting") -> None:
        self.move, self.part = move, part
        self.state: StepState = state


class _Work:
    """A ticket that is not through. `marks`: of its first try, which are right wherever the display tells that it lacks it."""

    def __init__(self, document: DisplayDocument, steps: list[_Step]) -> None:
        self.document, self.marks, self.steps = document, document.marks, steps
        self.moved = False

    @property
    def untouched(self) -> bool:
        return not self.moved and all(step.state == "waiting" for step in self.steps)

    @property
    def in_doubt(self) -> bool:
        """Some of it was sent, and not all of it was taken."""
        states = {step.state for step in self.steps}
        return states not in (set(), {"waiting"}, {"done"})


class ForeignDisplay:
    """A `Device`, and a board of the agent (`restore`, `follow`, `kept`, `expire`).

    Args:
        device_id: the device's id in the config.
        wire: the maker's protocol.
        on_event: told what cooks do; must not block.
    """

    def __init__(self, device_id: str, wire: Wire, on_event: Callable[[BoardEvent], None]) -> None:
        self._id, self._wire, self._on_event = device_id, wire, on_event
        self._cards = Cards(wire.name)
        self._works: dict[str, _Work] = {}
        self._refused: dict[str, int] = {}
        self._others_go = False
        """The last ticket but this one was taken."""
        self._lost: set[str] = set()
        wire.listen(self)

    @property
    def id(self) -> str:
        return self._id

    def accepts(self, document: Document) -> bool:
        """Tickets for displays, nothing else."""
        return isinstance(document, DisplayDocument)

    # --- the spool's side ---

    async def deliver(self, document: Document, token: bytes) -> Delivery:
        """See `Device.deliver`. What the display has taken already is not sent again; what it may have is asked for."""
        if not isinstance(document, DisplayDocument):
            raise NotSent("show", self._id, "unsupported", f"a display takes no {type(document).__name__}")
        if self._cards.knows(document.job_id):
            return Delivery("confirmed" if self._wire.sent_is_shown else "sent", "display resync")
        loop = asyncio.get_running_loop()
        started, sent_ms = loop.time(), None
        work = self._work(document)
        for step in work.steps:
            repeat = step.state == "unknown"
            known = await self._wire.has(self._saying(work, step, work.marks, repeat=True)) if repeat else False
            if known or step.state == "done":
                self._done(work, step)
                continue
            sent_ms = (loop.time() - started) * 1000 if sent_ms is None else sent_ms
            await self._say(work, step, document.marks if known is None else work.marks, repeat)
        self._works.pop(document.job_id, None)
        self._refused.clear()
        self._others_go = True
        self._tell("received", document.ticket, document.job_id)
        if sent_ms is None:
            return Delivery("confirmed", "display resync")
        return Delivery("confirmed" if self._wire.sent_is_shown else "sent", self._wire.evidence, sent_ms)

    def _work(self, document: DisplayDocument) -> _Work:
        """What is left of an earlier try, else a plan from what the display shows now."""
        work = self._works.get(document.job_id)
        if work is None or work.untouched:
            work = _Work(document, self._steps(self._cards.plan(document.ticket)))
            if len(self._works) >= MAX_WORKS:
                del self._works[next(iter(self._works))]
            self._works[document.job_id] = work
        return work

    def _steps(self, moves: Iterable[Move], state: StepState = "waiting") -> list[_Step]:
        return [_Step(move, part, state) for move in moves for part in self._wire.parts(move)]

    def _saying(self, work: _Work, step: _Step, marks: tuple[str, ...], *, repeat: bool) -> Saying:
        card = self._cards.get(step.move.card)
        return Saying(step.part, step.move, card, work.document.ticket, marks, work.document.job_id, repeat)

    async def _say(self, work: _Work, step: _Step, marks: tuple[str, ...], repeat: bool) -> None:
        before = step.state
        step.state = "unknown"  # as it is, should this be cancelled
        try:
            await self._wire.say(self._saying(work, step, marks, repeat=repeat))
        except NotSent:
            step.state = before
            raise
        except Refused as error:
            # A card that may have come already may be refused for just that: it is asked for first, the next time too.
            step.state = before if step.move.creates else "waiting"
            self._elsewhere(work, step)
            raise self._refusal(work.document, str(error)) from error
        self._done(work, step)

    def _elsewhere(self, work: _Work, refused: _Step) -> None:
        """The display does not take it for this card, which it may have lost, or, a second time, under this name, which it may
        know from another day: the next try is a card of its own, under a name of its own. Once for each ticket."""
        move, card = refused.move, self._cards.get(refused.move.card)
        if work.moved or (card is None and work.document.job_id not in self._refused):
            return
        work.moved = True
        if card is None:
            renamed = self._cards.renamed(move, work.document.ticket)
            work.steps = [step for step in work.steps if step.move is not move] + self._steps([renamed])
            return
        voided = any(step.state == "done" and step is not refused for step in work.steps if step.move is move)
        card.gone = True
        instead = self._cards.instead(move, work.document.ticket, voided=voided)
        work.steps = [step for step in work.steps if step.move is not move] + self._steps([instead])

    def _refusal(self, document: DisplayDocument, words: str) -> NotSent:
        """One bad ticket must not hold up the others; a display that refuses all of them must not lose them."""
        if document.job_id not in self._refused:
            self._others_go = self._others_go and not self._refused
            self._refused = {document.job_id: 0}
        self._refused[document.job_id] += 1
        log.warning("display %s refuses ticket %s: %s", self._id, document.job_id, words)
        poison = self._others_go and self._refused[document.job_id] >= REFUSALS
        reason: Reason = "bad_document" if poison else "offline"
        return NotSent("show", self._id, reason, f"the display says: {words}", "look at the display's own messages")

    def _done(self, work: _Work, step: _Step) -> None:
        step.state = "done"
        if all(other.state == "done" for other in work.steps if other.move is step.move):
            self._cards.made(step.move, work.document.ticket, work.document.job_id)

    async def status(self) -> Status:
        """See `Device.status`; `behind` counts tickets that the display may not show: sent and not answered, or lost by it."""
        look = await self._wire.look()
        detail = look.detail
        if look.cards is not None:
            self._compare(look.cards)
            if self._lost and look.tells_bumps:
                await self._send_again()
            if self._lost:
                detail = detail or f"the display no longer shows {len(self._lost)} of its cards"
        waiting = sum(work.in_doubt for work in self._works.values())
        behind = waiting + len(self._lost)
        return Status(reachable=look.reachable, online=look.online, detail=detail, behind=behind, reason=look.reason)

    def _compare(self, shown: Mapping[str, CardState]) -> None:
        """What cooks did, and whether the display has lost its memory: then none of what it listed before is left."""
        missing: set[str] = set()
        kept = False
        for name in shown:
            self.entered(name)
        for card in self._cards.all():
            state = shown.get(card.name)
            if state == "bumped":
                self.bumped(card.name)
            elif state == "open":
                kept = kept or card.seen
                card.seen = True
                if card.gone and not card.ended:
                    card.gone = False
                    self._touched("recalled", card)
            elif card.seen and not card.gone:
                missing.add(card.name)
        self._lost = set() if kept else missing

    async def _send_again(self) -> None:
        """The display was restarted and is empty: what was open comes again, in order, marked."""
        for card in [card for card in self._cards.all() if card.name in self._lost]:
            move = Move(card.name, True, tuple(card.lines.values()))
            job_id = next(reversed(card.jobs), "")
            try:
                for part in self._wire.parts(move):
                    await self._wire.say(Saying(part, move, None, card.ticket, (SENT_AGAIN,), job_id, repeat=True))
            except (Refused, NotSent, OutcomeUnknown) as error:
                log.warning("display %s lost card %s and it did not go out again: %s", self._id, card.name, error)
                return
            self._lost.discard(card.name)

    async def close(self) -> None:
        await self._wire.close()

    # --- what the display tells by itself ---

    def entered(self, name: str) -> None:
        """See `Told`. What was sent and not answered has arrived."""
        for work in self._works.values():
            for step in work.steps:
                if step.move.card == name and step.move.creates and step.state == "unknown":
                    self._done(work, step)

    def bumped(self, name: str, number: int = 0) -> None:
        """See `Told`."""
        self.entered(name)
        card = self._cards.get(name)
        if card is None or card.gone:
            return
        if number:
            entry = card.lines.get(number)
            if entry is not None:
                self._touched("bumped", card, entry.item.line_id)
            return
        card.gone = True
        self._lost.discard(name)
        self._touched("bumped", card)

    def _touched(self, kind: Literal["bumped", "recalled"], card: Card, line_id: str = "") -> None:
        jobs = tuple(card.jobs)
        self._on_event(
            BoardEvent(self._id, card.check_id, card.station, kind, line_id=line_id, job_ids=jobs, revision=card.revision)
        )

    def _tell(self, kind: Literal["received"], ticket: Ticket, job_id: str) -> None:
        self._on_event(BoardEvent(self._id, ticket.check_id, ticket.station, kind, job_id))

    # --- the agent's side: what outlives this process and what other displays of a station do ---

    def restore(self, shown: Iterable[ShownTicket]) -> None:
        """Tickets of before a restart, in order; to be called before anything else."""
        bumped: set[str] = set()
        for ticket in shown:
            document = ticket.document
            if ticket.bumped:
                bumped.add(document.job_id)
            else:
                self._leave(bumped)
            moves = self._cards.plan(document.ticket)
            if ticket.acked:
                self._cards.restored(moves, document.ticket, document.job_id)
            else:
                self._works[document.job_id] = _Work(document, self._steps(moves, "unknown"))
        self._leave(bumped)

    def _leave(self, bumped: set[str]) -> None:
        for card in self._cards.all():
            card.gone = card.gone or bumped.issuperset(card.jobs)

    def follow(self, touch: BoardEvent) -> tuple[str, ...]:
        """What a cook did on another display of the station holds for the journal here too; none of these protocols can take a
        card off the screen as done, so it stays there until it is bumped there."""
        if touch.kind == "received":
            return ()
        cards = self._cards.of(touch.check_id, touch.station)
        return tuple(job_id for card in cards for job_id, revision in card.jobs.items() if revision <= touch.revision)

    def kept(self, touch: str) -> None:
        """Nobody waits for it: what these displays tell has no name."""

    def expire(self, stale: Callable[[int], bool]) -> None:
        """Forget cards of a business day that is over; `stale` of a time of firing in ms since the epoch."""
        self._cards.expire(stale)
        for job_id, work in list(self._works.items()):
            if stale(work.document.ticket.fired_at_ms):
                del self._works[job_id]

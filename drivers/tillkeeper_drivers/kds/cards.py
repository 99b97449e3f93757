"""What a display of another maker shows or should show, as far as it can be known: cards with numbered lines. Pure.

A card is an order on such a display: the tickets of one check for one station, under a name that the display knows it by. A
ticket becomes moves, one for each card that it touches: a new card, or lines that come, change and go on one that is open.
What speaks of a line that is on no open card (it was bumped, or nobody knows) comes as a line of text on a card, so that it
is never silently lost.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from tillkeeper_drivers.api import Ticket, TicketItem

MAX_CARDS = 500
Namer = Callable[[Ticket, int], str]
"""The name of the n-th card (from 1) that a ticket's check may get; another one for each n."""


class Entry(NamedTuple):
    """A line of a card. `number` is unique on the card and never used twice."""

    number: int
    item: TicketItem


class Move(NamedTuple):
    """What a ticket does to one card. `changes`: before and after, which has a number of its own. `ends`: no line is left."""

    card: str
    creates: bool
    adds: tuple[Entry, ...] = ()
    changes: tuple[tuple[Entry, Entry], ...] = ()
    voids: tuple[Entry, ...] = ()
    ends: bool = False


class Card:
    """`jobs`: its tickets with their revisions. `voided`: lines that were on it. `gone`: it has left the screen; `ended`: by a
    VOID of all its lines. `partial`: not all of its lines are known (a restart, and the tickets before it are not). `seen`: the
    display has listed it."""

    __slots__ = ("check_id", "ended", "gone", "jobs", "lines", "name", "next", "partial", "seen", "station", "ticket", "voided")

    def __init__(self, name: str, ticket: Ticket) -> None:
        self.name, self.ticket = name, ticket
        self.check_id, self.station = ticket.check_id, ticket.station
        self.lines: dict[int, Entry] = {}
        self.voided: tuple[Entry, ...] = ()
        self.jobs: dict[str, int] = {}
        self.next = 1
        self.gone = self.ended = self.partial = self.seen = False

    @property
    def revision(self) -> int:
        return max(self.jobs.values(), default=0)

    def belongs(self, check_id: str, station: str) -> bool:
        return self.check_id == check_id and self.station == station

    def after(self, move: Move) -> dict[int, Entry]:
        """Its lines once `move` was made."""
        lines = {number: entry for number, entry in self.lines.items() if entry not in move.voids}
        for before, now in move.changes:
            lines.pop(before.number, None)
            lines[now.number] = now
        return lines | {entry.number: entry for entry in move.adds}


class Cards:
    """At most `most` cards, oldest first; of more, one that is gone goes, else the oldest.

    Args:
        namer: see `Namer`.
    """

    def __init__(self, namer: Namer, most: int = MAX_CARDS) -> None:
        self._namer, self._most = namer, most
        self._cards: dict[str, Card] = {}

    def get(self, name: str) -> Card | None:
        return self._cards.get(name)

    def all(self) -> tuple[Card, ...]:
        return tuple(self._cards.values())

    def of(self, check_id: str, station: str) -> list[Card]:
        return [card for card in self._cards.values() if card.belongs(check_id, station)]

    def knows(self, job_id: str) -> bool:
        """Whether all moves of this ticket were made."""
        return any(job_id in card.jobs for card in self._cards.values())

    # --- moves ---

    def plan(self, ticket: Ticket) -> tuple[Move, ...]:
        """What `ticket` does to the cards; changes nothing."""
        open_cards = [card for card in self.of(ticket.check_id, ticket.station) if not card.gone and not card.partial]
        voids: dict[str, list[Entry]] = {}
        changes: dict[str, list[tuple[Entry, TicketItem]]] = {}
        adds: list[TicketItem] = []
        again = False
        for item in ticket.items:
            shown = [(card.name, entry) for card in open_cards for entry in card.lines.values() if _same(entry, item)]
            again = again or (bool(shown) and item.action == "add")
            if item.action == "add" or not shown:
                adds.append(item)
            for name, entry in shown if item.action != "add" else ():
                if item.action == "void":
                    voids.setdefault(name, []).append(entry)
                else:
                    changes.setdefault(name, []).append((entry, item))
        # All of it once more, asked for by a person: on a card of its own, for what is on the screen stays as it is.
        target = open_cards[-1].name if open_cards and not again else ""
        moves = [
            self._move(card, voids.get(card.name, []), changes.get(card.name, []), adds if card.name == target else [])
            for card in open_cards
            if card.name in voids or card.name in changes or (card.name == target and adds)
        ]
        if adds and not target:
            moves.append(Move(self._new_name(ticket), True, tuple(Entry(n, item) for n, item in enumerate(adds, 1))))
        return tuple(moves)

    def _move(
        self, card: Card, voids: list[Entry], changes: list[tuple[Entry, TicketItem]], adds: list[TicketItem]
    ) -> Move:
        changed = tuple((before, Entry(card.next + n, item)) for n, (before, item) in enumerate(changes))
        added = tuple(Entry(card.next + len(changed) + n, item) for n, item in enumerate(adds))
        ends = len(voids) == len(card.lines) and not changed and not added
        return Move(card.name, False, added, changed, tuple(voids), ends)

    def instead(self, move: Move, ticket: Ticket, *, voided: bool) -> Move:
        """A new card for what `move` would have done to one that the display does not take it for. `voided`: what goes is gone
        from that card already; else it is said in words."""
        gone = () if voided else {entry.item.line_id for entry in move.voids}
        items = [item for item in ticket.items if item.action == "void" and item.line_id in gone]
        items += [now.item for _before, now in move.changes] + [entry.item for entry in move.adds]
        return Move(self._new_name(ticket), True, tuple(Entry(n, item) for n, item in enumerate(items, 1)))

    def renamed(self, move: Move, ticket: Ticket) -> Move:
        """A new card under the name that comes after its own."""
        return move._replace(card=self._new_name(ticket, move.card))

    def _new_name(self, ticket: Ticket, but: str = "") -> str:
        n = 1
        while (name := self._namer(ticket, n)) in self._cards or name == but:
            n += 1
        return name

    def made(self, move: Move, ticket: Ticket, job_id: str) -> Card:
        """The display has taken `move`."""
        card = self._cards.get(move.card)
        if card is None:
            self._make_room()
            card = self._cards[move.card] = Card(move.card, ticket)
        card.lines = card.after(move)
        card.voided += move.voids
        card.ticket = ticket
        card.next = max([card.next, *(entry.number + 1 for entry in card.lines.values())])
        card.jobs[job_id] = ticket.revision
        if move.ends:
            card.gone = card.ended = True
        return card

    def _make_room(self) -> None:
        if len(self._cards) >= self._most:
            leaves = next((card for card in self._cards.values() if card.gone), next(iter(self._cards.values())))
            del self._cards[leaves.name]

    def expire(self, stale: Callable[[int], bool]) -> None:
        """Forget cards whose last ticket was fired at a `stale` time (ms since the epoch)."""
        for card in self.all():
            if stale(card.ticket.fired_at_ms):
                del self._cards[card.name]

    # --- after a restart of the agent ---

    def restored(self, moves: Iterable[Move], ticket: Ticket, job_id: str) -> None:
        """As `made`, for a ticket of before. A card whose first tickets are not known is `partial`."""
        before = max((card.revision for card in self.of(ticket.check_id, ticket.station)), default=0)
        for move in moves:
            card = self.made(move, ticket, job_id)
            card.partial = card.partial or ticket.revision > before + 1


def _same(entry: Entry, item: TicketItem) -> bool:
    """A line that only says that something is void is no line to work on."""
    return entry.item.line_id == item.line_id and entry.item.action != "void"

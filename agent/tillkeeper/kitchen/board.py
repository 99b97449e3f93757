"""What stands on the kitchen's displays: open and bumped tickets by check and station, as the fold of their events.

The display drivers keep what each screen has acknowledged; this is what the cooks did with it.
"""

from collections import Counter

import msgspec

from tillkeeper.contract.events import Event, TicketBumped, TicketFired, TicketRecalled
from tillkeeper.kitchen.tickets import learn
from tillkeeper.sales.model import StationView
from tillkeeper_drivers.api import BoardEvent

MAX_TICKETS = 1000
"""At this bound the oldest bumped ticket leaves the board, or the oldest of all where none is bumped."""

Key = tuple[str, str]
"""Check id and station."""


class OnBoard(msgspec.Struct, frozen=True):
    view: StationView
    bumped: bool = False


class Board(msgspec.Struct, frozen=True):
    """Oldest first."""

    tickets: dict[Key, OnBoard] = {}


def apply(board: Board, event: Event) -> Board:
    """The board after an event; the same board where the event does not concern it."""
    if isinstance(event, TicketFired):
        key = (event.check_id, event.station)
        before = board.tickets.get(key, OnBoard(StationView()))
        # A new revision brings a bumped ticket back: there is something to do again.
        return _with(board, key, OnBoard(learn(before.view, event), bumped=False))
    if isinstance(event, TicketBumped | TicketRecalled):
        key = (event.check_id, event.station)
        before_touch = board.tickets.get(key)
        if before_touch is None:
            return board
        return _with(board, key, OnBoard(before_touch.view, bumped=isinstance(event, TicketBumped)))
    return board


def shown(board: Board, check_id: str, station: str, view: StationView) -> Board:
    """The board with what a station holds of a check; a revision that it has seen leaves it as it is."""
    before = board.tickets.get((check_id, station))
    if before is not None and before.view.revision >= view.revision:
        return board
    return _with(board, (check_id, station), OnBoard(view, bumped=False))


def decide(board: Board, done: BoardEvent) -> TicketBumped | TicketRecalled | None:
    """The event for what a cook did, or None where it changes nothing: a second bump (two screens, a repeated message), a
    recall of an open ticket, or a ticket that is not on the board."""
    on_board = board.tickets.get((done.check_id, done.station))
    if on_board is None:
        return None
    if done.line_id:
        return None  # one line of a ticket: for the screens alone
    if done.kind == "bumped" and not on_board.bumped:
        return TicketBumped(check_id=done.check_id, station=done.station, device=done.device)
    if done.kind == "recalled" and on_board.bumped:
        return TicketRecalled(check_id=done.check_id, station=done.station, device=done.device)
    return None


def all_day(board: Board, station: str) -> dict[str, int]:
    """How many of each item the open tickets of a station ask for, by name."""
    counts: Counter[str] = Counter()
    for (_check, name), ticket in board.tickets.items():
        if name == station and not ticket.bumped:
            for item in ticket.view.items.values():
                counts[item.name] += item.quantity
    return dict(counts)


def _with(board: Board, key: Key, shown: OnBoard) -> Board:
    tickets = dict(board.tickets)
    tickets[key] = shown
    if len(tickets) > MAX_TICKETS:
        bumped = (other for other, entry in tickets.items() if entry.bumped and other != key)
        del tickets[next(bumped, next(iter(tickets)))]
    return Board(tickets)

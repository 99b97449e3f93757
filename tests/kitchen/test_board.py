"""Bump, recall and the all-day counts."""

import pytest
from tests.kitchen.world import Pass, line

from tillkeeper.contract.events import CheckClosed, Event, TicketBumped, TicketRecalled
from tillkeeper.contract.values import Totals
from tillkeeper.kitchen import board as boards
from tillkeeper.kitchen.board import Board, all_day, apply, decide
from tillkeeper_drivers.api import BoardEvent

BUMP = BoardEvent("screen", "C1", "grill", "bumped")
RECALL = BoardEvent("screen", "C1", "grill", "recalled")


def after(board: Board, *events: Event) -> Board:
    for event in events:
        board = apply(board, event)
    return board


def shown() -> tuple[Pass, Board]:
    kitchen = Pass(line("a", "Burger", 2), line("b", "Burger"), line("c", "Beer", 1, "bar"))
    return kitchen, after(Board(), *(event for event, _job in kitchen.send()))


def test_a_bump_counts_once_and_a_recall_brings_it_back() -> None:
    _kitchen, board = shown()
    assert decide(board, RECALL) is None
    bumped = decide(board, BUMP)
    assert bumped == TicketBumped(check_id="C1", station="grill", device="screen")
    assert bumped is not None
    board = apply(board, bumped)
    assert decide(board, BUMP) is None
    recalled = decide(board, RECALL)
    assert recalled == TicketRecalled(check_id="C1", station="grill", device="screen")
    assert recalled is not None
    assert decide(apply(board, recalled), BUMP) is not None


@pytest.mark.parametrize(
    "done",
    [
        BoardEvent("screen", "C9", "grill", "bumped"),
        BoardEvent("screen", "C1", "grill", "received"),
        BoardEvent("screen", "C1", "grill", "bumped", line_id="a"),
    ],
)
def test_what_is_no_bump_of_a_ticket_is_no_event(done: BoardEvent) -> None:
    assert decide(shown()[1], done) is None


def test_all_day_counts_what_is_open_by_station() -> None:
    kitchen, board = shown()
    assert all_day(board, "grill") == {"Burger": 3}
    assert all_day(board, "bar") == {"Beer": 1}
    kitchen.change_line("a", quantity=1)
    board = after(board, *(event for event, _job in kitchen.send()))
    assert all_day(board, "grill") == {"Burger": 2}
    bumped = after(board, TicketBumped(check_id="C1", station="grill", device="screen"))
    assert all_day(bumped, "grill") == {}
    kitchen.change_line("b", quantity=4)
    again = after(bumped, *(event for event, _job in kitchen.send()))
    assert all_day(again, "grill") == {"Burger": 5}, "a change brings a bumped ticket back"


def test_other_events_leave_it_alone_and_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    _kitchen, board = shown()
    totals = Totals(0, 0, 0, 0, 0, 0, 0, 0)
    assert apply(board, CheckClosed(check_id="C1", totals=totals)) is board
    monkeypatch.setattr(boards, "MAX_TICKETS", 2)
    board = apply(board, TicketBumped(check_id="C1", station="bar", device="screen"))
    newcomer = Pass(line("a"))
    newcomer.change(check_id="C2")
    board = after(board, *(event for event, _job in newcomer.send()))
    assert set(board.tickets) == {("C1", "grill"), ("C2", "grill")}, "the bumped one leaves first"

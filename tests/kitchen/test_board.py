"""Which touches of cooks are events, and what outlives a restart."""

import pytest
from tests.kitchen.world import Pass, line

from tillkeeper.contract.documents import TicketBumped, TicketRecalled, VoidAcknowledged
from tillkeeper.kitchen.board import MAX_KEPT, STALE_AFTER_MS, Screen, events, fresh, stale, touched, was_shown
from tillkeeper.spool.jobs import begin, settle
from tillkeeper_drivers.api import BoardEvent

BUMP = BoardEvent("screen", "C1", "grill", "bumped")
RECALL = BoardEvent("screen", "C1", "grill", "recalled")
SEEN = BoardEvent("screen", "C1", "grill", "stop_seen")


def test_a_bump_counts_once_and_a_recall_brings_it_back() -> None:
    screen = Screen()
    assert fresh([screen], RECALL, ["j1"]) == ()
    assert fresh([screen], BUMP, ["j1", "j2", "j1"]) == ("j1", "j2")
    assert events(BUMP, ("j1", "j2")) == (
        TicketBumped(check_id="C1", station="grill", device="screen", job_ids=("j1", "j2")),
    )
    screen = touched(screen, BUMP, ["j1", "j2"])
    assert fresh([screen], BUMP, ["j1", "j2"]) == ()
    assert fresh([screen], BUMP, ["j1", "j3"]) == ("j3",), "a later slip of the check is bumped by itself"
    assert fresh([Screen(), screen], RECALL, ["j1"]) == ("j1",), "whichever display of the station has it"
    assert events(RECALL, ("j1",)) == (TicketRecalled(check_id="C1", station="grill", device="screen", job_ids=("j1",)),)
    screen = touched(screen, RECALL, ["j1"])
    assert screen.bumped == ("j2",)
    assert fresh([screen], BUMP, ["j1"]) == ("j1",)


def test_each_void_is_acknowledged_once() -> None:
    assert fresh([Screen()], SEEN, ["j1", "j2"]) == ("j1", "j2")
    assert events(SEEN, ("j1", "j2")) == tuple(
        VoidAcknowledged(check_id="C1", station="grill", device="screen", job_id=job_id) for job_id in ("j1", "j2")
    )
    screen = touched(Screen(bumped=("j9",)), SEEN, ["j1"])
    assert screen == Screen(bumped=("j9",), stops_seen=("j1",))
    assert fresh([screen], SEEN, ["j1", "j2"]) == ("j2",)


@pytest.mark.parametrize(
    "touch",
    [
        BoardEvent("screen", "C1", "grill", "received", job_id="j1"),
        BoardEvent("screen", "C1", "grill", "started"),
        BoardEvent("screen", "C1", "grill", "bumped", line_id="a"),
    ],
)
def test_what_is_no_touch_of_a_ticket_is_no_event(touch: BoardEvent) -> None:
    assert fresh([Screen()], touch, ["j1"]) == ()


def test_what_is_kept_is_bounded_and_the_oldest_touch_goes_first() -> None:
    screen = Screen()
    for n in range(MAX_KEPT + 3):
        screen = touched(touched(screen, BUMP, [f"j{n}"]), SEEN, [f"s{n}"])
    assert (len(screen.bumped), len(screen.stops_seen)) == (MAX_KEPT, MAX_KEPT)
    assert (screen.bumped[0], screen.stops_seen[-1]) == ("j3", f"s{MAX_KEPT + 2}")
    again = touched(screen, BUMP, ["j3"])
    assert (again.bumped[-1], len(again.bumped)) == ("j3", MAX_KEPT), "bumped again, it is the newest"


@pytest.mark.parametrize(
    ("fired_day", "age_ms", "gone"),
    [
        ("2026-05-01", STALE_AFTER_MS + 1, True),
        ("2026-05-01", STALE_AFTER_MS, False),  # fired right before the day's end: still to be cooked
        ("2026-05-02", STALE_AFTER_MS + 1, False),
        ("2026-05-03", -1, False),  # the clock was set back
    ],
)
def test_tickets_of_yesterday_leave_once_they_are_old(fired_day: str, age_ms: int, gone: bool) -> None:
    assert stale(fired_day, "2026-05-02", age_ms) is gone


def test_a_display_may_have_had_what_was_sent() -> None:
    kitchen = Pass(line("a", "Burger"))
    ((_event, queued),) = kitchen.send()
    assert not was_shown(queued), "the spool still has it"
    sending = begin(queued, "abcd")
    assert was_shown(sending)
    assert was_shown(settle(sending, "was_confirmed", 0))
    assert not was_shown(settle(queued, "was_cancelled", 0))

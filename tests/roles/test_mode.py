"""The mode, its dot and its words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillkeeper.roles.mode import ModeState, Uplink, adopt, by_hand, judge, observe, view

WINDOW_S = 5.0


def uplink(ok: float | None = None, failed: float | None = None, error: str = "connection refused") -> Uplink:
    return Uplink(configured=True, started_s=100.0, last_ok_s=ok, last_failure_s=failed, error=error)


def settled(link: Uplink, now_s: float, state: ModeState | None = None) -> ModeState:
    return adopt(observe(state or ModeState(), link, now_s, WINDOW_S))[0]


@pytest.mark.parametrize(
    ("link", "now_s", "mode", "dot"),
    [
        (uplink(), 100.0, "checking", "grey"),
        (uplink(failed=100.5), 101.0, "checking", "grey"),  # one failure right after boot proves nothing yet
        (uplink(failed=105.5), 105.6, "offline", "red"),
        (uplink(), 200.0, "checking", "grey"),  # nobody has asked: never red, never green
        (uplink(ok=101.0), 101.5, "online", "green"),
        (uplink(ok=101.0), 106.0, "online", "green"),
        (uplink(ok=101.0, failed=103.0), 104.0, "online", "grey"),  # suspect
        (uplink(ok=101.0, failed=105.0), 106.1, "offline", "red"),
    ],
)
def test_mode_and_dot_follow_the_stamps(link: Uplink, now_s: float, mode: str, dot: str) -> None:
    shown = view(settled(link, now_s))
    assert (shown.mode, shown.dot) == (mode, dot)


def test_no_hq_configured_is_offline_and_says_so() -> None:
    shown = view(settled(Uplink(configured=False, started_s=0.0), 0.0))
    assert (shown.mode, shown.dot) == ("offline", "red")
    assert "no HQ configured" in shown.words


def test_offline_names_what_went_wrong() -> None:
    assert "credentials refused" in view(settled(uplink(failed=106.0, error="credentials refused"), 106.0)).words


def test_a_dead_link_turns_grey_not_red_and_not_green() -> None:
    online = settled(uplink(ok=101.0), 102.0)
    assert view(settled(uplink(ok=101.0), 110.0, online)).dot == "grey"
    offline = settled(uplink(ok=101.0, failed=107.0), 108.0)
    assert view(settled(uplink(ok=101.0, failed=107.0), 300.0, offline)).mode == "checking"


def test_a_change_waits_for_the_end_of_the_sale() -> None:
    online = settled(uplink(ok=101.0), 102.0)
    during = observe(online, uplink(ok=101.0, failed=106.5), 107.0, WINDOW_S)
    assert during.mode == "online"
    assert view(during).pending == "offline"
    assert view(during).dot == "grey"
    after, event = adopt(during)
    assert after.mode == "offline"
    assert event is not None
    assert (event.previous, event.mode, event.cause) == ("online", "offline", "connection refused")
    assert adopt(after) == (after, None)


def test_a_change_taken_back_during_the_sale_never_happens() -> None:
    online = settled(uplink(ok=101.0), 102.0)
    during = observe(online, uplink(ok=101.0, failed=106.5), 107.0, WINDOW_S)
    again = observe(during, uplink(ok=108.0, failed=106.5), 108.1, WINDOW_S)
    assert adopt(again) == (again, None)
    assert view(again).dot == "green"


def test_offline_by_hand_stays_whatever_the_link_says() -> None:
    state = adopt(by_hand(settled(uplink(ok=101.0), 102.0), True, "Mia"))[0]
    assert state.mode == "manual_offline"
    state = settled(uplink(ok=103.0), 103.1, state)
    assert state.mode == "manual_offline"
    assert "Mia" in view(state).words
    back = by_hand(state, False, "Mia")
    assert adopt(back)[0].mode == "checking"
    assert settled(uplink(ok=103.0), 103.2, back).mode == "online"


stamps = st.one_of(st.none(), st.floats(0, 100))


@given(started=st.floats(0, 50), ok=stamps, failed=stamps, now=st.floats(50, 200), window=st.floats(0.1, 60))
def test_green_only_with_a_recent_exchange(
    started: float, ok: float | None, failed: float | None, now: float, window: float
) -> None:
    link = Uplink(configured=True, started_s=started, last_ok_s=ok, last_failure_s=failed)
    state = adopt(observe(ModeState(), link, now, window))[0]
    if view(state).dot == "green":
        assert ok is not None
        assert now <= ok + window
    if state.mode == "offline":
        assert failed is not None
        assert failed >= (started if ok is None else ok)


@given(started=st.floats(0, 50), ok=stamps, failed=stamps, now=st.floats(50, 200), window=st.floats(0.1, 60))
def test_nothing_changes_before_the_time_that_is_named(
    started: float, ok: float | None, failed: float | None, now: float, window: float
) -> None:
    link = Uplink(configured=True, started_s=started, last_ok_s=ok, last_failure_s=failed)
    first = judge(link, now, window)
    until = now + 1000 if first.changes_at_s is None else first.changes_at_s
    if until >= now:
        assert judge(link, (now + until) / 2, window).finding == first.finding

"""The mode and the colour of its dot."""

from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillkeeper.contract.modes import Switch
from tillkeeper.contract.views import Mode
from tillkeeper.roles.mode import (
    BY_HAND,
    TRANSITIONS,
    Finding,
    Hand,
    ModeState,
    Uplink,
    adopt,
    by_hand,
    colour,
    judge,
    observe,
)

WINDOW_S = 5.0
MODES: tuple[Mode, ...] = get_args(Mode)
FINDINGS: tuple[Finding, ...] = get_args(Finding)
HANDS: tuple[Hand, ...] = get_args(Hand)
SEEN: dict[Finding, tuple[Uplink, bool]] = {
    "fresh": (Uplink(configured=True, started_s=0.0, last_ok_s=100.0), False),
    "failing": (Uplink(configured=True, started_s=0.0, last_ok_s=80.0, last_failure_s=99.0, error="refused"), False),
    "alone": (Uplink(configured=True, started_s=0.0, last_ok_s=80.0, last_failure_s=99.0, error="refused"), True),
    "silent": (Uplink(configured=True, started_s=0.0), False),
    "unconfigured": (Uplink(configured=False, started_s=0.0), False),
}
"""An uplink of each finding at 100 s, and whether no other register is heard."""


def uplink(
    ok: float | None = None, failed: float | None = None, error: str = "connection refused", denied: float | None = None
) -> Uplink:
    return Uplink(configured=True, started_s=100.0, last_ok_s=ok, last_failure_s=failed, denied_s=denied, error=error)


def settled(link: Uplink, now_s: float, state: ModeState | None = None, *, alone: bool = False) -> ModeState:
    return adopt(observe(state or ModeState(), link, now_s, WINDOW_S, alone=alone))[0]


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
        (uplink(ok=101.0, failed=102.0, denied=102.5), 102.5, "offline", "red"),  # two attempts: no need to wait for the window
        (uplink(ok=101.0, denied=102.5), 102.5, "offline", "red"),  # the first is unanswered still
        (uplink(ok=103.0, failed=102.0, denied=102.5), 103.1, "online", "green"),
        (uplink(failed=100.2, denied=100.3), 100.3, "offline", "red"),  # at the start, too
    ],
)
def test_mode_and_dot_follow_the_stamps(link: Uplink, now_s: float, mode: str, dot: str) -> None:
    state = settled(link, now_s)
    assert (state.mode, colour(state)) == (mode, dot)


@pytest.mark.parametrize(("mode", "finding"), list(product(MODES, FINDINGS)))
def test_each_finding_in_each_mode(mode: Mode, finding: Finding) -> None:
    """What a person has switched stays; otherwise the mode is what is found, and only doubt keeps it."""
    link, alone = SEEN[finding]
    expected: dict[Finding, Mode] = {
        "fresh": "online",
        "failing": "offline",
        "alone": "island",
        "silent": "checking",
        "unconfigured": "offline",
    }
    state = settled(link, 100.0, ModeState(mode, mode, "before"), alone=alone)
    if mode in ("manual_offline", "offsite"):
        assert (state.mode, state.cause) == (mode, "before")
    else:
        assert state.mode == expected[finding]


@pytest.mark.parametrize(("mode", "hand"), list(product(MODES, HANDS)))
def test_each_hand_in_each_mode(mode: Mode, hand: Hand) -> None:
    """Switching on always works, and ends the other; switching off ends only what is on, and then everything is asked anew."""
    switch: Switch = "offline" if hand.startswith("offline") else "offsite"
    on = hand.endswith("on")
    state = adopt(by_hand(ModeState(mode, mode, "before"), switch, on, "Mia"))[0]
    if on:
        assert BY_HAND[state.mode] == switch
    elif BY_HAND.get(mode) == switch:
        assert state.mode == "checking"
    else:
        assert (state.mode, state.cause) == (mode, "before")
    if state.mode != mode:
        assert "Mia" in state.cause


def test_every_transition_of_the_table_leads_to_another_mode_and_every_mode_is_reached_and_left() -> None:
    assert all(mode != after for (mode, _), after in TRANSITIONS.items())
    assert {mode for mode, _ in TRANSITIONS} == set(TRANSITIONS.values()) == set(MODES)


@pytest.mark.parametrize(("mode", "finding", "suspect"), list(product(MODES, FINDINGS, (False, True))))
def test_the_dot_of_each_state(mode: Mode, finding: Finding, suspect: bool) -> None:
    """Green is proof that HQ answers, red is proof that it does not or a person's word, and the rest is grey."""
    shown = colour(ModeState(mode, mode, "", suspect, finding))
    assert (shown == "green") == (mode in ("online", "offsite") and finding == "fresh" and not suspect)
    if finding == "unconfigured":
        assert shown == "grey"
    elif mode in ("offline", "island", "manual_offline"):
        assert shown == "red"
    elif mode == "offsite":
        assert (shown == "red") == (finding in ("failing", "alone"))
    else:
        assert shown != "red"
    for pending in MODES:
        if pending != mode:
            assert colour(ModeState(mode, pending, "", suspect, finding)) == "grey"


def test_no_hq_configured_is_offline_and_says_so() -> None:
    state = settled(Uplink(configured=False, started_s=0.0), 0.0)
    assert (state.mode, state.cause) == ("offline", "no HQ configured")


def test_offline_names_what_went_wrong() -> None:
    assert "credentials refused" in settled(uplink(failed=106.0, error="credentials refused"), 106.0).cause


def test_an_island_says_both_and_ends_as_soon_as_anybody_is_heard() -> None:
    state = settled(uplink(failed=106.0), 106.0, alone=True)
    assert (state.mode, state.cause) == ("island", "connection refused, and no other register is heard")
    assert settled(uplink(failed=107.0), 107.0, state).mode == "offline"
    assert settled(uplink(ok=107.0, failed=106.0), 107.0, state, alone=True).mode == "online"


def test_what_answers_and_takes_nothing_is_online_and_not_green() -> None:
    state = settled(Uplink(configured=True, started_s=0.0, last_ok_s=100.0, stuck=True, error="HTTP 500"), 100.5)
    assert (state.mode, colour(state)) == ("online", "grey")
    assert "HTTP 500" in state.cause


def test_a_dead_link_turns_grey_not_red_and_not_green() -> None:
    online = settled(uplink(ok=101.0), 102.0)
    assert colour(settled(uplink(ok=101.0), 110.0, online)) == "grey"
    offline = settled(uplink(ok=101.0, failed=107.0), 108.0)
    assert settled(uplink(ok=101.0, failed=107.0), 300.0, offline).mode == "checking"
    assert settled(uplink(ok=101.0, denied=107.0), 300.0, offline).mode == "checking"


def test_a_change_waits_for_the_end_of_the_sale() -> None:
    online = settled(uplink(ok=101.0), 102.0)
    during = observe(online, uplink(ok=101.0, failed=106.5), 107.0, WINDOW_S)
    assert (during.mode, during.wanted, colour(during)) == ("online", "offline", "grey")
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
    assert colour(again) == "green"


@pytest.mark.parametrize(("switch", "mode"), [("offline", "manual_offline"), ("offsite", "offsite")])
def test_what_a_person_switched_stays_whatever_the_link_says(switch: Switch, mode: Mode) -> None:
    state = adopt(by_hand(settled(uplink(ok=101.0), 102.0), switch, True, "Mia"))[0]
    assert state.mode == mode
    state = settled(uplink(ok=103.0), 103.1, state)
    assert (state.mode, state.cause) == (mode, f"switched to {switch} by Mia")
    back = by_hand(state, switch, False, "Mia")
    assert adopt(back)[0].mode == "checking"
    assert settled(uplink(ok=103.0), 103.2, back).mode == "online"


stamps = st.one_of(st.none(), st.floats(0, 100))


@given(started=st.floats(0, 50), ok=stamps, failed=stamps, denied=stamps, now=st.floats(50, 200), window=st.floats(0.1, 60))
def test_green_only_with_a_recent_exchange(
    started: float, ok: float | None, failed: float | None, denied: float | None, now: float, window: float
) -> None:
    link = Uplink(configured=True, started_s=started, last_ok_s=ok, last_failure_s=failed, denied_s=denied)
    state = adopt(observe(ModeState(), link, now, window))[0]
    if colour(state) == "green":
        assert ok is not None
        assert now <= ok + window
    if state.mode == "offline":
        assert any(one is not None and one >= (started if ok is None else ok) for one in (failed, denied))


@given(started=st.floats(0, 50), ok=stamps, failed=stamps, denied=stamps, now=st.floats(50, 200), window=st.floats(0.1, 60))
def test_nothing_changes_before_the_time_that_is_named(
    started: float, ok: float | None, failed: float | None, denied: float | None, now: float, window: float
) -> None:
    link = Uplink(configured=True, started_s=started, last_ok_s=ok, last_failure_s=failed, denied_s=denied)
    first = judge(link, now, window)
    until = now + 1000 if first.changes_at_s is None else first.changes_at_s
    if until >= now:
        assert judge(link, (now + until) / 2, window).finding == first.finding

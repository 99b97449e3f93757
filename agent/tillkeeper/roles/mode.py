"""The register's mode: what the link to HQ and the lines to the other registers have seen, or what a person has switched. The
mode only chooses which tenders can be taken.

`judge` looks at the uplink, `observe` notes what the mode should be, and `adopt` - called by the till between two sales, never
inside one - makes it so.
"""

from typing import Literal

import msgspec
from msgspec.structs import replace

from tillkeeper.contract.events import ModeChanged
from tillkeeper.contract.modes import Switch
from tillkeeper.contract.views import Colour, Mode

Finding = Literal["fresh", "failing", "alone", "silent", "unconfigured"]
Hand = Literal["offline_on", "offline_off", "offsite_on", "offsite_off"]

NO_HQ = "no HQ configured"
ALONE = "no other register is heard"
MIN_STALE_S = 30.0
"""For at least so long the newest failed attempt counts; the link tries far more often."""

TRANSITIONS: dict[tuple[Mode, Finding | Hand], Mode] = {
    ("checking", "fresh"): "online",
    ("checking", "failing"): "offline",
    ("checking", "alone"): "island",
    ("checking", "unconfigured"): "offline",
    ("checking", "offline_on"): "manual_offline",
    ("checking", "offsite_on"): "offsite",
    ("online", "failing"): "offline",
    ("online", "alone"): "island",
    ("online", "silent"): "checking",
    ("online", "unconfigured"): "offline",
    ("online", "offline_on"): "manual_offline",
    ("online", "offsite_on"): "offsite",
    ("offline", "fresh"): "online",
    ("offline", "alone"): "island",
    ("offline", "silent"): "checking",
    ("offline", "offline_on"): "manual_offline",
    ("offline", "offsite_on"): "offsite",
    ("island", "fresh"): "online",
    ("island", "failing"): "offline",
    ("island", "silent"): "checking",
    ("island", "unconfigured"): "offline",
    ("island", "offline_on"): "manual_offline",
    ("island", "offsite_on"): "offsite",
    ("manual_offline", "offline_off"): "checking",
    ("manual_offline", "offsite_on"): "offsite",
    ("offsite", "offsite_off"): "checking",
    ("offsite", "offline_on"): "manual_offline",
}
"""The only place where the mode changes; a pair that is missing leaves it as it is. What a person switched on ends by hand."""

BY_HAND: dict[Mode, Switch] = {"manual_offline": "offline", "offsite": "offsite"}

_SWITCHED: dict[Switch, tuple[Hand, Hand]] = {
    "offline": ("offline_off", "offline_on"),
    "offsite": ("offsite_off", "offsite_on"),
}


class Uplink(msgspec.Struct, frozen=True, kw_only=True):
    """What the link to HQ has seen. All stamps in seconds of CLOCK_BOOTTIME; `last_ok_s` is taken *before* the exchange was
    sent, so that its age is never understated. `last_failure_s` is when an attempt was last found to have failed. `denied_s`:
    when a second attempt, made at once by a way of its own because the first stayed unanswered or failed, was found to have
    failed as well. `stuck`: HQ answers, and yet what is to be sent does not get there."""

    configured: bool
    started_s: float
    last_ok_s: float | None = None
    last_failure_s: float | None = None
    denied_s: float | None = None
    stuck: bool = False
    error: str = ""


class Judgement(msgspec.Struct, frozen=True):
    """`changes_at_s`: when time alone may change the finding, else None."""

    finding: Finding
    cause: str
    changes_at_s: float | None = None


class ModeState(msgspec.Struct, frozen=True):
    """`mode` is what sales see now, `wanted` what it becomes between two sales; both are the same most of the time. `found`:
    what the links say, also where a person decides. `suspect`: HQ answered a moment ago, but the newest attempt failed."""

    mode: Mode = "checking"
    wanted: Mode = "checking"
    cause: str = "not yet asked"
    suspect: bool = False
    found: Finding = "silent"


def judge(uplink: Uplink, now_s: float, window_s: float) -> Judgement:
    """What the stamps say at `now_s`. `fresh`: an authenticated exchange within `window_s`, and no two attempts that failed
    since. `failing`: two attempts of different ways have failed since the last exchange, or one did and the window is over.
    `silent`: nothing recent either way (just started, or the link's task is dead)."""
    if not uplink.configured:
        return Judgement("unconfigured", NO_HQ)
    since_s = uplink.started_s if uplink.last_ok_s is None else uplink.last_ok_s
    expires_s = since_s + window_s
    failed_s, denied_s = uplink.last_failure_s, uplink.denied_s
    denied = denied_s is not None and denied_s >= since_s
    if uplink.last_ok_s is not None and now_s <= expires_s and not denied:
        return Judgement("fresh", "HQ answers", expires_s)
    if denied and (failed_s is None or failed_s < since_s):
        failed_s = denied_s
    if failed_s is None or failed_s < since_s:
        return Judgement("silent", "asking HQ" if now_s <= expires_s else "nothing heard from the link to HQ")
    if now_s <= expires_s and not denied:
        return Judgement("silent", f"asking HQ again: {uplink.error}", expires_s)
    # A failure that is itself long past proves nothing any more: whoever should have tried again did not.
    stale_s = max(failed_s, denied_s or 0.0) + max(6 * window_s, MIN_STALE_S)
    if now_s > stale_s:
        return Judgement("silent", "the link to HQ has stopped trying")
    return Judgement("failing", uplink.error or "HQ does not answer", stale_s)


def observe(state: ModeState, uplink: Uplink, now_s: float, window_s: float, *, alone: bool = False) -> ModeState:
    """The state with `wanted` brought up to date; `mode` is untouched. While a person has switched, that cause stays.

    Args:
        alone: the store has other registers, and none of them is heard.
    """
    judged = judge(uplink, now_s, window_s)
    found, cause = judged.finding, judged.cause
    if alone and found in ("failing", "unconfigured"):
        found, cause = "alone", f"{cause}, and {ALONE}"
    wanted = TRANSITIONS.get((state.wanted, found), state.wanted)
    late = uplink.last_failure_s is not None and uplink.last_failure_s > (uplink.last_ok_s or 0.0)
    suspect = found == "fresh" and (late or uplink.stuck)
    if wanted in BY_HAND:
        return replace(state, suspect=suspect, found=found)
    if suspect:
        cause = f"the last attempt failed: {uplink.error}"
    return ModeState(state.mode, wanted, cause, suspect, found)


def by_hand(state: ModeState, switch: Switch, on: bool, by: str) -> ModeState:
    """A person switches. Whether the store allows it (`offline.support`) is the caller's to check."""
    wanted = TRANSITIONS.get((state.wanted, _SWITCHED[switch][on]), state.wanted)
    if wanted == state.wanted:
        return state
    return replace(state, wanted=wanted, cause=f"switched {'to ' + switch if on else 'back'} by {by or 'hand'}")


def adopt(state: ModeState) -> tuple[ModeState, ModeChanged | None]:
    """Between two sales: what was wanted takes effect. The event to journal, or None where nothing changes."""
    if state.mode == state.wanted:
        return state, None
    change = ModeChanged(mode=state.wanted, previous=state.mode, cause=state.cause)
    return replace(state, mode=state.wanted), change


def colour(state: ModeState) -> Colour:
    """Of the dot: green only on proof that HQ answers, red only on proof that it does not or on a person's word, grey
    otherwise - also where there is no HQ, and while a change waits for the end of a sale."""
    if state.mode != state.wanted or state.found == "unconfigured":
        return "grey"
    if state.mode in ("online", "offsite") and state.found == "fresh" and not state.suspect:
        return "green"
    if state.mode in ("offline", "island", "manual_offline"):
        return "red"
    return "red" if state.mode == "offsite" and state.found in ("failing", "alone") else "grey"

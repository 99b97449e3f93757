"""The register's mode from what the link to HQ has seen. The mode only chooses which tenders can be taken.

`judge` looks at the uplink, `observe` notes what the mode should be, and `adopt` - called by the till between two sales, never
inside one - makes it so.
"""

from typing import Literal

import msgspec

from tillkeeper.contract.events import ModeChanged

Mode = Literal["checking", "online", "offline", "manual_offline"]
Finding = Literal["fresh", "failing", "silent", "unconfigured", "manual_on", "manual_off"]
Dot = Literal["green", "grey", "red"]

NO_HQ = "no HQ configured"
MIN_STALE_S = 30.0
"""For at least so long the newest failed attempt counts; the link tries far more often."""

TRANSITIONS: dict[tuple[Mode, Finding], Mode] = {
    ("checking", "fresh"): "online",
    ("checking", "failing"): "offline",
    ("checking", "unconfigured"): "offline",
    ("checking", "manual_on"): "manual_offline",
    ("online", "failing"): "offline",
    ("online", "silent"): "checking",
    ("online", "unconfigured"): "offline",
    ("online", "manual_on"): "manual_offline",
    ("offline", "fresh"): "online",
    ("offline", "silent"): "checking",
    ("offline", "manual_on"): "manual_offline",
    ("manual_offline", "manual_off"): "checking",
}
"""The only place where the mode changes; a pair that is missing leaves it as it is."""


class Uplink(msgspec.Struct, frozen=True, kw_only=True):
    """What the link to HQ has seen. All stamps in seconds of CLOCK_BOOTTIME; `last_ok_s` is taken *before* the exchange was
    sent, so that its age is never understated. `last_failure_s` is when an attempt was last found to have failed."""

    configured: bool
    started_s: float
    last_ok_s: float | None = None
    last_failure_s: float | None = None
    error: str = ""


class Judgement(msgspec.Struct, frozen=True):
    """`changes_at_s`: when time alone may change the finding, else None."""

    finding: Finding
    cause: str
    changes_at_s: float | None = None


class ModeState(msgspec.Struct, frozen=True):
    """`mode` is what sales see now, `wanted` what it becomes between two sales; both are the same most of the time.
    `suspect`: online, but the newest attempt failed."""

    mode: Mode = "checking"
    wanted: Mode = "checking"
    cause: str = "not yet asked"
    suspect: bool = False


class ModeView(msgspec.Struct, frozen=True):
    """For people. The dot is green only on proof, red only on proof, grey otherwise."""

    mode: Mode
    dot: Dot
    words: str
    pending: Mode | None = None


def judge(uplink: Uplink, now_s: float, window_s: float) -> Judgement:
    """What the stamps say at `now_s`. `fresh`: an authenticated exchange within `window_s`. `failing`: none within it, and an
    attempt made since has failed. `silent`: nothing recent either way (just started, or the link's task is dead)."""
    if not uplink.configured:
        return Judgement("unconfigured", NO_HQ)
    since_s = uplink.started_s if uplink.last_ok_s is None else uplink.last_ok_s
    expires_s = since_s + window_s
    if uplink.last_ok_s is not None and now_s <= expires_s:
        return Judgement("fresh", "HQ answers", expires_s)
    failed_s = uplink.last_failure_s
    if failed_s is None or failed_s < since_s:
        return Judgement("silent", "asking HQ" if now_s <= expires_s else "nothing heard from the link to HQ")
    if now_s <= expires_s:
        return Judgement("silent", f"asking HQ again: {uplink.error}", expires_s)
    # A failure that is itself long past proves nothing any more: whoever should have tried again did not.
    stale_s = failed_s + max(6 * window_s, MIN_STALE_S)
    if now_s > stale_s:
        return Judgement("silent", "the link to HQ has stopped trying")
    return Judgement("failing", uplink.error or "HQ does not answer", stale_s)


def observe(state: ModeState, uplink: Uplink, now_s: float, window_s: float) -> ModeState:
    """The state with `wanted` brought up to date; `mode` is untouched. While offline by hand the cause stays."""
    found = judge(uplink, now_s, window_s)
    wanted = TRANSITIONS.get((state.wanted, found.finding), state.wanted)
    if wanted == "manual_offline":
        return state
    suspect = wanted == "online" and uplink.last_failure_s is not None and uplink.last_failure_s > (uplink.last_ok_s or 0.0)
    cause = f"the last attempt failed: {uplink.error}" if suspect else found.cause
    return ModeState(state.mode, wanted, cause, suspect)


def by_hand(state: ModeState, offline: bool, by: str) -> ModeState:
    """A person switches offline mode on or off. Whether the store allows it (`offline.support`) is the caller's to check."""
    finding: Finding = "manual_on" if offline else "manual_off"
    wanted = TRANSITIONS.get((state.wanted, finding), state.wanted)
    if wanted == state.wanted:
        return state
    return ModeState(state.mode, wanted, f"switched {'offline' if offline else 'back'} by {by}")


def adopt(state: ModeState) -> tuple[ModeState, ModeChanged | None]:
    """Between two sales: what was wanted takes effect. The event to journal, or None where nothing changes."""
    if state.mode == state.wanted:
        return state, None
    change = ModeChanged(mode=state.wanted, previous=state.mode, cause=state.cause)
    return msgspec.structs.replace(state, mode=state.wanted), change


def view(state: ModeState) -> ModeView:
    """The dot and its words, for the mode that sales see now."""
    pending = None if state.mode == state.wanted else state.wanted
    dot: Dot = "grey"
    if state.mode == "online" and not state.suspect and pending is None:
        dot = "green"
    elif state.mode in ("offline", "manual_offline") and pending is None:
        dot = "red"
    names: dict[Mode, str] = {
        "checking": "checking",
        "online": "online",
        "offline": "offline",
        "manual_offline": "offline by hand",
    }
    words = f"{names[state.mode]}: {state.cause}"
    if pending is not None:
        words += f" ({names[pending]} after this sale)"
    return ModeView(state.mode, dot, words, pending)

"""Whether what is seen is enough to say what explains it: rounds, witnesses, quiet, and what is still open. Pure."""

import msgspec

from tillkeeper.network.faults import FAULTS, Fault, depth, second_of
from tillkeeper.network.likelihood import Silence, onset, silences_of
from tillkeeper.network.model import ColumnName, Evidence

SUSPECT_ROUNDS = 3
WITNESSES = 2
LONELY = 2
"""Where a single path is all there is, so many times the rounds."""
CONFIRM_MARGIN = 3.0
SUSPECT_MARGIN = -3.0
"""Nats to losses and to nothing wrong."""
QUIET_S = 0.7
"""So long nothing of what a fault silences may have answered. A death is as quiet as it is old; in a second that loses four of
five packets a single column may well miss seven rounds, but some other one is answered meanwhile."""
SPAN_S = 1.12
"""What is behind the router is lost in bursts of a second, and few rounds of it fit into one: so old its silence has to be. By
then the first question after such a burst has been answered."""
SPAN_ASKED_S = 0.75
"""The first and the last of its rounds were sent at least so far apart: what was hardly asked any more did not outlast it."""
SURE_MARGIN = 6.0
SURE_ANSWERS = 5
SURE_ROUNDS = 7
"""Unless so much (400 to 1) speaks against losses already, all that the fault leaves alone was answered all the while, at least
so often, and the fault has as many rounds as a nearer one: a server that pauses for half a second is not down."""
FRESH_S = 15.0
"""Rounds that are older count no more: on a day that has used up its bytes a column may be left alone for a minute."""
SIGN_S = 0.5
SUSPECT_SIGN_S = 0.2
"""How long a sign that is no proof by itself has to last."""
TESTED = ("loss", "latency")
"""Signs that have stood a sequential test already (`locate`): no burst raises them."""
SLOW_S = 1.2
"""Delays are first seen where most is asked: so long they have to begin at the same layer."""
HEAVY = 0.4
STORM_S = 2.2
"""Losses as heavy as a loop of cables makes them have to last until the loop would have shown: packets are counted once a
second."""
SHAKY = 4
SHAKY_OF = 12
"""While what ought to answer misses so many of its last rounds, losses are under way, and four unanswered questions of a name
server or of HQ are no silence."""
SPLIT_NEAR_S = 0.85
"""From the first unanswered round on, so long is waited where a column that is just being asked may make a set smaller: what
the goal of a second leaves room for."""
SPLIT_FAR_S = 0.3
"""The same for what is farther out, from when nothing else is missing."""
_FAR = depth("modem")


def supported(
    faults: tuple[str, ...], evidence: Evidence, margin: float, now_s: float, *, confirm: bool, also: tuple[str, ...] = ()
) -> bool:
    """Whether the columns or the signs carry it. `also`: of the explanation; what a second fault silences is no loss."""
    fault = _with_second(FAULTS[faults[0]], also)
    if fault.signs:
        return _signed(fault, evidence, now_s, confirm=confirm)
    silences = silences_of(evidence)
    keys = [silences[name] for name in fault.keys if name in silences]
    rounds = max((_fresh(one, now_s) if confirm else one.run for one in keys), default=0)
    wanted = fault.rounds if confirm else SUSPECT_ROUNDS
    if _witnesses(fault, silences) < WITNESSES:
        wanted *= LONELY
    if confirm and (_loud(fault, silences, now_s) or _shaky(fault, evidence)):
        return False
    since_s = min((one.since_s for one in keys if one.run), default=now_s)
    asked_s = max((one.asked_s[-1] for one in keys if one.run and one.asked_s), default=now_s)
    brief = confirm and depth(fault.code) >= _FAR and (now_s - since_s < SPAN_S or asked_s - since_s < SPAN_ASKED_S)
    if brief and (margin < SURE_MARGIN or rounds < SURE_ROUNDS or not _steady(fault, silences, since_s)):
        return False
    return rounds >= wanted and margin >= (CONFIRM_MARGIN if confirm else SUSPECT_MARGIN)


def _with_second(fault: Fault, also: tuple[str, ...]) -> Fault:
    dead = {name for one in also for code in second_of(one)[:1] for name, mark in FAULTS[code].columns.items() if mark == "no"}
    if not dead:
        return fault
    columns = {name: "free" if mark == "yes" and name in dead else mark for name, mark in fault.columns.items()}
    return msgspec.structs.replace(fault, columns=columns)


def _signed(fault: Fault, evidence: Evidence, now_s: float, *, confirm: bool) -> bool:
    wanted_s = SIGN_S if confirm else SUSPECT_SIGN_S
    for sign in evidence.signs:
        if sign.kind not in fault.signs:
            continue
        if sign.kind in TESTED:
            wanted_s = (SLOW_S if sign.kind == "latency" else STORM_S if sign.amount >= HEAVY else 0.0) if confirm else 0.0
        if now_s - sign.since_s >= wanted_s:
            return True
    return False


def _witnesses(fault: Fault, silences: dict[ColumnName, Silence]) -> int:
    """Independent paths: those that are silent as they ought to be, and one for all that answer as they ought to."""
    silent = sum(one.paths for name, one in silences.items() if one.run >= 1 and fault.columns[name] == "no")
    answering = any(one.run == 0 and fault.columns[name] == "yes" for name, one in silences.items())
    return silent + answering


def _loud(fault: Fault, silences: dict[ColumnName, Silence], now_s: float) -> bool:
    """Something that the fault silences answered a moment ago."""
    dead = {name: one for name, one in silences.items() if fault.columns[name] == "no"}
    return now_s - onset(dead) < QUIET_S


def _shaky(fault: Fault, evidence: Evidence) -> bool:
    """Something that the fault leaves alone loses many of its answers."""
    return any(
        fault.columns[name] == "yes" and column.misses >= SHAKY and column.recent[-SHAKY_OF:].count("x") >= SHAKY
        for name, column in evidence.columns.items()
    )  # fmt: skip


def _fresh(one: Silence, now_s: float) -> int:
    """Unanswered rounds of now."""
    times = one.asked_s[-one.run :] if one.run else ()
    return one.run - sum(1 for at_s in times if now_s - at_s > FRESH_S)


def _steady(fault: Fault, silences: dict[ColumnName, Silence], since_s: float) -> bool:
    """Nothing that the fault leaves alone was missed since then, and much of it was asked."""
    answered = 0
    for name, one in silences.items():
        if fault.columns[name] == "yes":
            since = [mark for mark, at_s in zip(one.recent, one.asked_s, strict=False) if at_s >= since_s]
            if one.run or "x" in since:
                return False
            answered = max(answered, len(since))
    return answered >= SURE_ANSWERS


def waits(faults: tuple[str, ...], evidence: Evidence, now_s: float, ready_s: float) -> bool:
    """Whether a column that tells members of the set apart is worth waiting for: it is being asked and has not had its rounds
    yet, or was last answered in the first half of the fault's time. `ready_s`: since when nothing else is missing."""
    silences = silences_of(evidence)
    fault = FAULTS[faults[0]]
    if len(faults) < 2 or not fault.keys:
        return False
    began_s = min((silences[name].since_s for name in fault.keys if name in silences and silences[name].run), default=now_s)
    is_open = any(
        (0 < one.run <= SUSPECT_ROUNDS or (one.run == 0 and 2 * (one.answered_s or 0.0) < began_s + now_s))
        and {"yes", "no"} <= {FAULTS[code].columns[name] for code in faults}
        for name, one in silences.items()
    )  # fmt: skip
    near = depth(fault.code) <= depth("router_hung")
    return is_open and (now_s - began_s < SPLIT_NEAR_S if near else now_s - ready_s < SPLIT_FAR_S)


def rounds_since(fault: Fault, evidence: Evidence, from_s: float) -> float:
    """Unanswered rounds of a fault's keys that were asked since then, taking them as evenly spread."""
    silences = silences_of(evidence)
    found = 0.0
    for name in fault.keys:
        one = silences.get(name)
        if one is None or not one.run:
            continue
        if one.since_s >= from_s:
            found = max(found, float(one.run))
        else:
            found = max(found, one.run * (evidence.at_s - from_s) / max(evidence.at_s - one.since_s, 1e-3))
    return found


def key_run(fault: Fault, evidence: Evidence) -> int:
    """The longest run of unanswered rounds among a fault's keys."""
    return max((evidence.columns[name].run for name in fault.keys if name in evidence.columns), default=0)

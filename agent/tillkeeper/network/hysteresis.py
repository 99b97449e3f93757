"""From one explanation after the other to what is said. A pure fold.

A fault is suspected after three unanswered rounds that two witnesses agree on, and confirmed after as many as its entry in the
catalogue asks for, if nothing else explains them nearly as well. What the kernel says is confirmed at once. A confirmed fault
is only replaced by one that is confirmed by the same measure, and only ends after three clean looks and a second; the more
often that happened lately, the longer it has to be clean. Evidence that is not trusted changes nothing, except that it takes
away what was said of the present.
"""

from collections.abc import Mapping

import msgspec

from tillkeeper.network.faults import FAULTS, depth, second_of
from tillkeeper.network.likelihood import silences_of
from tillkeeper.network.model import Column, ColumnName, Evidence, Explanation, Phase, Tri, Value, Verdict
from tillkeeper.network.support import TESTED, key_run, rounds_since, supported, waits

CHANGE_S = 0.7
"""How long another explanation has to last before it takes a confirmed one's place: after a heal the columns answer one after
the other, and what still waits for its turn looks like a fault farther out."""
NARROW_S = 0.3
"""The same for what only says less than before."""
OTHER_LAYER_S = 2.0
FARTHER_S = 5.0
"""The same for losses and delays that seem to begin elsewhere, or even farther out than they did: the nearer measurement is the
noisier one."""
LEFTOVER_S = 3.0
"""Losses and delays have to outlast the end of an outage by so much: half an outage looks like them."""
GREW_S = 0.6
"""So lately another round has to have gone unanswered when something is confirmed: what is not asked any more is not silent."""
CLEAN_ROUNDS = 3
CLEAN_S = 1.0
LOOK_S = 0.09
"""Looks closer together than a round are one."""
FLAP_WINDOW_S = 60.0
HOLD_MAX_S = 15.0
FLAPS = 3
"""So many healed faults of the link within the window are a link that flaps."""
FLAP_QUIET_S = 5.0
"""A flapping link that stays one way for so long is called what it is."""
HOLD_STALE_S = 3.0
"""So long a confirmed fault stands without trusted evidence; then it is no longer said of the present."""
_PROOF: tuple[ColumnName, ...] = ("gateway", "router", "neighbours", "switch", "hop2", "anycast", "hq", "broadcast")
_INTERNET: tuple[ColumnName, ...] = ("anycast", "other_resolver", "portal", "hq")
_LINK = ("cable", "switch_power", "wifi_lost", "interface_disabled", "link_flapping")


class Settled(Value, frozen=True):
    """What was said and what is under way. `pending`: what was last explained, unchanged since `pending_s`. `clean_s`: since
    when nothing is wrong, `looks`: how often that was seen, `looked_s`: when last. `healed`: when faults ended lately, and
    whether they were the link's. `trusted_s`: when evidence was last to be trusted. `held`: what was confirmed before a
    pause. `ready_s`: since when only a column that may split the set is waited for. `over`: when the columns of the last outage
    began to answer, and how far out it was: what was missed before that says nothing of what lies behind.
    `besides`: second faults that are explained, and since when each was.
    `grew`: of what explanation, to how many unanswered rounds, and when the last of them was added."""

    verdict: Verdict = Verdict(phase="checking")
    pending: tuple[str, ...] = ()
    pending_s: float = 0.0
    clean_s: float | None = None
    looks: int = 0
    looked_s: float = 0.0
    healed: tuple[tuple[float, bool], ...] = ()
    trusted_s: float | None = None
    held: Verdict | None = None
    ready_s: float | None = None
    over: tuple[float, int] | None = None
    grew: tuple[str, int, float] | None = None
    besides: tuple[tuple[str, float], ...] = ()


def settle(state: Settled, explanation: Explanation, evidence: Evidence, now_s: float) -> Settled:
    """The next state; `state.verdict` is what to say. `now_s` never goes back; how often it is called does not matter."""
    if not evidence.trusted:
        return _paused(state, explanation, now_s)
    state = _replace(state, trusted_s=now_s, over=_over(state, explanation, now_s), besides=_besides(state, explanation, now_s))
    explained, explanation = explanation.also, msgspec.structs.replace(explanation, also=_lasting(state, explanation, now_s))
    if not explanation.faults or not _anew(state, explanation, evidence, now_s):
        explanation = msgspec.structs.replace(explanation, faults=())
        return _clean(_replace(state, ready_s=None, grew=None), explanation, evidence, now_s)
    state = _replace(state, clean_s=None, looks=0)
    if explanation.faults != state.pending:
        state = _replace(state, pending=explanation.faults, pending_s=now_s)
    return _faulty(state, explanation, evidence, now_s, explained)


def phase_to_show(phase: Phase, columns: Mapping[ColumnName, Tri]) -> Phase:
    """Where nothing in the internet answers, only the store's network is known to be fine."""
    return "checking" if phase == "fine" and not any(columns.get(name) == "yes" for name in _INTERNET) else phase


def _besides(state: Settled, explanation: Explanation, now_s: float) -> tuple[tuple[str, float], ...]:
    """A set that grew or shrank has the age of the one it was."""
    found = []
    for one in explanation.also:
        codes = set(second_of(one))
        if codes:
            ages = (since_s for before, since_s in state.besides if codes & set(second_of(before)))
            found.append((one, min(ages, default=now_s)))
    return tuple(found)


def _lasting(state: Settled, explanation: Explanation, now_s: float) -> tuple[str, ...]:
    """Advisories, and second faults that have lasted or were the first before: after a heal the columns answer one by one."""
    since, before = dict(state.besides), set(state.verdict.faults)
    return tuple(
        one for one in explanation.also
        if one not in since or now_s - since[one] >= CHANGE_S or before & set(second_of(one))
    )  # fmt: skip


def _over(state: Settled, explanation: Explanation, now_s: float) -> tuple[float, int] | None:
    said = state.verdict
    if said.phase != "confirmed" or FAULTS[said.faults[0]].severity != "outage":
        return state.over
    was, now = set(state.pending) & set(said.faults), set(explanation.faults) & set(said.faults)
    return (now_s, depth(said.faults[0])) if was and not now else state.over


def _anew(state: Settled, explanation: Explanation, evidence: Evidence, now_s: float) -> bool:
    """Whether what is explained was asked since the last, nearer outage was over."""
    fault = FAULTS[explanation.faults[0]]
    if state.over is None or explanation.certain or set(explanation.faults) & set(state.verdict.faults):
        return True
    over_s, over_depth = state.over
    if fault.signs[:1] and fault.signs[0] in TESTED:
        return now_s - over_s >= LEFTOVER_S
    if not fault.keys or depth(fault.code) <= over_depth:
        return True
    return rounds_since(fault, evidence, over_s) >= fault.rounds


def _paused(state: Settled, explanation: Explanation, now_s: float) -> Settled:
    verdict = state.verdict
    if verdict.phase == "confirmed" and state.trusted_s is not None and now_s - state.trusted_s <= HOLD_STALE_S:
        return _replace(state, clean_s=None, looks=0)
    if verdict.phase == "checking":
        return state
    held = verdict if verdict.phase == "confirmed" else None
    checking = Verdict(phase="checking", since_s=now_s)
    return _replace(state, verdict=checking, held=held, clean_s=None, looks=0, pending=(), pending_s=now_s)


def _clean(state: Settled, explanation: Explanation, evidence: Evidence, now_s: float) -> Settled:
    if not _answers(evidence):
        # Nothing speaks for a fault, nothing against it: what was said stands, and nothing is said of a healthy network.
        if _link_is_back(state.verdict, evidence, now_s):
            checking = Verdict(phase="checking", since_s=now_s)
            return _replace(state, verdict=checking, held=state.verdict, clean_s=None, looks=0)
        if state.verdict.phase in ("confirmed", "checking"):
            return _replace(state, clean_s=None, looks=0)
        return _replace(state, verdict=Verdict(phase="checking", since_s=now_s), clean_s=None, looks=0)
    if state.clean_s is None:
        state = _replace(state, clean_s=now_s, looks=1, looked_s=now_s)
    elif now_s - state.looked_s >= LOOK_S:
        state = _replace(state, looks=state.looks + 1, looked_s=now_s)
    state = _replace(state, pending=(), pending_s=now_s)
    verdict = state.verdict
    if verdict.phase == "fine":
        return _replace(state, verdict=_saying(verdict, "fine", (), explanation.also, now_s))
    if verdict.phase == "suspect" or (verdict.phase == "checking" and state.held is None):
        return _replace(state, verdict=_saying(verdict, "fine", (), explanation.also, now_s))
    said = state.held or verdict
    clean_s = state.clean_s if state.clean_s is not None else now_s
    lasted = now_s - clean_s
    answered = _keys_answer(said, evidence) or lasted > HOLD_MAX_S
    if state.looks < CLEAN_ROUNDS or lasted < _hold_s(state, now_s) or not answered:
        return _flapping(state, said, now_s)
    healed = (*_lately(state, now_s), (now_s, said.faults[0] in _LINK))[-16:]
    fine = Verdict(phase="fine", also=explanation.also, since_s=clean_s)
    return _replace(state, verdict=fine, held=None, healed=healed)


def _faulty(
    state: Settled, explanation: Explanation, evidence: Evidence, now_s: float, explained: tuple[str, ...]
) -> Settled:
    """`explained`: second faults, also those that are not said yet."""
    verdict, faults = state.verdict, explanation.faults
    if verdict.phase == "checking" and state.held is not None and set(state.held.faults) & set(faults):
        verdict = state.held
        state = _replace(state, verdict=verdict, held=None)
    state = _replace(state, grew=_grew(state, faults[0], evidence, now_s))
    confirmed = explanation.certain or (
        supported(faults, evidence, explanation.margin, now_s, confirm=True, also=explained)
        and (state.grew is None or now_s - state.grew[2] <= GREW_S)
    )  # fmt: skip
    if not confirmed and _link_is_back(verdict, evidence, now_s):
        state = _replace(state, verdict=Verdict(phase="checking", since_s=now_s), held=verdict)
        verdict = state.verdict
    if verdict.phase == "confirmed":
        return _changed(state, explanation, now_s, confirmed=confirmed)
    ready_s = None if not confirmed else now_s if state.ready_s is None else state.ready_s
    state = _replace(state, ready_s=ready_s)
    if ready_s is not None and (explanation.certain or not waits(faults, evidence, now_s, ready_s)):
        since_s = verdict.since_s if verdict.phase == "suspect" and set(faults) & set(verdict.faults) else now_s
        said = Verdict(
            phase="confirmed", faults=_or_flapping(state, faults, now_s), also=explanation.also, since_s=since_s
        )  # fmt: skip
        return _replace(state, verdict=said, held=None, ready_s=None)
    if confirmed or supported(faults, evidence, explanation.margin, now_s, confirm=False, also=explained):
        return _replace(state, verdict=_saying(verdict, "suspect", faults, explanation.also, now_s))
    return state


def _grew(state: Settled, code: str, evidence: Evidence, now_s: float) -> tuple[str, int, float] | None:
    if not FAULTS[code].keys:
        return None
    run, before = key_run(FAULTS[code], evidence), state.grew
    return before if before is not None and before[:2] == (code, run) else (code, run, now_s)


def _changed(state: Settled, explanation: Explanation, now_s: float, *, confirmed: bool) -> Settled:
    """Another explanation than the one that was confirmed. A set grows no wider: what was ruled out stays so, though those who
    ruled it out are no longer asked."""
    verdict, faults = state.verdict, explanation.faults
    flaps = verdict.faults == ("link_flapping",) and now_s - state.pending_s < FLAP_QUIET_S
    if set(faults) >= set(verdict.faults) or flaps:
        return _replace(state, verdict=_saying(verdict, "confirmed", verdict.faults, explanation.also, now_s))
    lasted = now_s - state.pending_s >= _lasting_s(verdict.faults, faults)
    if not confirmed or not (lasted or explanation.certain):
        return state
    since_s = verdict.since_s if set(faults) & set(verdict.faults) else now_s
    return _replace(state, verdict=Verdict(phase="confirmed", faults=faults, also=explanation.also, since_s=since_s))


def _link_is_back(verdict: Verdict, evidence: Evidence, now_s: float) -> bool:
    """The carrier is there again for a second: that it was lost explains nothing of now, even if nothing answers yet."""
    carrier = evidence.columns.get("carrier")
    if verdict.phase != "confirmed" or verdict.faults[0] not in _LINK or carrier is None or carrier.state != "yes":
        return False
    return verdict.faults != ("link_flapping",) and carrier.since_s is not None and now_s - carrier.since_s >= CLEAN_S


def _lasting_s(was: tuple[str, ...], now: tuple[str, ...]) -> float:
    kind = FAULTS[was[0]].signs[:1]
    if not kind or kind[0] not in TESTED or kind != FAULTS[now[0]].signs[:1] or set(now) < set(was):
        return NARROW_S if set(now) < set(was) else CHANGE_S
    return FARTHER_S if depth(now[0]) > depth(was[0]) else OTHER_LAYER_S


def _answers(evidence: Evidence) -> bool:
    """Something beyond this register answered lately: without that nothing is known to be fine."""
    columns = evidence.columns
    return any(_good(columns.get(name)) for name in _PROOF)


def _good(column: Column | None) -> bool:
    return column is not None and column.state == "yes"


def _keys_answer(said: Verdict, evidence: Evidence) -> bool:
    """Columns that the fault silenced answer again. One that is no longer asked says nothing."""
    keys, silences = FAULTS[said.faults[0]].keys, silences_of(evidence)
    known = [silences[name].run == 0 for name in keys if name in silences]
    return all(known) and (bool(known) or not keys)


def _lately(state: Settled, now_s: float) -> tuple[tuple[float, bool], ...]:
    return tuple(one for one in state.healed if now_s - one[0] <= FLAP_WINDOW_S)


def _hold_s(state: Settled, now_s: float) -> float:
    return float(min(CLEAN_S * 2 ** len(_lately(state, now_s)), HOLD_MAX_S))


def _or_flapping(state: Settled, faults: tuple[str, ...], now_s: float) -> tuple[str, ...]:
    link = sum(1 for _, was_link in _lately(state, now_s) if was_link)
    return ("link_flapping",) if link >= FLAPS - 1 and faults[0] in _LINK else faults


def _flapping(state: Settled, said: Verdict, now_s: float) -> Settled:
    """Clean, but not for long enough: what was said stands."""
    if state.held is not None or not said.faults:
        return state
    faults = _or_flapping(state, said.faults, now_s)
    return state if faults == said.faults else _replace(state, verdict=_saying(said, "confirmed", faults, said.also, now_s))


def _saying(was: Verdict, phase: str, faults: tuple[str, ...], also: tuple[str, ...], now_s: float) -> Verdict:
    """The same verdict with its age where nothing but `also` changed."""
    if phase == "fine":
        return Verdict(phase="fine", also=also, since_s=was.since_s if was.phase == "fine" else now_s)
    since_s = was.since_s if was.phase in ("suspect", "confirmed") else now_s
    return Verdict(phase="suspect" if phase == "suspect" else "confirmed", faults=faults, also=also, since_s=since_s)


def _replace(state: Settled, **changes: object) -> Settled:
    return msgspec.structs.replace(state, **changes)

"""What became of one fault: when it was suspected and confirmed, under which name, and how it ended."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from tests.netsim import store as s
from tests.netsim.faults import Fault
from tests.netsim.simulation import Machine

from tillkeeper.network.model import Verdict
from tillkeeper.network.timeline import Timeline

Score = Literal["right", "ambiguous", "wrong", "missed"]


class Result(NamedTuple):
    """Times are seconds after the fault began, `recovered_s` after it ended; None: not seen. `confirmed_s`: the first confirmed
    verdict that names the truth, `right_s`: the first one that names nothing too much. `wrong`: every confirmed verdict that
    names something else, with its time. `relapses`: confirmed again after it was over. `others`: what the registers confirmed
    that have nothing."""

    fault: str
    seed: int
    score: Score
    suspect_s: float | None
    confirmed_s: float | None
    recovered_s: float | None
    right_s: float | None
    first: tuple[str, ...]
    wrong: tuple[tuple[float, tuple[str, ...]], ...]
    relapses: int
    others: tuple[tuple[float, tuple[str, ...]], ...]
    corrected: bool | None = None
    """Whether the timeline knows the truth once the peers were heard again; None where that is not to be expected."""


MINE = {"cable": frozenset({"cable"}), "switch_power": frozenset({"switch_power"}), "switch_hung": frozenset({"switch_hung"}),
        "own_port": frozenset({"own_port", "nic_receive"}), "nic_receive": frozenset({"own_port", "nic_receive"})}  # fmt: skip
"""What peers can tell afterwards: whether it was this register's own or all had it."""


def corrected(fault: Fault, machine: Machine, began_s: float) -> bool | None:
    if fault.code not in MINE or machine.reports is None:
        return None
    timeline = Timeline()
    for report in machine.reports:
        timeline.take(report, report.at_s)
    entries = [one for one in timeline.entries if one.began_s >= machine.offset_s + began_s - 1.0]
    said = set(entries[0].corrected_faults) if entries else set()
    return fault.code in said and said <= MINE[fault.code]


def judge(verdict: Verdict, truth: Sequence[Fault], store: s.Store) -> Score:
    """Of a confirmed verdict while `truth` holds: nothing else may be said."""
    named = set(verdict.faults)
    hits = [fault for fault in truth if not fault.advisory and fault.code in named]
    if not hits:
        return "wrong"
    allowed = frozenset().union(*(fault.allowed(store) for fault in hits))
    return "right" if named <= allowed else "ambiguous"


def spans(said: Sequence[tuple[float, Verdict]], from_s: float, to_s: float) -> list[tuple[float, Verdict]]:
    """What was said between the times, beginning with what held at the first."""
    before = [one for one in said if one[0] <= from_s]
    return [*((from_s, one[1]) for one in before[-1:]), *(one for one in said if from_s < one[0] <= to_s)]


def score(fault: Fault, store: s.Store, seed: int, machines: Sequence[Machine], began_s: float, ended_s: float,
          until_s: float) -> Result:  # fmt: skip
    told = spans(machines[0].said, began_s, ended_s)
    suspect_s = confirmed_s = right_s = None
    first: tuple[str, ...] = ()
    wrong: list[tuple[float, tuple[str, ...]]] = []
    outcome: Score = "missed"
    for at_s, verdict in told:
        after_s = at_s - began_s
        if suspect_s is None and after_s > 0 and (verdict.phase in ("suspect", "confirmed") or _advised(fault, verdict)):
            suspect_s = after_s
        if fault.advisory and confirmed_s is None and _advised(fault, verdict):
            confirmed_s = right_s = after_s
            first, outcome = verdict.also, "right"
        if verdict.phase != "confirmed":
            continue
        one: Score = "wrong" if fault.advisory else judge(verdict, [fault], store)
        if one == "wrong":
            if not _in_time(fault, verdict, after_s):
                wrong.append((round(after_s, 2), verdict.faults))
            continue
        if confirmed_s is None:
            confirmed_s, first, outcome = after_s, verdict.faults, one
        if one == "right" and right_s is None:
            right_s, outcome = after_s, one
    if wrong:
        outcome = "wrong"
    recovered_s, relapses = _recovery(machines[0], ended_s, until_s)
    first = first or (wrong[0][1] if wrong else ())
    others = _others(fault, machines, began_s, until_s)
    mended = corrected(fault, machines[0], began_s)
    return Result(fault.name, seed, outcome, suspect_s, confirmed_s, recovered_s, right_s, first, tuple(wrong), relapses,
                  others, mended)  # fmt: skip


def _advised(fault: Fault, verdict: Verdict) -> bool:
    return fault.advisory and fault.code in verdict.also


def _in_time(fault: Fault, verdict: Verdict, after_s: float) -> bool:
    """What is true for a moment: before the router changes over to the backup line there is an outage; a flapping link is a
    lost carrier at first; two owners of an address lose half of the answers."""
    named = set(verdict.faults)
    if fault.code == "on_backup_line":
        return after_s < 5.0 and bool(named & {"isp_access", "modem", "router_no_forward", "isp_upstream"})
    if fault.code == "link_flapping":
        return bool(named & {"cable", "switch_power"})
    return False


def _recovery(machine: Machine, ended_s: float, until_s: float) -> tuple[float | None, int]:
    recovered_s, relapses = None, 0
    for at_s, verdict in spans(machine.said, ended_s, until_s):
        if verdict.phase == "fine":
            recovered_s = at_s - ended_s if recovered_s is None else recovered_s
        elif verdict.phase == "confirmed" and recovered_s is not None:
            relapses += 1
    return recovered_s, relapses


def _others(fault: Fault, machines: Sequence[Machine], began_s: float, until_s: float) -> tuple[
    tuple[float, tuple[str, ...]], ...
]:  # fmt: skip
    if not fault.local:
        return ()
    return tuple(
        (round(at_s - began_s, 2), verdict.faults)
        for machine in machines[1:]
        for at_s, verdict in machine.said
        if at_s > began_s and at_s <= until_s and verdict.phase == "confirmed"
    )

"""What a trial showed: pure, from the reports and the moments of breaking and healing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.lab.faults import Fault

from tillkeeper.network.model import Report

Heard = Sequence[tuple[float, Report]]
"""(arrival, report), oldest first."""
AFTER_HEAL_S = 0.3
"""What is on its way when the heal comes is still about the fault."""


@dataclass(frozen=True)
class Moments:
    """CLOCK_BOOTTIME. `broke_s` is taken before the breaking begins, `healed_s` after the heal is done, `ended_s` when nobody
    looked on any more."""

    broke_s: float
    healed_s: float
    ended_s: float


@dataclass(frozen=True)
class Outcome:
    """`verdict`: right, ambiguous (the truth with more than the design allows), wrong (something else was CONFIRMED) or
    missed. `said`: the deciding codes. `others`: what other registers CONFIRMED that does not hold for them. `flaps`: how often
    the verdict came back, during the fault or after its end. `corrected`: whether the timeline had the truth in the end; None
    where it had nothing to correct. `narrowed`: what was CONFIRMED last before the heal was within the design's set."""

    verdict: str
    said: tuple[str, ...] = ()
    detect_s: float | None = None
    suspect_s: float | None = None
    recovery_s: float | None = None
    others: tuple[str, ...] = ()
    flaps: int = 0
    corrected: bool | None = None
    narrowed: bool = True


@dataclass
class _Reading:
    first: tuple[str, ...] = ()
    detect_s: float | None = None
    suspect_s: float | None = None
    wrong: tuple[str, ...] = ()
    last: tuple[str, ...] = ()


def _confirmed(report: Report) -> bool:
    return report.verdict.phase == "confirmed" and bool(report.verdict.faults)


def _between(heard: Heard, from_s: float, to_s: float) -> Iterable[tuple[float, Report]]:
    # A report that was made before the breaking is about what was before.
    return ((at_s, report) for at_s, report in heard if report.at_s >= from_s and at_s <= to_s)


def _names(fault: Fault, report: Report) -> bool:
    if fault.also:
        return fault.also in report.verdict.also
    return bool(fault.truth & set(report.verdict.faults))


def judge(
    fault: Fault, heard: Heard, others: Sequence[Heard], at: Moments, *, alone: bool, corrected: tuple[str, ...] | None = None
) -> Outcome:
    """Args:
    heard: of the register that is looked at. `others`: of the rest.
    corrected: what its timeline has in the end; None where nothing was to be corrected.
    """
    read = _Reading()
    until_s = at.healed_s + (AFTER_HEAL_S if at.ended_s > at.healed_s else 0.0)
    for at_s, report in _between(heard, at.broke_s, until_s):
        codes = set(report.verdict.faults)
        took_s = at_s - at.broke_s
        # Where the truth is an advisory the first one that names it counts, whatever the phase is.
        if (
            _names(fault, report)
            and read.suspect_s is None
            and (fault.also or report.verdict.phase in ("suspect", "confirmed"))
        ):
            read.suspect_s = took_s
        settled = bool(fault.also) or _confirmed(report)
        named = _names(fault, report)
        if _confirmed(report) and at_s <= at.healed_s:
            read.last = report.verdict.faults
        if named and settled and read.detect_s is None:
            read.detect_s, read.first = took_s, report.verdict.also if fault.also else report.verdict.faults
        # Where the truth is an advisory every confirmed fault is one too many.
        false = _confirmed(report) and (bool(fault.also) or not named) and not codes <= fault.before
        if false and not read.wrong:
            read.wrong = report.verdict.faults
    return Outcome(
        verdict=_verdict(fault, read, alone),
        said=read.wrong or read.first,
        detect_s=read.detect_s,
        suspect_s=read.suspect_s,
        recovery_s=_recovery(heard, at),
        others=_elsewhere(fault, others, at),
        flaps=0 if "link_flapping" in fault.truth else _flaps(heard, at),
        corrected=None if corrected is None else bool(fault.corrected & set(corrected)),
        narrowed=set(read.last) <= (fault.alone if alone else fault.peers),
    )


def _verdict(fault: Fault, read: _Reading, alone: bool) -> str:
    if read.wrong:
        return "wrong"
    if not fault.truth and not fault.also:
        return "right"
    if read.detect_s is None:
        return "missed"
    if fault.also or set(read.first) <= (fault.alone if alone else fault.peers):
        return "right"
    return "ambiguous"


def _recovery(heard: Heard, at: Moments) -> float | None:
    """From the heal to "fine". None where it never was, or where nothing had been said."""
    before = [report for at_s, report in heard if at_s <= at.healed_s]
    if before and before[-1].verdict.phase == "fine":
        return None
    return next(
        (max(0.0, at_s - at.healed_s) for at_s, report in _between(heard, at.healed_s, at.ended_s) if _fine(report)), None
    )


def _fine(report: Report) -> bool:
    return report.verdict.phase == "fine"


def _elsewhere(fault: Fault, others: Sequence[Heard], at: Moments) -> tuple[str, ...]:
    """Codes that other registers had CONFIRMED for which there is no ground."""
    allowed = (fault.peers | fault.alone | fault.before) if fault.scope == "store" else fault.elsewhere
    found = {
        code
        for heard in others
        for _, report in _between(heard, at.broke_s, at.ended_s)
        if _confirmed(report)
        for code in report.verdict.faults
        if code not in allowed
    }
    return tuple(sorted(found))


def _flaps(heard: Heard, at: Moments) -> int:
    """Returns to CONFIRMED after "fine" has been said, during the fault or after the heal."""
    phases = [report.verdict.phase for _, report in _between(heard, at.broke_s, at.ended_s)]
    settled = [phase for phase in phases if phase in ("fine", "confirmed")]
    changes = [phase for number, phase in enumerate(settled) if number == 0 or settled[number - 1] != phase]
    return max(0, changes.count("confirmed") - 1)

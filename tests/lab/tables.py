"""The lab's results as a table for people and as rows in the form of `build/bench.json`."""

from collections.abc import Iterable, Sequence

from tests.bench.rows import Row, figure, missing, percentile
from tests.lab.faults import FAULTS, Fault
from tests.lab.scoring import Outcome

RECOVERY_GOAL_S = 1.5
HEAD = (
    "fault",
    "n",
    "detect p50",
    "p95",
    "goal",
    "suspect p95",
    "right",
    "ambig.",
    "narrowed",
    "wrong",
    "missed",
    "recovery p95",
    "others",
    "flaps",
    "corrected",
)


def grouped(results: Iterable[tuple[str, bool, Outcome]]) -> dict[tuple[str, bool], list[Outcome]]:
    """(fault, alone) -> outcomes, in the order of the catalogue."""
    found: dict[tuple[str, bool], list[Outcome]] = {}
    for name, alone, outcome in results:
        found.setdefault((name, alone), []).append(outcome)
    order = list(FAULTS)
    return dict(sorted(found.items(), key=lambda item: (item[0][1], order.index(item[0][0]))))


def _seconds(values: Sequence[float], percent: float) -> str:
    return f"{percentile(values, percent):.3f}" if values else "-"


def _detected(outcomes: Sequence[Outcome]) -> list[float]:
    return [outcome.detect_s for outcome in outcomes if outcome.detect_s is not None]


def _recovered(outcomes: Sequence[Outcome]) -> list[float]:
    return [outcome.recovery_s for outcome in outcomes if outcome.recovery_s is not None]


def cells(name: str, alone: bool, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    fault = FAULTS[name]
    suspected = [outcome.suspect_s for outcome in outcomes if outcome.suspect_s is not None]
    verdicts = [outcome.verdict for outcome in outcomes]
    told = [outcome.corrected for outcome in outcomes if outcome.corrected is not None]
    narrowed = sum(outcome.verdict == "ambiguous" and outcome.narrowed for outcome in outcomes)
    return (
        name + (" (alone)" if alone else ""), f"{len(outcomes)}", _seconds(_detected(outcomes), 50),
        _seconds(_detected(outcomes), 95), f"{fault.goal_s:g}" if fault.goal_s is not None else "", _seconds(suspected, 95),
        f"{verdicts.count('right')}", f"{verdicts.count('ambiguous')}", f"{narrowed}", f"{verdicts.count('wrong')}",
        f"{verdicts.count('missed')}", _seconds(_recovered(outcomes), 95),
        f"{sum(bool(outcome.others) for outcome in outcomes)}",
        f"{sum(outcome.flaps for outcome in outcomes)}", f"{sum(told)}/{len(told)}" if told else "",
    )  # fmt: skip


def table(groups: dict[tuple[str, bool], list[Outcome]]) -> str:
    rows = [HEAD, *(cells(name, alone, outcomes) for (name, alone), outcomes in groups.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def rows(groups: dict[tuple[str, bool], list[Outcome]]) -> list[Row]:
    found = [row for (name, alone), outcomes in groups.items() for row in _rows(FAULTS[name], alone, outcomes)]
    everything = [outcome for outcomes in groups.values() for outcome in outcomes]
    if everything:
        false = sum(bool(outcome.others) for outcome in everything)
        found.append(figure("lab: trials with a false verdict at another register", 100 * false / len(everything), "%", 0.0))
        found.append(figure("lab: verdicts that came back", sum(outcome.flaps for outcome in everything), "", 0.0))
    return found


def _rows(fault: Fault, alone: bool, outcomes: Sequence[Outcome]) -> list[Row]:
    name = f"lab: {fault.name}{', alone' if alone else ''}"
    number = len(outcomes)
    right = sum(outcome.verdict == "right" for outcome in outcomes)
    detected, recovered = _detected(outcomes), _recovered(outcomes)
    note = f"{number} trials"
    found = []
    if fault.truth or fault.also:
        if detected:
            spread = f"{note}, p50 {percentile(detected, 50):.3g} s"
            found.append(figure(f"{name}: CONFIRMED p95", percentile(detected, 95), "s", fault.goal_s, spread))
        else:
            found.append(missing(f"{name}: CONFIRMED p95", "s", fault.goal_s, f"{note}, never named"))
    said = {code for outcome in outcomes if outcome.verdict in ("wrong", "ambiguous") for code in outcome.said}
    spread = note + (f", said {' '.join(sorted(said))}" if said else "")
    # Goals are upper bounds here, so it is the share of the others that is told.
    found.append(figure(f"{name}: not right", 100 * (number - right) / number, "%", 100 - fault.right_percent, spread))
    if recovered:
        found.append(figure(f"{name}: recovery p95", percentile(recovered, 95), "s", RECOVERY_GOAL_S, note))
    told = [outcome.corrected for outcome in outcomes if outcome.corrected is not None]
    if told:
        found.append(figure(f"{name}: timeline not corrected", 100 * (1 - sum(told) / len(told)), "%", 0.0, note))
    return found

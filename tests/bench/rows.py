"""A figure is a row; rows are printed as a table and kept in one JSON file that others write to as well."""

import json
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec


class Row(msgspec.Struct, frozen=True, omit_defaults=False):
    """`goal` is an upper bound in the unit of `value`; None: no goal was set, the row is there to compare with. `holds` is None
    where nothing was measured or nothing was to be held. `note`: the spread, or why there is no value."""

    name: str
    value: float | None
    unit: str
    goal: float | None = None
    holds: bool | None = None
    note: str = ""


def figure(name: str, value: float, unit: str, goal: float | None = None, note: str = "") -> Row:
    rounded = float(f"{value:.4g}")
    return Row(name, rounded, unit, goal, None if goal is None else rounded <= goal, note)


def missing(name: str, unit: str, goal: float | None, reason: str) -> Row:
    return Row(name, None, unit, goal, None, reason)


def p50(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def spread(rounds: Sequence[float], unit: str) -> str:
    """How far the medians of the rounds lie apart."""
    return f"rounds {min(rounds):.3g} to {max(rounds):.3g} {unit}"


def merge(file: Path, rows: Iterable[Row]) -> None:
    """Put the rows into `file`; rows of other names stay as they are."""
    fresh = {row.name: msgspec.to_builtins(row) for row in rows}
    before = json.loads(file.read_text("utf-8"))["rows"] if file.exists() else []
    kept = [fresh.pop(row["name"], row) for row in before]
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.new")
    draft.write_text(json.dumps({"rows": [*kept, *fresh.values()]}, indent=1) + "\n", "utf-8")
    draft.rename(file)


def markdown(rows: Iterable[Row]) -> str:
    words = {True: "yes", False: "**no**", None: ""}
    lines = ["| figure | value | goal | holds | |", "|---|---|---|---|---|"]
    for row in rows:
        value = "not measured" if row.value is None else f"{row.value:g} {row.unit}"
        goal = "" if row.goal is None else f"<= {row.goal:g} {row.unit}"
        lines.append(f"| {row.name} | {value} | {goal} | {words[row.holds]} | {row.note} |")
    return "\n".join(lines)


def table(rows: Iterable[Row]) -> str:
    cells = [("figure", "value", "goal", "holds", "")]
    for row in rows:
        value = "-" if row.value is None else f"{row.value:g} {row.unit}"
        holds = {True: "yes", False: "NO", None: "-"}[row.holds]
        cells.append((row.name, value, "" if row.goal is None else f"<= {row.goal:g}", holds, row.note))
    widths = [max(len(cell[column]) for cell in cells) for column in range(4)]
    padded = ([*(cell[column].ljust(widths[column]) for column in range(4)), cell[4]] for cell in cells)
    return "\n".join("  ".join(texts).rstrip() for texts in padded)

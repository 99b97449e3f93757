"""Keeps what was said in a trial that went wrong, for whoever has to find out why."""

import re
from pathlib import Path

import msgspec
from tests.lab.register import Watched
from tests.lab.scoring import Outcome
from tests.lab.trial import Trial

MOST_FILES = 200


def keep(folder: Path, trial: Trial, outcome: Outcome, registers: list[Watched]) -> None:
    """One line a report: register, arrival, the report. Nothing is kept of a trial that went as it should."""
    if outcome.verdict == "right" and not outcome.others and not outcome.flaps and outcome.corrected is not False:
        return
    folder.mkdir(parents=True, exist_ok=True)
    if len(list(folder.iterdir())) >= MOST_FILES:
        return
    name = re.sub(r"[^a-z0-9]+", "-", trial.fault.name.lower()).strip("-")
    lines = [msgspec.json.encode({"fault": trial.fault.name, "seed": trial.seed, "alone": trial.alone, "outcome": outcome})]
    heard = sorted(
        ((at_s, register.name, report) for register in registers for at_s, report in register.reports), key=lambda row: row[:2]
    )
    lines += [msgspec.json.encode({"register": name, "at_s": at_s, "report": report}) for at_s, name, report in heard]
    (folder / f"{name}-{trial.seed}{'-alone' if trial.alone else ''}.jsonl").write_bytes(b"\n".join(lines) + b"\n")

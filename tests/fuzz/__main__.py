"""Fuzz agent and HQ by their OpenAPI documents: prints what was found, writes `build/fuzz.json`.

python -m tests.fuzz [--examples N] [--seed N] [--only agent hq]
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.bench.rows import Row, figure, merge
from tests.fuzz import targets
from tests.fuzz.closed import ask_all
from tests.fuzz.runs import run
from tests.fuzz.targets import Target

FILE = Path(__file__).resolve().parents[2] / "build" / "fuzz.json"
TARGETS: dict[str, Callable[[Path], AbstractAsyncContextManager[Target]]] = {"agent": targets.agent, "hq": targets.hq}


async def fuzz(name: str, examples: int, seed: int) -> list[Row]:
    cases, failed, defects = 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        folder = Path(place)
        async with TARGETS[name](folder / "target" if name == "agent" else folder) as target:
            asked = await ask_all(target.url, await target.document(), target.known)
            let_in = sum(one.answer.status_code not in (401, 429) for one in asked)
            for who, token in target.tokens.items():
                found = await run(target, token, folder, examples=examples, seed=seed)
                print(f"{name}, token of {who}: {found.cases} cases in {found.seconds:.0f} s, {len(found.failures)} failures")
                if found.failures:
                    print(found.said)
                cases, failed = cases + found.cases, failed + len(found.failures)
            if target.log is not None:
                defects = target.log.read_text("utf-8", "replace").count("unexpected error")
    note = f"seed {seed}, {examples} examples an operation"
    return [
        figure(f"fuzz {name}: requests", cases, "requests", note=note),
        figure(f"fuzz {name}: 5xx, or another answer than the document says", failed, "failures", 0, note),
        figure(f"fuzz {name}: answers without authorisation", let_in, "answers", 0, f"of {len(asked)} asked"),
        figure(f"fuzz {name}: unexpected errors in the log", defects, "errors", 0, note),
    ]


def main() -> int:
    """0 where all goals hold, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz agent and HQ by their OpenAPI documents.")
    parser.add_argument("--examples", type=int, default=100, help="of each operation")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    parser.add_argument("--only", nargs="+", choices=TARGETS, default=list(TARGETS))
    args = parser.parse_args()
    rows = [row for name in args.only for row in asyncio.run(fuzz(name, args.examples, args.seed))]
    for row in rows:
        print(
            f"{row.name}: {row.value:g} {row.unit} {'' if row.holds is None else '(holds)' if row.holds else '(DOES NOT HOLD)'}"
        )
    merge(FILE, rows)
    return 0 if all(row.holds is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

"""One run of schemathesis against one target, and what it found."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.targets import Target

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PHASES = ("examples", "coverage", "fuzzing", "stateful")
_RUN_S = 3600.0


class Found(NamedTuple):
    """`failures`: one line each, with how to send it again. `seconds`: of the run."""

    cases: int
    operations: int
    failures: tuple[str, ...]
    seconds: float
    said: str


async def run(target: Target, token: str, folder: Path, *, examples: int, seed: int, phases: Sequence[str] = PHASES) -> Found:
    """Raises AssertionError where schemathesis itself could not work."""
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run"),
        *(target.url + "/openapi.json", "--header", f"Authorization: Bearer {token}", "--seed", str(seed)),
        *("--max-examples", str(examples), "--phases", ",".join(phases), "--continue-on-failure", "--no-color"),
        *("--generation-database", "none", "--request-timeout", "60", "--output-sanitize", "false"),
        *("--suppress-health-check", "all", "--report", "json", "--report-json-path", str(report)),
    ]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
        "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks",
        "FUZZ_KNOWN": json.dumps(target.known),
        "PYTHONPATH": str(ROOT),
    }
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(_RUN_S):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    said = out.decode("utf-8", "replace")
    assert report.exists(), said
    told = json.loads(report.read_text("utf-8"))
    assert told["complete"], said
    assert not told["errors"], said
    failures = tuple(json.dumps(one, ensure_ascii=False)[:4000] for one in told["failures"])
    return Found(told["test_cases"]["generated"], told["operations"]["tested"], failures, told["running_time"], said)

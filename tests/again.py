"""What failed beside others is played again alone: the second half of `make test` (docs/decisions/0035).

    python -m pytest -n 6 -p tests.again --record build/failed.json || python -m tests.again $?

As a plugin of pytest this module records what failed. As a command, with pytest's exit code, it decides: where at most `MOST`
tests failed, each is run `TIMES` times, in a process of its own with nothing beside it. Where all of these pass it names such
tests in build/unsteady.json and exits with 0; else with pytest's own code. Nothing is tried again after an exit code but 1, an
error of collection, a worker that died, or a failure in `STEADY`.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

MOST, TIMES = 3, 3
STEADY = ("tests/test_linters.py", "tests/test_promises.py", "tests/simulation/")
"""Neither the machine nor a clock has a say in these."""
RECORD, UNSTEADY = Path("build/failed.json"), Path("build/unsteady.json")
TESTS_FAILED = int(pytest.ExitCode.TESTS_FAILED)


class Recorder:
    """What one run of pytest came to; written to `path` at its end, and only then."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failed: dict[str, str] = {}
        """Test -> the first line of its first error."""
        self.broken: list[str] = []
        """What is no failure of a single test."""
        self.passed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.passed += report.passed and report.when == "call"
        if report.failed:
            self.failed.setdefault(report.nodeid, first_line(report))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.broken.append(f"{report.nodeid} can not be collected")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        if error:
            self.broken.append(f"worker {node.gateway.id} died")

    def pytest_sessionfinish(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        told = {"passed": self.passed, "failed": self.failed, "broken": self.broken}
        self.path.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def first_line(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else report.longreprtext
    return next((line for line in text.splitlines() if line.strip()), "?")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", type=Path, help="write what failed to this file, for tests/again.py")


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("record")
    if path is not None and not hasattr(config, "workerinput"):
        path.unlink(missing_ok=True)
        config.pluginmanager.register(Recorder(path))


def read(path: Path) -> dict[str, Any]:
    """A record; of a run that did not come to its end, one that is broken."""
    try:
        told: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        return {"passed": 0, "failed": {}, "broken": [f"there is no record of the run: {error}"]}
    return told


def why_red(code: int, told: dict[str, Any]) -> str:
    """Why nothing is tried again after a run with this exit code and record; empty where its failures are."""
    steady = [test for test in told["failed"] if test.startswith(STEADY)]
    if code != TESTS_FAILED:
        return f"pytest ended with {code}"
    if told["broken"]:
        return "; ".join(told["broken"])
    if not told["failed"]:
        return "no test failed, and pytest says so"
    if steady:
        return f"this can not be for want of a processor: {', '.join(steady)}"
    return f"{len(told['failed'])} tests failed, more than {MOST}" if len(told["failed"]) > MOST else ""


def passes_alone(test: str) -> bool:
    """Runs it once; its output is shown where it does not pass. A test that is skipped has not passed."""
    record = RECORD.with_name("again.json")
    command = (sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "tests.again", "--record", str(record), test)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    passed = done.returncode == 0 and read(record)["passed"] == 1
    if not passed:
        print(done.stdout, flush=True)
    return passed


def again(code: int) -> int:
    """The exit code of `make test` after pytest's own."""
    told = read(RECORD)
    if red := why_red(code, told):
        print(f"nothing is tried again: {red}", flush=True)
        return code
    print(f"\n{len(told['failed'])} failed; each again, alone, {TIMES} times", flush=True)
    for test in told["failed"]:
        for time in range(1, TIMES + 1):
            if not passes_alone(test):
                print(f"{test} fails alone too, run {time} of {TIMES}", flush=True)
                return code
            print(f"{test}: passed, {time} of {TIMES}", flush=True)
    unsteady = [{"test": test, "first_error": error} for test, error in told["failed"].items()]
    UNSTEADY.write_text(json.dumps(unsteady, indent=1) + "\n", "utf-8")
    print(f"\n=== failed beside others, passed alone {TIMES} of {TIMES} ===")
    for one in unsteady:
        print(f"{one['test']}\n    {one['first_error']}")
    print(f"To be mended next, and listed in {UNSTEADY} (docs/decisions/0035); what they said is above, in full.", flush=True)
    return 0


def main(arguments: Sequence[str]) -> int:
    return again(int(arguments[0]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

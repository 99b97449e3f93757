"""What `make test` does with tests that fail beside others (tests/again.py), by its own recipe, over tiny suites."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.again import MOST, why_red

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(sys.executable)
ENV = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p xdist"}
"""Without the plugins that these suites do not need: each run starts in half a second."""
UNSTEADY_TEST = """
import os
import pytest

@pytest.mark.parametrize("what", ["one::[x]", "it's $1"])
def test_beside(what):
    assert "PYTEST_XDIST_WORKER" not in os.environ, f"too much beside {what}"

def test_well():
    pass
"""
THIRD_TIME = """
from pathlib import Path

def test_third():
    with Path("runs").open("a") as runs:
        runs.write("x")
    assert len(Path("runs").read_text()) not in (1, 4)
"""
SKIPPED = """
import os
import pytest

def test_skipped():
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("not alone")
    raise OSError(98, "Address already in use")
"""
DIES = """
import os

def test_dies():
    if "PYTEST_XDIST_WORKER" in os.environ:
        os._exit(7)
"""


class Ended(NamedTuple):
    code: int
    said: str
    unsteady: Any


def recipe() -> str:
    """The lines of the Makefile's target `test`, as its shell gets them; two workers do for two tests."""
    rule = re.search(r"^test:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert rule
    lines = rule[1].replace("$(BIN)/python", f"'{HERE}'").replace("$$", "$").replace("-n 5", "-n 2")
    assert "$(" not in lines
    return "set -e\n" + lines.replace("\t", "")


def make_test(folder: Path, **files: str) -> Ended:
    (folder / "tests").mkdir()
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\ntestpaths = tests\n", "utf-8")
    for name, text in files.items():
        (folder / "tests" / f"{name}.py").write_text(text, "utf-8")
    done = subprocess.run(
        ["/bin/sh", "-c", recipe()], cwd=folder, env=ENV | {"PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    unsteady = folder / "build" / "unsteady.json"
    return Ended(done.returncode, done.stdout, json.loads(unsteady.read_text("utf-8")) if unsteady.exists() else None)


def test_what_passes_alone_three_times_is_named_and_does_not_fail_the_run(tmp_path: Path) -> None:
    ended = make_test(tmp_path, test_one=UNSTEADY_TEST)
    assert ended.code == 0, ended.said
    assert re.search(r"^=+ 2 failed, 1 passed in .* =+$", ended.said, re.MULTILINE), "pytest's own last line stays"
    assert ended.said.count("> ") >= 2, "the failures in full"
    _above, heading, below = ended.said.partition("=== failed beside others, passed alone 3 of 3 ===")
    assert heading
    names = [r"tests/test_one.py::test_beside[one::[x]]", r"tests/test_one.py::test_beside[it's $1]"]
    assert sorted(one["test"] for one in ended.unsteady) == sorted(names)
    for one in ended.unsteady:
        assert "AssertionError: too much beside" in one["first_error"]
        assert one["test"] in below
        assert one["first_error"] in below


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"test_third": THIRD_TIME}, "fails alone too, run 3 of 3"),
        ({"test_skipped": SKIPPED}, "fails alone too, run 1 of 3"),
        ({"test_dies": DIES}, "died"),
        ({"test_linters": UNSTEADY_TEST}, "can not be for want of a processor"),
        ({"test_one": UNSTEADY_TEST, "test_other": "import nothing_of_this_name"}, "can not be collected"),
    ],
)  # fmt: skip
def test_what_keeps_the_run_red(tmp_path: Path, files: dict[str, str], words: str) -> None:
    ended = make_test(tmp_path, **files)
    assert ended.code != 0, ended.said
    assert words in ended.said
    assert ended.unsteady is None


def test_a_run_without_failures_is_pytests_own_and_forgets_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "unsteady.json").write_text("[]", "utf-8")
    ended = make_test(tmp_path, test_one="def test_well():\n    pass\n")
    assert (ended.code, ended.unsteady) == (0, None), ended.said
    assert "again" not in ended.said.splitlines()[-1]


def told(*failed: str, broken: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"passed": 1, "failed": dict.fromkeys(failed, "AssertionError"), "broken": list(broken)}


@pytest.mark.parametrize(
    ("code", "record", "red"),
    [
        (1, told("tests/a/test_b.py::c"), ""),
        (1, told(*(f"tests/a/test_b.py::c{n}" for n in range(MOST))), ""),
        (1, told(*(f"tests/a/test_b.py::c{n}" for n in range(MOST + 1))), "4 tests failed, more than 3"),
        (1, told(), "no test failed, and pytest says so"),
        (2, told("tests/a/test_b.py::c"), "pytest ended with 2"),
        (3, told("tests/a/test_b.py::c"), "pytest ended with 3"),
        (137, told("tests/a/test_b.py::c"), "pytest ended with 137"),
        (1, told("tests/a/test_b.py::c", broken=("worker gw1 died",)), "worker gw1 died"),
        *(
            (1, told("tests/a/test_b.py::c", test), f"this can not be for want of a processor: {test}")
            for test in ("tests/test_linters.py::a[mypy]", "tests/test_promises.py::a", "tests/simulation/test_a.py::a")
        ),
    ],
)
def test_what_is_tried_again(code: int, record: dict[str, Any], red: str) -> None:
    assert why_red(code, record) == red


def test_a_run_that_left_no_record_is_red(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "failed.json").write_text('{"passed": 1, "failed": {"a": ', "utf-8")
    command = [HERE, "-m", "tests.again", "1"]
    done = subprocess.run(command, cwd=tmp_path, env=ENV, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "there is no record of the run" in done.stdout

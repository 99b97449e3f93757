"""Scenarios against device nodes that umockdev makes up: they run in a child process under the system's Python."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"
_NEEDED = "import gi; gi.require_version('UMockdev', '1.0'); import sys; print(*sys.version_info[:2], sep='.')"


@cache
def _missing() -> str:
    if shutil.which("umockdev-wrapper") is None:
        return "no umockdev-wrapper"
    done = subprocess.run([PYTHON, "-c", _NEEDED], capture_output=True, text=True, check=False, timeout=30)
    if done.returncode != 0:
        return f"{PYTHON}: {done.stderr.strip().splitlines()[-1]}"
    ours = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return "" if done.stdout.strip() == ours else f"{PYTHON} is not Python {ours}, whose packages the scenario needs"


def scenarios(module: str) -> list[str]:
    """The names of what `module` beside this file can play. It is read, not imported: it needs the system's Python."""
    text = Path(__file__).with_name(f"{module}.py").read_text("utf-8")
    return re.findall(r"^async def ([a-z]\w+)\(\) -> None:", text, re.MULTILINE)


def run(module: str, scenario: str, deadline_s: float = 60) -> str:
    """Run `scenario` of `module`; its failure is the test's. A machine without umockdev skips the test with the reason; CI
    fails it. Returns what it printed."""
    if reason := _missing():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            f"{reason}: apt-get install $(cat requirements/apt.txt)"
        )
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    done = subprocess.run(
        ["umockdev-wrapper", PYTHON, "-W", "error::ResourceWarning", "-m", f"tests.drivers.{module}", scenario],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*(str(ROOT / part) for part in ("agent", "drivers", "")), packages])},
        capture_output=True,
        text=True,
        check=False,
        timeout=deadline_s,
    )
    assert done.returncode == 0, f"{scenario}\n{done.stdout}{done.stderr}"
    assert f"{scenario} held" in done.stdout, done.stdout + done.stderr
    return done.stdout

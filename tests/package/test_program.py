"""What systemd starts, where what it needs is broken: said, and not tried again at full speed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from systemd.package.maintainer import program
from systemd.package.model import PACKAGES

ENDS_S = 60.0
TORN = "import tillkeeper.is_not_there\n"
"""As after a disk that lost some of the files; the same where one of them makes no sense."""


def started(folder: Path, text: str, package: str, **environment: str) -> subprocess.Popen[str]:
    """The program of a package, on an environment whose entry is `text`."""
    one = PACKAGES[package]
    entry = folder / Path(*one.entry.split(".")).with_suffix(".py")
    entry.parent.mkdir(parents=True)
    entry.with_name("__init__.py").touch()
    entry.write_text(text)
    called = folder / "called.py"
    called.write_text(program(one))
    given = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
    return subprocess.Popen(
        [sys.executable, str(called), "run"],
        env=given | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("text", [TORN, "def main():\n    import tillkeeper.is_not_there\n", "\0"])
def test_a_program_that_is_broken_says_so_and_stays_a_while_before_systemd_starts_it_again(
    package: str, text: str, tmp_path: Path
) -> None:
    with started(tmp_path, text, package, NOTIFY_SOCKET="/run/nobody") as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any(line.startswith(("ModuleNotFoundError", "SyntaxError", "ValueError")) for line in lines)
        with pytest.raises(subprocess.TimeoutExpired):  # else it would be tried again without a pause
            process.wait(0.5)
        process.terminate()
        assert process.wait(ENDS_S) == -signal.SIGTERM, "it does not keep anybody from stopping it"


def test_whoever_calls_it_from_a_shell_does_not_wait_and_gets_its_exit_code(tmp_path: Path) -> None:
    with started(tmp_path / "broken", TORN, "tillkeeper") as process:
        assert process.wait(ENDS_S) == 1
    with started(tmp_path / "whole", "def main():\n    return 4\n", "tillkeeper", NOTIFY_SOCKET="/run/nobody") as process:
        assert process.wait(ENDS_S) == 4

"""`run` where it can not start: one explained error with the exit code of `docs/cli.md`, never a traceback; and errors that
hold what others wrote do not steer the terminal."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.fake_agent import FakeAgent, Store, problem

from tillkeeper.cli import main


def start(data: Path, *more: str) -> tuple[int, str]:
    """Exit code and standard error of an agent that is expected to give up."""
    command = [sys.executable, "-m", "tillkeeper", "run", "--embedded", "--data", str(data), *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


def folder(name: str) -> Callable[[Path], None]:
    return lambda data: (data / name).mkdir(parents=True)


def file(name: str, text: str) -> Callable[[Path], None]:
    def write(data: Path) -> None:
        data.mkdir()
        (data / name).write_text(text)

    return write


@pytest.mark.parametrize(
    ("spoil", "options", "code", "words"),
    [
        (folder("journal.db"), (), 4, "journal.db"),
        (folder("ticket-codes.json"), (), 4, "ticket-codes.json"),
        (file("tillkeeper.sock", "not a socket"), (), 2, "another kind of file"),
        (folder("tillkeeper.sock"), (), 2, "another kind of file"),
        (folder("."), ("--listen", "0.0.0.0:0"), 2, "loopback"),
        (folder("."), ("--ready-file", "/dev/null/ready"), 2, "/dev/null/ready"),
    ],
)
def test_what_is_in_the_way_is_named(
    spoil: Callable[[Path], None], options: tuple[str, ...], code: int, words: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    spoil(data)
    returned, said = start(data, *options)
    assert (returned, "Traceback" in said) == (code, False), said
    assert words in said


def test_a_path_too_long_for_a_socket_is_named(tmp_path: Path) -> None:
    returned, said = start(tmp_path / ("d" * 120))
    assert (returned, "Traceback" in said) == (2, False), said
    assert "longer than" in said


def test_an_error_steers_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fault(handler: Any) -> bool:
        problem(handler, 409, cause="\x1b[2Jwiped\x9b31m", hint="\u202egnp.exe", subject="\x1b]0;title\x07")
        return True

    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.faults = [fault]
        assert main(["status", "--socket", str(agent.socket)]) == 1
    said = capsys.readouterr().err
    assert "wiped" in said
    assert not set(said) & set("\x1b\x9b\x07\u202e")

"""The questions as a technician meets them: a real process at a real terminal (pty)."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.setup.world import PIN, TOKEN, World, worlds

from tillkeeper.cli import exits
from tillkeeper.config.load import load

WAIT_S = 120.0
FIRST = (
    ("Name of the store", "Zum Anker"), ("Time zone", "Europe/Berlin"), ("Country", "DE"), ("Name of this register", "front"),
    ("Tax on 'food'", "19"), ("taken away", "7"), ("Tax on 'grocery'", "7"), ("Which does this register use", "127.0.0.1:9100"),
    ("Address of HQ", "https://hq.example"), ("Token of this register", TOKEN), ("PIN, 6 digits", PIN), ("The same again", PIN),
)  # fmt: skip
"""All that has no default, and some."""


class Terminal:
    """A process whose terminal this is; `said` is all that stood on it."""

    def __init__(self, command: list[str]) -> None:
        self.said = ""
        self._seen = 0
        self.pid, self._to = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "dumb"
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job ignores it, and so does what it starts
            os.execv(command[0], command)

    def prompt(self) -> str:
        """The next question, without what stands before it on the line; empty at the process' end."""
        till = time.monotonic() + WAIT_S
        while True:
            if found := re.search(r"(?:^|\n)([^\n]*): $", self.said[self._seen :].replace("\r", "")):
                self._seen = len(self.said)
                return found[1]
            assert time.monotonic() < till, self.said
            if select.select([self._to], [], [], 1.0)[0]:
                try:
                    data = os.read(self._to, 4096)
                except OSError:  # EIO: nobody has the other side open any more
                    data = b""
                if not data:
                    return ""
                self.said += data.decode("utf-8", "replace")

    def type(self, text: str) -> None:
        os.write(self._to, text.encode() + b"\n")

    def answer(self, *rows: tuple[str, str]) -> list[tuple[str, str]]:
        """Until the end: each answer once, in order, to the first question that has it; an empty line to all else. Those that
        are left over."""
        left = list(rows)
        while prompt := self.prompt():
            at = next((at for at, (part, _text) in enumerate(left) if part in prompt), None)
            self.type(left.pop(at)[1] if at is not None else "")
        return left

    def end(self) -> int:
        """The exit code; less than 0 for a signal."""
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self._to)
        return code


@pytest.fixture
def world() -> Iterator[World]:
    with worlds() as made:
        yield made


def talk(world: World, *rows: tuple[str, str]) -> tuple[int, str]:
    terminal = Terminal(world.command())
    left = terminal.answer(*rows)
    assert not left, (left, terminal.said)
    return terminal.end(), terminal.said


def test_a_register_is_set_up_and_nothing_secret_stands_on_the_screen(world: World) -> None:
    code, said = talk(world, *FIRST)
    assert code == exits.OK, said
    config = load(world.config)
    assert (config.store.name, config.store.currency, config.register.receipt_printer) == ("Zum Anker", "EUR", "receipt")
    assert Path(config.hq.token_file).read_text() == f"{TOKEN}\n"
    assert TOKEN not in said
    assert PIN not in said
    assert "--- /etc/tillkeeper/tillkeeper.toml ---" in said
    assert 'name = "Zum Anker"' in said  # the whole file, before it is written
    shown = said.index('name = "Zum Anker"')
    assert shown < said.index("Do this? yes, no, or again") < said.index("tillkeeper.toml: written")


def test_an_answer_that_can_not_be_says_why_and_is_asked_again(world: World) -> None:
    wrong = [
        ("Name of the store", ""), ("Time zone", "Europe/Berln"), ("Tax on 'food'", "abc"), ("PIN, 6 digits", "111111"),
        ("PIN, 6 digits", PIN), ("The same again", "271829"), ("Which does this register use", "9"),
    ]  # fmt: skip
    code, said = talk(world, *wrong, *FIRST)
    assert code == exits.OK, said
    for words in (
        "an answer is needed here",
        "did you mean Europe/Berlin?",
        "a number from 0 to 100",
        "this PIN is too easy: it has fewer than three different digits",
        "The two are not the same",
        "there is no number 9",
    ):
        assert words in said
    assert "111111" not in said


def test_once_more_with_empty_lines_changes_nothing(world: World) -> None:
    assert talk(world, *FIRST)[0] == exits.OK
    text = world.config.read_text() + "\n# ours\n[privacy]\nkeep_days = 30 # days\n"
    world.config.write_text(text)
    before = world.files()
    code, said = talk(world)
    assert code == exits.OK
    assert "[Zum Anker]" in said
    assert "There is nothing to change." in said
    assert world.files() == before


def test_one_answer_anew_changes_one_line(world: World) -> None:
    assert talk(world, *FIRST)[0] == exits.OK
    before = world.config.read_text().splitlines()
    assert talk(world, ("Name of the store", "Zur Krone"))[0] == exits.OK
    after = world.config.read_text().splitlines()
    assert [line for line in after if line not in before] == ['name = "Zur Krone"']
    assert len(after) == len(before)


def test_no_means_nothing_is_written(world: World) -> None:
    before = world.files()
    code, said = talk(world, *FIRST, ("Do this?", "no"))
    assert code == exits.INTERRUPTED
    assert "Nothing was changed." in said
    assert world.files() == before


def test_again_asks_everything_once_more_with_what_was_answered(world: World) -> None:
    rows = [row for row in FIRST if row[0] in ("Token of this register", "PIN, 6 digits", "The same again")]
    code, said = talk(world, *FIRST, ("Do this?", "again"), *rows)
    assert code == exits.OK, said
    assert "Name of the store, as receipts show it [Zum Anker]" in said
    assert load(world.config).store.name == "Zum Anker"


def test_ctrl_c_in_the_middle_of_a_secret_leaves_the_terminal_and_the_disk_as_they_were(world: World) -> None:
    before = world.files()
    terminal = Terminal(world.command())
    rows = list(FIRST)
    while "Token of this register" not in (prompt := terminal.prompt()):
        at = next((at for at, (part, _text) in enumerate(rows) if part in prompt), None)
        terminal.type(rows.pop(at)[1] if at is not None else "")
    os.kill(terminal.pid, signal.SIGINT)
    assert terminal.prompt() == ""
    assert "Nothing was changed." in terminal.said
    assert terminal.end() == exits.INTERRUPTED
    assert world.files() == before


def test_the_end_of_the_input_is_an_error_and_writes_nothing(world: World) -> None:
    before = world.files()
    done = subprocess.run(world.command(), input="Zum Anker\n", capture_output=True, text=True, check=False)
    assert done.returncode == exits.REFUSED
    assert "nobody answers 'Lines below it on receipts" in done.stderr
    assert "nothing was changed" in done.stderr
    assert "--answers FILE" in done.stderr
    assert world.files() == before


def test_bytes_that_are_no_utf_8_are_an_answer_that_can_not_be(world: World) -> None:
    done = subprocess.run(world.command(), input=b"\xff\xfe\nZum Anker\n", capture_output=True, check=False)
    assert b"this did not arrive as UTF-8" in done.stdout


WITHOUT_ROOT = """
import os, sys
from tillkeeper.cli import main, setup
if os.geteuid() == 0:
    os.setgroups([])
    os.setuid(65534)
sys.exit(main(["setup"]))
"""


def test_it_says_who_may() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_ROOT], input="", capture_output=True, text=True, check=False)
    assert done.returncode == exits.REFUSED
    assert "only root may write its configuration" in done.stderr
    assert "sudo tillkeeper setup" in done.stderr

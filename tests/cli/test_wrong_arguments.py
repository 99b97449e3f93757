"""What the API would refuse is exit code 2 before anything is sent; and what files and addresses are not, is said in words."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.fake_agent import FakeAgent, Store, problem
from tests.cli.test_views import sell

from tillkeeper.cli import main

Capture = pytest.CaptureFixture[str]


def code_of(arguments: list[str]) -> int:
    """argparse leaves by `SystemExit`, commands answer."""
    try:
        return main(arguments)
    except SystemExit as left:
        return int(left.code or 0)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("books --day yesterday", "YYYY-MM-DD"),
        ("check list --day 2030-02-30", "YYYY-MM-DD"),
        ("check list --limit 0", "from 1 to 500"),
        ("jobs list --limit 501", "from 1 to 500"),
        ("order --item cola:0", "from 1 to 999"),
        ("order --item cola:-1", "from 1 to 999"),
        ("order --item cola:1000", "from 1 to 999"),
        ("order --item cola:1.5", "from 1 to 999"),
        ("order --item cola --mod large:0", "no quantity"),
        ("order --item cola --seat 100", "from 1 to 99"),
        ("order --item cola --course x", "from 1 to 20"),
        ("order --item cola --covers -1", "from 0 to 999"),
        ("order --item cola --takeout --dine-in", "not allowed with"),
        ("check void-line B-001 l1:0 --reason wrong", "from 1 to 999"),
        ("check refund 17 --tender cash --reason cold --line l1:-2", "from 1 to 999"),
    ],
)
def test_a_value_that_can_not_be_is_refused_before_it_is_sent(line: str, words: str, tmp_path: Path, capsys: Capture) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        assert code_of([*line.split(), "--socket", str(agent.socket)]) == 2
        assert {request.path for request in agent.requests} <= {"/v1/catalogue"}
    assert words in capsys.readouterr().err


def test_a_field_that_only_the_agent_finds_wrong_is_a_wrong_command_line_too(tmp_path: Path) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.faults = [lambda handler: bool(problem(handler, 422, code="invalid_field", cause="too long at `by`")) or True]
        assert main(["status", "--socket", str(agent.socket)]) == 2


def test_journal_verify_tells_another_file_from_a_damaged_journal(tmp_path: Path, capsys: Capture) -> None:
    journal = sell(tmp_path)
    whole = journal.read_bytes()
    for other in (b"# Tillkeeper\n", b"SQLite format 3\0" + bytes(200)):
        (tmp_path / "other").write_bytes(other)
        assert main(["journal", "verify", str(tmp_path / "other")]) == 2
        assert "is not a journal" in capsys.readouterr().err
    spoilt = tmp_path / "spoilt.db"
    for damaged in (b"", whole[:40], whole[:5000], whole[:4096] + bytes(len(whole) - 4096)):
        spoilt.write_bytes(damaged)
        assert main(["journal", "verify", str(spoilt)]) == 5, len(damaged)
        assert "spoilt.db" in capsys.readouterr().err


def test_a_configuration_that_is_not_there_is_said_so(tmp_path: Path, capsys: Capture) -> None:
    absent = tmp_path / "nosuch.toml"
    assert main(["config", "check", str(absent)]) == 2
    assert capsys.readouterr().out == f"{absent}: there is no such file\n{absent}: 1 problem\n"


def test_a_taken_port_is_named(capsys: Capture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert main(["simulate", "printer", "--port", address.rpartition(":")[2]]) == 2
    assert f"can not listen on {address}" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of a process can not be set here")
@pytest.mark.parametrize(
    ("zone", "shown"), [("UTC", "2030-03-17 17:46:40 UTC"), ("America/New_York", "2030-03-17 13:46:40 EDT")]
)
def test_times_name_their_zone(zone: str, shown: str) -> None:
    code = "from tillkeeper.cli.output import clock; print(clock(1_900_000_000_000))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"TZ": zone}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == shown

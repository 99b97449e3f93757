"""`tillkeeper network`: what a person reads, what a program reads, what it exits with."""

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.cli.fake_agent import FakeAgent, Store, overloaded
from tests.support.prober import report, verdict

from tillkeeper import clock
from tillkeeper.cli import main
from tillkeeper.config.network import Link, Links
from tillkeeper.config.network_rules import KEY_DIGITS
from tillkeeper.contract.network import DiagnosisStepView, DiagnosisView, NetworkEntry, NetworkHistory, NetworkView
from tillkeeper.network import present
from tillkeeper.network.wire import Hello

HEEDS_CTRL_C = ("env", "--default-signal=INT")
"""Whoever started the tests in the background of a shell lets them, and all that they start, ignore it."""

Capture = pytest.CaptureFixture[str]
HELLO = Hello(version="0.1.0", pid=7, interface="eth0", raw=True)
LINKS = Links(cables={"front": Link(where="under the counter", cable_colour="yellow")})


def view(phase: Any, *faults: str, also: tuple[str, ...] = (), **changes: Any) -> NetworkView:
    """As the agent makes it of a report."""
    now_s = clock.boot_s()
    said = report(verdict(phase, *faults, also=also, since_s=now_s - 12.0), now_s)
    shown = present.shown("reporting", said, LINKS, "front", False)
    return msgspec.structs.replace(present.view(shown, HELLO, now_s, now_s, ""), **changes)


def silent() -> NetworkView:
    return present.view(present.shown("silent", None, LINKS, "front", False), None, 1.0, 60.0, "")


@contextlib.contextmanager
def agent(folder: Path, **answers: Any) -> Iterator[FakeAgent]:
    with FakeAgent(folder / "s", Store(folder)) as fake:
        fake.answers["GET /v1/network"] = msgspec.to_builtins(view("fine"))
        fake.answers |= {path: msgspec.to_builtins(answer) for path, answer in answers.items()}
        yield fake


def said(folder: Path, capsys: Capture, line: str, **answers: Any) -> str:
    with agent(folder, **answers) as fake:
        assert main([*line.split(), "--socket", str(fake.socket)]) == 0
    return capsys.readouterr().out


def test_now_says_what_is_wrong_what_that_rests_on_and_what_to_do(tmp_path: Path, capsys: Capture) -> None:
    now = view("confirmed", "cable", "switch_power", also=("device_silent:grill",))
    text = said(tmp_path, capsys, "network", **{"GET /v1/network": now})
    lines = text.splitlines()
    assert lines[0].startswith("[confirmed for 12")
    assert now.headline in lines[0]
    assert "cable or switch_power" in lines[0]
    assert now.works in text
    assert now.question in text
    for sentence in (*now.evidence, *now.what_to_do, now.also[0].text):
        assert sentence in text
    assert "yellow" in text
    assert "1000 questions" in text
    assert "COLUMN" not in text


def test_details_are_for_the_technician(tmp_path: Path, capsys: Capture) -> None:
    text = said(tmp_path, capsys, "network --details", **{"GET /v1/network": view("confirmed", "router_dead")})
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}
    assert rows["router"][1] == "no"
    assert rows["carrier"][1] == "yes"
    assert rows["gateway"][1] in ("no", "192.0.2.1")
    assert "no other register is heard" in text


def test_what_the_network_sent_steers_no_terminal(tmp_path: Path, capsys: Capture) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202e"
    now = view("confirmed", "router_dead", evidence=(f"It said {evil}",), headline=f"Dead {evil}")
    entry = NetworkEntry(
        entry_id="1", began_at_ms=1, ended_at_ms=None, lasted_s=None, going_on=True, faults=("x",), headline=evil, why=evil
    )
    text = said(
        tmp_path, capsys, "network --details", **{"GET /v1/network": now}
    ) + said(tmp_path, capsys, "network history", **{"GET /v1/network/history": NetworkHistory(entries=(entry,))})
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_json_is_the_answer_as_it_is(tmp_path: Path, capsys: Capture) -> None:
    now = view("fine")
    answer = json.loads(said(tmp_path, capsys, "network --json", **{"GET /v1/network": now}))
    assert answer == json.loads(msgspec.json.encode(now))


def test_a_silent_prober_is_said_with_what_to_do(tmp_path: Path, capsys: Capture) -> None:
    text = said(tmp_path, capsys, "network", **{"GET /v1/network": silent()})
    assert text.startswith("[checking] The prober is silent")
    assert "Selling goes on" in text
    gone = present.view(present.shown("silent", None, LINKS, "front", False), HELLO, 1.0, 2.0, "")
    assert "the last prober was 0.1.0, process 7" in said(tmp_path, capsys, "network", **{"GET /v1/network": gone})


def test_what_is_switched_off_is_said_so_and_not_for_fine(tmp_path: Path, capsys: Capture) -> None:
    off = present.view(present.shown("off", None, LINKS, "front", False), None, None, 60.0, "")
    answers = {"GET /v1/network": off, "GET /v1/network/history": NetworkHistory(entries=())}
    assert said(tmp_path, capsys, "network", **answers).startswith("[off] The network is not watched")
    history = said(tmp_path, capsys, "network history", **answers)
    assert "not watched" in history
    assert "nothing was wrong" not in history


def test_options_before_the_action_hold_for_it(tmp_path: Path, capsys: Capture) -> None:
    answers = {"GET /v1/network/history": NetworkHistory(entries=())}
    for line in ("network --json history", "network history --json"):
        assert json.loads(said(tmp_path, capsys, line, **answers))["entries"] == []
    with agent(tmp_path, **answers) as fake:
        assert main(["network", "--socket", str(fake.socket), "--timeout", "5", "history"]) == 0
        assert "nothing was wrong" in capsys.readouterr().out
        assert main(["network", "--watch", "--socket", str(fake.socket), "history"]) == 2
        assert "--watch" in capsys.readouterr().err


def test_history_shows_what_was_known_afterwards(tmp_path: Path, capsys: Capture) -> None:
    entries = (
        NetworkEntry(
            entry_id="3", began_at_ms=1_790_000_100_000, ended_at_ms=None, lasted_s=None, going_on=True, faults=("modem",),
            headline="The modem does not answer",
        ),
        NetworkEntry(
            entry_id="2", began_at_ms=1_790_000_000_000, ended_at_ms=1_790_000_090_000, lasted_s=90.0, going_on=False,
            faults=("cable", "switch_power"), headline="The cable or the switch", corrected_faults=("switch_power",),
            corrected_headline="The switch has no power", why="bar lost the connection in the same second",
        ),
        NetworkEntry(
            entry_id="1", began_at_ms=1_780_000_000_000, ended_at_ms=None, lasted_s=None, going_on=False,
            faults=("router_dead",), headline="The router does not answer", why="its end was not seen",
        ),
    )  # fmt: skip
    answer = NetworkHistory(entries=entries, more=True, trouble="No space left on device")
    text = said(tmp_path, capsys, "network history --limit 3", **{"GET /v1/network/history": answer})
    for words in ("goes on", "1.5 min", "end unknown", "afterwards known: The switch has no power", "bar lost", "No space"):
        assert words in text
    assert "--limit" in text
    empty = said(tmp_path, capsys, "network history", **{"GET /v1/network/history": NetworkHistory(entries=())})
    assert "nothing was wrong" in empty


def test_a_diagnosis_sends_its_wish_and_shows_what_was_found(tmp_path: Path, capsys: Capture) -> None:
    steps = (
        DiagnosisStepView(check="dhcp", state="done", words="One server", result={"server": "192.0.2.1", "dns": ["a", "b"]}),
        DiagnosisStepView(check="switch_port", state="skipped", words="The switch says nothing of itself"),
    )
    done = DiagnosisView(
        diagnosis_id="D1", state="done", started_at_ms=1, by="ana", steps=steps, took_s=7.5, pcap="/run/x.pcap"
    )
    with agent(tmp_path, **{f"POST {'/v1/network/diagnoses'}": done}) as fake:
        assert main(["network", "diagnose", "--pcap", "--by", "ana", "--key", "mine", "--socket", str(fake.socket)]) == 0
        assert fake.last().body == {"pcap": True, "by": "ana"}
        assert fake.last().key == "mine"
        text = capsys.readouterr().out
        assert "[done] dhcp: One server" in text
        assert "dns: a, b" in text
        assert "[skipped] switch_port" in text
        assert "done in 7.5 s" in text
        assert "/run/x.pcap" in text
        assert main(["network", "diagnose", "--json", "--socket", str(fake.socket)]) == 0
        assert json.loads(capsys.readouterr().out)["steps"][0]["check"] == "dhcp"
        failed = msgspec.structs.replace(done, state="failed", trouble="the prober went away")
        fake.answers["POST /v1/network/diagnoses"] = msgspec.to_builtins(failed)
        assert main(["network", "diagnose", "--socket", str(fake.socket)]) == 1
        assert "the prober went away" in capsys.readouterr().out


@pytest.mark.parametrize("as_json", [False, True])
def test_watching_says_each_change_outlives_the_agent_and_ends_by_ctrl_c(tmp_path: Path, as_json: bool) -> None:
    command = [*HEEDS_CTRL_C, sys.executable, "-m", "tillkeeper", "network", "--watch", "--socket", str(tmp_path / "s")]
    deadline = threading.Timer(60.0, lambda: process.kill())

    def line_with(words: str) -> str:
        assert process.stdout is not None
        for line in process.stdout:
            if words in line:
                return line
        raise AssertionError(f"it ended without {words!r}")

    with agent(tmp_path, **{"GET /v1/network": view("fine")}) as fake:
        process = subprocess.Popen([*command, *(["--json"] if as_json else [])], stdout=subprocess.PIPE, text=True)
        deadline.start()
        try:
            first = line_with("fine")
            assert not as_json or json.loads(first)["phase"] == "fine"
            fake.answers["GET /v1/network"] = msgspec.to_builtins(view("confirmed", "router_dead"))
            line_with("confirmed")
            fake.faults = [overloaded]  # as an agent that is stopping answers
            line_with("503")
            line_with("confirmed")
            fake.__exit__(None, None, None)
            line_with("can not be reached")
            fake.answers["GET /v1/network"] = msgspec.to_builtins(silent())
            fake.__enter__()
            line_with("silent")
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            deadline.cancel()
            process.kill()
            process.communicate()


def test_watching_what_is_not_there_is_exit_code_3(tmp_path: Path, capsys: Capture) -> None:
    assert main(["network", "--watch", "--socket", str(tmp_path / "nobody")]) == 3
    assert "can not be reached" in capsys.readouterr().err


def test_a_key_is_made_once_is_closed_to_others_and_is_one(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "beacon.key"
    before = os.umask(0o077)
    try:
        assert main(["network", "key", "--write", str(path)]) == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    first = path.read_text("ascii")
    assert len(bytes.fromhex(first.strip())) * 2 == KEY_DIGITS
    assert first.strip() not in capsys.readouterr().out
    assert main(["network", "key", "--write", str(path)]) == 2  # the other registers have this one
    assert "File exists" in capsys.readouterr().err
    assert path.read_text("ascii") == first
    other = tmp_path / "other.key"
    assert main(["network", "key", "--write", str(other), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == str(other)
    assert other.read_text("ascii") != first


@pytest.mark.parametrize("line", ["network --limit 3", "network history --limit 0", "network key", "network nonsense"])
def test_a_wrong_command_line_is_exit_code_2(line: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    assert ended.value.code == 2
    capsys.readouterr()

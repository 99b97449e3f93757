"""`tillkeeper 86`, `check await`, `--training`: what they send and show."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.fake_agent import FakeAgent, Store

from tillkeeper.cli import main

Capture = pytest.CaptureFixture[str]
DONE: dict[str, Any] = {"events": 1}


@pytest.mark.parametrize(
    ("line", "body"),
    [
        ("86 out cola --by ana", {"kind": "item", "subject_id": "cola", "state": "sold_out", "by": "ana"}),
        ("86 count burger 12", {"kind": "item", "subject_id": "burger", "state": "counting", "remaining": 12}),
        ("86 back bacon --modifier", {"kind": "modifier", "subject_id": "bacon", "state": "available"}),
    ],
)
def test_what_is_said_is_sent(tmp_path: Path, capsys: Capture, line: str, body: dict[str, Any]) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.answers["POST /v1/availability"] = DONE
        assert main([*line.split(), "--socket", str(agent.socket)]) == 0
        sent = agent.last().body
        assert {name: value for name, value in sent.items() if value != "" and (name != "by" or "by" in body)} == body
        assert body["subject_id"] in capsys.readouterr().out
        agent.answers["POST /v1/availability"] = {"events": 0}
        assert main([*line.split(), "--socket", str(agent.socket)]) == 0
        assert "nothing changed" in capsys.readouterr().out


def test_the_list_shows_names_and_what_is_left(tmp_path: Path, capsys: Capture) -> None:
    entries = [
        {"kind": "item", "subject_id": "cola", "state": "sold_out", "name": "Cola", "remaining": 0, "by": ""},
        {"kind": "modifier", "subject_id": "bacon", "state": "counting", "name": "Bacon", "remaining": 7, "by": "ana"},
    ]
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.answers["GET /v1/availability"] = {"entries": entries}
        assert main(["86", "list", "--socket", str(agent.socket)]) == 0
        cola, bacon = capsys.readouterr().out.splitlines()[1:]
        assert "sold out" in cola
        assert "0" not in cola
        assert bacon.split()[-2:] == ["7", "ana"]
        agent.answers["GET /v1/availability"] = {"entries": []}
        assert main(["86", "list", "--socket", str(agent.socket)]) == 0
        assert "everything is available" in capsys.readouterr().out


@pytest.mark.parametrize("line", ["86", "86 count cola", "86 count cola 0", "86 count cola 10000", "86 out"])
def test_what_it_can_not_be_is_refused_before_anything_is_sent(tmp_path: Path, line: str) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        with pytest.raises(SystemExit) as caught:
            main([*line.split(), "--socket", str(agent.socket)])
        assert caught.value.code == 2
        assert not agent.requests


def test_a_check_awaits_a_tender_or_no_more(tmp_path: Path) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.answers["POST /v1/checks/B-001/await"] = {"events": 1, "ticket_code": "B-001", "state": "open"}
        assert main(["check", "await", "B-001", "--tender", "card", "--socket", str(agent.socket)]) == 0
        assert agent.last().body["tender"] == "card"
        assert main(["check", "await", "B-001", "--no-more", "--socket", str(agent.socket)]) == 0
        assert agent.last().body["tender"] is None
        with pytest.raises(SystemExit):
            main(["check", "await", "B-001", "--socket", str(agent.socket)])


def test_the_list_of_checks_is_filtered_and_marks_practice(tmp_path: Path, capsys: Capture) -> None:
    row = {
        "check_id": "01", "ticket_code": "T-001", "number": None, "state": "open", "order_type": "drive_through",
        "synced": True, "opened_at_ms": 1_900_000_000_000, "table": "", "gross_minor": 100, "due_minor": 100,
        "training": True, "car": 4, "awaiting": "card",
    }  # fmt: skip
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.answers["GET /v1/checks"] = {"checks": [row], "next_before": None}
        options = ["--awaiting", "--type", "drive_through"]
        assert main(["check", "list", *options, "--socket", str(agent.socket)]) == 0
        asked = next(request.query for request in agent.requests if request.path == "/v1/checks")
        assert (asked["awaiting"], asked["order_type"]) == ("true", "drive_through")
        text = capsys.readouterr().out
        assert "TRAINING" in text
        assert "awaits card" in text
        assert "drive_through 4" in text
        with pytest.raises(SystemExit):
            main(["check", "list", "--awaiting", "--not-awaiting", "--socket", str(agent.socket)])


def test_practice_is_asked_for_by_an_option(tmp_path: Path, capsys: Capture) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.answers["POST /v1/checks"] = {"events": 1, "ticket_code": "T-001", "state": "open"}
        assert main(["check", "open", "--training", "--json", "--socket", str(agent.socket)]) == 0
        assert agent.last().body["training"] is True
        assert json.loads(capsys.readouterr().out)["ticket_code"] == "T-001"
        assert main(["check", "open", "--socket", str(agent.socket)]) == 0
        assert "training" not in agent.last().body

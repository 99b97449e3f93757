"""`tillkeeper cards`: what it shows of payments in doubt, and what it sends."""

from pathlib import Path
from typing import Any

import pytest
from tests.cli.fake_agent import FakeAgent, Store

from tillkeeper.cli import main

Capture = pytest.CaptureFixture[str]
ONE: dict[str, Any] = {
    "authorisation_id": "A1", "state": "unknown", "situation": "payment", "tender": "card", "kind": "card", "gateway": "bank",
    "amount_minor": 1250, "asked_at_ms": 0, "register": "front", "check_id": "C1", "ticket_code": "B-037", "purpose": "tender",
    "original": "", "reference": "", "label": "", "reason": "no answer within 60 s", "under_way": False, "tries": 3,
    "last_error": "",
}  # fmt: skip


def test_the_list_says_what_is_open_of_each_kind(tmp_path: Path, capsys: Capture) -> None:
    gateway = {"gateway": "bank", "tenders": ["card"], "reachable": False, "last_error": "can not be reached", "owed": 1}
    found = {
        "frozen": [ONE],
        "reversals_owed": [ONE | {"ticket_code": "", "state": "reversal_owed", "under_way": True}],
        "awaiting": [{"check_id": "C2", "ticket_code": "B-040", "tender": "card", "due_minor": 700, "opened_at_ms": 0}],
        "gateways": [gateway],
    }
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.answers["GET /v1/authorisations"] = found
        assert main(["cards", "--socket", str(agent.socket)]) == 0
        frozen, owed, awaiting, bank = capsys.readouterr().out.splitlines()
    assert "B-037" in frozen
    assert "12.50" in frozen
    assert "no answer within 60 s" in frozen
    assert "not placed" in owed
    assert "asking now" in owed
    assert "B-040" in awaiting
    assert "can not be reached" in bank


@pytest.mark.parametrize(("act", "became"), [("query", "approved"), ("abandon", "reversal_owed")])
def test_the_ways_out_are_sent_with_who_asks(tmp_path: Path, capsys: Capture, act: str, became: str) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        done = {"events": 1, "ticket_code": "B-037", "state": "open", "authorisation": became}
        agent.answers[f"POST /v1/checks/B-037/authorisation/{act}"] = done
        assert main(["cards", act, "B-037", "--by", "ana", "--socket", str(agent.socket)]) == 0
        assert agent.last().body == {"by": "ana"}
        assert became in capsys.readouterr().out

"""Taking money: tenders in the order of the command line, what can not work is said before anything is sent, and a payment
that stops on the way says what of it counts."""

import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from tests.cli.fake_agent import FakeAgent, Fault, Store, drop, problem

from tillkeeper.cli import main

Capture = pytest.CaptureFixture[str]
PAID = {"events": 1, "check_id": "c1", "ticket_code": "B-006", "state": "open"}


def agent_with_due(tmp_path: Path, due: int, paid: int = 0) -> FakeAgent:
    agent = FakeAgent(tmp_path / "s", Store(tmp_path))
    agent.answers |= {
        "GET /v1/checks/B-006": {"totals": {"due_minor": due, "paid_minor": paid}},
        "POST /v1/checks/B-006/tenders": PAID,
    }
    return agent


def pay(agent: FakeAgent, options: str) -> int:
    return main(["check", "pay", "B-006", *options.split(), "--socket", str(agent.socket)])


def sent(agent: FakeAgent) -> list[Any]:
    return [request.body for request in agent.requests if request.method == "POST"]


def fine(_handler: BaseHTTPRequestHandler) -> bool:
    return False


def refused(handler: BaseHTTPRequestHandler) -> bool:
    problem(handler, 422, code="unknown_tender", cause="there is no such tender")
    return True


def test_tenders_go_out_in_the_order_of_the_command_line(tmp_path: Path) -> None:
    with agent_with_due(tmp_path, 10752) as agent:
        assert pay(agent, "--cash 50 --tender voucher=30 --tender house --by Maya") == 0
        assert sent(agent) == [
            {"tender": "cash", "tendered_minor": 5000, "by": "Maya"},
            {"tender": "voucher", "tendered_minor": 3000, "by": "Maya"},
            {"tender": "house", "by": "Maya"},
        ]
        assert len({request.key for request in agent.requests if request.method == "POST"}) == 3


def test_an_order_takes_them_in_that_order_too(tmp_path: Path) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        order = ["order", "--item", "apple:9", "--cash", "1", "--tender", "voucher=2", "--cash", "--socket", str(agent.socket)]
        assert main(order) == 0
        assert sent(agent)[0]["tenders"] == [
            {"tender": "cash", "tendered_minor": 100},
            {"tender": "voucher", "tendered_minor": 200},
            {"tender": "cash"},
        ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--tender house --cash 50", "'house' has no amount"),
        ("--cash --tender voucher=30", "'cash' has no amount"),
        ("--cash 200 --tender voucher=30", "nothing is left for voucher 30.00 USD"),
        ("--cash 50 --tender voucher=57.52 --tender house", "nothing is left for house"),
        ("--cash= --tender voucher=30", "'' is not an amount"),
    ],
)
def test_what_leaves_nothing_for_a_later_tender_is_refused_before_anything_is_sent(
    options: str, words: str, tmp_path: Path, capsys: Capture
) -> None:
    with agent_with_due(tmp_path, 10752) as agent:
        assert pay(agent, options) == 2
        assert not sent(agent)
    assert words in capsys.readouterr().err


def test_an_order_whose_tender_without_amount_is_not_the_last_is_not_sent(tmp_path: Path) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        order = ["order", "--item", "apple", "--tender", "house", "--cash", "5", "--socket", str(agent.socket)]
        assert main(order) == 2
        assert not sent(agent)


@pytest.mark.parametrize(
    ("faults", "doubt"), [([fine, fine, fine, refused], False), ([fine, fine, fine, drop, drop], True)], ids=["refused", "lost"]
)
def test_a_payment_that_stops_on_the_way_says_what_counts(
    faults: list[Fault], doubt: bool, tmp_path: Path, capsys: Capture
) -> None:
    options = "--cash 50 --tender voucher=30 --tender house --key evening"
    with agent_with_due(tmp_path, 10752) as agent:  # the catalogue and the check are asked for first
        agent.faults = list(faults)
        assert pay(agent, options) == 7
        said = capsys.readouterr().err
        agent.faults = list(faults)
        assert pay(agent, options + " --json") == 7
        facts = json.loads(capsys.readouterr().err)
    assert "  BOOKED: cash 50.00 USD\n" in said
    assert facts["booked"] == ["cash 50.00 USD"]
    assert facts["in_doubt"] == (["voucher 30.00 USD"] if doubt else [])
    assert facts["not_booked"] == ([] if doubt else ["voucher 30.00 USD"]) + ["house (the rest)"]
    assert ("--key evening" in said) is doubt


def test_a_first_tender_that_is_refused_is_an_ordinary_refusal(tmp_path: Path, capsys: Capture) -> None:
    with agent_with_due(tmp_path, 10752) as agent:
        agent.faults = [fine, fine, refused]
        assert pay(agent, "--cash 50 --tender house") == 1
        assert len(sent(agent)) == 1
    assert "BOOKED" not in capsys.readouterr().err


def test_a_repetition_with_its_key_is_not_refused_for_what_it_paid_itself(tmp_path: Path) -> None:
    with agent_with_due(tmp_path, 2752, paid=8000) as agent:
        assert pay(agent, "--cash 50 --tender voucher=30 --tender house --key evening") == 0
        keys = [request.key for request in agent.requests if request.method == "POST"]
    assert keys == ["evening.1", "evening.2", "evening.3"]


def test_what_is_left_due_stands_on_a_line_of_its_own(tmp_path: Path, capsys: Capture) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        assert main(["order", "--item", "apple", "--cash", "0.10", "--socket", str(agent.socket)]) == 0
        left = capsys.readouterr().out
        assert main(["order", "--item", "apple", "--cash", "--socket", str(agent.socket)]) == 0
    (due,) = (line for line in left.splitlines() if line.startswith("DUE "))
    assert f"due {due.split()[1]}\n" in left
    assert "DUE" not in capsys.readouterr().out


def test_what_may_be_paid_at_a_silent_register_is_paid_where_it_is_said(tmp_path: Path) -> None:
    with agent_with_due(tmp_path, 300) as agent:
        assert pay(agent, "--cash --although-unreachable --by Maya") == 0
        assert sent(agent) == [{"tender": "cash", "by": "Maya", "although_unreachable": True}]

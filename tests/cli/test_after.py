"""`tillkeeper after`: each task with its check, and what resolves it as a command where there is one."""

from typing import Any

import pytest

from tillkeeper.cli import after, exits
from tillkeeper.cli.output import Money

MONEY = Money({"currency": "USD", "minor_digits": 2})
TASK: dict[str, Any] = {
    "task_id": "frozen_sale:A1", "kind": "frozen_sale", "register": "front", "words": "asked for", "hint": "Ask again.",
    "at_ms": 0, "amount_minor": 500, "check_id": "C1", "ticket_code": "A-003", "ways": [], "settles": False,
    "only_there": False,
}  # fmt: skip


def shown(**changes: Any) -> str:
    return after.text({"words": "1 thing.", "unknown": [], "tasks": [TASK | changes], "more": 0}, MONEY)


@pytest.mark.parametrize(("path", "body", "said"), [
    ("/v1/checks/C1/authorisation/query", {}, "tillkeeper cards query A-003"),
    ("/v1/checks/C1/authorisation/abandon", {}, "tillkeeper cards abandon A-003"),
    ("/v1/checks/C1/tenders", {"tender": "card"}, "tillkeeper check pay A-003 --tender card"),
    ("/v1/jobs/j1/release", {}, "tillkeeper jobs release j1"),
    ("/v1/checks/C1/refunds", {"tender": "cash"}, 'POST /v1/checks/C1/refunds {"tender": "cash"}'),
])  # fmt: skip
def test_what_resolves_it_is_a_command_where_there_is_one(path: str, body: dict[str, Any], said: str) -> None:
    lines = shown(ways=[{"label": "Do it", "path": path, "body": body}]).splitlines()
    assert f"  - Do it: {said}" in lines


def test_a_task_names_its_check_and_the_register_that_has_to_do_it() -> None:
    assert "check A-003  5.00 USD" in shown()
    assert "To be done" not in shown()
    assert "To be done at register front." in shown(only_there=True)


def test_a_refusal_says_the_option_that_goes_on_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    problem = {"type": "urn:tillkeeper:problem:may_be_paid", "cause": "silent", "hint": "ask the guest"}
    assert exits.explain(exits.ApiProblem(409, problem), as_json=False) == exits.REFUSED
    assert "hint: ask the guest (--although-unreachable)" in capsys.readouterr().err

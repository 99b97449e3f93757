"""How an error reads: operation and subject as people say them, in its text and in the API's problem document."""

import pytest

from tillkeeper.api.problems import problem_of
from tillkeeper.cli.exits import explain
from tillkeeper.errors import Refused


@pytest.mark.parametrize(
    ("operation", "subject", "said"),
    [
        ("take check", "check C-006", "take check C-006"),
        ("close", "day 2026-11-20", "close day 2026-11-20"),
        ("take check", "C-006", "take check C-006"),
        ("add lines", "check C-006", "add lines check C-006"),
        ("check", "check", "check check"),
        ("start", "", "start"),
    ],
)
def test_no_word_is_said_twice(operation: str, subject: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    error = Refused("busy", operation, subject, "somebody is at it")
    assert str(error) == problem_of(error)["detail"] == f"{said}: somebody is at it"
    explain(error, as_json=False)
    assert f"tillkeeper: {said}: somebody is at it" in capsys.readouterr().err

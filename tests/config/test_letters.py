"""The letters of ticket codes."""

from pathlib import Path

from tests.config.test_load import EXAMPLE, problems_of


def test_no_register_takes_the_letter_of_training(tmp_path: Path) -> None:
    (problem,) = problems_of(EXAMPLE.replace('letter = "B"', 'letter = "T"'), tmp_path)
    assert "training" in problem.what
    assert 'letter = "B"' in EXAMPLE.splitlines()[problem.line - 1]

"""Every built-in layout prints what it printed before."""

import pytest
from tests.layouts.golden_papers import FOLDER, papers

from tillkeeper.layouts import names


@pytest.mark.parametrize("name", sorted(names.builtin_layouts()))
def test_what_a_built_in_layout_prints(name: str) -> None:
    assert papers(name) == (FOLDER / f"{name}.txt").read_text("utf-8"), "wanted? python -m tests.layouts.golden_papers"


def test_no_paper_is_left_of_a_layout_that_went() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(names.builtin_layouts())

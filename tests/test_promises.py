"""`docs/promises.md` names a test for each promise that is kept; an id without a passing test is not kept."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
IDS = [
    *(f"P{n}" for n in range(1, 10)),
    *(f"T{n}" for n in range(1, 16)),
    *(f"E{n}" for n in range(1, 10)),
    *(f"I{n}" for n in range(1, 19)),
]


def rows() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (ROOT / "docs" / "promises.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 3 and re.fullmatch(r"[PTEI]\d+", cells[0]):
            assert cells[0] not in found, f"{cells[0]} stands twice"
            found[cells[0]] = cells
    return found


def test_every_promise_has_a_row() -> None:
    assert list(rows()) == IDS


@pytest.mark.parametrize("promise", IDS)
def test_a_kept_promise_names_tests_that_exist(promise: str) -> None:
    proof = rows()[promise][2]
    if proof.startswith("open"):
        return
    references = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", proof)
    assert references, f"{promise}: neither open nor a test: {proof}"
    for file, test in references:
        source = (ROOT / file).read_text()
        assert re.search(rf"^(async )?def {test}\(", source, re.MULTILINE), f"{promise}: {file} has no {test}"

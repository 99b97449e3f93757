"""docs/network.md says what the program does: every code, and the table of columns cell by cell."""

import re
from pathlib import Path

import pytest

from tillkeeper.network.faults import ADVISORIES, FAULTS

DOC = (Path(__file__).resolve().parents[2] / "docs" / "network.md").read_text("utf-8")
HEADS = ["verdict", "C", "B", "Ag", "As/Ap", "R", "T2", "M", "X", "D", "D'", "H", "S"]
COLUMNS = {
    "C": "carrier", "B": "broadcast", "Ag": "gateway", "As/Ap": "neighbours", "R": "router", "T2": "hop2", "M": "modem",
    "X": "anycast", "D": "resolver", "D'": "other_resolver", "H": "portal", "S": "hq",
}  # fmt: skip
SIGNS = {"yes": "1", "no": "0", "free": "*"}


def rows() -> dict[str, dict[str, str]]:
    """Code -> head -> cell of the table of verdicts."""
    found = {}
    table = DOC.partition("| " + " | ".join(HEADS) + " |\n")[2].partition("\n\n")[0]
    for line in table.splitlines()[1:]:
        first, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        for code in re.findall(r"`(\w+)`", first):
            found[code] = dict(zip(HEADS[1:], cells, strict=True))
    return found


def test_every_code_is_explained() -> None:
    missing = [code for code in (*FAULTS, *ADVISORIES) if f"`{code}`" not in DOC]
    assert not missing


@pytest.mark.parametrize("code", sorted(rows()))
def test_the_table_is_what_the_verdict_goes_by(code: str) -> None:
    columns = FAULTS[code].columns
    for head, cell in rows()[code].items():
        if cell in SIGNS.values():
            assert SIGNS[columns[COLUMNS[head]]] == cell, head


def test_the_table_has_every_verdict_that_columns_tell() -> None:
    told = {code for code, fault in FAULTS.items() if not fault.signs}
    assert told | {"captive_portal"} == set(rows())

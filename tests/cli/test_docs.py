"""`docs/cli.md` says what the program does."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from tillkeeper.cli import exits
from tillkeeper.cli.orders import read
from tillkeeper.contract.commands import PlaceOrder
from tillkeeper_hq import credentials

DOC = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
DAY = Path(__file__).resolve().parents[2] / "hw-fixtures" / "store" / "day.jsonl"


def test_the_table_of_exit_codes_has_exactly_those_that_there_are() -> None:
    table = DOC.read_text().partition("## Exit codes")[2].partition("\n## ")[0]
    codes = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)} - {
        exits.MAX_OPTION_NAMES
    }
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == codes


def test_the_credentials_of_the_example_are_taken(tmp_path: Path) -> None:
    example = DOC.read_text().partition("## HQ")[2].partition("```toml\n")[2].partition("```")[0]
    path = tmp_path / "credentials.toml"
    path.write_text(example)
    callers = credentials.load(path)
    tokens = re.findall(r'^token = "(.*)"', example, re.MULTILINE)
    assert len(tokens) == 2
    assert all(callers.caller(token) for token in tokens)


@pytest.mark.parametrize("tagged", [True, False])
def test_a_replayed_order_may_leave_its_type_out(tagged: bool, tmp_path: Path) -> None:
    line = json.loads(DAY.read_text().partition("\n")[0])
    assert line["place"]["type"] == "place_order"
    assert f'"type": "{line["place"]["type"]}"' in DOC.read_text()
    if not tagged:
        del line["place"]["type"]
    path = tmp_path / "orders.jsonl"
    path.write_text(json.dumps(line) + "\n")
    (order,) = read(path)
    assert isinstance(order.place, PlaceOrder)
    assert "type" not in order.body()
    assert msgspec.convert(order.body(), PlaceOrder) == order.place

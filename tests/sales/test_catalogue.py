"""Catalogue files: everything wrong at once, versions from content."""

import json

import pytest
from tests.sales.world import MENU, catalogue

from tillkeeper.errors import ConfigInvalid
from tillkeeper.file_problem import Problem
from tillkeeper.sales.catalogue import parse_catalogue

BROKEN = """
[[categories]]
id = "grill"
name = "Grill"

[[groups]]
id = "size"
name = "Size"
min = 2
max = 1
modifiers = [{ id = "big", name = "Big" }, { id = "big", name = "Bigger" }]

[[groups]]
id = "cup"
name = "Cup"
modifiers = [{ id = "big", name = "Big" }]

[[items]]
id = "tea"
name = "Tea"
price_minor = 250
tax = "fod"
category = "gril"
modifier_groups = ["sise", "size", "cup"]

[[items]]
id = "tea"
name = "Tea again\\u001b"
price_minor = 250
tax = "food"
category = "grill"

[[items]]
id = "milk"
name = "Milk"
price_minro = 250
tax = "food"
category = "grill"

[[discounts]]
id = "d"
name = "D"
scope = "check"
percent = 20
amount_minor = 100

[[discounts]]
id = "e"
name = "E"
scope = "check"
percent = "12.34567"

[[itmes]]
id = "x"
"""


def problems(data: bytes, name: str = "menu.toml", taxes: tuple[str, ...] | None = ("food",)) -> tuple[Problem, ...]:
    with pytest.raises(ConfigInvalid) as invalid:
        parse_catalogue(data, name, taxes)
    found = invalid.value.extra["problems"]
    assert isinstance(found, tuple)
    return found


def test_all_mistakes_are_reported_at_once_each_with_line_and_nearest_name() -> None:
    found = problems(BROKEN.encode())
    text = {(problem.line, problem.where): (problem.what, problem.nearest) for problem in found}
    said = "\n".join(map(str, found))
    tea = BROKEN.splitlines().index("[[items]]") + 1
    for what, near in (("category 'gril'", "grill"), ("tax category 'fod'", "food"), ("modifier group 'sise'", "size")):
        assert any(what in problem.what and problem.nearest == near and problem.line == tea for problem in found), what
    assert "max = 1 is less than min = 2" in said
    assert "modifier big stands 2 times" in said
    assert "stands in two of its groups" in said
    assert "this id stands 2 times" in said
    assert "control characters" in said
    assert "`price_minro`" in said
    assert "did you mean 'price_minor'?" in said
    assert "exactly one of percent, amount_minor and open" in said
    assert "more than four decimals" in said
    assert text[BROKEN.splitlines().index("[[itmes]]") + 1, "itmes"][1] == "items"


@pytest.mark.parametrize(
    ("data", "name", "what", "line"),
    [
        (b"[[items]\n", "m.toml", "is not TOML", 1),
        (b"a = 1\n\xff", "m.toml", "is not UTF-8", 2),
        (b"{", "m.json", "is not JSON", 0),
        (b"[]", "m.json", "one object", 0),
        (b"[" * 100_000 + b"]" * 100_000, "m.json", "nested too deeply", 0),
        (b"a = " + b"[" * 100_000, "m.toml", "nested too deeply", 0),
        (b"", "m.toml", "at least one item", 0),
        (b'items = "x"', "m.toml", "list of tables", 0),
        (b"#" * (17 * 1024 * 1024), "m.toml", "at most", 0),
    ],
)
def test_files_that_are_no_catalogue(data: bytes, name: str, what: str, line: int) -> None:
    (problem,) = problems(data, name)
    assert what in problem.what
    assert problem.line == line


def test_the_version_follows_the_content_and_nothing_else() -> None:
    assert catalogue().version == parse_catalogue(("# a comment\n" + MENU).encode(), "other.toml").version
    assert catalogue().version != parse_catalogue(MENU.replace("1999", "2000").encode(), "menu.toml").version
    assert catalogue().sha256.startswith(catalogue().version)


def test_a_snapshot_survives_its_own_form() -> None:
    again = parse_catalogue(catalogue().encode(), "snapshot.json")
    assert again == catalogue()
    assert again.items["beer"].name == "пиво 啤酒"


def test_json_takes_the_same_shape() -> None:
    item = {"id": "tea", "name": "Tea", "price_minor": 250, "tax": "food", "category": "grill"}
    shop = {"categories": [{"id": "grill", "name": "Grill"}], "items": [item]}
    assert parse_catalogue(json.dumps(shop).encode(), "shop.json").items["tea"].price_minor == 250


def test_too_many_problems_are_cut_off() -> None:
    item = {"id": "tea", "name": "Tea", "price_minor": -1, "tax": "food", "category": "grill"}
    assert len(problems(json.dumps({"items": [item] * 1000}).encode(), "shop.json")) == 200

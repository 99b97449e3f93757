"""Changing a configuration that people have edited: their lines and comments stay, and nothing else is touched."""

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tillkeeper.config.embedded import example_toml
from tillkeeper.errors import ConfigInvalid
from tillkeeper.setup import text

PATHS = st.sampled_from(
    [
        ("store", "name"), ("store", "receipt_header"), ("devices", "bar", "address"), ("devices", "new", "kind"),
        ("devices", "new", "serial", "baud"), ("stations", "grill", "devices"), ("registers", "bar", "letter"), ("hq", "url"),
        ("network", "links", "cables", "front", "where"), ("routing", "categories", "soft drinks"), ("fire",),
        ("lan", "listen"),
        ("taxes", "rates", "tax-7", "percent"), ("devices", "bar"), ("routing", "categories"), ("hq",), ("tenders", "euro"),
    ]
)  # fmt: skip
TABLES = {("devices", "bar"), ("routing", "categories"), ("hq",), ("tenders", "euro")}
"""No value takes their place."""
VALUES = st.one_of(
    st.text(st.characters(blacklist_categories=("Cs",)), max_size=20), st.booleans(), st.integers(0, 10_000),
    st.lists(st.text("abc'\"\\ é", max_size=5), max_size=3),
)  # fmt: skip


def changed(document: dict[str, Any], wanted: list[tuple[text.Path, Any]]) -> dict[str, Any]:
    for path, value in wanted:
        table = document
        for key in path[:-1]:
            table = table.setdefault(key, {}) if value is not text.GONE else table.get(key, {})
        if value is text.GONE:
            table.pop(path[-1], None)
        else:
            table[path[-1]] = value
    return document


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(PATHS, st.one_of(VALUES, st.just(text.GONE))), max_size=6))
def test_edits_of_a_commented_file_change_what_was_wanted_and_nothing_else(wanted: list[tuple[text.Path, Any]]) -> None:
    wanted = [(path, value) for path, value in wanted if value is text.GONE or path not in TABLES]
    before = example_toml()
    made = text.edited(before, wanted, "tillkeeper.toml")
    assert tomllib.loads(made) == changed(tomllib.loads(before), wanted)


def test_comments_and_order_stay_where_values_change() -> None:
    before = example_toml()
    wanted: list[tuple[text.Path, Any]] = [
        (("store", "name"), "Anker"), (("hq", "url"), "https://hq.example"), (("devices", "bar"), text.GONE),
        (("registers", "back", "letter"), "C"), (("network", "key_file"), "beacon.key"), (("stations", "bar"), text.GONE),
        (("devices", "new", "kind"), "escpos"), (("devices", "new", "address"), "usb:port=1-1"),
    ]  # fmt: skip
    made = text.edited(before, wanted, "tillkeeper.toml")
    assert tomllib.loads(made) == changed(tomllib.loads(before), wanted)
    gone = [line for line in before.splitlines() if line not in made.splitlines()]
    assert len(gone) < 16, gone
    comments = [line for line in before.splitlines() if line.startswith("# ")]
    kept = [line for line in comments if line in made]
    assert len(kept) >= len(comments) - 2  # those between the tables that went


def test_no_change_is_the_same_bytes() -> None:
    odd = 'a   =  1 # x\r\n[ b . c ]\r\n  d = """\r\nx"""\r\n'
    assert text.edited(odd, [], "x") == odd


def test_a_text_that_can_not_be_edited_is_said_and_left_alone() -> None:
    with pytest.raises(ConfigInvalid, match="by hand"):
        text.edited('store = "a text"\n', [(("store", "name"), "Anker")], "tillkeeper.toml")


def test_differences_are_found_at_the_leaf() -> None:
    before = {"a": 1, "t": {"x": 1, "gone": 2}, "old": {"y": 1}}
    after = {"a": 1, "t": {"x": 2, "new": {"z": [1]}}, "empty": {}}
    assert text.changes(before, after) == [
        (("old",), text.GONE), (("t", "gone"), text.GONE), (("t", "x"), 2), (("t", "new", "z"), [1]), (("empty",), {}),
    ]  # fmt: skip

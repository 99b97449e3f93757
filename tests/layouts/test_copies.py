"""Copies of receipts: the word of the country, how many, and what they carry."""

import asyncio
import tomllib
from pathlib import Path

import msgspec
import pytest
from tests.layouts.test_rules import RECEIPT, TAIL, layout
from tests.layouts.test_shelf import folder
from tests.layouts.world import paper_of, store, text_of, with_layouts
from tests.till.world import COLA, config_in, running

from tillkeeper.config.model import Config
from tillkeeper.errors import ConfigInvalid, Refused
from tillkeeper.layouts import copies, names, samples, shelf


def test_every_rule_says_what_it_rests_on() -> None:
    assert set(copies.rules()) == set(names.country_tables())
    for country, rule in copies.rules().items():
        assert len(country) == 2
        assert rule.word, country
        assert rule.basis == "custom" or rule.source, country
        assert rule.basis != "custom" or rule.most is None, f"{country}: a limit without a source"


@pytest.mark.parametrize(
    ("country", "language", "mark"),
    [
        ("", "en", "COPY 2"),
        ("", "de", "KOPIE 2"),
        ("FR", "fr", "DUPLICATA 2"),
        ("BE", "de", "DUPLICATA 2"),
        ("NO", "en", "KOPI 2"),
    ],
)
def test_a_copy_carries_the_word_of_its_country(country: str, language: str, mark: str) -> None:
    config = store(country=country, language=language)
    said = text_of(paper_of(samples.sample("receipt", config, copy=2), config)).splitlines()
    assert said[0].strip() == mark


def test_a_copy_carries_the_time_of_its_original() -> None:
    config = store()
    assert "Original 2026-03-14 08:09" in text_of(paper_of(samples.sample("receipt", config, copy=1), config))
    assert "Original" not in text_of(paper_of(samples.sample("receipt", config), config))


def test_where_the_law_wants_that_time_no_layout_may_leave_it_out(tmp_path: Path) -> None:
    own = folder(tmp_path, receipt=layout("receipt", RECEIPT + TAIL))
    shelf.chosen(with_layouts(store(), folder=own))
    with pytest.raises(ConfigInvalid, match=r"a copy in NO carries the time of its original: \{original_date\} is missing"):
        shelf.chosen(with_layouts(store(country="NO"), folder=own))


@pytest.mark.parametrize(
    ("country", "most", "printed", "refused"),
    [("", None, 500, False), ("US", None, 500, False), ("NO", None, 1, False), ("NO", None, 2, True), ("NO", 3, 3, False),
     ("", 0, 1, True), ("DE", 2, 2, False), ("DE", 2, 3, True)],
)  # fmt: skip
def test_how_many_copies(country: str, most: int | None, printed: int, refused: bool) -> None:
    config = with_layouts(store(country=country), most_copies=most)
    if not refused:
        copies.refuse_copies(printed, config, "B-001")
        return
    with pytest.raises(Refused) as caught:
        copies.refuse_copies(printed, config, "B-001")
    assert caught.value.code == "copies_exhausted"


def norwegian(tmp_path: Path) -> Config:
    config = config_in(tmp_path)
    return msgspec.structs.replace(config, store=msgspec.structs.replace(config.store, country="NO"))


def test_the_register_refuses_a_second_copy_in_norway(tmp_path: Path) -> None:
    async def scene() -> None:
        async with running(norwegian(tmp_path)) as register:
            sold = await register.post("/orders", {"order_type": "takeout", "lines": [COLA], "tenders": [{"tender": "cash"}]})
            path = f"/checks/{sold['check_id']}/receipt"
            assert len((await register.post(path, key="once"))["jobs"]) == 1
            refused = await register.post(path, status=422)
            assert refused["type"].endswith(":copies_exhausted")
            assert refused["most_copies"] == 1
            assert len((await register.post(path, key="once"))["jobs"]) == 1, "the same key has the answer of then"

    asyncio.run(scene())


def test_the_table_in_the_documentation_is_that_of_the_data() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "layouts.md").read_text("utf-8")
    table = text.partition("## Copies")[2].partition("\n## ")[0]
    for country, rule in tomllib.loads(names._folder().joinpath("countries.toml").read_text("utf-8")).items():
        row = next((line for line in table.splitlines() if line.startswith("|") and country in line.split("|")[1].split()), "")
        assert rule["word"] in row, country
        assert rule["basis"] in row, country
        assert str(rule.get("most", "any")) in row, country

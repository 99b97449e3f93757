"""What a machine says of itself, as defaults; and what is never guessed."""

import re
from pathlib import Path

import pytest
from tests.setup.world import worlds

from tillkeeper.layouts.names import languages
from tillkeeper.setup import countries, machine, site, units
from tillkeeper.setup.asking import Wrong


@pytest.mark.parametrize(
    ("zone", "land"), [("Europe/Berlin", "DE"), ("America/New_York", "US"), ("Asia/Tokyo", "JP"), ("Nowhere/X", ""), ("", "AT")]
)
def test_a_country_is_that_of_the_zone(zone: str, land: str) -> None:
    """Of the locale only where no zone is set: machines are shipped with one of somewhere else."""
    assert machine.country(zone, "de_AT.UTF-8") == land


@pytest.mark.parametrize(
    ("target", "zone"),
    [
        ("/usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin"),
        ("../usr/share/zoneinfo/Etc/UTC", ""),
        ("/usr/share/zoneinfo/UTC", ""),
    ],
)
def test_utc_is_no_stores_zone(tmp_path: Path, target: str, zone: str) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/localtime").symlink_to(target)
    assert machine.timezone(tmp_path) == zone


@pytest.mark.parametrize(
    ("text", "tongue", "words"),
    [('LANG="de_DE.UTF-8"\n', "de_DE.UTF-8", "de"), ("LANG=C.UTF-8\n", "", ""), ("LANG=en_GB.UTF-8\n", "en_GB.UTF-8", "en-GB"),
     ("#LANG=fr_FR\nLANG=de_CH\n", "de_CH", "de-CH"), ("LANG=fi_FI.UTF-8\n", "fi_FI.UTF-8", "")],
)  # fmt: skip
def test_the_locale_says_the_language_where_there_are_words(tmp_path: Path, text: str, tongue: str, words: str) -> None:
    (tmp_path / "etc/default").mkdir(parents=True)
    (tmp_path / "etc/default/locale").write_text(text)
    assert machine.locale(tmp_path) == tongue
    assert machine.language(tongue) == words


def test_currencies_and_languages_of_countries_are_ones() -> None:
    lands = [f"{a}{b}" for a in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    assert all(re.fullmatch("[A-Z]{3}|", countries.currency_of(land)) for land in lands)
    assert {countries.language_of(land) for land in lands} <= languages()
    assert [countries.tax_included(land) for land in ("US", "CA", "DE", "")] == [False, False, True, True]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("none.toml", None, "there is no file"),
        ("empty.toml", "", "needs at least one item"),
        ("bad.toml", "[[items]]\n", "items"),
        ("orders.tsv", "a\tb\n", "column is missing"),
        ("bytes.tsv", "\udcff", "is not UTF-8 text"),
    ],
)
def test_a_menu_that_is_none_says_why(name: str, content: str | None, why: str) -> None:
    with worlds() as world:
        if content is not None:
            (world.folder / name).write_bytes(content.encode("utf-8", "surrogateescape"))
        with pytest.raises(Wrong, match=why):
            machine.read_menu(site.find(world.root), name, start=world.folder)


def test_units_are_restarted_only_where_they_read_something_new() -> None:
    all_of_them = list(units.UNITS)
    assert units.commands([], again=units.AGAIN) == []
    both = ["systemctl", "restart", "tillkeeper.service", "tillkeeper-probe.service"]
    assert both in units.commands(all_of_them, again=units.AGAIN)
    assert ["systemctl", "restart", "tillkeeper-probe.service"] in units.commands(all_of_them, again=(units.PROBER,))
    assert not any("restart" in command for command in units.commands(all_of_them))

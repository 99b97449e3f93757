"""The language files: complete where they have to be, with the placeholders of the English phrases, in letters that print."""

import re
import tomllib
from datetime import UTC, datetime

import pytest

from tillkeeper.layouts import names, placeholders
from tillkeeper.layouts.language import language, own_words, parse
from tillkeeper.layouts.shelf import english
from tillkeeper_drivers.escpos.encoder import pages_of
from tillkeeper_drivers.escpos.profile import profile

TAGS = sorted(names.languages())
WITHOUT_REPORTS = {"ar", "el", "ja", "pl", "ru", "tr", "zh"}
"""X and Z reports and the test slip are English there: their words were left out rather than guessed."""
PROMISED = {"en", "de", "fr", "es", "it", "pt", "pl", "el", "tr", "ru", "ja", "zh", "ar"}


def table(tag: str) -> dict[str, object]:
    return tomllib.loads(names.language_text(tag))


def test_the_promised_languages_are_there() -> None:
    assert set(TAGS) >= PROMISED


@pytest.mark.parametrize("tag", TAGS)
def test_a_file_has_all_its_words_and_no_others(tag: str) -> None:
    own = own_words(names.language_text(tag))
    assert set(own) <= set(english())
    left_out = ("report.", "test.") if tag in WITHOUT_REPORTS else ()
    if "base" not in table(tag):
        assert {key for key in set(english()) - set(own) if not key.startswith(left_out)} == set()
    assert all(isinstance(word, str) and word.strip() for word in own.values())
    assert language(tag).name


@pytest.mark.parametrize("tag", TAGS)
def test_a_phrase_has_the_fields_of_the_english_one(tag: str) -> None:
    for key, phrase in own_words(names.language_text(tag)).items():
        assert set(placeholders.names(phrase)) == set(placeholders.names(english()[key])), key


@pytest.mark.parametrize("tag", TAGS)
def test_each_phrase_is_one_line_and_fits_a_narrow_paper(tag: str) -> None:
    for key, phrase in own_words(names.language_text(tag)).items():
        assert phrase.isprintable(), key
        if not key.startswith(("test.", "report.")):
            assert len(re.sub(r"\{\w+\}", "", phrase)) <= 28, key


@pytest.mark.parametrize("tag", [tag for tag in TAGS if language(tag).on_paper])
def test_words_for_paper_print_as_they_are(tag: str) -> None:
    pages = pages_of(profile("tm-m30").codec_pages())
    for key, phrase in language(tag).words.items():
        assert pages.transliterate(phrase) == phrase, key


@pytest.mark.parametrize("tag", ["ar", "ja", "zh"])
def test_scripts_that_no_printer_has_stay_on_displays(tag: str) -> None:
    spoken = language(tag)
    assert spoken.word("ticket.void") != "VOID"
    assert spoken.printable().word("ticket.void") == "VOID"
    assert spoken.printable().formats == spoken.formats


def test_order_types_are_called_as_people_call_them() -> None:
    wanted = {
        "en": "TAKEOUT", "en-GB": "TAKEAWAY", "de": "ZUM MITNEHMEN", "fr": "À EMPORTER", "es": "PARA LLEVAR",
        "it": "DA ASPORTO", "pt": "PARA LEVAR", "pl": "NA WYNOS", "ru": "С СОБОЙ",
    }  # fmt: skip
    assert {tag: language(tag).order_type("takeout") for tag in wanted} == wanted
    assert language("de").order_type("room_service") == "ROOM SERVICE", "of another version: shown, never left out"


@pytest.mark.parametrize(
    ("tag", "money", "percent", "day", "time"),
    [
        ("en", "EUR 1234.56", "8.875 %", "2026-03-04", "15:06"),
        ("en-US", "EUR 1234.56", "8.875 %", "03/04/2026", "03:06 PM"),
        ("de", "EUR 1234,56", "8,875 %", "04.03.2026", "15:06"),
        ("de-CH", "EUR 1'234.56", "8.875 %", "04.03.2026", "15:06"),
        ("fr", "1234,56 EUR", "8,875 %", "04/03/2026", "15:06"),
        ("es-MX", "EUR 1,234.56", "8.875 %", "04/03/2026", "15:06"),
        ("tr", "1234,56 EUR", "%8,875", "04.03.2026", "15:06"),
        ("ja", "EUR 1,234.56", "8.875%", "2026/03/04", "15:06"),
    ],
)
def test_numbers_and_times(tag: str, money: str, percent: str, day: str, time: str) -> None:
    spoken = language(tag)
    at_ms = int(datetime(2026, 3, 4, 15, 6, 7, tzinfo=UTC).timestamp() * 1000)
    assert spoken.money(123_456, 2, "EUR") == money
    assert spoken.percent(88_750) == percent
    assert (spoken.date(at_ms, "UTC"), spoken.time(at_ms, "UTC"), spoken.day("2026-03-04")) == (day, time, day)
    assert spoken.date(None, "UTC") == spoken.time(None, "UTC") == ""
    assert spoken.day("some day") == "some day"


@pytest.mark.parametrize("tag", TAGS)
def test_amounts_read_back(tag: str) -> None:
    formats = language(tag).formats
    for minor in (0, 5, -5, 99, -100, 123_456, -98_765_432_101):
        text = language(tag).amount(minor, 2)
        if formats.thousands:
            text = text.replace(formats.thousands, "")
        assert round(float(text.replace(formats.decimal, ".")) * 100) == minor


def test_what_nobody_knows_is_english() -> None:
    assert language("tlh") is language("en")
    assert language("de-AT-1996").tag == "de"
    half = parse("xx", 'name = "X"\n[ticket]\nvoid = "WEG"\n')
    assert (half.word("ticket.void"), half.word("ticket.add"), half.word("report.some_thing")) == ("WEG", "ADD", "some thing")

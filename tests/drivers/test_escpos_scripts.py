"""Orders in every script on every model: what the simulated printer prints is what docs/printing-text.md promises."""

import tomllib
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import printed_scripts
from tests.support.paper_of import PRINTERS, effects, lines
from tests.support.scripts import ORDERS

from tillkeeper_drivers.api import Block, Columns, PrintDocument, Rule, Text
from tillkeeper_drivers.escpos.encoder import MAX_LINES, EncodingError, encode, pages_of
from tillkeeper_drivers.escpos.profile import load_profiles
from tillkeeper_drivers.escpos.text import wrap
from tillkeeper_drivers.escpos.wide import cells
from tillkeeper_drivers.simulator.charset import UNDEFINED
from tillkeeper_drivers.simulator.effects import Printed, Unknown
from tillkeeper_drivers.simulator.models import model

ROOT = Path(__file__).resolve().parents[2]
TEXT_FIXTURES = sorted((ROOT / "hw-fixtures").glob("*/text.toml"))
ANY_TEXT = st.text(max_size=60) | st.text(
    st.sampled_from("aé Şž,.(12) борЩґ Ωλ ởĐẶ´̣ サー鮨握り饭米 بيتزالةإ ַשלום[ץ] 🍕\x1b\x10\x04\x1d\ue000"), max_size=60
)


def fixture_lines() -> list[tuple[str, str, str, str]]:
    return [
        (f"{path.parent.name}: {line['what']}", line["profile"], line["text"], line["bytes"])
        for path in TEXT_FIXTURES
        for line in tomllib.loads(path.read_text("utf-8"))["line"]
    ]


@pytest.mark.parametrize(("what", "name", "text", "expected"), fixture_lines(), ids=lambda value: str(value)[:40])
def test_a_line_is_encoded_as_its_fixture_says(what: str, name: str, text: str, expected: str) -> None:
    sent = encode(PrintDocument("job", (Text(text),), cut=False), load_profiles()[name], None)
    assert sent.endswith(b"\x1bt\x00" + bytes.fromhex(expected) + b"\n"), (what, sent.hex(" "))


def test_the_document_says_what_comes_out() -> None:
    """`python -m tests.support.printed_scripts` writes it anew."""
    assert printed_scripts.DOCUMENT.read_text("utf-8") == printed_scripts.renewed()


@pytest.mark.parametrize("name", PRINTERS)
def test_orders_are_readable_on_every_model(name: str) -> None:
    for order in ORDERS:
        printed = lines(name, (Text(f"2 x {order.name}"), Text(f"  + {order.extra}"), Columns(order.name, order.price)))
        text = "\n".join(printed)
        assert UNDEFINED not in text
        assert "?" not in text, (order.script, text)
        assert printed[0].startswith("2 x ")
        assert sum(map(str.isalpha, text)) >= 10, (order.script, text)


@pytest.mark.parametrize("name", PRINTERS)
def test_prices_and_latin_words_stay_right_beside_words_from_the_right(name: str) -> None:
    rows = lines(name, (Columns("2 x בירה Zero 1.5", "12.50"), Columns("بيتزا XL 2", "18.00"), Text("+ 2 קרח")))
    assert rows[0].startswith("2 x ")
    assert "Zero 1.5" in rows[0]
    assert rows[0].endswith(" 12.50")
    assert "XL" in rows[1]
    assert rows[1].endswith(" 18.00")
    assert rows[2].startswith("+ 2 ")


def test_words_from_the_right_are_printed_from_their_last_letter() -> None:
    assert lines("tm-t88v", (Text("2 x חומוס (גדול) Zero"),)) == ["2 x Zero (לודג) סומוח"]
    assert lines("tm-t88v", (Text("Cola עם לימון"),)) == ["Cola ןומיל םע"]
    assert lines("tm-t88v", (Text("   בלי בצל!"),)) == ["   !לצב ילב"]


def test_arabic_letters_take_the_form_that_their_neighbours_ask_for() -> None:
    pages = pages_of(load_profiles()["tm-t88v"].codec_pages())
    assert [unicodedata.name(c).rsplit(" ", 2)[-2:] for c in pages.transliterate("سمك")] == [
        ["INITIAL", "FORM"], ["INITIAL", "FORM"], ["ISOLATED", "FORM"],
    ]  # fmt: skip
    assert "LIGATURE LAM WITH ALEF" in unicodedata.name(pages.transliterate("سلام")[1])


def test_wide_characters_take_two_cells_and_lines_may_end_between_them() -> None:
    assert lines("generic-58-zh", (Columns("宫保鸡丁", "38"),)) == ["宫保鸡丁" + " " * 22 + "38"]
    assert [cells(line) for line in lines("generic-58-zh", (Text("宫" * 40),))] == [32, 32, 16]


def test_no_line_begins_with_a_full_stop_of_its_own() -> None:
    assert wrap("米饭米饭。米", 8) == ["米饭米", "饭。米"]


def test_a_text_half_of_which_a_font_has_is_romanised_as_a_whole() -> None:
    assert lines("tm-t88v-ja", (Text("宫保鸡丁, 米饭"),)) == ["Gong Bao Ji Ding, Mi Fan"]
    assert lines("generic-80-zh", (Text("宫保鸡丁, 米饭"),)) == ["宫保鸡丁, 米饭"]


@pytest.mark.parametrize("name", PRINTERS)
@settings(deadline=None, max_examples=60)  # the first text of a script loads what it needs
@given(text=ANY_TEXT, right=ANY_TEXT, times=st.integers(1, 3))
def test_any_text_is_printed_as_laid_out_and_fits(name: str, text: str, right: str, times: int) -> None:
    """No byte of a text is taken for a command, none is garbage, no line is wider than the paper."""
    blocks: tuple[Block, ...] = (Text(text, width=times), Columns(text, right), Rule(text[:1] or "-"))
    done = effects(name, blocks)
    assert not [effect for effect in done if isinstance(effect, Unknown)]
    runs = [run for effect in done if isinstance(effect, Printed) for run in effect.runs]
    assert all(UNDEFINED not in run.text for run in runs)
    assert all(run.end <= model(name).dots for run in runs)


@pytest.mark.parametrize("name", PRINTERS)
@settings(deadline=None, max_examples=60)  # the first text of a script loads what it needs
@given(text=ANY_TEXT)
def test_what_is_printed_is_what_was_promised(name: str, text: str) -> None:
    profile = load_profiles()[name]
    pages = pages_of(profile.codec_pages(), profile.wide)
    promised = [line.rstrip() for line in wrap(pages.transliterate(text), profile.columns)]
    feeds = [effect for effect in effects(name, (Text(text),)) if isinstance(effect, Printed)]
    assert ["".join(run.text for run in feed.runs).rstrip() for feed in feeds][: len(promised)] == promised


@settings(deadline=None, max_examples=60)  # the first text of a script loads what it needs
@given(text=st.text(min_size=1, max_size=300))
def test_a_text_of_any_length_is_printed_or_refused_before_a_byte(text: str) -> None:
    try:
        sent = encode(PrintDocument("job", (Text(text * 20),) * 10), load_profiles()["generic-58"], None)
    except EncodingError:
        return
    assert sent.count(b"\n") <= MAX_LINES

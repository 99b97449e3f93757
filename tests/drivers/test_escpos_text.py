import tomllib
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillkeeper_drivers.escpos.profile import load_profiles
from tillkeeper_drivers.escpos.text import Pages, clean, columns, wrap

LATIN_AND_CYRILLIC = Pages(((0, "cp437"), (16, "cp1252"), (17, "cp866")))
ASCII_ONLY = Pages(())
MENU = Path(__file__).parents[2] / "hw-fixtures" / "store" / "menu.toml"
SCRIPTS = {
    "Arabic": ("شيش طاووق", "shish tawuq"),
    "Arabic, hamza and taa marbuta": ("أرز إيران تبولة", "arz iyran tbula"),
    "Arabic, a consonant before the last vowel": ("قهوة مشوي شاي", "qhwa mshuy shay"),
    "Arabic presentation forms": ("ﺍﻟﺴﻼﻡ", "alslam"),
    "Hebrew": ("שלום חומוס קולה בלי בצל", "shlom homos kola bli btsl"),
    "Greek": ("Τζατζίκι ΣΑΓΑΝΑΚΙ", "Tzatziki SAGANAKI"),
    "Cyrillic": ("Шашлык ШАШЛЫК", "Shashlyk SHASHLYK"),
    "Turkish": ("İskender, ışıklı ağaç", "Iskender, isikli agac"),
    "Vietnamese": ("Phở bò tái Đà Nẵng", "Pho bo tai Da Nang"),
    "katakana with a long mark": ("サーモン握り Salmon", "samon Wori Salmon"),
    "halfwidth katakana": ("ｻｰﾓﾝ", "samon"),
    "small kana": ("コロッケ チャーハン シャーベット フォー", "korokke chahan shabetto fo"),
    "Japanese in two scripts": ("わさび・醤油", "wasabi-Jiang You"),
    "Chinese": ("宫保鸡丁 2份", "Gong Bao Ji Ding 2 Fen"),
    "Chinese before Latin letters": ("豆腐Tofu", "Dou Fu Tofu"),
    "Korean": ("김치찌개", "gimchijjigae"),
    "Thai": ("ผัดไทย ต้มยำกุ้ง", "phadaithy tmyamkung"),
}


def runs(pages: Pages, text: str, page: int | None = None) -> list[tuple[int | None, bytes]]:
    return list(pages.encode(pages.transliterate(text), page))


def test_control_bytes_never_survive() -> None:
    assert clean("a\x1bp\x00\x10\x14b\x7f\x9bc\ud800\uffff") == "apbc"


def test_line_ends_and_tabs_become_spaces() -> None:
    assert clean("a\r\nb\tc\u2028d") == "a  b c d"


def test_bidi_marks_and_joiners_are_dropped() -> None:
    assert clean("a\u202eb\u200dc\ufeff") == "abc"


def test_ascii_needs_no_page() -> None:
    assert runs(LATIN_AND_CYRILLIC, "Burger 12") == [(None, b"Burger 12")]


def test_the_page_in_use_is_kept_while_it_has_the_character() -> None:
    assert runs(LATIN_AND_CYRILLIC, "Café", 16) == [(16, b"Caf\xe9")]
    assert runs(LATIN_AND_CYRILLIC, "Café", 0) == [(0, b"Caf\x82")]


def test_pages_switch_once_for_a_run() -> None:
    assert runs(LATIN_AND_CYRILLIC, "é борщ суп", 0) == [
        (0, b"\x82 "),
        (17, "борщ суп".encode("cp866")),
    ]


def test_decomposed_letters_print_like_composed_ones() -> None:
    assert runs(LATIN_AND_CYRILLIC, "Cafe\u0301", 0) == [(0, b"Caf\x82")]


def test_what_no_page_has_loses_its_accent_before_anything_else() -> None:
    assert ASCII_ONLY.transliterate("Łódź, crème brûlée, ①②, ﬁ") == "Lodz, creme brulee, 12, fi"


def test_han_becomes_latin_letters_and_is_never_a_two_byte_sequence() -> None:
    assert LATIN_AND_CYRILLIC.transliterate("宫保鸡丁") == "Gong Bao Ji Ding"


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_is_readable_where_only_ascii_prints(script: str) -> None:
    text, spelled = SCRIPTS[script]
    assert ASCII_ONLY.transliterate(text) == spelled


@pytest.mark.parametrize("profile", sorted(load_profiles()))
def test_no_model_prints_a_question_mark_for_a_name_of_the_menu(profile: str) -> None:
    menu = tomllib.loads(MENU.read_text("utf-8"))
    things = [*menu["categories"], *menu["items"], *menu["groups"], *(m for g in menu["groups"] for m in g["modifiers"])]
    names = [thing[key] for thing in things for key in ("name", "kitchen_name") if key in thing]
    pages = Pages(load_profiles()[profile].codec_pages())
    assert [name for name in names if "?" in pages.transliterate(name) or not pages.transliterate(name).strip()] == []
    assert not any("?" in pages.transliterate(text) for text, _ in SCRIPTS.values())
    assert any(not name.isascii() for name in names)


def test_the_kitchen_reads_names_that_every_receipt_model_prints_or_spells_alike() -> None:
    """Letters without a code page on any model stand in no kitchen name; Greek and Cyrillic, which some print, do."""
    menu = tomllib.loads(MENU.read_text("utf-8"))
    things = [*menu["items"], *(m for g in menu["groups"] for m in g["modifiers"])]
    kitchen = "".join(thing.get("kitchen_name", thing["name"]) for thing in things)
    assert not [c for c in kitchen if unicodedata.category(c) == "Lo"]
    assert "ΣΑΓΑΝΑΚΙ" in kitchen
    assert "БОРЩ" in kitchen


def test_a_word_keeps_its_alphabet_or_loses_it_as_a_whole() -> None:
    """Code page 437 has some Greek letters, 866 lacks a Ukrainian one."""
    assert LATIN_AND_CYRILLIC.transliterate("ΣΑΓΑΝΑΚΙ") == "SAGANAKI"
    assert LATIN_AND_CYRILLIC.transliterate("борщ Ґудзик 10 µm") == "борщ Gudzik 10 µm"


def test_what_nobody_can_spell_is_named_by_its_number() -> None:
    assert ASCII_ONLY.transliterate("Bun \ue000 \U000f0001") == "Bun [E000] [F0001]"


@given(st.text(max_size=200))
def test_every_printed_cell_is_one_byte_that_is_no_command(text: str) -> None:
    for pages in (ASCII_ONLY, LATIN_AND_CYRILLIC):
        cells = pages.transliterate(text)
        encoded = b"".join(run for _, run in pages.encode(cells, None))
        assert len(encoded) == len(cells)
        assert all(byte >= 0x20 and byte != 0x7F for byte in encoded)


@given(st.text(alphabet="ab  éж宫", max_size=120), st.integers(1, 50))
def test_no_line_is_wider_than_the_paper_and_no_letter_is_lost(text: str, width: int) -> None:
    cells = LATIN_AND_CYRILLIC.transliterate(text)
    lines = wrap(cells, width)
    assert all(len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == cells.replace(" ", "")


def test_words_stay_whole_and_indentation_is_repeated() -> None:
    assert wrap("  + extra cheese and onions", 16) == ["  + extra cheese", "  and onions"]
    assert wrap("abcdefghij", 4) == ["abcd", "efgh", "ij"]
    assert wrap("", 10) == [""]


def test_a_price_ends_at_the_right_edge_of_the_last_line() -> None:
    assert columns("2 Burger with everything", "12.50", 20) == ["2 Burger with", "everything     12.50"]


def test_a_price_too_wide_for_the_line_gets_its_own() -> None:
    assert columns("Burger", "EUR 1,234,567", 14) == ["Burger", " EUR 1,234,567"]


@given(st.text(alphabet="ab ", max_size=60), st.text(alphabet="01.", max_size=40), st.integers(8, 48))
def test_columns_fit_whatever_they_hold(left: str, right: str, width: int) -> None:
    lines = columns(left, right, width)
    assert all(len(line) <= width for line in lines)
    assert not right or lines[-1].endswith(right[-1])


def test_page_tables_hold_printable_characters_only() -> None:
    cells = LATIN_AND_CYRILLIC.transliterate("".join(map(chr, range(0x80, 0x500))))
    assert not [c for c in cells if unicodedata.category(c) in ("Cc", "Cf")]

"""Star's command bytes, written out from the manuals."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tillkeeper_drivers.api import Block, Columns, Feed, Logo, PrintDocument, Qr, Rule, Text
from tillkeeper_drivers.drawer import PulseError
from tillkeeper_drivers.escpos.logo import Raster
from tillkeeper_drivers.printing.profiles import ProfileError
from tillkeeper_drivers.simulator.effects import Picture
from tillkeeper_drivers.simulator.shop import render_bytes
from tillkeeper_drivers.star import commands
from tillkeeper_drivers.star.encoder import EncodingError, encode
from tillkeeper_drivers.star.profile import load_profiles, parse_profiles, profile

LINE, PRNT = profile("tsp650ii"), profile("mc-print3")
START = b"\x1b@\x1b\x1eF\x00\x1bR\x00\x1bz\x01\x1b\x1dt\x20"
CUT = b"\x1bd\x03"


def document(*blocks: Block, cut: bool = True) -> PrintDocument:
    return PrintDocument("j", blocks, cut=cut)


def body(*blocks: Block) -> bytes:
    """What a TSP650II is sent between what every document begins and ends with."""
    data = encode(document(*blocks), LINE, None)
    assert data.startswith(START)
    assert data.endswith(CUT)
    return data[len(START) : -len(CUT)]


def test_a_line_mode_document_begins_with_all_that_a_switch_may_have_set_and_ends_with_a_counted_cut() -> None:
    assert encode(document(Text("Hi")), LINE, b"ab12") == START + b"\x1b\x1ea\x01" + b"Hi\n" + CUT + b"\x17"


def test_a_starprnt_document_ends_with_its_own_number_and_leaves_utf_8() -> None:
    data = encode(document(Text("Hi")), PRNT, b"ab12")
    assert data.startswith(b"\x1b@\x1b\x1d)U\x02\x000\x00")
    assert data[:-2].endswith(b"Hi\n" + CUT + b"\x1b\x1d\x03\x01")
    assert data[-2:] == commands.number_of(b"ab12")


def test_neighbouring_jobs_have_different_numbers_from_whichever_end_their_tokens_are_counted() -> None:
    tokens = [bytes(0x20 + n // 95**place % 95 for place in range(4)) for n in range(9_000, 17_000)]
    for counted in (tokens, [token[::-1] for token in tokens]):
        numbers = [commands.number_of(token) for token in counted]
        assert len(set(numbers)) == len(numbers)
        assert all(0x20 <= byte <= 0x7E for number in numbers for byte in number)


def test_without_a_token_nothing_is_asked() -> None:
    assert encode(document(Text("Hi")), LINE, None) == START + b"Hi\n" + CUT
    assert encode(document(Text("Hi")), replace(LINE, print_end="none"), b"ab12") == START + b"Hi\n" + CUT


def test_styles_are_set_where_they_change_and_taken_back() -> None:
    assert body(Text("A", align="centre", width=2, height=3, bold=True)) == (
        b"\x1bi\x02\x01\x1bE\x1b\x1da\x01A\n\x1bi\x00\x00\x1bF\x1b\x1da\x00"
    )
    assert body(Text("A", invert=True), Text("B", invert=True)) == b"\x1b4A\nB\n\x1b5"
    assert body(Text("A", align="right")) == b"\x1b\x1da\x02A\n\x1b\x1da\x00"


def test_a_size_that_star_does_not_have_is_its_largest() -> None:
    assert body(Text("A", width=8, height=8)).startswith(b"\x1bi\x05\x05")


def test_a_word_that_would_be_broken_is_printed_narrower() -> None:
    assert body(Text("Frankfurterkranz-Torte-Spezial", width=2, height=2)).startswith(b"\x1bi\x01\x00")


def test_code_pages_are_changed_where_a_letter_needs_it() -> None:
    assert body(Text("é Ж é")) == b"\xe9 \x1b\x1dt\x22\xc6 \x1b\x1dt\x20\xe9\n"
    assert body(Text("Żurek")) == b"\x1b\x1dt\x05\xbdurek\n"


def test_what_no_page_has_is_spelled_and_never_a_question_mark() -> None:
    assert body(Text("サーモン")) == b"samon\n"
    assert b"?" not in body(Text("ไก่ย่าง გამარჯობა 서울 宫保鸡丁 شيش طاووق שניצל"))


@pytest.mark.parametrize("name", ["شيش طاووق", "كبسة لحم", "שניצל חם"])
def test_arabic_and_hebrew_stand_on_paper_as_they_are_read(name: str) -> None:
    paper = render_bytes(encode(document(Text(name)), LINE, None), "tsp650ii").as_text().splitlines()[0]
    assert unicodedata.normalize("NFKC", paper[::-1]) == name


def test_prices_stand_at_the_right_edge() -> None:
    assert body(Columns("2 Burger", "12.50")) == b"2 Burger" + b" " * 35 + b"12.50\n"
    assert body(Rule("=")) == b"=" * 48 + b"\n"


def test_feeds_are_at_most_127_lines_a_command() -> None:
    assert body(Feed(3)) == b"\x1ba\x03"
    assert body(Feed(200)) == b"\x1ba\x7f\x1ba\x49"
    assert body(Feed(0)) == b""


def test_a_qr_code_is_made_by_the_printer() -> None:
    sent = body(Qr("https://a.example/1", module_dots=5))
    assert sent == (
        b"\x1b\x1da\x01\x1b\x1dyS0\x02\x1b\x1dyS1\x01\x1b\x1dyS2\x05"
        b"\x1b\x1dyD1\x00\x13\x00https://a.example/1\x1b\x1dyP\n\x1b\x1da\x00"
    )
    assert b"\x1b\x1dyS2\x08" in body(Qr("x", module_dots=16))
    assert b"https://a.example/1\n" in encode(
        document(Qr("https://a.example/1")), replace(LINE, features=replace(LINE.features, qr=False)), None
    )


def test_a_logo_is_one_picture_on_starprnt_and_nothing_in_line_mode() -> None:
    logo = Raster(2, (b"\xff\x0f", b"\xf0\xff"))
    sent = encode(document(Logo(), Text("Hi")), PRNT, None, logo)
    row = bytes(35)
    assert b"\x1b\x1dS\x01\x48\x00\x02\x00\x00" + row + b"\xff\x0f" + row + row + b"\xf0\xff" + row + b"Hi\n" in sent
    (line, *_) = render_bytes(sent, "mc-print3").lines
    assert isinstance(line.graphics, Picture)
    assert (line.graphics.width, line.graphics.height) == (576, 2)
    assert encode(document(Logo(), Text("Hi")), LINE, None, logo) == encode(document(Text("Hi")), LINE, None)


def test_a_printer_without_a_cutter_feeds_to_its_edge() -> None:
    assert encode(document(Text("Hi")), replace(LINE, cut="none"), None).endswith(b"Hi\n\x1ba\x04")
    assert encode(document(Text("Hi"), cut=False), LINE, None).endswith(b"Hi\n")
    assert encode(document(Text("Hi")), replace(LINE, cut="full"), None).endswith(b"\x1bd\x02")


COMMAND = re.compile(
    rb"\x1b@|\x1b\x1e[Fa].|\x1bR.|\x1bz.|\x1b\x1dt.|\x1bd.|\x1bi..|\x1b[EF45]|\x1b\x1da[\x00-\x02]|\x1ba.|\x1b\x1dyS..|\x1b\x1dyP",
    re.DOTALL,
)


@given(st.text(max_size=60))
def test_no_name_becomes_a_command(name: str) -> None:
    sent = encode(document(Text(name), Columns(name, "1"), Rule(name), Qr(name[:20])), LINE, b"ab12")
    left = COMMAND.sub(b"", re.sub(rb"\x1b\x1dyD1\x00..", b"", sent, flags=re.DOTALL))
    assert not [byte for byte in left if byte < 0x20 and byte not in (0x0A, 0x17)]
    assert left.count(b"\x17") == 1


def test_what_can_not_be_laid_out_is_refused_whole() -> None:
    for bad in (Text("x", width=0), Text("x", height=9), Feed(-1), Feed(256), Qr("x", module_dots=0), Text("x" * 10_001)):
        with pytest.raises(EncodingError):
            encode(document(bad), LINE, None)
    with pytest.raises(EncodingError, match="longer than"):
        encode(document(*[Feed(255)] * 4), LINE, None)


def test_a_kick_says_how_long_and_its_pause_is_four_times_that() -> None:
    assert commands.pulse(2, 100) == b"\x1b\x07\x0a\x28\x07"
    assert commands.pulse(2, 500) == b"\x1b\x07\x32\x7f\x07"
    for on_ms in range(20, 501):  # no parameter looks like a command that acts in real time
        assert not {0x04, 0x05, 0x19, 0x1C} & set(commands.pulse(2, on_ms)[2:4])
    assert commands.pulse(5, 100) == b"\x1a"
    for pin, on_ms in ((3, 100), (2, 5), (2, 2_000)):
        with pytest.raises(PulseError):
            commands.pulse(pin, on_ms)


def test_shipped_profiles_are_sound_and_wrong_ones_are_named() -> None:
    assert {one.language for one in load_profiles().values()} == {"line", "starprnt", "raster"}
    good = 'x = { title = "X", language = "line", columns = 48, dots = 576, print_end = "etb", drawer_pins = [2], '
    good += 'cut = "none", '
    assert parse_profiles(good + 'code_pages = { 1 = "cp437" } }')["x"].codec_pages() == ((1, "cp437"),)
    for wrong in (
        "code_pages = {} }", 'code_pages = { 1 = "cp9999" } }', 'code_pages = { 300 = "cp437" } }', "colour = 1 }",
    ):  # fmt: skip
        with pytest.raises(ProfileError, match="profile x"):
            parse_profiles(good + wrong)
    with pytest.raises(ProfileError, match="no Star profile 'tm-t88vi'"):
        profile("tm-t88vi")

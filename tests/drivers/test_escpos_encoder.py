"""What leaves for the paper, byte by byte."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillkeeper_drivers.api import Block, Columns, Feed, PrintDocument, Qr, Rule, Text
from tillkeeper_drivers.escpos.encoder import MAX_LINES, MAX_TEXT, EncodingError, encode
from tillkeeper_drivers.escpos.profile import load_profiles, profile

TOKEN = b"ab12"


def printed(*blocks: Block, model: str = "tm-t88vi", token: bytes | None = None, cut: bool = False) -> bytes:
    return encode(PrintDocument("j", blocks, cut), profile(model), token)


def body(*blocks: Block, model: str = "tm-t88vi") -> bytes:
    """Without what every document starts with."""
    return printed(*blocks, model=model).removeprefix(printed(model=model))


def test_a_ticket_on_an_epson_to_the_byte() -> None:
    assert printed(Text("Café"), token=TOKEN, cut=True) == (
        b"\x1b@"  # initialise
        b"\x1da\x0f"  # automatic status on again
        b"\x1bt\x00"  # page 437
        b"Caf\x82\n"
        b"\x1dV\x42\x00"  # feed and cut
        b"\x1d(H\x06\x00\x30\x30ab12"  # confirm
    )


def test_a_clone_leaves_kanji_mode_and_is_asked_by_gs_r() -> None:
    assert printed(Text("x"), model="generic-80", token=TOKEN, cut=True) == (
        b"\x1b@\x1c.\x1bt\x00x\n\x1dV\x42\x00\x1dr\x01"
    )


def test_an_impact_printer_is_asked_nothing_it_does_not_know() -> None:
    out = printed(Text("VOID", width=8, height=8, invert=True, colour="red"), model="tm-u220", token=TOKEN, cut=True)
    assert out == (
        b"\x1b@\x1da\x0f\x1b!\x01\x1bt\x00"
        b"\x1b!\x39\x1br\x01VOID\n\x1b!\x01\x1br\x00"  # double, emphasised for the inversion it lacks, red
        b"\x1dV\x42\x00\x1dr\x01"
    )


def test_no_token_asks_nothing() -> None:
    assert b"\x1d(H" not in printed(Text("x"))
    assert b"\x1dr" not in printed(Text("x"), model="tm-t88iii")


def test_style_commands_come_only_where_the_style_changes() -> None:
    assert body(Text("a", bold=True), Text("b", bold=True), Text("c")) == b"\x1bE\x01a\nb\n\x1bE\x00c\n"


def test_sizes_alignment_inversion() -> None:
    assert body(Text("A", align="centre", width=2, height=3, invert=True)) == b"\x1d!\x12\x1ba\x01\x1dB\x01A\n"


def test_double_width_halves_the_line() -> None:
    assert body(Text("x" * 21 + " x", width=2)) == b"\x1d!\x10" + b"x" * 21 + b"\nx\n"


def test_red_becomes_bold_where_there_is_no_second_colour() -> None:
    assert body(Text("VOID", colour="red")) == b"\x1bE\x01VOID\n"


def test_price_rule_and_feed() -> None:
    assert body(Columns("Tea", "2.50"), Rule("="), Feed(3)) == (
        b"Tea" + b" " * 35 + b"2.50\n" + b"=" * 42 + b"\n" + b"\x1bd\x03"
    )


def test_pages_follow_the_text() -> None:
    assert body(Text("борщ"), Text("é"), Text("宫保")) == (
        b"\x1bt\x2e" + "борщ".encode("cp1251") + b"\n\x1bt\x00\x82\nGong Bao\n"
    )


def test_a_wide_price_is_counted_in_printed_cells() -> None:
    # cp437 has no euro sign; the kitchen display's ASCII spells it in three cells
    line = body(Columns("Tea", "€2"), model="kds-text")
    assert line == b"Tea" + b" " * 33 + b"EUR2\n"


def test_qr_on_a_model_that_has_it_and_as_text_where_not() -> None:
    out = body(Qr("https://a.example/1", module_dots=4))
    assert b"\x1d(k\x03\x00\x31\x43\x04" in out
    assert b"\x1d(k\x16\x00\x31\x50\x30https://a.example/1" in out
    assert body(Qr("https://a.example/1"), model="tm-t88iii") == b"https://a.example/1\n"


def test_too_much_data_for_a_qr_is_printed() -> None:
    assert b"\x1d(k" not in body(Qr("9" * 1001))


def test_no_cutter_feeds_past_the_tear_bar() -> None:
    out = printed(Text("x"), model="generic-58", cut=True)
    assert out.endswith(b"x\n\x1bd\x04")


@pytest.mark.parametrize(
    "block",
    [
        Text("x", width=9), Text("x", height=0), Feed(256), Feed(-1), Qr("x", module_dots=17), Text("x" * (MAX_TEXT + 1)),
        Columns("x", "y", width=0),
    ],
)
def test_what_can_not_be_laid_out_is_refused(block: Block) -> None:
    with pytest.raises(EncodingError):
        printed(block)


def test_a_document_without_end_is_refused() -> None:
    with pytest.raises(EncodingError, match=str(MAX_LINES)):
        printed(*[Text("x")] * (MAX_LINES + 1))


@pytest.mark.parametrize("token", [b"", b"abc", b"abcde", b"ab\x1f1", b"ab\x7f1"])
def test_a_token_that_the_printer_would_refuse(token: bytes) -> None:
    with pytest.raises(EncodingError):
        printed(token=token)


HOSTILE = st.text(
    alphabet=st.one_of(
        st.sampled_from("\x1b\x1d\x1c\x10\x04\x14\x05\x00\x18\x7f\x9b@pJ!(kH\n\r"), st.characters(codec="utf-8")
    ),
    max_size=60,
)


@given(HOSTILE, st.sampled_from(sorted(load_profiles())))
def test_names_and_notes_never_become_commands(text: str, model: str) -> None:
    """The same document with harmless letters in place of the text has the same command bytes."""
    for block in (Text(text), Columns(text, "1"), Columns("1", text), Rule(text)):
        data = _without_pages(body(block, model=model), model)
        commands = [byte for byte in data if byte < 0x20 and byte != 0x0A]
        assert commands == []
    qr = body(Qr(text), model=model)
    marker = qr.find(b"\x31\x50\x30")
    if marker >= 0:
        data = qr[marker + 3 : qr.rindex(b"\x1d(k")]
        assert all(byte >= 0x20 and byte != 0x7F for byte in data)


def _without_pages(data: bytes, model: str) -> bytes:
    """Without the commands that choose among the model's own characters."""
    if profile(model).wide is not None:
        for command in (b"\x1c(C\x02\x000\x02", b"\x1c(C\x02\x000\x01", b"\x1c&", b"\x1c."):
            data = data.replace(command, b"")
    numbers = {number for known in load_profiles().values() for number in known.code_pages}
    for number in numbers:
        data = data.replace(bytes((0x1B, 0x74, number)), b"")
    return data


PROBE = """
import logging, os, sys, tempfile
before = set(os.listdir(tempfile.gettempdir()))
environment = dict(os.environ)
from tillkeeper_drivers.escpos import printer
assert "escpos" not in sys.modules, "imported before it is needed"
printer.encoder.warm()
assert "escpos" in sys.modules
assert logging.getLogger().handlers == [], "the root logger was configured"
assert dict(os.environ) == environment, "the environment was changed"
left = set(os.listdir(tempfile.gettempdir())) - before
assert not left, left
"""


def test_loading_the_compiler_is_lazy_and_leaves_nothing_behind(tmp_path: object) -> None:
    path = ":".join(entry for entry in sys.path if entry)
    done = subprocess.run(
        [sys.executable, "-c", PROBE], env={"PYTHONPATH": path, "TMPDIR": str(tmp_path)}, capture_output=True, text=True,
        timeout=60, check=False,
    )
    assert done.returncode == 0, done.stderr

"""The interpreter, from bytes written by hand after the manual to effects and text."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tillkeeper_drivers.simulator.effects import AsbSet, Cut, Effect, Printed, ProcessId, Pulse, Reply, StatusAsked, Unknown
from tillkeeper_drivers.simulator.interpreter import Interpreter
from tillkeeper_drivers.simulator.models import model, models
from tillkeeper_drivers.simulator.realtime import RealTimeScanner
from tillkeeper_drivers.simulator.shop import render_bytes


def run(data: bytes, model_id: str = "tm-t88vi") -> list[Effect]:
    return Interpreter(model(model_id)).feed(data)


def text(data: bytes, model_id: str = "tm-t88vi") -> str:
    return render_bytes(data, model_id).as_text()


def unknown(effects: list[Effect]) -> list[str]:
    return [effect.why for effect in effects if isinstance(effect, Unknown)]


def test_text_wraps_at_the_width_of_the_model() -> None:
    line = b"0123456789" * 5 + b"\n"
    assert text(line, "tm-t88vi") == "0123456789" * 4 + "01\n23456789\n"
    assert text(line, "generic-58").splitlines()[0] == ("0123456789" * 4)[:32]
    assert text(line, "tm-u220").splitlines()[0] == "0123456789" * 4


def test_alignment_counts_wide_characters_twice() -> None:
    wide = b"\x1b@\x1ba\x01\x1d!\x11AB\n\x1d!\x00\x1ba\x02AB\n"
    assert text(wide, "tm-t20iii").splitlines() == [" " * 22 + "AB", " " * 46 + "AB"]


def test_alignment_inside_a_line_is_ignored_as_the_manual_says() -> None:
    effects = run(b"left\x1ba\x02still left\n")
    assert unknown(effects) == ["only at the beginning of a line"]
    assert effects[-1].runs[0].x == 0  # type: ignore[union-attr]


def test_code_pages_differ_by_model_and_an_absent_page_changes_nothing() -> None:
    assert text(b"\x1bt\x13\xd5\n") == "€\n"  # 19: PC858
    assert text(b"\x1bt\x2e\xcf\xf0\n") == "Пр\n"  # 46: WPC1251
    assert text(b"\x1bt\x2e\x82\n", "tm-t88iii") == "é\n"  # no page 46 there: PC437 stays


def test_international_set_changes_twelve_characters() -> None:
    assert text(b"\x1bR\x02[\\]\n") == "ÄÖÜ\n"


def test_a_clone_in_kanji_mode_swallows_two_bytes_until_told_otherwise() -> None:
    assert "é" not in text(b"caf\x82 \x90e\n", "generic-80")
    assert text(b"\x1c.caf\x82 \x90e\n", "generic-80") == "café Ée\n"
    assert text(b"\xc4\xe3\n", "generic-80") == "你\n"


def test_utf8_only_where_the_model_knows_it() -> None:
    data = b"\x1c(C\x02\x00\x30\x02" + "Café Жук €".encode() + b"\n"
    assert text(data) == "Café Жук €\n"
    assert text(data, "tm-t88iii") != "Café Жук €\n"


def test_cut_pulse_identity_and_status_become_effects_in_order() -> None:
    effects = run(b"\x1b@\x1bp\x01\x32\xc8x\n\x1dVB\x10\x1d(H\x06\x0000AB~ \x1dr1\x1da\x0f\x1dIC")
    kinds = [effect for effect in effects if not isinstance(effect, Printed)][1:]
    assert kinds == [
        Pulse(5, 100, 400), Cut(partial=True), ProcessId(b"AB~ "), StatusAsked(1), AsbSet(15), Reply(b"_TM-T88VI\0"),
    ]  # fmt: skip


def test_process_ids_are_unknown_to_models_without_them() -> None:
    for name in ("tm-u220", "tm-t88iii", "generic-80"):
        assert unknown(run(b"\x1d(H\x06\x0000abcd", name)) == ["not on this model"]


def test_a_cut_in_the_middle_of_a_line_is_ignored() -> None:
    assert unknown(run(b"text\x1dV\x00")) == ["only at the beginning of a line"]


def test_commands_not_known_are_reported_and_the_text_goes_on() -> None:
    effects = run(b"\x1b\x7f\x1d\x01after\n")
    assert unknown(effects) == ["unknown command", "unknown command"]
    assert effects[-1].runs[0].text == "after"  # type: ignore[union-attr]


def test_esc_p_to_a_pin_that_is_not_there_is_no_pulse() -> None:
    assert not [effect for effect in run(b"\x1bp\x07\x10\x20") if isinstance(effect, Pulse)]


def test_qr_code_and_raster_name_themselves() -> None:
    data = b"https://example.org"
    qr = b"\x1d(k\x03\x001C\x04\x1d(k" + bytes([len(data) + 3, 0]) + b"1P0" + data + b"\x1d(k\x03\x001Q0"
    assert "[QR: https://example.org]" in text(qr)
    assert "[picture 16x2]" in text(b"\x1dv0\x00\x02\x00\x02\x00\xff\x00\x00\xff")
    assert unknown(run(qr, "tm-u220"))


def test_an_image_larger_than_memory_is_swallowed_whole() -> None:
    interpreter = Interpreter(model("tm-t88vi"))
    assert interpreter.feed(b"\x1dv0\x00\xff\x00\xff\xff") == []
    effects = [effect for _ in range(255) for effect in interpreter.feed(b"\n" * 0xFFFF)]
    assert unknown(effects) == ["image empty or too large"]
    assert len(effects) == 1
    assert [effect.runs[0].text for effect in interpreter.feed(b"ok\n") if isinstance(effect, Printed)] == ["ok"]


_PIECES = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([
        b"\x1b@", b"\x1b!\x38", b"\x1d!\x77", b"\x1ba\x01",
        b"\x1b*\x21\x03\x00", b"\x1dv0\x03\x02\x00\x03\x00", b"\x1dVA", b"\x1d(",
        b"\x1d(k\x03\x001C", b"\x1d(H\x06\x0000", b"\x1b&\x03\x20\xff\xff",
        b"\x1d8L\x20\x00\x00\x00", b"\x10\x04\x01", b"\x10\x14\x08",
        b"\x1c(C\x02\x000\x02", b"\x1c&", "é日".encode(), b"\n", b"\t", b"\x1bD\x08\x10\x00", b"\x1dkI\x05", b"\x1d*\x10\x10",
    ]),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(_PIECES, max_size=30), st.sampled_from(sorted(models())), st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_any_bytes_in_any_split_give_the_same_and_never_raise(pieces: list[bytes], name: str, sizes: list[int]) -> None:
    data = b"".join(pieces)
    whole, real_time = Interpreter(model(name)).feed(data), RealTimeScanner().feed(data)
    parts, scanner = Interpreter(model(name)), RealTimeScanner()
    effects, commands, at, turn = [], [], 0, 0
    while at < len(data):
        chunk = data[at : at + sizes[turn % len(sizes)]]
        effects += parts.feed(chunk)
        commands += [(at + end, command) for end, command in scanner.feed(chunk)]
        at, turn = at + len(chunk), turn + 1
    assert effects == whole
    assert commands == real_time
    assert render_bytes(data, name).as_text()

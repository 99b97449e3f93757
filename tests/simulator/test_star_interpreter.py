"""Star's command languages as the simulator understands them: from the manuals, command by command."""

from hypothesis import given
from hypothesis import strategies as st

from tillkeeper_drivers.simulator.effects import (
    AsbSet,
    Asked,
    Cut,
    Picture,
    Printed,
    Pulse,
    QrCode,
    RealTimePulse,
    Run,
    Unknown,
)
from tillkeeper_drivers.simulator.models import model, models
from tillkeeper_drivers.simulator.shop import render_bytes
from tillkeeper_drivers.simulator.star.grammar import Splitter
from tillkeeper_drivers.simulator.star.interpreter import StarInterpreter
from tillkeeper_drivers.simulator.star.realtime import RealTimeScanner, StatusAskedNow

STAR = [key for key, one in models().items() if one.language != "escpos"]
PAGE = b"\x1b\x1dt\x20"
RASTER = b"\x1b*rR\x1b*rA\x1b*rP0\0\x1b*rE13\0"


def effects(data: bytes, key: str = "tsp650ii") -> list[object]:
    return list(StarInterpreter(model(key)).feed(data))


def runs(data: bytes, key: str = "tsp650ii") -> list[Run]:
    return [run for effect in effects(data, key) if isinstance(effect, Printed) for run in effect.runs]


def text(data: bytes, key: str = "tsp650ii") -> str:
    return render_bytes(data, key).as_text()


def test_a_line_is_printed_by_its_line_feed_three_millimetres_apart_unless_told_otherwise() -> None:
    (line,) = effects(b"Hi\n")
    assert isinstance(line, Printed)
    assert (line.runs[0].text, line.advance) == ("Hi", 24)
    (wider,) = effects(b"\x1bz\x01Hi\n")
    assert isinstance(wider, Printed)
    assert wider.advance == 32


def test_sizes_are_height_first_and_six_times_at_most() -> None:
    (run,) = runs(b"\x1bi\x02\x01A\n")
    assert (run.style.height, run.style.width) == (3, 2)
    (line,) = effects(b"\x1bz1\x1bi11A\n")
    assert isinstance(line, Printed)
    assert line.advance == 64
    assert any(isinstance(effect, Unknown) for effect in effects(b"\x1bi\x06\x00"))


def test_styles() -> None:
    bold, plain, white, black = runs(b"\x1bEa\x1bFb\x1b4c\x1b5d\n")
    assert (bold.style.bold, plain.style.bold, white.style.invert, black.style.invert) == (True, False, True, False)
    assert runs(b"\x1b\x1da\x02A\n")[0].x == 564
    assert runs(b"x\x1b\x1da\x02\n")[0].x == 0  # only at the beginning of a line
    assert runs(b"\x1bEx\n\x1b@y\n")[1].style.bold is False


def test_without_a_code_page_there_is_ascii_only() -> None:
    assert "�" in text(b"caf\xe9\n")
    assert text(PAGE + b"caf\xe9\n") == "café\n"
    assert text(b"\x1b\x1dt\x22\xc6\xf3\xea\n") == "Жук\n"
    assert "café" in text(PAGE + b"\x1b\x1dt\x63caf\xe9\n")  # a page that is not there changes nothing


def test_an_mc_print_begins_in_utf_8_and_leaves_it_when_told() -> None:
    assert text("café 宮\n".encode(), "mc-print3") == "café 宮\n"
    assert text(b"\x1b\x1d)U\x02\x000\x00" + PAGE + b"caf\xe9\n", "mc-print3") == "café\n"
    assert "café" not in text(PAGE + b"caf\xe9\n", "mc-print3")


def test_feeds_cuts_and_a_line_that_was_not_ended() -> None:
    done = effects(b"end\x1bd\x03")
    assert isinstance(done[0], Printed)
    assert done[1] == Cut(partial=True)
    assert effects(b"\x1bd2") == [Cut(partial=False)]
    assert [line.advance for line in effects(b"\x1ba\x03") if isinstance(line, Printed)] == [24, 24, 24]


def test_a_qr_code_needs_data_and_room() -> None:
    sent = b"\x1b\x1dyS0\x02\x1b\x1dyS1\x02\x1b\x1dyS2\x05\x1b\x1dyD1\x00\x05\x00hello"
    (line,) = effects(sent + b"\x1b\x1dyP")
    assert isinstance(line, Printed)
    assert isinstance(line.graphics, QrCode)
    assert (line.graphics.data, line.graphics.level, line.graphics.module_dots) == (b"hello", "Q", 5)
    assert isinstance(effects(b"\x1b\x1dyP")[0], Unknown)
    assert isinstance(effects(sent + b"\x1b\x1dyP", "tsp100")[-1], Unknown)


def test_the_drawer_gets_what_was_set_for_it_and_the_second_one_always_the_same() -> None:
    assert effects(b"\x07") == [Pulse(2, 200, 200)]
    assert effects(b"\x1b\x07\x0a\x28\x07\x1a") == [Pulse(2, 100, 400), Pulse(5, 200, 200)]
    assert effects(b"\x1b\x07\x00\x28\x07") == [Pulse(2, 200, 200)]


def test_questions_wait_for_what_stands_before_them() -> None:
    assert effects(b"\x1b\x1ea\x01\x1b\x1eE0\x17") == [AsbSet(1), Asked("reset_etb"), Asked("etb")]
    line, asked = effects(b"unfinished\x17")
    assert isinstance(line, Printed)
    assert asked == Asked("etb")
    assert effects(b"\x1b\x1d\x03\x01AB", "mc-print3") == [Asked("print_end", (1, 65, 66))]
    assert isinstance(effects(b"\x1b\x1d\x03\x01AB")[0], Unknown)


def test_rows_of_dots_become_bands_and_the_end_a_cut() -> None:
    row = b"b\x02\x00\xff\x01"
    done = effects(RASTER + row * 30 + b"\x1b*rY100\0" + row + b"\x1b\x0c\x04\x1b*rB", "tsp100")
    bands = [line for line in done if isinstance(line, Printed) and line.graphics]
    assert [line.advance for line in bands] == [24, 6, 1]
    picture = bands[0].graphics
    assert isinstance(picture, Picture)
    assert (picture.width, picture.rows[:3]) == (576, b"\xff\x01\x00")
    assert done[-1] == Cut(partial=True)
    assert done.count(Cut(partial=True)) == 1
    assert effects(RASTER + row + b"\x1b*rB", "tsp100")[-1] == Cut(partial=True)  # leaving ends the document
    assert Cut(partial=True) not in effects(RASTER.replace(b"E13", b"E1") + row + b"\x1b\x0c\x04", "tsp100")
    assert effects(RASTER.replace(b"E13", b"E9") + row + b"\x1b\x0c\x04", "tsp100")[-1] == Cut(partial=False)


def test_what_is_too_wide_is_lost() -> None:
    (band,) = effects(RASTER + b"b\x64\x00" + b"\xff" * 100 + b"\x1b*rE1\0\x1b\x0c\x04", "tsp100")
    assert isinstance(band, Printed)
    assert isinstance(band.graphics, Picture)
    assert len(band.graphics.rows) == 72


def test_graphic_mode_has_no_text() -> None:
    assert all(isinstance(effect, Unknown) for effect in effects(b"Hello\x1bE\x1bd3", "tsp100"))


def test_real_time_commands_are_found_where_commands_begin_and_not_in_data() -> None:
    scanner = RealTimeScanner()
    assert scanner.feed(b"abc\x1b\x06\x01def\x1c") == [(6, StatusAskedNow()), (10, RealTimePulse(2, 200))]
    assert scanner.feed(b"\x1b\x07\x05\x05\x1c\x19") == [(5, RealTimePulse(2, 50)), (6, RealTimePulse(5, 200))]
    assert scanner.feed(b"\x1b\x1dyD1\x00\x03\x00\x1c\x1b\x06") == []
    assert scanner.feed(b"\x1b\x06") == []
    assert scanner.feed(b"\x01") == [(1, StatusAskedNow())]
    assert scanner.feed(RASTER + b"b\x02\x00\x1c\x1c") == []


PIECES = st.sampled_from(
    [b"Hi ", b"\xe9", b"\n", b"\x1bE", b"\x1bi\x01\x01", b"\x1b\x1da\x01", PAGE, b"\x1bd3", b"\x17", b"\x07",
     b"\x1b\x1dyS2\x05", b"\x1b\x1dyD1\x00\x02\x00ab\x1b\x1dyP", RASTER, b"b\x02\x00ab", b"\x1b\x0c\x04\x1b*rB", b"\x1b@",
     b"\x1bb1234x\x1e", b"\x1b", b"\x1b#", b"\x1bC\x00\x01", b"\xe5\xae\xae"]
)  # fmt: skip


@given(st.lists(st.one_of(PIECES, st.binary(max_size=6)), max_size=20), st.integers(1, 5), st.sampled_from(STAR))
def test_the_same_bytes_in_other_portions_do_the_same_and_none_is_lost(pieces: list[bytes], by: int, key: str) -> None:
    data = b"".join(pieces)
    parts = StarInterpreter(model(key))
    split = [effect for at in range(0, len(data), by) for effect in parts.feed(data[at : at + by])]
    whole = StarInterpreter(model(key)).feed(data)
    kinds = (Cut, Pulse, Asked, AsbSet, Printed)
    assert [one for one in split if isinstance(one, kinds)] == [one for one in whole if isinstance(one, kinds)]
    tokens = list(Splitter().feed(data))
    assert data.startswith(b"".join(token.data for token in tokens))

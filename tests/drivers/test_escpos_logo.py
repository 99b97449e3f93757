import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.support.contact_sheets import logo as sample
from tests.support.paper_of import PRINTERS, effects, paper

from tillkeeper_drivers.api import LOGO_BYTES, Logo, Text
from tillkeeper_drivers.escpos.logo import MOST_ROWS, LogoError, Raster, commands, prepare
from tillkeeper_drivers.escpos.profile import load_profiles
from tillkeeper_drivers.simulator.effects import Picture, Printed
from tillkeeper_drivers.simulator.realtime import RealTimeScanner


def png(picture: Image.Image, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()


def pictures(name: str, raster: Raster) -> list[Picture]:
    done = effects(name, (Logo(), Text("Kafé")), raster)
    return [one.graphics for one in done if isinstance(one, Printed) and isinstance(one.graphics, Picture)]


@pytest.mark.parametrize("name", PRINTERS)
def test_the_logo_stands_above_the_text_in_the_middle_where_a_model_has_graphics(name: str) -> None:
    profile = load_profiles()[name]
    raster = prepare(sample(), profile.dots)
    printed = pictures(name, raster)
    assert bool(printed) == profile.features.raster == (name != "tm-u220")
    assert "".join(paper(name, (Logo(), Text("Kafé")), raster).as_text()).rstrip("-cutparil \n").endswith("Kafé")
    if printed:
        assert sum(band.height for band in printed) == 120
        assert {band.x for band in printed} == {(profile.dots - 360) // 2}
        assert b"".join(band.rows for band in printed) == b"".join(raster.rows)


def test_without_a_logo_nothing_is_sent() -> None:
    assert effects("tm-t88vi", (Logo(), Text("a"))) == effects("tm-t88vi", (Text("a"),))


def test_what_is_transparent_is_paper_and_grey_is_dots() -> None:
    raster = prepare(sample(), 576)
    assert raster.rows[0] == bytes(raster.across)
    ink = sum(row.count(b"\xff") for row in raster.rows)
    dots = sum(byte.bit_count() for row in raster.rows for byte in row)
    assert dots > 8 * ink > 0


@pytest.mark.parametrize(("size", "dots"), [((1, 1), 384), ((2000, 60), 384), ((100, 1900), 576), ((577, 10), 576)])
def test_it_fits_the_paper_whatever_its_size(size: tuple[int, int], dots: int) -> None:
    raster = prepare(png(Image.new("L", size, 128)), dots)
    assert 8 * (raster.across - 1) < dots
    assert 1 <= len(raster.rows) <= MOST_ROWS
    assert {len(row) for row in raster.rows} == {raster.across}


def noise() -> bytes:
    seeded = random.Random(7)
    return png(Image.frombytes("RGB", (400, 400), seeded.randbytes(480_000)))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a PNG"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "not a PNG"),
        (sample()[:-40], "not a PNG"),
        (png(Image.new("L", (9, 9)), "GIF"), "not a PNG"),
        (noise(), f"{LOGO_BYTES} bytes"),
        (png(Image.new("1", (3000, 8))), "3000 x 8"),
    ],
    ids=["empty", "no header", "cut short", "a GIF", "too many bytes", "too wide"],
)
def test_what_is_no_logo_is_refused_with_the_reason(data: bytes, says: str) -> None:
    with pytest.raises(LogoError, match=says):
        prepare(data, 576)


@settings(deadline=None)
@given(across=st.integers(1, 20), rows=st.integers(1, 30), data=st.data())
def test_no_dots_are_taken_for_a_real_time_command(across: int, rows: int, data: st.DataObject) -> None:
    """The worst picture there can be: DLE EOT, DLE ENQ and DLE DC4 everywhere, over the ends of rows too."""
    hostile = st.lists(st.sampled_from(b"\x10\x04\x05\x14\x01\x08\x00\x03\x06\x02"), min_size=across, max_size=across)
    raster = Raster(across, tuple(bytes(data.draw(hostile)) for _ in range(rows)))
    sent = commands(raster)
    assert RealTimeScanner().feed(sent) == []
    assert not [at for at in range(len(sent) - 1) if sent[at] == 0x10 and sent[at + 1] in (0x04, 0x05, 0x14)]


def test_a_drawer_does_not_open_by_a_picture() -> None:
    """The same dots without our care are a kick of the drawer."""
    kick = bytes((0x10, 0x14, 0x01, 0x00, 0x01))
    assert RealTimeScanner().feed(kick)
    raster = Raster(5, (kick,))
    assert RealTimeScanner().feed(commands(raster)) == []
    (printed,) = pictures("tm-t88vi", raster)
    changed = sum((a ^ b).bit_count() for a, b in zip(printed.rows, kick, strict=True))
    assert changed == 1

"""A document drawn to dots: what is sent is what was drawn, and what was drawn can be read."""

import unicodedata

import pytest
from PIL import Image

from tillkeeper_drivers.api import Block, Columns, Feed, Logo, PrintDocument, Qr, Text
from tillkeeper_drivers.escpos.logo import Raster
from tillkeeper_drivers.simulator.effects import Picture
from tillkeeper_drivers.simulator.shop import render_bytes
from tillkeeper_drivers.star import font, raster
from tillkeeper_drivers.star.encoder import EncodingError, encode
from tillkeeper_drivers.star.profile import profile

TSP100 = profile("tsp100")
LINE = 32
"""Dots from one line to the next."""


def document(*blocks: Block, cut: bool = True) -> PrintDocument:
    return PrintDocument("j", blocks, cut=cut)


def printed(data: bytes) -> Image.Image:
    """What a virtual TSP100 puts on paper."""
    paper = render_bytes(data, "tsp100")
    image = Image.new("1", (576, max(1, paper.height)), 0)
    y = 0
    for line in paper.lines:
        if isinstance(line.graphics, Picture):
            image.paste(Image.frombytes("1", (line.graphics.width, line.graphics.height), line.graphics.rows), (0, y))
        y += line.advance
    return image


def ink(image: Image.Image) -> int:
    return sum(image.tobytes().count(bytes((n,))) * n.bit_count() for n in range(1, 256))


def test_what_is_sent_is_what_was_drawn_dot_by_dot() -> None:
    slip = document(
        Text("TAKEOUT", align="centre", width=2, height=2, bold=True), Text("POSSIBLE DUPLICATE", invert=True),
        Columns("2 Żurek, борщ, Phở", "12.50"), Feed(3), Qr("https://a.example/1"), Text("end", align="right"),
    )  # fmt: skip
    drawn = raster.picture(slip, TSP100)
    assert drawn.size == (576, 2 * 24 + 8 + LINE + LINE + 3 * LINE + drawn.height - (2 * 24 + 8 + 6 * LINE) + LINE)
    paper = printed(encode(slip, TSP100, b"ab12"))
    assert paper.height == drawn.height
    assert paper.tobytes() == drawn.tobytes()


def test_it_begins_and_ends_as_the_manual_says() -> None:
    data = encode(document(Text("Hi")), TSP100, b"ab12")
    assert data.startswith(b"\x1b*rR\x1b*rA\x1b*rP0\x00\x1b*rE13\x00")
    assert data.endswith(b"\x1b\x0c\x04\x1b*rB\x17")
    assert b"\x1b*rE1\x00" in encode(document(Text("Hi"), cut=False), TSP100, None)
    assert render_bytes(data, "tsp100").cut is not None
    assert render_bytes(encode(document(Text("Hi"), cut=False), TSP100, None), "tsp100").cut is None


def test_letters_stand_in_their_cells() -> None:
    left = raster.picture(document(Text("I")), TSP100).getbbox()
    assert left is not None
    assert 0 <= left[0] < left[2] <= 12
    right = raster.picture(document(Text("I", align="right")), TSP100).getbbox()
    assert right is not None
    assert 564 <= right[0] < right[2] <= 576
    large = raster.picture(document(Text("I", width=3, height=3)), TSP100).getbbox()
    assert large is not None
    assert large[3] > 2 * left[3]


def test_marks_stand_out() -> None:
    plain, bold, inverted = (
        ink(raster.picture(document(Text("VOID 1 x Burger", bold=bold, invert=invert)), TSP100))
        for bold, invert in ((False, False), (True, False), (False, True))
    )
    assert plain < bold < inverted


@pytest.mark.parametrize("name", ["Żurek śląski", "Crème brûlée", "Пельмени", "Ελληνική", "Phở bò tái", "Đặc biệt", "€ ½ °"])
def test_letters_of_europe_and_vietnam_are_drawn_as_they_are(name: str) -> None:
    assert raster.pages().transliterate(name) == name
    assert all(font.drawable(character) for character in name if character != " ")


@pytest.mark.parametrize(
    ("name", "spelled"), [("서울", "seoul"), ("サーモン", "samon"), ("宫保鸡丁", "Gong Bao Ji Ding")]
)
def test_others_are_spelled_and_never_boxes(name: str, spelled: str) -> None:
    assert raster.pages().transliterate(name) == spelled
    assert raster.picture(document(Text(name)), TSP100).tobytes() == raster.picture(document(Text(spelled)), TSP100).tobytes()


@pytest.mark.parametrize("name", ["شيش طاووق", "كبسة لحم", "שניצל חם"])
def test_arabic_and_hebrew_are_drawn_too(name: str) -> None:
    printable = raster.pages().transliterate(name)
    assert unicodedata.normalize("NFKC", printable) == name
    assert all(font.drawable(character) for character in printable if character != " ")
    assert len(printable) == len(name)


def test_arabic_letters_that_join_touch_each_other_and_hebrew_ones_do_not() -> None:
    def touching(word: str) -> list[bool]:
        picture = raster.picture(document(Text(word)), TSP100)
        pixels = [[bool(picture.getpixel((x, y))) for y in range(24)] for x in range(12 * len(word))]
        return [any(a and b for a, b in zip(pixels[12 * n - 1], pixels[12 * n], strict=True)) for n in range(1, len(word))]

    assert touching("كبسة") == [True, True, True]
    assert touching("حلب") == [True, True]
    assert touching("דוד") == [False, False]  # dalet, vav, dalet


def test_a_mark_that_combines_has_no_cell_of_its_own() -> None:
    assert not font.drawable("\u0301")
    assert raster.pages().transliterate("e\u0301") == "é"


def test_a_logo_stands_in_the_middle_and_is_left_out_where_there_is_none() -> None:
    logo = Raster(4, (b"\xff\xff\xff\xff",) * 20)
    drawn = raster.picture(document(Logo(), Text("x")), TSP100, logo)
    assert drawn.getbbox() is not None
    assert drawn.crop((0, 0, 576, 20)).getbbox() == (272, 0, 304, 20)
    assert printed(encode(document(Logo(), Text("x")), TSP100, None, logo)).tobytes() == drawn.tobytes()
    without = raster.picture(document(Logo(), Text("x")), TSP100)
    assert without.tobytes() == raster.picture(document(Text("x")), TSP100).tobytes()


def test_white_is_not_sent_row_by_row() -> None:
    near = len(encode(document(Text("a"), Text("b")), TSP100, None))
    far = len(encode(document(Text("a"), Feed(200), Text("b")), TSP100, None))
    assert far - near < 10


def test_a_code_that_is_too_wide_is_drawn_smaller_and_not_cut_off() -> None:
    wide = raster.picture(document(Qr("x" * 900, module_dots=16)), TSP100).getbbox()
    assert wide is not None
    assert 0 < wide[0] < wide[2] < 576


def test_a_document_longer_than_a_roll_allows_is_refused() -> None:
    with pytest.raises(EncodingError):
        encode(document(*[Text("x", height=6)] * 300), TSP100, None)

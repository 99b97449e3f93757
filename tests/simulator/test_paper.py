"""Pictures: where ink is, never byte for byte."""

import io

from PIL import Image, ImageChops

from tillkeeper_drivers.simulator.draw import MARGIN, qr_matrix
from tillkeeper_drivers.simulator.effects import QrCode
from tillkeeper_drivers.simulator.paper import Paper
from tillkeeper_drivers.simulator.shop import render_bytes


def picture(data: bytes, model: str = "tm-t88vi") -> Image.Image:
    return Image.open(io.BytesIO(render_bytes(data, model).as_png())).convert("RGB")


def ink(image: Image.Image) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of everything that is not paper; without the margins."""
    box = ImageChops.invert(image.convert("L")).point(lambda value: 255 if value > 100 else 0).getbbox()
    assert box is not None
    return box[0] - MARGIN, box[1] - MARGIN, box[2] - MARGIN, box[3] - MARGIN


def dark(image: Image.Image) -> float:
    """Part of the picture that is dark."""
    counts = image.convert("L").histogram()
    return sum(counts[:128]) / sum(counts)


def test_width_and_height_multiples_take_their_room() -> None:
    plain, double = ink(picture(b"HHHH\n")), ink(picture(b"\x1d!\x11HHHH\n"))
    assert double[2] - double[0] > 1.8 * (plain[2] - plain[0])
    assert double[3] - double[1] > 1.7 * (plain[3] - plain[1])


def test_alignment_moves_the_ink() -> None:
    left, centre, right = (ink(picture(b"\x1ba" + bytes([n]) + b"HH\n")) for n in (0, 1, 2))
    assert left[0] < 8
    assert abs((centre[0] + centre[2]) / 2 - 256) < 8
    assert right[2] > 500


def test_invert_is_mostly_dark_and_bold_is_darker() -> None:
    plain, invert, bold = (dark(picture(b + b"HELLO\n")) for b in (b"", b"\x1dB\x01", b"\x1bE\x01"))
    assert invert > 2 * plain
    assert bold > plain


def test_red_is_red_where_the_model_has_it() -> None:
    def reds(model: str) -> int:
        colours = picture(b"\x1br\x01RED\n", model).getcolors(100_000)
        assert colours is not None
        return sum(count for count, (r, g, b) in colours if r > 150 and g < 80 and b < 80)  # type: ignore[misc]

    assert reds("tm-u220") > 50
    assert reds("tm-t88vi") == 0


def test_a_character_that_the_font_lacks_is_a_box_and_not_nothing() -> None:
    cjk = picture(b"\x1c(C\x02\x00\x30\x02" + "日".encode() + b"\n")
    box = ink(cjk)
    assert box[2] - box[0] > 15
    assert ink(picture(b"\x1c(C\x02\x00\x30\x02" + "é".encode() + b"\n"))[2] < 13


def test_accents_cyrillic_greek_and_euro_are_all_different_and_no_boxes() -> None:
    shapes = {picture(b"\x1c(C\x02\x00\x30\x02" + char.encode() + b"\n").tobytes() for char in "éЖΩ€ż║日"}
    assert len(shapes) == 7


def test_qr_code_has_its_finder_patterns_on_paper() -> None:
    data = b"https://example.org/receipt/42"
    command = b"\x1d(k\x03\x001C\x04\x1d(k" + bytes([len(data) + 3, 0]) + b"1P0" + data + b"\x1d(k\x03\x001Q0"
    paper = render_bytes(command, "tm-t88vi")
    code = paper.lines[0].graphics
    assert isinstance(code, QrCode)
    matrix = qr_matrix(code)
    assert len(matrix) == code.modules
    finder = [True] * 7
    assert [matrix[0][:7], matrix[0][-7:], matrix[-1][:7]] == [finder] * 3
    image = picture(command).convert("L")
    for row in range(0, code.modules, 3):
        for column in range(0, code.modules, 3):
            dot = (MARGIN + column * 4 + 2, MARGIN + row * 4 + 2)
            assert (image.getpixel(dot) < 128) == matrix[row][column]  # type: ignore[operator]


def test_raster_bits_become_dots() -> None:
    image = picture(b"\x1dv0\x00\x02\x00\x10\x00" + b"\xff\x00" * 16).convert("L")
    assert image.getpixel((MARGIN + 2, MARGIN + 2)) < 60  # type: ignore[operator]
    assert image.getpixel((MARGIN + 12, MARGIN + 2)) == 255


def test_cut_is_a_dashed_row_in_text_and_teeth_in_the_picture() -> None:
    cut, hanging = render_bytes(b"x\n\x1dV\x00", "tm-t88vi"), render_bytes(b"x\n", "tm-t88vi")
    assert cut.as_text().splitlines()[-1].strip("-") == " cut "
    assert ink(picture(b"x\n\x1dV\x00"))[3] > ink(picture(b"x\n"))[3] + 20
    assert "cut" not in hanging.as_text()


def test_a_receipt_reads_as_it_should() -> None:
    receipt = (
        b"\x1b@\x1ba\x01\x1d!\x11BLUE DOOR\x1d!\x00\n12 Quay Street\n\x1ba\x00"
        b"1 Flat white" + b" " * 26 + b"3.50\n"
        b"2 Jalape\xa4o burger" + b" " * 19 + b"24.00\n"
        b"\xcd\xcd\xcd\x1bd\x02\x1dVB\x00"
    )
    assert render_bytes(receipt, "tm-t88vi").as_text() == (
        "            BLUE DOOR\n"
        "              12 Quay Street\n"
        "1 Flat white                          3.50\n"
        "2 Jalapeño burger                   24.00\n"
        "═══\n"
        "\n"
        "-------------- partial cut ---------------\n"
    )


def test_blank_paper_is_told_apart() -> None:
    assert Paper("tm-t88vi").blank
    assert not render_bytes(b"x\n", "tm-t88vi").blank

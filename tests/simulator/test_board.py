"""The kitchen board as text and as a picture."""

import io
from typing import Any

from PIL import Image

from tillkeeper_drivers.simulator.board import Card, Cards
from tillkeeper_drivers.simulator.board_picture import ACROSS, MOST, legible


def card(number: int, *items: dict[str, Any], **more: Any) -> Card:
    ticket = {"check_id": f"c{number}", "ticket_code": f"B-{number:03}", "order_type": "TAKEOUT", "revision": 1, "items": items}
    return Card(number, "e", f"j{number}", {"fired_at_text": "12:31:05", **ticket, **more})


def picture(*cards: Card) -> Image.Image:
    board = Cards(None)
    for one in cards:
        board.show(one)
    return Image.open(io.BytesIO(board.as_png(agent_lost=False))).convert("L")


def test_a_card_says_type_time_seat_course_and_what_changed() -> None:
    shown = card(
        1,
        {"quantity": 1, "name": "TIRAMISU", "course": 3},
        {"quantity": 1, "name": "RIBS", "action": "void", "seat": 2},
        {"quantity": 3, "name": "サーモン", "action": "modify", "previous_quantity": 1, "note": "hot", "order_type": "DINE IN"},
        table="7",
        name="Zoë",
    )
    assert shown.rows() == [
        "TAKEOUT", "B-001  12:31:05", "*** CHANGE ***", "table 7 Zoë",
        "== course 1 ==", "VOID 1 RIBS  seat 2", "CHANGED 3 サーモン", "   *** DINE IN ***", "   ! hot", "   was 1",
        "== course 3 ==", "1 TIRAMISU",
    ]  # fmt: skip


def test_a_later_revision_that_only_adds_is_an_addition() -> None:
    item = {"quantity": 1, "name": "FRIES"}
    assert "*** ADDITION ***" in card(1, item, revision=2).rows()
    assert "*** ADDITION ***" not in card(1, item).rows()


def test_a_long_line_is_wrapped_not_clipped() -> None:
    short, long = (
        {"quantity": 1, "name": "SOUP", "note": note} for note in ("salt", "sans gluten s'il vous plaît, et sans sel")
    )
    assert picture(card(1, long)).height > picture(card(1, short)).height
    word = {"quantity": 1, "name": "W" * 120}
    margin = picture(card(1, word)).crop((308, 48, 312, 120))
    assert len({margin.getpixel((x, y)) for x in range(margin.width) for y in range(margin.height)}) == 1


def test_the_picture_has_the_newest_cards_and_the_text_all() -> None:
    item = {"quantity": 1, "name": "SOUP"}
    cards = [card(number, item) for number in range(MOST + 5)]
    full, one_row = picture(*cards[:MOST]), picture(*cards[:ACROSS])
    assert picture(*cards).size == full.size
    assert full.height > one_row.height
    board = Cards(None)
    for one in cards:
        board.show(one)
    assert board.as_text(agent_lost=False).count("SOUP") == MOST + 5


def test_an_empty_board_has_a_picture() -> None:
    assert picture().width > 0


def test_letters_without_a_glyph_are_spelled_in_brackets() -> None:
    assert legible("1 サーモン握り Salmon") == "1 [samon Wori] Salmon"
    assert legible("Σαγανάκι, Борщ, Żurek") == "Σαγανάκι, Борщ, Żurek"

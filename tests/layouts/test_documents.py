"""What stands on paper and on displays."""

import msgspec
import pytest
from tests.kitchen.world import NOW_MS, Pass, line, modifier

from tillkeeper.contract.values import Personal
from tillkeeper.layouts.documents import document
from tillkeeper.layouts.language import language
from tillkeeper.layouts.shelf import chosen
from tillkeeper.spool.model import Job, PulseData, ReceiptAmount, ReceiptData, ReceiptLine
from tillkeeper.spool.model import TestSlipData as SlipData
from tillkeeper_drivers.api import Columns, DisplayDocument, PrintDocument, PulseDocument, Text


def paper(job: Job, kitchen: Pass, **personal: str) -> PrintDocument:
    made = document(job, kitchen.config, personal, chosen(kitchen.config))
    assert isinstance(made, PrintDocument)
    return made


def texts(made: PrintDocument) -> list[str]:
    return [block.text.strip() for block in made.blocks if isinstance(block, Text)]


def receipt(**changes: object) -> Job:
    data = ReceiptData(
        check_id="01JXYZLONGID", ticket_code="B-037", order_type="takeout", printed_at_ms=NOW_MS, terminal="front",
        server="Ann", table="4",
        lines=(ReceiptLine("Burger", 2, 2500), ReceiptLine("Bacon", 1, 150, depth=1), ReceiptLine("Rare", depth=1)),
        amounts=(ReceiptAmount("Subtotal", 2650), ReceiptAmount("TOTAL", 2650, strong=True), ReceiptAmount("Change", -50)),
    )  # fmt: skip
    data = msgspec.structs.replace(data, **changes)
    return Job(job_id="J1", device="receipt", document_class="receipt", data=data, created_at_ms=NOW_MS)


def test_a_ticket_reads_from_the_top_marks_order_type_code() -> None:
    kitchen = Pass(line("a", "Burger", 2, modifiers=(modifier("No onions"),), note="quick", seat=3), table="12", server="Ann")
    kitchen.change(name=Personal("d1"), note=Personal("d2"))
    ((_event, job),) = kitchen.send()
    job = msgspec.structs.replace(job, marks=("POSSIBLE DUPLICATE", "REROUTED FROM GRILL"))
    made = paper(job, kitchen, name="Zoë", note="allergic to nuts")
    said = texts(made)
    assert said[:4] == ["POSSIBLE DUPLICATE", "REROUTED FROM GRILL", "DINE IN", "B-037"]
    sizes = {block.text.strip(): block.height * block.width for block in made.blocks if isinstance(block, Text)}
    assert all(block.height == 2 for block in made.blocks[:2] if isinstance(block, Text))
    assert max(sizes, key=lambda text: sizes[text]) == "DINE IN"
    assert said[4:] == ["TABLE 12", "Zoë", "NOTE: allergic to nuts", "2 x Burger  SEAT 3", "No onions", "NOTE: quick"]
    (item,) = [block for block in made.blocks if isinstance(block, Text) and "Burger" in block.text]
    assert item.bold
    columns = [(block.left, block.right) for block in made.blocks if isinstance(block, Columns)]
    assert ("Grill", "10:53:20") in columns, "in the store's time zone (Berlin, summer)"
    assert ("SERVER Ann", "") in columns


def test_an_erased_personal_text_is_left_out() -> None:
    kitchen = Pass(line("a"), name=Personal("d1"))
    ((_event, job),) = kitchen.send()
    assert texts(paper(job, kitchen)) == ["DINE IN", "B-037", "1 x Burger"]


def test_change_slips_say_what_to_do_and_what_was() -> None:
    kitchen = Pass(line("a"), line("b", "Fries", 1, modifiers=(modifier("Salt"),)))
    kitchen.send()
    kitchen.change_line("a", quantity=0)
    kitchen.change_line("b", quantity=2, modifiers=())
    kitchen.change(lines=(*kitchen.check.lines, line("c", "Cake", course=2, order_type="takeout")))
    ((_event, job),) = kitchen.send()
    assert texts(paper(job, kitchen)) == [
        "DINE IN", "B-037", "*** CHANGE ***",
        "COURSE 1", "VOID 1 x Burger", "CHANGED 2 x Fries", "WAS 1 x", "WAS Salt",
        "COURSE 2", "ADD 1 x Cake", "*** TAKEOUT ***",
    ]  # fmt: skip


def test_a_later_addition_says_so() -> None:
    kitchen = Pass(line("a"))
    kitchen.send()
    kitchen.change(lines=(*kitchen.check.lines, line("b", "Fries")))
    ((_event, job),) = kitchen.send()
    assert texts(paper(job, kitchen)) == ["DINE IN", "B-037", "*** ADDITION ***", "ADD 1 x Fries"]


def test_a_receipt_has_its_amounts_in_columns_and_both_ids() -> None:
    kitchen = Pass()
    made = paper(receipt(check_number=4711), kitchen)
    columns = [(block.left, block.right) for block in made.blocks if isinstance(block, Columns)]
    assert columns == [
        ("2025-10-09 10:53", "front"),
        ("Server Ann", "Check no. 4711"),
        ("2 x Burger", "25.00"),
        ("  Bacon", "1.50"),
        ("  Rare", ""),
        ("Subtotal", "26.50"),
        ("TOTAL", "EUR 26.50"),
        ("Change", "-0.50"),
    ]
    assert texts(made) == ["Corner", "TAKEOUT", "B-037", "Table 4", "Check 01JXYZLONGID"]


def test_copies_and_refunds_are_named() -> None:
    kitchen = Pass()
    job = msgspec.structs.replace(receipt(copy=2, title="REFUND"), marks=("DUPLICATE",))
    assert texts(paper(job, kitchen))[:4] == ["DUPLICATE", "COPY 2", "Corner", "REFUND"]


@pytest.mark.parametrize(
    ("minor", "digits", "text"),
    [(0, 2, "0.00"), (5, 2, "0.05"), (-5, 2, "-0.05"), (123456, 2, "1234.56"), (7, 0, "7"), (7, 3, "0.007")],
)
def test_amounts(minor: int, digits: int, text: str) -> None:
    assert language("en").amount(minor, digits) == text


def test_a_pulse_is_that_of_its_drawer() -> None:
    kitchen = Pass()
    job = Job(
        job_id="J1", device="drawer", document_class="drawer_pulse", data=PulseData("drawer", "tender"), created_at_ms=NOW_MS
    )
    assert document(job, kitchen.config, {}, {}) == PulseDocument("J1", pin=2, on_ms=100)


def test_a_test_slip_names_its_device() -> None:
    kitchen = Pass()
    job = Job(job_id="J1", device="grill", document_class="test_slip", data=SlipData(NOW_MS), created_at_ms=NOW_MS)
    made = paper(job, kitchen)
    assert Columns("Device", "grill") in made.blocks
    assert Columns("Stations", "Grill") in made.blocks


def test_displays_get_the_ticket_itself() -> None:
    kitchen = Pass(line("a", order_type="takeout"))
    ((_event, job),) = kitchen.send()
    devices = {**kitchen.config.devices, "grill": msgspec.structs.replace(kitchen.config.devices["grill"], kind="display")}
    job = msgspec.structs.replace(job, marks=("POSSIBLE DUPLICATE",))
    made = document(job, msgspec.structs.replace(kitchen.config, devices=devices), {"name": "Zoë"}, {})
    assert isinstance(made, DisplayDocument)
    assert (made.job_id, made.marks) == (job.job_id, ("POSSIBLE DUPLICATE",))
    assert (made.ticket.order_type, made.ticket.name, made.ticket.fired_at_text) == ("DINE IN", "Zoë", "10:53:20")
    assert (made.ticket.items[0].action, made.ticket.items[0].order_type) == ("add", "TAKEOUT")

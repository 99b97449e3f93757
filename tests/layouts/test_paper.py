"""Whatever a job holds: a layout sets it, and drops no item, no amount and no mark."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.layouts.world import paper_of, store, text_of, words_of

from tillkeeper.config.model import Config
from tillkeeper.layouts import documents, fields, names, samples, shelf
from tillkeeper.layouts.language import language
from tillkeeper.layouts.model import DOCUMENTS
from tillkeeper.spool.model import (
    Job,
    ReceiptAmount,
    ReceiptData,
    ReceiptLine,
    ReportData,
    ReportLine,
    TicketData,
    TicketLine,
    WasBefore,
)
from tillkeeper_drivers.api import Block, Columns, PrintDocument, Text

CONFIG = store()
WORDS = st.text(max_size=40)
SAID = st.text(min_size=1, max_size=40).filter(lambda text: text.strip() != "")
MINOR = st.integers(-(10**11), 10**11)
TAGS = st.sampled_from(sorted(names.languages()))
MARKS = st.lists(SAID | st.sampled_from(["POSSIBLE DUPLICATE", "DUPLICATE", "REROUTED FROM BAR"]), max_size=3).map(tuple)
MOMENTS = st.integers(0, 4_000_000_000_000)

ITEMS = st.builds(
    TicketLine,
    line_id=WORDS,
    action=st.sampled_from(["add", "void", "modify", "later"]),
    quantity=st.integers(0, 999),
    name=SAID,
    modifiers=st.lists(SAID, max_size=3).map(tuple),
    note=WORDS,
    seat=st.none() | st.integers(0, 99),
    course=st.integers(0, 9),
    order_type=WORDS,
    previous_quantity=st.none() | st.integers(0, 99),
    was=st.lists(
        SAID | st.builds(WasBefore, st.sampled_from(["name", "modifiers", "note", "seat", "course", "order_type"]), WORDS),
        max_size=2,
    ).map(tuple),
)
TICKETS = st.builds(
    TicketData,
    check_id=WORDS,
    ticket_code=SAID,
    revision=st.integers(0, 99),
    station=st.sampled_from(["grill", "bar", "gone"]),
    order_type=st.sampled_from(["dine_in", "takeout", "room_service"]),
    fired_at_ms=MOMENTS,
    items=st.lists(ITEMS, max_size=4).map(tuple),
    table=WORDS,
    server=WORDS,
    terminal=WORDS,
    covers=st.integers(0, 99),
    check_number=st.none() | st.integers(0, 10**9),
    training=st.booleans(),
)
AMOUNTS = st.builds(
    ReceiptAmount,
    label=WORDS,
    amount_minor=MINOR,
    strong=st.booleans(),
    kind=st.sampled_from(
        [
            "",
            "subtotal",
            "discount",
            "tax",
            "total",
            "refund",
            "included_tax",
            "rounding",
            "tender",
            "change",
            "returned",
            "due",
        ]
    ),
    rate_ppm=st.integers(0, 10**6),
    net_minor=MINOR,
    foreign_minor=MINOR,
    currency=st.sampled_from(["", "USD", "JPY", "XAF"]),
)
RECEIPTS = st.builds(
    ReceiptData,
    check_id=SAID,
    ticket_code=SAID,
    order_type=WORDS,
    printed_at_ms=MOMENTS,
    terminal=WORDS,
    server=WORDS,
    table=WORDS,
    lines=st.lists(
        st.builds(ReceiptLine, text=SAID, quantity=st.integers(0, 999), amount_minor=MINOR, depth=st.integers(0, 3)), max_size=5
    ).map(tuple),
    amounts=st.lists(AMOUNTS, max_size=6).map(tuple),
    title=st.sampled_from(["", "REFUND", "VOID", "NEW"]),
    check_number=st.none() | st.integers(0, 10**9),
    copy=st.integers(0, 9),
    original_at_ms=st.none() | MOMENTS,
    training=st.booleans(),
)
REPORTS = st.builds(
    ReportData,
    kind=st.sampled_from(["x", "z"]),
    drawer=SAID,
    printed_at_ms=MOMENTS,
    title=WORDS,
    number=st.integers(0, 10**6),
    lines=st.lists(
        st.builds(
            ReportLine,
            word=st.sampled_from(["", "expected", "something_new"]),
            label=SAID,
            amount_minor=st.none() | MINOR,
            count=st.none() | st.integers(0, 10**6),
            text=WORDS,
            currency=st.sampled_from(["", "USD", "EUR", "KWD"]),
            strong=st.booleans(),
            depth=st.integers(0, 3),
        ),
        max_size=6,
    ).map(tuple),
    session=WORDS,
    terminal=WORDS,
    business_day=WORDS,
    opened_at_ms=st.none() | MOMENTS,
    closed_by=WORDS,
    copy=st.integers(0, 9),
    training=st.booleans(),
)
PROPERTY = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def job_of(data: Any, document_class: Any, marks: tuple[str, ...] = ()) -> Job:
    station = data.station if isinstance(data, TicketData) else ""
    return Job("J1", "grill", document_class, data, 0, station=station, marks=marks)


def texts(document: PrintDocument) -> list[str]:
    return [words_of(block) for block in document.blocks]


def top(document: PrintDocument, count: int) -> list[Block]:
    return [block for block in document.blocks if isinstance(block, Text)][:count]


def has_marks(document: PrintDocument, job: Job, tag: str) -> None:
    """Each mark, in order, at the very top, large and white on black; and the banner of training at both ends."""
    spoken = language(tag).printable()
    shown = top(document, len(job.marks))
    for mark, block in zip(job.marks, shown, strict=True):
        assert isinstance(block, Text)
        assert block.invert
        assert block.height >= 2
        if mark not in ("POSSIBLE DUPLICATE", "DUPLICATE", "REROUTED FROM BAR"):
            assert mark in block.text
    banners = [
        block
        for block in document.blocks
        if isinstance(block, Text) and block.invert and spoken.word("marks.training") in block.text
    ]
    if job.data.training:  # type: ignore[union-attr]
        assert len(banners) >= 2


@PROPERTY
@given(data=TICKETS, marks=MARKS, tag=TAGS, name=st.sampled_from(["kitchen_ticket", "kitchen_ticket-large", "change_slip"]),
       guest=WORDS, note=SAID)  # fmt: skip
def test_no_ticket_drops_an_item(data: TicketData, marks: tuple[str, ...], tag: str, name: str, guest: str, note: str) -> None:
    layout = shelf.builtin(name)
    job = job_of(data, layout.document, marks)
    choice = {(layout.document, ""): layout}
    document = documents.print_document(job, CONFIG, {"name": guest, "note": note}, choice, language(tag))
    said = texts(document)
    has_marks(document, job, tag)
    for item in data.items:
        assert any(f"{item.quantity} x {item.name}" in text for text in said)
        assert all(any(modifier in text for text in said) for modifier in item.modifiers)
        assert not item.note.strip() or any(item.note in text for text in said)
    assert any(note in text for text in said), "an allergy"
    largest = max(
        (block for block in document.blocks if isinstance(block, Text | Columns)), key=lambda block: block.width * block.height
    )
    assert isinstance(largest, Text)
    assert largest.text == language(tag).printable().order_type(data.order_type)
    body = [block for block in document.blocks[len(marks) + int(data.training) :] if words_of(block)]
    assert body[0] is largest, "nothing stands before the order type but marks"


@PROPERTY
@given(data=RECEIPTS, marks=MARKS, tag=TAGS, name=st.sampled_from(["receipt", "receipt-short", "refund_receipt"]))
def test_no_receipt_drops_an_amount(data: ReceiptData, marks: tuple[str, ...], tag: str, name: str) -> None:
    layout = shelf.builtin(name)
    job = job_of(data, "receipt", marks)
    document = documents.print_document(job, CONFIG, {}, {(documents.name_of(job), ""): layout}, language(tag))
    said, spoken = texts(document), language(tag)
    has_marks(document, job, tag)
    assert all(any(line.text in text for text in said) for line in data.lines)
    rows = [block for block in document.blocks if isinstance(block, Columns)]
    for row in data.amounts:
        assert any(spoken.amount(row.amount_minor, 2) in block.right for block in rows)
    assert sum(1 for block in rows if re.search(r"\d", block.right)) >= len(data.amounts)
    assert any(data.check_id in text for text in said)
    assert not data.copy or any(spoken.printable().word("marks.copy", copy=str(data.copy)) in text for text in said[:4])
    assert data.title != "NEW" or any(text == "NEW" for text in said)


@PROPERTY
@given(data=REPORTS, marks=MARKS, tag=TAGS)
def test_no_report_drops_a_row(data: ReportData, marks: tuple[str, ...], tag: str) -> None:
    job = job_of(data, "report", marks)
    document = documents.print_document(job, CONFIG, {}, shelf.chosen(CONFIG), language(tag))
    said = texts(document)
    has_marks(document, job, tag)
    for line in data.lines:
        assert any(line.label in text for text in said)
        if line.amount_minor is None and line.count is not None:
            assert any(text.endswith(str(line.count)) for text in said)
    assert any((data.title or data.drawer) in text for text in said)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_field_that_a_layout_may_name_is_one_that_a_job_has(name: str) -> None:
    job = samples.sample(name, CONFIG, station="grill", copy=1)  # type: ignore[arg-type]
    sheet = fields.Sheet(msgspec.structs.replace(job, device="grill"), CONFIG, samples.PERSONAL, language("en"))
    assert set(fields.fields(sheet)) == fields.known(name)  # type: ignore[arg-type]


def test_what_a_guest_is_called_is_never_a_placeholder() -> None:
    job = samples.sample("kitchen_ticket", CONFIG, station="grill")
    document = documents.print_document(
        job, CONFIG, {"name": "{note} {word.ticket.void} {{", "note": "x"}, shelf.chosen(CONFIG)
    )
    assert "{note} {word.ticket.void} {{" in texts(document)


def test_a_void_repeats_quantity_name_and_modifiers_to_the_letter() -> None:
    item = TicketLine("a", "add", 2, "Cheese  Burger (XL)", ("No onions", "2x Bacon"), seat=3)
    ticket = samples.sample("kitchen_ticket", CONFIG, station="grill").data
    assert isinstance(ticket, TicketData)
    said = {}
    for action, name in (("add", "kitchen_ticket"), ("void", "change_slip")):
        data = msgspec.structs.replace(ticket, items=(msgspec.structs.replace(item, action=action),), revision=1)
        lines = texts(paper_of(job_of(data, name), CONFIG))
        at = next(at for at, text in enumerate(lines) if item.name in text)
        said[action] = lines[at : at + 3]
    assert said["void"] == ["VOID " + said["add"][0], *said["add"][1:]]


def test_a_check_of_500_lines_is_one_paper() -> None:
    receipt = samples.sample("receipt", CONFIG).data
    assert isinstance(receipt, ReceiptData)
    lines = tuple(ReceiptLine(f"Item number {number}", 1, number) for number in range(500))
    said = text_of(paper_of(job_of(msgspec.structs.replace(receipt, lines=lines), "receipt"), CONFIG), 32)
    assert all(f"1 x Item number {number} " in said for number in range(500))


OLD = {
    "receipt": """{"type": "receipt", "check_id": "01J", "ticket_code": "B-001", "order_type": "takeout",
        "printed_at_ms": 1760000000000, "terminal": "front", "server": "", "table": "", "title": "VOID", "check_number": null,
        "lines": [{"text": "Burger", "amount_minor": 1000}, {"text": "DINE IN", "depth": 1}], "copy": 1,
        "amounts": [{"label": "Subtotal", "amount_minor": 1000}, {"label": "TOTAL", "amount_minor": 1000, "strong": true}]}""",
    "change_slip": """{"type": "ticket", "check_id": "01J", "ticket_code": "B-001", "revision": 2, "station": "grill",
        "order_type": "dine_in", "fired_at_ms": 1760000000000, "items": [{"line_id": "a", "action": "modify", "quantity": 2,
        "name": "Fries", "previous_quantity": 1, "was": ["PLAIN", "SEAT 1"]}]}""",
}
"""Data of jobs as release 0.1 journaled them."""


@pytest.mark.parametrize(
    ("document_class", "wanted"),
    [
        ("receipt", ["COPY 1", "VOID", "1 x Burger", "DINE IN", "Subtotal", "USD 10.00"]),
        ("change_slip", ["*** CHANGE ***", "CHANGED 2 x Fries", "WAS 1 x", "WAS PLAIN", "WAS SEAT 1"]),
    ],
)
def test_jobs_of_an_older_release_still_print(document_class: str, wanted: list[str]) -> None:
    head = f'"job_id": "J", "device": "grill", "document_class": "{document_class}", "created_at_ms": 1'
    stored = f'{{{head}, "data": {OLD[document_class]}}}'
    job = msgspec.json.decode(stored, type=Job)
    said = text_of(paper_of(job, CONFIG))
    assert [text for text in wanted if text not in said] == []


def in_german(config: Config, document: str) -> str:
    return text_of(paper_of(samples.sample(document, config, station="grill"), config, "de"))  # type: ignore[arg-type]


def test_a_german_store_reads_german() -> None:
    assert "VORHER OHNE EXTRAS" in in_german(CONFIG, "change_slip")
    slip = in_german(CONFIG, "receipt")
    assert re.search(r"SUMME +USD 57,03", slip)
    assert re.search(r"Sales tax 8,875 % +4,65", slip)

"""Jobs that never happened, to show what a layout makes of them: each has of everything something, and something long.

The moment is always the same, so that the same layout gives the same picture.
"""

from collections.abc import Callable

import msgspec

from tillkeeper.config.model import Config
from tillkeeper.layouts.model import DocumentName
from tillkeeper.spool.model import (
    AmountKind,
    Job,
    ReceiptAmount,
    ReceiptData,
    ReceiptLine,
    ReportData,
    ReportLine,
    TestSlipData,
    TicketData,
    TicketLine,
    WasBefore,
)

MOMENT_MS = 1_773_491_696_000
"""2026-03-14 12:34:56 UTC."""
_ORIGINAL_MS = MOMENT_MS - 25 * 60_000
_LONG = "Slow-roasted pork shoulder with apple cider gravy"
_CHECK = "01JQ8Z6V3W5X7Y9Z1A3B5C7D9E"
PERSONAL = {"name": "Zoë Martínez", "note": "nut allergy"}


def sample(
    document: DocumentName,
    config: Config,
    *,
    station: str = "",
    training: bool = False,
    copy: int = 0,
    marks: tuple[str, ...] = (),
) -> Job:
    """A job of this document, for `station` where it is one for the kitchen."""
    made = _MAKERS[document](config, station)
    data = made.data
    if training and not isinstance(data, TestSlipData):
        data = msgspec.structs.replace(data, training=True)
    if copy and isinstance(data, ReceiptData):
        data = msgspec.structs.replace(data, copy=copy, original_at_ms=_ORIGINAL_MS)
    if copy and isinstance(data, ReportData):
        data = msgspec.structs.replace(data, copy=copy)
    return msgspec.structs.replace(made, data=data, marks=marks)


def _ticket(config: Config, station: str) -> Job:
    items = (
        TicketLine("a", "add", 2, "Cheeseburger", ("No onions", "2x Bacon", "Medium rare"), seat=1),
        TicketLine("b", "add", 1, _LONG, ("Gluten-free bun",), note="cut in half"),
        TicketLine("c", "add", 1, "Crème brûlée", course=2, order_type="takeout"),
    )
    return _kitchen(config, station, items, 1)


def _slip(config: Config, station: str) -> Job:
    items = (
        TicketLine("a", "void", 2, "Cheeseburger", ("No onions", "2x Bacon", "Medium rare"), seat=1),
        TicketLine(
            "b", "modify", 3, "Fish and chips", ("Mushy peas",), seat=2, previous_quantity=2,
            was=(WasBefore("modifiers"), WasBefore("seat", "4")),
        ),
        TicketLine("c", "add", 1, "Sparkling water"),
    )  # fmt: skip
    return msgspec.structs.replace(_kitchen(config, station, items, 2), document_class="change_slip")


def _kitchen(config: Config, station: str, items: tuple[TicketLine, ...], revision: int) -> Job:
    data = TicketData(
        check_id=_CHECK, ticket_code="B-037", revision=revision, station=station, order_type="dine_in", fired_at_ms=MOMENT_MS,
        items=items, table="12", server="Ann", terminal=config.this_register, covers=4, check_number=4711,
    )  # fmt: skip
    return Job(
        job_id="preview", device="", document_class="kitchen_ticket", data=data, created_at_ms=MOMENT_MS, station=station,
        personal={field: field for field in PERSONAL},
    )  # fmt: skip


def _receipt(config: Config, _station: str) -> Job:
    lines = (
        ReceiptLine("Cheeseburger", 2, 2580),
        ReceiptLine("Bacon", 4, 600, depth=1),
        ReceiptLine("No onions", 2, depth=1),
        ReceiptLine(_LONG, 1, 1890),
        ReceiptLine("Crème brûlée", 1, 750),
        ReceiptLine("", depth=1, order_type="takeout"),
    )
    taxes = _taxes(config, 5238)
    total = 5238 + sum(tax.amount_minor for tax in taxes if tax.kind == "tax")
    amounts = (
        ReceiptAmount("", 5820, kind="subtotal"),
        ReceiptAmount("Happy hour", -582, kind="discount"),
        *(tax for tax in taxes if tax.kind == "tax"),
        ReceiptAmount("", total, strong=True, kind="total"),
        *(tax for tax in taxes if tax.kind == "included_tax"),
        ReceiptAmount(_tender(config, "cash"), 6000, kind="tender"),
        ReceiptAmount("", 6000 - total, strong=True, kind="change"),
    )
    return _sale(config, lines, amounts)


def _refund(config: Config, _station: str) -> Job:
    amounts = (
        ReceiptAmount("", -750, strong=True, kind="refund"),
        ReceiptAmount("", -61, kind="included_tax"),
        ReceiptAmount(_tender(config, "cash"), -750, kind="tender"),
    )
    return _sale(config, (ReceiptLine("Crème brûlée", 1),), amounts, "REFUND")


def _sale(config: Config, lines: tuple[ReceiptLine, ...], amounts: tuple[ReceiptAmount, ...], title: str = "") -> Job:
    data = ReceiptData(
        check_id=_CHECK, ticket_code="B-037", order_type="dine_in", printed_at_ms=MOMENT_MS, terminal=config.this_register,
        server="Ann", table="12", lines=lines, amounts=amounts, title=title, check_number=4711,
    )  # fmt: skip
    return Job(job_id="preview", device="", document_class="receipt", data=data, created_at_ms=MOMENT_MS)


def _taxes(config: Config, sum_minor: int) -> tuple[ReceiptAmount, ...]:
    """The first rate of the store, as it is charged here."""
    for rate in config.taxes.rates.values():
        rate_ppm = round(float(rate.percent) * 10_000)
        kind: AmountKind = "included_tax" if rate.included else "tax"
        base = 1_000_000 + rate_ppm if rate.included else 1_000_000
        return (ReceiptAmount(rate.name, round(sum_minor * rate_ppm / base), kind=kind, rate_ppm=rate_ppm),)
    return ()


def _tender(config: Config, kind: str) -> str:
    return next((tender.title for tender in config.tenders.values() if tender.kind == kind), kind)


def _test(_config: Config, _station: str) -> Job:
    return Job(job_id="preview", device="", document_class="test_slip", data=TestSlipData(MOMENT_MS), created_at_ms=MOMENT_MS)


def _x(config: Config, _station: str) -> Job:
    return _report(config, "x")


def _z(config: Config, _station: str) -> Job:
    job = _report(config, "z")
    if not isinstance(job.data, ReportData):
        return job
    data = msgspec.structs.replace(
        job.data, kind="z", number=42, counted_at_ms=MOMENT_MS - 120_000, counted_by="Ann", closed_at_ms=MOMENT_MS,
        closed_by="Ben",
    )  # fmt: skip
    return msgspec.structs.replace(job, data=data)


def _report(config: Config, kind: str) -> Job:
    counted = (
        ReportLine("counted", amount_minor=86_106),
        ReportLine("short", amount_minor=-100, strong=True),
    )
    lines = (
        ReportLine("opening_float", amount_minor=15_000),
        ReportLine("cash_sales", amount_minor=123_456),
        ReportLine("cash_refunds", amount_minor=-750),
        ReportLine("paid_in", amount_minor=2_000),
        ReportLine("paid_out", amount_minor=-3_500),
        ReportLine(label="Flowers for table 7 and the bar", amount_minor=-3_500, depth=1),
        ReportLine("safe_drop", amount_minor=-50_000),
        ReportLine("expected", amount_minor=86_206, strong=True),
        *(counted if kind == "z" else ()),
        ReportLine("tenders"),
        ReportLine(label=_tender(config, "cash"), amount_minor=123_456, depth=1),
        ReportLine(label=_tender(config, "custom"), amount_minor=4_200, depth=1),
        ReportLine("no_sales", count=2),
        ReportLine("checks", count=61),
    )
    data = ReportData(
        kind="x", drawer=config.register.drawer or "drawer", printed_at_ms=MOMENT_MS, lines=lines, session="01JQ8Z3F7K",
        terminal=config.this_register, business_day="2026-03-14", opened_at_ms=MOMENT_MS - 6 * 3_600_000, opened_by="Ann",
        printed_by="Ben",
    )  # fmt: skip
    return Job(job_id="preview", device="", document_class="report", data=data, created_at_ms=MOMENT_MS)


def _day(config: Config, _station: str) -> Job:
    cash, custom = _tender(config, "cash"), _tender(config, "custom")
    lines = (
        ReportLine("sales_count", count=184),
        ReportLine("discounts", amount_minor=-2_350),
        ReportLine("net", amount_minor=351_200),
        ReportLine("tax", amount_minor=29_852),
        ReportLine("gross", amount_minor=381_052, strong=True),
        ReportLine("refund_count", count=2),
        ReportLine("refunds", amount_minor=-1_980),
        ReportLine("checks_voided", count=3),
        ReportLine("no_sales", count=4),
        ReportLine("tenders"),
        ReportLine(label=cash, amount_minor=163_456, depth=1),
        ReportLine(label=custom, amount_minor=215_616, depth=1),
        ReportLine(label=""),
        ReportLine("drawer_sessions"),
        ReportLine(label="A drawer Z 42 Ann", depth=1),
        ReportLine("opening_float", amount_minor=15_000, depth=2),
        ReportLine("expected", amount_minor=86_206, depth=2),
        ReportLine("counted", amount_minor=86_106, depth=2),
        ReportLine("short", amount_minor=-100, depth=2),
        ReportLine(label=""),
        ReportLine("adjustment_of", label="2026-03-13"),
        ReportLine("sales_count", count=1, depth=1),
        ReportLine("gross", amount_minor=1_250, depth=1),
        ReportLine(label=""),
        ReportLine("open_checks", count=1),
        ReportLine(label="B-037 2026-03-14", amount_minor=4_200, depth=1),
        ReportLine("left_out", label="C"),
        ReportLine(label="Tablet broken Ben", text=" ", depth=1),
    )
    data = ReportData(
        kind="z", drawer="", printed_at_ms=MOMENT_MS, lines=lines, number=117, business_day="2026-03-14",
        closed_at_ms=MOMENT_MS, closed_by="Ben", printed_by="Ben", whole_store=True,
    )  # fmt: skip
    return Job(job_id="preview", device="", document_class="report", data=data, created_at_ms=MOMENT_MS)


_MAKERS: dict[DocumentName, Callable[[Config, str], Job]] = {
    "receipt": _receipt,
    "refund_receipt": _refund,
    "kitchen_ticket": _ticket,
    "change_slip": _slip,
    "test_slip": _test,
    "x_report": _x,
    "z_report": _z,
    "day_report": _day,
}

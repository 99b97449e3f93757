"""A day's report for a spreadsheet: nothing in it is taken for a formula, whoever wrote it, and who signed stands in it."""

import csv
import io

from tillkeeper.contract.day import DayFigures, DayReport, DrawerLine, Gap, OpenCheckLine, Parked
from tillkeeper.contract.figures import DayBooks, TenderBooks
from tillkeeper.day.export import COLUMNS, to_csv

DAY = "2026-11-20"
BAD = '=HYPERLINK("x")'


def rows(report: DayReport) -> list[dict[str, str]]:
    text = to_csv(report)
    assert text.endswith("\r\n")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_no_cell_is_a_formula_and_amounts_are_in_the_currencys_own_unit() -> None:
    drawer = DrawerLine(
        register=BAD, drawer="drawer", session_id="s", state="closed", number=3, counted_minor={"JPY": 900, BAD: 5},
        expected_minor={"JPY": 1_000, BAD: 5}, over_short_minor={"JPY": -100, BAD: 0},
    )  # fmt: skip
    check = OpenCheckLine(check_id="C1", ticket_code="@A-001", register="\tside", opened_day=DAY, due_minor=1_234)
    books = DayBooks(business_day=DAY, sales=2, gross_minor=-5, tenders={"+card": TenderBooks(taken_minor=700)})
    figures = DayFigures(books=books, drawers=(drawer,), open_checks=(check,), open_checks_count=1)
    gap = Gap(register="side", reason="=stolen", by="Mia")
    report = DayReport(
        day=DAY, closed=None, figures=figures, currency="EUR", minor_digits=2, gaps=(gap,),
        parked=(Parked(register="back", reason="in repair", by="Ann"),),
    )  # fmt: skip
    found = rows(report)
    for row in found:
        assert tuple(row) == COLUMNS
        for name, cell in row.items():
            assert name == "amount" or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), row
    amounts = {(row["section"], row["name"]): (row["amount"], row["currency"]) for row in found}
    assert amounts["drawer", "drawer Z 3 over or short"] in (("-100", "JPY"), ("0.00", "'" + BAD))
    assert ("drawer", "JPY", "-100") in {(row["section"], row["currency"], row["amount"]) for row in found}
    assert amounts["day", "gross"] == ("-0.05", "EUR")
    assert amounts["open_checks", "'@A-001"] == ("12.34", "EUR")
    signed = {(row["section"], row["register"], row["name"]) for row in found}
    assert ("gap", "side", "'=stolen (Mia)") in signed
    assert ("parked", "back", "in repair (Ann)") in signed

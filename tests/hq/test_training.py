"""Practice at HQ: kept like every event, in no book, in no directory, and without a number."""

from pathlib import Path

import pytest
from tests.hq.world import DAY, STORE, Log, running

from tillkeeper.contract.documents import ReceiptIssued
from tillkeeper.contract.events import CheckClosed, CheckOpened, CheckVoided, RefundRecorded, TenderRecorded
from tillkeeper.contract.values import Totals

pytestmark = pytest.mark.usefixtures("database")

TOTALS = Totals(1000, 0, 1000, 0, 1000, 0, 1000, 0)


def practise(log: Log, check_id: str, code: str) -> None:
    opened = CheckOpened(
        check_id=check_id, ticket_code=code, order_type="dine_in", catalogue_version="c1", terminal="till-1", training=True
    )
    paid = TenderRecorded(
        check_id=check_id, tender_id="t", tender="cash", kind="cash", amount_minor=1000, tendered_minor=1000, training=True
    )
    back = RefundRecorded(
        check_id=check_id,
        refund_id="r",
        tender="cash",
        kind="cash",
        amount_minor=300,
        tax_minor=0,
        reason="cold",
        training=True,
    )
    for event in (opened, paid, CheckClosed(check_id=check_id, totals=TOTALS, training=True), back):
        log.add(event)
    log.add(ReceiptIssued(check_id=check_id, job_id="j", device="receipt"))


def test_practice_gets_no_number_and_is_in_no_book(tmp_path: Path) -> None:
    log, without = Log(), Log()
    log.sale("c1", 1190)
    practise(log, "p1", "T-001")
    log.sale("c2", 2380)
    left = CheckOpened(
        check_id="p2", ticket_code="T-002", order_type="dine_in", catalogue_version="c1", terminal="till-1", training=True
    )
    log.add(left)
    log.add(CheckVoided(check_id="p2", reason="left", training=True))
    log.sale("c3", 100)
    for check_id, gross in (("c1", 1190), ("c2", 2380), ("c3", 100)):
        without.sale(check_id, gross)
    with running(tmp_path) as hq:
        answer = hq.send(log.batch())
        assert {verdict.verdict for verdict in answer.verdicts} == {"stored"}
        assert [(given.check_id, given.number) for given in answer.numbers] == [("c1", 1), ("c2", 2), ("c3", 3)]
        assert hq.send(log.batch()).numbers == answer.numbers
        assert hq.books() == log.day_books() == without.day_books()
        for reference in ("p1", "T-001", "p2"):
            assert hq.ask(f"/v1/checks/{reference}", store=STORE).status_code == 404
        assert hq.get("/v1/checks/c2", store=STORE)["number"] == 2


def test_a_day_of_practice_alone_is_no_business_day(tmp_path: Path) -> None:
    log = Log()
    practise(log, "p1", "T-001")
    log.sale("c1", 100, day="2026-11-22")
    with running(tmp_path) as hq:
        hq.send(log.batch())
        days = [day["books"]["business_day"] for day in hq.get("/v1/books", store=STORE)["days"]]
        assert days == ["2026-11-22"]
        assert DAY not in days

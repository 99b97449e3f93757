"""From folds, jobs and driver status to views: nothing lost, nothing claimed."""

import pytest
from tests.api.fake_till import ZERO

from tillkeeper.api.present import (
    TROUBLE_WORDS,
    UNSHOWN,
    check_summary,
    check_view,
    device_view,
    drawer_view,
    job_view,
    line_state,
    reason_words,
    wired_view,
)
from tillkeeper.contract.values import Personal, Tax
from tillkeeper.sales.model import Check, Discount, Line, Payment, Refund
from tillkeeper.spool.model import Job, PulseData, TicketData
from tillkeeper_drivers.api import Reason, Status


def line(**changes: object) -> Line:
    given: dict[str, object] = {
        "line_id": "L1",
        "item_id": "burger",
        "name": "Burger",
        "quantity": 1,
        "unit_price_minor": 900,
        "tax": Tax(code="std", rate_ppm=100_000, included=True),
        "station": "grill",
    }
    return Line(**(given | changes))  # type: ignore[arg-type]


CHECK = Check(
    check_id="C1",
    ticket_code="B-001",
    order_type="dine_in",
    catalogue_version="c1",
    terminal="r1",
    business_day="2026-11-22",
    opened_at_ms=5,
    number=1024,
    name=Personal(digest="d1"),
    phone=Personal(digest="d2"),
    lines=(line(), line(line_id="L2", quantity=0, voided_quantity=1)),
    discounts=(Discount(discount_id="D1", code="staff", name="Staff", rate_ppm=100_000),),
    payments=(Payment(tender_id="T1", tender="cash", kind="cash", amount_minor=900, tendered_minor=1000, change_minor=100),),
    refunds=(Refund(refund_id="R1", tender="cash", amount_minor=1, tax_minor=0, reason="cold", quantities={"L1": 1}),),
)


def test_a_check_with_its_personal_texts() -> None:
    view = check_view(CHECK, ZERO, {"d1": "Zoë"}, synced=False)
    assert (view.name, view.phone, view.note) == ("Zoë", None, None)
    assert view.erased == ("phone",)
    assert (view.check_id, view.ticket_code, view.number, view.synced) == ("C1", "B-001", 1024, False)
    assert [one.state for one in view.lines] == ["waiting", "voided"]
    assert view.payments[0].change_minor == 100
    assert view.refunds[0].quantities == {"L1": 1}
    assert view.discounts[0].rate_ppm == 100_000


def test_a_row_of_the_list() -> None:
    row = check_summary(CHECK, ZERO, {"d1": "Zoë"}, synced=True)
    assert (row.name, row.lines, row.synced, row.number) == ("Zoë", 1, True, 1024)


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (line(), "waiting"),
        (line(held=True), "held"),
        (line(fire_at_ms=9), "scheduled"),
        (line(held=True, fire_at_ms=9), "scheduled"),
        (line(fired=True, fire_at_ms=9), "fired"),
        (line(fired=True, quantity=0), "voided"),
    ],
)
def test_the_state_of_a_line(given: Line, state: str) -> None:
    assert line_state(given) == state


def test_a_job_has_an_age_that_no_clock_makes_negative() -> None:
    ticket = TicketData(
        check_id="C1", ticket_code="B-001", revision=1, station="grill", order_type="dine_in", fired_at_ms=0, items=()
    )
    job = Job(job_id="J1", device="grill", document_class="kitchen_ticket", data=ticket, created_at_ms=5000)
    assert job_view(job, 7500).age_s == 2.5
    assert job_view(job, 0).age_s == 0
    assert job_view(job, 0).ticket_code == "B-001"
    pulse = Job(
        job_id="J2", device="d", document_class="drawer_pulse", data=PulseData(drawer="d", cause="no_sale"), created_at_ms=0
    )
    assert job_view(pulse, 0).ticket_code == ""


def test_a_device_that_was_never_asked_is_unknown() -> None:
    view = device_view("grill", "escpos", None)
    assert not view.known
    assert (view.reachable, view.paper_out, view.cover_open, view.trouble) == ("unknown", "unknown", "unknown", "")
    assert not device_view("grill", "escpos", Status()).known


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status(reachable="no"), TROUBLE_WORDS["unreachable"]),
        (Status(reachable="yes", cover_open="yes"), "the cover is open"),
        (Status(reachable="yes", paper_out="yes"), "the paper is out"),
        (Status(reachable="yes", online="no"), "says that it is offline"),
        (
            Status(reachable="yes", online="no", mechanical_error="yes"),
            "has a mechanical error: open its cover, take out jammed paper, shut it",
        ),
        (Status(reachable="yes", online="yes", mechanical_error="yes"), ""),
        (Status(reachable="yes", temperature_error="yes"), TROUBLE_WORDS["temperature"]),
        (Status(reachable="yes", online="yes"), ""),
    ],
)
def test_trouble_in_words(status: Status, words: str) -> None:
    view = device_view("grill", "escpos", status, queued=2, held=1, stations=("hot",))
    assert view.known
    assert view.trouble == words
    assert (view.queued, view.held, view.stations) == (2, 1, ("hot",))


def test_a_kitchen_page_that_nobody_has_open_is_no_cable_to_look_at() -> None:
    assert device_view("screen", "display", Status(reachable="no")).trouble == UNSHOWN
    assert device_view("wall", "epson_kds", Status(reachable="no")).trouble == TROUBLE_WORDS["unreachable"]
    assert device_view("screen", "display", Status(reachable="yes", reason="busy")).trouble != UNSHOWN


def test_a_device_that_takes_nothing_is_in_trouble_and_its_own_word_goes_first() -> None:
    well = Status(reachable="yes", online="yes")
    assert device_view("grill", "escpos", well, refuses="no_answer").trouble == TROUBLE_WORDS["no_answer"]
    assert device_view("grill", "escpos", Status(cover_open="yes"), refuses="no_answer").trouble == "the cover is open"


def test_whatever_a_driver_says_of_a_device_is_in_its_view() -> None:
    """But for what the view says in other words: the drawer's level, the reason."""
    said = {field for field in Status.__struct_fields__ if getattr(Status(), field) == "unknown"} - {"drawer_pin_high"}
    view = device_view("grill", "escpos", Status(**dict.fromkeys(said, "yes")))  # type: ignore[arg-type]
    assert {field for field in said if getattr(view, field) != "yes"} == set()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status(reachable="yes", paper_out="yes", cutter_error="yes", cover_open="yes", paper_near_end="yes"), ""),
        (Status(reachable="yes", online="no", temperature_error="yes"), ""),
        (Status(reachable="no"), f"its printer, receipt, {TROUBLE_WORDS['unreachable']}"),
        (Status(reachable="no", reason="not_plugged_in"), f"its printer, receipt, {TROUBLE_WORDS['not_plugged_in']}"),
    ],
)
def test_of_its_printer_a_drawer_only_says_whether_it_is_reached(status: Status, words: str) -> None:
    view = drawer_view("drawer", "receipt", status, drawer_open="yes")
    assert (view.kind, view.known, view.trouble, view.drawer_open) == ("drawer", True, words, "yes")
    said = {view.paper_out, view.cutter_error, view.cover_open, view.paper_near_end, view.temperature_error, view.online}
    assert said == {"unknown"}
    assert not drawer_view("drawer", "receipt", None).known


@pytest.mark.parametrize(("refuses", "stuck", "trouble"), [
    ("unreachable", True, f"its printer, receipt, {TROUBLE_WORDS['unreachable']}"),
    ("busy", False, ""),
    (None, True, "did not open when it was last kicked"),
])  # fmt: skip
def test_a_drawer_that_can_not_be_kicked_or_is_stuck(refuses: Reason | None, stuck: bool, trouble: str) -> None:
    assert drawer_view("drawer", "receipt", Status(reachable="yes"), refuses=refuses, stuck=stuck).trouble == trouble


def test_a_drawer_of_a_silent_register_is_not_taken_for_one_of_a_printer_that_is_off() -> None:
    status = Status(reachable="no", detail="register front is silent")
    view = wired_view(drawer_view("drawer", "receipt", status), "front")
    assert view.trouble == "can not be used: register front is silent"


@pytest.mark.parametrize(("kept", "words"), [
    ("cover_open", "the cover is open"),
    ("temperature", TROUBLE_WORDS["temperature"]),
    ("it may have printed (lost): look", "it may have printed (the connection broke): look"),
    ("901 s old: the guest has left", "901 s old: the guest has left"),
    ("released by cutter", "released by cutter"),
    ("", ""),
])  # fmt: skip
def test_reasons_are_in_words(kept: str, words: str) -> None:
    assert reason_words(kept) == words

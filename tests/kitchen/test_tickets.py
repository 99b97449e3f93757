"""Only the difference is printed, and what was printed always adds up to what is owed."""

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kitchen.world import NOW_MS, Pass, data_of, kitchen_config, line, modifier

from tillkeeper.contract.values import Personal
from tillkeeper.kitchen.tickets import owed, reprint
from tillkeeper.sales import checks
from tillkeeper.sales.model import Payment, StationView
from tillkeeper.spool.model import WasBefore


def test_each_device_of_each_station_concerned_gets_its_part() -> None:
    kitchen = Pass(line("a"), line("b", "Beer", 2, "bar"), line("c", "Combo", 1, "grill,bar"), line("d", "Later", fired=False))
    assert kitchen.told() == [
        ("grill", "kitchen_ticket", [("add", 1, "Burger"), ("add", 1, "Combo")]),
        ("bar", "kitchen_ticket", [("add", 2, "Beer"), ("add", 1, "Combo")]),
        ("receipt", "kitchen_ticket", [("add", 2, "Beer"), ("add", 1, "Combo")]),
    ]
    assert {name: view.revision for name, view in kitchen.check.stations.items()} == {"grill": 1, "bar": 1}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"payments": (Payment("t1", "cash", "cash", 1000, 1000),)},
        {"state": "closed"},
        {"number": 12},
        {"table": "9"},
        {"receipts": 2},
    ],
)
def test_what_changes_nothing_for_the_kitchen_prints_nothing(change: dict[str, Any]) -> None:
    kitchen = Pass(line("a"))
    kitchen.send()
    kitchen.change(**change)
    assert kitchen.told() == []


def test_another_stations_item_prints_only_there() -> None:
    kitchen = Pass(line("a"))
    kitchen.send()
    kitchen.change(lines=(*kitchen.check.lines, line("b", "Beer", 1, "bar")))
    assert [device for device, _class, _items in kitchen.told()] == ["bar", "receipt"]


def test_additions_are_tickets_and_everything_else_is_a_change_slip() -> None:
    kitchen = Pass(line("a"))
    kitchen.send()
    kitchen.change(lines=(*kitchen.check.lines, line("b", "Fries")))
    ((event, job),) = kitchen.send()
    assert (job.document_class, event.revision, data_of(job).revision) == ("kitchen_ticket", 2, 2)
    kitchen.change_line("b", quantity=3)
    ((event, job),) = kitchen.send()
    (item,) = data_of(job).items
    assert (job.document_class, event.revision) == ("change_slip", 3)
    assert (item.action, item.quantity, item.previous_quantity) == ("modify", 3, 1)


def test_a_void_repeats_to_the_letter_what_the_kitchen_was_told() -> None:
    kitchen = Pass(line("a", "Burger", 2, kitchen_name="BRGR", modifiers=(modifier("No onions"), modifier("Bacon", 2)), seat=3))
    ((_event, first),) = kitchen.send()
    kitchen.change_line("a", quantity=0, name="Renamed", modifiers=())
    ((_event, second),) = kitchen.send()
    (told,), (voided,) = data_of(first).items, data_of(second).items
    assert voided == type(told)(**{**{f: getattr(told, f) for f in told.__struct_fields__}, "action": "void"})
    assert (voided.quantity, voided.name, voided.modifiers) == (2, "BRGR", ("No onions", "2x Bacon"))
    assert kitchen.told() == []


def test_a_void_comes_before_what_replaces_it() -> None:
    kitchen = Pass(line("a"))
    kitchen.send()
    kitchen.change_line("a", quantity=0)
    kitchen.change(lines=(*kitchen.check.lines, line("b", "Fries")))
    assert kitchen.told() == [("grill", "change_slip", [("void", 1, "Burger"), ("add", 1, "Fries")])]


def test_a_voided_check_takes_everything_back() -> None:
    kitchen = Pass(line("a"), line("b", "Beer", 2, "bar"))
    kitchen.send()
    kitchen.change(state="voided")
    assert kitchen.told() == [
        ("grill", "change_slip", [("void", 1, "Burger")]),
        ("bar", "change_slip", [("void", 2, "Beer")]),
        ("receipt", "change_slip", [("void", 2, "Beer")]),
    ]


def test_an_order_type_change_is_told_to_those_who_know_the_check() -> None:
    kitchen = Pass(line("a"), line("b", "Beer", 1, "bar", fired=False))
    kitchen.send()
    kitchen.change(order_type="takeout")
    ((_event, job),) = kitchen.send()
    assert (job.device, job.document_class, data_of(job).order_type) == ("grill", "change_slip", "takeout")
    assert data_of(job).items[0].was == (WasBefore("order_type", "dine_in"),)
    assert kitchen.told() == []


def test_a_change_names_what_it_changes() -> None:
    kitchen = Pass(line("a", modifiers=(modifier("Rare"),), note="quick", seat=1))
    kitchen.send()
    kitchen.change_line("a", modifiers=(), note="", seat=2, course=2)
    ((_event, job),) = kitchen.send()
    assert data_of(job).items[0].was == (
        WasBefore("modifiers", "Rare"), WasBefore("note", "quick"), WasBefore("seat", "1"), WasBefore("course", "1"),
    )  # fmt: skip


def test_personal_texts_travel_as_digests() -> None:
    kitchen = Pass(line("a"), name=Personal("d1"), note=Personal("d2"), phone=Personal("d3"))
    ((_event, job),) = kitchen.send()
    assert job.personal == {"name": "d1", "note": "d2"}


def test_a_reprint_says_all_that_the_station_holds_and_is_marked() -> None:
    kitchen = Pass(line("a"), line("b", "Beer", 1, "bar"))
    kitchen.send()
    kitchen.change(lines=(*kitchen.check.lines, line("c", "Fries")))
    kitchen.send()
    made = reprint(kitchen.check, kitchen.config, NOW_MS, kitchen.new_id, by="Ann", station="grill")
    ((event, job),) = made
    assert [item.name for item in data_of(job).items] == ["Burger", "Fries"]
    assert job.marks == ("DUPLICATE",)
    assert (event.original_job_id, event.by) == (kitchen.check.stations["grill"].job_id, "Ann")
    assert len(reprint(kitchen.check, kitchen.config, NOW_MS, kitchen.new_id)) == 3


# --- any edits whatever ---

NAMES = ("Burger", "Fries", "Beer")
STATIONS = ("grill", "bar", "grill,bar")


@dataclass(frozen=True)
class Edit:
    what: str
    which: int
    value: int


EDITS = ["add", "quantity", "fire", "modifiers", "note", "seat", "course", "line_type", "type", "send", "pay"]
edits = st.lists(
    st.builds(
        Edit,
        what=st.sampled_from(EDITS),
        which=st.integers(0, 5),
        value=st.integers(0, 4),
    ),
    max_size=40,
)


def edit_line(kitchen: Pass, line_id: str, edit: Edit) -> None:
    value = edit.value
    if edit.what == "quantity":
        kitchen.change_line(line_id, quantity=value)
    elif edit.what == "fire":
        kitchen.change_line(line_id, fired=True)
    elif edit.what == "modifiers":
        kitchen.change_line(line_id, modifiers=tuple(modifier(f"M{n}", n + 1) for n in range(value)))
    elif edit.what == "note":
        kitchen.change_line(line_id, note="x" * value)
    elif edit.what == "seat":
        kitchen.change_line(line_id, seat=value or None)
    elif edit.what == "course":
        kitchen.change_line(line_id, course=value + 1)
    elif edit.what == "line_type":
        kitchen.change_line(line_id, order_type=(None, "takeout", "dine_in", None, "delivery")[value])


def apply_edit(kitchen: Pass, edit: Edit) -> None:
    lines = kitchen.check.lines
    if edit.what == "add":
        kitchen.change(lines=(*lines, line(f"l{len(lines)}", NAMES[edit.which % 3], 1, STATIONS[edit.value % 3], fired=False)))
    elif edit.what == "type":
        kitchen.change(order_type=("dine_in", "takeout")[edit.value % 2])
    elif edit.what == "pay":
        kitchen.change(payments=(*kitchen.check.payments, Payment("t", "cash", "cash", 1, 1)))
    elif lines and edit.what != "send":
        edit_line(kitchen, lines[edit.which % len(lines)].line_id, edit)


@given(edits)
def test_the_kitchen_always_knows_what_it_is_owed(sequence: list[Edit]) -> None:
    kitchen = Pass()
    for edit in sequence:
        apply_edit(kitchen, edit)
        if edit.what == "send":
            for event, job in kitchen.send():
                assert event.items
                assert (job.document_class == "kitchen_ticket") == all(item.action == "add" for item in event.items)
            for station in kitchen.config.stations:
                view = kitchen.check.stations.get(station, StationView())
                assert view.items == owed(kitchen.check, station, kitchen.config)
            assert kitchen.send() == []


@given(edits)
def test_an_edit_and_its_undo_before_a_fire_prints_nothing(sequence: list[Edit]) -> None:
    kitchen = Pass(line("a"), line("b", "Beer", 2, "bar"))
    kitchen.send()
    before = kitchen.check
    for edit in sequence:
        apply_edit(kitchen, edit)
    kitchen.check = before
    assert kitchen.send() == []


@given(edits)
def test_the_sales_fold_learns_the_same_from_the_events(sequence: list[Edit]) -> None:
    kitchen = Pass()
    sales = kitchen.check
    for edit in sequence:
        apply_edit(kitchen, edit)
        for event, _job in kitchen.send():
            sales = checks.apply(sales, event, "2025-10-09", NOW_MS)
    assert {name: (view.revision, view.items) for name, view in sales.stations.items()} == {
        name: (view.revision, view.items) for name, view in kitchen.check.stations.items()
    }


def test_a_config_without_a_station_sends_nothing_to_it() -> None:
    kitchen = Pass(line("a"))
    kitchen.config = msgspec.structs.replace(kitchen_config(), stations={})
    assert kitchen.send() == []

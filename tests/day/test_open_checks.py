"""Checks that go over into the next day, whatever logs say of them and in whatever order they come."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillkeeper.contract.base import Event
from tillkeeper.contract.days import Place
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import TYPE_NAMES, CheckClosed, CheckOpened, CheckVoided
from tillkeeper.contract.together import CheckForked, CheckMerged, CheckTaken
from tillkeeper.contract.values import CheckState, Totals
from tillkeeper.day.index import DayIndex
from tillkeeper.day.open_checks import MAX_ENDED, OpenChecks

FRIDAY, SATURDAY = "2026-11-20", "2026-11-21"
CHECK = msgspec.Raw(b'{"check_id":"C1","ticket_code":"A-001","business_day":"2026-11-20","hand":1}')
Said = tuple[Event, str]
"""An event and the day that it is stamped with."""


def sums(gross: int) -> Totals:
    return Totals(gross, 0, gross, 0, gross, 0, gross, 0)


def came(kind: Any, hand: int, state: CheckState = "open", day: str = FRIDAY) -> Said:
    body = kind(
        check_id="C1", from_register="A", hand=hand, at={}, check=CHECK, ticket_code="A-001", business_day=FRIDAY, state=state
    )
    return body, day


def merged(was: CheckState, state: CheckState, day: str = FRIDAY) -> Said:
    return CheckMerged(check_id="C1", from_register="A", at={}, check=CHECK, was=was, state=state), day


OPENED: Said = (
    CheckOpened(check_id="C1", ticket_code="A-001", order_type="dine_in", catalogue_version="c", terminal="t"), FRIDAY
)  # fmt: skip
CLOSED: Said = (CheckClosed(check_id="C1", totals=sums(900)), FRIDAY)
VOIDED: Said = (CheckVoided(check_id="C1", reason="left"), FRIDAY)
LATER: Said = (CheckClosed(check_id="C1", totals=sums(900)), SATURDAY)

STORIES: dict[str, tuple[dict[str, list[Said]], bool, bool]] = {
    # what each register wrote; whether it was open when Friday ended, and Saturday
    "open": ({"A": [OPENED]}, True, True),
    "closed": ({"A": [OPENED, CLOSED]}, False, False),
    "closed the day after": ({"A": [OPENED, LATER]}, True, False),
    "reopened by a merge": (
        {"A": [OPENED, CLOSED], "B": [came(CheckForked, 1), CLOSED, merged("closed", "open")]}, True, True,
    ),
    "reopened the day after": (
        {"A": [OPENED, CLOSED], "B": [came(CheckForked, 1), CLOSED, merged("closed", "open", SATURDAY)]}, False, True,
    ),
    "reopened and paid": (
        {"A": [OPENED], "B": [came(CheckForked, 1), CLOSED, merged("closed", "open"), LATER]}, True, False,
    ),
    "closed where it was, forked, open there": ({"A": [OPENED, CLOSED], "B": [came(CheckForked, 1)]}, True, True),
    "forked the day after": (
        {"A": [OPENED, CLOSED], "B": [came(CheckForked, 1, day=SATURDAY), (VOIDED[0], SATURDAY)]}, False, False,
    ),
    "there and back": (
        {"A": [OPENED, came(CheckTaken, 2, day=SATURDAY), LATER], "B": [came(CheckTaken, 1)]}, True, False,
    ),
    "two forks, the higher one voided": (
        {"A": [OPENED], "B": [came(CheckForked, 1)], "C": [came(CheckForked, 1), VOIDED]}, False, False,
    ),
    "forked as it was closed": ({"A": [OPENED, CLOSED], "B": [came(CheckForked, 1, "closed")]}, False, False),
    "only its merge is known": ({"B": [merged("closed", "open")]}, True, True),
}  # fmt: skip


def told(index: DayIndex, register: str, seq: int, said: Said) -> None:
    event, day = said
    kind = TYPE_NAMES[type(event)]
    assert kind in (index.kinds or ())
    index.take(Envelope("s", register, f"i{register}", seq, kind, 1, day, 1_795_000_000_000, "", "", ""), event)


@pytest.mark.parametrize("story", STORIES)
def test_the_order_in_which_logs_come_does_not_matter(story: str) -> None:
    logs, friday, saturday = STORIES[story]
    turns = [register for register, log in logs.items() for _ in log]
    for order in set(itertools.permutations(turns)):
        index, seq = DayIndex(), dict.fromkeys(logs, 0)
        for register in order:
            seq[register] += 1
            told(index, register, seq[register], logs[register][seq[register] - 1])
        again = DayIndex()
        again.load(index.dump())
        for one in (index, again):
            assert [bool(one.open_checks(day)) for day in (FRIDAY, SATURDAY)] == [friday, saturday], order
            for name, check in one.open_checks(SATURDAY):
                assert (name, check.code, check.stamped) == ("C1", "A-001", FRIDAY)


@given(st.data())
def test_a_new_log_of_a_register_goes_on_where_its_old_one_was(data: st.DataObject) -> None:
    """Its old one may come later, from somebody who held it."""
    old, new = "i1", "i2"
    said = [(old, OPENED), (old, CLOSED), (new, merged("closed", "open"))]
    order = data.draw(st.permutations([old, old, new]))
    checks = OpenChecks(lambda _register, incarnation: incarnation == old)
    places = {old: [s for i, s in said if i == old], new: [s for i, s in said if i == new]}
    seq = {old: 0, new: 0}
    for incarnation in order:
        event, day = places[incarnation][seq[incarnation]]
        seq[incarnation] += 1
        checks.take("C1", Place("A", incarnation, seq[incarnation]), day, event)
    assert [name for name, _ in checks.at_the_end(FRIDAY, lambda day, _place: day)] == ["C1"]


def test_of_those_that_ended_the_latest_are_kept_and_none_that_is_open() -> None:
    checks = OpenChecks(lambda _register, _incarnation: False)
    for number in range(3 * MAX_ENDED):
        name, seq = f"C{number}", 2 * number
        checks.take(name, Place("A", "i", seq), FRIDAY, msgspec.structs.replace(OPENED[0], check_id=name))
        if number % 1_000:
            checks.take(name, Place("A", "i", seq + 1), FRIDAY, CheckClosed(check_id=name, totals=sums(1)))
    assert len(checks.known) <= 2 * MAX_ENDED + 6
    assert len(checks.at_the_end(FRIDAY, lambda day, _place: day)) == 6
    assert checks.code(f"C{3 * MAX_ENDED - 1}") == "A-001"
    assert checks.code("C1") == ""

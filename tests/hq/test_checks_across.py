"""Checks that went from one register to another: HQ says the same of them in whatever order the logs come, with one number."""

import itertools
from typing import Any

import msgspec
import pytest

from tillkeeper.contract.events import CheckClosed, CheckOpened, CheckVoided
from tillkeeper.contract.together import CheckForked, CheckHandedOver, CheckMerged, CheckTaken, CheckYielded
from tillkeeper.contract.values import Totals
from tillkeeper_hq.directory import Directory

DAY = "2030-03-17"


def sums(gross: int) -> Totals:
    return Totals(gross, 0, gross, 0, gross, 0, gross, 0)


def came(kind: Any, hand: int) -> Any:
    return kind(
        check_id="C1", from_register="x", hand=hand, at={}, check=msgspec.Raw(b"{}"), ticket_code="A-001", business_day=DAY,
        totals=sums(1),
    )  # fmt: skip


OPENED = CheckOpened(check_id="C1", ticket_code="A-001", order_type="dine_in", catalogue_version="c", terminal="t")
CLOSED_THERE = CheckClosed(check_id="C1", totals=sums(500))
CLOSED = CheckClosed(check_id="C1", totals=sums(900))
YIELDED = CheckYielded(check_id="C1", to="B", hand=1, state="closed")
MERGED = CheckMerged(
    check_id="C1", from_register="A", at={}, check=msgspec.Raw(b"{}"), was="closed", state="closed", totals=sums(1400)
)
GONE = CheckHandedOver(check_id="C1", to="A", hand=2)

STORIES = {
    "handed over, closed there": ({"A": [OPENED], "B": [came(CheckTaken, 1), CLOSED]}, ("closed", "B", 900)),
    "forked, both closed, merged": (
        {"A": [OPENED, CLOSED_THERE, YIELDED], "B": [came(CheckForked, 1), CLOSED, MERGED]}, ("closed", "B", 1400),
    ),
    "forked, voided where it was": (
        {"A": [OPENED, CheckVoided(check_id="C1", reason="r")], "B": [came(CheckForked, 1)]}, ("open", "B", None),
    ),
    "there and back": ({"A": [OPENED, came(CheckTaken, 2), CLOSED], "B": [came(CheckTaken, 1), GONE]}, ("closed", "A", 900)),
    "two forks": (
        {"A": [OPENED], "B": [came(CheckForked, 1), CLOSED], "C": [came(CheckForked, 1)]}, ("open", "C", None),
    ),
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_the_order_of_logs_does_not_matter(story: str) -> None:
    logs, expected = STORIES[story]
    for order in itertools.permutations(logs):
        directory = Directory([], 1000)
        for register in order:
            for seq, event in enumerate(logs[register], 1):
                assert directory.fold(event, ord(register), seq, DAY, register) == ""
        (row,), _ = directory.changes()
        totals = msgspec.json.decode(row.totals, type=Totals).gross_minor if row.totals is not None else None
        assert (row.state, row.held_by, totals) == expected, order
        assert (row.number, directory.next_number) == (1000, 1001)

"""The accounts at the end of a lunch hour see each kind of difference, and none where there is none."""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.browser.lunch.accounts import Seen, differences
from tests.browser.lunch.told import Told
from tests.killloop.loop import CHANGES, collect
from tests.killloop.verdict import Left
from tests.support.store import StoreRig, in_store

from tillkeeper.contract.documents import TicketFired

DISPLAY = "kitchen"


def a_quiet_hour(folder: Path) -> tuple[Told, Left, Seen]:
    """Two sales and a check that stays open, by the API."""
    found: list[tuple[Told, Left, Seen]] = []

    async def scene(rig: StoreRig) -> None:
        await rig.wait_mode("online")
        told = Told()
        for items in (("cheeseburger", "cola"), ("caesar-salad",)):
            answer = await rig.order(*items)
            known = told.check(answer["ticket_code"])
            known.state, known.total_minor = "closed", answer["totals"]["gross_minor"]
            known.pieces, known.paid = Counter(items), Counter(cash=known.total_minor)
        answer = await rig.order("greek-salad", tenders=[])
        told.check(answer["ticket_code"]).pieces = Counter({"greek-salad": 1})
        await rig.wait_all_settled()
        await rig.wait_synced()
        left = await collect(rig, {}, ())
        jobs = frozenset(fired.job_id for fired in left.written.of(TicketFired) if fired.device == DISPLAY)
        found.append((told, left, Seen(jobs, jobs)))

    in_store(folder, scene, changes=CHANGES)
    return found[0]


def changed(told: Told, change: Callable[[Told], object]) -> Told:
    copy = deepcopy(told)
    change(copy)
    return copy


PEOPLE: dict[str, Callable[[Told], object]] = {
    "a check that nobody rang": lambda told: told.checks.pop("B-001"),
    "a check that is lost": lambda told: told.check("B-099"),
    "another total": lambda told: setattr(told.checks["B-001"], "total_minor", 1),
    "a line more": lambda told: told.checks["B-003"].pieces.update(["cola"]),
    "money that was never given": lambda told: told.checks["B-002"].paid.update(cash=1),
    "a refund": lambda told: setattr(told.checks["B-001"], "refunded_minor", 100),
    "a sale in training": lambda told: setattr(told.checks["B-001"], "training", True),
    "a clock-in": lambda told: told.clocked.append(("anna", "clock_in")),
    "a no-sale": lambda told: setattr(told, "no_sales", 1),
    "a safe drop": lambda told: told.moved.update(safe_drop=500),
    "a countdown": lambda told: told.sold_out.append(("cola", "counting")),
    "tips": lambda told: told.tips.update(anna=500),
}  # fmt: skip


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> tuple[Told, Left, Seen]:
    return a_quiet_hour(tmp_path_factory.mktemp("hour"))


def test_a_quiet_hour_has_no_differences(hour: tuple[Told, Left, Seen]) -> None:
    assert differences(*hour, DISPLAY) == []


@pytest.mark.parametrize("what", PEOPLE)
def test_what_people_know_and_the_journal_does_not_is_seen(hour: tuple[Told, Left, Seen], what: str) -> None:
    told, left, seen = hour
    assert differences(changed(told, PEOPLE[what]), left, seen, DISPLAY)


def test_what_paper_page_and_hq_lack_is_seen(hour: tuple[Told, Left, Seen]) -> None:
    told, left, seen = hour
    receipt = next(one for one in left.prints if one.kind == "receipt")
    job = next(iter(seen.ever))
    ways = [
        (replace(left, prints=[one for one in left.prints if one is not receipt]), seen),
        (replace(left, prints=[*left.prints, receipt]), seen),
        (replace(left, hq_books=[{**left.hq_books[0], "gross_minor": 1}]), seen),
        (replace(left, hq_events=left.hq_events[1:]), seen),
        (left, replace(seen, ever=seen.ever - {job})),
        (left, replace(seen, now=seen.now - {job})),
    ]
    for other, looked in ways:
        assert differences(told, other, looked, DISPLAY)

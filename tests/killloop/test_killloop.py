"""The loop in small, and proof that its verdict sees each kind of breach."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.killloop.loop import ADDRESS, CHANGES, collect
from tests.killloop.paper import Print, fold, prints_of
from tests.killloop.selling import Sold
from tests.killloop.verdict import Left, judge
from tests.support.store import StoreRig, in_store

from tillkeeper.contract.chain import GENESIS
from tillkeeper.contract.events import CheckClosed, CheckOpened

ROOT = Path(__file__).resolve().parents[2]
KILLS = 12


@pytest.mark.timeout(300)
def test_a_dozen_kills(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.killloop", "--kills", str(KILLS), "--own-day", "--build", str(tmp_path)]
    (tmp_path / "bench.json").write_text('{"rows": [{"name": "other"}, {"name": "kill-loop: SIGKILLs", "value": 1}]}')
    done = subprocess.run(
        [*command, "--folder", str(tmp_path / "run"), "--seed", "1"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    own = {row["name"]: row for row in json.loads((tmp_path / "kill-loop.json").read_text())["rows"]}
    assert own["kill-loop: SIGKILLs"]["value"] == KILLS
    assert own["kill-loop: orders accepted"]["value"] > KILLS
    assert not [row for row in own.values() if row["holds"] is False]
    names = [row["name"] for row in json.loads((tmp_path / "bench.json").read_text())["rows"]]
    assert names[0] == "other"
    assert names[1:] == list(own)


def sold_for_real(folder: Path) -> Left:
    """What a calm quarter of an hour leaves behind."""
    found: list[Left] = []

    async def scene(rig: StoreRig) -> None:
        await rig.wait_mode("online")
        keys = {f"k{n}": ("cheeseburger", "cola", "caesar-salad") for n in range(3)}
        sold = {key: Sold(key, await rig.order(*items, key=key), 1) for key, items in keys.items()}
        await rig.wait_all_settled()
        await rig.wait_synced()
        found.append(await collect(rig, sold, ()))

    in_store(folder, scene, changes=CHANGES)
    return found[0]


def without_first(left: Left, kind: str) -> Left:
    """One printed document less."""
    gone = next(one for one in left.prints if one.kind == kind)
    return replace(left, prints=[one for one in left.prints if one is not gone])


def printed_twice(left: Left, kind: str) -> Left:
    return replace(left, prints=[*left.prints, next(one for one in left.prints if one.kind == kind)])


def torn_twice(left: Left) -> Left:
    """Every ticket of an order again on one device, torn above the station's name."""
    first = next(one for one in left.prints if one.kind == "ticket")
    return replace(left, prints=[*left.prints, *(replace(first, station="") for _ in range(3))])


def other_money(left: Left) -> Left:
    sold = left.sold["k0"]
    totals = {**sold.answer["totals"], "gross_minor": sold.gross_minor + 1}
    return replace(left, sold={**left.sold, "k0": replace(sold, answer={**sold.answer, "totals": totals})})


def never_told(left: Left) -> Left:
    return replace(left, sold={key: sold for key, sold in left.sold.items() if key != "k0"})


def lost(left: Left) -> Left:
    events = [one for one in left.written.events if not isinstance(one[1], CheckClosed)]
    return replace(left, written=replace(left.written, events=events))


def opened_twice(left: Left) -> Left:
    twice = [one for one in left.written.events if isinstance(one[1], CheckOpened)][:1]
    return replace(left, written=replace(left.written, events=[*left.written.events, *twice]))


def still_queued(left: Left) -> Left:
    job = next(job for job in left.written.jobs.values() if job.document_class == "kitchen_ticket")
    jobs = {**left.written.jobs, job.job_id: replace(job, state="queued")}
    return replace(left, written=replace(left.written, jobs=jobs))


def one_number(left: Left) -> Left:
    return replace(left, hq_checks={check_id: {**record, "number": 1} for check_id, record in left.hq_checks.items()})


BREACHES: dict[str, tuple[Callable[[Left], Left], str]] = {
    "a wrong answer": (lambda left: replace(left, wrong=["500"]), "guests who got a wrong or another answer"),
    "other money": (other_money, "accepted orders lost or changed in the journal"),
    "a lost order": (lost, "accepted orders lost or changed in the journal"),
    "an order of nobody": (never_told, "orders in the journal that no guest was told of"),
    "an order twice": (opened_twice, "orders in the journal that no guest was told of"),
    "a broken chain": (lambda left: replace(left, chain=[replace(left.chain[0], problem="x")]), "logs with a broken chain"),
    "an event missing": (lambda left: replace(left, hq_events=left.hq_events[1:]), "events that HQ lacks, doubles or changed"),
    "an event twice": (
        lambda left: replace(left, hq_events=[*left.hq_events, left.hq_events[0]]), "events that HQ lacks, doubles or changed"
    ),
    "an event changed": (
        lambda left: replace(left, hq_events=[{**left.hq_events[0], "hash": GENESIS}, *left.hq_events[1:]]),
        "events that HQ lacks, doubles or changed",
    ),
    "a number twice": (one_number, "orders doubled, unnumbered or changed at HQ"),
    "HQ's books": (
        lambda left: replace(left, hq_books=[{**left.hq_books[0], "gross_minor": 1}]), "differences between the books"
    ),
    "a ticket missing": (lambda left: without_first(left, "ticket"), "fired tickets that never came out"),
    "a ticket twice": (lambda left: printed_twice(left, "ticket"), "tickets repeated without a mark"),
    "a ticket torn and repeated": (torn_twice, "tickets repeated without a mark"),
    "a receipt missing": (lambda left: without_first(left, "receipt"), "receipts that never came out"),
    "a receipt twice": (lambda left: printed_twice(left, "receipt"), "receipts repeated without a mark"),
    "a pulse too many": (lambda left: replace(left, pulses=left.pulses + 1), "drawer pulses too many"),
    "a job without an end": (still_queued, "documents that never reached an end"),
}  # fmt: skip


def test_the_verdict_sees_each_breach_and_nothing_where_there_is_none(tmp_path: Path) -> None:
    left = sold_for_real(tmp_path)
    assert left.pulses == 3
    assert len(left.prints) == 12
    assert {promise.name: promise.broken for promise in judge(left) if promise.broken} == {}
    for name, (breach, promise) in BREACHES.items():
        broken = {promise.name for promise in judge(breach(left)) if promise.broken}
        assert promise in broken, f"{name}: {broken}"


SLIP = f"""
    TAKEOUT
   B-001
Grill                                   22:42:38
1 x Apple
   POSSIBLE DUPLICATE
    TAKEOUT
   B-001
Grill                                   22:42:50
front
1 x Apple
   NO ONION
----------------- partial cut ------------------
     DUPLICATE
     Some Store
   {ADDRESS}
    TAKEOUT
     B-002
1 x Μουσακάς        12.00
"""


def test_a_torn_document_on_the_same_paper_is_one_of_its_own() -> None:
    torn, whole, receipt = prints_of("grill", [SLIP], ADDRESS)
    assert (torn.code, torn.station, torn.marked_repeat, fold("no onion") in torn.text) == ("B-001", "Grill", False, False)
    assert (whole.code, whole.marks, fold("1 x Apple NO ONION") in whole.text) == ("B-001", ("POSSIBLE DUPLICATE",), True)
    assert isinstance(receipt, Print)
    assert (receipt.kind, receipt.code, receipt.marks) == ("receipt", "B-002", ("DUPLICATE",))
    assert fold("1 x Μουσακάς") in receipt.text

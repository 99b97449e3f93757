"""A store of real processes for about a minute, with every fault of the store lab once. `make store-lab` sells for ten minutes.

Deadlines are generous: a busy machine makes everything late, and late is not wrong."""

import asyncio
import logging
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from tests.storelab.evidence import Event, Evidence
from tests.storelab.lan import names
from tests.storelab.oracle import judge
from tests.storelab.plan import DISKS, HQ, NETWORK, PROCESSES, ROLES, one_of_each, plan
from tests.storelab.world import Run, StoreLab
from tests.support.postgres import need as need_postgres
from tests.support.prerequisites import need

SEED, SECONDS = 3, 38.0
SLEEP_S = 6.0
"""Longer than a lease and its grace: the backup has taken over when the primary wakes."""
KINDS = {kind for kinds in NETWORK.values() for kind in kinds} | {*PROCESSES, *HQ, *DISKS, *ROLES}


def play(folder: Path) -> tuple[Run, list[str]]:
    said: list[str] = []

    async def scene() -> Run:
        async with StoreLab(folder, SEED, said.append, "t") as store:
            await store.drill(1, SLEEP_S)
            return await store.run(one_of_each(SEED, SECONDS), SECONDS)

    return asyncio.run(scene()), said


@pytest.mark.root
@pytest.mark.timeout(900)
def test_three_registers_sell_while_everything_fails_once_and_the_books_agree_to_the_cent(tmp_path: Path) -> None:
    need("ip", "nft", "ping")
    need_postgres()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    run, said = play(tmp_path)
    story = "\n".join(said[-400:])
    assert not run.unconverged, f"{run.unconverged}\n{story}"
    assert run.verdict.kept, f"{[one for one in run.verdict.promises if one.broken]}\n{story}"
    assert set(run.faults) == KINDS
    counts = run.verdict.counts
    assert counts["sales accepted"] > 20, "the run was about something, on however busy a machine"
    assert counts["sales accepted, by the clone"] > 0
    assert counts["cents compared"] > 20 * 750
    assert counts["conflicts listed"] == counts["conflicts expected"]
    assert counts.get("only on the lost disk", 0) < counts["sales accepted"] / 2
    # Roles, days and checks of more than one register.
    assert len(run.drilled.acted_s) == len(run.drilled.relayed_s) == 1
    assert run.drilled.woken != [""], "a primary that slept closes no day under its old epoch"
    assert counts["roles promoted"] >= 2
    assert counts["days closed"] >= 1
    assert counts["payments of open checks"] > 0
    assert counts["checks handed over"] + counts["checks forked"] > 0
    # And the oracle, given what was really left, sees when one sale of it is taken away.
    robbed = judge(without_a_sale(run.evidence))
    assert {one.name for one in robbed.promises if one.broken} >= {
        "acknowledged sales missing at HQ", "cents between HQ's books and the union of the registers'",
    }  # fmt: skip


def without_a_sale(evidence: Evidence) -> Evidence:
    """As if HQ had never got the newest acknowledged sale of its books."""
    checks = {sale.check_id for sale in evidence.sold}
    closing = [name for name, event in evidence.hq.good.items() if of_check(event, checks)]
    good = {name: event for name, event in evidence.hq.good.items() if name != closing[-1]}
    return msgspec.structs.replace(evidence, hq=msgspec.structs.replace(evidence.hq, good=good))


def of_check(event: Event, checks: set[str]) -> bool:
    return event.type == "check_closed" and any(check in event.body for check in checks)


def test_a_seed_is_one_plan_with_every_disk_fault_and_nothing_is_broken_twice_at_a_time() -> None:
    for seed in range(40):
        planned = plan(seed, 600.0)
        assert planned == plan(seed, 600.0) == tuple(sorted(planned))
        assert sorted(one.kind for one in planned if one.kind in DISKS) == sorted(DISKS)
        assert all(one.at_s + one.lasts_s <= 600.1 for one in planned if one.kind not in DISKS)
        assert {one.kind for one in planned} <= KINDS
        once = one_of_each(seed, SECONDS)
        assert sorted(one.kind for one in once) == sorted(KINDS)
        for count in (2, 6):
            assert {one.target for one in plan(seed, 600.0, names(count)) if one.kind in PROCESSES} == set(names(count))
        for kinds in (*NETWORK.values(), PROCESSES, HQ):
            spans = sorted((one.target, one.at_s, one.at_s + one.lasts_s) for one in planned if one.kind in kinds)
            if kinds == NETWORK["one way"]:
                continue  # two rules may drop the same frames
            for (target, _, ends_s), (other, begins_s, _) in pairwise(spans):
                assert target != other or begins_s >= ends_s
    assert plan(1, 600.0) != plan(2, 600.0)

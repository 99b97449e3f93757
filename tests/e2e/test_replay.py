"""Whole days through the command line: every ticket confirmed, the chain whole, the books at HQ the register's to the cent."""

import asyncio
import csv
import json
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.killloop import journal
from tests.support.store import StoreRig, in_store

from tillkeeper.contract.documents import ReceiptIssued, TicketFired

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data" / "chipotle-orders.tsv"
DAY = ROOT / "hw-fixtures" / "store" / "day.jsonl"
NO_DRAWER = {"registers": {"front": {"drawer": None}}}
"""A drawer rests between two kicks; a day that is over in seconds would wait for it alone."""


async def cli(*arguments: str) -> Any:
    """The JSON that a command prints. AssertionError unless it ends with 0."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tillkeeper", *arguments, "--json",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, f"{arguments} ended with {process.returncode}\n{out.decode()}{err.decode()}"
    return json.loads(out)


async def replay(rig: StoreRig, orders: Path, *more: str) -> Any:
    return await cli("simulate", "day", "--orders", str(orders), "--speed", "0", "--socket", str(rig.socket), *more)


async def end_of_day(rig: StoreRig, orders: int) -> dict[str, int]:
    """Everything out, everything synced, everything equal; the sums of the books."""
    await rig.wait_all_settled()
    await rig.wait_synced()
    sums = await rig.check_books()
    assert sums["sales"] == orders
    assert await rig.stop_agent() == 0
    rig.verify_chain()
    written = journal.read(rig.data / "journal.db")
    documents: list[TicketFired | ReceiptIssued] = [*written.of(TicketFired), *written.of(ReceiptIssued)]
    states = Counter(written.jobs[document.job_id].state for document in documents)
    assert states == {"confirmed": len(documents)}
    slips = sum(len(rig.slips(name)) for name in rig.shop.printers)
    assert slips + len(rig.cards()) == len(documents)
    return sums


def real_money(tsv: Path) -> tuple[int, int]:
    """Orders, and all that their lines cost in cents, read without any code of ours."""
    with tsv.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return len({row["order_id"] for row in rows}), sum(int(Decimal(row["item_price"].strip().strip("$")) * 100) for row in rows)


def one_of_ten(orders: Path, to: Path) -> Path:
    to.write_text("".join(orders.read_text("utf-8").splitlines(keepends=True)[::10]), "utf-8")
    return to


@pytest.mark.timeout(300)
@pytest.mark.skipif(not REAL.exists(), reason="the real orders are not part of the project: see README")
def test_a_day_of_a_thousand_real_orders(tmp_path: Path) -> None:
    catalogue, orders = tmp_path / "catalogue.toml", tmp_path / "orders.jsonl"

    async def scene(rig: StoreRig) -> None:
        count, cents = real_money(REAL)
        replayed = await replay(rig, orders, "--pay", "cash")
        assert (replayed["orders"], replayed["accepted"]) == (count, count)
        sums = await end_of_day(rig, count)
        assert sums["net_minor"] == cents
        assert sums["gross_minor"] == replayed["total_minor"]

    async def imported() -> Any:
        return await cli("catalogue", "import", str(REAL), "-o", str(catalogue), "--orders-out", str(orders))

    assert asyncio.run(imported())["total_minor"] == real_money(REAL)[1]
    in_store(tmp_path / "store", scene, changes={**NO_DRAWER, "catalogue": {"file": str(catalogue)}})


@pytest.mark.timeout(180)
def test_the_projects_own_day(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        replayed = await replay(rig, DAY)
        assert replayed["orders"] == replayed["accepted"] >= 300
        assert replayed["differs"] == []
        sums = await end_of_day(rig, replayed["orders"])
        assert sums["gross_minor"] == replayed["total_minor"]

    in_store(tmp_path, scene, changes=NO_DRAWER)


@pytest.mark.timeout(180)
def test_a_cash_drawer_opens_in_a_day_at_most_once_a_kick(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        replayed = await replay(rig, one_of_ten(DAY, tmp_path / "part.jsonl"), "--pay", "cash")
        await rig.wait_all_settled()
        jobs = (await rig.get("/v1/jobs?state=all&limit=500"))["jobs"]
        states = Counter(job["state"] for job in jobs if job["document_class"] == "drawer_pulse")
        assert replayed["accepted"] >= states.total() > 5
        assert rig.pulses() == states["confirmed"] + states["sent"] + states["unconfirmed"] > 0

    in_store(tmp_path / "store", scene, hq=False)


@pytest.mark.timeout(180)
def test_hq_killed_while_it_takes_in_a_day(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        await rig.wait_mode("online")
        day = asyncio.create_task(replay(rig, DAY))
        for part in range(1, 5):

            async def so_far(part: int = part) -> bool:
                return bool((await rig.own_books())["checks_closed"] >= part * 60)

            await rig.wait_for(f"{part * 60} orders are sold", so_far)
            await rig.kill_hq()
            await rig.start_hq()
        replayed = await day
        await end_of_day(rig, replayed["orders"])
        numbers = set()
        for log in (await rig.hq_get("/v1/registers"))["registers"]:
            assert log["rejected"] == 0
        written = journal.read(rig.data / "journal.db")
        for check_id in {event.check_id for event in written.of(TicketFired)}:
            numbers.add((await rig.hq_get(f"/v1/checks/{check_id}"))["number"])
        assert len(numbers) == len({event.check_id for event in written.of(TicketFired)})

    in_store(tmp_path, scene, changes=NO_DRAWER)

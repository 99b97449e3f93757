"""Three registers as processes, with lines between them and to HQ that are cut: nothing is lost, nothing counts twice."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.support.several import SeveralRig

NAMES = ("front", "side", "back")


def in_store(folder: Path, scene: Callable[[SeveralRig], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        async with SeveralRig(folder, *NAMES, **options) as store:
            await scene(store)

    asyncio.run(run())


def test_registers_sell_while_their_lines_are_cut_and_hq_gets_each_sale_once(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        for name in NAMES:
            others = {other: 0 for other in NAMES if other != name}
            await store.wait_sinks(name, HQ=0, **others)
        sold = 0
        for name in NAMES:
            await store[name].order("cola")
            sold += 1
        for internet in store.internets.values():
            await internet.cut()
        await store["front"].order("cola")
        status = await store.wait_sinks("front", side=0, back=0)
        assert status["only_here"] == 0  # HQ is away, and two others have it
        await store.cut("front", "side")
        store.hole("front", "back")
        await store.wait_sinks("front", side=None, back=None)
        for _ in range(3):
            await store["front"].order("cola")
        await store["side"].order("cola")
        sold += 5
        alone = await store["front"].get("/v1/status")
        assert alone["only_here"] > 0
        assert alone["only_here_words"] == f"only on this register: {alone['only_here']}"
        assert (await store.wait_sinks("side", back=0))["only_here"] == 0
        await store.mend("front", "side")
        await store.mend("front", "back")
        await store.wait_sinks("front", side=0, back=0)
        for internet in store.internets.values():
            await internet.mend()
        for name in NAMES:
            await store.wait_sinks(name, HQ=0)
        assert await store.hq_sales() == sold
        for name in NAMES:
            store[name].verify_chain()
            assert not [one for one in (await store[name].get("/v1/status"))["advisories"] if one["code"] == "books_alarm"]

    in_store(tmp_path, scene)


def test_sales_of_a_register_that_is_killed_before_hq_had_them_reach_hq_through_another(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        for name in NAMES:
            await store.wait_sinks(name, HQ=0)
        await store.internets["front"].cut()
        await store.wait_sinks("front", HQ=None, side=0, back=0)
        for _ in range(4):
            await store["front"].order("cola")
        await store.wait_sinks("front", side=0, back=0)
        await store["front"].kill_agent()

        async def all_there() -> bool:
            return await store.hq_sales() == 4

        await store["side"].wait_for("HQ has the sales of the register that was killed", all_there)
        # It comes back, and sends the same events itself: each counts once, and its checks get the numbers that HQ gave.
        await store.internets["front"].mend()
        await store["front"].start_agent()
        await store["front"].order("cola")
        await store.wait_sinks("front", HQ=0, side=0, back=0)
        assert await store.hq_sales() == 5
        checks = (await store["front"].get("/v1/checks?state=closed"))["checks"]
        assert len({check["number"] for check in checks}) == 5
        assert all(check["number"] for check in checks)

    in_store(tmp_path, scene)


def test_what_a_dead_register_had_fired_is_printed_once_by_another_and_not_again_when_it_is_back(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        await store.wait_sinks("front", side=0, back=0)
        await store["front"].order("cheeseburger")
        await store["front"].wait_all_settled()
        store["front"].printer("grill").power_off()
        order = await store["front"].order("cheeseburger")
        await store.wait_sinks("front", side=0, back=0)
        await store["front"].kill_agent()

        async def printed() -> list[str]:
            return store["side"].slips("grill")

        (slip,) = await store["side"].wait_for("the ticket comes out at another register", printed)
        assert order["ticket_code"] in slip
        assert "FROM REGISTER FRONT" in slip
        assert "POSSIBLE DUPLICATE" in slip
        assert "Cheeseburger" in slip
        advisories = (await store["side"].get("/v1/status"))["advisories"]
        (told,) = [one["text"] for one in advisories if one["code"] == "prints_for_another"]
        assert "Register front is silent" in told
        await store["side"].wait_all_settled()
        await store.wait_sinks("side", back=0)
        # The one that adopts dies as well; what it printed is not printed again, by itself or by the third.
        await store["side"].kill_agent()
        await store["side"].start_agent()
        await store["front"].printer("grill").power_on()
        await store["front"].start_agent()
        await store.wait_sinks("front", side=0, back=0)
        await store["front"].wait_all_settled()
        assert (await store["front"].get(f"/v1/jobs/{job_of(order, 'grill')}"))["state"] == "rerouted"
        again = await store["front"].order("cheeseburger")
        await store["front"].wait_settled(job_of(again, "grill"))
        slips = store["front"].slips("grill")
        assert len(slips) == 2
        assert again["ticket_code"] in slips[1]
        assert len(store["side"].slips("grill")) == 1
        assert store["back"].slips("grill") == []

    changes = {"replication": {"adopt_after_s": 5}, "stations": {"grill": {"backup": None, "carry": False}}}
    in_store(tmp_path, scene, changes=changes)


def job_of(order: Any, device: str) -> str:
    (job,) = [job["job_id"] for job in order["jobs"] if job["device"] == device]
    return str(job)


def test_a_register_that_lost_its_disk_or_was_restored_goes_on_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        front = store["front"]
        await store.wait_sinks("front", HQ=0, side=0, back=0)
        await front.order("cola")
        await store.wait_sinks("front", side=0, back=0)
        await front.stop_agent()
        backup = tmp_path / "backup"
        shutil.copytree(front.data, backup)
        await front.start_agent()
        await store.internets["front"].cut()
        for _ in range(3):
            await front.order("cola")
        await store.wait_sinks("front", HQ=None, side=0, back=0)
        before = await front.get("/v1/status")
        await front.kill_agent()
        shutil.rmtree(front.data)
        shutil.copytree(backup, front.data)
        await front.start_agent()

        async def renewed() -> Any:
            status = await front.get("/v1/status")
            return status["incarnation"] != before["incarnation"] and status

        restored = await front.wait_for("a new log, for the others know the old one better", renewed)
        await front.order("cola")
        await store.wait_sinks("front", side=0, back=0)
        await front.kill_agent()
        for file in front.data.glob("*.db*"):
            file.unlink()
        await store.internets["front"].mend()
        await front.start_agent()
        await front.order("cola")

        async def all_there() -> bool:
            return await store.hq_sales() == 6

        await front.wait_for("HQ has every sale of three logs", all_there)
        await store.wait_sinks("front", HQ=0, side=0, back=0)
        logs = {row["incarnation"] for row in (await store.hq_get("/v1/registers"))["registers"] if row["register"] == "front"}
        assert {before["incarnation"], restored["incarnation"]} < logs
        aside = (await store.hq_get("/v1/quarantine"))["events"]  # what the copy wrote before the others had told it what it is
        assert {(one["incarnation"], one["reason"]) for one in aside} <= {(before["incarnation"], "forked_log")}

    in_store(tmp_path / "store", scene)

"""Three registers, real agents: what a close waits for, what a manager signs, and where late events go."""

import asyncio
import json
from pathlib import Path

from tests.day.world import cli, closed, code, heard, may_close
from tests.support.several import SeveralRig
from tests.support.store import StoreRig

from tillkeeper.cli import exits
from tillkeeper.contract.days import next_day

ROLES = {"roles": {"primary": "front", "backup": "side"}}


def test_all_are_there_then_one_is_not(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with SeveralRig(tmp_path, "front", "side", "back", changes=ROLES) as store:
            front, side, back = (store[name] for name in store.names)
            for rig in (front, side, back):
                await rig.order("cola")
            await may_close(front)
            await heard(front, "front", "side", "back")
            day = (await front.get("/v1/day"))["today"]

            elsewhere = await side.post("/v1/day/close", {"by": "Mia"})
            assert (elsewhere.status_code, code(elsewhere)) == (422, "not_primary")
            assert elsewhere.json()["primary"] == "front"
            done = await front.ok("POST", "/v1/day/close", {"by": "Mia"})
            assert done["entity_id"] == day
            report = await front.get(f"/v1/days/{day}")
            assert (report["figures"]["books"]["sales"], report["closed"]["z"]) == (3, 1)
            assert set(report["tails"]) == {"front", "side", "back"}
            for rig in (side, back):
                assert (await closed(rig, day))["z"] == 1
                assert (await rig.get(f"/v1/days/{day}"))["figures"] == report["figures"]

            # The next day: one register sells where nobody sees it, and dies.
            second = next_day(day)
            for rig in (front, side, back):
                await rig.order("cola")
                assert (await rig.get("/v1/day"))["today"] == second
            await store.cut("front", "back")
            await store.cut("side", "back")
            await store.internets["back"].cut()
            lost = await back.order("cola", "cola")
            await back.kill_agent()
            await heard(front, "front", "side")
            refused = await front.post("/v1/day/close", {"by": "Mia"})
            problem = refused.json()
            assert (refused.status_code, code(refused), problem["day"]) == (422, "day_not_ready", second)
            (missing,) = problem["missing"]
            assert (missing["register"], missing["state"], missing["missing"]) == ("back", "silent", None)
            assert "tillkeeper day gap back" in problem["hint"]
            assert (await front.get("/v1/day"))["today"] == second, "what was refused has ended nobody's day"
            waited = await cli(front, "close", "--wait", "1.5", "--by", "Mia")
            assert waited.returncode == exits.REFUSED
            assert "back: how much of its log is missing is not known" in waited.stderr

            # Signed by a manager: the day closes without the rest, and it comes later as an adjustment.
            gap = await cli(front, "gap", "back", "--reason", "fell into the fryer", "--by", "Mia")
            assert gap.returncode == exits.OK, gap.stderr
            closing = await cli(front, "close", "--by", "Mia", "--json")
            assert closing.returncode == exits.OK, closing.stderr
            report = json.loads(closing.stdout)
            assert report["figures"]["books"]["sales"] == 3
            assert [(one["register"], one["reason"]) for one in report["gaps"]] == [("back", "fell into the fryer")]

            third = next_day(second)
            assert (await cli(front, "park", "back", "--reason", "in repair", "--by", "Mia")).returncode == exits.OK
            await front.order("cola")
            await front.ok("POST", "/v1/day/close", {"by": "Mia"})
            report = await front.get(f"/v1/days/{third}")
            assert [one["register"] for one in report["parked"]] == ["back"]
            assert report["figures"]["adjustments"] == []

            await store.mend("front", "back")
            await store.mend("side", "back")
            await store.internets["back"].mend()
            await back.start_agent()
            assert (await cli(front, "unpark", "back", "--by", "Mia")).returncode == exits.OK
            await heard(front, "front", "side", "back")
            await back.wait_for("it has heard of the closes", lambda: _today(back, next_day(third)))
            await front.order("cola")
            await front.wait_for("the late sale", lambda: _late(front, second, next_day(third)))
            closing = await cli(front, "close", "--wait", "30", "--by", "Mia", "--json")
            assert closing.returncode == exits.OK, closing.stderr
            report = json.loads(closing.stdout)
            (adjustment,) = report["figures"]["adjustments"]
            assert (adjustment["of"], adjustment["figures"]["sales"]) == (second, 1)
            assert adjustment["figures"]["gross_minor"] == lost["totals"]["gross_minor"]
            assert report["figures"]["books"]["sales"] == 2

            # HQ comes to the same days, whatever came when.
            for rig in (front, side, back):
                await rig.wait_synced()
            sums = {one["day"]: one["sales"] for one in (await front.get("/v1/days"))["days"]}
            assert sums == {day: 3, second: 3, third: 1, next_day(third): 2}

    asyncio.run(scenario())


async def _today(rig: StoreRig, day: str) -> bool:
    return bool((await rig.get("/v1/day"))["today"] == day)


async def _late(rig: StoreRig, day: str, posted: str) -> bool:
    return posted in (await rig.get(f"/v1/days/{day}"))["late"]


def test_logs_that_a_lost_disk_left_behind_keep_a_day_open_until_one_signature(tmp_path: Path) -> None:
    """Nobody ever says of such a log where it ended: its register knows nothing of it."""

    async def scenario() -> None:
        async with SeveralRig(tmp_path, "front", "side", "back", changes=ROLES) as store:
            front, back = store["front"], store["back"]
            for _ in range(2):
                await back.order("cola")
                await store.wait_sinks("back", HQ=0, front=0, side=0)
                await back.kill_agent()
                for file in back.data.glob("*.db*"):
                    file.unlink()
                await back.start_agent()
                await heard(front, *store.names)
            await back.order("cola")
            await may_close(front)
            day = (await front.get("/v1/day"))["today"]
            await _signed_for(front, "back", losses=2)
            closing = await cli(front, "close", "--wait", "30", "--by", "Mia", "--json")
            assert closing.returncode == exits.OK, closing.stderr
            report = json.loads(closing.stdout)
            assert (report["figures"]["books"]["sales"], len(report["tails"]["back"])) == (3, 3)
            assert [(one["register"], len(one["lost"])) for one in report["gaps"]] == [("back", 2)]

            await back.order("cola")
            await may_close(front)
            closing = await cli(front, "close", "--wait", "30", "--by", "Mia", "--json")
            assert closing.returncode == exits.OK, closing.stderr
            report = json.loads(closing.stdout)
            assert (report["day"], report["figures"]["books"]["sales"], report["gaps"]) == (next_day(day), 1, [])

    asyncio.run(scenario())


async def _signed_for(rig: StoreRig, register: str, losses: int) -> None:
    """The close is refused before anybody's day ends; then a manager signs once."""

    async def whole() -> bool:  # what others hold of it comes back to it first
        members = (await rig.get("/v1/day"))["members"]
        return any(one["register"] == register and one["state"] == "lost" for one in members)

    await rig.wait_for("that it can not be known", whole)
    refused = await rig.post("/v1/day/close", {"by": "Mia"})
    assert (refused.status_code, code(refused)) == (422, "day_not_ready")
    (missing,) = refused.json()["missing"]
    assert (missing["register"], missing["state"], len(missing["lost"])) == (register, "lost", losses)
    assert (await rig.get("/v1/day"))["today"] == missing["todo"].partition("--day ")[2][:10]
    signed = await cli(rig, "gap", register, "--reason", "its disk is lost", "--by", "Mia")
    assert signed.returncode == exits.OK, signed.stderr


def test_a_primary_whose_own_log_went_with_its_disk_closes_over_what_others_have_of_it(tmp_path: Path) -> None:
    """Its lost log comes back to it, with the day that was closed in it."""

    async def scenario() -> None:
        async with SeveralRig(tmp_path, "front", "side", "back", changes=ROLES) as store:
            front = store["front"]
            no_gap = await cli(front, "gap", "front", "--reason", "why not", "--by", "Mia")
            assert no_gap.returncode == exits.REFUSED
            await may_close(front)
            await heard(front, *store.names)
            await front.order("cola")
            await front.ok("POST", "/v1/day/close", {"by": "Mia"})
            first = (await front.get("/v1/days"))["days"]
            for _ in range(2):
                await front.order("cola")
            await store.wait_sinks("front", HQ=0, side=0, back=0)
            await front.kill_agent()
            for file in front.data.glob("*.db*"):
                file.unlink()
            await front.start_agent()
            await heard(front, *store.names)
            await front.order("cola")
            await may_close(front)
            await _signed_for(front, "front", losses=1)
            closing = await cli(front, "close", "--wait", "30", "--by", "Mia", "--json")
            assert closing.returncode == exits.OK, closing.stderr
            report = json.loads(closing.stdout)
            assert (report["closed"]["z"], report["figures"]["books"]["sales"]) == (2, 3)
            assert [(one["register"], one["reason"]) for one in report["gaps"]] == [("front", "its disk is lost")]
            assert len(report["tails"]["front"]) == 2
            days = (await front.get("/v1/days"))["days"]
            assert days[1:] == first, "the close that stood in the lost log"
            await front.wait_synced()
            assert await store.hq_sales() == 4

    asyncio.run(scenario())


def test_days_without_internet_close_as_ever(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with SeveralRig(tmp_path, "front", "side", "back", changes=ROLES) as store:
            front = store["front"]
            for internet in store.internets.values():
                await internet.cut()
            for _ in range(3):
                for name in store.names:
                    await store[name].order("cola")
                await may_close(front)
                await heard(front, *store.names)
                await front.ok("POST", "/v1/day/close", {"by": "Mia"})
            days = (await front.get("/v1/days"))["days"]
            assert [(one["z"], one["sales"]) for one in days] == [(3, 3), (2, 3), (1, 3)]
            for name in store.names:
                await store.internets[name].mend()
            for name in store.names:
                await store[name].wait_synced()
            await front.wait_for("HQ has it all", lambda: _sold(store, 9))

    asyncio.run(scenario())


def test_a_primary_that_is_cut_off_closes_nothing_and_its_day_comes_late(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with SeveralRig(tmp_path, "front", "side", "back", changes=ROLES) as store:
            front, side = store["front"], store["side"]
            for name in store.names:
                await store[name].order("cola")
            await may_close(front)
            await heard(front, *store.names)
            day = (await front.get("/v1/day"))["today"]
            await store.cut("front", "side")
            await store.cut("front", "back")
            await store.internets["front"].cut()
            late = await front.order("cola", "cola")
            await may_close(side)
            old = await front.post("/v1/day/close", {"by": "Ann"})
            assert (old.status_code, code(old)) in ((422, "not_primary"), (422, "day_not_ready"))
            await heard(side, "side", "back")
            assert (await cli(side, "gap", "front", "--reason", "its cable is cut", "--by", "Mia")).returncode == exits.OK
            await side.ok("POST", "/v1/day/close", {"by": "Mia"})
            assert (await side.get(f"/v1/days/{day}"))["figures"]["books"]["sales"] == 3

            await store.mend("front", "side")
            await store.mend("front", "back")
            await store.internets["front"].mend()
            known = await closed(front, day)
            assert (known["register"], known["counts"]) == ("side", True)
            await front.wait_for("the late sale", lambda: _late(side, day, next_day(day)))
            books = (await side.get(f"/v1/days/{day}"))["late"][next_day(day)]
            assert (books["sales"], books["gross_minor"]) == (1, late["totals"]["gross_minor"])
            refused = await front.post("/v1/day/close", {"by": "Ann"})
            assert code(refused) in ("not_primary", "nothing_to_close")

    asyncio.run(scenario())


async def _sold(store: SeveralRig, sales: int) -> bool:
    return await store.hq_sales() == sales

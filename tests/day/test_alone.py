"""A store of one register closes its day without anybody else: the Z, what goes on after it, and what a crash leaves."""

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

from tests.day.world import cli, code
from tests.support.store import StoreRig
from tests.support.wall_clock import WallClock

from tillkeeper.cli import exits
from tillkeeper.contract.days import next_day


async def z_slips(rig: StoreRig) -> list[str]:
    await rig.wait_all_settled()
    return [slip for slip in rig.slips("receipt") if "END OF DAY" in slip]


def test_the_day_is_closed_once_printed_and_never_stops_selling(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with StoreRig(tmp_path, hq=False) as rig:
            await rig.ok("POST", "/v1/drawers/drawer/open", {"float_minor": 10_000, "by": "Ann"})
            await rig.order("cola")
            await rig.order("cola", "cola")
            kept = await rig.ok("POST", "/v1/checks", {"order_type": "dine_in", "lines": [{"item_id": "cola"}]})
            await rig.ok("POST", "/v1/drawers/drawer/count", {"counted": {"USD": 9_000}, "by": "Ann"})
            await rig.ok("POST", "/v1/drawers/drawer/close", {"by": "Ben"})
            status = await rig.get("/v1/day")
            today = status["today"]
            assert (status["day"], status["open"], status["may_close"], status["ready"]) == (today, [today], True, True)
            open_report = await rig.get(f"/v1/days/{today}")
            assert open_report["closed"] is None
            assert open_report["figures"]["books"]["sales"] == 2

            done = await rig.ok("POST", "/v1/day/close", {"by": "Mia"}, key="close-1")
            again = await rig.ok("POST", "/v1/day/close", {"by": "Mia"}, key="close-1")
            assert (done["entity_id"], again) == (today, done)
            report = await rig.get(f"/v1/days/{today}")
            books = report["figures"]["books"]
            assert (report["closed"]["z"], report["closed"]["by"], books["sales"]) == (1, "Mia", 2)
            assert books["gross_minor"] == open_report["figures"]["books"]["gross_minor"] > 0
            (drawer,) = report["figures"]["drawers"]
            over_short = 9_000 - drawer["expected_minor"]["USD"]
            assert (drawer["state"], drawer["number"], drawer["over_short_minor"]["USD"]) == ("closed", 1, over_short)
            assert [one["check_id"] for one in report["figures"]["open_checks"]] == [kept["check_id"]]
            assert report["figures"]["quarantine"] is None
            (slip,) = await z_slips(rig)
            assert "END OF DAY Z 1" in slip
            assert "Mia" in slip
            assert "Open checks" in slip

            # The same day asked again by name is the close that there is; without a name there is nothing to close.
            named = await rig.ok("POST", "/v1/day/close", {"day": today, "by": "Mia"})
            assert (named["entity_id"], named["events"]) == (today, 0)
            refused = await rig.post("/v1/day/close", {"by": "Mia"})
            assert (refused.status_code, code(refused)) == (422, "nothing_to_close")

            # Selling goes on: on the next day.
            await rig.order("cola")
            status = await rig.get("/v1/day")
            assert (status["today"], status["day"]) == (next_day(today), next_day(today))
            await rig.ok("POST", f"/v1/checks/{kept['ticket_code']}/tenders", {"tender": "cash"})
            await rig.kill_agent()
            await rig.start_agent()
            assert (await rig.get("/v1/day"))["today"] == next_day(today), "a restart does not go back to the closed day"
            unchanged = await rig.get(f"/v1/days/{today}")
            assert unchanged["figures"] == report["figures"]
            assert unchanged["late"] == {}
            copy = await rig.ok("POST", f"/v1/days/{today}/report", {"by": "Mia"})
            assert copy["jobs"]
            assert any("COPY 1" in slip for slip in await z_slips(rig))

            second = await cli(rig, "close", "--by", "Mia", "--json")
            assert second.returncode == exits.OK, second.stderr
            assert json.loads(second.stdout)["figures"]["books"]["sales"] == 2
            listed = await cli(rig, "list", "--json")
            assert [(one["day"], one["z"]) for one in json.loads(listed.stdout)["days"]] == [(next_day(today), 2), (today, 1)]

    asyncio.run(scenario())


def test_the_figures_are_exported_for_other_programs(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with StoreRig(tmp_path, hq=False) as rig:
            order = await rig.order("cola")
            today = (await rig.get("/v1/day"))["today"]
            assert (await cli(rig, "close", "--by", "Mia", "--no-print")).returncode == exits.OK
            assert await z_slips(rig) == []
            written = tmp_path / "day.csv"
            done = await cli(rig, "export", today, "--out", str(written))
            assert done.returncode == exits.OK, done.stderr
            rows = list(csv.DictReader(io.StringIO(written.read_text("utf-8"))))
            gross = next(row for row in rows if (row["section"], row["name"]) == ("day", "gross"))
            assert gross["business_day"] == today
            assert gross["z"] == "1"
            assert round(float(gross["amount"]) * 100) == order["totals"]["gross_minor"]
            as_json = await cli(rig, "export", today, "--format", "json")
            assert json.loads(as_json.stdout) == await rig.get(f"/v1/days/{today}")
            shown = await cli(rig, "show", today)
            assert f"business day {today}, Z 1" in shown.stdout

    asyncio.run(scenario())


def test_a_crash_leaves_one_close_or_none(tmp_path: Path) -> None:
    """Killed at different moments of a close: afterwards the day is closed once, or not at all and can be."""

    async def scenario() -> None:
        async with StoreRig(tmp_path, hq=False) as rig:
            days: list[str] = []
            for at, wait_s in enumerate((0.0, 0.004, 0.008, 0.016, 0.03)):
                await rig.order("cola")
                day = (await rig.get("/v1/day"))["day"]
                days.append(day)
                closing = asyncio.create_task(_asked(rig, f"crash-{at}"))
                await asyncio.sleep(wait_s)
                await rig.kill_agent()
                await closing
                await rig.start_agent()
                done = await rig.ok("POST", "/v1/day/close", {"day": day, "by": "Mia"}, key=f"again-{at}")
                assert done["entity_id"] == day
            listed = (await rig.get("/v1/days"))["days"]
            assert [one["day"] for one in listed] == sorted(days, reverse=True)
            assert len({one["z"] for one in listed}) == len(days)
            assert all(one["counts"] and one["sales"] == 1 for one in listed)

    asyncio.run(scenario())


async def _asked(rig: StoreRig, key: str) -> Any:
    import httpx

    try:
        return await rig.post("/v1/day/close", {"by": "Mia"}, key=key)
    except httpx.TransportError:
        return None


def test_days_that_nobody_closed_are_told_before_an_upgrade(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = StoreRig(tmp_path, hq=False, agent=False)
        wall = WallClock(tmp_path / "wall")
        rig.agent_prefix = wall.prefix
        async with rig:
            await rig.start_agent()
            await rig.order("cola")
            today = (await rig.get("/v1/day"))["today"]
            assert "days_open" not in {one["code"] for one in (await rig.get("/v1/preflight"))["findings"]}
            wall.set_ahead("+1d")
            found = await rig.get("/v1/preflight")
            (open_days,) = [one for one in found["findings"] if one["code"] == "days_open"]
            assert found["ready"], "of a store of one register without HQ there is nobody to wait for"
            (here,) = [one for one in found["findings"] if one["code"] == "only_here"]
            assert (here["stops"], "no other register" in here["text"]) == (False, True)
            assert (open_days["stops"], open_days["text"]) == (False, f"Business days that are not closed: {today}")
            await rig.ok("POST", "/v1/day/close", {"day": today, "by": "Mia"})
            assert "days_open" not in {one["code"] for one in (await rig.get("/v1/preflight"))["findings"]}

    asyncio.run(scenario())

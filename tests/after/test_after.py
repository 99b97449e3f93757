"""After an outage, with real registers: one list at each of them, and what is settled at one is gone at all."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.several import SeveralRig

NAMES = ("front", "side", "back")


def told(store: SeveralRig, name: str, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "tillkeeper", "after", *arguments, "--socket", str(store[name].socket)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


async def listed(store: SeveralRig, at: str, *kinds: str) -> Any:
    """The list of a register once it has exactly these kinds."""

    async def look() -> Any:
        view = await store[at].get("/v1/after")
        return view if [task["kind"] for task in view["tasks"]] == list(kinds) and not view["unknown"] else None

    return await store[at].wait_for(f"{at} lists {kinds}", look)


def test_the_list_is_the_same_everywhere_and_what_is_settled_stays_away(tmp_path: Path) -> None:
    async def scene() -> None:
        async with SeveralRig(tmp_path, *NAMES) as store:
            for name in NAMES:
                await listed(store, name)
            slip = {"order_type": "takeout", "lines": [{"item_id": "cola"}], "tenders": [{"tender": "cash"}], "slip": "17"}
            await store["side"].ok("POST", "/v1/orders/from-paper", slip)
            order = await store["back"].order("cheeseburger", tenders=[])
            await store["back"].ok("POST", f"/v1/checks/{order['check_id']}/await", {"tender": "card"})
            for name in NAMES:
                view = await listed(store, name, "awaiting", "from_paper")
                assert view["words"] == "2 things are left to do, 2 of them about money."
                card, paper = view["tasks"]
                assert (card["register"], card["amount_minor"]) == ("back", order["totals"]["due_minor"])
                assert card["only_there"] == (name != "back")
                assert [way["path"] for way in card["ways"]] == (
                    [f"/v1/checks/{order['check_id']}/tenders"] if name == "back" else []
                )
                assert (paper["register"], paper["settles"]) == ("side", True)
                assert "slip 17" in paper["words"]

            # Only the payment ends what waits for it; a slip that was looked at is gone everywhere.
            refused = await store["front"].post(f"/v1/after/{card['task_id']}/settle", {"how": "seen"})
            assert refused.json()["type"].endswith(":not_settled_by_a_word")
            code, words = await asyncio.to_thread(told, store, "front", "settle", paper["task_id"], "--by", "mia")
            assert (code, words) == (0, "settled\n")
            assert (await store["front"].get("/v1/after"))["tasks"][0]["kind"] == "awaiting"
            for name in NAMES:
                await listed(store, name, "awaiting")
            code, words = await asyncio.to_thread(told, store, "back", "settle", paper["task_id"])
            assert (code, words) == (0, "settled before\n")

            # Nobody who was away brings it back.
            for name in NAMES:
                await store[name].kill_agent()
            for name in NAMES:
                await store[name].start_agent()
            for name in NAMES:
                await listed(store, name, "awaiting")

            # A register that can not be asked is named: it may know more.
            await store["back"].kill_agent()

            async def named() -> Any:
                view = await store["front"].get("/v1/after")
                return view if view["unknown"] else None

            view = await store["front"].wait_for("back is named", named)
            assert view["unknown"][0].startswith("register back: ")
            code, words = await asyncio.to_thread(told, store, "side")
            assert code == 0
            assert "not asked: register back" in words

    asyncio.run(scene())


def test_what_was_paid_at_two_registers_is_merged_and_given_back_by_its_own_request(tmp_path: Path) -> None:
    async def scene() -> None:
        async with SeveralRig(tmp_path, "front", "side") as store:
            for name in ("front", "side"):
                await listed(store, name)
            order = await store["side"].order("cheeseburger", tenders=[])
            check_id, due = order["check_id"], order["totals"]["due_minor"]
            await store.wait_sinks("side", front=0)
            await store.cut("front", "side")

            async def silent() -> bool:
                found = (await store["front"].get("/v1/checks?where=elsewhere"))["checks"]
                return bool(found and not found[0]["elsewhere"]["reachable"])

            await store["front"].wait_for("side is silent", silent)
            await store["front"].ok("POST", f"/v1/checks/{check_id}/take", {"although_unreachable": True})
            paid = {"tender": "cash", "although_unreachable": True}
            assert (await store["front"].ok("POST", f"/v1/checks/{check_id}/tenders", paid))["state"] == "closed"
            assert (await store["side"].ok("POST", f"/v1/checks/{check_id}/tenders", {"tender": "cash"}))["state"] == "closed"
            await store.mend("front", "side")
            view = await listed(store, "front", "overpaid", "merged")
            over, merge = view["tasks"]
            assert over["amount_minor"] == due
            assert (over["ticket_code"], merge["ticket_code"]) == (order["ticket_code"], order["ticket_code"])
            assert "paid on both" in merge["words"]
            theirs = await listed(store, "side", "overpaid", "merged")
            assert [task["task_id"] for task in theirs["tasks"]] == [task["task_id"] for task in view["tasks"]]

            (way,) = over["ways"]
            back = await store[over["register"]].ok(way["method"], way["path"], way["body"])
            assert back["refund_minor"] == due
            for name in ("front", "side"):
                await listed(store, name, "merged")
            await store["side"].ok("POST", f"/v1/after/{merge['task_id']}/settle", {"how": "seen"})
            for name in ("front", "side"):
                await listed(store, name)

    asyncio.run(scene())


def test_paper_that_waits_is_listed_everywhere_and_printed_where_it_is_practice_is_not(tmp_path: Path) -> None:
    async def scene() -> None:
        changes = {"stations": {"grill": {"backup": None, "stale_after_s": 2.0}}, "training": {"kitchen": "kitchen"}}
        async with SeveralRig(tmp_path, "front", "side", changes=changes) as store:
            front = store["front"]
            front.printer("grill").power_off()
            practice = await front.order("cheeseburger", training=True)
            order = await front.order("cheeseburger")
            for one in (practice, order):
                job_id = next(job["job_id"] for job in one["jobs"] if job["device"] == "grill")
                assert (await front.wait_settled(job_id))["state"] == "held"
            (there,) = (await listed(store, "side", "held"))["tasks"]
            assert (there["register"], there["ways"], there["only_there"]) == ("front", [], True)
            assert there["hint"].startswith("At register front: ")
            (here,) = (await listed(store, "front", "held"))["tasks"]
            assert here["ticket_code"] == order["ticket_code"]
            refused = await store["side"].post(f"/v1/after/{here['task_id']}/settle", {"how": "seen"})
            assert refused.json()["type"].endswith(":not_settled_by_a_word")
            assert [way["label"] for way in here["ways"]] == ["Print now", "Never print it"]
            await front.printer("grill").power_on()
            await front.ok("POST", here["ways"][0]["path"], here["ways"][0]["body"])
            for name in ("front", "side"):
                await listed(store, name)
            await front.wait_settled(job_id)
            assert order["ticket_code"] in front.slips("grill")[0]

    asyncio.run(scene())

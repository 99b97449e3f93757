"""A journal that is damaged at the start: kept, said, and sold on."""

import stat
from pathlib import Path
from typing import Any

from tests.support.store import StoreRig, in_store


def damage(journal: Path) -> None:
    """As a dying disk leaves it: the second page of the file is gone."""
    with journal.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 4096)


async def numbered(rig: StoreRig, order: Any) -> int:
    async def number() -> Any:
        return (await rig.get(f"/v1/checks/{order['check_id']}"))["number"]

    found: int = await rig.wait_for("HQ gave the check its number", number)
    return found


def test_a_damaged_journal_is_set_aside_and_selling_starts(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        before = [await rig.order("cola", key=f"before-{n}") for n in range(5)]
        numbers = [await numbered(rig, order) for order in before]
        await rig.wait_all_settled()
        await rig.wait_synced()
        incarnation = (await rig.get("/v1/status"))["incarnation"]
        assert await rig.stop_agent() == 0
        damage(rig.data / "journal.db")
        await rig.start_agent()

        status = await rig.get("/v1/status")
        assert status["selling"] is True
        assert status["incarnation"] != incarnation
        alarms = [advisory for advisory in status["advisories"] if advisory["severity"] == "alarm"]
        (aside,) = [file for file in rig.data.iterdir() if any(alarm["subject"] == file.name for alarm in alarms)]
        assert not stat.S_IMODE(aside.stat().st_mode) & 0o222, "set aside read-only"
        assert b"\xa5" * 4096 in aside.read_bytes()

        after = [await rig.order("cola", key=f"after-{n}") for n in range(5)]
        codes = [order["ticket_code"] for order in (*before, *after)]
        assert len(set(codes)) == 10, codes
        numbers += [await numbered(rig, order) for order in after]
        assert len(set(numbers)) == 10, numbers
        await rig.wait_synced()
        (books,) = await rig.hq_books()
        assert books["sales"] == 10
        assert len((await rig.hq_get("/v1/registers"))["registers"]) == 2

        assert await rig.stop_agent() == 0
        rig.verify_chain()
        await rig.start_agent()
        standing = [one["subject"] for one in (await rig.get("/v1/status"))["advisories"] if one["severity"] == "alarm"]
        assert aside.name in standing, "the alarm stands over the next start"

    in_store(tmp_path, scene, changes={"store": {"timezone": "UTC"}})


def test_what_had_not_reached_hq_before_the_damage_still_does(tmp_path: Path) -> None:
    """The damaged journal was the only copy of sales that guests have paid."""

    async def scene(rig: StoreRig) -> None:
        await rig.order("cola", key="synced")
        await rig.wait_synced()
        await rig.internet.cut()
        for n in range(5):
            await rig.order("cola", key=f"alone-{n}")
        await rig.wait_all_settled()
        assert await rig.stop_agent() == 0
        damage(rig.data / "journal.db")
        await rig.start_agent()
        await rig.order("cola", key="after")
        await rig.internet.restore()

        async def all_there() -> bool:
            return (await rig.hq_books())[0]["sales"] == 7

        await rig.wait_for("HQ has what was sold before the damage and after it", all_there)
        await rig.stop_agent()
        await rig.start_agent()
        await rig.order("cola", key="later")
        await rig.wait_synced()
        assert (await rig.hq_books())[0]["sales"] == 8
        assert len((await rig.hq_get("/v1/registers"))["registers"]) == 2

    in_store(tmp_path, scene, changes={"store": {"timezone": "UTC"}})


def test_a_power_cut_is_no_damage(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        incarnation = (await rig.get("/v1/status"))["incarnation"]
        await rig.order("cola")
        await rig.kill_agent()
        await rig.start_agent()
        status = await rig.get("/v1/status")
        assert status["incarnation"] == incarnation
        assert not [one for one in status["advisories"] if one["severity"] == "alarm"]

    in_store(tmp_path, scene, hq=False)


def test_who_asks_again_after_the_damage_gets_the_first_sale(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        for n in range(20):  # so that the damaged page is none of the newest events
            await rig.order("cola", key=f"before-{n}")
        sold = await rig.order("cola", key="again")
        await rig.wait_all_settled()
        assert await rig.stop_agent() == 0
        damage(rig.data / "journal.db")
        await rig.start_agent()
        assert list(rig.data.glob("*-set-aside-*.db"))
        body = {"order_type": "takeout", "lines": [{"item_id": "cola"}], "tenders": [{"tender": "cash"}]}
        answer = await rig.post("/v1/orders", body, key="again")
        assert answer.headers["idempotent-replayed"] == "true"
        assert answer.json() == sold
        await rig.wait_synced()

        async def all_there() -> bool:
            return bool((await rig.hq_books())[0]["sales"] >= 21)

        await rig.wait_for("HQ has every sale", all_there)
        assert (await rig.hq_books())[0]["sales"] == 21

    in_store(tmp_path, scene, changes={"store": {"timezone": "UTC"}})


def test_a_ticket_that_waited_when_the_damage_came_still_reaches_the_kitchen(tmp_path: Path) -> None:
    """Once, with the mark, and also where the register is killed again meanwhile; what was printed before is not."""

    async def scene(rig: StoreRig) -> None:
        printed = await rig.order("cheeseburger")
        await rig.wait_all_settled()
        rig.printer("grill").power_off()
        waiting = await rig.order("cheeseburger")
        await rig.kill_agent()
        damage(rig.data / "journal.db")
        await rig.start_agent()

        async def is_known() -> bool:
            jobs = (await rig.get("/v1/jobs"))["jobs"]
            return any(job["check_id"] == waiting["check_id"] for job in jobs)

        await rig.wait_for("the ticket", is_known)
        await rig.kill_agent()
        await rig.start_agent()
        await rig.printer("grill").power_on()
        await rig.wait_all_settled()
        slips = rig.slips("grill")
        assert [code for slip in slips for code in (printed["ticket_code"], waiting["ticket_code"]) if code in slip] == [
            printed["ticket_code"],
            waiting["ticket_code"],
        ]
        assert "POSSIBLE DUPLICATE" in slips[1]

    in_store(tmp_path, scene, changes={"stations": {"grill": {"carry": False}}})

"""When the kitchen hears of what: timed, held, by course, and then only of what changed."""

import re
import time
from pathlib import Path
from typing import Any

from tests.support.store import StoreRig, in_store

BURGER, COLA, SALAD = {"item_id": "cheeseburger"}, {"item_id": "cola"}, {"item_id": "caesar-salad"}


async def open_check(rig: StoreRig, *lines: dict[str, Any]) -> Any:
    return await rig.ok("POST", "/v1/checks", {"order_type": "dine_in", "table": "7", "lines": list(lines)})


async def printed(rig: StoreRig, name: str, count: int) -> list[str]:
    """All slips of a printer once everything is settled; there must be `count`."""
    await rig.wait_all_settled()
    slips = rig.slips(name)
    assert len(slips) == count, slips
    return slips


def test_a_timed_fire_survives_a_kill(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        began = time.monotonic()
        await rig.kill_agent()
        await rig.start_agent()
        start_ms = int((time.monotonic() - began) * 1000)
        fire_at_ms = time.time_ns() // 1_000_000 + 4_000 + 3 * start_ms
        order = await rig.order("cheeseburger", fire_at_ms=fire_at_ms)
        assert not [job for job in order["jobs"] if job["document_class"] == "kitchen_ticket"]
        await rig.kill_agent()
        await rig.start_agent()
        (line,) = (await rig.get(f"/v1/checks/{order['check_id']}"))["lines"]
        assert (line["state"], line["fire_at_ms"]) == ("scheduled", fire_at_ms)
        assert not rig.slips("grill")
        (slip,) = await rig.printer("grill").wait_printed(1, 20 + 3 * start_ms / 1000)
        assert time.time_ns() // 1_000_000 >= fire_at_ms
        assert order["ticket_code"] in slip.text
        await printed(rig, "grill", 1)

    in_store(tmp_path, scene, hq=False)


def test_a_fire_whose_time_passed_while_the_agent_was_dead_comes_at_its_start(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        began = time.monotonic()
        await rig.order("cola")
        order_ms = int((time.monotonic() - began) * 1000)
        fire_at_ms = time.time_ns() // 1_000_000 + 2_000 + 3 * order_ms
        await rig.order("cheeseburger", fire_at_ms=fire_at_ms)
        await rig.kill_agent()

        async def passed() -> bool:
            return time.time_ns() // 1_000_000 > fire_at_ms

        await rig.wait_for("its time has passed", passed)
        assert not rig.slips("grill")
        await rig.start_agent()
        await rig.printer("grill").wait_printed(1, 20)
        await printed(rig, "grill", 1)

    in_store(tmp_path, scene, hq=False)


def test_courses_and_held_lines_fire_when_they_are_told_to(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        pasta = {"item_id": "lasagne", "course": 2}
        check = await open_check(rig, BURGER, pasta, {"item_id": "fries", "held": True})
        path = f"/v1/checks/{check['check_id']}"
        await rig.ok("POST", f"{path}/send")
        (first,) = await printed(rig, "grill", 1)
        assert "Cheeseburger" in first
        assert "Fries" not in first
        assert "asagn" not in first
        await rig.kill_agent()
        await rig.start_agent()
        states = [line["state"] for line in (await rig.get(path))["lines"]]
        assert states == ["fired", "waiting", "held"]
        await rig.ok("POST", f"{path}/fire", {"course": 2})
        second = (await printed(rig, "grill", 2))[1]
        assert "COURSE 2" in second
        assert "Cheeseburger" not in second
        await rig.ok("POST", f"{path}/fire", {"line_ids": [check["line_ids"][2]]})
        third = (await printed(rig, "grill", 3))[2]
        assert "Fries" in third
        assert "Cheeseburger" not in third

    in_store(tmp_path, scene, hq=False)


def test_a_changed_order_prints_the_difference_and_nothing_where_nothing_changed(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        check = await open_check(rig, BURGER, COLA, SALAD)
        path = f"/v1/checks/{check['check_id']}"
        burger, cola, _salad = check["line_ids"]
        await rig.ok("POST", f"{path}/send")
        await printed(rig, "grill", 1)
        await printed(rig, "bar", 1)

        await rig.ok("POST", f"{path}/lines/{burger}/change", {"quantity": 3})
        changed = (await printed(rig, "grill", 2))[1]
        assert re.search(r"CHANGED 3 x Cheeseburger", changed)
        assert "WAS 1 x" in changed
        await rig.ok("POST", f"{path}/lines/{cola}/void", {"reason": "changed their mind"})
        void = (await printed(rig, "bar", 2))[1]
        assert re.search(r"VOID 1 x Cola", void)

        await rig.ok("POST", f"{path}/send")
        await rig.ok("POST", f"{path}/tenders", {"tender": "cash"})
        await printed(rig, "receipt", 1)
        assert (len(rig.slips("grill")), len(rig.slips("bar")), len(rig.cards())) == (2, 2, 1)

    in_store(tmp_path, scene, hq=False)


def test_a_kitchen_that_hears_of_it_when_it_is_paid(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        check = await open_check(rig, BURGER)
        path = f"/v1/checks/{check['check_id']}"
        assert (await rig.get(path))["lines"][0]["state"] == "waiting"
        await printed(rig, "grill", 0)
        await rig.ok("POST", f"{path}/tenders", {"tender": "cash"})
        await printed(rig, "grill", 1)

    in_store(tmp_path, scene, hq=False, changes={"fire": "on_tender"})

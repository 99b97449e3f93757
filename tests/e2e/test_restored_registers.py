"""A register whose disk was lost, or is an older copy of itself, as processes: nothing is printed twice without a mark, nothing
that was fired stays away, and who asks again under the key of a sale gets that sale."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.support.several import SeveralRig
from tests.support.store import StoreRig
from tests.support.store import in_store as in_one_store
from tests.support.wall_clock import WallClock

NAMES = ("front", "side", "back")
OTHERS = NAMES[1:]
ALONE = {"grill": {"backup": None, "carry": False}}


def in_store(folder: Path, scene: Callable[[SeveralRig], Awaitable[None]], adopt_after_s: float) -> None:
    async def run() -> None:
        changes = {"replication": {"adopt_after_s": adopt_after_s}, "stations": ALONE}
        async with SeveralRig(folder, *NAMES, changes=changes) as store:
            await scene(store)

    asyncio.run(run())


async def held_by_others(store: SeveralRig) -> None:
    """Both others have all that front has written."""
    await store.wait_sinks("front", side=0, back=0)


async def away(store: SeveralRig, *, back: bool = False) -> None:
    for other in OTHERS:
        await (store.mend if back else store.cut)("front", other)


async def waiting_ticket(front: StoreRig) -> Any:
    """An order whose kitchen ticket waits for the printer."""
    front.printer("grill").power_off()
    order = await front.order("cheeseburger")
    receipts = [job["job_id"] for job in order["jobs"] if job["device"] != "grill"]
    for job_id in receipts:
        await front.wait_settled(job_id)
    return order


async def printed(front: StoreRig, count: int) -> list[str]:
    async def there() -> list[str]:
        slips = front.slips("grill")
        return slips if len(slips) >= count else []

    found: list[str] = await front.wait_for(f"{count} slips at the grill", there)
    assert len(found) == count
    return found


async def incarnation(rig: StoreRig) -> str:
    return str((await rig.get("/v1/status"))["incarnation"])


async def renewed(front: StoreRig, before: str) -> None:
    async def there() -> bool:
        return await incarnation(front) != before

    await front.wait_for("a new log", there)


def lose_disk(front: StoreRig) -> None:
    """All but its keys and its configuration."""
    for file in [*front.data.glob("*.db*"), *front.data.glob("*-codes.json")]:
        file.unlink()


def restore(front: StoreRig, backup: Path) -> None:
    shutil.rmtree(front.data)
    shutil.copytree(backup, front.data)


def job_of(order: Any, device: str) -> str:
    (job,) = [job["job_id"] for job in order["jobs"] if job["device"] == device]
    return str(job)


def test_what_others_know_to_be_printed_is_not_printed_again_by_a_restored_copy(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        front, backup = store["front"], tmp_path / "backup"
        order = await waiting_ticket(front)
        await held_by_others(store)
        await front.stop_agent()
        shutil.copytree(front.data, backup)
        await front.printer("grill").power_on()
        await front.start_agent()
        await printed(front, 1)
        await front.wait_all_settled()
        await held_by_others(store)
        await front.kill_agent()
        restore(front, backup)
        before = await incarnation(store["side"])
        front.printer("grill").power_off()  # a start waits 0.3 s for the others: on a busy machine they tell it a moment later
        await front.start_agent()
        job = await front.wait_settled(job_of(order, "grill"))
        assert job["state"] in ("confirmed", "sent")
        await front.printer("grill").power_on()
        again = await front.order("cheeseburger")
        await front.wait_settled(job_of(again, "grill"))
        assert len(front.slips("grill")) == 2, "one for each order"
        assert again["ticket_code"] != order["ticket_code"]
        assert await incarnation(store["side"]) == before

    in_store(tmp_path / "store", scene, adopt_after_s=3600)


def test_what_a_restored_copy_does_not_know_it_prints_with_a_mark(tmp_path: Path) -> None:
    """The others know that it went on, and not what became of the ticket."""

    async def scene(store: SeveralRig) -> None:
        front, backup = store["front"], tmp_path / "backup"
        order = await waiting_ticket(front)
        await held_by_others(store)
        await front.stop_agent()
        shutil.copytree(front.data, backup)
        await front.start_agent()
        await front.order("cola")
        await held_by_others(store)
        await away(store)
        await store.wait_sinks("front", side=None, back=None)
        await front.printer("grill").power_on()
        await printed(front, 1)
        await front.wait_all_settled()
        before = await incarnation(front)
        await front.kill_agent()
        restore(front, backup)
        pulses = front.pulses()
        await away(store, back=True)
        front.printer("grill").power_off()  # as above
        await front.start_agent()
        await renewed(front, before)
        await front.printer("grill").power_on()
        first, second = await printed(front, 2)
        assert order["ticket_code"] in first
        assert order["ticket_code"] in second
        assert "POSSIBLE DUPLICATE" not in first
        assert "POSSIBLE DUPLICATE" in second
        assert front.pulses() == pulses

    in_store(tmp_path / "store", scene, adopt_after_s=3600)


def test_what_still_waits_gets_the_mark_where_the_others_are_reached_only_later(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        front, backup = store["front"], tmp_path / "backup"
        order = await waiting_ticket(front)
        await held_by_others(store)
        await front.stop_agent()
        shutil.copytree(front.data, backup)
        await front.start_agent()
        await front.order("cola")
        await held_by_others(store)
        await front.kill_agent()
        restore(front, backup)
        await away(store)
        await front.start_agent()
        before = await incarnation(front)
        new = await waiting_ticket(front)
        await away(store, back=True)
        await renewed(front, before)
        await front.printer("grill").power_on()
        slips = await printed(front, 2)
        (old,) = [slip for slip in slips if "POSSIBLE DUPLICATE" in slip]
        assert order["ticket_code"] in old
        (fresh,) = [slip for slip in slips if slip != old]
        assert new["ticket_code"] in fresh, "it was rung since, and nobody else can have printed it"

    in_store(tmp_path / "store", scene, adopt_after_s=3600)


def test_a_ticket_that_another_may_have_adopted_is_marked_where_nobody_can_be_asked(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        front = store["front"]
        await held_by_others(store)
        order = await waiting_ticket(front)
        await held_by_others(store)
        await front.kill_agent()

        async def adopted() -> list[str]:
            return store["side"].slips("grill")

        (slip,) = await store["side"].wait_for("the ticket comes out at another register", adopted)
        assert "FROM REGISTER FRONT" in slip
        await away(store)
        await front.printer("grill").power_on()
        await front.start_agent()
        (mine,) = await printed(front, 1)
        assert order["ticket_code"] in mine
        assert "POSSIBLE DUPLICATE" in mine

    in_store(tmp_path / "store", scene, adopt_after_s=5)


def test_a_register_that_lost_its_disk_prints_what_it_had_fired_and_sells_nothing_twice(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        front = store["front"]
        await store.internets["front"].cut()
        sold = await front.order("cola", key="a-sale")
        burger = await waiting_ticket(front)
        await held_by_others(store)
        await front.kill_agent()
        lose_disk(front)
        await front.printer("grill").power_on()
        await front.start_agent()
        (slip,) = await printed(front, 1)
        assert burger["ticket_code"] in slip
        assert "POSSIBLE DUPLICATE" in slip
        assert "Cheeseburger" in slip
        body = {"order_type": "takeout", "lines": [{"item_id": "cola"}], "tenders": [{"tender": "cash"}]}
        answer = await front.post("/v1/orders", body, key="a-sale")
        assert answer.headers["idempotent-replayed"] == "true"
        again = answer.json()
        for name in ("check_id", "ticket_code", "state", "line_ids", "totals", "jobs", "change_minor", "events"):
            assert again.get(name) == sold.get(name), name
        new = await front.order("cola")
        assert new["ticket_code"] not in (sold["ticket_code"], burger["ticket_code"])
        await store.internets["front"].mend()

        async def all_there() -> bool:
            return await store.hq_sales() == 3

        await front.wait_for("HQ has every sale", all_there)
        await held_by_others(store)
        await store.wait_sinks("front", HQ=0)
        assert await store.hq_sales() == 3
        assert store["side"].slips("grill") == store["back"].slips("grill") == []

    in_store(tmp_path / "store", scene, adopt_after_s=3600)


def test_a_register_alone_with_hq_marks_what_still_waits_when_hq_knows_more(tmp_path: Path) -> None:
    async def scene(front: StoreRig) -> None:
        backup = tmp_path / "backup"
        order = await waiting_ticket(front)
        await front.wait_synced()
        await front.stop_agent()
        shutil.copytree(front.data, backup)
        await front.start_agent()
        await front.order("cola")
        await front.wait_synced()
        await front.kill_agent()
        restore(front, backup)
        await front.start_agent()

        async def renewed() -> bool:
            return "written no further" in str((await front.get("/v1/status"))["advisories"])

        await front.wait_for("a new log", renewed)
        await front.printer("grill").power_on()
        (slip,) = await printed(front, 1)
        assert order["ticket_code"] in slip
        assert "POSSIBLE DUPLICATE" in slip

    in_one_store(tmp_path / "store", scene, changes={"stations": ALONE})


def alone(tmp_path: Path, ahead: str, *, put_back: bool) -> list[str]:
    """What comes out at the grill of a store of one register, without HQ, when its agent starts once more: after a copy of its
    disk was put back whose waiting ticket was printed since, or not. `ahead`: of the clock, as a while later."""
    wall, found = WallClock(tmp_path / "wall"), []

    async def scene(front: StoreRig) -> None:
        backup = tmp_path / "backup"
        await waiting_ticket(front)
        await front.stop_agent()
        shutil.copytree(front.data, backup)
        if put_back:
            await front.start_agent()
            await front.printer("grill").power_on()
            assert "POSSIBLE DUPLICATE" not in (await printed(front, 1))[0]
            await front.wait_all_settled()
            await front.kill_agent()
            restore(front, backup)
        wall.set_ahead(ahead)
        front.agent_prefix = wall.prefix
        await front.start_agent()
        await front.printer("grill").power_on()
        found.extend(await printed(front, 1 + put_back))

    in_one_store(tmp_path / "store", scene, changes={"stations": ALONE}, hq=False)
    return found


def test_a_copied_disk_of_a_register_alone_marks_what_may_have_been_printed_since(tmp_path: Path) -> None:
    """Nobody is there who could tell it that it is a copy."""
    first, again = alone(tmp_path, "+10m", put_back=True)
    assert "POSSIBLE DUPLICATE" not in first
    assert "POSSIBLE DUPLICATE" in again


def test_an_agent_alone_that_is_back_at_once_marks_nothing(tmp_path: Path) -> None:
    (slip,) = alone(tmp_path, "+0", put_back=False)
    assert "POSSIBLE DUPLICATE" not in slip

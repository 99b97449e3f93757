"""Real agents: the grill's printer, the receipt printer and the drawer are wired to register front, and side uses them through
it. Front's paper is the oracle, whatever is killed."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.several import SeveralRig
from tests.support.store import StoreRig

WIRED = {"register": "front"}
CHANGES: dict[str, Any] = {
    "devices": {"grill": WIRED, "receipt": WIRED},
    "stations": {"grill": {"backup": None, "carry": False}},
    "replication": {"adopt_after_s": 3600},
}


def in_store(folder: Path, names: tuple[str, ...], scene: Callable[[SeveralRig], Awaitable[None]], **changes: Any) -> None:
    async def run() -> None:
        async with SeveralRig(folder, *names, changes=CHANGES | changes, hq=False) as store:
            await scene(store)

    asyncio.run(run())


def job_of(order: Any, device: str, document: str = "") -> str:
    jobs = [job for job in order["jobs"] if job["device"] == device]
    (job,) = [job["job_id"] for job in jobs if document in ("", job["document_class"])]
    return str(job)


async def device(rig: StoreRig, name: str) -> Any:
    return next(one for one in (await rig.get("/v1/devices"))["devices"] if one["device"] == name)


async def says(rig: StoreRig, name: str, trouble: str) -> None:
    """Until the device's trouble is said so at that register."""

    async def there() -> bool:
        seen = await device(rig, name)
        return seen["trouble"] == trouble and (seen["known"] or "silent" in trouble)

    await rig.wait_for(f"{name}: {trouble}", there)


async def linked(store: SeveralRig, *names: str) -> None:
    for name in names:
        await store.wait_sinks(name, **{other: 0 for other in names if other != name})


def test_ticket_receipt_and_drawer_of_side_come_out_at_front_with_their_evidence(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        front, side = store["front"], store["side"]
        await linked(store, "front", "side")
        order = await side.order("cheeseburger", name="Zaphodia Q")
        await side.wait_all_settled()
        (ticket,), (receipt,) = front.slips("grill"), front.slips("receipt")
        assert "Zaphodia Q" in ticket
        written = b"".join(file.read_bytes() for file in front.data.glob("journal.db*"))
        said = b"".join((rig.folder / "agent.log").read_bytes() for rig in (front, side))
        assert b"Zaphodia" not in written + said  # what is replicated of side's books is beside it, and erased with them
        assert order["ticket_code"] in ticket
        assert order["ticket_code"] in receipt
        assert front.pulses() == 1
        assert (side.slips("grill"), side.slips("receipt"), side.pulses()) == ([], [], 0)
        job = await side.get(f"/v1/jobs/{job_of(order, 'grill')}")
        assert (job["state"], job["evidence"]) == ("confirmed", "GS ( H")
        assert (await device(side, "grill"))["register"] == "front"
        assert (await device(front, "grill"))["register"] == ""
        # Its own papers and those of side share the printer in turn.
        for _ in range(3):
            await asyncio.gather(front.order("cheeseburger"), side.order("cheeseburger"))
        await side.wait_all_settled()
        await front.wait_all_settled()
        assert len(front.slips("grill")) == 7
        assert front.pulses() == 7

    in_store(tmp_path, ("front", "side"), scene)


def test_paper_out_and_a_silent_register_are_told_at_side_and_neither_is_ever_fine(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        front, side = store["front"], store["side"]
        await linked(store, "front", "side")

        await says(side, "grill", "")
        front.printer("grill").load_paper(0)
        await says(side, "grill", "on register front: the paper is out")
        order = await side.order("cheeseburger")
        front.printer("grill").load_paper(10_000)
        await side.wait_settled(job_of(order, "grill"))
        assert len(front.slips("grill")) == 1
        await front.kill_agent()
        await says(side, "grill", "can not be used: register front is silent")
        seen = await device(side, "grill")
        assert [seen[part] for part in ("online", "paper_out", "cover_open")] == ["unknown"] * 3
        order = await side.order("cheeseburger")
        await front.start_agent()
        await side.wait_settled(job_of(order, "grill"))
        assert [("DUPLICATE" in slip, order["ticket_code"] in slip) for slip in front.slips("grill")[1:]] == [(False, True)]

    in_store(tmp_path, ("front", "side"), scene)


def test_cancelled_at_side_while_front_waits_for_paper_it_never_comes_out(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        front, side = store["front"], store["side"]
        await linked(store, "front", "side")
        front.printer("grill").load_paper(0)
        order = await side.order("cheeseburger")
        job = job_of(order, "grill")

        async def cancelled() -> bool:
            return (await side.post(f"/v1/jobs/{job}/cancel")).is_success

        await side.wait_for("it can be cancelled", cancelled)
        front.printer("grill").load_paper(10_000)
        await side.order("cheeseburger")
        await side.wait_all_settled()
        assert (await side.get(f"/v1/jobs/{job}"))["state"] == "expired"
        assert [order["ticket_code"] in slip for slip in front.slips("grill")] == [False]

    in_store(tmp_path, ("front", "side"), scene)


def assert_paper(store: SeveralRig, tickets: set[str], kicks: int) -> None:
    """Every ticket at least once, every repeat marked; no drawer oftener than it was asked for."""
    seen: set[str] = set()
    for slip in store["front"].slips("grill"):
        (code,) = [code for code in tickets if code in slip]
        assert code not in seen or "DUPLICATE" in slip, f"{code} came out again without a mark:\n{slip}"
        seen.add(code)
    assert tickets == seen, f"lost: {tickets - seen}"
    assert store["front"].pulses() <= kicks


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_at_random_both_of_them_no_ticket_is_lost_no_repeat_unmarked_no_drawer_twice(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)

    async def scene(store: SeveralRig) -> None:
        await linked(store, "front", "side")
        codes: set[str] = set()
        for _ in range(4):
            for name in ("side", "side", "front"):
                codes.add((await store[name].order("cheeseburger"))["ticket_code"])
            await asyncio.sleep(chance.uniform(0.0, 0.4))  # where in its work the kill meets it is what the seed decides
            for victim in chance.choice([("front",), ("side",), ("front", "side")]):
                await store[victim].kill_agent()
                await store[victim].start_agent()
        for name in ("side", "front"):
            await settled_but_held(store[name])
        assert_paper(store, codes, kicks=len(codes))

    in_store(tmp_path, ("front", "side"), scene)


async def settled_but_held(rig: StoreRig) -> None:
    """Receipts that nobody knows of wait for a person; kitchen tickets do not."""

    async def done() -> bool:
        jobs = (await rig.get("/v1/jobs?limit=500"))["jobs"]
        return all(job["state"] == "held" and job["document_class"] == "receipt" for job in jobs)

    await rig.wait_for("nothing waits but receipts for a person", done, 90)


def test_while_front_is_dead_its_tickets_go_to_the_backup_and_do_not_come_out_behind_it(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        front, side = store["front"], store["side"]
        await linked(store, "front", "side")
        front.printer("grill").power_off()
        await front.kill_agent()
        order = await side.order("cheeseburger")

        async def printed() -> list[str]:
            return side.slips("bar")

        (slip,) = await side.wait_for("the backup has it", printed)
        assert order["ticket_code"] in slip
        assert "REROUTED FROM" in slip
        await front.printer("grill").power_on()
        await front.start_agent()
        await says(side, "grill", "")
        again = await side.order("cheeseburger")
        assert (await side.wait_settled(job_of(again, "grill")))["state"] == "confirmed"
        assert [order["ticket_code"] in slip for slip in front.slips("grill")] == [False]

    stations = {"grill": {"backup": "bar", "carry": False, "reroute_after_s": 2}}
    in_store(tmp_path, ("front", "side"), scene, stations=stations)


def test_a_third_register_that_adopts_what_front_printed_for_side_prints_nothing_again(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        front, side, back = store["front"], store["side"], store["back"]
        await linked(store, "front", "side", "back")
        await says(side, "grill", "")
        front.printer("grill").load_paper(0)
        await says(side, "grill", "on register front: the paper is out")  # a ticket in front's queue would come out unmarked
        order = await side.order("cheeseburger")
        await store.wait_sinks("side", front=0, back=0)
        await side.kill_agent()
        front.printer("grill").load_paper(10_000)

        async def printed() -> list[str]:
            return [slip for slip in front.slips("grill") if order["ticket_code"] in slip]

        (slip,) = await front.wait_for("who adopts it prints it at front", printed)
        assert "POSSIBLE DUPLICATE" in slip
        await side.start_agent()
        await linked(store, "front", "side", "back")
        await side.wait_all_settled()
        for rig in (front, back):
            await rig.wait_all_settled()
        assert len(await printed()) == 1

    in_store(tmp_path, ("front", "side", "back"), scene, replication={"adopt_after_s": 5})

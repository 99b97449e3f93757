"""Nothing of a station can be reached: its tickets come out at the register, to be carried, and never twice."""

from pathlib import Path
from typing import Any

from tests.e2e.test_failover import job_of
from tests.support.store import StoreRig, in_store

ALONE: dict[str, Any] = {"stations": {"grill": {"backup": None, "reroute_after_s": 0.5}}}


def test_a_kitchen_that_can_not_be_reached_gets_its_tickets_on_foot_and_none_twice(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        rig.printer("grill").power_off()
        order = await rig.order("cheeseburger")
        job = await rig.wait_settled(job_of(order, "grill"))
        assert job["state"] == "rerouted"
        await rig.wait_all_settled()
        (slip,) = [one for one in rig.slips("receipt") if "CARRY" in one]
        assert "CARRY TO KITCHEN: GRILL" in slip
        assert "DUPLICATE" not in slip, "nothing had been printed of it"
        assert order["ticket_code"] in slip
        assert "Cheeseburger" in slip
        await rig.printer("grill").power_on()
        second = await rig.order("cheeseburger")
        assert (await rig.wait_settled(job_of(second, "grill")))["state"] == "confirmed"
        (own,) = rig.slips("grill")
        assert second["ticket_code"] in own
        assert "CARRY" not in own

    in_store(tmp_path, scene, hq=False, changes=ALONE)


def test_where_the_config_says_no_it_waits_and_the_alarm_says_so_until_it_is_out(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        rig.printer("grill").power_off()
        order = await rig.order("cheeseburger")
        told = []
        while not told:
            status = await rig.get("/v1/status")
            told = [one for one in status["advisories"] if one["code"] == "tickets_late"]
        assert (told[0]["severity"], told[0]["subject"]) == ("alarm", "grill")
        assert order["ticket_code"] in told[0]["text"]
        await rig.printer("grill").power_on()
        assert (await rig.wait_settled(job_of(order, "grill")))["state"] == "confirmed"
        codes = [one["code"] for one in (await rig.get("/v1/status"))["advisories"]]
        assert "tickets_late" not in codes
        assert not [one for one in rig.slips("receipt") if "CARRY" in one]

    quiet = {"stations": {"grill": {"backup": None, "reroute_after_s": 0.5, "carry": False, "alarm_after_s": 1.0}}}
    in_store(tmp_path, scene, hq=False, changes=quiet)


def test_all_held_tickets_print_in_order_on_one_call(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        rig.printer("grill").power_off()
        orders = [await rig.order("cheeseburger") for _ in range(3)]
        for order in orders:
            assert (await rig.wait_settled(job_of(order, "grill")))["state"] == "held"
        await rig.printer("grill").power_on()
        released = await rig.ok("POST", "/v1/jobs/release", {"by": "Maya"})
        assert [job["job_id"] for job in released["jobs"]] == [job_of(order, "grill") for order in orders]
        for order in orders:
            assert (await rig.wait_settled(job_of(order, "grill")))["state"] == "confirmed"
        slips = rig.slips("grill")
        assert [order["ticket_code"] in slip for order, slip in zip(orders, slips, strict=True)] == [True] * 3

    in_store(tmp_path, scene, hq=False, changes={"stations": {"grill": {"backup": None, "stale_after_s": 2.0}}})

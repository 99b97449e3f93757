"""Devices fail: food is never forgotten, never silently doubled, and nobody waits for another's printer."""

from pathlib import Path
from typing import Any

from tests.support.store import StoreRig, in_store

QUICK = {"stations": {"grill": {"backup": "bar", "reroute_after_s": 0.5}}}
ALONE = {"stations": {"grill": {"backup": None}}, "devices": {"grill": {"confirm_timeout_s": 2.0}}}


def job_of(order: Any, device: str) -> str:
    """The id of the order's job for a device."""
    (job,) = [job["job_id"] for job in order["jobs"] if job["device"] == device]
    return str(job)


def test_a_dead_printers_ticket_comes_out_at_the_backup_and_says_so(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        rig.printer("grill").power_off()
        order = await rig.order("cheeseburger")
        job = await rig.wait_settled(job_of(order, "grill"))
        assert job["state"] == "rerouted"
        await rig.wait_all_settled()
        (slip,) = rig.slips("bar")
        assert "REROUTED FROM GRILL" in slip
        assert "DUPLICATE" not in slip, "nothing had been printed of it"
        assert order["ticket_code"] in slip
        assert "Cheeseburger" in slip
        # The printer is back: it does not print what the kitchen has from the bar, and takes the next one.
        await rig.printer("grill").power_on()
        second = await rig.order("cheeseburger")
        assert (await rig.wait_settled(job_of(second, "grill")))["state"] == "confirmed"
        (own,) = rig.slips("grill")
        assert second["ticket_code"] in own
        assert "REROUTED" not in own
        assert len(rig.slips("bar")) == 1

    in_store(tmp_path, scene, hq=False, changes=QUICK)


def test_a_printer_that_was_away_does_not_flood_the_kitchen(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        rig.printer("grill").power_off()
        old = [await rig.order("cheeseburger") for _ in range(3)]
        for order in old:
            assert (await rig.wait_settled(job_of(order, "grill")))["state"] == "held"
        await rig.printer("grill").power_on()
        new = await rig.order("cheeseburger")
        assert (await rig.wait_settled(job_of(new, "grill")))["state"] == "confirmed"
        (slip,) = rig.slips("grill")
        assert new["ticket_code"] in slip
        assert (await rig.get("/v1/status"))["jobs_held"] == 3
        await rig.ok("POST", f"/v1/jobs/{job_of(old[1], 'grill')}/release", {"by": "Maya"})
        assert (await rig.wait_settled(job_of(old[1], "grill")))["state"] == "confirmed"
        assert old[1]["ticket_code"] in rig.slips("grill")[-1]
        assert len(rig.slips("grill")) == 2

    changes = {"stations": {"grill": {"backup": None, "stale_after_s": 2.0}}}
    in_store(tmp_path, scene, hq=False, changes=changes)


def test_a_dead_device_delays_no_other(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        rig.printer("grill").faults.silent = True
        for _ in range(5):
            order = await rig.order("cheeseburger", "cola", "caesar-salad")
            for device in ("bar", "kitchen", "receipt"):
                assert (await rig.wait_settled(job_of(order, device)))["state"] == "confirmed"
            waiting = await rig.get(f"/v1/jobs/{job_of(order, 'grill')}")
            assert waiting["state"] in ("queued", "sending"), "the silent one still waits, and nobody waited for it"
        assert not rig.slips("grill")

    in_store(tmp_path, scene, hq=False, changes={"stations": {"grill": {"backup": None}}})


def test_paper_that_runs_out_within_a_ticket_makes_no_duplicate(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        printer = rig.printer("grill")
        printer.faults.paper_out_after_lines = 3
        order = await rig.order("cheeseburger")
        await printer.changed.wait_for(lambda: printer.mechanism.paper_out, 10)
        printer.load_paper(1000)
        job = await rig.wait_settled(job_of(order, "grill"))
        assert (job["state"], job["attempts"], job["marks"]) == ("confirmed", 1, [])
        (slip,) = rig.slips("grill")
        assert "DUPLICATE" not in slip

    in_store(tmp_path, scene, hq=False, changes={"stations": {"grill": {"backup": None}}})


def test_a_ticket_lost_in_a_printer_is_repeated_with_a_mark_and_the_next_has_none(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        printer = rig.printer("grill")
        printer.faults.power_loss_after_lines = 3
        printer.faults.power_off_s = 0.2
        order = await rig.order("cheeseburger")
        after = await rig.order("cheeseburger")
        assert (await rig.wait_settled(job_of(after, "grill")))["state"] == "confirmed"
        job = await rig.wait_settled(job_of(order, "grill"), 40)
        assert (job["state"], job["marks"]) == ("confirmed", ["POSSIBLE DUPLICATE"])
        assert job["may_have_printed"] is True
        slips = {
            code: [slip for slip in rig.slips("grill") if code in slip] for code in (order["ticket_code"], after["ticket_code"])
        }
        assert "POSSIBLE DUPLICATE" in slips[order["ticket_code"]][-1]
        assert "Cheeseburger" in slips[order["ticket_code"]][-1]
        own = slips[after["ticket_code"]][-1]
        assert "DUPLICATE" not in own[own.rindex("TAKEOUT") :]

    in_store(tmp_path, scene, hq=False, changes=ALONE)


def test_a_receipt_whose_outcome_is_unknown_waits_for_a_person(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        printer = rig.printer("receipt")
        printer.faults.power_loss_after_lines = 5
        printer.faults.power_off_s = 0.2
        order = await rig.order("cola", tenders=[{"tender": "house"}])
        held = await rig.wait_settled(job_of(order, "receipt"), 40)
        assert held["state"] == "held"
        assert not rig.slips("receipt"), "nothing is repeated by itself"
        await rig.ok("POST", f"/v1/jobs/{held['job_id']}/release", {"by": "Maya"})
        assert (await rig.wait_settled(held["job_id"]))["state"] == "confirmed"
        assert "DUPLICATE" in rig.slips("receipt")[-1]

    in_store(tmp_path, scene, hq=False, changes={"devices": {"receipt": {"confirm_timeout_s": 2.0}}})


def test_a_kill_in_the_middle_of_a_ticket_is_followed_by_a_marked_one(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        printer = rig.printer("grill")
        order = await rig.order("cheeseburger")
        await printer.changed.wait_for(lambda: bool(printer.hanging.lines), 10)
        await rig.kill_agent()
        await rig.start_agent()
        job = await rig.wait_settled(job_of(order, "grill"), 40)
        assert (job["state"], job["marks"]) == ("confirmed", ["POSSIBLE DUPLICATE"])
        assert "POSSIBLE DUPLICATE" in rig.slips("grill")[-1]
        assert sum("POSSIBLE DUPLICATE" not in slip for slip in rig.slips("grill")) <= 1

    in_store(tmp_path, scene, hq=False, changes=ALONE, speed_mm_s=100.0)


def test_a_drawer_whose_kick_was_interrupted_is_not_kicked_again(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        printer = rig.printer("receipt")
        order = await rig.order("cola")
        await printer.changed.wait_for(lambda: rig.pulses() > 0, 10)
        await rig.kill_agent()
        await rig.start_agent()
        job = await rig.wait_settled(job_of(order, "drawer"))
        assert job["state"] in ("unconfirmed", "confirmed", "sent")
        await rig.wait_settled(job_of(order, "receipt"), 40)
        assert rig.pulses() == 1

    in_store(tmp_path, scene, hq=False)

"""A printer that says it is well, or nothing at all, and takes no ticket: the pages say that it does not, and why."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.store import StoreRig, in_store

ALONE = {"stations": {"grill": {"backup": None}}}


@pytest.mark.parametrize("fault", ["echo", "silent", "truncate"])
def test_a_printer_that_takes_no_ticket_is_in_trouble_whatever_it_says(tmp_path: Path, fault: str) -> None:
    async def scene(rig: StoreRig) -> None:
        await rig.printer("grill").command({"fault": fault})
        order = await rig.order("cheeseburger")

        async def told() -> Any:
            devices = (await rig.get("/v1/devices"))["devices"]
            return next(device for device in devices if device["device"] == "grill")["trouble"]

        async def advised() -> bool:
            advisories = (await rig.get("/v1/status"))["advisories"]
            return any(one["code"] == "device_trouble" and one["subject"] == "grill" for one in advisories)

        await rig.wait_for("its trouble is told", told, 25)
        await rig.wait_for("a person is told", advised, 25)
        await rig.printer("grill").command({"power": "off"})
        await rig.printer("grill").command({"fault": "none", "power": "on"})
        job = next(job["job_id"] for job in order["jobs"] if job["device"] == "grill")
        assert (await rig.wait_settled(job, 45))["state"] == "confirmed"
        assert not await told()
        assert len(rig.slips("grill")) == 1

    in_store(tmp_path, scene, hq=False, changes=ALONE)

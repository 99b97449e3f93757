"""A network printer that others print on too, so that no connection to it stands: what stops it in the middle of a ticket, and
whoever else has it, is told while the ticket waits."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.store import StoreRig, in_store

TOLD_S = 5.0
"""What docs/printer-status.md promises."""
ALONE = {"backup": None, "alarm_after_s": 2}


def shared(kind: str, model: str) -> dict[str, Any]:
    return {"devices": {"grill": {"kind": kind, "profile": model, "hold": None}}, "stations": {"grill": ALONE}}


async def grill(rig: StoreRig, seen: Callable[[dict[str, Any]], bool], deadline_s: float) -> dict[str, Any]:
    """The device's view, once it is as `seen` wants it."""

    async def look() -> dict[str, Any] | None:
        view: dict[str, Any] = next(one for one in (await rig.get("/v1/devices"))["devices"] if one["device"] == "grill")
        return view if seen(view) else None

    found: dict[str, Any] = await rig.wait_for("the grill's printer is seen as it is", look, deadline_s)
    return found


def job_of(order: dict[str, list[dict[str, str]]]) -> str:
    return next(job["job_id"] for job in order["jobs"] if job["device"] == "grill")


MODELS = [("escpos", "tm-t88vi"), ("escpos", "tm-t88iii"), ("escpos", "generic-80")]
MODELS += [("star", "tsp650ii"), ("star", "mc-print3")]
"""By each kind of evidence: GS ( H, GS r, what is left, the ETB counter, the number of the document."""


@pytest.mark.parametrize(("kind", "model"), MODELS)
def test_paper_that_ends_in_mid_ticket_is_told_at_once_and_the_ticket_comes_out_once(
    tmp_path: Path, kind: str, model: str
) -> None:
    async def scene(rig: StoreRig) -> None:
        await grill(rig, lambda view: view["known"], 20)
        printer = rig.printer("grill")
        await printer.command({"fault": "paper_out", "after_lines": 3})
        job_id = job_of(await rig.order("cheeseburger"))
        view = await grill(rig, lambda view: view["trouble"] == "the paper is out", TOLD_S)
        assert view["queued"] == 1
        job = await rig.get(f"/v1/jobs/{job_id}")
        assert (job["state"], job["reason"]) == ("sending", "the paper is out")
        assert job_id in [one["job_id"] for one in (await rig.get("/v1/jobs"))["jobs"] if one["reason"] == "the paper is out"]
        await printer.command({"fault": "none"})
        await printer.command({"cover": "open"})
        await printer.command({"paper": "full"})
        await printer.command({"cover": "closed"})
        settled = await rig.wait_settled(job_id)
        assert settled["state"] in ("confirmed", "sent")
        assert (settled["marks"], settled["attempts"]) == ([], 1)
        await grill(rig, lambda view: not view["trouble"] and not view["queued"], TOLD_S)
        assert len(rig.slips("grill")) == 1

    in_store(tmp_path, scene, hq=False, changes=shared(kind, model))


@pytest.mark.parametrize(("kind", "model"), MODELS[:1] + MODELS[3:4])
def test_a_cutter_that_jams_in_mid_ticket_is_told_at_once_and_the_ticket_comes_out_once(
    tmp_path: Path, kind: str, model: str
) -> None:
    async def scene(rig: StoreRig) -> None:
        await grill(rig, lambda view: view["known"], 20)
        printer = rig.printer("grill")
        await printer.command({"cutter": "jam"})
        job_id = job_of(await rig.order("cheeseburger"))
        await grill(rig, lambda view: view["trouble"] == "the cutter is stuck", TOLD_S)
        await printer.command({"cover": "open"})
        await grill(rig, lambda view: view["trouble"] == "the cover is open", TOLD_S)
        await printer.command({"cutter": "clear"})
        await printer.command({"cover": "closed"})
        settled = await rig.wait_settled(job_id)
        assert (settled["state"], settled["marks"], settled["attempts"]) == ("confirmed", [], 1)
        await grill(rig, lambda view: not view["trouble"], TOLD_S)
        assert len(rig.slips("grill")) == 1

    in_store(tmp_path, scene, hq=False, changes=shared(kind, model))


def test_a_printer_that_another_program_has_is_noted_as_busy_and_the_alarm_says_why(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        await grill(rig, lambda view: view["known"], 20)
        printer = rig.printer("grill")
        _, other = await asyncio.open_connection("127.0.0.1", printer.port)
        try:
            await printer.changed.wait_for(lambda: printer.connected, 5)
            job_id = job_of(await rig.order("cheeseburger"))
            view = await grill(rig, lambda view: bool(view["note"]), 10)
            assert (view["note"], view["trouble"]) == ("is busy with another computer", ""), "no trouble for a minute"

            async def alarm() -> str | None:
                raised = (await rig.get("/v1/status"))["advisories"]
                return next((one["text"] for one in raised if one["code"] == "tickets_late"), None)

            assert "is busy with another computer" in await rig.wait_for("the alarm", alarm, 15)
        finally:
            other.close()
            await other.wait_closed()
        assert (await rig.wait_settled(job_id))["state"] == "confirmed"
        await grill(rig, lambda view: not view["note"] and not view["trouble"], TOLD_S)
        assert len(rig.slips("grill")) == 1

    in_store(tmp_path, scene, hq=False, changes=shared("escpos", "tm-t88vi"))

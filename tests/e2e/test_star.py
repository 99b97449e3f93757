"""A kitchen on Star printers: whatever happens to paper, cover, power and agent, nothing is lost and no repeat is unmarked."""

import asyncio
import random
from pathlib import Path
from typing import Any

from tests.killloop.paper import Print, prints_of
from tests.support.store import StoreRig, in_store

from tillkeeper_drivers.simulator.printer import VirtualPrinter

ADDRESS = "12 Harbour Street"
CHANGES: dict[str, Any] = {
    "store": {"receipt_header": [ADDRESS]},
    "devices": {
        "receipt": {"kind": "star", "profile": "tsp650ii", "confirm_timeout_s": 1.0},
        "grill": {"kind": "star", "profile": "mc-print3", "confirm_timeout_s": 1.0},
        "bar": {"kind": "star", "profile": "tsp650ii", "confirm_timeout_s": 1.0, "hold": True},
        "kitchen": {"kind": "star", "profile": "tsp100", "confirm_timeout_s": 1.0, "address": "127.0.0.1:1"},
        "drawer": {"on_ms": 20},
    },
    "stations": {"grill": {"reroute_after_s": 2.0, "backup": "bar"}, "cold": {"backup": None}},
}  # fmt: skip
ORDERS = 20
END_S = 90.0


def prints(rig: StoreRig, device: str) -> list[Print]:
    printer = rig.printer(device)
    return list(prints_of(device, [*rig.slips(device), printer.hanging.as_text()], ADDRESS))


async def mend(printer: VirtualPrinter) -> None:
    for name in ("paper_out_after_lines", "cover_open_after_lines", "power_loss_after_lines"):
        setattr(printer.faults, name, None)
    printer.load_paper(1_000_000)
    printer.set_cover(open_=True)
    printer.set_cover(open_=False)
    await printer.power_on()


async def come_to_an_end(rig: StoreRig) -> None:
    """A person releases what is held, until every document is settled."""
    async with asyncio.timeout(END_S):
        while jobs := (await rig.get("/v1/jobs?limit=500"))["jobs"]:
            for job in jobs:
                if job["state"] == "held":
                    await rig.post(f"/v1/jobs/{job['job_id']}/release", {"by": "Ann"})
            await asyncio.sleep(0.1)


def judge(found: list[Print], codes: list[str], kind: str) -> None:
    """Each order's document came out whole at least once, and all but one of its prints are marked or torn."""
    for code in codes:
        own = [one for one in found if one.kind == kind and one.code == code]
        assert own, f"{kind} {code} never came out"
        unmarked = [one for one in own if not one.marked_repeat]
        assert len(unmarked) <= 1, f"{kind} {code} came out {len(unmarked)} times without a mark"


def test_in_peace_every_paper_comes_out_once_and_each_is_confirmed_by_its_printer(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        codes = [(await rig.order("cheeseburger", "cola", "caesar-salad"))["ticket_code"] for _ in range(6)]
        await rig.wait_all_settled()
        for device, kind in (("receipt", "receipt"), ("grill", "ticket"), ("bar", "ticket")):
            assert sorted(one.code for one in prints(rig, device) if one.kind == kind) == sorted(codes), device
        assert rig.printer("kitchen").count == 6
        assert rig.pulses() == 6
        jobs = (await rig.get("/v1/jobs?state=all&limit=500"))["jobs"]
        assert {job["evidence"] for job in jobs if job["document_class"] != "drawer_pulse"} == {"Star ETB", "ESC GS ETX"}

    in_store(tmp_path, scene, changes=CHANGES, hq=False)


def test_paper_cover_power_and_kills_lose_nothing_and_double_nothing_unmarked(tmp_path: Path) -> None:
    chance = random.Random(7)

    async def strike(printer: VirtualPrinter) -> None:
        fault = chance.choice(["paper_out", "cover_open", "power_loss", "power_loss"])
        setattr(printer.faults, f"{fault}_after_lines", chance.randint(1, 8))
        await asyncio.sleep(chance.uniform(0.1, 0.8))
        await mend(printer)

    async def trouble(rig: StoreRig) -> None:
        while True:
            await strike(rig.printer(chance.choice(["receipt", "grill", "bar", "kitchen"])))

    async def scene(rig: StoreRig) -> None:
        codes: list[str] = []
        around = asyncio.ensure_future(trouble(rig))
        try:
            for n in range(ORDERS):
                codes.append((await rig.order("cheeseburger", "cola", "caesar-salad"))["ticket_code"])
                if n in (6, 13):
                    await rig.kill_agent()
                    await rig.start_agent()
                await asyncio.sleep(chance.uniform(0.0, 0.3))
        finally:
            around.cancel()
            await asyncio.wait({around})
        for name in rig.shop.printers:
            await mend(rig.printer(name))
        await come_to_an_end(rig)
        judge([*prints(rig, "receipt")], codes, "receipt")
        tickets = [*prints(rig, "grill"), *prints(rig, "bar")]
        judge([one for one in tickets if one.station == "Bar"], codes, "ticket")
        judge([one for one in tickets if one.station == "Grill"], codes, "ticket")
        assert rig.printer("kitchen").count >= ORDERS - 1  # torn ones hang together with the next
        assert rig.pulses() <= ORDERS

    in_store(tmp_path, scene, changes=CHANGES, hq=False, speed_mm_s=2_000.0)



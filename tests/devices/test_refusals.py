"""Setting up a device: each refusal by its code, as the API says it; afterwards everything is as before."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.devices.counter import Counter, counter
from tests.devices.lan import Lan, lan
from tests.devices.test_replace import settled, until

from tillkeeper.config.model import Device
from tillkeeper.config.network import Network
from tillkeeper.devices import pairing
from tillkeeper.devices.pairing import exported
from tillkeeper.errors import Refused
from tillkeeper_drivers.discovery import udev
from tillkeeper_drivers.discovery.found import Found
from tillkeeper_drivers.printing.told import Told
from tillkeeper_drivers.simulator.fresh_kds import VirtualFreshKds

ROOT = Path(__file__).resolve().parents[2]
Said = dict[str, Any]
Case = Callable[[Counter], Awaitable[Said]]
CASES: dict[str, Case] = {}


def case(scene: Case) -> Case:
    CASES[scene.__name__] = scene
    return scene


async def begun(shop: Counter, found: str, device: str = "grill", **more: str) -> Said:
    return dict(await shop.register.post(f"/devices/{device}/replacements", {"found": found, **more}, status=422))


@case
async def not_replaceable(shop: Counter) -> Said:
    return await begun(shop, (await shop.found())["identity"], device="drawer")


@case
async def found_in_use(shop: Counter) -> Said:
    await shop.found()
    return await begun(shop, shop.old.identity, device="receipt")


@case
async def wired_elsewhere(shop: Counter) -> Said:
    return await begun(shop, (await shop.found())["identity"], device="far")


@case
async def unknown_model(shop: Counter) -> Said:
    return await begun(shop, (await shop.found())["identity"], profile="tm-z99")


@case
async def slip_not_printed(shop: Counter) -> Said:
    found = await shop.found()
    shop.new.off()
    return await begun(shop, found["identity"])


@case
async def no_answer(shop: Counter) -> Said:
    found = await shop.found()
    shop.new.off()
    return dict(await shop.register.post("/devices/grill/probe", {"found": found["identity"]}, status=422))


@case
async def no_sheet(shop: Counter) -> Said:
    body = {"found": (await shop.found())["identity"], "sheet": True, "profile": "tsp650ii"}
    return dict(await shop.register.post("/devices/grill/probe", body, status=422))


@case
async def not_a_drawer(shop: Counter) -> Said:
    return dict(await shop.register.post("/devices/receipt/try", status=422))


@case
async def drawer_untold(shop: Counter) -> Said:
    await shop.register.post("/devices/drawer/try")
    await until(lambda: settled(shop), "no pulse")
    shop.receipt.faults.silent = True
    return dict(await shop.register.post("/devices/drawer/learn", {"opened": True}, status=422))


@case
async def not_a_printer(shop: Counter) -> Said:
    """A screen that tells of itself every two seconds."""
    there = shop.old.lan
    beacon = VirtualFreshKds(there.address("screen")).beacon()
    with there.socket("screen", socket.SOCK_DGRAM) as air:
        air.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)

        async def heard() -> str:
            air.sendto(beacon, ("192.0.2.255", 28_000))
            found = (await shop.register.get("/devices/found"))["found"]
            return next((str(one["identity"]) for one in found if one["bus"] == "display"), "")

        await until(heard, "the screen is not heard")
        return await begun(shop, await heard())


@case
async def found_in_trouble(shop: Counter) -> Said:
    await until(lambda: _lists(shop, "usb:port=9-1"), "it is not listed")
    return await begun(shop, "usb:port=9-1")


async def _lists(shop: Counter, identity: str) -> bool:
    return any(one["identity"] == identity for one in (await shop.register.get("/devices/found"))["found"])


@pytest.fixture
def a_printer_without_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    """What udev finds on this machine: a USB printer whose node this user may not open."""
    printer = Found(
        identity="usb:port=9-1", bus="usb", address="usb:port=9-1", title="USB printer", port="9-1", node="/dev/usb/lp9",
        trouble="no_permission", detail="this user may not open it", hint="add the user to the group lp",
    )  # fmt: skip
    monkeypatch.setattr(udev, "scan", lambda _profiles: (printer,))


@pytest.mark.root
@pytest.mark.usefixtures("a_printer_without_rights")
@pytest.mark.parametrize("code", CASES)
def test_it_is_refused_by_its_code_in_words_and_nothing_changes(tmp_path: Path, code: str) -> None:
    async def run(there: Lan) -> None:
        async with counter(there, tmp_path) as shop:
            far = Device(kind="escpos", address="usb:port=1-2", profile="tm-t88vi", register="side")
            network = Network(socket=str(tmp_path / "probe.sock"))
            shop.config = replace(shop.config, network=network, devices=shop.config.devices | {"far": far})
            async with shop.open():
                before = await shop.register.get("/devices")
                said = await CASES[code](shop)
                assert said["type"] == f"urn:tillkeeper:problem:{code}"
                assert all(said[word] for word in ("operation", "subject", "cause"))
                places = [(one["device"], one["address"], one["profile"], one["replaced"]) for one in before["devices"]]
                after = (await shop.register.get("/devices"))["devices"]
                assert [(one["device"], one["address"], one["profile"], one["replaced"]) for one in after] == places
        assert not [slip for slip in shop.old.slips if "TEST" in slip], "somebody else's printer printed"

    with lan("old", "new", "screen") as there:
        asyncio.run(run(there))


def test_an_export_like_a_model_that_is_none_of_ours_is_refused_with_what_to_do() -> None:
    told = pairing.probe_view(Found(identity="x", bus="usb", address="usb:port=1-1", title="x"), Told(speaks="escpos"), "", ())
    with pytest.raises(Refused, match="--profile generic-80") as caught:
        exported(told, "mine", "acme-nine", {})
    assert caught.value.code == "unknown_model"


def test_every_refusal_of_setting_up_a_device_has_its_case_and_is_documented() -> None:
    sources = [file.read_text() for file in (ROOT / "agent/tillkeeper/devices").glob("*.py")]
    raised = {code for source in sources for code in re.findall(r'Refused\(\s*"([a-z_]+)"', source)}
    assert raised == set(CASES)
    documented = (ROOT / "docs/refusals.md").read_text()
    assert not [code for code in raised if f"| `{code}` |" not in documented]

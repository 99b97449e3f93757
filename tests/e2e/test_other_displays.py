"""Kitchen displays of other makers behind a whole register: order, change, void, an outage, bumps that reach the journal."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import apsw
import pytest
from msgspec.structs import replace
from tests.drivers.kds_tickets import texts, until
from tests.till.world import Register, config_in, running

from tillkeeper.config.model import Config, Device
from tillkeeper.journal.files import JOURNAL_FILE
from tillkeeper_drivers.simulator.display import VirtualDisplay
from tillkeeper_drivers.simulator.epson_kds import VirtualEpsonKds
from tillkeeper_drivers.simulator.foreign_screen import ForeignScreen
from tillkeeper_drivers.simulator.fresh_kds import VirtualFreshKds
from tillkeeper_drivers.simulator.logic_controls import VirtualLogicControls

SALAD = {"item_id": "caesar-salad"}
OUTAGE = 20
DEADLINE_S = 40.0


def shop(folder: Path, device: Device) -> Config:
    """The embedded register; its cold kitchen has this display and no backup."""
    config = config_in(folder)
    stations = {**config.stations, "cold": replace(config.stations["cold"], devices=("wall",), backup="")}
    devices = {name: other for name, other in config.devices.items() if name != "kitchen"}
    return replace(config, devices={**devices, "wall": device}, stations=stations)


def epson(folder: Path) -> tuple[ForeignScreen, Callable[[], Device]]:
    kds = VirtualEpsonKds()
    return kds, lambda: Device(kind="epson_kds", address=f"127.0.0.1:{kds.port}", callback="127.0.0.1:0", confirm_timeout_s=2)


def fresh(folder: Path) -> tuple[ForeignScreen, Callable[[], Device]]:
    kds = VirtualFreshKds()
    return kds, lambda: Device(kind="fresh_kds", address=f"127.0.0.1:{kds.port}", confirm_timeout_s=2)


def logic_controls_files(folder: Path) -> tuple[ForeignScreen, Callable[[], Device]]:
    shared = folder / "share"
    shared.mkdir()
    return VirtualLogicControls(shared), lambda: Device(kind="logic_controls", address=f"folder:{shared}", confirm_timeout_s=1)


def logic_controls_tcp(folder: Path) -> tuple[ForeignScreen, Callable[[], Device]]:
    kds = VirtualLogicControls()
    return kds, lambda: Device(kind="logic_controls", address=f"127.0.0.1:{kds.port}", confirm_timeout_s=2)


Made = Callable[[Path], tuple[ForeignScreen, Callable[[], Device]]]
ALL = pytest.mark.parametrize("made", [epson, fresh, logic_controls_files, logic_controls_tcp])


def with_display(folder: Path, made: Made, scene: Callable[[Register, Any], Awaitable[None]]) -> None:
    async def run() -> None:
        screen, device = made(folder)
        async with asyncio.timeout(100), screen, running(shop(folder, device())) as till:
            await scene(till, screen)

    asyncio.run(run())


async def order(till: Register) -> Any:
    body = {"order_type": "takeout", "lines": [SALAD], "tenders": [{"tender": "cash"}]}
    return await till.post("/orders", body)


async def settled(till: Register) -> None:
    """Wait until no ticket waits for the display."""
    async with asyncio.timeout(DEADLINE_S):
        while [job for job in (await till.get("/jobs"))["jobs"] if job["device"] == "wall"]:  # noqa: ASYNC110 - asked over the API
            await asyncio.sleep(0.05)


def codes(screen: ForeignScreen) -> list[str]:
    """The ticket code of each open card, in the order of the screen."""
    words = [" ".join(order.heads).split() for order in screen.on_screen()]
    return [next(word for word in card if word.startswith("B-")) for card in words]


@ALL
def test_order_change_and_void_reach_the_screen(tmp_path: Path, made: Made) -> None:
    async def scene(till: Register, screen: ForeignScreen) -> None:
        opened = await till.post("/checks", {"order_type": "dine_in", "table": "12", "lines": [SALAD, SALAD]})
        path = f"/checks/{opened['check_id']}"
        await till.post(f"{path}/send")
        await until(lambda: sum("CAESAR" in text for text in texts(screen)) == 2, DEADLINE_S)
        first, second = opened["line_ids"]
        await till.post(f"{path}/lines/{first}/change", {"note": "no anchovies"})
        await until(lambda: any("* no anchovies" in text for text in texts(screen)), DEADLINE_S)
        await till.post(f"{path}/lines/{second}/void", {"reason": "dropped"})
        await until(lambda: any("VOID" in text or text.startswith("-- 1 CAESAR") for text in texts(screen)), DEADLINE_S)
        assert len(screen.on_screen()) == 1, "one card for one check"

    with_display(tmp_path, made, scene)


@ALL
def test_after_an_outage_all_tickets_come_in_order_and_once(tmp_path: Path, made: Made) -> None:
    async def scene(till: Register, screen: ForeignScreen) -> None:
        before = await order(till)
        await until(lambda: len(screen.orders) == 1, DEADLINE_S)
        await screen.power_off()
        placed = [(await order(till))["ticket_code"] for _ in range(OUTAGE)]
        (wall,) = [device for device in (await till.get("/devices"))["devices"] if device["device"] == "wall"]
        assert wall["queued"] == OUTAGE, "how far it is behind"
        await screen.power_on()
        await settled(till)
        await until(lambda: len(screen.orders) == OUTAGE + 1, DEADLINE_S)
        assert codes(screen) == [before["ticket_code"], *placed]
        assert "DUPLICATE" not in screen.as_text()

    with_display(tmp_path, made, scene)


def rows(folder: Path, query: str) -> list[str]:
    """Of the running register's journal. By the library that it writes with: two of them on one file in one process break each
    other's locks (sqlite.org/howtocorrupt.html, 2.2.1)."""
    journal = apsw.Connection(str(folder / "data" / JOURNAL_FILE), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return [text for (text,) in journal.execute(query)]
    finally:
        journal.close()


def journaled(folder: Path) -> list[str]:
    return rows(folder, "SELECT type FROM events WHERE type IN ('ticket_bumped', 'ticket_recalled') ORDER BY id")


def test_a_bump_on_an_epson_kds_is_an_event_once_and_holds_over_a_restart(tmp_path: Path) -> None:
    async def run() -> None:
        async with asyncio.timeout(100), VirtualEpsonKds() as kds:
            device = Device(kind="epson_kds", address=f"127.0.0.1:{kds.port}", callback="127.0.0.1:0", confirm_timeout_s=2)
            async with running(shop(tmp_path, device)) as till:
                placed = await order(till)
                await until(lambda: len(kds.orders) == 1 and bool(kds.callbacks), DEADLINE_S)
                await kds.bump(placed["ticket_code"])
                await until(lambda: journaled(tmp_path) == ["ticket_bumped"], DEADLINE_S)
                await settled(till)
            async with running(shop(tmp_path, device)) as till:
                await order(till)
                await settled(till)
                assert len(kds.orders) == 2, "what was shown before the restart is not shown again"
                await kds.recall(placed["ticket_code"])
                await until(lambda: journaled(tmp_path) == ["ticket_bumped", "ticket_recalled"], DEADLINE_S)

    asyncio.run(run())


def test_what_is_bumped_on_one_display_of_a_station_is_bumped_for_all(tmp_path: Path) -> None:
    """Our own page and an Epson KDS side by side: the page follows the KDS, and the journal names the tickets of both."""

    async def run() -> None:
        async with asyncio.timeout(100), VirtualEpsonKds() as kds:
            device = Device(kind="epson_kds", address=f"127.0.0.1:{kds.port}", callback="127.0.0.1:0", confirm_timeout_s=5)
            config = shop(tmp_path, device)
            stations = {**config.stations, "cold": replace(config.stations["cold"], devices=("wall", "kitchen"))}
            devices = {**config.devices, "kitchen": Device(kind="display")}
            api = replace(config.api, listen="127.0.0.1:0")
            both = replace(config, stations=stations, devices=devices, api=api)
            async with running(both) as till:
                token = (tmp_path / "data" / "api-token").read_text("ascii").split("\n", 1)[0]
                url = f"{till.url.replace('http', 'ws')}/v1/kitchen/kitchen"
                async with VirtualDisplay(url, headers={"Authorization": f"Bearer {token}"}) as page:
                    await page.wait_connected(DEADLINE_S)
                    first, second = await order(till), await order(till)
                    await page.wait_shown(2, DEADLINE_S)
                    await until(lambda: len(kds.orders) == 2 and bool(kds.callbacks), DEADLINE_S)
                    await kds.bump(first["ticket_code"])
                    await page.changed.wait_for(lambda: len(page.cards.on_screen()) == 1, DEADLINE_S)
                    await page.bump(second["check_id"])
                    await until(lambda: len(journaled(tmp_path)) == 2, DEADLINE_S)
                    await kds.bump(second["ticket_code"])
                    await settled(till)
        assert journaled(tmp_path) == ["ticket_bumped"] * 2, "the second screen's bump is no news"
        assert all(len(jobs) == 2 for jobs in bumped_jobs(tmp_path))

    asyncio.run(run())


def bumped_jobs(folder: Path) -> list[list[str]]:
    return [json.loads(body)["job_ids"] for body in rows(folder, "SELECT body FROM events WHERE type = 'ticket_bumped'")]

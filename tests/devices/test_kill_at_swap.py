"""The agent's process is killed at the word that another printer has taken a device's place: it holds whole, or not at all."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace
from tests.devices.counter import Counter, counter
from tests.devices.lan import lan
from tests.devices.test_replace import events_of, until
from tests.support.process import Process
from tests.support.toml import dumps
from tests.till.world import Register

from tillkeeper.config.model import Config

READY_S = 30.0


def plain(value: Any) -> Any:
    """As a file has it: what is as it is anyway is left out."""
    if isinstance(value, msgspec.Struct):
        fields = {field.name: field for field in msgspec.structs.fields(value)}
        said = {name: getattr(value, name) for name in fields}
        return {name: plain(one) for name, one in said.items() if one is not None and one != fields[name].default}
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


@asynccontextmanager
async def agent(shop: Counter, folder: Path) -> AsyncIterator[Process]:
    """A process of its own, on the LAN of the test; its register is `shop.register`."""
    file, ready = folder / "store.toml", folder / "ready.json"
    file.write_text(dumps(plain(shop.config)), "utf-8")
    process = Process("tillkeeper", ("run", "--config", str(file), "--ready-file", str(ready)), ready=ready, log=folder / "log")
    try:
        addresses = await process.wait_ready(READY_S)
        transport = httpx.AsyncHTTPTransport(uds=addresses["socket"])
        async with httpx.AsyncClient(transport=transport, base_url="http://till", timeout=30) as client:
            shop.register = Register(client)
            yield process
    finally:
        await process.kill()


def patient(config: Config) -> Config:
    """Whoever is asked to swap waits for the ticket that is on."""
    grill = replace(config.devices["grill"], confirm_timeout_s=30)
    return replace(config, devices={**config.devices, "grill": grill})


async def sent(shop: Counter, code: str) -> bool:
    jobs = (await shop.register.get("/jobs?limit=20"))["jobs"]
    return any(job["ticket_code"] == code and job["state"] in ("sending", "sent") for job in jobs)


def tickets(slips: list[str], code: str) -> list[str]:
    return [slip for slip in slips if code in slip]


@pytest.mark.root
def test_killed_between_the_word_and_the_swap_the_next_start_makes_it(tmp_path: Path) -> None:
    """The old printer keeps the worker busy, so the swap waits; there the process dies."""

    async def run() -> None:
        async with counter(there, tmp_path) as shop:
            shop.config = patient(shop.config)
            async with agent(shop, tmp_path) as process:
                slip = await shop.slip(by="ana")
                shop.old.printer.faults.silent = True
                order = await shop.order("cheeseburger")
                await until(lambda: sent(shop, order["ticket_code"]), "the old one is not at work")
                await shop.confirm(slip)
                await process.kill()
            (event,) = events_of(shop, "device_replaced")
            assert event["after"]["address"] == slip["address"]
            received = shop.old.received
            async with agent(shop, tmp_path):
                device = await shop.device()
                assert (device["address"], device["replaced"]["by"]) == (slip["address"], "ana")
                await until(lambda: tickets(shop.new.slips, order["ticket_code"]), "the ticket is lost", 60)
                later = await shop.order("cheeseburger")
                await until(lambda: tickets(shop.new.slips, later["ticket_code"]), "the new one does not print", 60)
            (ticket,) = tickets(shop.new.slips, order["ticket_code"])
            assert "POSSIBLE DUPLICATE" in ticket, "it may be on the old one's paper"
            assert shop.old.received == received, "the old one is not the device any more"
            assert len(events_of(shop, "device_replaced")) == 1

    with lan("old", "new") as there:
        asyncio.run(run())


@pytest.mark.root
@pytest.mark.parametrize("after_ms", [0, 1, 3, 8, 20])
def test_killed_at_the_word_it_holds_whole_or_not_at_all(tmp_path: Path, after_ms: int) -> None:
    async def run() -> None:
        async with counter(there, tmp_path) as shop:
            async with agent(shop, tmp_path) as process:
                slip = await shop.slip(by="ana")
                word = asyncio.create_task(shop.confirm(slip))
                await asyncio.sleep(after_ms / 1000)  # the moment at which it dies
                await process.kill()
                await asyncio.wait([word])
            events = events_of(shop, "device_replaced")
            async with agent(shop, tmp_path):
                device = await shop.device()
                assert (device["replaced"] is not None) == bool(events), "overlay and event are one batch"
                assert bool(events) or word.exception() is not None, "it was answered and has not held"
                if not events:
                    assert device["address"] == shop.config.devices["grill"].address
                    slip = await shop.slip(by="ana")
                    await shop.confirm(slip)
                order = await shop.order("cheeseburger")
                await until(lambda: tickets(shop.new.slips, order["ticket_code"]), "the new one does not print", 60)
                assert not tickets(shop.old.slips, order["ticket_code"])
            assert len(events_of(shop, "device_replaced")) == 1

    with lan("old", "new") as there:
        asyncio.run(run())

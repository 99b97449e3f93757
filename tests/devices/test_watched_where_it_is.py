"""Agent and prober together: a printer that was replaced, or has moved, is watched where it is, and named by that address."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.devices.counter import Counter, counter
from tests.devices.lan import Lan, lan
from tests.lab.spaces import inside, ip
from tests.support.toml import dumps

from tillkeeper.config.network import Network

ANYCAST = "198.51.100.1"
WITHIN_S = 60.0


@asynccontextmanager
async def prober(there: Lan, shop: Counter, folder: Path) -> AsyncIterator[None]:
    """The prober's process on the register, with the configuration as the file had it."""
    grill = shop.config.devices["grill"]
    file, log = folder / "register.toml", folder / "prober.log"
    network = {"anycast": [ANYCAST], "portal_url": "", "families": ["ipv4"], "socket": shop.config.network.socket}
    tables: dict[str, Any] = {"this_register": "front", "data_dir": ".", "registers": {"front": {"letter": "A"}}}
    file.write_text(dumps({**tables, "network": network, "devices": {"grill": {"kind": "escpos", "address": grill.address}}}))
    command = ["ip", "netns", "exec", there.space("register"), sys.executable, "-m", "tillkeeper", "probe"]
    with log.open("w") as said:
        process = subprocess.Popen([*command, "--config", str(file)], stdout=said, stderr=said)  # noqa: ASYNC220 - ended below
        try:
            yield
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 20)


async def until(what: Callable[[], Awaitable[Any]], why: str) -> Any:
    end_s = time.monotonic() + WITHIN_S
    while not (found := await what()):
        assert time.monotonic() < end_s, why
        await asyncio.sleep(0.1)
    return found


async def watched(shop: Counter) -> set[str]:
    """The addresses at which the kitchen's printer is asked, and those that answer."""
    targets = (await shop.register.get("/network"))["targets"]
    return {one["address"] for one in targets if one["target"] == "printer:grill"}


async def answers(shop: Counter, address: str) -> bool:
    targets = (await shop.register.get("/network"))["targets"]
    return any(one["address"] == address and one["answered"] > 1 for one in targets)


async def silent(shop: Counter) -> str:
    """What is said of the kitchen's printer."""
    also = (await shop.register.get("/network"))["also"]
    return next((str(one["text"]) for one in also if one["code"] == "network_device_silent" or "grill" in one["code"]), "")


def asked_of(there: Lan, host: str) -> int:
    """Questions (ICMP echo and ARP frames for it count as one way: the kernel's InEchos) that have reached the host."""
    with inside(there.space(host)):
        lines = [
            line.split() for line in Path("/proc/thread-self/net/snmp").read_text().splitlines() if line.startswith("Icmp:")
        ]
    return int(dict(zip(lines[0][1:], lines[1][1:], strict=True))["InEchos"])


@contextlib.contextmanager
def store_with_router() -> Any:
    with lan("old", "new", "router") as there:
        ip(there.space("router"), f"addr add {ANYCAST}/32 dev lo")
        ip(there.space("register"), f"route add default via {there.address('router')}")
        yield there


@pytest.mark.root
def test_a_replaced_printer_and_a_moved_one_are_watched_where_they_are(tmp_path: Path) -> None:
    async def run(there: Lan) -> None:
        async with counter(there, tmp_path) as shop:
            network = Network(socket=str(tmp_path / "probe.sock"), anycast=(ANYCAST,), portal_url="", families=("ipv4",))
            shop.config = replace(shop.config, network=network)
            old, new = there.address("old"), there.address("new")
            async with shop.open(), prober(there, shop, tmp_path):
                await until(lambda: answers(shop, old), "the prober asks by the file")
                await shop.confirm(await shop.slip())
                await until(lambda: answers(shop, new), "the new one is not asked")
                assert await watched(shop) == {new}
                before, began = asked_of(there, "old"), asked_of(there, "new")
                await until(lambda: more(there, "new", began + 3), "it is asked no more")
                assert asked_of(there, "old") == before, "the old one is asked still"
                there.move("new", moved := "192.0.2.77")
                await shop.order("cheeseburger")
                await until(lambda: answers(shop, moved), "it is not watched where it went")
                assert await watched(shop) == {moved}
                shop.new.off()
                said = await until(lambda: silent(shop), "nobody says that it is silent")
                assert moved in said
                assert old not in said

    with store_with_router() as there:
        asyncio.run(run(there))


async def more(there: Lan, host: str, than: int) -> bool:
    return asked_of(there, host) > than

"""Screens that announce themselves by the thousand, and two that quarrel over one name: pages are told now and then."""

import asyncio
import socket

import pytest
from tests.devices.lan import Lan, lan
from tests.drivers.test_discovery_codecs import FRESH

from tillkeeper.devices.finder import Finder
from tillkeeper.devices.locator import Locator
from tillkeeper_drivers.discovery import fresh

BEACONS = 3000


def beacon(identifier: bytes, name: bytes) -> bytes:
    return FRESH[:30] + identifier.ljust(20, b"\0") + name.ljust(52, b"\0")


@pytest.mark.root
def test_a_flood_of_beacons_is_few_changes() -> None:
    async def run(there: Lan) -> None:
        told: list[int] = []
        finder = Finder(Locator(lambda: 0), changed=lambda: told.append(len(finder.found())))
        running = asyncio.create_task(finder.run())
        try:
            with there.socket("screen", socket.SOCK_DGRAM) as sender:
                sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                async with asyncio.timeout(20):
                    while not finder.found():
                        sender.sendto(beacon(b"one", b"Expo"), ("192.0.2.255", fresh.PORT))
                        await asyncio.sleep(0.05)
                    first = len(told)
                    for n in range(BEACONS):
                        sender.sendto(beacon(b"one", b"Expo" if n % 2 else b"Grill"), ("192.0.2.255", fresh.PORT))
                        sender.sendto(beacon(b"%d" % n, b"Made up"), ("192.0.2.255", fresh.PORT))
                        if n % 5 == 0:
                            await asyncio.sleep(0)
                    while len(finder.found()) < 64:
                        sender.sendto(beacon(b"%d" % len(told), b"Made up"), ("192.0.2.255", fresh.PORT))
                        await asyncio.sleep(0.01)
            assert len(finder.found()) == 64
            assert len(told) - first <= 64 + 10, "each new one is told, and a name that changes all the time now and then"
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    with lan("screen") as there:
        asyncio.run(run(there))

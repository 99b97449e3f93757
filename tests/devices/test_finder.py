"""Network devices that move, strangers at their addresses, and what is found without being configured."""

import asyncio
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from tests.devices.lan import NET, Lan, NetPrinter, lan
from tests.devices.shop import Shop
from tests.drivers import umock
from tests.drivers.test_discovery_codecs import FRESH
from tests.support.ports import free_port

from tillkeeper.config.model import Device
from tillkeeper.devices import finder
from tillkeeper.devices.found import FoundDesk
from tillkeeper.devices.locator import Locator
from tillkeeper_drivers.api import TransportError
from tillkeeper_drivers.discovery import enpc, fresh
from tillkeeper_drivers.transport.tcp import TcpTransport

FOLLOWED_S = 30.0
"""Longer than the goal, for busy machines; `make bench` measures it."""


def printer_of(lan: Lan, host: str) -> Device:
    return Device(kind="escpos", address=f"{lan.address(host)}:9100", mac=lan.mac(host), profile="generic-58")


async def until(holds: Callable[[], bool], within_s: float, why: str) -> float:
    """Seconds that it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within_s, why
        await asyncio.sleep(0.02)
    return time.monotonic() - began


def on_a_lan(*hosts: str) -> Callable[[Callable[[Lan], Awaitable[None]]], Callable[[], None]]:
    def made(scenario: Callable[[Lan], Awaitable[None]]) -> Callable[[], None]:
        @pytest.mark.root
        def test() -> None:
            async def run(there: Lan) -> None:
                await scenario(there)

            with lan(*hosts) as there:
                asyncio.run(run(there))

        test.__name__, test.__doc__ = scenario.__name__, scenario.__doc__
        return test

    return made


@on_a_lan("printer")
async def test_a_printer_that_moved_is_followed(lan: Lan) -> None:
    shop = Shop(grill=printer_of(lan, "printer"))
    async with NetPrinter(lan, "printer", "TM-T88VI")() as printer, shop.open():
        await shop.ticket("T-1", "grill")
        await until(lambda: b"T-1" in printer.received, 10, "it prints where it is")
        await shop.until_done(10)  # one that moves in the middle of a ticket is as good as switched off
        lan.move("printer", f"{NET}.77")
        await shop.ticket("T-2", "grill")
        await until(lambda: b"T-2" in printer.received, FOLLOWED_S, "it was not followed")
        await shop.until_done(10)
        (moved,) = shop.locator.moved()
        (listed,) = FoundDesk(shop.finder, shop.locator).found().moved
        assert (listed.device, listed.configured, listed.now) == (moved.device, moved.configured, moved.now)
        assert (moved.device, moved.configured, moved.now) == ("grill", lan.address("printer"), f"{NET}.77")
        assert shop.told
        for number in range(3, 6):  # where it was a moment ago is still in the kernel's table
            lan.move("printer", f"{NET}.{75 + number}")
            await shop.ticket(f"T-{number}", "grill")
            await until(partial(printer.received.__contains__, f"T-{number}".encode()), FOLLOWED_S, "it was not followed again")
            await shop.until_done(10)
        assert [printer.received.count(f"T-{number}".encode()) for number in range(1, 6)] == [1] * 5


@on_a_lan("printer", "stranger")
async def test_a_stranger_at_its_address_gets_no_byte(lan: Lan) -> None:
    shop = Shop(grill=printer_of(lan, "printer"))
    async with (
        NetPrinter(lan, "printer", "TM-T88VI")() as printer,
        NetPrinter(lan, "stranger", "TM-T88VI")() as stranger,
        shop.open(),
    ):
        await shop.ticket("T-1", "grill")
        await until(lambda: b"T-1" in printer.received, 10, "it prints where it is")
        await shop.until_done(10)
        lan.move("printer", "")
        lan.move("stranger", lan.address("printer"))
        await shop.ticket("T-2", "grill")
        await until(lambda: shop.trouble("grill") == "wrong_device", 20, shop.trouble("grill"))
        assert stranger.connections
        lan.move("printer", f"{NET}.78")
        await until(lambda: b"T-2" in printer.received, FOLLOWED_S, "it was not followed")
        assert not stranger.received, bytes(stranger.received)


@on_a_lan("clone")
async def test_one_that_answers_no_search_is_found_by_asking_few_hosts_at_a_time(lan: Lan) -> None:
    shop = Shop(grill=printer_of(lan, "clone"))
    with _arp_ear(lan, "clone") as ear:
        async with NetPrinter(lan, "clone")() as clone, shop.open():
            lan.move("clone", f"{NET}.16")
            await shop.ticket("T-1", "grill")
            await until(lambda: b"T-1" in clone.received, 30, "it was not found")
            assert shop.locator.moved()[0].now == f"{NET}.16"
            asked = _requests(ear)
    firsts = {}
    for at_s, target in asked:
        firsts.setdefault(target, at_s)
    hosts = sorted(at_s for target, at_s in firsts.items() if target != lan.address("clone"))
    assert len(hosts) >= 6, "hosts around its old address were asked"
    for at_s in hosts:
        assert sum(1 for other in hosts if at_s <= other < at_s + 1) <= 4, hosts
    for at_s, _ in asked:
        assert sum(1 for other, _ in asked if at_s <= other < at_s + 1) < 15, "some switches shut a port for that"


@on_a_lan("printer", "other", "screen")
async def test_what_answers_is_listed(lan: Lan) -> None:
    shop = Shop(asks=True, grill=printer_of(lan, "printer"))
    async with NetPrinter(lan, "printer", "TM-T88VI")() as printer, NetPrinter(lan, "other", "TM-m30")(), shop.open():
        with lan.socket("screen", socket.SOCK_DGRAM) as beacon:
            beacon.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            both = await asyncio.gather(shop.finder.search(), shop.finder.search())
            assert printer.asked == 2, "two that ask share one search, which asks twice"
            there = {found.address: found for found in both[0]}
            epson = there[f"{lan.address('printer')}:9100"]
            assert (epson.model, epson.mac, epson.identity) == ("TM-T88VI", lan.mac("printer"), f"mac:{lan.mac('printer')}")
            assert shop.locator.devices_of(epson) == ("grill",)
            assert shop.locator.devices_of(there[f"{lan.address('other')}:9100"]) == ()
            listed = await FoundDesk(shop.finder, shop.locator).search()
            assert {one.address: one.devices for one in listed.found} == {
                f"{lan.address('printer')}:9100": ("grill",),
                f"{lan.address('other')}:9100": (),
            }
            assert listed.searched_age_s is not None
            assert listed.searched_age_s < 5
            beacon.sendto(FRESH, (f"{NET}.255", fresh.PORT))
            await until(lambda: any(found.bus == "display" for found in shop.finder.found()), 5, "a beacon is heard")
            screen = next(found for found in shop.finder.found() if found.bus == "display")
            assert screen.address == f"{lan.address('screen')}:9104", "where it came from, not what it says"
            assert (screen.serial, screen.title) == ("E7A09AAD7B98", "Fresh KDS emulator")


@on_a_lan("printer")
async def test_one_that_refuses_is_not_looked_for(lan: Lan) -> None:
    """It is there and serves another register: no broadcasts for that."""
    shop = Shop(grill=printer_of(lan, "printer"))
    with lan.socket("printer", socket.SOCK_DGRAM) as ear:
        ear.bind(("", enpc.PORT))
        async with shop.open():
            await shop.ticket("T-1", "grill")
            await until(lambda: shop.trouble("grill") == "unreachable", 20, shop.trouble("grill"))
            assert not shop.locator.missing()
            with pytest.raises(BlockingIOError):
                ear.recv(100)


@on_a_lan("printer")
async def test_one_that_comes_back_where_it_was_is_tried_at_once(lan: Lan) -> None:
    shop = Shop(grill=printer_of(lan, "printer"))
    async with NetPrinter(lan, "printer", "TM-T88VI")() as printer, shop.open():
        lan.move("printer", "")
        await shop.ticket("T-1", "grill")
        await until(lambda: shop.trouble("grill") == "unreachable", 20, shop.trouble("grill"))
        lan.move("printer", lan.address("printer"))
        await until(lambda: b"T-1" in printer.received, FOLLOWED_S, "it is back")
        assert shop.locator.moved() == ()


def test_a_peer_whose_mac_nobody_knows_is_talked_to() -> None:
    """Behind a router, or on this machine: there is nothing to check by."""

    async def run() -> None:
        place = Locator(lambda: 0).know("grill", Device(kind="escpos", address="127.0.0.1:9100", mac="0026ab010203"))
        assert place is not None
        port = free_port()
        async with await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", port):
            transport = TcpTransport(place.now_at, port, whose=place.check, missed=place.missed)
            async with transport.connect(5) as connection:
                assert await connection.read(5) == b""
        assert not place.missing
        with pytest.raises(TransportError, match="can not be reached: connection refused"):
            async with transport.connect(5):
                pass
        assert place.missing

    asyncio.run(run())


def test_places_of_a_device_that_is_configured_anew() -> None:
    locator = Locator(lambda: 7)
    calls: list[int] = []
    locator.on_missing = lambda: calls.append(1)
    old = locator.know("grill", Device(kind="escpos", address="192.0.2.9:9100", mac="0026ab010203"))
    assert old is not None
    old.missed("192.0.2.8", refused=False)
    assert not calls, "it was not there any more"
    old.missed("192.0.2.9", refused=False)
    old.missed("192.0.2.9", refused=False)
    assert calls == [1], "told once"
    new = locator.know("grill", Device(kind="escpos", address="192.0.2.10:9100", mac="0026ab010204"))
    assert new is not None
    assert not locator.missing()
    assert not locator.is_at(old, "192.0.2.11"), "the old place means nothing any more"
    assert locator.is_at(new, "192.0.2.11")
    assert [(moved.configured, moved.now, moved.at_ms) for moved in locator.moved()] == [("192.0.2.10", "192.0.2.11", 7)]
    assert locator.know("grill", Device(kind="escpos", address="usb:serial=J8XY")) is None
    assert locator.moved() == ()


@pytest.mark.parametrize("scenario", umock.scenarios("umock_finder"))
def test_plugging(scenario: str) -> None:
    umock.run("umock_finder", scenario)


def test_the_budget_of_questions() -> None:
    """Each unknown host may cost three ARP requests, one a second."""
    assert 3 / finder.ASK_EVERY_S < 15 / 2
    assert 1 / finder.ASK_EVERY_S <= 4


# --- ARP, heard on the wire ---


def _arp_ear(lan: Lan, host: str) -> socket.socket:
    from tests.lab.spaces import inside

    with inside(lan.space(host)):
        ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(0x0806))
        ear.bind(("eth0", 0x0806))
        ear.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS: when the kernel heard it
    return ear


def _requests(ear: socket.socket) -> list[tuple[float, str]]:
    """Time in seconds and address asked for, of each ARP request of the register."""
    found = []
    while True:
        try:
            frame, control, _, _ = ear.recvmsg(64, 64)
        except BlockingIOError:
            return found
        seconds, nanoseconds = struct.unpack("ll", control[0][2][:16])
        sender, target = socket.inet_ntoa(frame[28:32]), socket.inet_ntoa(frame[38:42])
        if frame[20:22] == b"\0\1" and sender == f"{NET}.1":
            found.append((seconds + nanoseconds / 1e9, target))

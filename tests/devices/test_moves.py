"""A printer that was followed to another address is there at once after a restart, without a search; and nobody else is."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.devices.counter import Counter, counter
from tests.devices.lan import Lan, lan
from tests.lab.spaces import ip

from tillkeeper.config.model import Device
from tillkeeper.devices.locator import Locator
from tillkeeper.devices.moves import Move, Moves
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.records import Batch

MAC = "02:00:5e:10:00:10"
MOVED = "192.0.2.77"
PRINTER = Device(kind="escpos", address="192.0.2.10:9100", mac=MAC, profile="tm-t88vi")


class Settings:
    """A journal's settings in memory. `full`: its disk is."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.full = False

    async def append(self, batch: Batch) -> None:
        if self.full:
            raise StorageRefused("append", "journal.db", "disk full", "")
        self.stored |= batch.settings

    def locator(self, device: Device = PRINTER) -> Locator:
        made = Locator(lambda: 1_790_000_000_000, Moves(self.stored.get, self.append, asyncio.run))
        made.know("grill", device)
        return made

    def move(self, to: str, device: Device = PRINTER) -> Locator:
        locator = self.locator(device)
        place = locator.place("grill")
        assert place is not None
        locator.is_at(place, to)
        return locator


def at(locator: Locator) -> str:
    return locator.addresses()["grill"]


def test_where_it_was_found_counts_after_a_restart() -> None:
    settings = Settings()
    before = settings.move(MOVED)
    after = settings.locator()
    assert at(after) == f"{MOVED}:9100"
    assert after.moved() == before.moved(), "the advisory says the same as before"


def test_what_the_configuration_says_anew_wins() -> None:
    settings = Settings()
    settings.move(MOVED)
    assert at(settings.locator(Device(kind="escpos", address="192.0.2.11:9100", mac=MAC))) == "192.0.2.11:9100"
    other = Device(kind="escpos", address=PRINTER.address, mac="02:00:5e:10:00:99")
    assert at(settings.locator(other)) == PRINTER.address
    assert at(settings.locator(Device(kind="escpos", address=PRINTER.address))) == PRINTER.address


def test_one_that_is_back_is_no_move() -> None:
    settings = Settings()
    settings.move(MOVED)
    settings.move("192.0.2.10")
    assert at(settings.locator()) == PRINTER.address
    assert not settings.locator().moved()


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"\xff",
        b"{}",
        b"null",
        b'{"mac":1}',
        b"[" * 5_000,
        b'{"mac":"%s","configured":"192.0.2.10","host":"$(x)","at_ms":1}',
    ],
)
def test_rubbish_is_nothing(stored: bytes) -> None:
    settings = Settings()
    settings.stored["moves.grill"] = stored.replace(b"%s", MAC.encode())
    assert at(settings.locator()) == PRINTER.address


def test_a_full_disk_keeps_nobody_from_printing() -> None:
    settings = Settings()
    settings.full = True
    assert at(settings.move(MOVED)) == f"{MOVED}:9100"
    assert settings.stored == {}
    assert Moves(settings.stored.get, settings.append, asyncio.run).of("grill", MAC, "192.0.2.10") is None
    Moves(settings.stored.get, settings.append, asyncio.run).keep("grill", Move(MAC, "192.0.2.10", MOVED, 1))


async def until(what: Callable[[], Any], why: str, within_s: float = 30.0) -> None:
    end_s = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < end_s, why
        await asyncio.sleep(0.02)


def at_the_counter(scene: Callable[[Lan, Counter], Awaitable[None]], folder: Path) -> None:
    async def run() -> None:
        async with counter(there, folder) as shop:
            await scene(there, shop)

    with lan("old", "new") as there:
        asyncio.run(run())


async def followed(there: Lan, shop: Counter) -> None:
    """The kitchen's printer moves and prints from there; then the register is switched off, and forgets whom it spoke with."""
    async with shop.open():
        there.move("old", MOVED)
        await shop.order("cheeseburger")
        await until(lambda: len(shop.old.slips) == 1, "it was not followed")
    ip(there.space("register"), "neigh flush all")


@pytest.mark.root
def test_after_a_restart_it_prints_at_once_and_nobody_is_searched_for(tmp_path: Path) -> None:
    async def scene(there: Lan, shop: Counter) -> None:
        await followed(there, shop)
        searched = shop.old.searched
        async with shop.open() as register:
            await shop.order("cheeseburger")
            await until(lambda: len(shop.old.slips) == 2, "it does not print")
            assert shop.old.searched == searched
            (moved,) = (await register.get("/devices/found"))["moved"]
            assert (moved["device"], moved["now"]) == ("grill", MOVED)

    at_the_counter(scene, tmp_path)


@pytest.mark.root
@pytest.mark.parametrize("to", ["192.0.2.10", "192.0.2.88"])
def test_one_that_went_on_meanwhile_is_found_again(tmp_path: Path, to: str) -> None:
    async def scene(there: Lan, shop: Counter) -> None:
        await followed(there, shop)
        there.move("old", to)
        async with shop.open():
            await shop.order("cheeseburger")
            await until(lambda: len(shop.old.slips) == 2, "it was not found")

    at_the_counter(scene, tmp_path)


@pytest.mark.root
def test_a_stranger_where_it_was_gets_no_byte(tmp_path: Path) -> None:
    async def scene(there: Lan, shop: Counter) -> None:
        await followed(there, shop)
        there.move("old", "192.0.2.88")
        there.move("new", MOVED)
        async with shop.open():
            await shop.order("cheeseburger")
            await until(lambda: len(shop.old.slips) == 2, "it was not found")
        assert shop.new.received == 0
        assert not shop.new.slips

    at_the_counter(scene, tmp_path)

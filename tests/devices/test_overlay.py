"""What people said about devices, laid over a config that may have changed since; and a driver that is made anew in service."""

import asyncio
import random
import tomllib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import msgspec
import pytest
from tests.spool.world import CLEAN, World

from tillkeeper.config.model import Device, SerialLine
from tillkeeper.devices import overlay as rules
from tillkeeper.devices.changeable import Changeable
from tillkeeper.devices.overlay import Overlay
from tillkeeper.spool.ports import DeviceSnapshot
from tillkeeper_drivers.api import Attended, Delivery, Document, OutcomeUnknown, PrintDocument, Status

ESCPOS, STAR = {"tm-t88vi", "tm-m30", "generic-80"}, {"tsp100"}
GRILL = Device(kind="escpos", address="192.0.2.10:9100", mac="00:26:ab:00:00:01", profile="tm-t88vi", columns=40, hold=True)
SHOP = {
    "grill": GRILL,
    "bar": Device(kind="escpos", address="192.0.2.20:9100", profile="tm-m30"),
    "drawer": Device(kind="drawer", printer="bar"),
}
MOVED = Overlay(kind="star", address="usb:serial=J8XY", mac="", profile="tsp100", at_ms=5, by="ana", over=rules.place(GRILL))


def made(overlay: Overlay, **devices: Device) -> tuple[Device, str]:
    laid, ignored = rules.laid_over(SHOP | devices, {"grill": overlay}, ESCPOS, STAR)
    return laid["grill"], ignored.get("grill", "")


def test_it_wins_over_the_file_and_leaves_the_rest_of_it() -> None:
    device, ignored = made(MOVED)
    assert not ignored
    assert (device.kind, device.address, device.mac, device.profile) == ("star", "usb:serial=J8XY", "", "tsp100")
    assert (device.columns, device.hold) == (None, False), "a width and a held line were of the old one"
    assert device.confirm_timeout_s == GRILL.confirm_timeout_s


def test_a_newer_file_that_can_not_be_right_beside_it_is_followed() -> None:
    cases = [
        ({"bar": Device(kind="escpos", address="usb:serial=J8XY", profile="tm-m30")}, "bar has the address"),
        ({"grill": Device(kind="display")}, "it is a display now"),
    ]
    for devices, why in cases:
        device, ignored = made(MOVED, **devices)
        assert why in ignored
        assert device == (SHOP | devices)["grill"]
    device, ignored = made(msgspec.structs.replace(MOVED, profile="tsp9000"))
    assert (device, "no model 'tsp9000'" in ignored) == (GRILL, True)
    by_mac = Overlay(kind="escpos", address="192.0.2.77:9100", mac="00-26-AB-00-00-09", profile="tm-m30")
    device, ignored = made(by_mac, bar=msgspec.structs.replace(SHOP["bar"], mac="00:26:ab:00:00:09"))
    assert (device, "bar has the MAC" in ignored) == (GRILL, True)


def test_two_overlays_can_swap_two_printers() -> None:
    swapped = {
        "grill": Overlay(kind="escpos", address="192.0.2.30:9100", mac="", profile="tm-m30", at_ms=1),
        "bar": Overlay(kind="escpos", address="192.0.2.10:9100", mac="", profile="tm-t88vi", at_ms=2),
    }
    laid, ignored = rules.laid_over(SHOP, swapped, ESCPOS, STAR)
    assert not ignored
    assert (laid["grill"].address, laid["bar"].address) == ("192.0.2.30:9100", "192.0.2.10:9100")


def test_what_was_edited_since_is_told_and_what_was_not_is_not() -> None:
    assert not rules.view("grill", GRILL, MOVED, "").edited
    assert rules.view("grill", msgspec.structs.replace(GRILL, address="192.0.2.11:9100"), MOVED, "").edited
    assert not rules.view("grill", msgspec.structs.replace(GRILL, confirm_timeout_s=3), MOVED, "").edited


def test_the_lines_have_the_address_to_which_it_was_followed_and_pasted_they_agree() -> None:
    overlay = Overlay(
        kind="escpos", address="192.0.2.3:9100", mac="00:26:ab:00:00:09", profile="tm-m30", at_ms=5, over=rules.place(GRILL)
    )
    present = "192.0.2.33:9100"
    told = rules.view("grill", GRILL, overlay, "", present)
    assert not told.same
    pasted = tomllib.loads(told.toml)["devices"]["grill"]
    assert pasted["address"] == present
    edited = msgspec.structs.replace(GRILL, **pasted, columns=None)
    for at in (present, "192.0.2.3:9100"):
        told = rules.view("grill", msgspec.structs.replace(edited, address=at), overlay, "", present)
        assert (told.same, told.edited) == (True, False), at
    other = rules.view("grill", msgspec.structs.replace(edited, address="192.0.2.4:9100"), overlay, "", present)
    assert (other.same, other.edited) == (False, True)
    assert "192.0.2.3:9100" in rules.view("grill", GRILL, overlay, "bar has the MAC", present).toml, "not followed there"


def test_the_lines_for_the_file_say_the_same() -> None:
    serial = msgspec.structs.replace(MOVED, address="serial:port=1-1.4", serial=SerialLine(baud=19200, flow="dsr"))
    for name, overlay in (("grill", MOVED), ("two words", serial), ("drawer", Overlay(open_level="low"))):
        (table,) = tomllib.loads(rules.toml(name, overlay))["devices"].values()
        for key, value in table.items():
            said = getattr(overlay, key)
            assert value == (msgspec.to_builtins(said) if key == "serial" else said)


def test_what_is_stored_comes_back_and_rubbish_is_nothing() -> None:
    nested = msgspec.structs.replace(MOVED, before=Overlay(address="a:1", at_ms=1))
    assert rules.decoded(rules.encoded(nested)) == nested
    assert rules.decoded(rules.encoded(None)) is None
    deep = b'{"before":' * 100_000 + b"null" + b"}" * 100_000
    for rubbish in (None, b"", b"{", b"[]", b'{"kind":"toaster"}', b'{"at_ms":"x"}', b"\xff", deep):
        assert rules.decoded(rubbish) is None


# --- made anew in service ---


class Slow:
    """Works for `work_s`; counts how many are at it, and who attends it."""

    def __init__(self, name: str, work_s: float) -> None:
        self._name, self._work_s = name, work_s
        self.done: list[str] = []
        self.cut = 0
        self.attending = 0
        self.closed = False
        self.status_now = CLEAN

    @property
    def id(self) -> str:
        return self._name

    def accepts(self, document: Document) -> bool:
        return isinstance(document, PrintDocument)

    async def deliver(self, document: Document, token: bytes) -> Delivery:
        assert not self.closed, "used after it was closed"
        try:
            await asyncio.sleep(self._work_s)
        except asyncio.CancelledError:
            self.cut += 1
            raise
        self.done.append(document.job_id)
        return Delivery("confirmed", "test")

    async def status(self) -> Status:
        assert not self.closed, "used after it was closed"
        return self.status_now

    async def attend(self, changed: Callable[[Status], None], looks: AbstractAsyncContextManager[object]) -> None:
        self.attending += 1
        try:
            changed(self.status_now)
            await asyncio.Event().wait()
        finally:
            self.attending -= 1

    async def close(self) -> None:
        assert not self.attending, "closed while it was attended"
        self.closed = True


def slip(number: int) -> PrintDocument:
    return PrintDocument(job_id=f"J{number}", blocks=())


def test_the_job_that_is_on_ends_by_the_old_driver_and_the_next_begins_with_the_new_one() -> None:
    async def run() -> None:
        old, new = Slow("grill", 0.1), Slow("grill", 0.0)
        device = Changeable(old)
        assert isinstance(device, Attended)
        first = asyncio.create_task(device.deliver(slip(1), b"0001"))
        await asyncio.sleep(0.01)
        changing = asyncio.create_task(device.change(new))
        second = asyncio.create_task(device.deliver(slip(2), b"0002"))
        await asyncio.gather(first, changing, second)
        assert (old.done, new.done, old.closed, new.closed) == (["J1"], ["J2"], True, False)

    asyncio.run(run())


def test_one_that_never_ends_is_cut_off_and_its_outcome_is_unknown() -> None:
    async def run() -> None:
        old, new = Slow("grill", 60.0), Slow("grill", 0.0)
        device = Changeable(old)
        first = asyncio.create_task(device.deliver(slip(1), b"0001"))
        await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            await device.change(new, patience_s=0.1)
        with pytest.raises(OutcomeUnknown):
            await first
        assert (old.cut, old.closed, device.driver) == (1, True, new)

    asyncio.run(run())


def test_its_standing_connection_ends_before_somebody_else_has_it_and_is_made_again() -> None:
    async def run() -> None:
        driver, told = Slow("grill", 0.0), list[Status]()
        device = Changeable(driver)
        attending = asyncio.create_task(device.attend(told.append, asyncio.Semaphore()))
        await _until(lambda: driver.attending == 1)
        for _ in range(3):
            async with device.apart():
                assert driver.attending == 0
                assert (await device.status()).reachable == "unknown"
            await _until(lambda: driver.attending == 1)
        other = Slow("grill", 0.0)
        await device.change(other)
        async with asyncio.timeout(5):
            await attending
        assert (driver.attending, driver.closed, len(told)) == (0, True, 4)

    asyncio.run(run())


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while True:
            if holds():
                return
            await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(5))
def test_changes_in_a_storm_lose_no_job_and_print_none_twice(seed: int) -> None:
    async def run() -> None:
        chance = random.Random(seed)
        drivers = [Slow("grill", chance.uniform(0, 0.003)) for _ in range(20)]
        device = Changeable(drivers[0])

        async def jobs() -> None:
            for number in range(60):
                await device.deliver(slip(number), b"0000")

        async def changes() -> None:
            for driver in drivers[1:]:
                await asyncio.sleep(chance.uniform(0, 0.005))
                await device.change(driver)

        await asyncio.gather(jobs(), changes())
        done = [job for driver in drivers for job in driver.done]
        assert done == [f"J{number}" for number in range(60)]
        assert [driver.closed for driver in drivers] == [True] * 19 + [False]

    asyncio.run(run())


def test_a_worker_goes_on_with_the_new_one_and_attends_it() -> None:
    """The queue stays; what was known of the old one is forgotten."""

    class Shop(World):
        devices_made: dict[str, Changeable]

        def device(self, worker_id: str) -> Changeable:  # type: ignore[override] # ours instead of the world's
            return self.devices_made.setdefault(worker_id, Changeable(super().device(worker_id)))

    async def run() -> None:
        world = Shop()
        world.devices_made = {}
        async with world.living():
            world.printers["bar"].condition = Status(reachable="no", reason="unreachable")
            await world.accept(world.job("T-1", "bar"))
            await _until(lambda: _snapshot(world, "bar").trouble == "unreachable")
            new = Slow("bar", 0.0)
            await world.devices_made["bar"].change(new)
            world.spool.device_set_up("bar")
            await _until(lambda: bool(new.done) and new.attending == 1)
            assert _snapshot(world, "bar").trouble == ""
            world.spool.device_set_up("nobody")

    asyncio.run(run())


def _snapshot(world: World, name: str) -> DeviceSnapshot:
    return next(one for one in world.spool.snapshot() if one.device == name)

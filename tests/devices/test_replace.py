"""A printer dies in service and another one takes its place: slip, word, tickets; and what goes wrong on the way."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import apsw
import httpx
import pytest
from msgspec.structs import replace
from tests.devices.counter import Counter, counter
from tests.devices.lan import lan
from tests.support.staff import ANA, BEN, BOSS, Page, page_token, with_staff

from tillkeeper.config.model import Device, Models, Terminal
from tillkeeper.contract.devices import ProbeView
from tillkeeper.devices import overlay
from tillkeeper.devices.pairing import exported
from tillkeeper.journal.journal import Journal

Scene = Callable[[Counter], Awaitable[None]]


async def until(holds: Callable[[], Any], why: str, within_s: float = 15.0) -> None:
    end = time.monotonic() + within_s
    while True:
        found = holds()
        if await found if asyncio.iscoroutine(found) else found:
            return
        assert time.monotonic() < end, why
        await asyncio.sleep(0.02)


def at_the_counter(**models: Any) -> Callable[[Scene], Callable[[Path], None]]:
    def made(scene: Scene) -> Callable[[Path], None]:
        @pytest.mark.root
        def test(tmp_path: Path) -> None:
            async def run() -> None:
                async with counter(there, tmp_path, **models) as shop, shop.open():
                    await scene(shop)

            with lan("old", "new") as there:
                asyncio.run(run())

        test.__name__, test.__doc__ = scene.__name__, scene.__doc__
        return test

    return made


def number_on(slip: str) -> str:
    return next(line.strip() for line in slip.splitlines() if line.strip().isdecimal())


async def settled(shop: Counter) -> bool:
    return not (await shop.register.get("/jobs?limit=1"))["jobs"]


@at_the_counter()
async def test_the_waiting_tickets_come_out_of_the_new_printer(shop: Counter) -> None:
    shop.old.off()
    orders = [await shop.order("cheeseburger") for _ in range(3)]
    slip = await shop.slip(by="ana")
    assert (slip["profile"], slip["printed"], slip["waiting"]) == ("tm-m30", "confirmed", 3)
    assert [number_on(text) for text in shop.new.slips] == [slip["number"]]
    assert "tm-m30" in shop.new.slips[0]
    assert (await shop.device())["address"].startswith(shop.old.lan.address("old")), "nothing is changed before the word"
    done = await shop.confirm(slip)
    assert done["entity_id"] == slip["replacement_id"]
    await until(lambda: settled(shop), "the tickets did not follow")
    codes = [order["ticket_code"] for order in orders]
    assert [next(code for code in codes if code in text) for text in shop.new.slips[1:]] == codes
    device = await shop.device()
    assert (device["address"], device["profile"]) == (slip["address"], "tm-m30")
    assert device["replaced"]["by"] == "ana"
    assert shop.config.devices["grill"].address in device["replaced"]["configured"]
    assert not device["replaced"]["edited"]
    found = await shop.found()
    assert found["devices"] == ["grill"]
    again = await shop.confirm(slip)
    assert again["events"] == 0, "said twice it is one replacement"


@at_the_counter(stale_after_s=4.0)
async def test_held_tickets_print_in_order_with_the_word_and_stay_held_where_that_is_said(shop: Counter) -> None:
    shop.old.off()
    orders = [await shop.order("cheeseburger") for _ in range(2)]
    await until(lambda: _held(shop, 2), "they are not held")
    slip = await shop.slip()
    assert slip["waiting"] == 2
    await shop.confirm(slip, release=False)
    await until(lambda: _at(shop, slip["address"]), "not replaced")
    assert await _held(shop, 2)
    again = await shop.slip()
    await shop.confirm(again)
    await until(lambda: settled(shop), "the held ones did not follow")
    codes = [order["ticket_code"] for order in orders]
    assert [next(code for code in codes if code in text) for text in shop.new.slips[2:]] == codes


async def _held(shop: Counter, count: int) -> bool:
    return len((await shop.register.get("/jobs?state=held"))["jobs"]) == count


@at_the_counter()
async def test_it_can_be_taken_back_and_reset(shop: Counter) -> None:
    slip = await shop.slip()
    await shop.confirm(slip)
    await until(lambda: _at(shop, slip["address"]), "not replaced")
    await shop.register.post("/devices/grill/undo")
    await until(lambda: _at(shop, shop.config.devices["grill"].address), "not undone")
    await shop.register.post("/devices/grill/undo", status=409)
    await shop.order("cheeseburger")
    await until(lambda: len(shop.old.slips) == 1, "the old one prints again")
    slip = await shop.slip()
    await shop.confirm(slip)
    await shop.register.post("/devices/grill/reset", {"by": "ana"})
    assert (await shop.device())["replaced"] is None
    refused = await shop.register.post("/devices/grill/reset", status=409)
    assert refused["detail"].startswith("reset device grill")


@at_the_counter()
async def test_the_lines_for_the_file_have_the_address_to_which_it_was_followed(shop: Counter) -> None:
    slip = await shop.slip()
    await shop.confirm(slip)
    await until(lambda: _at(shop, slip["address"]), "not replaced")
    assert slip["address"] in (await shop.device())["replaced"]["toml"]
    shop.new.lan.move("new", "192.0.2.77")
    await shop.order("cheeseburger")
    await until(lambda: _lines_have(shop, "192.0.2.77:9100"), "the address that it has left is exported", 30)


async def _lines_have(shop: Counter, address: str) -> bool:
    return f'address = "{address}"' in (await shop.device())["replaced"]["toml"]


async def _at(shop: Counter, address: str) -> bool:
    return bool((await shop.device())["address"] == address)


@at_the_counter()
async def test_what_has_gone_between_the_tap_and_the_slip_is_said_and_nothing_changes(shop: Counter) -> None:
    found = await shop.found()
    shop.new.off()
    refused = await shop.register.post("/devices/grill/replacements", {"found": found["identity"]}, status=422)
    assert refused["type"].endswith(":slip_not_printed")
    gone = await shop.register.post("/devices/grill/replacements", {"found": "usb:serial=NEVER"}, status=404)
    assert "not there any more" in gone["cause"]
    assert (await shop.device())["replaced"] is None
    await shop.order("cheeseburger")
    await until(lambda: len(shop.old.slips) == 1, "the old one is still the device")


@at_the_counter()
async def test_a_stranger_at_the_chosen_one_s_address_gets_no_byte(shop: Counter) -> None:
    """Found, and by the time of the tap another printer has its address."""
    found = await shop.found()
    lan, address = shop.new.lan, shop.new.lan.address("new")
    shop.new.off()
    before = len(shop.old.slips)
    lan.move("old", address)
    refused = await shop.register.post("/devices/grill/replacements", {"found": found["identity"]}, status=422)
    assert refused["type"].endswith(":slip_not_printed")
    assert len(shop.old.slips) == before
    assert (await shop.device())["replaced"] is None


@at_the_counter()
async def test_the_second_of_two_hands_wins_and_the_first_is_told(shop: Counter) -> None:
    first = await shop.slip(by="ana")
    second = await shop.slip(by="ben")
    assert first["number"] != second["number"]
    refused = await shop.confirm(first, status=409)
    assert "ben has begun another one" in refused["cause"]
    await shop.confirm(second)
    assert (await shop.device())["replaced"]["by"] == "ben"


@at_the_counter()
async def test_a_printer_in_use_takes_no_other_s_place(shop: Counter) -> None:
    slip = await shop.slip()
    await shop.confirm(slip)
    refused = await shop.register.post("/devices/receipt/replacements", {"found": shop.new.identity}, status=422)
    assert (refused["type"].rpartition(":")[2], "in use as grill" in refused["cause"]) == ("found_in_use", True)
    drawer = await shop.register.post("/devices/drawer/replacements", {"found": shop.new.identity}, status=422)
    assert drawer["type"].endswith(":not_replaceable")


@at_the_counter(new="generic-58")
async def test_another_model_that_does_not_say_who_it_is_takes_the_place_with_the_old_one_s_profile(shop: Counter) -> None:
    slip = await shop.slip()
    assert (slip["profile"], slip["profile_known"]) == ("tm-t88vi", False)
    slip = await shop.slip(profile="generic-58")
    assert (slip["profile"], slip["profile_known"]) == ("generic-58", True)
    await shop.confirm(slip)
    await shop.order("cheeseburger")
    await until(lambda: settled(shop), "the new one prints")


@at_the_counter()
async def test_a_ticket_under_way_ends_before_the_device_is_another(shop: Counter) -> None:
    """The old one takes all and says nothing: it is waited for, cut off, and its ticket comes again, marked."""
    shop.old.printer.faults.silent = True
    await shop.order("cheeseburger")
    slip = await shop.slip()
    await shop.confirm(slip)
    await until(lambda: settled(shop), "it did not go on", 60)
    assert len([text for text in shop.new.slips if "Cheeseburger" in text]) == 1


@at_the_counter()
async def test_one_key_is_one_slip(shop: Counter) -> None:
    found = await shop.found()
    answers = [
        await shop.register.post("/devices/grill/replacements", {"found": found["identity"]}, key="same") for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert len(shop.new.slips) == 1


@at_the_counter()
async def test_the_probe_tells_who_it_is_and_prints_the_sheet(shop: Counter) -> None:
    found = await shop.found()
    told = await shop.register.post("/devices/grill/probe", {"found": found["identity"], "sheet": True})
    assert (told["speaks"], told["maker"], told["model"], told["profile"]) == ("escpos", "EPSON", "TM-m30", "tm-m30")
    assert (told["process_id"], told["automatic_status"], told["cutter"]) == ("yes", "yes", "yes")
    await until(lambda: bool(shop.new.slips), "no sheet")
    (sheet,) = shop.new.slips
    for line in told["sheet"]:
        assert any(row.startswith(f"{line['letter']} ") and line["text"] in row for row in sheet.splitlines()), line


@pytest.mark.root
def test_the_word_holds_over_a_restart_and_a_file_that_was_edited(tmp_path: Path) -> None:
    """The overlay is in the journal; whatever the driver was, the next start makes the new one."""

    async def run() -> None:
        async with counter(there, tmp_path) as shop:
            async with shop.open():
                slip = await shop.slip(by="ana")
                await shop.confirm(slip)
            async with shop.open():
                assert (await shop.device())["address"] == slip["address"]
                await shop.order("cheeseburger")
                await until(lambda: len(shop.new.slips) == 2, "it prints on the new one")
            (event,) = events_of(shop, "device_replaced")
            assert (event["device"], event["cause"], event["by"]) == ("grill", "replaced", "ana")
            assert event["before"]["address"] == shop.config.devices["grill"].address
            assert event["after"]["address"] == slip["address"]
            # Somebody edits the file afterwards: the word still holds, and it is said.
            shop.config.devices["grill"] = Device(kind="escpos", address="192.0.2.99:9100", profile="generic-80")
            async with shop.open():
                device = await shop.device()
                assert (device["address"], device["replaced"]["edited"]) == (slip["address"], True)
            # The file now has another device there: both can not be right, the file is followed.
            shop.config.devices["receipt"] = Device(kind="escpos", address=slip["address"], profile="tm-m30")
            async with shop.open():
                device = await shop.device()
                assert (device["address"], device["profile"]) == ("192.0.2.99:9100", "generic-80")
                assert device["replaced"]["ignored"] == f"receipt has the address {slip['address']}"
                await shop.register.post("/devices/grill/reset")
                assert (await shop.device())["replaced"] is None

    with lan("old", "new") as there:
        asyncio.run(run())


def events_of(shop: Counter, kind: str) -> list[Any]:
    """Of the journal, as HQ gets them."""
    journal = apsw.Connection(str(Path(shop.config.data_dir) / "journal.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        rows = journal.execute("SELECT body FROM events WHERE type = ? ORDER BY seq", (kind,)).fetchall()
    finally:
        journal.close()
    return [json.loads(row[0]) for row in rows]


@pytest.mark.root
def test_a_model_that_was_exported_once_is_known_the_next_time(tmp_path: Path) -> None:
    """What `pair --export` wrote is a model of the store; the next printer of its kind is driven as it without a question."""
    told = ProbeView(title="POS-58", address="", speaks="escpos", maker="", model="POS-58", cutter="no", real_time_status="yes")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "pos-58.toml").write_text(exported(told, "pos-58", "generic-58", {0: "cp437"}), "utf-8")

    async def run() -> None:
        async with counter(there, tmp_path, new="generic-58") as shop:
            shop.config = replace(shop.config, models=Models(own=str(tmp_path / "models")))
            async with shop.open():
                slip = await shop.slip()
                assert (slip["profile"], slip["profile_known"]) == ("pos-58", True)
                assert "pos-58" in {one["name"] for one in slip["models"]}
                await shop.confirm(slip)
                await until(lambda: _at(shop, slip["address"]), "not replaced")
                await shop.order("cheeseburger")
                await until(lambda: settled(shop), "it does not print")
            async with shop.open():
                assert (await shop.device())["profile"] == "pos-58"

    with lan("old", "new") as there:
        asyncio.run(run())


@pytest.mark.root
def test_whoever_may_not_needs_one_word_for_the_whole_of_it(tmp_path: Path) -> None:
    """A cashier asks; the manager's PIN is typed once; the Yes is the cashier's, and nobody else's."""

    async def run() -> None:
        async with counter(there, tmp_path, listen="127.0.0.1:0") as shop:
            terminals = {name: Terminal(title=name) for name in ("front", "side")}
            shop.config = replace(with_staff(shop.config, tmp_path), terminals=terminals)
            async with shop.open() as register, httpx.AsyncClient(base_url=register.url, trust_env=False, timeout=30) as http:
                found = {"found": (await shop.found())["identity"]}
                token = page_token(Path(shop.config.data_dir))
                ana, ben = Page(http, token, "front"), Page(http, token, "side")
                await ana.post("/devices/grill/replacements", found, status=401)
                await ana.sign_in(ANA)
                refused = await ana.post("/devices/grill/replacements", found, status=403)
                assert refused["permission"] == "set_up_devices"
                given = await ana.approval(BOSS, "set_up_devices")
                slip = await ana.post("/devices/grill/replacements", found, approval=given)
                confirm = f"/devices/grill/replacements/{slip['replacement_id']}/confirm"
                await ben.post(confirm, {}, status=401)
                await ben.sign_in(BEN)
                await ben.post(confirm, {}, status=403)
                await ana.post(confirm, {})
                await ana.post("/devices/grill/undo", {}, status=403)
            (event,) = events_of(shop, "device_replaced")
            assert event["by"] == ANA.employee
            (word,) = events_of(shop, "approval_given")
            assert (word["approver"], word["command"]) == (BOSS.employee, "replace_device")

    with lan("old", "new") as there:
        asyncio.run(run())


@pytest.mark.root
def test_a_drawer_s_switch_is_learned_by_a_person_who_looks(tmp_path: Path) -> None:
    async def run() -> None:
        async with counter(there, tmp_path) as shop, shop.open() as register:
            await until(lambda: _known(shop), "the printer says nothing")
            await register.post("/devices/drawer/learn", {"opened": True}, status=409)
            await register.post("/devices/drawer/try", {"by": "ana"})
            await until(lambda: settled(shop), "no pulse")
            done = await register.post("/devices/drawer/learn", {"opened": True, "by": "ana"})
            assert done["events"] == 1
            assert shop.receipt.store.drawer[0].kind == "pulsed"
            await until(lambda: _drawer(shop, "no"), "it is shut again and that is known now")
            await register.post("/devices/receipt/try", status=422)
            rung = len([one for one in shop.old.printer.store.drawer if one.kind == "pulsed"])
            await register.post("/devices/grill/try")
            await until(lambda: len(shop.old.printer.store.drawer) > rung, "the bell does not ring")
            assert len(shop.old.slips) == 1

    with lan("old", "new") as there:
        asyncio.run(run())


async def _known(shop: Counter) -> bool:
    return bool((await shop.device("receipt"))["known"])


async def _drawer(shop: Counter, word: str) -> bool:
    return bool((await shop.device("drawer"))["drawer_open"] == word)


def test_the_event_holds_no_long_number() -> None:
    """A serial number of digits must not look like a card's to the guard of the journal."""
    told = overlay.told(overlay.place(Device(kind="escpos", address="usb:serial=4111111111111111", profile="tm-m30")))
    assert told.address == "usb:serial=...111111"
    assert Journal.setting  # the overlay itself is a setting, which holds it whole

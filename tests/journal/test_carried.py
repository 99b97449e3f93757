"""A printer that was replaced stays replaced though the journal is damaged and set aside; where that can not be, it is said."""

import asyncio
import shutil
from pathlib import Path

import apsw
import pytest
from tests.journal.test_damage import DAMAGE, fill
from tests.journal.world import opened, sale
from tests.till.world import config_in, running

from tillkeeper.contract.answers import answers
from tillkeeper.devices import overlay as rules
from tillkeeper.devices.overlay import Overlay
from tillkeeper.journal.carried import LOST
from tillkeeper.journal.commit import key_digest
from tillkeeper.journal.files import mark_suspect
from tillkeeper.journal.records import Batch
from tillkeeper.replication.own_past import read

SAID = {"devices.grill": b'{"address":"192.0.2.7:9100"}', "devices.bar": b"null"}
OTHERS = {"devicesx": b"1", "device": b"1", "cursor": b"9"}
KEYS = [f"key-{number}" for number in range(20)]
READABLE = (
    "last pages", "an event altered", "an event deleted", "a text that is none", "a body that is no text",
    "a hash that is no bytes",
)  # fmt: skip


async def written(path: Path) -> None:
    """A closed journal, larger than a few pages, that knows what was said."""
    await fill(path)
    async with opened(path) as journal:
        await journal.append(Batch(settings=SAID | OTHERS))
        for number in range(20):
            await journal.append(sale(f"key-{number}"))


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_was_said_of_devices_is_taken_over_or_its_loss_is_said(tmp_path: Path, damage: str) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        await written(path)
        DAMAGE[damage](path)
        for start in range(2):
            async with opened(path) as journal:
                found = {name: journal.setting(name) for name in SAID}
                lost = journal.setting(LOST)
                if found == SAID and lost is None:
                    assert start or "what was said of 2 devices was taken from it" in journal.alarms[0]
                else:
                    assert damage not in READABLE
                    assert lost is not None
                    assert start or "could not be read" in journal.alarms[0]
                assert all(journal.setting(name) is None for name in OTHERS), "nothing else of it counts"

    asyncio.run(scenario())


def test_what_stands_in_the_log_alone_is_taken_over_too(tmp_path: Path) -> None:
    """Said just before the power went: the file itself is older."""

    async def scenario() -> None:
        path, copy = tmp_path / "journal.db", tmp_path / "crashed.db"
        await fill(path)
        async with opened(path) as journal:
            await journal.append(Batch(settings={"devices.grill": b"newest"}))
            for ending in ("", "-wal"):
                shutil.copy(f"{path}{ending}", f"{copy}{ending}")
        mark_suspect(copy, "a test")
        DAMAGE["last pages"](copy)
        async with opened(copy) as journal:
            assert journal.setting("devices.grill") == b"newest"
            assert journal.alarms

    asyncio.run(scenario())


def test_a_start_that_was_cut_off_after_setting_aside_takes_it_over_the_next_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        await written(path)
        path.rename(tmp_path / "journal-set-aside-1.db")
        async with opened(path) as journal:
            assert {name: journal.setting(name) for name in SAID} == SAID

    asyncio.run(scenario())


@pytest.mark.parametrize(("damage", "kept"), [("last pages", True), ("garbage header", False)])
def test_the_register_prints_where_it_printed_before_or_says_so(tmp_path: Path, damage: str, kept: bool) -> None:
    config = config_in(tmp_path)
    name = next(name for name, device in config.devices.items() if device.kind == "escpos")
    path = Path(config.data_dir) / "journal.db"
    overlay = Overlay(kind="escpos", address="192.0.2.77:9100", mac="", profile="tm-m30", at_ms=1_790_000_000_000, by="ana")

    async def scenario() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        async with opened(path, store=config.store.id, register=config.this_register) as journal:
            await journal.append(Batch(settings={rules.setting(name): rules.encoded(overlay)}))
            for number in range(60):
                await journal.append(sale(f"key-{number}"))
        DAMAGE[damage](path)
        async with running(config) as register:
            device = next(one for one in (await register.get("/devices"))["devices"] if one["device"] == name)
            said = next(one for one in (await register.get("/status"))["advisories"] if one["code"] == "journal_set_aside")
            assert (device["replaced"] is not None) == kept
            assert (device["address"] == "192.0.2.77:9100") == kept
            assert ("replace those again" in said["text"]) != kept

    asyncio.run(scenario())


@pytest.mark.parametrize("damage", DAMAGE)
def test_who_asks_again_gets_the_answer_of_a_sale_whose_events_can_be_read(tmp_path: Path, damage: str) -> None:
    """And of no other: a sale that nobody can read any more is not answered as if it were in the books."""

    async def scenario() -> None:
        path = tmp_path / "journal.db"
        await written(path)
        async with opened(path) as journal:
            before = journal.incarnation
        DAMAGE[damage](path)
        async with opened(path) as journal:
            if journal.incarnation == before:
                return  # nothing was wrong with it
            kept = {key: journal.kept_command(key) for key in KEYS}
            found = {key for key, one in kept.items() if one is not None and one.result == b'{"events":1}'}
            assert found == {key for key, one in kept.items() if one is not None}
            asides = path.parent.glob("*-set-aside-*.db")
            pages = (page for aside in asides for page in read(aside, "store-1", "till-b"))
            told = {answer.key_sha256 for page in pages for answer in answers(page.events)}
            assert {key_digest(key) for key in found} <= told, "what is answered is sent on"
            assert not damage.startswith("an event") or len(found) >= len(KEYS) - 2, "the one, and the one that rests on it"

    asyncio.run(scenario())


def test_an_answer_that_can_not_be_read_any_more_is_told_from_the_events(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        await written(path)
        with apsw.Connection(str(path)) as connection:
            connection.execute("DELETE FROM commands")
            connection.execute("DELETE FROM events WHERE id & 1099511627775 = 3")
        mark_suspect(path, "test")
        async with opened(path) as journal:
            for key in KEYS:
                kept = journal.kept_command(key)
                assert kept is not None
                assert (kept.result, kept.body_sha256) == (b'{"events":1}', b"")
            assert journal.kept_command("never used") is None

    asyncio.run(scenario())

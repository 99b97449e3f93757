"""The roster: what is taken over from the file, and what holds when there is none."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from tests.people.world import Store, in_store, staffed
from tests.support.staff import ANA, BEN, BOSS, FILE, STAFF, Page, Person, write_roster

from tillkeeper.errors import ConfigInvalid
from tillkeeper.people import pins, roster
from tillkeeper.people.roster import Member, Roster
from tillkeeper.people.sessions import Now, Session, is_over
from tillkeeper.till.roster_file import LOOK_S

DEADLINE_S = 5 * LOOK_S


async def until(look: Any, what: str) -> Any:
    """What `look` answers, once that is true."""
    till_s = asyncio.get_running_loop().time() + DEADLINE_S
    while not (found := await look()):
        assert asyncio.get_running_loop().time() < till_s, what
        await asyncio.sleep(0.05)
    return found


async def advisories(store: Store) -> list[str]:
    return [one["text"] for one in (await store.register.get("/status"))["advisories"] if one["code"] == "staff_roster"]


DAMAGES = ("nonsense", "of another store", "of another secret", "too large", "a folder", "a pipe")


@pytest.mark.parametrize("damage", DAMAGES)
def test_without_a_usable_file_the_last_roster_holds(damage: str, tmp_path: Path) -> None:
    config, file = staffed(tmp_path), tmp_path / FILE

    async def before(store: Store) -> None:
        await store.signed_in(ANA)
        assert await advisories(store) == []

    async def after(store: Store) -> None:
        await store.signed_in(BEN)
        (text,) = await advisories(store)
        assert "the list before it still holds" in text.lower()
        write_roster(file, Path(config.data_dir), (BOSS,)) if damage != "a folder" else None
        if damage != "a folder":
            await until(lambda: _gone(store), "the advisory goes with its cause")
            assert (await store.page().post("/sign-in", {"pin": BEN.pin}, status=401))["tries_left"] == 4

    in_store(config, before)
    damaged(file, damage)
    in_store(config, after)


async def _gone(store: Store) -> bool:
    return not await advisories(store)


def damaged(file: Path, damage: str) -> None:
    if damage == "nonsense":
        file.write_bytes(b'{"version": 1, "members": [{"employee": "ana\xff')
    elif damage == "of another store":
        write_roster(file, file.parent / "elsewhere", store="store-2")
    elif damage == "of another secret":
        write_roster(file, file.parent / "elsewhere")
    elif damage == "too large":
        file.write_bytes(b" " * (roster.MAX_BYTES + 1))
    elif damage == "a pipe":
        file.unlink()
        os.mkfifo(file)
    else:
        file.unlink()
        file.mkdir()


def test_with_a_roster_that_never_was_nobody_gets_in(tmp_path: Path) -> None:
    config = staffed(tmp_path)
    (tmp_path / FILE).unlink()

    async def scene(store: Store) -> None:
        assert (await store.page().post("/sign-in", {"pin": ANA.pin}, status=401))["tries_left"] == 4
        await store.page().post("/orders", {"order_type": "takeout", "lines": [{"item_id": "cola"}]}, status=401)
        assert len(await advisories(store)) == 1
        write_roster(tmp_path / FILE, Path(config.data_dir))
        await until(lambda: _gone(store), "taken over while it runs")
        await store.signed_in(ANA)

    in_store(config, scene)


def test_who_is_taken_off_or_gets_another_pin_is_signed_out_and_roles_count_at_once(tmp_path: Path) -> None:
    config = staffed(tmp_path)

    async def scene(store: Store) -> None:
        ana, ben = await store.signed_in(ANA), await store.signed_in(BEN, "side")
        promoted = BEN._replace(roles=("manager",))
        write_roster(tmp_path / FILE, Path(config.data_dir), (ANA._replace(pin="240681"), promoted))

        async def out(page: Page = ana) -> bool:
            return (await page.call("GET", "/session")).status_code == 401

        await until(out, "another PIN ends the session")
        assert "refund" in (await ben.get("/session"))["permissions"]
        write_roster(tmp_path / FILE, Path(config.data_dir), (ANA,))
        await until(lambda: out(ben), "nobody of the roster any more")

    in_store(config, scene)


@pytest.mark.parametrize(
    ("people", "cause"),
    [
        ((ANA, ANA._replace(pin="240681")), "listed twice"),
        ((ANA._replace(roles=("emperor",)),), "no role 'emperor'"),
    ],
)
def test_a_roster_that_contradicts_itself_is_refused_without_a_pin_in_the_words(
    people: tuple[Person, ...], cause: str, tmp_path: Path
) -> None:
    write_roster(tmp_path / FILE, tmp_path, people)
    raw = (tmp_path / FILE).read_bytes()
    with pytest.raises(ConfigInvalid, match=cause) as refused:
        roster.decode(raw, "store-1", FILE)
    assert all(member.pin not in str(refused.value) for member in _members(raw))


def _members(raw: bytes) -> tuple[Member, ...]:
    import msgspec

    return msgspec.json.decode(raw, type=Roster).members


@pytest.mark.parametrize(
    ("changes", "hours", "over"),
    [
        ({"boot_s": 15.9 * 3600}, 0, False),
        ({"boot_s": 16.1 * 3600}, 0, True),
        ({"boot_s": 3600.0}, 10_000, False),  # the clock was stepped forward: what it says counts for nothing on this boot
        ({"boot_s": 3600.0}, -10_000, False),
        ({"boot": "b", "boot_s": 60.0}, 15, False),
        ({"boot": "b", "boot_s": 60.0}, 17, True),
        ({"boot": "b", "boot_s": 60.0}, -500_000, False),  # a dead battery: 1970
        ({"boot": "b", "boot_s": 17 * 3600.0}, -500_000, True),
    ],
)
def test_a_session_lasts_as_long_as_it_says(changes: dict[str, Any], hours: float, over: bool) -> None:
    began_ms = 1_800_000_000_000
    session = Session(digest="d", employee="ana", terminal="front", at_ms=began_ms, boot_s=0.0, boot="a")
    at = Now(wall_ms=began_ms + int(hours * 3_600_000), boot_s=0.0, boot="a")._replace(**changes)
    assert is_over(session, at, 16.0) is over


def test_an_expired_session_opens_nothing_and_its_end_is_journaled(tmp_path: Path) -> None:
    from msgspec.structs import replace

    config = staffed(tmp_path)
    short = replace(config, staff=replace(config.staff, session_h=0.5 / 3600))

    async def scene(store: Store) -> None:
        page = await store.signed_in(ANA)

        async def out() -> bool:
            return (await page.call("GET", "/session")).status_code == 401

        await until(out, "half a second is over")
        await until(lambda: asyncio.to_thread(lambda: b'"cause":"expired"' in journal(tmp_path)), "the end is journaled")

    in_store(short, scene)


def journal(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in (folder / "data").glob("journal.db*"))


@pytest.mark.parametrize(
    "pin", ["000000", "111111", "123456", "654321", "987654", "121212", "123123", "890123", "112211", "1987", "2024", "147258"]
)
def test_weak_pins_are_named(pin: str) -> None:
    assert pins.weakness(pin)


def test_pins_of_the_tests_are_not_weak_and_digests_differ_by_secret_store_and_pin() -> None:
    assert not any(pins.weakness(person.pin) for person in STAFF)
    made = {
        pins.digest(pin, secret, store)
        for pin in ("139726", "139727")
        for secret in ("secret one", "secret two")
        for store in ("store-1", "store-2")
    }
    assert len(made) == 8
    assert pins.digest("139726", "secret one", "store-1") in made

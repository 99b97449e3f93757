"""Create, join, recover on a register's own disk: what is written, who may read it, and what comes of a lost disk."""

import asyncio
import os
import stat
from pathlib import Path

import msgspec
import pytest
from tests.trust.world import BEACON, SECRET, STORE, Register, founded, site

from tillkeeper.contract.caller import INTEGRATION
from tillkeeper.contract.trust import LeaveBody, RegisterAdmitted
from tillkeeper.errors import StorageRefused
from tillkeeper.people import pins, roster
from tillkeeper.trust.acts import Site, create, join_store, recover
from tillkeeper.trust.codes import read_recovery_code
from tillkeeper.trust.shelf import Shelf
from tillkeeper.trust.store_keys import StoreKeys
from tillkeeper.trust.trouble import TrustTrouble


async def joined(front: Register, folder: Path, register: str = "bar", **more: object) -> Site:
    place = site(folder, register)
    await asyncio.to_thread(join_store, place, await front.invited(register, **more), "ana")
    return place


def opened(place: Site) -> StoreKeys:
    keys = StoreKeys.open(place.data_dir, place.store, place.register)
    assert keys is not None
    return keys


def test_a_register_without_keys_works_alone(tmp_path: Path) -> None:
    assert StoreKeys.open(tmp_path, STORE, "front") is None


def test_a_new_store_has_one_register_and_files_for_nobody_else(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        outcome = create(site(tmp_path, "front"), "ana")
    finally:
        os.umask(before)
    shelf = Shelf(tmp_path / "front")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in shelf.folder.iterdir()}
    assert modes == dict.fromkeys(("roster.json", "register.key", "register.crt", "authority.crt", "authority.key"), 0o600)
    assert stat.S_IMODE(shelf.folder.stat().st_mode) == 0o700
    keys = opened(site(tmp_path, "front"))
    assert keys.is_member
    assert keys.roster.members["front"].may_admit
    assert shelf.authority_secret() == read_recovery_code(outcome.recovery)
    with pytest.raises(TrustTrouble) as error:
        create(site(tmp_path, "front"), "ana")
    assert error.value.code == "already_joined"


def test_a_store_in_which_all_know_all(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path)
        async with front.listening():
            bar = await joined(front, tmp_path, "bar", may_admit=True)
            other = Register(bar)
            async with other.listening():
                lane = await joined(other, tmp_path, "lane")
        await front.keys.take(other.keys.roster.statements)
        registers = [opened(front.site), opened(bar), opened(lane)]
        assert set(registers[2].roster.members) == {"front", "bar", "lane"}
        assert registers[0].roster.digest == registers[2].roster.digest, "and it is on the disk"
        assert registers[2].authority() is None
        assert registers[1].authority() is not None
        with pytest.raises(TrustTrouble) as error:
            await Register(lane).code("bar")
        assert error.value.code == "no_authority_key"
        assert "front" in error.value.hint
        assert "bar" in error.value.hint

    asyncio.run(scene())


def test_joining_brings_the_stores_secrets_and_sets_aside_what_was_there(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path)
        bar = site(tmp_path, "bar")
        (bar.data_dir / "store-secret").write_text("its own\n")
        wanted = msgspec.structs.replace(bar, key_file=tmp_path / "beacon.key")
        bar = msgspec.structs.replace(bar, staff=tmp_path / "staff.json")
        (tmp_path / "staff.json").write_bytes(roster.encode(roster.Roster(store=STORE, secret_id=pins.secret_id("its own"))))
        async with front.listening():
            first = await asyncio.to_thread(join_store, bar, await front.invited(), "ana")
            with pytest.raises(TrustTrouble) as error:
                await asyncio.to_thread(join_store, bar, await front.invited("lane"), "ana")
            assert error.value.code == "already_joined"
            (bar.data_dir / "trust" / "roster.json").unlink()
            code = await front.invited(replace=True)
            second = await asyncio.to_thread(join_store, wanted, code, "ana")
        assert (bar.data_dir / "store-secret").read_text() == f"{SECRET}\n"
        assert (bar.data_dir / "store-secret.before-joining").read_text() == "its own\n"
        assert (bar.data_dir / "trust" / "beacon.key").read_text() == f"{BEACON}\n"
        assert (tmp_path / "beacon.key").read_text() == f"{BEACON}\n"
        assert stat.S_IMODE((tmp_path / "beacon.key").stat().st_mode) == 0o640
        assert any("PINs" in note for note in first.notes)
        assert not any("PINs" in note for note in second.notes)
        assert any("key_file" in note for note in first.notes)

    asyncio.run(scene())


def test_a_register_that_lost_its_disk_joins_again_and_its_old_log_ends_where_the_others_have_it(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path, finals={"bar": {"first": 120, "second": 7}})
        async with front.listening():
            before = opened(await joined(front, tmp_path / "old"))
            with pytest.raises(Exception, match="--replace"):
                await front.code()
            after = opened(await joined(front, tmp_path / "new", replace=True))
        roster = front.keys.roster
        old, new = before.signer.key, after.signer.key
        assert old != new
        assert roster.admits(new) == "bar"
        assert roster.has_left(old)
        assert [roster.bound("bar", old, log) for log in ("first", "second", "third")] == [120, 7, 0]
        assert roster.bound("bar", new, "third") is None
        event = front.journaled(RegisterAdmitted)[-1]
        assert isinstance(event, RegisterAdmitted)
        assert event.replaced == (old,)
        # The old disk turns up again: as soon as it hears of it, it knows that it is out.
        await before.take(roster.statements)
        assert not before.is_member

    asyncio.run(scene())


def test_the_authority_comes_back_on_a_new_machine_after_the_primary_died(tmp_path: Path) -> None:
    async def scene() -> None:
        front, outcome = founded(tmp_path / "old")
        async with front.listening():
            bar = Register(await joined(front, tmp_path), finals={"front": {"log": 42}})
        dead = front.keys.signer.key
        async with bar.listening() as port:
            fresh = site(tmp_path / "new", "front")
            secret = read_recovery_code(outcome.recovery)
            made = await asyncio.to_thread(recover, fresh, secret, [("127.0.0.1", port)], alone=False, by="ana")
            assert (fresh.data_dir / "store-secret").read_text() == f"{SECRET}\n"
        keys = opened(fresh)
        assert keys.is_member
        assert keys.roster.digest == bar.keys.roster.digest == made.roster.digest
        assert keys.roster.bound("front", dead, "log") == 42
        assert keys.roster.has_left(dead)
        new = Register(fresh)
        async with new.listening():
            lane = await joined(new, tmp_path, "lane")
        assert set(opened(lane).roster.members) == {"front", "bar", "lane"}

    asyncio.run(scene())


def test_a_register_that_lives_takes_the_authority_over(tmp_path: Path) -> None:
    """The primary is dead and stays so. Nobody has to be asked for that."""

    async def scene() -> None:
        front, outcome = founded(tmp_path)
        async with front.listening():
            place = await joined(front, tmp_path)
        key = opened(place).signer.key
        secret = read_recovery_code(outcome.recovery)
        await asyncio.to_thread(recover, place, secret, [], alone=False, by="ana")
        bar = Register(place)
        assert bar.keys.signer.key == key
        await bar.desk.leave(LeaveBody(register="front"), INTEGRATION)
        assert set(bar.keys.roster.members) == {"bar"}

    asyncio.run(scene())


def test_a_store_of_one_recovers_alone_and_only_if_told_so(tmp_path: Path) -> None:
    _, outcome = founded(tmp_path / "old")
    fresh, secret = site(tmp_path / "new", "front"), read_recovery_code(outcome.recovery)
    for peers in ([], [("127.0.0.1", 1)]):
        with pytest.raises(TrustTrouble) as error:
            recover(fresh, secret, peers, alone=False, by="ana")
        assert error.value.code == "peer_unreachable"
        assert Shelf(fresh.data_dir).kept() is None
    made = recover(fresh, secret, [("127.0.0.1", 1)], alone=True, by="ana")
    assert set(opened(fresh).roster.members) == {"front"}
    assert any("not reached" in note for note in made.notes)


def test_a_recovery_code_of_another_store_is_said_to_be_one(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path / "a")
        _, other = founded(tmp_path / "b")
        secret = read_recovery_code(other.recovery)
        async with front.listening() as port:
            bar = await joined(front, tmp_path)
            for place in (bar, site(tmp_path / "new", "front")):
                with pytest.raises(TrustTrouble) as error:
                    await asyncio.to_thread(recover, place, secret, [("127.0.0.1", port)], alone=False, by="ana")
                assert error.value.code == "wrong_code"
            assert Shelf(bar.data_dir).authority_secret() is None

    asyncio.run(scene())


def broken(folder: Path, name: str, content: bytes | None) -> str:
    """The code of the trouble that comes of it."""
    path = folder / "front" / "trust" / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(TrustTrouble) as error:
        opened(site(folder, "front"))
    assert "trust" in f"{error.value.subject}{error.value.hint}"
    return error.value.code


@pytest.mark.parametrize("name", ["roster.json", "register.key", "register.crt", "authority.crt"])
@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"{}", b"[" * 5000, b"-----BEGIN PRIVATE KEY-----\n!\n-----END", None])
def test_damaged_files_are_named(name: str, content: bytes | None, tmp_path: Path) -> None:
    if name == "roster.json" and content is None:
        return  # then it has joined no store
    founded(tmp_path)
    assert broken(tmp_path, name, content) == "broken_keys"


def test_a_roster_on_the_disk_is_believed_no_more_than_one_from_the_wire(tmp_path: Path) -> None:
    front, _ = founded(tmp_path / "a")
    thief, _ = founded(tmp_path / "b")
    kept = front.keys.kept
    mixed = msgspec.structs.replace(kept, statements=(*kept.statements, *thief.keys.roster.statements))
    assert broken(tmp_path / "a", "roster.json", msgspec.json.encode(mixed)) == "broken_keys"


def test_a_copied_folder_is_not_another_registers(tmp_path: Path) -> None:
    founded(tmp_path)
    for store, register, code in ((STORE, "bar", "other_register"), ("store-2", "front", "other_store")):
        with pytest.raises(TrustTrouble) as error:
            StoreKeys.open(tmp_path / "front", store, register)
        assert error.value.code == code


def test_a_key_that_others_could_read_is_closed_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    founded(tmp_path)
    path = tmp_path / "front" / "trust" / "register.key"
    path.chmod(0o644)
    opened(site(tmp_path, "front"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "register.key could be read by others" in caplog.text


def test_a_pipe_in_the_place_of_a_key_holds_nobody_up(tmp_path: Path) -> None:
    founded(tmp_path)
    path = tmp_path / "front" / "trust" / "register.key"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(TrustTrouble) as error:
        opened(site(tmp_path, "front"))
    assert error.value.code == "broken_keys"


def test_a_full_disk_forgets_nobody_who_left(tmp_path: Path) -> None:
    """What was heard holds at once, and is written as soon as the disk takes it."""

    async def scene() -> None:
        front, _ = founded(tmp_path)
        async with front.listening():
            place = await joined(front, tmp_path)
        bar, key = opened(place), opened(place).signer.key
        told: list[str] = []
        bar.changed.append(lambda: told.append(bar.roster.digest))
        await front.desk.leave(LeaveBody(register="bar"), INTEGRATION)
        folder = bar.shelf.folder
        folder.rename(tmp_path / "away")
        with pytest.raises(StorageRefused):
            await bar.take(front.keys.roster.statements)
        assert bar.roster.has_left(key)
        assert told == [bar.roster.digest]
        (tmp_path / "away").rename(folder)
        assert opened(place).is_member, "not on the disk yet"
        await bar.take(())
        assert not opened(place).is_member

    asyncio.run(scene())


def test_a_running_agent_does_not_write_over_a_new_joining(tmp_path: Path) -> None:
    """Its key is over, somebody joins the register again, and then it hears of something."""

    async def scene() -> None:
        front, _ = founded(tmp_path)
        async with front.listening():
            place = await joined(front, tmp_path)
            running = opened(place)
            before = await front.desk.leave(LeaveBody(register="bar"), INTEGRATION)
            await running.take(front.keys.roster.statements)
            assert before.left
            await joined(front, tmp_path)
            await joined(front, tmp_path, "lane")
            await running.take(front.keys.roster.statements)
        assert opened(place).is_member
        assert opened(place).signer.key != running.signer.key

    asyncio.run(scene())

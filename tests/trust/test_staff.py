"""People come with joining: the roster in force where the register was admitted, under the secret that came too."""

import asyncio
import subprocess
from dataclasses import replace as replaced
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.prerequisites import need
from tests.trust.world import SECRET, STORE, Register, founded, site

from tillkeeper.errors import StorageRefused
from tillkeeper.people import pins, roster
from tillkeeper.people.roster import Member, Roster
from tillkeeper.trust import wire
from tillkeeper.trust.acts import Outcome, join_store

ANA = Member(employee="ana", name="Ana", roles=("manager",), pin=pins.digest("271828", SECRET, STORE))
PEOPLE = roster.encode(Roster(store=STORE, secret_id=pins.secret_id(SECRET), members=(ANA,)))


def joined(folder: Path, handed: bytes, *, before: bytes | None = None) -> tuple[Path, Outcome]:
    """The roster's place at the new register, and what joining said."""
    file = folder / "staff.json"
    if before is not None:
        file.write_bytes(before)

    async def scene() -> Outcome:
        front, _ = founded(folder)
        hands_out(front, handed)
        async with front.listening():
            return await asyncio.to_thread(join_store, replace(site(folder, "bar"), staff=file), await front.invited(), "ana")

    return file, asyncio.run(scene())


def hands_out(front: Register, people: bytes) -> None:
    front.admitting._ = replaced(front.admitting._, staff=lambda: people)


def test_the_stores_people_can_sign_in_at_once(tmp_path: Path) -> None:
    file, outcome = joined(tmp_path, PEOPLE)
    secret = (tmp_path / "bar" / "store-secret").read_text().strip()
    member = roster.decode(file.read_bytes(), STORE, "staff.json").whose(pins.digest("271828", secret, STORE))
    assert member is not None
    assert member.employee == "ana"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "1 person of the store came with it, with their PINs" in outcome.notes


def test_people_that_are_there_under_the_stores_secret_stay(tmp_path: Path) -> None:
    there = roster.encode(Roster(store=STORE, secret_id=pins.secret_id(SECRET), members=(replace(ANA, employee="mia"),)))
    file, outcome = joined(tmp_path, PEOPLE, before=there)
    assert file.read_bytes() == there
    assert not any("came with it" in note or "roster" in note for note in outcome.notes)


def test_people_of_this_register_alone_are_set_aside(tmp_path: Path) -> None:
    own = roster.encode(Roster(store=STORE, secret_id=pins.secret_id("its own"), members=(ANA,)))
    file, outcome = joined(tmp_path, PEOPLE, before=own)
    assert file.read_bytes() == PEOPLE
    assert (tmp_path / "staff.json.before-joining").read_bytes() == own
    assert any(note.startswith("PINs that were made on this register alone no longer open anything") for note in outcome.notes)


@pytest.mark.parametrize(
    "handed", [b"no roster", PEOPLE.replace(STORE.encode(), b"store-2"), PEOPLE.replace(b"manager", b"queen")]
)
def test_a_roster_that_is_none_keeps_nobody_from_joining(tmp_path: Path, handed: bytes) -> None:
    file, outcome = joined(tmp_path, handed)
    assert not file.exists()
    assert outcome.at == "front"
    assert any(f"they come from the other registers while no other roster is at {file}" in note for note in outcome.notes)


def test_a_full_disk_under_the_roster_is_made_room_on_and_the_same_code_brings_the_people(tmp_path: Path) -> None:
    need("mount")
    many = tuple(replace(ANA, employee=f"ana-{n}", pin=f"{n:064x}") for n in range(400))
    people = roster.encode(Roster(store=STORE, secret_id=pins.secret_id(SECRET), members=many))
    place = replace(site(tmp_path, "bar"), staff=tmp_path / "bar" / "staff.json")

    async def scene() -> None:
        front, _ = founded(tmp_path)
        hands_out(front, people)
        async with front.listening():
            code = await front.invited()
            with pytest.raises(StorageRefused) as refused:
                await asyncio.to_thread(join_store, place, code, "ana")
            assert (refused.value.subject, refused.value.hint) == ("staff.json", "make room and do it again")
            (place.data_dir / "fill").unlink()
            await asyncio.to_thread(join_store, place, code, "ana")

    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(place.data_dir)], check=True)
    try:
        (place.data_dir / "fill").write_bytes(b"x" * 96 * 1024)  # room for the keys, and for what is known of the store
        asyncio.run(scene())
        assert (place.data_dir / "staff.json").read_bytes() == people
    finally:
        subprocess.run(["umount", str(place.data_dir)], check=True)


def test_a_roster_that_can_not_be_written_keeps_nobody_from_joining(tmp_path: Path) -> None:
    (tmp_path / "staff.json").mkdir()
    file, outcome = joined(tmp_path, PEOPLE)
    assert outcome.at == "front"
    assert any(f"they come from the other registers while no other roster is at {file}" in note for note in outcome.notes)


@pytest.mark.parametrize("handed", [b"", b"x" * (wire.MAX_STAFF + 1)])
def test_where_nobody_signs_in_nothing_is_said_of_people(tmp_path: Path, handed: bytes) -> None:
    file, outcome = joined(tmp_path, handed)
    assert not file.exists()
    assert not any("came with it" in note or "roster" in note for note in outcome.notes)


def test_an_older_register_hands_over_no_people() -> None:
    import msgspec

    done = wire.Done(proof=b"p" * 32, certificate=b"", statements=(), store_secret=SECRET, staff=PEOPLE)
    old = msgspec.msgpack.decode(wire.encode(done)[wire.HEADER.size :])
    del old["staff"]
    read = wire.decode(msgspec.msgpack.encode(old))
    assert isinstance(read, wire.Done)
    assert read.staff == b""

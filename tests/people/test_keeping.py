"""What a register makes of lists that others bring: which holds, what is refused, and what its file is afterwards."""

import asyncio
import fcntl
import os
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from tests.e2e.test_full_disk import fill
from tests.support.prerequisites import need
from tests.till.world import config_in

from tillkeeper.contract.base import Event
from tillkeeper.contract.people import StaffAdopted
from tillkeeper.errors import ConfigInvalid, Refused, StorageRefused
from tillkeeper.people import pins, roster
from tillkeeper.people.merging import merged, put
from tillkeeper.people.roster import MAX_PEOPLE, Member, Removed, Roster
from tillkeeper.people.sessions import Now
from tillkeeper.till import roster_disk
from tillkeeper.till.compose import Draft, Moment
from tillkeeper.till.desk import Desk
from tillkeeper.till.people import ROSTER_1_SETTING, ROSTER_SETTING, SignInDesk, SignInParts
from tillkeeper.till.roster_file import RosterKeeper

STORE, SECRET, NOON = "store-1", "a secret of the store", 1_900_000_000_000


def member(employee: str, pin: int = 0) -> Member:
    return Member(employee=employee, name=employee, roles=("cook",), pin=f"{pin:064x}", by="user mia")


def people(*employees: str, secret: str = SECRET) -> Roster:
    made = Roster(store=STORE, secret_id=pins.secret_id(secret))
    for pin, employee in enumerate(employees):
        made = put(made, member(employee, pin), NOON)
    return made


class World:
    """A register as far as its people are concerned. `settings` and `events` are what its journal holds; `full`: it takes no
    more."""

    def __init__(self, folder: Path, settings: Mapping[str, bytes] | None = None) -> None:
        self.folder, self.settings, self.full = folder, dict(settings or {}), False
        self.events: list[Event] = []
        self._moment = Moment(config_in(folder), "2030-03-17", NOON, lambda: "an-id")
        self.desk = SignInDesk(
            SignInParts(
                config=self._moment.config, now=lambda: Now(NOON, 0.0, "boot"), setting=self.settings.get, secret=SECRET,
                by_itself=self._by_itself, clocked=lambda _employee: "out",
            )
        )  # fmt: skip
        self.file = folder / "staff.json"
        self.keeper = RosterKeeper(self.desk, self.file, folder, STORE, SECRET)

    async def _by_itself(self, desk: Desk, make: Callable[[Moment], Awaitable[Draft | None]]) -> None:
        draft = await make(self._moment)
        if self.full:
            raise StorageRefused("append", "journal.db", "the disk is full")
        if draft is not None:
            self.settings |= draft.settings
            self.events += [new.event for new in draft.events]
            desk.accepted(draft)

    @property
    def listed(self) -> list[str]:
        return sorted(self.desk.names())

    def written(self) -> Roster | None:
        return roster_disk.read(self.file, STORE)


def play(scene: Awaitable[None]) -> None:
    async def run() -> None:
        await scene

    asyncio.run(run())


def test_what_another_register_brings_holds_is_journaled_with_who_did_it_and_gets_into_the_file(tmp_path: Path) -> None:
    async def scene() -> None:
        world = World(tmp_path)
        await world.keeper.look()
        assert "No such file" in world.keeper.trouble
        news = people("ana", "ben")
        assert await world.keeper.take(news, "side") == news
        assert (world.listed, world.written(), world.keeper.trouble) == (["ana", "ben"], news, "")
        await world.keeper.take(put(news, Removed(employee="ben", by="user tim"), NOON), "side")
        await world.keeper.take(news, "back")
        assert world.listed == ["ana"]
        said = [(event.members, event.by) for event in world.events if isinstance(event, StaffAdopted)]
        assert said == [(2, "user mia"), (1, "user tim")]
        assert World(tmp_path, world.settings).listed == ["ana"]

    play(scene())


def test_a_journal_that_takes_nothing_keeps_the_list_before_and_takes_it_once_it_can(tmp_path: Path) -> None:
    async def scene() -> None:
        world = World(tmp_path)
        await world.keeper.take(people("ana"), "side")
        world.full = True
        with pytest.raises(StorageRefused):
            await world.keeper.take(people("ana", "ben"), "side")
        assert (world.listed, world.written()) == (["ana"], people("ana"))
        roster_disk.update(world.file, tmp_path, STORE, lambda there: put(there or people(), member("cleo", 7), NOON))
        await world.keeper.look()
        assert "disk is full. The list before it still holds" in world.keeper.trouble
        world.full = False
        await world.keeper.look()
        await world.keeper.take(people("ana", "ben"), "side")
        assert (world.listed, world.keeper.trouble) == (["ana", "ben", "cleo"], "")

    play(scene())


def test_a_disk_too_full_for_the_file_keeps_the_file_and_the_list_of_the_store_holds(tmp_path: Path) -> None:
    need("mount")
    many = tuple(f"person-{n}" for n in range(300))

    async def scene() -> None:
        world = World(tmp_path / "register")
        await world.keeper.take(people("ana"), "side")
        fill(world.folder / "fill")
        await world.keeper.take(people("ana", *many), "side")
        assert len(world.listed) == 301
        assert world.written() == people("ana")
        assert "its file here can not be brought up to date: No space left" in world.keeper.trouble
        (world.folder / "fill").unlink()
        await world.keeper.look()
        assert (world.written(), world.keeper.trouble) == (people("ana", *many), "")
        assert {file.name for file in world.folder.iterdir()} == {"staff.json", "menu.toml"}

    (tmp_path / "register").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(tmp_path / "register")], check=True)
    try:
        play(scene())
    finally:
        subprocess.run(["umount", str(tmp_path / "register")], check=True)


@pytest.mark.parametrize(
    ("theirs", "error", "words"),
    [
        (people("ben", secret="another"), Refused, "PINs at register side belong to another store secret"),
        (people(*(f"person-{n}" for n in range(MAX_PEOPLE))), ConfigInvalid, "more than 1000 people"),
    ],
)
def test_what_can_not_be_taken_over_changes_nothing(theirs: Roster, error: type[Exception], words: str, tmp_path: Path) -> None:
    async def scene() -> None:
        world = World(tmp_path)
        await world.keeper.take(people("ana"), "side")
        with pytest.raises(error, match=words):
            await world.keeper.take(theirs, "side")
        assert (world.listed, world.written()) == (["ana"], people("ana"))

    play(scene())


def test_people_who_got_one_pin_at_two_registers_are_named_until_they_have_others(tmp_path: Path) -> None:
    async def scene() -> None:
        world = World(tmp_path)
        await world.keeper.take(people("ana"), "side")
        await world.keeper.take(people("ben"), "back")
        assert world.keeper.trouble == "PINs that two people chose at two registers open nothing: give new ones to ana, ben"
        await world.keeper.take(put(people("ben"), member("ben", 8), NOON), "back")
        await world.keeper.look()
        assert world.keeper.trouble == ""

    play(scene())


def test_a_list_that_an_earlier_version_kept_holds_and_is_left_to_it(tmp_path: Path) -> None:
    async def scene() -> None:
        ana = {"employee": "ana", "name": "Ana", "roles": ["cook"], "pin": f"{5:064x}"}
        kept_by_it = {
            "version": 1,
            "store": STORE,
            "secret_id": pins.secret_id(SECRET),
            "members": [ana],
            "changed_by": "user mia",
        }
        old = msgspec.json.encode(kept_by_it)
        world = World(tmp_path, {ROSTER_1_SETTING: old})
        assert world.listed == ["ana"]
        world.file.write_bytes(old)
        await world.keeper.look()
        assert (world.file.read_bytes(), world.keeper.trouble) == (old, "")
        await world.keeper.take(people("ben"), "side")
        assert world.listed == ["ana", "ben"]
        assert world.settings[ROSTER_1_SETTING] == old
        assert World(tmp_path, world.settings).listed == ["ana", "ben"]
        kept = msgspec.json.decode(world.settings[ROSTER_SETTING], type=Roster)
        assert kept.digest == people("ben").digest, "who has no stamp is this register's alone"

    play(scene())


def test_a_file_that_is_gone_is_written_anew_with_all_who_were_on_it(tmp_path: Path) -> None:
    """Also with those whom an earlier version put there."""

    async def scene() -> None:
        ana = Member(employee="ana", name="Ana", roles=("cook",), pin=f"{5:064x}")
        old = Roster(version=1, store=STORE, secret_id=pins.secret_id(SECRET), members=(ana,))
        world = World(tmp_path, {ROSTER_1_SETTING: msgspec.json.encode(old)})
        await world.keeper.take(people("ben"), "side")
        assert (world.listed, world.keeper.trouble) == (["ana", "ben"], "")
        world.file.unlink()
        await world.keeper.look()
        found = world.written()
        assert found is not None
        assert sorted(one.employee for one in found.members) == ["ana", "ben"]
        assert len(world.events) == 1, "nothing has changed"

    play(scene())


def test_the_journal_names_who_made_the_change_and_not_whose_clock_is_ahead(tmp_path: Path) -> None:
    async def scene() -> None:
        world = World(tmp_path)
        first = put(people(), member("ana"), NOON + 10_000_000_000)
        await world.keeper.take(first, "side")
        await world.keeper.take(put(first, replace(member("ben", 6), by="user tim"), NOON), "side")
        assert [event.by for event in world.events if isinstance(event, StaffAdopted)] == ["user mia", "user tim"]

    play(scene())


def test_one_person_too_many_is_refused_and_the_file_stays_what_it_was(tmp_path: Path) -> None:
    file, full = tmp_path / "staff.json", replace(people(), members=tuple(member(f"p-{n}", n) for n in range(MAX_PEOPLE)))
    roster_disk.update(file, tmp_path, STORE, lambda _: full)
    with pytest.raises(ConfigInvalid, match="more than 1000 people"):
        roster_disk.update(file, tmp_path, STORE, lambda there: put(there or people(), member("one-more"), NOON))
    assert roster_disk.read(file, STORE) == full


def test_whoever_keeps_the_file_locked_holds_up_no_list(tmp_path: Path) -> None:
    async def scene() -> None:
        world = World(tmp_path)
        handle = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            await world.keeper.take(people("ana"), "side")
            assert (world.listed, world.written()) == (["ana"], None)
            assert "somebody else is writing it" in world.keeper.trouble
        finally:
            os.close(handle)
        await world.keeper.look()
        assert (world.written(), world.keeper.trouble) == (people("ana"), "")

    play(scene())


def test_whoever_writes_the_file_at_one_time_loses_nothing_of_the_others(tmp_path: Path) -> None:
    file = tmp_path / "staff.json"

    def add(name: str) -> None:
        for n in range(20):
            said = member(f"{name}-{n}", n)
            roster_disk.update(file, tmp_path, STORE, lambda there, said=said: put(there or people(), said, NOON))

    def hear() -> None:
        for _ in range(20):
            roster_disk.update(file, tmp_path, STORE, lambda there: merged(there or people(), people("ana")))

    async def scene() -> None:
        await asyncio.gather(*(asyncio.to_thread(add, name) for name in ("a", "b")), asyncio.to_thread(hear))

    play(scene())
    found = roster_disk.read(file, STORE)
    assert found is not None
    assert len(found.members) == 41
    assert roster.decode(file.read_bytes(), STORE, "staff.json") == found

"""Registers that exchange their lists of staff, over real lines: they come to one list and are quiet then."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.people.test_keeping import NOON, SECRET, STORE, World, people, play
from tests.replication.registers import Corner, corner, until

from tillkeeper.people.merging import put
from tillkeeper.people.roster import Removed
from tillkeeper.till.roster_file import RosterKeeper
from tillkeeper.till.roster_sharing import LOOK_S, TOPIC, RosterSharing

NAMES = ("front", "side", "back")


class People:
    """The lists of the registers of a corner. `asked`: by whom which questions were answered."""

    def __init__(self, folder: Path, store: Corner, tasks: asyncio.TaskGroup) -> None:
        self._store, self._tasks = store, tasks
        self.worlds = {name: World(folder / name) for name in NAMES}
        self.sharing: dict[str, RosterSharing] = {}
        self.asked: list[str] = []

    def share(self, name: str, secret: str = SECRET) -> None:
        world, desk = self.worlds[name], self._store[name].desk
        if secret != SECRET:
            world.keeper = RosterKeeper(world.desk, world.file, world.folder, STORE, secret)
        self.sharing[name] = RosterSharing(world.keeper, STORE, desk)
        answer = desk.answers[TOPIC]

        async def counted(register: str, body: bytes) -> bytes:
            self.asked.append(f"{register} {name}")
            return await answer(register, body)

        desk.answers[TOPIC] = counted
        self._tasks.create_task(self.sharing[name].run())

    async def agree(self, *listed: str, names: tuple[str, ...] = NAMES) -> None:
        """All have these people, and know so of each other."""

        def agreed() -> bool:
            held = {self.worlds[name].keeper.roster.digest for name in names}
            pairs = [(name, other) for name in names for other in names if other != name]
            told = {found.digest if (found := self.sharing[name].theirs.get(other)) else "" for name, other in pairs}
            return held == told and len(held) == 1

        await until(lambda: all(self.worlds[name].listed == [*listed] for name in names))
        await until(agreed)


@contextlib.asynccontextmanager
async def sharing(folder: Path) -> AsyncIterator[People]:
    async with corner(folder, *NAMES) as store:
        try:
            async with asyncio.TaskGroup() as tasks:
                yield People(folder, store, tasks)
                raise _Over
        except* _Over:
            pass


class _Over(Exception):
    """The scene is over: what still runs is cancelled."""


def test_registers_that_have_the_same_list_are_quiet(tmp_path: Path) -> None:
    async def scene() -> None:
        async with sharing(tmp_path) as store:
            for name in NAMES:  # they look at different moments
                store.share(name)
                await asyncio.sleep(LOOK_S / len(NAMES))
            await store.worlds["front"].keeper.take(people("ana", "ben"), "hand")
            await store.agree("ana", "ben")
            before = len(store.asked)
            await asyncio.sleep(6 * LOOK_S)
            assert store.asked[before:] == []
            news = put(store.worlds["back"].keeper.roster, Removed(employee="ana"), NOON)
            await store.worlds["back"].keeper.take(news, "hand")
            await store.agree("ben")

    play(scene())


def test_a_register_of_an_earlier_version_is_left_alone_and_gets_the_list_once_it_is_newer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tillkeeper.till.roster_sharing.OTHER_AGAIN_S", LOOK_S)

    async def scene() -> None:
        async with sharing(tmp_path) as store:
            store.share("front")
            store.share("side")
            await store.worlds["front"].keeper.take(people("ana"), "hand")
            await store.agree("ana", names=("front", "side"))
            assert store.worlds["back"].listed == []
            assert store.sharing["front"].trouble == store.sharing["side"].trouble == ""
            store.share("back")
            await store.agree("ana")

    play(scene())


def test_a_register_with_another_secret_is_named_and_the_others_agree(tmp_path: Path) -> None:
    async def scene() -> None:
        async with sharing(tmp_path) as store:
            store.share("front")
            store.share("side")
            store.share("back", "the secret of another store")
            await store.worlds["back"].keeper.look()
            await store.worlds["front"].keeper.take(people("ana"), "hand")
            await store.agree("ana", names=("front", "side"))
            for name in ("front", "side"):
                await until(lambda name=name: "register back" in store.sharing[name].trouble)
                assert "another store secret" in store.sharing[name].trouble
            assert store.worlds["back"].listed == []

    play(scene())

"""When an agent ends itself for another version."""

import asyncio
import os
from pathlib import Path

import pytest

from tillkeeper.config.embedded import example_toml
from tillkeeper.errors import Refused
from tillkeeper.upkeep import next_start
from tillkeeper.upkeep.installed import made_ms, waiting_version
from tillkeeper.upkeep.quiet import QUIET_S, Doings, reasons
from tillkeeper.upkeep.restarts import CHECK_EVERY_S, LATE_S, Restarts

QUIET = Doings(commands=0, cards=0, sending=(), idle_s=QUIET_S)


@pytest.mark.parametrize(
    ("doings", "word"),
    [
        (QUIET._replace(commands=1), "a command"),
        (QUIET._replace(commands=1, cards=1), "a card"),
        (QUIET._replace(sending=("grill",)), "grill is printing"),
        (QUIET._replace(idle_s=QUIET_S - 0.1), "something was entered"),
    ],
)
def test_each_thing_under_way_is_a_reason_to_wait(doings: Doings, word: str) -> None:
    (said,) = reasons(doings)
    assert word in said
    assert reasons(QUIET) == ()


def test_a_card_that_is_asked_for_is_told_once() -> None:
    assert reasons(QUIET._replace(commands=2, cards=2)) == ("a card is being authorised (2)",)


class Machine:
    """A register that is doing `doings`, with `waiting` installed."""

    def __init__(self, *, supervised: bool = True) -> None:
        self.doings, self.waiting, self.now_s, self.ended = QUIET, "", 0.0, 0
        self.trouble, self.checked = "", 0
        self.restarts = Restarts(
            "0.1.0", lambda: self.doings, lambda: self.waiting, lambda: self.now_s, self.next_start,
            supervised=supervised, end=self.end,
        )  # fmt: skip

    async def next_start(self) -> str:
        self.checked += 1
        return self.trouble

    def end(self) -> None:
        self.ended += 1

    async def ends(self) -> None:
        async with asyncio.timeout(60):
            await self.restarts.run()


def test_it_ends_at_the_first_quiet_moment_and_not_before() -> None:
    async def scene() -> None:
        machine = Machine()
        machine.waiting, machine.doings = "0.2.0", QUIET._replace(commands=1)
        running = asyncio.create_task(machine.ends())
        await asyncio.sleep(0)  # it looks once
        assert machine.restarts.view().wanted
        assert machine.ended == 0
        assert machine.restarts.view().reasons == ("a command is being stored",)
        machine.doings = QUIET
        await running
        assert machine.ended == 1

    asyncio.run(scene())


def test_it_does_not_end_for_a_start_that_would_fail() -> None:
    async def scene() -> None:
        machine = Machine()
        machine.waiting, machine.trouble = "0.2.0", "tillkeeper.toml:3: nonsense"
        running = asyncio.create_task(machine.ends())
        for _ in range(5):
            await asyncio.sleep(0)
        assert machine.ended == 0
        assert machine.restarts.view().reasons == ("the next start would fail: tillkeeper.toml:3: nonsense",)
        assert machine.restarts.advice() == ("0.2.0", False, "tillkeeper.toml:3: nonsense")
        assert machine.checked == 1
        machine.now_s = CHECK_EVERY_S + 1  # it is looked at again after a while, or where somebody asks
        machine.trouble = ""
        await running
        assert (machine.ended, machine.checked) == (1, 2)

    asyncio.run(scene())


def test_the_next_start_is_asked_what_it_would_say(tmp_path: Path) -> None:
    """By this environment's own `config check`; a version that is not there can not start either."""
    file = tmp_path / "till.toml"
    file.write_text(example_toml())
    assert asyncio.run(next_start.trouble(next_start.command(file))) == ""
    file.write_text(example_toml().replace("this_register", "this_regsiter", 1))
    assert "this_regsiter" in asyncio.run(next_start.trouble(next_start.command(file)))
    tree = tmp_path / "versions/0.1.0.aB3xYz"
    asked = next_start.command(file, str(tree))
    assert asked[0] == str(tmp_path / "current/bin/python3")
    assert "No such file" in asyncio.run(next_start.trouble(asked))


def test_without_a_version_that_waits_it_goes_on() -> None:
    async def scene() -> None:
        machine = Machine()
        running = asyncio.create_task(machine.ends())
        for _ in range(5):
            await asyncio.sleep(0)
            machine.restarts.look()
        assert not running.done()
        machine.restarts.ask("mia")
        await running
        assert machine.ended == 1
        assert machine.restarts.view().by == "mia"

    asyncio.run(scene())


def test_it_is_not_asked_where_nobody_would_start_it_again() -> None:
    machine = Machine(supervised=False)
    with pytest.raises(Refused) as refused:
        machine.restarts.ask("mia")
    assert refused.value.code == "not_supervised"


def test_a_version_that_waits_for_a_day_is_late() -> None:
    machine = Machine()
    machine.waiting = "0.2.0"
    machine.restarts.look()
    assert machine.restarts.advice() == ("0.2.0", False, "")
    machine.now_s = LATE_S + 1
    assert machine.restarts.advice() == ("0.2.0", True, "")
    machine.waiting = "0.3.0"
    machine.restarts.look()
    assert machine.restarts.advice() == ("0.3.0", False, ""), "another one has not waited yet"


def test_the_tree_of_the_next_start_is_seen(tmp_path: Path) -> None:
    ours, next_one = tmp_path / "versions/0.1.0.aB3xYz", tmp_path / "versions/0.2.0~rc1.q9W2eR"
    for tree in (ours, next_one):
        tree.mkdir(parents=True)
    link = tmp_path / "current"
    assert waiting_version(str(ours)) == "", "a package that is being removed"
    link.symlink_to("versions/0.1.0.aB3xYz")
    assert waiting_version(str(ours)) == ""
    link.unlink()
    link.symlink_to("versions/0.2.0~rc1.q9W2eR")
    assert waiting_version(str(ours)) == "0.2.0~rc1"
    assert waiting_version(str(tmp_path)) == "", "an environment that no package brought"


def test_a_tree_of_a_package_tells_when_it_was_made(tmp_path: Path) -> None:
    tree = tmp_path / "versions/0.1.0.aB3xYz"
    tree.mkdir(parents=True)
    (tree / "pyvenv.cfg").touch()
    os.utime(tree / "pyvenv.cfg", (1_790_000_000, 1_790_000_000))
    assert made_ms(str(tree)) == 1_790_000_000_000
    assert made_ms(str(tmp_path / "versions/gone")) == 0
    assert made_ms(str(tmp_path)) == 0, "an environment that no package brought"

"""Whoever follows the logs gets each event once, in the order of its log, also over a restart."""

import asyncio
import random
from pathlib import Path

import msgspec
import pytest
from tests.journal.world import opened
from tests.replication.logs_of_others import batch, fork, sales
from tests.replication.memory_holdings import MemoryHoldings
from tests.replication.registers import Corner, Counter, corner, until

from tillkeeper.contract.base import Event
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import EVENT_TYPES
from tillkeeper.contract.placing import read_event
from tillkeeper.journal.records import Batch
from tillkeeper.replication import following as room
from tillkeeper.replication.following import Following
from tillkeeper.replication.library import Library


class Counting:
    """Notes what it got. `bears`: how many events until it fails at one."""

    def __init__(self, name: str, kinds: frozenset[str] | None, bears: int = 10**9) -> None:
        self.name, self.kinds, self._bears = name, kinds, bears
        self.got: list[tuple[str, int, str]] = []

    def take(self, envelope: Envelope, event: Event) -> None:
        self._bears -= 1
        if not self._bears:
            raise ZeroDivisionError
        assert type(event) is EVENT_TYPES[envelope.type][0]
        self.got.append((envelope.register, envelope.seq, envelope.type))

    def dump(self) -> bytes:
        return msgspec.json.encode(self.got)

    def load(self, state: bytes) -> None:
        self.got = msgspec.json.decode(state, type=list[tuple[str, int, str]])


def test_all_logs_are_followed_once_and_in_their_order_also_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "PAGE", 7)

    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        chance = random.Random(4)
        everything, some = Counting("everything", None), Counting("some", frozenset({"incarnation_began"}))

        def begin(*followers: Counting) -> Following:
            made = Following(a.library, a.journal)
            for follower in followers:
                made.add(follower)
            return made

        first = begin(everything, some)
        for _ in range(6):
            await a.sell(chance.randint(1, 9))
            await b.sell(chance.randint(1, 9))
            await until(lambda: a.holds(b.own) == b.journal.last_seq)
            await first.caught_up()
        await first.keep()
        kept = len(everything.got)
        await a.sell(3)
        await first.caught_up()  # and the machine stops before this is kept

        again, newcomer = Counting("everything", None), Counting("newcomer", None)
        second = begin(again, newcomer)
        assert again.got == everything.got[:kept]
        await second.caught_up()
        for follower in (everything, again, newcomer):
            for register in (a, b):
                seqs = [seq for name, seq, _ in follower.got if name == register.own.register]
                assert seqs == list(range(1, register.journal.last_seq + 1))
        assert {name for name, _, _ in some.got} == {"a", "b"}
        assert {kind for _, _, kind in some.got} == {"incarnation_began"}

    async def run() -> None:
        async with corner(tmp_path, "a", "b") as store:
            await scene(store)

    asyncio.run(run())


def test_an_event_that_a_follower_can_not_bear_stops_neither_it_nor_the_others(tmp_path: Path) -> None:
    async def run() -> None:
        async with corner(tmp_path, "a", "b") as store:
            a = store["a"]
            await a.sell(5)
            weak, strong = Counting("weak", None, bears=3), Counting("strong", None)
            made, told = Following(a.library, a.journal), []
            made.add(weak)
            made.add(strong)
            made.changed.append(lambda: told.append(len(strong.got)))
            following = asyncio.create_task(made.run())
            await until(lambda: len([1 for name, _, _ in strong.got if name == "a"]) == a.journal.last_seq)
            await a.sell(1)
            made.notify()
            await until(lambda: len([1 for name, _, _ in strong.got if name == "a"]) == a.journal.last_seq)
            assert len(weak.got) == len(strong.got) - 1
            assert told
            following.cancel()

    asyncio.run(run())


def test_what_is_in_quarantine_is_followed_by_nobody(tmp_path: Path) -> None:
    """Of a register that left: who stole it has its keys. And what a copy of a disk wrote behind a place of another branch."""
    thief, trunk = sales(4, "till-1"), sales(3, "till-2")
    copy = fork(trunk, 2, "copy", 3)

    async def run() -> None:
        held, found = MemoryHoldings("corner"), Counting("all", None)
        await held.take(batch(thief.events), 0, last_accepted=7)
        await held.take(batch(trunk.events), 0)
        await held.take(batch(copy.events), 0)
        async with opened(tmp_path / "journal.db", store="corner") as journal:
            made = Following(Library(journal, held), journal)
            made.add(found)
            await made.caught_up()
        seqs = {name: [seq for register, seq, _ in found.got if register == name] for name in ("till-1", "till-2")}
        assert seqs == {"till-1": list(range(1, 8)), "till-2": [*range(1, 10), 11]}

    asyncio.run(run())


def test_a_newer_version_reads_again_what_an_older_one_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with corner(tmp_path, "a") as store:
            a = store["a"]
            await a.sell(5)
            made = dict.fromkeys(("older", "newer", "other form", "lost"), frozenset({"mode_changed", "incarnation_began"}))
            with monkeypatch.context() as older:  # which knows no change of mode
                older.setattr(room, "EVENT_TYPES", {"incarnation_began": EVENT_TYPES["incarnation_began"]})
                older.setattr(room, "read_event", lambda one: None if one.type == "mode_changed" else read_event(one))
                first = Following(a.library, a.journal)
                for name, kinds in made.items():
                    first.add(Counting(name, kinds))
                await first.caught_up()
                await first.keep()
            await a.journal.append(Batch(settings={"following.lost": b"\xc1", "following.other form": _other_form(a)}))
            second, found = Following(a.library, a.journal), [Counting(name, kinds) for name, kinds in made.items()]
            for one in found:
                second.add(one)
            await second.caught_up()
            await second.keep()
            for one in found:
                assert [seq for _, seq, _ in one.got] == list(range(1, a.journal.last_seq + 1)), one.name
            third, same = Following(a.library, a.journal), Counting("newer", made["newer"])
            third.add(same)
            assert same.got == found[1].got, "nothing is read again"

    asyncio.run(run())


def _other_form(a: Counter) -> bytes:
    """As kept, with a state that the follower can not load."""
    kept = msgspec.msgpack.decode(a.journal.setting("following.other form") or b"")
    return msgspec.msgpack.encode([kept[0], b"{}", ["incarnation_began/1", "mode_changed/1"]])

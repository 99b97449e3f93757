"""What registers know of what others hold, when branches, slow disks and losses make it hard to tell."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from tests.replication.logs_of_others import batch, fork, sales
from tests.replication.registers import Corner, corner, until

from tillkeeper.contract.envelope import HqAnswer, HqBatch
from tillkeeper.errors import StorageRefused
from tillkeeper.replication.peers import wire
from tillkeeper.replication.peers.session import Session
from tillkeeper.replication.sinks import SILENT_S


def play(folder: Path, scene: Callable[[Corner], Awaitable[None]], *names: str) -> None:
    async def run() -> None:
        async with corner(folder, *(names or ("a", "b", "c"))) as store:
            await scene(store)

    asyncio.run(run())


def test_a_branch_that_another_register_has_otherwise_is_told_once_and_not_at_every_line(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        await a.sell(40)
        await until(lambda: b.holds(a.own) == 41)
        old = a.own
        sent: list[int] = []
        take = b.held.take

        async def counting(batch: HqBatch, now_ms: int, last_accepted: int | None = None) -> HqAnswer:
            if batch.incarnation == old.incarnation:
                sent.append(len(batch.events))
            return await take(batch, now_ms, last_accepted)

        await store.end("a")
        for kept in ("journal.db", "journal.db-wal"):  # an older copy, which then goes its own way
            if (a.folder / kept).exists():
                shutil.copy(a.folder / kept, tmp_path / kept)
        a = await store.begin("a")
        await a.sell(5)
        await until(lambda: b.holds(old) == 46)
        await store.end("a")
        for kept in ("journal.db", "journal.db-wal", "journal.db-shm"):
            (a.folder / kept).unlink(missing_ok=True)
            if (tmp_path / kept).exists():
                shutil.copy(tmp_path / kept, a.folder / kept)
        a = await store.build("a")
        await a.sell(2)  # before anybody is asked
        b.held.take = counting  # type: ignore[method-assign]
        await store.begin("a")
        await until(lambda: a.own != old and a.desk.states["b"].acked.get(old) == 46)
        told = len(sent)
        for _ in range(3):
            await store.cut("a", "b")
            await until(lambda: not a.desk.states["b"].calling)
            await store.mend("a", "b")
            await a.sell(1)
            await until(lambda: b.holds(a.own) == a.journal.last_seq)
        assert len(sent) == told
        await store.end("b")
        b = await store.begin("b")
        take, b.held.take = b.held.take, counting  # type: ignore[method-assign]
        await until(lambda: len(sent) > told), "its agent is another one now, and so may its disk be"

    play(tmp_path, scene, "a", "b")


def test_a_log_of_which_hq_has_another_branch_or_that_has_two_is_relayed_though_its_author_is_well(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        a.hq = b.hq = True
        await a.sell(4)
        await until(lambda: b.holds(a.own) == 5 and b.desk.states["a"].hq)
        await until(lambda: not b.desk.to_relay)
        b.forked = frozenset({a.own})
        await until(lambda: b.desk.to_relay == b.desk.forked == {a.own})
        b.forked = frozenset()
        await until(lambda: not b.desk.to_relay)
        stranger = sales(3, "c", "i")
        for events in (stranger.events[:6], fork(stranger, 3, "clone", 2).events[6:]):
            await b.held.take(batch(events), 0)
        await until(lambda: b.desk.forked == {("c", "i")})

    play(tmp_path, scene, "a", "b")


def test_what_an_author_has_sent_here_itself_is_not_taken_for_lost_before_its_next_beat(tmp_path: Path) -> None:
    """Else HQ gets each sale once more from every holder, on a line that may be slow."""

    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        a.hq = b.hq = True
        await until(lambda: b.desk.states["a"].hq and b.holds(a.own) == 1 and not b.desk.to_relay)
        old, beaten, beats = a.own, b.desk.beaten, 0

        def says_nothing_new(session: Session, beat: wire.Beat) -> None:
            beaten(session, msgspec.structs.replace(beat, marks=()))

        def counting(session: Session, beat: wire.Beat) -> None:
            nonlocal beats
            beats += 1

        async def full(batch: HqBatch, now_ms: int, last_accepted: int | None = None) -> HqAnswer:
            raise StorageRefused("take", "held.db", "the disk is full")

        b.desk.beaten, a.desk.beaten = says_nothing_new, counting  # type: ignore[method-assign]
        await a.sell(1)
        await until(lambda: b.holds(old) == 2)
        before = beats
        await until(lambda: beats >= before + 3)
        assert not b.desk.to_relay
        await store.end("a")
        for kept in ("journal.db", "journal.db-wal", "journal.db-shm", "held.db", "held.db-wal", "held.db-shm"):
            (a.folder / kept).unlink(missing_ok=True)
        a = await store.build("a")
        a.hq, a.held.take = True, full  # type: ignore[method-assign]
        await store.begin("a")
        await until(lambda: b.desk.to_relay == {old} and b.desk.states["a"].hq), "a new disk has not what the old one sent"

    play(tmp_path, scene, "a", "b")


def test_who_waits_for_our_slow_disk_is_not_taken_for_silent(tmp_path: Path) -> None:
    """Else its kitchen tickets would be printed here as well."""

    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        await until(lambda: b.desk.states["a"].called)
        take, well, waiting = b.held.take, asyncio.Event(), asyncio.Event()

        async def slow(batch: HqBatch, now_ms: int, last_accepted: int | None = None) -> HqAnswer:
            waiting.set()
            await well.wait()
            return await take(batch, now_ms, last_accepted)

        b.held.take = slow  # type: ignore[method-assign]
        await a.sell(1)
        await waiting.wait()
        session, began_s = b.desk.states["a"].called, b.now_s()
        assert session is not None
        await until(lambda: session.heard_s > began_s + SILENT_S or b.desk.states["a"].called is not session)
        assert b.desk.states["a"].called is session
        well.set()
        await until(lambda: b.holds(a.own) == 2)

    play(tmp_path, scene, "a", "b")


def test_who_holds_less_than_it_said_is_asked_anew_how_much(tmp_path: Path) -> None:
    """Its file was damaged while it ran."""

    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        await a.sell(5)
        await until(lambda: b.holds(a.own) == 6)
        await until(lambda: b.own in a.desk.states["b"].marks and a.own in a.desk.states["b"].marks)
        before, marks = a.desk.states["b"].calling, b.held.marks
        b.held.marks = dict  # type: ignore[method-assign]
        await until(lambda: a.desk.states["b"].calling not in (None, before))
        await until(lambda: a.desk.states["b"].acked.get(a.own) == 6)
        b.held.marks = marks  # type: ignore[method-assign]

    play(tmp_path, scene, "a", "b")


def test_whoever_comes_later_learns_all_marks_however_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_MARKS", 4)

    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        await store.end("b")
        logs = [sales(1, "old", f"i{n}") for n in range(14)]
        for log in logs:
            await a.held.take(batch(log.events), 0)
        told = {(log.register, log.incarnation) for log in logs}
        await until(lambda: told <= store["c"].desk.states["a"].marks.keys())
        b = await store.begin("b")
        await until(lambda: told <= b.desk.states["a"].marks.keys())

    play(tmp_path, scene)


def test_one_that_was_let_go_while_it_was_away_learns_so_from_whom_it_calls(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        key = a.keys.signer.key
        await store.end("a")
        await b.keys.take(store.leaving("a"))
        a = await store.begin("a")
        await until(lambda: a.keys.roster.has_left(key))
        await until(lambda: a.desk.states["b"].trouble == "not_a_member")

    play(tmp_path, scene, "a", "b")

"""Registers that keep copies of each other's books."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.replication.registers import Corner, Counter, corner, until

from tillkeeper.contract.envelope import HqAnswer, HqBatch
from tillkeeper.errors import StorageRefused


def play(folder: Path, scene: Callable[[Corner], Awaitable[None]], *names: str) -> None:
    async def run() -> None:
        async with corner(folder, *(names or ("a", "b", "c"))) as store:
            await scene(store)

    asyncio.run(run())


def test_what_one_sells_the_others_hold_and_what_was_cut_off_catches_up(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b, c = store["a"], store["b"], store["c"]
        await a.sell(10)
        await until(lambda: b.holds(a.own) == c.holds(a.own) == 11)
        await store.cut("a", "b")
        await store.cut("a", "c")
        await a.sell(600)
        await b.sell(3)
        await until(lambda: c.holds(b.own) == 4)
        assert b.holds(a.own) == 11
        await store.mend("a", "b")
        await store.mend("a", "c")
        await until(lambda: b.holds(a.own) == c.holds(a.own) == 611 and a.holds(b.own) == 4)
        assert b.all_of(a.own) == c.all_of(a.own) == a.all_of(a.own)

    play(tmp_path, scene)


def test_a_log_reaches_who_is_cut_off_from_its_author_through_a_third(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b, c = store["a"], store["b"], store["c"]
        await store.cut("a", "c")
        await a.sell(300)
        await until(lambda: b.holds(a.own) == 301)
        await until(lambda: c.holds(a.own) == 301)
        assert c.all_of(a.own) == a.all_of(a.own)
        await a.sell(2)  # and goes on doing so
        await until(lambda: c.holds(a.own) == 303)
        assert not c.held.alarms

    play(tmp_path, scene)


def test_a_line_that_swallows_everything_is_given_up_and_called_anew(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        await until(lambda: a.desk.states["b"].calling and b.desk.states["a"].calling)
        for line in await store.between("a", "b"):
            line.hole()
        await a.sell(5)
        await until(lambda: not a.desk.states["b"].calling and not b.desk.states["a"].is_heard(b.now_s()))
        await store.mend("a", "b")
        await until(lambda: b.holds(a.own) == 6)

    play(tmp_path, scene, "a", "b")


def test_an_order_waits_for_a_second_copy_only_while_another_register_can_be_reached(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a = store["a"]
        await until(lambda: a.desk.states["b"].calling)
        for n in range(20):
            await a.sell()
            await a.desk.copies.second(a.own, a.journal.last_seq)
            if a.desk.copies.in_time:
                break
            assert n < 19, "the second copy was never there in time"
        await store.end("b")
        await until(lambda: not a.desk.states["b"].calling)
        late = a.desk.copies.late
        await a.sell()
        await a.desk.copies.second(a.own, a.journal.last_seq)
        assert a.desk.copies.late == late, "nobody is there to wait for"

    play(tmp_path, scene, "a", "b")


def test_who_waits_for_a_second_copy_is_let_go_when_the_last_line_breaks(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a = store["a"]
        await until(lambda: a.desk.states["b"].calling)
        a.desk.copies.wait_s = 3600.0
        for line in await store.between("a", "b"):
            line.hole()
        await a.sell()
        waiting = asyncio.create_task(a.desk.copies.second(a.own, a.journal.last_seq))
        await until(waiting.done)

    play(tmp_path, scene, "a", "b")


def test_the_first_in_the_order_sends_to_everybody_what_it_holds(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        first, *others = (store[name] for name in "abcde")
        await others[-2].sell(3)
        await others[-1].sell(300)
        await until(lambda: all(one.holds(others[-1].own) == 301 for one in (first, *others[:-1])))
        await until(lambda: others[-1].holds(others[-2].own) == 4)
        assert set(first.desk.lines.wanted) == {"b", "c", "d", "e"}
        assert others[-1].desk.lines.wanted == ("a", "b")

    play(tmp_path, scene, *"abcde")


class FullDisk:
    """Holdings whose disk refuses."""

    def __init__(self, counter: Counter) -> None:
        self.take_really, self.refuses = counter.held.take, True
        self.asked = 0
        counter.held.take = self.take  # type: ignore[method-assign]

    async def take(self, batch: HqBatch, now_ms: int, last_accepted: int | None = None) -> HqAnswer:
        self.asked += 1
        if self.refuses:
            raise StorageRefused("take", "held.db", "the disk is full")
        return await self.take_really(batch, now_ms, last_accepted)


def refuses(counter: Counter) -> list[str]:
    return [one.refuses for one in counter.desk.status()]


def test_a_sink_whose_disk_is_full_delays_no_other_and_gets_all_later(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b, c = store["a"], store["b"], store["c"]
        await until(lambda: b.holds(a.own) == 1)
        disk = FullDisk(b)
        await a.sell(50)
        await until(lambda: c.holds(a.own) == 51)
        await until(lambda: disk.asked > 1)
        assert b.holds(a.own) == 1
        assert a.desk.states["b"].calling, "a full disk is no reason to hang up"
        assert refuses(a) == ["storage_refused", ""]
        disk.refuses = False
        await until(lambda: b.holds(a.own) == 51)
        await until(lambda: refuses(a) == ["", ""])

    play(tmp_path, scene)


# --- restored, cloned, twice ---


def copied(folder: Path, to: Path) -> None:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)


def test_a_restored_register_begins_a_new_log_before_it_appends_and_the_old_one_is_kept(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        await a.sell(5)
        old = a.own
        await until(lambda: b.holds(old) == 6)
        await store.end("a")
        copied(a.folder, tmp_path / "backup")
        a = await store.begin("a")
        await a.sell(5)
        await until(lambda: b.holds(old) == 11)
        await store.end("a")
        copied(tmp_path / "backup", a.folder)
        a = await store.build("a")
        assert a.own == old
        assert a.journal.last_seq == 6
        await a.desk.door.ask(5.0)
        await a.renewals.settle()
        assert a.own != old
        assert "holds 11 events" in a.renewals.alarms[0]
        await store.begin("a")
        await a.sell(3)
        await until(lambda: b.holds(a.own) == a.journal.last_seq)
        assert b.holds(old) == 11
        assert not b.held.alarms, "nothing is in conflict: the old log is as it was"

    play(tmp_path, scene, "a", "b")


def test_a_restored_register_that_was_alone_at_its_start_finds_it_out_later(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        await a.sell(5)
        old = a.own
        await until(lambda: b.holds(old) == 6)
        await store.end("a")
        copied(a.folder, tmp_path / "backup")
        a = await store.begin("a")
        await a.sell(5)
        await until(lambda: b.holds(old) == 11)
        await store.end("a")
        copied(tmp_path / "backup", a.folder)
        await store.cut("a", "b")
        a = await store.begin("a")
        await a.sell(2)  # seq 7 and 8, which b holds with other hashes
        await store.mend("a", "b")
        await until(lambda: a.own != old)
        await a.sell(1)
        await until(lambda: b.holds(a.own) == a.journal.last_seq)
        assert b.holds(old) == 11, "what was held first stays in its place"
        await until(lambda: [one for one in b.held.quarantined(0, 100) if one.reason == "forked_log"])
        aside = {(one.envelope.seq, one.envelope.hash) for one in b.held.quarantined(0, 100)}
        assert {(event.seq, event.hash) for event in a.all_of(old)[6:]} <= aside, "and what differs is kept too"

    play(tmp_path, scene, "a", "b")


def test_a_second_live_session_of_one_register_is_refused_and_both_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        await a.sell(3)
        await until(lambda: b.holds(a.own) == 4)
        copied(a.folder, tmp_path / "clone")
        for left in ("held.db.lock", "journal.db.lock"):
            (tmp_path / "clone" / left).unlink(missing_ok=True)
        clone = Counter(tmp_path / "clone", "a", store.names, {"b": store.lines["a", "b"]})
        await clone.open()
        try:
            await clone.start()
            await until(lambda: clone.desk.rival and a.desk.rival and b.desk.states["a"].alarm)
            assert "refuses this machine" in clone.desk.rival
            assert "another machine" in a.desk.rival
            assert "runs twice" in b.desk.status()[0].alarms[0]
            await a.sell(2)
            await until(lambda: b.holds(a.own) == 6)
            assert clone.desk.states["b"].trouble == "two_sessions"
            for _ in range(3):  # it calls again and again
                clone.desk.rival = ""
                await until(lambda: clone.desk.rival)
            said = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
            assert sum("runs twice" in words for words in said) == 1
            assert sum("refused another machine" in words for words in said) == 1
        finally:
            await clone.stop()
            await clone.close()

    play(tmp_path, scene, "a", "b")


def test_a_register_whose_power_was_cut_is_let_in_again_though_its_old_line_was_not_missed(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        await until(lambda: a.desk.states["b"].calling)
        store.lines["a", "b"].hole()  # the old line stays open, and nothing comes over it
        await store.end("a")
        store.lines["a", "b"] = await store.another_line("a", "b")
        a = await store.begin("a")
        await a.sell(1)
        await until(lambda: b.holds(a.own) == a.journal.last_seq)
        assert not b.desk.states["a"].alarm

    play(tmp_path, scene, "a", "b")


def test_a_register_that_has_left_is_shut_out_while_it_talks(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        await until(lambda: a.desk.states["b"].calling and b.desk.states["a"].called)
        await b.keys.take(store.leaving("a"))
        await until(lambda: a.desk.states["b"].trouble == "not_a_member")
        assert "roster" in a.desk.states["b"].error or "left" in a.desk.states["b"].error
        await a.sell(3)
        assert b.holds(a.own) < a.journal.last_seq

    play(tmp_path, scene, "a", "b")


def test_statements_of_the_roster_reach_everybody(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, c = store["a"], store["c"]
        await a.keys.take(store.leaving("b", **{"an-incarnation": 7}))
        await until(lambda: not c.keys.roster.admits(store.keys["b"]))
        assert c.keys.roster.digest == a.keys.roster.digest

    play(tmp_path, scene)


def test_many_registers_keep_lines_to_the_first_two_that_answer(tmp_path: Path) -> None:
    names = ("a", "b", "c", "d", "e")

    async def scene(store: Corner) -> None:
        e = store["e"]
        await until(lambda: {n for n, s in e.desk.states.items() if s.calling} == {"a", "b"})
        await e.sell(4)
        await store.end("a")
        await until(lambda: {n for n, s in e.desk.states.items() if s.calling} == {"b", "c"})
        await until(lambda: store["c"].holds(e.own) == 5)
        await store.begin("a")
        await until(lambda: {n for n, s in e.desk.states.items() if s.calling} == {"a", "b"})
        assert e.desk.finals("e") == {e.own.incarnation: 5}

    play(tmp_path, scene, *names)


def test_nobody_waits_for_a_register_that_is_far_behind(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        await until(lambda: a.desk.states["b"].calling and b.holds(a.own) == 1)
        disk = FullDisk(b)
        await a.sell(200)
        a.desk.copies.wait_s = 3600.0
        await a.desk.copies.second(a.own, a.journal.last_seq)
        disk.refuses = False
        await until(lambda: b.holds(a.own) == a.journal.last_seq)
        await until(lambda: a.desk.states["b"].acked[a.own] == a.journal.last_seq)
        await a.sell(1)
        await a.desk.copies.second(a.own, a.journal.last_seq)
        assert b.holds(a.own) == a.journal.last_seq

    play(tmp_path, scene, "a", "b")

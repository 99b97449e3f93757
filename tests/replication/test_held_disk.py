"""The file of held logs: damage, kills, a full disk, bounds. Whatever happens to it, no copy that can be read is lost, and the
journal beside it goes on."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.hq.world import Log, personal
from tests.journal.shim import FAULTS, NAME
from tests.journal.test_damage import alter_a_type, flip, garbage, truncate, wal
from tests.journal.world import opened as journal_opened
from tests.journal.world import sale
from tests.replication.logs_of_others import STORE, ToyKey, altered, asides, batch, everything, fork, head_of, log_id, sales

from tillkeeper.contract.events import CheckOpened
from tillkeeper.contract.placing import AFTER_LEAVING
from tillkeeper.errors import Overloaded, Refused, StorageRefused
from tillkeeper.journal.faults import JournalLocked, StorageUnreadable
from tillkeeper.replication.held import held as room
from tillkeeper.replication.held.held import HeldLogs
from tillkeeper.replication.model import LogId

NOW = 1_795_000_000_000
KEY = ToyKey()
ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def opened(path: Path, **options: Any) -> AsyncIterator[HeldLogs]:
    given: dict[str, Any] = {"wall_ms": lambda: NOW, "min_free_bytes": 0, "idle_s": 0.05} | options
    async with await HeldLogs.open(path, given.pop("store", STORE), **given) as held:
        yield held


async def until(condition: Callable[[], bool], within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - a file appears, or another thread's doing
            await asyncio.sleep(0.01)


def asides_on_disk(folder: Path) -> list[Path]:
    return sorted(folder.glob("held-set-aside-*.db"))


LOG = sales(400)


async def fill(path: Path) -> None:
    async with opened(path) as held:
        for first in range(0, 1200, 100):
            await held.take(batch(LOG.events[first : first + 100], KEY), NOW)
        await held.take(batch(fork(LOG, 1198, "clone", 1).events[1198:1200], KEY), NOW)


def alter_near_the_end(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE events SET body = replace(body, 'cash', 'cask') WHERE id = (SELECT max(id) - 4 FROM events)")
    connection.close()


def break_a_text(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE events SET body = CAST(x'7BFF7D' AS TEXT) WHERE id = (SELECT max(id) - 4 FROM events)")
    connection.close()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "zero header": lambda path: flip(path, 0),
    "garbage all over": garbage,
    "truncated": truncate,
    "an event altered": alter_near_the_end,
    "a text that is none": break_a_text,
    "a body that is no text": lambda path: alter_a_type(path, "body", 4),
    "last pages": lambda path: flip(path, -4096 * 3, 4096 * 3),
    "a run before met damage": lambda path: path.with_name("held.db.suspect").touch(),
    "a log without its file": lambda path: (wal(path).write_bytes(path.read_bytes()), os.remove(path)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_set_aside_and_filled_again(tmp_path: Path, damage: str) -> None:
    async def scenario() -> None:
        path = tmp_path / "held.db"
        await fill(path)
        DAMAGE[damage](path)
        async with opened(path) as held:
            assert "kept as held-set-aside-" in held.alarms[0]
            await until(lambda: all(aside.with_name(aside.name + ".rescued").exists() for aside in asides_on_disk(tmp_path)))
            rescued = everything(held, log_id(LOG))
            assert rescued == LOG.events[: len(rescued)]
            if damage == "a run before met damage":
                assert len(rescued) == 1200
                assert [aside.envelope.seq for aside in asides(held)] == [1199, 1200]
                assert asides(held)[1].head is not None
            if damage in ("an event altered", "a text that is none"):
                assert len(rescued) == 1195
                assert held.signed_up_to(log_id(LOG), 2000) == head_of(LOG.events[1099], KEY)
            answer = await held.take(batch(LOG.events[900:]), NOW)
            if answer.held_seq < 1200:
                assert answer.held_seq == len(rescued)
                await held.take(batch(LOG.events), NOW)
            assert everything(held, log_id(LOG)) == LOG.events
        async with opened(path) as held:
            assert not [alarm for alarm in held.alarms if "set-aside" in alarm]
            assert everything(held, log_id(LOG)) == LOG.events

    asyncio.run(scenario())


def test_all_that_can_be_read_is_taken_over_also_what_was_erased_or_came_after_leaving(tmp_path: Path) -> None:
    path = tmp_path / "held.db"
    gone = sales(4, "till-2")
    named = Log("till-3")
    name, texts = personal("Zoë")
    phone, more = personal("0151 2345678", "ab" * 16)
    named.add(
        CheckOpened(
            check_id="c1",
            ticket_code="A-1",
            order_type="delivery",
            catalogue_version="v",
            terminal="till-3",
            name=name,
            phone=phone,
        ),
        personal={**texts, **more},
    )

    async def scenario() -> None:
        async with opened(path) as held:
            await held.take(batch(gone.events, KEY), NOW, 7)
            await held.take(batch(named.events), NOW)
            await held.erase([name.digest])
            before = (held.marks(), asides(held))
        path.with_name("held.db.suspect").touch()
        async with opened(path) as held:
            await until(lambda: held.marks() == before[0])
            assert asides(held) == before[1]
            assert {aside.reason for aside in before[1]} == {AFTER_LEAVING}
            assert everything(held, log_id(named)) == [altered(named.events[0], personal=more)]
            await held.take(batch(sales(0, "till-3").events or named.events), NOW)
            assert everything(held, log_id(named))[0].personal == more

    asyncio.run(scenario())


def test_a_file_of_another_store_or_of_a_newer_agent_is_left_whole(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "held.db"
        async with opened(path, store="harbour") as held:
            other = Log("till-1", store="harbour")
            other.sale("c1", 100)
            await held.take(batch(other.events), NOW)
        async with opened(path) as held:
            assert "it is of store harbour" in held.alarms[0]
            await until(lambda: (tmp_path / (asides_on_disk(tmp_path)[0].name + ".rescued")).exists())
            assert held.marks() == {}
            await held.take(batch(LOG.events[:10]), NOW)
            with pytest.raises(JournalLocked):
                async with opened(path):
                    pass
        connection = apsw.Connection(str(path))
        connection.execute("PRAGMA user_version=99")
        connection.close()
        async with opened(path) as held:
            assert "version is 99" in held.alarms[0]
            await until(lambda: len(everything(held, log_id(LOG))) == 10)

    asyncio.run(scenario())


@pytest.mark.parametrize("change", ["at_ms = at_ms + 1", "body = CAST(x'7BFF7D' AS TEXT)"])
def test_damage_met_while_running_begins_a_new_file_at_once(tmp_path: Path, change: str) -> None:
    """Found by reading: a good event of long ago is not what it was. What is before it is taken over, peers send the rest."""

    async def scenario() -> None:
        path = tmp_path / "held.db"
        await fill(path)
        connection = apsw.Connection(str(path))
        connection.execute(f"UPDATE events SET {change} WHERE id & 1099511627775 = 51")
        connection.close()
        async with opened(path) as held:
            assert held.events(log_id(LOG), 100, 50) == LOG.events[100:150]
            with pytest.raises(StorageUnreadable):
                held.events(log_id(LOG), 20, 100)
            with pytest.raises(StorageUnreadable):
                held.events(log_id(LOG), 100, 5)
            await until(lambda: held.marks().get(log_id(LOG)) is not None and held.marks()[log_id(LOG)].seq == 50)
            assert everything(held, log_id(LOG)) == LOG.events[:50]
            assert held.signed_up_to(log_id(LOG), 50) is None
            await held.take(batch(LOG.events), NOW)
            assert everything(held, log_id(LOG)) == LOG.events
            assert [alarm for alarm in held.alarms if "held-set-aside-" in alarm]

    asyncio.run(scenario())


def test_damage_met_while_writing_begins_a_new_file_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "held.db"
        await fill(path)
        async with opened(path) as held:
            with path.open("r+b") as file:
                file.seek(4096)
                file.write(b"\xff" * (path.stat().st_size - 4096))
            refused = False
            for n in range(400):  # until a page is asked for that is not at hand
                try:
                    await held.take(batch(sales(3, f"till-{n}").events), NOW)
                except StorageRefused:
                    refused = True
                    break
            assert refused
            await until(lambda: bool(asides_on_disk(tmp_path)) and held.trouble is None)
            assert (await held.take(batch(LOG.events), NOW)).held_seq == 1200
            assert everything(held, log_id(LOG)) == LOG.events

    asyncio.run(scenario())


def test_a_refusing_disk_holds_up_no_sale_and_is_made_up_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        FAULTS.reset()
        async with opened(tmp_path / "held.db", vfs=NAME) as held, journal_opened(tmp_path / "journal.db") as journal:
            await held.take(batch(LOG.events[:30]), NOW)
            FAULTS.fail_syncs = True
            with pytest.raises(StorageRefused):
                await held.take(batch(LOG.events[30:60]), NOW)
            assert held.trouble is not None
            assert any("nothing is taken from other registers" in alarm for alarm in held.alarms)
            assert (await journal.append(sale("goes on"))).last_seq == 2
            assert everything(held, log_id(LOG)) == LOG.events[:30]
            assert held.marks()[log_id(LOG)].seq == 30
            FAULTS.reset()
            await until(lambda: held.trouble is None)
            assert (await held.take(batch(LOG.events[30:60]), NOW)).held_seq == 60
            assert held.alarms == ()

            FAULTS.may_sync.clear()
            FAULTS.sync_began.clear()
            slow = asyncio.ensure_future(held.take(batch(LOG.events[60:90]), NOW))
            await asyncio.to_thread(FAULTS.sync_began.wait, 10)
            assert (await journal.append(sale("while it waits"))).last_seq == 3
            assert not slow.done()
            assert held.marks()[log_id(LOG)].seq == 60, "what is not synced is not held"
            FAULTS.may_sync.set()
            assert (await slow).held_seq == 90

    asyncio.run(scenario())


def test_the_last_room_on_the_disk_is_left_to_the_journal(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "held.db", min_free_bytes=2**60) as held, journal_opened(tmp_path / "j.db") as journal:
            with pytest.raises(StorageRefused, match="kept for selling"):
                await held.take(batch(LOG.events[:3]), NOW)
            assert (await journal.append(sale("goes on"))).last_seq == 2
            assert held.marks() == {}
        async with opened(tmp_path / "held.db") as held:
            assert (await held.take(batch(LOG.events[:3]), NOW)).held_seq == 3

    asyncio.run(scenario())


def test_what_is_too_large_or_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = Log()
    for n in range(2_001):
        many.raw("odd", str(n))
    big = Log()
    big.raw("odd", "x" * (8 * 2**20))

    async def scenario() -> None:
        FAULTS.reset()
        async with opened(tmp_path / "held.db", vfs=NAME) as held:
            odd = altered(LOG.events[0], register="", seq=1)
            lone = altered(LOG.events[0], body="\ud800")
            for bad, code in ((many, "too_large"), (big, "too_large")):
                with pytest.raises(Refused) as refused:
                    await held.take(batch(bad.events), NOW)
                assert refused.value.code == code
            for event in (odd, lone, altered(LOG.events[0], incarnation="a\nb"), altered(LOG.events[0], register="r" * 201)):
                with pytest.raises(Refused) as refused:
                    await held.take(batch([event]), NOW)
                assert refused.value.code == "bad_identity"
            FAULTS.may_sync.clear()
            FAULTS.sync_began.clear()
            waiting = [asyncio.ensure_future(held.take(batch(LOG.events[:3]), NOW))]
            await asyncio.to_thread(FAULTS.sync_began.wait, 10)
            waiting += [asyncio.ensure_future(held.take(batch(LOG.events[:3]), NOW)) for _ in range(room.MAX_WAITING + 4)]
            await asyncio.sleep(0)
            FAULTS.may_sync.set()
            results = await asyncio.gather(*waiting, return_exceptions=True)
            assert sum(isinstance(result, Overloaded) for result in results) == 5
        with pytest.raises(StorageRefused):
            await held.take(batch(LOG.events[:3]), NOW)
        with pytest.raises(StorageUnreadable):
            held.events(log_id(LOG), 0, 5)

    asyncio.run(scenario())


def test_what_waits_and_what_is_read_at_once_is_bounded_in_bytes(tmp_path: Path) -> None:
    heavy = Log()
    for _ in range(12):
        heavy.raw("odd", "x" * (7 * 2**20))
    heavy.sale("c1", 100)
    poison = Log("till-2")
    for _ in range(3):
        poison.raw("check_closed", "x" * (5 * 2**20))

    async def scenario() -> None:
        async with opened(tmp_path / "held.db") as held:
            waiting = [asyncio.ensure_future(held.take(batch([event]), NOW)) for event in heavy.events[:12]]
            results = await asyncio.gather(*waiting, return_exceptions=True)
            assert [isinstance(result, Overloaded) for result in results] == [False] * 9 + [True] * 3
            for event in heavy.events[9:]:
                await held.take(batch([event]), NOW)
            assert len(held.events(log_id(heavy), 0, 500)) == 1
            assert [event.seq for event in held.events(log_id(heavy), 11, 500)] == [12, 13, 14, 15]
            assert everything(held, log_id(heavy)) == heavy.events
            for event in poison.events:
                await held.take(batch([event]), NOW)
            assert len(held.quarantined(0, 500)) == 1
            assert len(asides(held)) == 3
            assert everything(held, log_id(poison)) == poison.events

    asyncio.run(scenario())


def test_neither_logs_nor_conflicts_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tillkeeper.replication.held.taking.MAX_LOGS", 5)
    monkeypatch.setattr("tillkeeper.replication.held.taking.MAX_REJECTED", 4)

    async def scenario() -> None:
        async with opened(tmp_path / "held.db") as held:
            for n in range(5):
                await held.take(batch(sales(1, "till-1", f"inc-{n}").events), NOW)
            with pytest.raises(Refused) as refused:
                await held.take(batch(sales(1, "till-1", "inc-5").events), NOW)
            assert refused.value.code == "too_many_logs"
            assert (await held.take(batch(sales(1, "till-2", "inc-5").events), NOW)).held_seq == 3
            clone = fork(sales(2, "till-3"), 0, "clone", 2)
            await held.take(batch(sales(2, "till-3").events), NOW)
            answer = await held.take(batch(clone.events), NOW)
            assert [v.verdict for v in answer.verdicts] == ["rejected"] * 4 + ["retryable"] * 2
            assert len(asides(held)) == 4

    asyncio.run(scenario())


_TAKER = """
    import asyncio, sys
    from pathlib import Path
    from tests.replication.logs_of_others import ToyKey, batch, sales
    from tests.replication.test_held_disk import opened

    async def main():
        log = sales(2_000)
        async with opened(Path(sys.argv[1])) as held:
            at = int(sys.argv[2])
            while at < len(log.events):
                answers = await asyncio.gather(
                    *(held.take(batch(log.events[at + n * 5 : at + n * 5 + 5], ToyKey()), 1) for n in range(4))
                )
                at = answers[-1].held_seq
                print(at, flush=True)

    asyncio.run(main())
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_moments_what_was_answered_is_held(tmp_path: Path, seed: int) -> None:
    chance, path = random.Random(seed), tmp_path / "held.db"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "agent", ROOT / "drivers")))}
    told = 0
    log = sales(2_000)
    for _ in range(5):
        command = [sys.executable, "-c", textwrap.dedent(_TAKER), str(path), str(told)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:
            assert child.stdout is not None
            for _ in range(chance.randrange(1, 30)):
                told = int(child.stdout.readline() or told)
            child.send_signal(signal.SIGKILL)
            told = max([told, *map(int, child.stdout.read().split(b"\n")[:-1])])

    async def check() -> None:
        async with opened(path) as held:
            assert held.alarms == ()
            found = everything(held, log_id(log))
            assert len(found) >= told
            assert found == log.events[: len(found)]
            assert held.marks()[LogId("till-1", "inc-1")].head is not None

    asyncio.run(check())


def test_closing_finishes_what_was_accepted_and_leaves_one_file(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "held.db") as held:
            waiting: list[Awaitable[Any]] = [
                asyncio.ensure_future(held.take(batch(LOG.events[n : n + 10]), NOW)) for n in range(0, 100, 10)
            ]
            await asyncio.sleep(0)
            held.events(log_id(LOG), 0, 1)
        assert [(await task).held_seq for task in waiting] == list(range(10, 101, 10))
        assert not (tmp_path / "held.db-wal").exists()

    asyncio.run(scenario())

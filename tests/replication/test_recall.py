"""What a register lost and others tell it: printed things are settled, fired ones come out, keys answer, and nobody else's word
counts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import msgspec
import pytest
from tests.replication.registers import corner, until
from tests.replication.test_orphans import fired, opened, settled

from tillkeeper import clock
from tillkeeper.contract.base import Event
from tillkeeper.contract.chain import personal_digest
from tillkeeper.contract.envelope import HqBatch
from tillkeeper.contract.events import CheckOpened, ModeChanged
from tillkeeper.contract.values import Personal
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Appended, Batch, JobRow, KeptCommand, NewEvent, PersonalText
from tillkeeper.replication.away import last_written_ms
from tillkeeper.replication.peers.lost import MOST_EVENTS, lost_by, own_of
from tillkeeper.replication.recall import Recall
from tillkeeper.spool.adopting import Orphan
from tillkeeper.spool.elsewhere import Outcome
from tillkeeper.spool.model import Job

DAY = "2026-11-22"


def command(key: str, *events: Event, at_ms: int | None = None) -> Batch:
    stamped = tuple(NewEvent(event, DAY, clock.wall_ms() if at_ms is None else at_ms) for event in events)
    return Batch(events=stamped, command=KeptCommand(key, b"", b'{"events":1}', clock.wall_ms()))


class Spool:
    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.adopted: list[str] = []
        self.refuses = 0

    async def adopt(self, tickets: Sequence[Orphan], originator: str) -> tuple[Job, ...]:
        fresh = [one.job for one in tickets if one.job.job_id not in self.adopted]
        self.adopted += [job.job_id for job in fresh]
        return tuple(fresh)

    async def settled_before(self, outcomes: Mapping[str, Outcome]) -> int:
        if self.refuses:
            self.refuses -= 1
            raise StorageRefused("write", "journal", "the disk is full")
        self.outcomes |= outcomes
        return len(outcomes)


class Memory:
    """A journal that has lost all."""

    def __init__(self) -> None:
        self.keys: set[bytes] = set()
        self.has: set[str] = set()

    def job(self, job_id: str) -> JobRow | None:
        return JobRow(job_id, "grill", "queued", 0, False, b"{}") if job_id in self.has else None

    async def append(self, batch: Batch) -> Appended:
        self.keys |= {answer.key_sha256 for answer in batch.answers}
        return Appended(0, "")


@contextlib.asynccontextmanager
async def told(folder: Path, *batches: Batch, known: int = 0) -> AsyncIterator[tuple[HqBatch, ...]]:
    """What register b tells a, which has lost all but the first `known` events of its log."""
    async with corner(folder, "a", "b") as store:
        a, b = store["a"], store["b"]
        for batch in batches:
            await a.journal.append(batch)
        a.desk.notify()
        await until(lambda: b.holds(a.own) == a.journal.last_seq)
        hello = a.desk.door.hello("b")
        own = (mark for mark in hello.marks if known and mark.register == "a")
        marks = tuple(msgspec.structs.replace(mark, seq=known, hash="0") for mark in own)
        yield lost_by(msgspec.structs.replace(hello, marks=marks), "corner", b.desk.heads(), b.library)


def test_what_is_told_is_worked_in_once_however_often_it_comes(tmp_path: Path) -> None:
    async def scenario() -> None:
        sale = command("k1", opened(), fired("j1"), fired("j2"))
        async with told(tmp_path, sale, command("k2", settled("j2"))) as lost:
            spool, memory = Spool(), Memory()
            recall = Recall("a", memory, clock.wall_ms)
            seen: list[tuple[str, str]] = []
            recall.tell_opened(lambda event, day: seen.append((event.ticket_code, day)))
            for _ in range(2):
                recall.learn(lost)
                assert await recall.work_in(spool)
            assert seen == [("B-7", DAY)]
            assert spool.adopted == ["j1"], "fired, and no outcome is known"
            assert spool.outcomes == {"j2": Outcome("confirmed")}
            assert len(memory.keys) == 2
            late: list[CheckOpened] = []
            recall.tell_opened(lambda event, _day: late.append(event))
            assert len(late) == 1, "also what was told before anybody asked"

    asyncio.run(scenario())


def test_of_more_than_can_be_remembered_the_newest_count_and_the_log_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tillkeeper.replication.recall.MAX_EVENTS", 3)  # two sales, and what the log began with

    async def scenario() -> None:
        now_ms = clock.wall_ms()
        sales = [command(f"k{age}", fired(f"j{age}"), at_ms=now_ms - age * 60_000) for age in (4, 3, 2, 1)]
        async with told(tmp_path, *sales) as lost:
            spool = Spool()
            recall = Recall("a", Memory(), clock.wall_ms)
            for _ in range(2):
                recall.learn(lost)
                assert await recall.work_in(spool)
            assert spool.adopted == ["j2", "j1"]
        (said,) = (record.getMessage() for record in caplog.records if record.levelname == "ERROR")
        assert "the oldest 2 are not worked in" in said

    asyncio.run(scenario())


def test_what_others_print_or_the_journal_has_or_is_old_is_left_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        old = command("old", fired("j9"), at_ms=clock.wall_ms() - 8 * 86_400_000)
        async with told(tmp_path, old, command("k1", opened(), fired("j1"), fired("j2"), fired("j3"))) as lost:
            spool, memory = Spool(), Memory()
            memory.has.add("j1")
            recall = Recall("a", memory, clock.wall_ms)
            recall.adopted_elsewhere(("j2",))
            recall.learn(lost)
            assert await recall.work_in(spool)
            assert spool.adopted == ["j3"]
            assert len(memory.keys) == 1

    asyncio.run(scenario())


def test_while_the_disk_refuses_it_is_tried_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with told(tmp_path, command("k1", opened(), fired("j1"))) as lost:
            spool = Spool()
            spool.refuses = 1
            recall = Recall("a", Memory(), clock.wall_ms)
            recall.learn(lost)
            assert not await recall.work_in(spool)
            running = asyncio.create_task(recall.run(spool))
            await until(lambda: spool.adopted)
            running.cancel()
            await asyncio.wait([running])

    asyncio.run(scenario())


def test_what_a_damaged_journal_tells_is_tried_again_without_another_start(tmp_path: Path) -> None:
    """The disk that damaged it may refuse for a while, and is slow to say so: the kitchen waits."""

    class Slow(Spool):
        async def settled_before(self, outcomes: Mapping[str, Outcome]) -> int:
            for _turn in range(10):
                await asyncio.sleep(0)
            return await super().settled_before(outcomes)

    async def scenario() -> None:
        async with told(tmp_path, command("k1", opened(), fired("j1"))) as lost:
            spool = Slow()
            spool.refuses = 1
            recall = Recall("a", Memory(), clock.wall_ms)
            running = asyncio.create_task(recall.run(spool))
            try:
                assert not await recall.work_in_at_once(spool, lost)
                await until(lambda: spool.adopted == ["j1"])
            finally:
                running.cancel()
                await asyncio.wait({running})

    asyncio.run(scenario())


def test_what_was_done_before_is_not_tried_again_after_the_try_that_was_on_when_it_was_told(tmp_path: Path) -> None:
    class Busy(Spool):
        def __init__(self, memory: Memory) -> None:
            super().__init__()
            self.memory, self.tells = memory, 0

        async def settled_before(self, outcomes: Mapping[str, Outcome]) -> int:
            self.tells += 1
            if self.tells == 1:
                return 0  # a printer that is off is being called
            self.memory.has.difference_update(outcomes)
            return await super().settled_before(outcomes)

    async def scenario() -> None:
        async with told(tmp_path, command("k1", opened(), fired("j1"), settled("j1"))) as lost:
            memory = Memory()
            memory.has.add("j1")
            spool = Busy(memory)
            recall = Recall("a", memory, clock.wall_ms)
            recall.learn(lost)
            running = asyncio.create_task(recall.run(spool))
            try:
                await until(lambda: spool.outcomes == {"j1": Outcome("confirmed")})
                assert spool.tells == 2
            finally:
                running.cancel()
                await asyncio.wait({running})

    asyncio.run(scenario())


def test_a_text_that_was_erased_is_not_remembered(tmp_path: Path) -> None:
    async def scenario() -> None:
        digest = personal_digest("00" * 16, "allergic to nuts")
        sale = command("k1", opened(note=Personal(digest=digest)), fired("j1"), fired("j2"))
        texts = (PersonalText(digest, "00" * 16, "allergic to nuts"),)
        async with told(tmp_path, msgspec.structs.replace(sale, personal=texts)) as lost:
            (batch,) = lost
            recall = Recall("a", Memory(), clock.wall_ms)
            recall.learn((msgspec.structs.replace(batch, events=batch.events[:-1]),))
            assert await recall.work_in(Spool())
            assert recall.texts == {digest: "allergic to nuts"}
            recall.forget({digest})
            assert recall.texts == {}
            recall.learn(lost)
            spool = Spool()
            assert await recall.work_in(spool)
            assert spool.adopted == ["j1", "j2"]
            assert recall.texts == {}, "nor with what comes later"

    asyncio.run(scenario())


def test_only_what_is_missing_is_told_and_at_most_the_newest(tmp_path: Path) -> None:
    async def scenario() -> None:
        changes = tuple(ModeChanged(mode="online", previous="offline", cause=str(n)) for n in range(MOST_EVENTS + 50))
        async with told(tmp_path, command("k", *changes), known=MOST_EVENTS) as (batch,):
            assert [event.seq for event in batch.events] == list(range(MOST_EVENTS + 1, MOST_EVENTS + 52))
        async with told(tmp_path / "all", command("k", *changes)) as (batch,):
            assert len(batch.events) == MOST_EVENTS
            assert batch.events[-1].seq == MOST_EVENTS + 51

    asyncio.run(scenario())


def test_nobody_but_the_register_itself_speaks_for_its_past(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with told(tmp_path, command("k1", opened(), fired("j1"))) as (batch,):
            assert batch.head is not None
            keys = frozenset({batch.head.key})
            assert own_of((batch,), "corner", "a", keys) == (batch,)
            replace = msgspec.structs.replace
            first, *rest = batch.events
            forged = (
                replace(batch, head=None),
                replace(batch, store="another"),
                replace(batch, register="b"),
                replace(batch, events=()),
                replace(batch, events=batch.events[:-1]),
                replace(batch, events=(first, *rest[1:])),
                replace(batch, events=(replace(first, body="{}"), *rest)),
                replace(batch, events=(replace(first, register="b"), *rest)),
                replace(batch, head=replace(batch.head, signature="00" * 64)),
            )
            for one in forged:
                assert own_of((one,), "corner", "a", keys) == ()
            assert own_of((batch,), "corner", "a", frozenset()) == ()

    asyncio.run(scenario())


def test_when_a_register_wrote_something_last_is_told_by_its_newest_stamp(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with await Journal.open(
            tmp_path / "journal.db", "s", "a", wall_ms=clock.wall_ms, new_id=clock.new_id, machine_id="m"
        ) as journal:
            assert last_written_ms(journal) == 0, "it has only just begun"
            await journal.append(command("k", fired("j1"), at_ms=7_000))
            await journal.append(command("l", fired("j2"), at_ms=5_000))
            assert last_written_ms(journal) == 7_000

    asyncio.run(scenario())

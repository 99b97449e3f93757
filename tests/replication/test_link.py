"""The link to HQ as a running task: what goes over the line, when, and what is said about it."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from tests.replication.world import REGISTER, STORE, BadLine, HonestHq, MemoryLogs, MemoryTill, event

from tillkeeper.config.model import Hq
from tillkeeper.contract.envelope import Envelope, EventVerdict, HqAnswer, HqBatch, SignedHead
from tillkeeper.journal.faults import StorageUnreadable
from tillkeeper.replication.cursors import MAX_EVENTS
from tillkeeper.replication.hq import HqLink
from tillkeeper.replication.link import LinkStatus
from tillkeeper.replication.model import LogId
from tillkeeper.replication.trouble import SinkTrouble

DEADLINE_S = 20.0


class Run:
    """A link that runs, and a way to wait for what it says."""

    def __init__(self, logs: MemoryLogs, line: BadLine, beat_s: float) -> None:
        self.logs, self.line = logs, line
        self.till = MemoryTill(logs)
        self.news = asyncio.Event()
        config = Hq(url="http://hq", beat_s=beat_s)
        self.told: list[tuple[LogId, str]] = []
        self.link = HqLink(
            logs, logs, config, line, self.till, store=STORE, chance=random.Random(1), changed=self.news.set,
            conflict=lambda log, reason: self.told.append((log, reason)),
        )

    def sell(self, count: int = 1) -> None:
        self.logs.sell(count)
        self.link.notify()

    async def until(self, seen: Callable[[LinkStatus], bool]) -> LinkStatus:
        async with asyncio.timeout(DEADLINE_S):
            while not seen(status := self.link.status()):
                self.news.clear()
                await self.news.wait()
        return status

    async def synced(self) -> LinkStatus:
        return await self.until(lambda s: s.unsynced == 0 and s.last_ok_s is not None and not s.trouble)


@contextlib.asynccontextmanager
async def linked(logs: MemoryLogs, line: BadLine, beat_s: float = 3600.0) -> AsyncIterator[Run]:
    run = Run(logs, line, beat_s)
    task = asyncio.create_task(run.link.run())
    try:
        yield run
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert line.is_closed


def play(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scene)


def test_new_events_go_out_at_once_not_with_the_beat() -> None:
    async def scene() -> None:
        async with linked(MemoryLogs(), BadLine(HonestHq())) as run:
            await run.synced()
            run.sell(3)
            status = await run.synced()
            assert status.logs[0].acked == status.logs[0].held_seq == 3
            assert run.till.numbers == {"now-1": 1}

    play(scene())


def test_it_beats_while_nothing_happens() -> None:
    async def scene() -> None:
        line = BadLine(HonestHq())
        async with linked(MemoryLogs(2), line, beat_s=0.01) as run:
            first = await run.synced()
            await run.until(lambda s: (s.last_ok_s or 0) > (first.last_ok_s or 0))
        assert line.sent[-1].events == ()

    play(scene())


def test_logs_of_older_incarnations_are_sent_too() -> None:
    async def scene() -> None:
        hq = HonestHq()
        async with linked(MemoryLogs(5, old=1200, older=7), BadLine(hq)) as run:
            await run.synced()
        assert {name: len(rows) for name, rows in hq.logs.items()} == {"now": 5, "old": 1200, "older": 7}
        assert all(len(batch.events) <= MAX_EVENTS for batch in run.line.sent)

    play(scene())


def test_a_restart_goes_on_where_the_last_one_stopped() -> None:
    async def scene() -> None:
        logs, hq = MemoryLogs(50), HonestHq()
        async with linked(logs, BadLine(hq)) as run:
            await run.synced()
        logs.sell(2)
        async with linked(logs, BadLine(hq)) as again:
            assert again.link.status().unsynced == 2
            await again.synced()
        assert [e.seq for batch in again.line.sent for e in batch.events] == [51, 52]

    play(scene())


@pytest.mark.parametrize("seed", range(5))
def test_a_bad_line_costs_time_and_nothing_else(seed: int) -> None:
    async def scene() -> None:
        logs, hq = MemoryLogs(30, old=40), HonestHq()
        line = BadLine(hq, seed, 0.5)
        async with linked(logs, line) as run:
            for _ in range(5):
                run.sell(4)
                run.link.poke()
                line.answered.clear()
                async with asyncio.timeout(DEADLINE_S):
                    await line.answered.wait()
            line.bad = 0.0
            run.link.poke()
            await run.synced()
        assert set(hq.effects.values()) == {1}
        assert len(hq.effects) == 90
        assert run.till.numbers == hq.numbers

    play(scene())


def test_a_refused_cursor_write_is_made_up_for() -> None:
    async def scene() -> None:
        logs, hq = MemoryLogs(4), HonestHq()
        logs.refuses = True
        async with linked(logs, BadLine(hq)) as run:
            status = await run.until(lambda s: s.trouble == "storage_refused")
            assert (status.unsynced, run.till.numbers) == (4, {})
            assert status.uplink.last_failure_s is None  # HQ answers; the trouble is our own
            logs.refuses = False
            run.link.poke()
            await run.synced()
            assert run.till.numbers == {"now-1": 1, "now-4": 2}
        assert set(hq.effects.values()) == {1}

    play(scene())


def test_an_hq_that_holds_more_raises_an_alarm_and_is_sent_nothing() -> None:
    async def scene() -> None:
        line = BadLine(HonestHq())
        line.says = lambda batch: HqAnswer(99, tuple(EventVerdict(e.seq, "stored") for e in batch.events))
        async with linked(MemoryLogs(5), line, beat_s=0.01) as run:
            status = await run.until(lambda s: bool(s.alarms))
            assert "restored copy" in status.alarms[0]
            seen = len(line.sent)
            run.sell()
            await run.until(lambda _: len(line.sent) > seen + 3)
        assert all(batch.events == () for batch in line.sent)

    play(scene())


def test_an_hq_that_lost_its_disk_is_filled_again_and_it_is_said() -> None:
    async def scene() -> None:
        logs, hq = MemoryLogs(20), HonestHq()
        async with linked(logs, BadLine(hq), beat_s=0.01) as run:
            await run.synced()
            numbers = dict(run.till.numbers)
            hq.logs.clear()
            hq.effects.clear()
            alarmed = await run.until(lambda s: bool(s.alarms))
            assert "being sent again" in alarmed.alarms[0]
            status = await run.until(lambda s: not s.alarms and s.unsynced == 0)
            assert status.logs[0].held_seq == 20
            assert run.till.numbers == numbers
        assert len(hq.effects) == 20

    play(scene())


def test_rejected_events_are_counted_and_delay_nothing() -> None:
    async def scene() -> None:
        logs, hq = MemoryLogs(9), HonestHq()
        hq.poison = {"now-2", "now-5"}
        async with linked(logs, BadLine(hq)) as run:
            status = await run.until(lambda s: s.unsynced == 0)
            assert status.logs[0].rejected == 2
        async with linked(logs, BadLine(hq)) as again:
            assert (await again.synced()).logs[0].rejected == 2

    play(scene())


def test_a_batch_that_is_refused_as_a_whole_is_halved() -> None:
    play(through_a_line_for_few(12, 3, SinkTrouble("batch_refused", "hq", "HTTP 413: too large")))


def test_a_batch_that_takes_longer_than_there_is_time_for_is_halved() -> None:
    """A line of 64 kbit/s, or an HQ on a busy machine: offered whole again and again it would never get through."""
    play(through_a_line_for_few(140, 40, SinkTrouble("timeout", "hq", "no answer within 3 s")))


async def through_a_line_for_few(events: int, most: int, trouble: SinkTrouble) -> None:
    hq, line = HonestHq(), BadLine(HonestHq())

    def picky(batch: HqBatch) -> HqAnswer:
        if len(batch.events) > most:
            raise trouble
        return hq.take(batch)

    line.says = picky
    async with linked(MemoryLogs(events), line) as run:
        async with asyncio.timeout(DEADLINE_S):
            while run.link.status().unsynced:
                run.link.poke()
                run.news.clear()
                await run.news.wait()
    assert len(hq.effects) == events


def test_failures_are_named_and_a_poke_ends_the_backoff() -> None:
    async def scene() -> None:
        logs, line = MemoryLogs(1), BadLine(HonestHq())

        def dead(_batch: HqBatch) -> HqAnswer:
            raise SinkTrouble("unreachable", "hq", "connection refused")

        line.says = dead
        async with linked(logs, line) as run:
            status = await run.until(lambda s: s.trouble == "unreachable")
            assert (status.last_error, status.last_ok_s) == ("connection refused", None)
            assert status.uplink.last_failure_s is not None
            assert status.uplink.error == "connection refused"
            line.says = None
            run.link.poke()
            assert (await run.synced()).last_error == ""

    play(scene())


class Holder(MemoryLogs):
    """Holds the log "c" of another register too, signed at every seventh event, as long as it can be read."""

    theirs = LogId("till-2", "c")
    unreadable = forked = False
    relays = True

    def is_forked(self, _log: LogId) -> bool:
        return self.forked

    def hold(self, count: int) -> None:
        self.rows["c"] = [event("c", n) for n in range(1, count + 1)]

    def heads(self) -> dict[LogId, int]:
        own = {log: head for log, head in super().heads().items() if log.incarnation != "c"}
        return own | ({self.theirs: len(self.rows["c"])} if self.relays else {})

    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]:
        if log == self.theirs and self.unreadable:
            raise StorageUnreadable("read", "held.db", "it begins anew")
        return super().events(log, after_seq, limit)

    def head_for(self, log: LogId, up_to_seq: int) -> SignedHead | None:
        seq = up_to_seq - up_to_seq % 7 if not self.forked else max(n for n in (0, 6, 14, 21) if n <= up_to_seq)
        return SignedHead(STORE, *log, seq, f"c-{seq}", "key", "signature") if log == self.theirs else None


def test_a_log_held_for_another_is_relayed_up_to_a_signed_place() -> None:
    async def scene() -> None:
        logs, hq = Holder(5), HonestHq()
        logs.hold(1_005)
        hq.take(HqBatch(STORE, "till-2", "c", tuple(logs.rows["c"][:14])))
        async with linked(logs, BadLine(hq)) as run:
            await run.until(lambda _: len(hq.logs["c"]) == 1_001)
            status = await run.until(lambda s: any(log.relayed and log.note for log in s.logs))
            assert status.unsynced == 0
            assert status.behind == 4, "its last four are not signed yet"
            assert not status.trouble
            run.sell(3)
            await run.until(lambda _: len(hq.logs["now"]) == 8)
        relayed = [batch for batch in run.line.sent if batch.register == "till-2"]
        assert relayed[0].events == (), "it was asked first"
        assert [event.seq for event in relayed[1].events] == [14], "then whether that is this log"
        assert relayed[2].events[0].seq == 15
        assert all(batch.head is not None and batch.head.seq == batch.events[-1].seq for batch in relayed if batch.events)
        assert "hq.cursor.c" not in logs.settings

    play(scene())


def test_of_a_log_that_was_forked_the_branch_that_the_sink_lacks_is_relayed_from_its_beginning() -> None:
    """As after a clone whose disk was lost: nobody else has this branch any more."""

    async def scene(there: int) -> None:
        logs, hq = Holder(2), HonestHq()
        logs.hold(21)
        other = [*logs.rows["c"][:7], *(event("c", n, "clone") for n in range(8, there + 1))]
        hq.take(HqBatch(STORE, "till-2", "c", tuple(other)))
        async with linked(logs, BadLine(hq)) as run:
            await run.until(lambda s: s.behind == 0 and any(log.relayed and log.acked == 21 for log in s.logs))
        sent = {e.hash for batch in run.line.sent for e in batch.events}
        assert {f"c-{n}" for n in range(8, 22)} <= sent, "all that differs"

    for there in (10, 14, 21, 40):
        play(scene(there))


def test_of_a_log_with_breaks_in_it_all_is_relayed_though_the_sink_has_its_end() -> None:
    async def scene() -> None:
        logs, hq = Holder(2), HonestHq()
        logs.hold(21)
        theirs = tuple(logs.rows["c"])
        logs.rows["c"][6:14] = [event("c", n, "clone") for n in range(7, 15)]
        logs.forked = True
        hq.take(HqBatch(STORE, "till-2", "c", theirs))
        async with linked(logs, BadLine(hq)) as run:
            await run.until(lambda s: any(log.relayed and log.acked == 21 for log in s.logs))
        batches = [[e.seq for e in batch.events] for batch in run.line.sent if batch.register == "till-2" and batch.events]
        assert batches == [list(range(1, 7)), list(range(7, 15)), list(range(15, 22))], "no signature covers a break"

    play(scene())


def test_hq_that_lost_its_data_gets_the_logs_too_that_are_written_no_more() -> None:
    async def scene() -> None:
        logs, hq = MemoryLogs(5, old=700), HonestHq()
        async with linked(logs, BadLine(hq), beat_s=0.05) as run:
            await run.synced()
            hq.logs.clear()
            await run.until(lambda _: len(hq.logs.get("old", ())) == 700 and len(hq.logs.get("now", ())) == 5)
        hq.logs.clear()
        async with linked(logs, BadLine(hq)) as again:
            await again.until(lambda _: len(hq.logs.get("old", ())) == 700)

    play(scene())


def test_a_log_that_is_not_to_be_relayed_any_more_while_its_answer_is_awaited_ends_nothing() -> None:
    async def scene() -> None:
        logs, hq = Holder(2), HonestHq()
        logs.hold(14)
        line = BadLine(hq)

        def meanwhile(batch: HqBatch) -> HqAnswer:
            if batch.register != REGISTER:
                logs.relays = False
                run.link.status()  # as a page asks for it
            return hq.take(batch)

        line.says = meanwhile
        async with linked(logs, line) as run:
            await run.until(lambda _: not logs.relays)
            run.sell(3)
            await run.until(lambda _: len(hq.logs["now"]) == 5)

    play(scene())


def test_a_relay_that_is_refused_or_can_not_be_read_holds_back_nothing_of_its_own() -> None:
    async def scene() -> None:
        logs, hq = Holder(5), HonestHq()
        logs.hold(14)
        line = BadLine(hq)

        def strict(batch: HqBatch) -> HqAnswer:
            if batch.register != REGISTER:
                raise SinkTrouble("credentials_refused", "hq", "HTTP 403: not your register")
            return hq.take(batch)

        line.says = strict
        async with linked(logs, line) as run:
            status = await run.until(lambda s: any(log.note for log in s.logs))
            assert not status.trouble
            run.sell(3)
            await run.until(lambda _: len(hq.logs["now"]) == 8)
            line.says, logs.unreadable = None, True
            run.link.poke()
            status = await run.until(lambda s: any("begins anew" in log.note for log in s.logs))
            assert not status.trouble
            logs.unreadable = False
            run.link.poke()
            await run.until(lambda _: len(hq.logs["c"]) == 14)
            logs.relays = False  # its author is back
            run.link.notify()
            status = await run.until(lambda s: not any(log.relayed for log in s.logs))
            assert status.behind == 0

    play(scene())


def test_a_conflict_of_the_own_log_is_told_and_the_rest_of_an_old_one_goes_out() -> None:
    async def scene() -> None:
        logs, hq = MemoryLogs(5, old=6), HonestHq()
        hq.take(HqBatch(STORE, REGISTER, "old", tuple(event("old", n, "x" if n > 4 else "") for n in range(1, 9))))
        async with linked(logs, BadLine(hq)) as run:
            await run.synced()
            assert {e.seq for b in run.line.sent for e in b.events if b.incarnation == "old"} == set(range(1, 7))
            assert run.told == []
            hq.logs["now"] += ["another's"] * 3
            run.link.poke()
            await run.until(lambda _: bool(run.told))
            assert run.told[0] == (LogId(REGISTER, "now"), "restored_copy")
            run.sell(2)

    play(scene())

"""What every holder of others' logs does, on the disk and in memory alike."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from tests.hq.world import Log, personal
from tests.replication.logs_of_others import (
    STORE,
    ToyKey,
    altered,
    asides,
    batch,
    everything,
    fork,
    good,
    head_of,
    log_id,
    money,
    rehashed,
    sales,
)
from tests.replication.memory_holdings import MemoryHoldings

from tillkeeper.contract.envelope import HqAnswer, HqBatch
from tillkeeper.contract.events import CheckOpened
from tillkeeper.contract.placing import AFTER_LEAVING, BROKEN, FORKED, POISON
from tillkeeper.errors import Refused
from tillkeeper.replication.held.held import HeldLogs
from tillkeeper.replication.model import Holdings, LogId, Mark

NOW = 1_795_000_000_000
KEY = ToyKey()
Opener = Callable[[], AbstractAsyncContextManager[Holdings]]


@pytest.fixture(params=["disk", "memory"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Called again it opens the same holdings, as after a restart."""
    memory = MemoryHoldings(STORE)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Holdings]:
        if request.param == "memory":
            yield memory
            return
        async with await HeldLogs.open(tmp_path / "held.db", STORE, wall_ms=lambda: NOW, min_free_bytes=0) as held:
            yield held

    return opened


def verdicts(answer: HqAnswer) -> list[tuple[int, str, str]]:
    return [(v.seq, v.verdict, v.reason) for v in answer.verdicts]


def run(opener: Opener, scenario: Callable[[Holdings], object]) -> None:
    async def opened() -> None:
        async with opener() as held:
            await scenario(held)  # type: ignore[misc]

    asyncio.run(opened())


def test_a_log_is_held_byte_for_byte_over_a_restart(opener: Opener) -> None:
    log = sales(5)
    log.raw("robot_waiter_dispatched", '{ "b" : 1.50,\t"a":"\\u00e9 é 漢", "b":2 }')
    log.raw("check_closed", '{"meaning":"changed"}', version=2)

    async def first(held: Holdings) -> None:
        assert held.marks() == {}
        assert held.events(log_id(log), 0, 10) == []
        answer = await held.take(batch(log.events[:7]), NOW)
        assert (answer.held_seq, answer.hq_time_ms, answer.numbers) == (7, NOW, ())
        assert {v for _, v, _ in verdicts(answer)} == {"stored"}
        assert (await held.take(batch(log.events[5:]), NOW)).held_seq == 17

    async def second(held: Holdings) -> None:
        assert everything(held, log_id(log)) == log.events
        assert held.events(log_id(log), 3, 2) == log.events[3:5]
        assert held.events(log_id(log), 17, 5) == []
        assert held.marks() == {log_id(log): Mark("till-1", "inc-1", 17, log.events[-1].hash)}
        assert (await held.take(HqBatch(STORE, "till-1", "inc-1"), NOW)).held_seq == 17
        assert (await held.take(HqBatch(STORE, "till-1", "inc-9"), NOW)).held_seq == 0
        assert list(held.marks()) == [log_id(log)], "asking is no log"
        assert held.alarms == ()

    run(opener, first)
    run(opener, second)


def test_the_same_again_changes_nothing_and_a_gap_waits(opener: Opener) -> None:
    log = sales(4)

    async def scenario(held: Holdings) -> None:
        early = await held.take(batch(log.events[3:]), NOW)
        assert early.held_seq == 0
        assert {v for _, v, _ in verdicts(early)} == {"retryable"}
        first = await held.take(batch(log.events), NOW)
        again = await held.take(batch(log.events), NOW)
        assert verdicts(first) == verdicts(again)
        backwards = await held.take(batch(log.events[::-1]), NOW)
        assert {v for _, v, _ in verdicts(backwards)} == {"stored"}
        assert everything(held, log_id(log)) == log.events
        assert asides(held) == []

    run(opener, scenario)


def test_what_is_wrong_is_kept_apart_for_ever_and_delays_nothing(opener: Opener) -> None:
    trunk = sales(3)
    clone = fork(trunk, 4, "clone", 2)
    poison = rehashed(trunk.events[0], body="{", seq=1)
    spoiled = Log("till-2")
    spoiled.raw("check_closed", "not json")
    spoiled.sale("c9", 500)
    broken = [*sales(2, "till-3").events]
    broken[2] = altered(broken[2], body=broken[2].body + " ", at_ms=2**60, version=-3)

    async def first(held: Holdings) -> None:
        await held.take(batch(trunk.events), NOW)
        answer = await held.take(batch(clone.events), NOW + 1)
        assert verdicts(answer)[4:] == [(n, "rejected", FORKED) for n in (5, 6, 7, 8, 9)] + [(10, "rejected", BROKEN)]
        assert verdicts(await held.take(batch(spoiled.events), NOW + 2))[0] == (1, "rejected", POISON)
        assert (await held.take(batch(broken), NOW + 3)).held_seq == 6
        assert verdicts(await held.take(batch([poison]), NOW)) == [(1, "rejected", FORKED)]

    async def second(held: Holdings) -> None:
        for events in (clone.events, spoiled.events, broken, [poison]):
            await held.take(batch(events), NOW + 9)
        found = asides(held)
        assert [(a.reason, a.envelope.seq, a.in_log, a.received_ms) for a in found] == [
            *((FORKED, n, False, NOW + 1) for n in (5, 6, 7, 8, 9)),
            (BROKEN, 10, True, NOW + 1),
            (POISON, 1, True, NOW + 2),
            (BROKEN, 3, True, NOW + 3),
            (FORKED, 1, False, NOW),
        ]
        assert [a.n for a in found] == sorted({a.n for a in found})
        assert [a.envelope for a in found] == [*clone.events[4:], spoiled.events[0], broken[2], poison]
        assert everything(held, LogId("till-3", "inc-1")) == broken, "in its place, as it came"
        assert everything(held, log_id(spoiled)) == spoiled.events
        assert len(held.alarms) == 3

    run(opener, first)
    run(opener, second)


def test_signatures_are_kept_where_they_were_given(opener: Opener) -> None:
    log = sales(5)
    clone = fork(log, 6, "clone", 1)

    async def first(held: Holdings) -> None:
        for first, last in ((0, 4), (4, 9), (9, 11)):
            await held.take(batch(log.events[first:last], KEY), NOW)
        await held.take(batch(log.events[11:13]), NOW)
        await held.take(batch(clone.events[6:9], KEY), NOW)
        too_early = batch(log.events[14:], KEY)
        assert {v for _, v, _ in verdicts(await held.take(too_early, NOW))} == {"retryable"}

    async def second(held: Holdings) -> None:
        places = [held.signed_up_to(log_id(log), n) for n in (3, 4, 8, 9, 10, 11, 500)]
        assert [head and head.seq for head in places] == [None, 4, 4, 9, 9, 11, 11]
        assert places[1] == head_of(log.events[3], KEY)
        assert held.marks()[log_id(log)] == Mark("till-1", "inc-1", 13, log.events[12].hash, head_of(log.events[10], KEY))
        assert held.signed_up_to(LogId("till-1", "other"), 5) is None
        assert [a.head for a in asides(held)] == [None, None, head_of(clone.events[8], KEY)]
        await held.take(batch(log.events[9:], KEY), NOW)
        last = held.signed_up_to(log_id(log), 500)
        assert last == head_of(log.events[14], KEY)
        assert held.marks()[log_id(log)].head == last

    run(opener, first)
    run(opener, second)


def test_personal_texts_are_kept_beside_and_an_erased_one_does_not_come_back(opener: Opener) -> None:
    log, clone = Log(), Log()
    name, texts = personal("Zoë")
    phone, more = personal("0151 2345678", "ab" * 16)
    for one, check in ((log, "c1"), (clone, "c2")):
        fields = {"ticket_code": "A-1", "order_type": "delivery", "catalogue_version": "v", "terminal": "till-1"}
        one.add(CheckOpened(check_id=check, name=name, phone=phone, **fields), personal={**texts, **more, "0" * 64: ("s", "x")})  # type: ignore[arg-type]

    async def scenario(held: Holdings) -> None:
        await held.take(batch(log.events), NOW)
        await held.take(batch(clone.events), NOW)
        assert everything(held, log_id(log))[0].personal == {**texts, **more}
        assert asides(held)[0].envelope.personal == {**texts, **more}
        assert await held.erase([name.digest, "1" * 64]) == 1
        assert await held.erase([name.digest]) == 0

    async def again(held: Holdings) -> None:
        assert everything(held, log_id(log))[0].personal == more
        assert asides(held)[0].envelope.personal == more
        await held.take(batch(log.events), NOW)
        late = sales(0, "till-2")
        fields = {"ticket_code": "A-1", "order_type": "delivery", "catalogue_version": "v", "terminal": "till-1"}
        late.add(CheckOpened(check_id="c3", name=name, **fields), personal=texts)  # type: ignore[arg-type]
        await held.take(batch(late.events), NOW)
        assert everything(held, log_id(late)) == [altered(late.events[0], personal={})]

    run(opener, scenario)
    run(opener, again)


def test_after_leaving_nothing_counts(opener: Opener) -> None:
    log = sales(2)

    async def scenario(held: Holdings) -> None:
        answer = await held.take(batch(log.events), NOW, 4)
        assert [(v, r) for _, v, r in verdicts(answer)[3:]] == [("stored", ""), *[("rejected", AFTER_LEAVING)] * 2]
        assert good(held, log_id(log)) == log.events[:4]
        assert everything(held, log_id(log)) == log.events
        assert (held.rejected(log_id(log), 0, 6), held.rejected(log_id(log), 5, 6)) == ({5, 6}, {6})
        assert not held.rejected(LogId("till-9", "x"), 0, 6)

    run(opener, scenario)


def test_what_is_of_another_store_or_log_is_refused_as_a_whole(opener: Opener) -> None:
    log = sales(1)
    foreign = Log("till-1", store="harbour")
    foreign.sale("c1", 100)

    async def scenario(held: Holdings) -> None:
        smuggled = HqBatch(STORE, "till-2", "inc-1", tuple(log.events))
        for bad in (batch(foreign.events), smuggled):
            with pytest.raises(Refused) as refused:
                await held.take(bad, NOW)
            assert refused.value.code == "bad_identity"
        assert held.marks() == {}

    run(opener, scenario)


@pytest.mark.parametrize("seed", range(6))
def test_disk_and_memory_agree_about_everything(tmp_path: Path, seed: int) -> None:
    """Pieces of several logs and their forks, cut, doubled, shuffled, spoiled, signed or not; the agent restarts."""
    chance = random.Random(seed)
    trunks = [sales(chance.randint(2, 6), register) for register in ("till-1", "till-2")]
    logs = [*trunks, *(fork(log, chance.randrange(len(log.events)), f"clone-{n}", 2) for n, log in enumerate(trunks * 2))]
    for log in logs[:3]:
        at = chance.randrange(len(log.events))
        log.events[at] = altered(log.events[at], body="{}")
    sent: dict[bytes, None] = {}

    async def scenario() -> None:
        memory = MemoryHoldings(STORE)
        for _ in range(4):
            async with await HeldLogs.open(tmp_path / "held.db", STORE, wall_ms=lambda: NOW, min_free_bytes=0) as held:
                pieces = []
                for n in range(25):
                    events = chance.choice(logs).events
                    first = chance.randrange(len(events))
                    piece = events[first : first + chance.randint(1, 8)]
                    if chance.random() < 0.3:
                        chance.shuffle(piece)
                    pieces.append((batch(piece, KEY if chance.random() < 0.6 else None), NOW + n))
                answers = await asyncio.gather(*(held.take(piece, now) for piece, now in pieces))
                for (piece, now), answer in zip(pieces, answers, strict=True):
                    assert await memory.take(piece, now) == answer
                    kept = {v.seq for v in answer.verdicts if v.verdict != "retryable"}
                    sent.update((msgspec.json.encode(e), None) for e in piece.events if e.seq in kept)
                assert held.marks() == memory.marks()
                assert asides(held) == asides(memory)
                for log in memory.marks():
                    events = everything(held, log)
                    assert events == everything(memory, log)
                    assert [e.seq for e in events] == list(range(1, held.marks()[log].seq + 1)), "who holds n holds 1..n"
                    for seq in range(len(events) + 2):
                        assert held.signed_up_to(log, seq) == memory.signed_up_to(log, seq)
                    bad = {e.seq for e in events} - {e.seq for e in good(memory, log)}
                    for after, last in ((0, len(events) + 2), (1, len(events) - 1), (2, 2)):
                        there = {seq for seq in bad if after < seq <= last}
                        assert held.rejected(log, after, last) == memory.rejected(log, after, last) == there
        books = money([e for log in memory.marks() for e in good(memory, log)])
        for account, amount in money([a.envelope for a in asides(memory)]).items():
            books[account] = books.get(account, 0) + amount
        assert books == money([msgspec.json.decode(e, type=type(logs[0].events[0])) for e in sent])

    asyncio.run(scenario())


def test_equal_marks_mean_equal_events_also_where_events_of_two_machines_are_in_a_log(opener: Opener) -> None:
    """A hash vouches for what is before it as far as the chain goes, and three branches may have one end."""
    trunk = sales(6)
    clones = [fork(trunk, at, name, 2) for at, name in ((6, "one"), (6, "two"), (9, "three"))]

    async def hold(held: Holdings, before: Log, upto: int) -> Mark:
        for first in range(0, upto, 3):
            await held.take(batch(before.events[first : first + 3], KEY), NOW)
        for first in range(upto, 18, 3):  # from here on what the trunk's author sends
            await held.take(batch(trunk.events[first : first + 3], KEY), NOW)
        return held.marks()[log_id(trunk)]

    async def scenario() -> None:
        found = []
        for before, upto in ((trunk, 12), (clones[0], 12), (clones[1], 12), (clones[2], 12), (clones[0], 9), (clones[0], 12)):
            held = MemoryHoldings(STORE)
            found.append((await hold(held, before, upto), tuple(everything(held, log_id(trunk)))))
        assert {(mark.seq, mark.hash) for mark, _ in found} == {(18, trunk.events[-1].hash)}
        for one, events in found:
            assert [one.breaks == other.breaks for other, _ in found] == [events == theirs for _, theirs in found]
        assert found[0][0].breaks == ""

        async with opener() as held:
            mark = await hold(held, clones[0], 12)
            assert mark == found[1][0]
        async with opener() as held:
            assert held.marks()[log_id(trunk)] == mark

    asyncio.run(scenario())

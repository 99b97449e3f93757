"""Conflicts held by a register reach HQ, also when those who made them are gone."""

import asyncio
from collections.abc import Callable

from tests.replication.logs_of_others import ToyKey, asides, batch, fork, sales, toy_verify
from tests.replication.memory_holdings import MemoryHoldings

from tillkeeper.contract.envelope import HqAnswer, HqBatch
from tillkeeper.contract.placing import BROKEN, FORKED
from tillkeeper.contract.signing import check_head
from tillkeeper.replication.conflicts import MAX_PATIENCE, Conflicts
from tillkeeper.replication.trouble import Kind, SinkTrouble

STORE, NOW = "corner", 1_795_000_000_000
KEY = ToyKey()


class Hq:
    """Believes relays by the signature only. `trouble`: what comes instead of the next answers."""

    def __init__(self) -> None:
        self.held = MemoryHoldings(STORE)
        self.trouble: list[Kind] = []
        self.refuses: Callable[[HqBatch], bool] = lambda _: False

    async def __call__(self, sent: HqBatch) -> HqAnswer:
        if self.trouble:
            raise SinkTrouble(self.trouble.pop(0), "HQ", "as the test wants it")
        if self.refuses(sent):
            raise SinkTrouble("batch_refused", "HQ", "no")
        return await self.held.take(check_head(sent, {KEY.key}, toy_verify, relayed=True), NOW)

    def listed(self) -> list[tuple[str, int, str]]:
        return [(a.reason, a.envelope.seq, a.envelope.hash) for a in asides(self.held)]


async def told(conflicts: Conflicts) -> bool:
    try:
        await conflicts.tell()
    except SinkTrouble:
        return False
    return True


def test_every_branch_that_its_author_signed_is_told_once_hq_has_what_is_before() -> None:
    trunk = sales(4)
    one, two = fork(trunk, 3, "one", 2), fork(trunk, 6, "two", 1)

    async def scenario() -> None:
        held, hq = MemoryHoldings(STORE), Hq()
        await held.take(batch(trunk.events, KEY), NOW)
        for clone, first, last in ((one, 3, 6), (two, 6, 9), (one, 6, 9)):
            await held.take(batch(clone.events[first:last], KEY), NOW)
        conflicts = Conflicts(held, hq)
        hq.trouble = ["unreachable"]
        assert not await told(conflicts)
        await conflicts.tell()
        assert hq.listed() == [], "it has nothing of the log yet"
        await hq.held.take(batch(trunk.events), NOW)
        hq.trouble = ["busy"]
        assert not await told(conflicts)
        await conflicts.tell()
        expected = [event for events in (one.events[3:6], two.events[6:9], one.events[6:9]) for event in events]
        assert hq.listed() == [(FORKED, event.seq, event.hash) for event in expected]
        await conflicts.tell()
        await Conflicts(held, hq).tell()
        assert len(hq.listed()) == len(expected)

    asyncio.run(scenario())


def test_what_nobody_signed_or_has_its_place_is_not_told_and_holds_up_nothing() -> None:
    trunk = sales(6)
    unsigned, signed = fork(trunk, 3, "unsigned", 1), fork(trunk, 9, "signed", 1)

    async def scenario() -> None:
        held, hq = MemoryHoldings(STORE), Hq()
        await held.take(batch(trunk.events), NOW)
        await held.take(batch(unsigned.events[3:]), NOW)
        await held.take(batch(signed.events[9:], KEY), NOW)
        await hq.held.take(batch(trunk.events), NOW)
        conflicts = Conflicts(held, hq)
        await conflicts.tell()
        assert hq.listed() == [(FORKED, e.seq, e.hash) for e in signed.events[9:]]
        second = fork(trunk, 12, "second", 1)
        third = fork(trunk, 12, "third", 1)
        for clone in (second, third):
            await held.take(batch(clone.events[12:], KEY), NOW)
        hq.refuses = lambda sent: sent.events == tuple(second.events[12:])
        await conflicts.tell()
        assert hq.listed()[3:] == [(FORKED, e.seq, e.hash) for e in third.events[12:]]

    asyncio.run(scenario())


def test_a_branch_whose_end_took_a_free_place_is_told_whole() -> None:
    """Only its beginning is in quarantine, and the signature stands at its end."""
    trunk = sales(6)
    beyond = fork(trunk, 16, "beyond", 2)

    async def scenario() -> None:
        held, hq = MemoryHoldings(STORE), Hq()
        await held.take(batch(trunk.events, KEY), NOW)
        await held.take(batch(beyond.events[16:], KEY), NOW)
        assert [(a.reason, a.in_log, a.head) for a in asides(held)] == [
            (FORKED, False, None), (FORKED, False, None), (BROKEN, True, None)
        ]  # fmt: skip
        await hq.held.take(batch(trunk.events), NOW)
        await Conflicts(held, hq).tell()
        assert hq.listed() == [(a.reason, a.envelope.seq, a.envelope.hash) for a in asides(held)]

    asyncio.run(scenario())


def test_the_end_of_a_branch_may_come_later() -> None:
    trunk = sales(6)
    clone = fork(trunk, 3, "clone", 3)

    async def scenario() -> None:
        held, hq = MemoryHoldings(STORE), Hq()
        await held.take(batch(trunk.events, KEY), NOW)
        await hq.held.take(batch(trunk.events), NOW)
        conflicts = Conflicts(held, hq)
        await held.take(batch(clone.events[3:6]), NOW)
        await conflicts.tell()
        assert hq.listed() == []
        await held.take(batch(clone.events[6:9], KEY), NOW)
        await conflicts.tell()
        assert [seq for _, seq, _ in hq.listed()] == [4, 5, 6, 7, 8, 9], "the signature vouches for what came before it too"

    asyncio.run(scenario())


def test_what_hq_does_not_want_yet_is_told_less_and_less_often_and_nothing_at_rest() -> None:
    trunk = sales(6)

    async def scenario() -> None:
        held, hq = MemoryHoldings(STORE), Hq()
        await held.take(batch(trunk.events, KEY), NOW)
        await held.take(batch(fork(trunk, 6, "one", 1).events[6:], KEY), NOW)
        asked = 0

        async def counting(sent: HqBatch) -> HqAnswer:
            nonlocal asked
            asked += 1
            return await hq(sent)

        conflicts = Conflicts(held, counting)
        for _ in range(90):
            await conflicts.tell()
        assert 1 < asked < 20
        await hq.held.take(batch(trunk.events), NOW)
        for _ in range(MAX_PATIENCE + 2):
            await conflicts.tell()
        assert [seq for _, seq, _ in hq.listed()] == [7, 8, 9]
        before = asked
        for _ in range(20):
            await conflicts.tell()
        assert asked == before

    asyncio.run(scenario())


def test_many_are_told_a_page_at_a_time() -> None:
    trunk = sales(70)

    async def scenario() -> None:
        held, hq = MemoryHoldings(STORE), Hq()
        await held.take(batch(trunk.events), NOW)
        await hq.held.take(batch(trunk.events), NOW)
        for n in range(12):
            await held.take(batch(fork(trunk, n, f"clone-{n}", 60).events[n:], KEY), NOW)
        await Conflicts(held, hq).tell()
        assert sorted(hq.listed()) == sorted((a.reason, a.envelope.seq, a.envelope.hash) for a in asides(held))
        assert len(hq.listed()) == 12 * 180

    asyncio.run(scenario())

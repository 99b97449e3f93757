"""Conflicts held by a register reach HQ, also when those who made them are gone."""

import asyncio
from collections.abc import Callable

from tests.replication.logs_of_others import ToyKey, asides, batch, fork, sales, toy_verify
from tests.replication.memory_holdings import MemoryHoldings

from tillkeeper.contract.envelope import HqAnswer, HqBatch
from tillkeeper.contract.placing import BROKEN, FORKED
from tillkeeper.contract.signing import check_head
from tillkeeper.replication.conflicts import Conflicts
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
        conflicts = Conflicts(held.quarantined, hq)
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
        await Conflicts(held.quarantined, hq).tell()
        assert len(hq.listed()) == len(expected)

    asyncio.run(scenario())


def test_what_nobody_signed_or_has_its_place_is_not_told_and_holds_up_nothing() -> None:
    trunk = sales(6)
    unsigned, signed = fork(trunk, 3, "unsigned", 1), fork(trunk, 9, "signed", 1)

    async def scenario() -> None:
        held, hq = MemoryHoldings(STORE), Hq()
        await held.take(batch(trunk.events), NOW)
        await held.take(batch(unsigned.events[3:]), NOW)
        await held.take(batch(fork(trunk, 17, "beyond", 1).events[17:], KEY), NOW)  # the last one takes a place that is free
        await held.take(batch(signed.events[9:], KEY), NOW)
        await hq.held.take(batch(trunk.events), NOW)
        conflicts = Conflicts(held.quarantined, hq)
        await conflicts.tell()
        assert hq.listed() == [(FORKED, e.seq, e.hash) for e in signed.events[9:]]
        assert BROKEN in {aside.reason for aside in asides(held)}

        second = fork(trunk, 12, "second", 1)
        third = fork(trunk, 12, "third", 1)
        for clone in (second, third):
            await held.take(batch(clone.events[12:], KEY), NOW)
        hq.refuses = lambda sent: sent.events == tuple(second.events[12:])
        await conflicts.tell()
        assert hq.listed()[3:] == [(FORKED, e.seq, e.hash) for e in third.events[12:]]

    asyncio.run(scenario())


def test_many_are_told_a_page_at_a_time() -> None:
    trunk = sales(70)

    async def scenario() -> None:
        held, hq = MemoryHoldings(STORE), Hq()
        await held.take(batch(trunk.events), NOW)
        await hq.held.take(batch(trunk.events), NOW)
        for n in range(12):
            await held.take(batch(fork(trunk, n, f"clone-{n}", 60).events[n:], KEY), NOW)
        await Conflicts(held.quarantined, hq).tell()
        assert sorted(hq.listed()) == sorted((a.reason, a.envelope.seq, a.envelope.hash) for a in asides(held))
        assert len(hq.listed()) == 12 * 180

    asyncio.run(scenario())

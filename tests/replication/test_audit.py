"""Whether HQ has the branch of a log that is held here."""

import asyncio
from contextlib import nullcontext

import msgspec
import pytest
from tests.replication.logs_of_others import STORE, Log, ToyKey, batch, fork, log_id, sales, toy_verify
from tests.replication.memory_holdings import MemoryHoldings

from tillkeeper.contract.envelope import Envelope, HqAnswer, HqBatch, SignedHead
from tillkeeper.contract.signing import check_head
from tillkeeper.replication.audit import MAX_ASKED, Audit
from tillkeeper.replication.model import LogId, Mark
from tillkeeper.replication.trouble import Kind, SinkTrouble

KEY, NOW = ToyKey(), 1_795_000_000_000


class Held(MemoryHoldings):
    """As a library without a journal."""

    def heads(self) -> dict[LogId, Mark]:
        return self.marks()

    def head_for(self, log: LogId, up_to_seq: int) -> SignedHead | None:
        return self.signed_up_to(log, up_to_seq)


class Hq:
    """Takes what a signature covers. `trouble`: says this to whatever comes."""

    def __init__(self) -> None:
        self.held = MemoryHoldings(STORE)
        self.asked: list[tuple[LogId, int]] = []
        self.trouble: Kind | None = None

    async def exchange(self, sent: HqBatch) -> HqAnswer:
        self.asked.append((LogId(sent.register, sent.incarnation), len(sent.events)))
        if self.trouble is not None:
            raise SinkTrouble(self.trouble, "HQ", "as the test wants it")
        return await self.held.take(check_head(sent, {KEY.key}, toy_verify, relayed=True), NOW)


async def hold(at: MemoryHoldings, events: list[Envelope]) -> None:
    for first in range(0, len(events), 3):
        await at.take(batch(events[first : first + 3], KEY), NOW)


def audit(held: Held, hq: Hq, relayed: frozenset[LogId] = frozenset()) -> Audit:
    return Audit(STORE, held.marks, held, lambda: relayed, hq.exchange)


def test_a_branch_that_hq_has_not_is_found_however_far_hq_holds_the_log() -> None:
    trunk = sales(6)
    mine = fork(trunk, 9, "mine", 2)

    async def found(there: Log, upto: int) -> bool:
        held, hq = Held(STORE), Hq()
        await hold(held, mine.events)
        await hold(hq.held, there.events[:upto])
        one = audit(held, hq)
        await one.look()
        return log_id(mine) in one.forked

    async def scenario() -> None:
        for upto in (12, 15, 18):
            assert await found(trunk, upto), "HQ has the other branch"
            assert not await found(mine, upto), "HQ has this one, or the beginning of it"
        assert not await found(trunk, 9), "what comes is for the author to send, or for who relays"
        assert not await found(trunk, 0)

    asyncio.run(scenario())


def test_hq_is_asked_once_for_each_end_of_a_log_and_not_at_rest() -> None:
    trunk = sales(6)

    async def scenario() -> None:
        held, hq = Held(STORE), Hq()
        await hold(held, trunk.events[:9])
        await hold(hq.held, trunk.events)
        one = audit(held, hq)
        for _ in range(5):
            await one.look()
        assert hq.asked == [(log_id(trunk), 1)]
        await hold(held, trunk.events[9:12])
        for _ in range(5):
            await one.look()
        assert len(hq.asked) == 2

    asyncio.run(scenario())


def test_what_is_relayed_or_known_to_be_forked_is_left_out_and_all_others_get_their_turn() -> None:
    async def scenario() -> None:
        held, hq = Held(STORE), Hq()
        trunk = sales(2, incarnation="broken")
        await hold(held, trunk.events)
        await hold(held, fork(trunk, 3, "clone", 4).events[6:])
        assert held.marks()[log_id(trunk)].breaks
        logs = [sales(1, incarnation=f"i{n}") for n in range(MAX_ASKED + 7)]
        for log in logs:
            await hold(held, log.events)
            await hold(hq.held, log.events)
        one = audit(held, hq, frozenset({log_id(logs[0])}))
        await one.look()
        assert len(hq.asked) == MAX_ASKED
        await one.look()
        assert {log for log, _ in hq.asked} == {log_id(log) for log in logs[1:]}

    asyncio.run(scenario())


def test_an_hq_that_is_away_is_asked_again_and_one_that_does_not_want_to_be_is_not() -> None:
    trunk = sales(3)
    other = fork(trunk, 3, "other", 3)

    async def scenario() -> None:
        for trouble, asked in (("unreachable", 4), ("credentials_refused", 1), ("batch_refused", 1)):
            held, hq = Held(STORE), Hq()
            await hold(held, other.events)
            await hold(hq.held, trunk.events)
            one = audit(held, hq)
            hq.trouble = msgspec.convert(trouble, Kind)
            for _ in range(2):
                with nullcontext() if asked == 1 else pytest.raises(SinkTrouble):
                    await one.look()
            hq.trouble = None
            await one.look()
            assert len(hq.asked) == asked
            assert (log_id(other) in one.forked) == (trouble == "unreachable")

    asyncio.run(scenario())

"""Own journal and held logs as one."""

import asyncio
from pathlib import Path

from tests.journal.world import mode, opened
from tests.replication.logs_of_others import ToyKey, batch, head_of, log_id, sales, toy_verify
from tests.replication.memory_holdings import MemoryHoldings

from tillkeeper.contract.envelope import HqBatch
from tillkeeper.contract.signing import check_head, is_signed
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch
from tillkeeper.replication.library import Library
from tillkeeper.replication.model import LogId, Mark

STORE, REGISTER, NOW = "corner", "till-b", 1_795_000_000_000
KEY, OTHERS = ToyKey(REGISTER), ToyKey("till-1")


async def sell(journal: Journal, count: int) -> None:
    for _ in range(count):
        await journal.append(Batch(events=(mode(),)))


def test_every_log_has_one_end_and_one_way_to_be_read(tmp_path: Path) -> None:
    async def scenario() -> None:
        held = MemoryHoldings(STORE)
        theirs = sales(3)
        await held.take(batch(theirs.events[:5], OTHERS), NOW)
        await held.take(batch(theirs.events[5:]), NOW)
        async with opened(tmp_path / "journal.db", store=STORE) as journal:
            library = Library(journal, held, KEY.key, KEY.sign)
            await sell(journal, 3)
            first = library.writing
            assert first == LogId(REGISTER, journal.incarnation)
            assert library.heads() == {
                first: Mark(*first, 4, journal.head_hash),
                log_id(theirs): Mark("till-1", "inc-1", 9, theirs.events[-1].hash, head_of(theirs.events[4], OTHERS)),
            }
            assert library.events(log_id(theirs), 2, 3) == theirs.events[2:5]
            assert library.events(first, 1, 2) == journal.events(first.incarnation, 1, 2)
            assert library.events(LogId("till-9", "x"), 0, 5) == []

            old_head = journal.head_hash
            await journal.renew("forked_log")
            await sell(journal, 1)
            second = library.writing
            assert second != first
            heads = library.heads()
            assert heads[first] == Mark(*first, 4, old_head)
            assert heads[second] == Mark(*second, 2, journal.head_hash)
            assert [library.own(log) for log in (first, second, log_id(theirs), LogId(REGISTER, "of another disk"))] == [
                True,
                True,
                False,
                False,
            ]
            assert [event.seq for event in library.events(first, 0, 10)] == [1, 2, 3, 4]

    asyncio.run(scenario())


def test_own_logs_are_signed_where_they_are_sent_others_only_where_their_author_did(tmp_path: Path) -> None:
    async def scenario() -> None:
        held = MemoryHoldings(STORE)
        theirs = sales(3)
        await held.take(batch(theirs.events[:4], OTHERS), NOW)
        await held.take(batch(theirs.events[4:]), NOW)
        async with opened(tmp_path / "journal.db", store=STORE) as journal:
            library = Library(journal, held, KEY.key, KEY.sign)
            await sell(journal, 5)
            own = library.writing
            head = library.head_for(own, 3)
            assert head is not None
            sent = HqBatch(STORE, *own, tuple(library.events(own, 0, 3)), head)
            assert check_head(sent, {KEY.key}, toy_verify, relayed=True) == sent
            await journal.renew("by_hand")
            old = library.head_for(own, 6)
            assert old is not None
            assert is_signed(old, {KEY.key}, toy_verify)
            assert [library.head_for(own, seq) for seq in (0, 7)] == [None, None]
            assert library.head_for(log_id(theirs), 9) == head_of(theirs.events[3], OTHERS)
            assert library.head_for(log_id(theirs), 3) is None
            assert Library(journal, held).head_for(own, 3) is None, "a store without keys signs nothing"

    asyncio.run(scenario())


def test_the_journal_is_believed_about_its_own_logs(tmp_path: Path) -> None:
    async def scenario() -> None:
        held = MemoryHoldings(STORE)
        async with opened(tmp_path / "journal.db", store=STORE) as journal:
            library = Library(journal, held)
            await sell(journal, 1)
            copy = sales(2, REGISTER, journal.incarnation)
            await held.take(batch(copy.events), NOW)
            assert library.heads()[library.writing].seq == 2
            assert library.events(library.writing, 0, 9) == journal.events(journal.incarnation, 0, 9)

    asyncio.run(scenario())


def test_an_own_log_is_read_from_the_journal_again_when_the_holdings_begin_anew(tmp_path: Path) -> None:
    """A file of holdings that is damaged is set aside while the agent runs."""

    async def scenario() -> None:
        held = MemoryHoldings(STORE)
        async with opened(tmp_path / "journal.db", store=STORE) as journal:
            library = Library(journal, held, KEY.key, KEY.sign)
            await sell(journal, 3)
            first, last_seq = library.writing, journal.last_seq
            await journal.renew("peer_holds_more")
            await held.take(library.recorded(first, 0, 99), NOW)
            assert library.whole(first)
            held.lose()
            assert library.heads()[first].seq == last_seq
            assert [event.seq for event in library.events(first, 0, 99)] == list(range(1, last_seq + 1))
            await held.take(library.recorded(first, 0, 99), NOW)
            assert library.whole(first)

    asyncio.run(scenario())

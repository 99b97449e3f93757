"""Where copies of this register's events are is known after a restart, too."""

import asyncio
from pathlib import Path

from tests.replication.registers import Corner, corner, until
from tests.replication.world import REGISTER, MemoryLogs

from tillkeeper.replication.kept_copies import KeptCopies
from tillkeeper.replication.model import LogId
from tillkeeper.replication.sinks import only_here

NOW, OLD, OTHERS = LogId(REGISTER, "now"), LogId(REGISTER, "old"), LogId("till-2", "c")


def test_what_others_answered_for_is_kept_and_written_when_it_changes_only() -> None:
    async def scenario() -> None:
        journal, answered = MemoryLogs(9, old=4), {"b": {NOW: 7, OTHERS: 3}, "c": {OLD: 4}}
        kept = KeptCopies(journal, lambda: answered)
        await kept.keep()
        await kept.keep()
        assert journal.appends == 1
        answered["b"][NOW] = 9
        answered["b"][OTHERS] = 8
        await kept.keep()
        assert journal.appends == 2
        again = KeptCopies(journal, dict)
        assert (again.of("b"), again.of("c"), again.of("d")) == ({NOW: 9}, {OLD: 4}, {})

    asyncio.run(scenario())


def test_a_register_that_starts_alone_says_what_only_it_has(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        await a.sell(20)
        await until(lambda: b.holds(a.own) == a.desk.states["b"].acked.get(a.own) == 21)
        await KeptCopies(a.journal, a.desk.answered).keep()
        await store.end("b")
        await until(lambda: not a.desk.states["b"].calling)
        await a.sell(3)
        await store.end("a")
        a = await store.build("a")
        a.desk.begin_with(KeptCopies(a.journal, a.desk.answered).of)
        heads = {a.own: a.journal.last_seq}
        assert only_here(heads, a.desk.answered().values()) == a.journal.last_seq - 21 > 0
        await store.begin("a")
        b = await store.begin("b")
        await until(lambda: only_here({a.own: a.journal.last_seq}, a.desk.answered().values()) == 0)
        assert b.holds(a.own) == a.journal.last_seq

    async def run() -> None:
        async with corner(tmp_path, "a", "b") as store:
            await scene(store)

    asyncio.run(run())

"""Where copies of this register's events are is known after a restart, too."""

import asyncio
import contextlib
from pathlib import Path

from tests.replication.registers import STORE, Corner, corner, until
from tests.replication.world import REGISTER, MemoryLogs
from tests.support.keys import join_all

from tillkeeper import clock
from tillkeeper.config.model import CatalogueFile, Config, Device, Register, Routing, Station, Store, Taxes
from tillkeeper.contract.events import ModeChanged
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch, NewEvent
from tillkeeper.replication.kept_copies import KeptCopies
from tillkeeper.replication.model import LogId
from tillkeeper.replication.replication import Replication
from tillkeeper.replication.sinks import only_here
from tillkeeper.trust.store_keys import StoreKeys

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


def test_the_agent_begins_with_what_it_had_kept(tmp_path: Path) -> None:
    join_all(STORE, {"a": tmp_path})
    keys = StoreKeys.open(tmp_path, STORE, "a")

    async def run() -> None:
        async with contextlib.AsyncExitStack() as stack:
            journal = await stack.enter_async_context(
                await Journal.open(
                    tmp_path / "journal.db", STORE, "a", wall_ms=clock.wall_ms, new_id=clock.new_id, machine_id="m"
                )
            )
            changes = tuple(NewEvent(ModeChanged(mode="online", previous="offline", cause=str(n)), "", n) for n in range(9))
            await journal.append(Batch(events=changes))
            await KeptCopies(journal, lambda: {"b": {LogId("a", journal.incarnation): 7}}).keep()
            replication = await Replication.open(stack, config(tmp_path), journal, keys)
            assert replication.books().only_here == journal.last_seq - 7

    asyncio.run(run())


def config(folder: Path) -> Config:
    """Nobody is at the other register's address."""
    return Config(
        this_register="a",
        data_dir=str(folder),
        store=Store(id=STORE, name="Corner", timezone="Europe/Berlin", currency="EUR"),
        taxes=Taxes(rates={}, categories={}),
        registers={
            name: Register(letter=name.upper(), receipt_printer="grill", address=f"127.0.0.1:{port}")
            for name, port in (("a", 8), ("b", 9))
        },
        stations={"grill": Station(title="Grill", devices=("grill",))},
        devices={"grill": Device(kind="escpos", address="192.0.2.9:9100", profile="tm-m30")},
        routing=Routing(default=("grill",)),
        tenders={},
        catalogue=CatalogueFile(file="builtin"),
    )

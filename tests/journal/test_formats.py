"""Every released format of the journal is opened by the agent of today, and goes on."""

import asyncio
import gzip
import shutil
from pathlib import Path

import apsw
import pytest
from tests.journal.make_format import DAY, NOW, REGISTER, SALES, STORE, UNKNOWN
from tests.journal.world import opened, sale
from tests.replication.memory_holdings import MemoryHoldings

from tillkeeper.contract.books import Books, day_books, post
from tillkeeper.contract.chain import GENESIS, verify
from tillkeeper.contract.envelope import HqBatch
from tillkeeper.contract.events import EVENT_TYPES, decode_body
from tillkeeper.journal.database import JOURNAL
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.verify import verify_file
from tillkeeper.replication.held.held import HeldLogs
from tillkeeper.replication.model import Holdings, LogId

FORMATS = sorted((Path(__file__).parent / "formats").glob("journal-*.db.gz"))
OWNER = {"store": STORE, "register": REGISTER, "machine_id": "machine-2"}


@pytest.fixture(params=FORMATS, ids=lambda path: path.name)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    found = tmp_path / "journal.db"
    found.write_bytes(gzip.decompress(request.param.read_bytes()))
    return found


def schema(path: Path) -> list[object]:
    connection = apsw.Connection(str(path))
    found = connection.execute("SELECT type, name, tbl_name FROM sqlite_schema ORDER BY name").fetchall()
    columns = [connection.execute(f"PRAGMA table_xinfo({name})").fetchall() for kind, name, _ in found if kind == "table"]
    connection.close()
    return [found, columns]


def test_the_format_of_today_is_among_them() -> None:
    """Whoever makes a new one adds its file: `docs/decisions/0019-formats-of-files.md`."""
    assert f"journal-{JOURNAL.version}.db.gz" in [path.name for path in FORMATS]


def test_what_a_release_wrote_is_all_there(path: Path) -> None:
    async def scenario() -> None:
        async with opened(path, **OWNER) as journal:
            assert journal.alarms == ()
            old, now = journal.logs()
            assert (old.last_seq, now.last_seq, now.current) == (1 + 9 * 4 + 3 * 2 + 1 + len(UNKNOWN), 1 + 4 + 3, True)
            books: Books = {}
            for log in (old, now):
                events = journal.events(log.incarnation, 0, 1_000)
                verify(events, GENESIS)
                for envelope in events:
                    known = EVENT_TYPES.get(envelope.type, (None, 0))[1] == envelope.version
                    event = decode_body(envelope.type, envelope.body.encode()) if known else None
                    if event is not None:
                        post(books, event, envelope.business_day)
            day = day_books(books, DAY)
            sold = [1_000 + n for n in range(SALES) if n % 4 != 3] + [9_000]
            assert (day.sales, day.gross_minor, day.tenders["cash"].kept_minor) == (10, sum(sold), sum(sold) - 100)
            assert (day.voids, day.refunds, day.no_sales, day.open_checks) == (1, 1, 1, 2)
            assert [check.row.check_id for check in journal.open_checks()] == ["check-3", "check-7", "check-11"]
            assert len(journal.waiting_fires()) == 3
            assert journal.check("check-90") is not None
            assert journal.older_logs("check-90") == journal.older_logs("check-3") == ()
            assert [job.job_id for job in journal.unsettled_jobs()] == ["check-3-j", "check-7-j", "check-11-j"]
            kept = journal.kept_command("key-B-002")
            assert kept is not None
            assert (kept.result, kept.at_ms) == (b'{"events":4}', NOW)
            assert journal.catalogue("c1") == b'{"items":[]}'
            assert journal.setting("hq.cursor.x") == b'{"acked":3}'
            texts = [text for event in journal.events(old.incarnation, 0, 9) for _, text in event.personal.values()]
            assert texts == ["Guest of B-001", "Guest of B-002"]

    asyncio.run(scenario())
    assert b"forgotten" not in path.read_bytes()
    assert [report.problem for report in verify_file(path)] == ["", ""]


def test_it_is_sold_on_and_the_schema_is_that_of_a_new_one(path: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(path, **OWNER) as journal:
            assert (await journal.append(sale("first of the new agent"))).last_seq == 9
            await journal.renew("by_hand")
            assert (await journal.append(sale("second"))).last_seq == 2
        async with opened(path, **OWNER) as journal:
            assert [log.last_seq for log in journal.logs()] == [46, 9, 2]
        async with opened(tmp_path / "new.db"):
            pass
        assert schema(path) == schema(tmp_path / "new.db")

    asyncio.run(scenario())
    assert [report.problem for report in verify_file(path)] == ["", "", ""]


@pytest.mark.parametrize("holder", ["disk", "memory"])
def test_what_is_not_known_is_forwarded_byte_for_byte(path: Path, tmp_path: Path, holder: str) -> None:
    async def forward(journal: Journal, held: Holdings) -> None:
        for log in journal.logs():
            events = journal.events(log.incarnation, 0, 1_000)
            answer = await held.take(HqBatch(STORE, REGISTER, log.incarnation, tuple(events)), NOW)
            assert {verdict.verdict for verdict in answer.verdicts} == {"stored"}
            assert held.events(LogId(REGISTER, log.incarnation), 0, 1_000) == events
        sent = journal.events(journal.logs()[0].incarnation, 0, 1_000)
        assert [(event.type, event.version, event.body) for event in sent[-len(UNKNOWN) :]] == list(UNKNOWN)

    async def scenario() -> None:
        async with opened(path, **OWNER) as journal:
            if holder == "memory":
                await forward(journal, MemoryHoldings(STORE))
                return
            async with await HeldLogs.open(tmp_path / "held.db", STORE, wall_ms=lambda: NOW, min_free_bytes=0) as held:
                await forward(journal, held)

    asyncio.run(scenario())


def test_another_machine_begins_its_own_log_in_it(path: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        copy = tmp_path / "copy.db"
        shutil.copy(path, copy)
        async with opened(copy, store=STORE, register=REGISTER, machine_id="machine-3") as journal:
            assert [log.last_seq for log in journal.logs()] == [46, 8, 1]
            assert len(journal.alarms) == 1

    asyncio.run(scenario())

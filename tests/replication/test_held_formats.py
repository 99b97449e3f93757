"""Every released format of the file of held logs is opened by the agent of today."""

import asyncio
import gzip
from pathlib import Path

import apsw
import pytest
from tests.hq.world import personal
from tests.replication.logs_of_others import STORE, altered, asides, batch, everything, head_of, log_id
from tests.replication.make_format import KEY, NOW, clone, good_log, spoiled

from tillkeeper.contract.placing import BROKEN, FORKED
from tillkeeper.replication.held.file import FORMAT
from tillkeeper.replication.held.held import HeldLogs

FORMATS = sorted((Path(__file__).parent / "formats").glob("held-*.db.gz"))


def schema(path: Path) -> list[object]:
    connection = apsw.Connection(str(path))
    found = connection.execute("SELECT type, name, tbl_name FROM sqlite_schema ORDER BY name").fetchall()
    columns = [connection.execute(f"PRAGMA table_xinfo({name})").fetchall() for kind, name, _ in found if kind == "table"]
    connection.close()
    return [found, columns]


def test_the_format_of_today_is_among_them() -> None:
    assert f"held-{FORMAT.version}.db.gz" in [path.name for path in FORMATS]


@pytest.mark.parametrize("released", FORMATS, ids=lambda path: path.name)
def test_a_file_of_a_release_is_held_on_by_this_one(tmp_path: Path, released: Path) -> None:
    path = tmp_path / "held.db"
    path.write_bytes(gzip.decompress(released.read_bytes()))
    log, forked, damaged = good_log(), clone(), spoiled()
    more = personal("0151 2345678", "ab" * 16)[1]
    as_kept = [*log.events[:-1], altered(log.events[-1], personal=more)]

    async def scenario() -> None:
        async with await HeldLogs.open(path, STORE, wall_ms=lambda: NOW, min_free_bytes=0) as held:
            assert not any("set-aside" in alarm for alarm in held.alarms)
            assert everything(held, log_id(log)) == as_kept
            assert everything(held, log_id(damaged)) == damaged.events
            heads = [held.signed_up_to(log_id(log), n) for n in (5, 13, 14, 100)]
            assert heads == [head_of(log.events[n - 1], KEY) for n in (5, 5, 14, len(log.events))]
            found = asides(held)
            assert [(a.reason, a.envelope) for a in found] == [
                *((FORKED, event) for event in forked.events[10:14]),
                (BROKEN, damaged.events[2]),
            ]
            assert found[3].head == head_of(forked.events[13], KEY)
            assert (await held.take(batch(log.events), NOW)).held_seq == len(log.events)
            assert everything(held, log_id(log)) == as_kept, "what was erased stays so"
            more_of_it = good_log()
            more_of_it.sale("later", 100)
            assert (await held.take(batch(more_of_it.events), NOW)).held_seq == len(log.events) + 3
        async with await HeldLogs.open(tmp_path / "new.db", STORE, wall_ms=lambda: NOW, min_free_bytes=0):
            pass
        assert schema(path) == schema(tmp_path / "new.db")

    asyncio.run(scenario())

"""Writes HQ's database as the code at hand makes it, for `tests/hq/formats/`: an SQLite file, and what pg_dump says of the same
in PostgreSQL. `docs/decisions/0019-formats-of-files.md` tells when.

    python -m tests.hq.make_format tests/hq/formats/hq-2
"""

import gzip
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.hq.people import NOW, kept, password_of
from tests.hq.world import DAY, Log, personal
from tests.support import postgres

from tillkeeper.contract.day import DayClosed, DayFigures
from tillkeeper.contract.envelope import Author, HqBatch
from tillkeeper.contract.events import CheckOpened
from tillkeeper.contract.figures import DayBooks
from tillkeeper.contract.roles import Epoch
from tillkeeper_hq import heard
from tillkeeper_hq.database import Database
from tillkeeper_hq.heard import Heard
from tillkeeper_hq.ingest import Taking
from tillkeeper_hq.pages import figures
from tillkeeper_hq.postgres import PostgresBackend
from tillkeeper_hq.sql import Backend, Sql
from tillkeeper_hq.sqlite import FILE_NAME, SqliteBackend
from tillkeeper_hq.users import tables
from tillkeeper_hq.users.model import Role, User

UNKNOWN = ("robot_waiter_dispatched", '{ "b" : 1.50,\t"a":"\\u00e9 \u00e9 \u6f22", "b":2 }')


def good_log() -> Log:
    """A day, a type that nobody knows, a guest's name."""
    log = Log()
    log.day_at(random.Random(7), 30)
    log.raw(*UNKNOWN)
    name, texts = personal("Zo\u00eb")
    fields = {"ticket_code": "A-9", "order_type": "delivery", "catalogue_version": "v", "terminal": "till-1"}
    log.add(CheckOpened(check_id="guest", name=name, **fields), personal=texts)  # type: ignore[arg-type]
    return log


def batches() -> list[HqBatch]:
    """What registers sent: a good log, a clone of it that goes on otherwise, poison, another store, an older day, one
    that is closed."""
    log = good_log()
    clone = Log()
    clone.sale("cloned", 777)
    poisoned = Log("till-2", "inc-2")
    poisoned.raw("check_voided", '{"zero": "\\u0000"}')
    poisoned.sale("after-poison", 4_200, day="2026-11-20")
    harbour = Log("till-1", "inc-1", "harbour")
    harbour.sale("h1", 990)
    tails = {"till-1": {"inc-1": len(harbour.events)}}
    closed = DayClosed(
        day=DAY, z=1, epoch=Epoch(1, "till-1"), tails=tails, figures=DayFigures(books=DayBooks(business_day=DAY))
    )
    harbour.add(closed)
    return [log.batch(1, 10), log.batch(11), clone.batch(), poisoned.batch(), harbour.batch()]


def people(sql: Sql) -> None:
    """Somebody who signs in and has looked at an event; a register that is behind."""
    mia = User(0, "mia", Role.OWNER, created_ms=NOW)
    tables.add(sql, mia, kept(password_of("mia")))
    figures.note_look(sql, 1, NOW, "mia", "Found on a Tuesday")
    tables.write_act(sql, NOW, "mia", "quarantine_looked_at", "corner / till-1 / 1", "Found on a Tuesday")
    tables.take_try(sql, "somebody", NOW)
    log = good_log()
    said = Author(len(log.events) + 3, "EUR", 2, "Europe/Berlin")
    heard.keep(sql, [((log.store, log.register, log.incarnation), Heard(NOW - 3 * 60_000, said))])


def fill(backend: Backend) -> None:
    with Database(backend, 100) as database:
        for batch in batches():
            database.write(Taking(batch)).result(60)
        database.change(people).result(60)


def dumped(server: postgres.Server, url: str) -> str:
    """As plain SQL that psycopg can run: without the lines for psql alone, which differ each time."""
    command = [postgres.need() / "pg_dump", "--inserts", "--no-owner", "--no-privileges", url]
    done = subprocess.run(command, cwd=server.folder, capture_output=True, text=True, check=True)
    return re.sub(r"(?m)^(\\.*|--.*|SET .*|SELECT pg_catalog.set_config.*)\n", "", done.stdout)


def main() -> None:
    name = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        fill(SqliteBackend(Path(folder)))
        Path(f"{name}.sqlite3.gz").write_bytes(gzip.compress((Path(folder) / FILE_NAME).read_bytes(), 9, mtime=0))
    with postgres.running("fsync=off") as server:
        url = server.fresh()
        fill(PostgresBackend(url))
        Path(f"{name}.postgresql.sql.gz").write_bytes(gzip.compress(dumped(server, url).encode(), 9, mtime=0))


if __name__ == "__main__":
    main()

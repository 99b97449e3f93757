"""What is on a register's disk, read from its files by SQL and no reader of the agent's: while it runs, or after it died."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.storelab.evidence import Event, Here

SHIFT, SEQ = 40, (1 << 40) - 1
_EVENTS = "SELECT id, type, body, hash, business_day, at_ms FROM events"


class Disk(NamedTuple):
    """By hash. `own`: what its journals have, also those that were set aside; `held` for others; `aside`: in quarantine."""

    own: dict[str, Event]
    held: dict[str, Event]
    aside: dict[str, Event]

    @property
    def all(self) -> dict[str, Event]:
        return self.aside | self.held | self.own


def read(data: Path) -> Disk:
    """Raises sqlite3.Error where a file can not be read."""
    own: dict[str, Event] = {}
    for journal in sorted(data.glob("journal*.db")):
        own |= _journal(journal)
    held: dict[str, Event] = {}
    aside: dict[str, Event] = {}
    for file in sorted(data.glob("held*.db")):
        one, other = _held(file)
        held |= one
        aside |= other
    return Disk(own, held, aside)


@contextlib.contextmanager
def _open(file: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10.0)) as connection:
        connection.execute("BEGIN")
        yield connection


def _journal(file: Path) -> dict[str, Event]:
    with _open(file) as db:
        if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'owner'").fetchone():
            return {}  # killed before its first transaction
        register = next(iter(db.execute("SELECT register FROM owner")), ("",))[0]
        logs = dict(db.execute("SELECT log_no, incarnation FROM logs"))
        rows = db.execute(f"{_EVENTS} ORDER BY id").fetchall()
    return {
        event.hash: event
        for at, kind, body, digest, day, at_ms in rows
        for event in (Event(register, logs[at >> SHIFT], at & SEQ, kind, body, digest.hex(), day, at_ms),)
    }


def _held(file: Path) -> tuple[dict[str, Event], dict[str, Event]]:
    with _open(file) as db:
        if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'owner'").fetchone():
            return {}, {}
        logs = {no: (register, inc) for no, register, inc in db.execute("SELECT log_no, register, incarnation FROM logs")}
        rows = db.execute(f"{_EVENTS} WHERE aside IS NULL ORDER BY id").fetchall()
        asides = db.execute("SELECT envelope FROM quarantine").fetchall()
    held = {}
    for at, kind, body, digest, day, at_ms in rows:
        text = digest.hex() if isinstance(digest, bytes) else digest
        held[text] = Event(*logs[at >> SHIFT], at & SEQ, kind, body, text, day, at_ms)
    return held, {one.hash: one for (raw,) in asides for one in (of_envelope(json.loads(raw)),)}


def of_envelope(envelope: dict[str, Any]) -> Event:
    return Event(
        envelope["register"], envelope["incarnation"], envelope["seq"], envelope["type"], envelope["body"], envelope["hash"],
        envelope["business_day"], envelope["at_ms"],
    )  # fmt: skip


def checks(data: Path) -> dict[str, Here]:
    """The checks that the register says are its own, by id; of the journal that it writes now."""
    file = data / "journal.db"
    if not file.exists():
        return {}
    with _open(file) as db:
        if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'checks'").fetchone():
            return {}
        rows = db.execute("SELECT check_id, body FROM checks WHERE state != 'elsewhere'").fetchall()
    return {check: _here(json.loads(body)) for check, body in rows}


def _here(check: dict[str, Any]) -> Here:
    totals = check.get("closed_totals") or {}
    state = check.get("state", "open")
    return Here(
        frozenset(line["line_id"] for line in check.get("lines", ())),
        frozenset(one["tender_id"] for one in check.get("payments", ())),
        state,
        int(totals.get("gross_minor", 0)) if state == "closed" else 0,
    )

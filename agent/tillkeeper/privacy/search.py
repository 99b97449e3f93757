"""What personal texts the files of a register hold, read on connections of their own. Blocking: run it in a thread."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import msgspec

from tillkeeper.contract.privacy import FindBody, FoundTexts, HeldText, Place
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.database import connect_reader
from tillkeeper.journal.faults import StorageUnreadable
from tillkeeper.privacy.matching import fits

_JOURNAL = """SELECT m.digest, text, register, body, business_day, at_ms
    FROM personal_of_event m CROSS JOIN personal p ON p.digest = m.digest JOIN events e ON e.id = m.event_id JOIN owner"""
_HELD = """SELECT m.digest, text, register, body, business_day, at_ms
    FROM mentions m CROSS JOIN personal p ON p.digest = m.digest JOIN events e ON e.id = m.place
    JOIN logs l ON l.log_no = e.id >> 40 WHERE m.place > 0"""
_ASIDE = """SELECT m.digest, text, register, envelope, '', 0
    FROM mentions m CROSS JOIN personal p ON p.digest = m.digest JOIN quarantine q ON q.n = -m.place
    JOIN logs l ON l.log_no = q.log_no WHERE m.place < 0"""
_OLD_JOURNAL = """SELECT m.event_id, m.digest FROM personal_of_event m CROSS JOIN personal p ON p.digest = m.digest
    JOIN events e ON e.id = m.event_id WHERE m.event_id > ? AND e.at_ms < ? ORDER BY m.event_id LIMIT ?"""
_OLD_HELD = """SELECT m.place, m.digest FROM mentions m CROSS JOIN personal p ON p.digest = m.digest
    JOIN events e ON e.id = m.place WHERE m.place > ? AND e.at_ms < ? ORDER BY m.place LIMIT ?"""


class Files(NamedTuple):
    """`held`: None where nothing is held for others."""

    journal: Path
    held: Path | None


class Old(NamedTuple):
    """Where an old text is mentioned (to go on from), and its digest."""

    place: int
    digest: str


def find(files: Files, asked: FindBody) -> FoundTexts:
    """Raises: StorageRefused."""
    found: list[HeldText] = []
    more, held = False, 0
    for path, sources in _sources(files):
        with _reading(path) as connection:
            held += int(connection.execute("SELECT count(*) FROM personal").get or 0)
            for one in _texts(connection, sources, asked):
                if len(found) == asked.limit:
                    more = True
                    break
                found.append(one)
    return FoundTexts(texts=tuple(found), more=more, held=held)


def old_texts(path: Path, *, held: bool, after: int, before_ms: int, limit: int) -> list[Old]:
    """Digests of texts whose events are older than `before_ms` (wall clock, ms since the epoch). Raises: StorageRefused."""
    with _reading(path) as connection:
        return [Old(*row) for row in connection.execute(_OLD_HELD if held else _OLD_JOURNAL, (after, before_ms, limit))]


class _Row(NamedTuple):
    digest: str
    text: str
    register: str
    body: Any
    business_day: str
    at_ms: int


def _is_about(row: _Row, body: dict[str, Any], asked: FindBody) -> bool:
    """Whether the event speaks of the check that is asked for."""
    return asked.check in (body.get("check_id"), body.get("ticket_code")) and asked.day in (None, row.business_day)


def _sources(files: Files) -> Iterator[tuple[Path, tuple[tuple[Place, str], ...]]]:
    yield files.journal, (("journal", _JOURNAL),)
    if files.held is not None:
        yield files.held, (("held", _HELD), ("quarantine", _ASIDE))


def _texts(connection: apsw.Connection, sources: tuple[tuple[Place, str], ...], asked: FindBody) -> Iterator[HeldText]:
    for place, sql in sources:
        for values in connection.execute(sql):
            row = _Row(*values)
            if asked.text and not fits(row.text, asked.text, exact=asked.exact):
                continue  # most of them: what they are about is not read
            row, body = _read(row, place)
            if asked.text or _is_about(row, body, asked):
                yield HeldText(
                    digest=row.digest,
                    field=next((name for name, value in body.items() if _digest_of(value) == row.digest), ""),
                    text=row.text,
                    check_id=str(body.get("check_id", "")),
                    ticket_code=str(body.get("ticket_code", "")),
                    business_day=row.business_day,
                    at_ms=row.at_ms,
                    register=row.register,
                    place=place,
                )


def _read(row: _Row, place: Place) -> tuple[_Row, dict[str, Any]]:
    """With day and stamp also of what is in quarantine; and the body of its event, empty where it can not be read."""
    raw: Any = row.body
    if place == "quarantine":
        envelope = _object(raw)
        raw = envelope.get("body", "")
        day, at_ms = envelope.get("business_day"), envelope.get("at_ms")
        row = row._replace(
            business_day=day if isinstance(day, str) else "", at_ms=at_ms if isinstance(at_ms, int) else 0
        )  # fmt: skip
    return row, _object(raw)


def _object(raw: Any) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError):
        return {}
    return value if isinstance(value, dict) else {}


def _digest_of(value: object) -> object:
    return value.get("digest") if isinstance(value, dict) else None


class _reading:  # noqa: N801 - used as a function is
    """A connection that only reads. Raises: StorageUnreadable, for whatever is done with it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> apsw.Connection:
        try:
            self._closing = closing(connect_reader(self._path))
        except apsw.Error as error:
            raise self._unreadable(error) from error
        return self._closing.__enter__()

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._closing.__exit__(kind, error, trace)
        if isinstance(error, apsw.Error):
            raise self._unreadable(error) from error

    def _unreadable(self, error: apsw.Error) -> StorageRefused:
        return StorageUnreadable("read personal texts", self._path.name, str(error), "ask again in a moment")

"""Rows of the file of held logs: what is kept of one, and how events are read back. All of it on the caller's connection."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import apsw
import msgspec

from tillkeeper.contract.chain import GENESIS, ChainBroken, verify
from tillkeeper.contract.envelope import Envelope, SignedHead
from tillkeeper.contract.placing import BROKEN, Held
from tillkeeper.replication.model import HeldAside, LogId, Mark, breaks_after

LOG_SHIFT = 40
MAX_READ_BYTES = 8 * 2**20
"""Of bodies in one answer, where it holds more than one event: as much as one batch may bring."""
_SEQ = (1 << LOG_SHIFT) - 1
_envelope = msgspec.json.Decoder(Envelope)


class HeldLog(NamedTuple):
    """`log_no`: its number in the file. `head`: the furthest place that the author signed. `breaks`: as of `Mark`."""

    log_no: int
    held: Held
    rejected: int
    head: SignedHead | None
    breaks: str = ""

    @property
    def base(self) -> int:
        return self.log_no << LOG_SHIFT


Known = dict[LogId, HeldLog]
"""Every log of the file, as the last commit left it."""


class Named(NamedTuple):
    """A log by its number in the file and its full name."""

    log_no: int
    store: str
    log: LogId

    @property
    def base(self) -> int:
        return self.log_no << LOG_SHIFT


def packed(event_hash: str) -> bytes | str:
    """32 bytes for a SHA-256 in lower-case hex, else the text itself."""
    if len(event_hash) == 64 and not event_hash.strip("0123456789abcdef"):
        return bytes.fromhex(event_hash)
    return event_hash


def unpacked(event_hash: bytes | str) -> str:
    return event_hash if isinstance(event_hash, str) else event_hash.hex()


def read_known(connection: apsw.Connection) -> Known:
    """Raises: apsw.Error."""
    store = str(connection.execute("SELECT store FROM owner").get)
    known: Known = {}
    sql = "SELECT log_no, register, incarnation, held_seq, head_hash, rejected FROM logs ORDER BY log_no"
    rows: list[Any] = connection.execute(sql).fetchall()
    for log_no, register, incarnation, seq, head_hash, rejected in rows:
        log = LogId(register, incarnation)
        named = Named(log_no, store, log)
        breaks = _breaks(connection, named) if rejected else ""
        known[log] = HeldLog(log_no, Held(seq, unpacked(head_hash)), rejected, signed_up_to(connection, named, seq), breaks)
    return known


def _breaks(connection: apsw.Connection, log: Named) -> str:
    sql = """SELECT json_extract(CAST(envelope AS TEXT), '$.seq') AS seq, digest FROM quarantine
        WHERE log_no = ? AND reason = ? AND in_log = 1 ORDER BY seq"""
    rows: list[Any] = connection.execute(sql, (log.log_no, BROKEN)).fetchall()
    breaks = ""
    for seq, content in rows:
        before = connection.execute("SELECT hash FROM events WHERE id = ?", (log.base + seq - 1,)).get
        breaks = breaks_after(breaks, seq, GENESIS if before is None else unpacked(before), content)
    return breaks


def mark_of(log: LogId, held: HeldLog) -> Mark:
    return Mark(log.register, log.incarnation, held.held.held_seq, held.held.head_hash, held.head, held.breaks)


def signed_up_to(connection: apsw.Connection, log: Named, at_most_seq: int) -> SignedHead | None:
    """Raises: apsw.Error."""
    return next(iter(_signed(connection, log, 0, at_most_seq, 1)), None)


def signed_between(connection: apsw.Connection, log: Named, after_seq: int, last_seq: int) -> list[SignedHead]:
    """Raises: apsw.Error."""
    return _signed(connection, log, after_seq, last_seq, -1)


def _signed(connection: apsw.Connection, log: Named, after_seq: int, last_seq: int, limit: int) -> list[SignedHead]:
    sql = """SELECT heads.id, hash, key, signature FROM heads JOIN events USING (id) WHERE heads.id BETWEEN ? AND ?
        ORDER BY heads.id DESC LIMIT ?"""
    rows: list[Any] = connection.execute(
        sql, (log.base + after_seq + 1, log.base + max(0, min(last_seq, _SEQ)), limit)
    ).fetchall()
    return [
        SignedHead(log.store, *log.log, event_id - log.base, unpacked(event_hash), key, signature)
        for event_id, event_hash, key, signature in rows
    ]


def read_events(connection: apsw.Connection, log: Named, after_seq: int, limit: int) -> list[Envelope]:
    """Consecutive events, rejected ones in their place, with the personal texts that are not erased; at most `limit`, and no
    more than `MAX_READ_BYTES`, but one at least.

    Raises:
        apsw.Error: the disk or the file.
        ChainBroken: a good event is not what it was when it came; `seq` says which.
    """
    base = log.base
    low, high = base + after_seq, min(base + after_seq + limit, base + _SEQ)
    sql = """SELECT id, type, version, business_day, at_ms, body, hash, aside, envelope FROM events
        LEFT JOIN quarantine ON n = aside WHERE id BETWEEN ? AND ? ORDER BY id"""
    rows = _bounded(connection, sql, (low + 1, high))
    places = "SELECT place, digest, salt, text FROM mentions JOIN personal USING (digest) WHERE place BETWEEN ? AND ?"
    texts = _texts(connection.execute(places, (low + 1, high)).fetchall())
    for row in rows:
        if row[7] is not None:
            texts |= _texts(connection.execute(places, (-row[7], -row[7])).fetchall())
    before = connection.execute("SELECT hash FROM events WHERE id = ?", (low,)).fetchone()
    if before is None and after_seq > 0:
        raise ChainBroken(after_seq, "it is missing")
    previous, found = GENESIS if before is None else unpacked(before[0]), list[Envelope]()
    for event_id, type_name, version, day, at_ms, body, event_hash, aside, envelope in rows:
        tip = unpacked(event_hash)
        if aside is not None:
            found.append(_with_texts(_envelope.decode(envelope), texts.get(-aside, {})))
        else:
            personal = texts.get(event_id, {})
            seq = event_id - base
            if not all(isinstance(text, str) for text in (type_name, day, body)):
                raise ChainBroken(seq, "it is not of the types that were written")
            found.append(Envelope(log.store, *log.log, seq, type_name, version, day, at_ms, body, previous, tip, personal))
            verify(found[-1:], previous)
        previous = tip
    for at, envelope in enumerate(found):
        if envelope.seq != after_seq + 1 + at:
            raise ChainBroken(after_seq + 1 + at, "it is missing")
    return found


def rejected_places(connection: apsw.Connection, log: Named, after_seq: int, last_seq: int) -> frozenset[int]:
    """Raises: apsw.Error."""
    sql = "SELECT id FROM events WHERE id BETWEEN ? AND ? AND aside IS NOT NULL"
    rows: list[Any] = connection.execute(sql, (log.base + after_seq + 1, log.base + min(last_seq, _SEQ))).fetchall()
    return frozenset(event_id - log.base for (event_id,) in rows)


def read_asides(connection: apsw.Connection, after: int, limit: int) -> list[HeldAside]:
    """Raises: apsw.Error."""
    sql = """SELECT n, reason, detail, received_ms, in_log, envelope, key, signature FROM quarantine WHERE n > ?
        ORDER BY n LIMIT ?"""
    found = []
    for n, reason, detail, received_ms, in_log, raw, key, signature in _bounded(connection, sql, (after, limit)):
        places = "SELECT place, digest, salt, text FROM mentions JOIN personal USING (digest) WHERE place = ?"
        texts = _texts(connection.execute(places, (-n,)).fetchall())
        e = _with_texts(_envelope.decode(raw), texts.get(-n, {}))
        head = SignedHead(e.store, e.register, e.incarnation, e.seq, e.hash, key, signature) if key else None
        found.append(HeldAside(n, reason, detail, received_ms, e, bool(in_log), head))
    return found


def _bounded(connection: apsw.Connection, sql: str, values: tuple[int, ...]) -> list[Any]:
    """Rows up to `MAX_READ_BYTES` of texts and bytes in them; the first whatever it weighs."""
    rows: list[Any] = []
    size = 0
    cursor = connection.execute(sql, values)
    for row in cursor:
        size += sum(len(value) for value in row if isinstance(value, (str, bytes)))
        if size > MAX_READ_BYTES and rows:
            break
        rows.append(row)
    cursor.close()  # a statement that is not finished would keep the log from being emptied
    return rows


def _texts(rows: Iterable[Sequence[Any]]) -> dict[int, dict[str, tuple[str, str]]]:
    texts: dict[int, dict[str, tuple[str, str]]] = {}
    for place, digest, salt, text in rows:
        texts.setdefault(place, {})[digest] = (salt, text)
    return texts


def _with_texts(envelope: Envelope, texts: dict[str, tuple[str, str]]) -> Envelope:
    return msgspec.structs.replace(envelope, personal=texts)

"""Takes batches into the database: each event judged, placed and folded, all inside the caller's transaction.

A verdict never depends on how often an event was sent before: sending again is always safe.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from tillkeeper.contract.base import Event
from tillkeeper.contract.chain import personal_digest
from tillkeeper.contract.envelope import Envelope, EventVerdict, HqAnswer, HqBatch, NumberAssigned
from tillkeeper.contract.events import EVENT_TYPES, CheckNumbered, CheckOpened
from tillkeeper.contract.placing import MAX_INT, Held, Kept, place, read_event
from tillkeeper.contract.privacy import erasures
from tillkeeper.contract.together import CheckForked, CheckTaken
from tillkeeper_hq.directory import FOLDED, Directory
from tillkeeper_hq.posting import Poster, Posting, Sums, is_posted
from tillkeeper_hq.sql import Sql, Value
from tillkeeper_hq.tables import LogKey, Tables

TAKEN = "number_taken"
PAGE = 500
"""Events that were stored unread and are counted in one transaction."""
_NUMBERED = ("check_opened", "check_taken", "check_forked")


class Taking(NamedTuple):
    """A batch that may be taken in: whoever sends it may, and its signature was checked where one is needed.

    `last_accepted`: the final seq of a register that left its store. `relayed`: another register sends it. `sender`: who."""

    batch: HqBatch
    last_accepted: int | None = None
    relayed: bool = False
    sender: str = ""

    @property
    def log(self) -> LogKey:
        return self.batch.store, self.batch.register, self.batch.incarnation


class Ingest:
    """`first_number`: where a store's check numbers begin; raised after a loss of the database, so that none is used twice."""

    def __init__(self, first_number: int) -> None:
        self._first_number = first_number
        self._poster = Poster()
        self.erased = False
        """Texts were deleted whose traces may be in the database's files still (`Sql.forget`)."""

    def take(self, sql: Sql, group: Sequence[Taking], now_ms: int) -> list[HqAnswer]:
        """`now_ms`: wall clock, for stamps. All of the group counts or, where the database refuses, nothing."""
        work = _Group(Tables(sql), self._first_number, now_ms, self._poster)
        answers = work.take(group)
        self.erased = self.erased or bool(work.erased)
        return answers

    def readable(self, sql: Sql) -> list[tuple[LogKey, str, int]]:
        """(log, type, version): what is stored unread, for the HQ that took it did not know the type, and can be read here."""
        tables = Tables(sql)
        types = [one for one in tables.unread_types() if (known := EVENT_TYPES.get(one[0])) and known[1] == one[1]]
        return sorted((log, *one) for one in types for log in tables.unread_logs(*one))

    def read(self, sql: Sql, log: LogKey, type_name: str, version: int, after_seq: int, now_ms: int) -> int:
        """Count a page of them, as if they came now. Returns where to go on, 0 at the end."""
        work = _Group(Tables(sql), self._first_number, now_ms, self._poster)
        after_seq = work.read(log, type_name, version, after_seq)
        self.erased = self.erased or bool(work.erased)
        return after_seq


class _Log:
    """A row of `logs` while batches are being taken in."""

    def __init__(self, store: str, log_id: int, held: Held) -> None:
        self.store, self.log_id, self.held = store, log_id, held
        self.kept: dict[int, Kept] = {}
        self.rejected = 0
        self.was = held


class _Aside(NamedTuple):
    """What goes to quarantine."""

    log: _Log
    envelope: Envelope
    reason: str
    detail: str
    event: Event | None
    sender: str


class _Text(NamedTuple):
    """A text about a person, as `Tables.add_texts` takes it behind its store."""

    store: str
    log_id: int
    seq: int
    digest: str
    salt: str
    text: str


class _Group:
    def __init__(self, tables: Tables, first_number: int, now_ms: int, poster: Poster) -> None:
        self._tables, self._first_number, self._now_ms, self._poster = tables, first_number, now_ms, poster
        self._logs: dict[LogKey, _Log] = {}
        self._events: list[tuple[Value, ...]] = []
        self._texts: list[_Text] = []
        self.erased: dict[str, set[str]] = {}
        """store -> digests of texts that events of this group erase."""
        self._asides: list[_Aside] = []
        self._folds: dict[str, list[tuple[_Log, Envelope, Event, str]]] = {}
        self._postings: dict[str, list[Posting]] = {}
        self._sums = Sums()
        self._unread: list[tuple[int, int, str, int]] = []
        """log_id, seq, type, version"""

    def take(self, group: Sequence[Taking]) -> list[HqAnswer]:
        self._lock_logs(group)
        placed = [self._place_all(one) for one in group]
        self._tables.add_events(self._events)
        opened = [_opened(one.batch, verdicts) for one, (_, verdicts) in zip(group, placed, strict=True)]
        asked: dict[str, set[str]] = {one.batch.store: set() for one in group}
        for one, ids in zip(group, opened, strict=True):
            asked[one.batch.store].update(ids)
        directories = self._fold(asked)
        self._save()
        return [
            HqAnswer(held_seq, verdicts, _numbers(directories[one.batch.store], ids), self._now_ms)
            for one, (held_seq, verdicts), ids in zip(group, placed, opened, strict=True)
        ]

    def _save(self) -> None:
        self._tables.add_unread(self._unread)
        self._set_aside()
        self._settle_texts()
        self._tables.post(sorted(self._sums.books.items()))
        self._tables.adjust(sorted(self._sums.adjustments.items()))
        changed = [log for log in self._logs.values() if log.held != log.was or log.rejected]
        self._tables.save_logs((log.log_id, log.held, log.rejected) for log in changed)

    def _lock_logs(self, group: Sequence[Taking]) -> None:
        for key in sorted({one.log for one in group}):
            own = [one for one in group if one.log == key]
            seen_ms = 0 if all(one.relayed for one in own) else self._now_ms
            log = self._logs[key] = _Log(key[0], *self._tables.lock_log(key, seen_ms))
            seqs = (event.seq for one in own for event in one.batch.events)
            log.kept = self._tables.kept(log.log_id, (seq for seq in seqs if 0 < seq <= log.held.held_seq))

    def _place_all(self, one: Taking) -> tuple[int, tuple[EventVerdict, ...]]:
        log = self._logs[one.log]
        verdicts = tuple(self._place(log, envelope, one) for envelope in one.batch.events)
        return log.held.held_seq, verdicts

    def _place(self, log: _Log, envelope: Envelope, one: Taking) -> EventVerdict:
        placed = place(log.held, envelope, log.kept.get, one.last_accepted)
        log.held = placed.held
        if placed.keeps in ("log", "both"):
            log.kept[envelope.seq] = Kept(envelope.hash, placed.reason)
            self._events.append(_row(log.log_id, envelope, placed.reason))
        if placed.keeps in ("quarantine", "both"):
            self._asides.append(_Aside(log, envelope, placed.reason, placed.detail, placed.event, one.sender))
        elif placed.keeps == "log":
            self._keep_texts(log, envelope)
            if placed.event is not None:
                self._count(log, envelope, placed.event, one.sender)
            else:
                self._unread.append((log.log_id, envelope.seq, envelope.type, envelope.version))
        return EventVerdict(envelope.seq, placed.verdict, placed.reason)

    def _count(self, log: _Log, envelope: Envelope, event: Event, sender: str) -> None:
        if is_posted(event, envelope.business_day):
            self._postings.setdefault(log.store, []).append(Posting(log.log_id, envelope, event))
        if digests := erasures(event):
            self.erased.setdefault(log.store, set()).update(digests)
        if isinstance(event, FOLDED):
            self._folds.setdefault(log.store, []).append((log, envelope, event, sender))

    def read(self, key: LogKey, type_name: str, version: int, after_seq: int) -> int:
        """The next events of a log that an older HQ stored unread. Returns where to go on, 0 at the end."""
        tables = self._tables
        log = self._logs[key] = _Log(key[0], *tables.lock_log(key, 0))
        found = tables.unread(key, log.log_id, type_name, version, after_seq, PAGE)
        events = [(envelope, event) for envelope in found if (event := read_event(envelope)) is not None]
        for envelope, event in events:
            self._count(log, envelope, event, "")
        tables.read(log.log_id, [envelope.seq for envelope, _ in events])
        self._fold({store: set() for store in self._folds})
        self._save()
        return found[-1].seq if len(found) == PAGE else 0

    def _keep_texts(self, log: _Log, envelope: Envelope) -> None:
        for digest, (salt, text) in envelope.personal.items():
            if personal_digest(salt, text) == digest:  # else it is not the text that the chain speaks of
                self._texts.append(_Text(log.store, log.log_id, envelope.seq, digest, salt, text))

    def _settle_texts(self) -> None:
        """Erased ones go, and do not come in: neither with this group nor later, whoever sends them. The stores are locked."""
        for store, digests in sorted(self.erased.items()):
            self._tables.erase(store, sorted(digests))
        named: dict[str, set[str]] = {}
        for text in self._texts:
            named.setdefault(text.store, set()).add(text.digest)
        gone = {(store, digest) for store, some in named.items() for digest in self._tables.erased(store, sorted(some))}
        self._tables.add_texts([text[1:] for text in self._texts if (text.store, text.digest) not in gone])

    def _fold(self, asked: dict[str, set[str]]) -> dict[str, Directory]:
        """The directories of checks, by store. Where anything changes the store is locked; else they are only read. `asked`:
        store -> checks whose numbers are to be told."""
        moved = (*(one.log.store for one in self._asides), *(one.store for one in self._texts))
        changing = {*self._folds, *self.erased, *moved, *self._postings}
        next_numbers = {store: self._tables.lock_store(store, self._first_number) for store in sorted(changing)}
        for store, came in sorted(self._postings.items()):
            self._tables.post_events(self._poster, store, came, self._sums, self._now_ms)
        return {store: self._fold_store(store, ids, next_numbers.get(store, 0)) for store, ids in sorted(asked.items())}

    def _fold_store(self, store: str, asked: set[str], next_number: int) -> Directory:
        folds = self._folds.get(store, [])
        ids = asked | {str(getattr(event, "check_id", "")) for _, _, event, _ in folds}
        numbers = {event.number for _, _, event, _ in folds if isinstance(event, CheckNumbered)}
        directory = Directory(self._tables.checks(store, sorted(ids), sorted(numbers)), next_number)
        for log, envelope, event, sender in folds:
            holder = directory.fold(event, log.log_id, envelope.seq, envelope.business_day, envelope.register)
            if holder and isinstance(event, CheckNumbered):
                words = f"number {event.number} belongs to check {holder[:64]}"
                self._asides.append(_Aside(log, envelope, TAKEN, words, None, sender))
        self._tables.save_checks(store, *directory.changes())
        if directory.next_number != next_number:
            self._tables.save_next_number(store, directory.next_number)
        return directory

    def _set_aside(self) -> None:
        """Keep it visible, once. Its money counts beside the books where it can be read."""
        if not self._asides:
            return
        self._tables.lock_quarantine()
        seqs: dict[int, set[int]] = {}
        for aside in self._asides:
            seqs.setdefault(aside.log.log_id, set()).add(_seq(aside.envelope))
        known = {(log_id, *one) for log_id, wanted in seqs.items() for one in self._tables.quarantined(log_id, sorted(wanted))}
        rows: list[tuple[Value, ...]] = []
        for log, envelope, reason, detail, event, sender in self._asides:
            bare = msgspec.json.encode(msgspec.structs.replace(envelope, personal={}))
            digest = hashlib.sha256(bare).digest()
            if (log.log_id, _seq(envelope), digest) in known:
                continue
            known.add((log.log_id, _seq(envelope), digest))
            rows.append((log.log_id, _seq(envelope), digest, reason, detail[:500], bare, self._now_ms, sender))
            log.rejected += 1
            self._keep_texts(log, envelope)
            if event is not None:
                self._sums.add_quarantined(log.store, event, envelope.business_day)
        self._tables.add_quarantined(rows)


def _seq(envelope: Envelope) -> int:
    return max(-MAX_INT, envelope.seq)


def _row(log_id: int, envelope: Envelope, reason: str) -> tuple[Value, ...]:
    return (
        log_id,
        envelope.seq,
        envelope.hash,
        envelope.prev_hash,
        envelope.type,
        max(-MAX_INT, min(envelope.version, MAX_INT)),
        envelope.business_day,
        max(-MAX_INT, min(envelope.at_ms, MAX_INT)),
        envelope.body.encode(),
        reason,
    )


def _opened(batch: HqBatch, verdicts: Sequence[EventVerdict]) -> list[str]:
    """The checks whose numbers the answer tells, repeats included."""
    found = []
    for envelope, verdict in zip(batch.events, verdicts, strict=True):
        if envelope.type in _NUMBERED and verdict.verdict == "stored":
            event = read_event(envelope)
            if isinstance(event, CheckOpened | CheckTaken | CheckForked):
                found.append(event.check_id)
    return found


def _numbers(directory: Directory, ids: Sequence[str]) -> tuple[NumberAssigned, ...]:
    numbers = ((check_id, directory.number(check_id)) for check_id in ids)
    return tuple(NumberAssigned(check_id, number) for check_id, number in numbers if number is not None)

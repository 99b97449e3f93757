"""The statements that write HQ's tables, the same for all databases. Each call is one exchange, or a few, for many rows.

Transactions of several processes take their locks in one order, so that none waits for another in a circle: logs (sorted), then
stores (sorted), then `quarantine`; all other rows belong to a log or store whose row is locked already.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from tillkeeper.contract.chain import GENESIS
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.placing import Held, Kept
from tillkeeper_hq import posting
from tillkeeper_hq.posting import Adjusted, Poster, Posting, Sums
from tillkeeper_hq.sql import Sql, Value

LogKey = tuple[str, str, str]
"""store, register, incarnation"""

_SIZES = (1, 16, 128, 512)
"""Lists of values in a statement have these lengths, so that the database prepares few statements."""

_CHECKS = (
    "SELECT check_id, number, log_id, opened_seq, ticket_code, business_day, state, totals, refunded_minor,"
    " hand, held_by FROM checks WHERE store = $1 AND"
)


class CheckRow(NamedTuple):
    """A row of `checks` without its store."""

    check_id: str
    number: int
    log_id: int
    opened_seq: int
    ticket_code: str
    business_day: str
    state: str = "open"
    totals: bytes | None = None
    refunded_minor: int = 0
    hand: int = 0
    held_by: str = ""


class Tables:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def lock_log(self, key: LogKey, seen_ms: int) -> tuple[int, Held]:
        """(log_id, its end); the log is made if need be, and nobody else's until the transaction ends. `seen_ms`: when its
        author was heard, 0 where somebody else speaks for it."""
        ((log_id, *held),) = self._sql.rows(
            "INSERT INTO logs (store, register, incarnation, head_hash, last_seen_ms) VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT (store, register, incarnation) DO UPDATE SET last_seen_ms ="
            " CASE WHEN excluded.last_seen_ms > logs.last_seen_ms THEN excluded.last_seen_ms ELSE logs.last_seen_ms END"
            " RETURNING log_id, held_seq, head_hash",
            *key, GENESIS, seen_ms,
        )  # fmt: skip
        return int(log_id), Held(*held)

    def save_logs(self, rows: Iterable[tuple[int, Held, int]]) -> None:
        """(log_id, its end, how many more were rejected)"""
        self._sql.many(
            "UPDATE logs SET held_seq = $1, head_hash = $2, rejected = rejected + $3 WHERE log_id = $4",
            [(*held, rejected, log_id) for log_id, held, rejected in rows],
        )

    def kept(self, log_id: int, seqs: Iterable[int]) -> dict[int, Kept]:
        found = {}
        for first, last in _runs(seqs):
            for seq, own_hash, rejected in self._sql.rows(
                "SELECT seq, hash, rejected FROM events WHERE log_id = $1 AND seq BETWEEN $2 AND $3", log_id, first, last
            ):
                found[int(seq)] = Kept(own_hash, rejected)
        return found

    def add_events(self, rows: list[tuple[Value, ...]]) -> None:
        """A place that is taken fails the transaction: whoever locked the log saw that it is free."""
        self._sql.many(
            "INSERT INTO events (log_id, seq, hash, prev_hash, type, version, business_day, at_ms, body, rejected)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            rows,
        )

    def add_unread(self, rows: list[tuple[int, int, str, int]]) -> None:
        """(log_id, seq, type, version) of events that are stored and not known here."""
        self._sql.many("INSERT INTO unread (log_id, seq, type, version) VALUES ($1, $2, $3, $4)", rows)

    def unread_logs(self, type_name: str, version: int) -> list[LogKey]:
        """Logs with such events."""
        rows = self._sql.rows(
            "SELECT DISTINCT store, register, incarnation FROM unread JOIN logs USING (log_id)"
            " WHERE type = $1 AND version = $2",
            type_name, version,
        )  # fmt: skip
        return [(str(store), str(register), str(incarnation)) for store, register, incarnation in rows]

    def unread_types(self) -> list[tuple[str, int]]:
        return [(str(name), int(version)) for name, version in self._sql.rows("SELECT DISTINCT type, version FROM unread")]

    def unread(self, key: LogKey, log_id: int, type_name: str, version: int, after_seq: int, limit: int) -> list[Envelope]:
        """Of a log that is locked, in its order, without texts of persons."""
        rows = self._sql.rows(
            "SELECT events.seq, business_day, at_ms, body, prev_hash, hash FROM unread JOIN events USING (log_id, seq)"
            " WHERE unread.type = $1 AND unread.version = $2 AND unread.log_id = $3 AND unread.seq > $4"
            " ORDER BY unread.seq LIMIT $5",
            type_name, version, log_id, after_seq, limit,
        )  # fmt: skip
        return [
            Envelope(*key, int(seq), type_name, version, day, int(at_ms), bytes(body).decode(), prev_hash, own_hash)
            for seq, day, at_ms, body, prev_hash, own_hash in rows
        ]

    def read(self, log_id: int, seqs: Iterable[int]) -> None:
        """They are unread no more."""
        self._sql.many("DELETE FROM unread WHERE log_id = $1 AND seq = $2", [(log_id, seq) for seq in seqs])

    def add_texts(self, rows: list[tuple[Value, ...]]) -> None:
        self._sql.many(
            "INSERT INTO personal (log_id, seq, digest, salt, text) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING", rows
        )

    def erase(self, store: str, digests: Collection[str]) -> None:
        """Texts of the store, and those that come in later. Its store is locked, and by whoever adds texts too."""
        self._sql.many(
            "INSERT INTO erased (store, digest) VALUES ($1, $2) ON CONFLICT DO NOTHING", [(store, one) for one in digests]
        )
        self._sql.many(
            "DELETE FROM personal WHERE digest = $1 AND log_id IN (SELECT log_id FROM logs WHERE store = $2)",
            [(one, store) for one in digests],
        )

    def erased(self, store: str, digests: Collection[str]) -> set[str]:
        """Those of `digests` that the store erased."""
        found = set()
        for marks, chunk in _lists(digests):
            sql = f"SELECT digest FROM erased WHERE store = $1 AND digest IN ({marks})"  # noqa: S608 - $2, $3, ...
            found |= {str(row[0]) for row in self._sql.rows(sql, store, *chunk)}
        return found

    def lock_store(self, store: str, first_number: int) -> int:
        """Its next number; checks and books of the store are nobody else's until the transaction ends."""
        ((number,),) = self._sql.rows(
            "INSERT INTO stores (store, next_number) VALUES ($1, $2)"
            " ON CONFLICT (store) DO UPDATE SET next_number = stores.next_number RETURNING next_number",
            store, first_number,
        )  # fmt: skip
        return int(number)

    def save_next_number(self, store: str, number: int) -> None:
        self._sql.rows("UPDATE stores SET next_number = $1 WHERE store = $2", number, store)

    def checks(self, store: str, ids: Collection[str], numbers: Collection[int]) -> list[CheckRow]:
        """Those that have one of the ids or of the numbers; some may come twice."""
        found = []
        for column, values in (("check_id", ids), ("number", numbers)):
            for marks, chunk in _lists(values):
                rows = self._sql.rows(f"{_CHECKS} {column} IN ({marks})", store, *chunk)
                found += [CheckRow(*row) for row in rows]
        return found

    def save_checks(self, store: str, rows: list[CheckRow], renumbered: list[str]) -> None:
        """`renumbered`: ids of rows whose number is another than before. They go first: two may have changed places."""
        self._sql.many("DELETE FROM checks WHERE store = $1 AND check_id = $2", [(store, one) for one in renumbered])
        self._sql.many(
            "INSERT INTO checks (store, check_id, number, log_id, opened_seq, ticket_code, business_day, state, totals,"
            " refunded_minor, hand, held_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
            " ON CONFLICT (store, check_id) DO UPDATE SET state = excluded.state, totals = excluded.totals,"
            " refunded_minor = excluded.refunded_minor, hand = excluded.hand, held_by = excluded.held_by",
            [(store, *row) for row in rows],
        )

    def post(self, amounts: Iterable[tuple[tuple[str, int, str, str, str], int]]) -> None:
        """((store, quarantined, business_day, kind, name), amount)"""
        self._sql.many(
            "INSERT INTO books (store, quarantined, business_day, kind, name, amount) VALUES ($1, $2, $3, $4, $5, $6)"
            " ON CONFLICT (store, quarantined, business_day, kind, name) DO UPDATE SET amount = books.amount + excluded.amount",
            [(*account, amount) for account, amount in amounts],
        )

    def adjust(self, amounts: Iterable[tuple[Adjusted, int]]) -> None:
        """((store, business_day, stamped_day, kind, name), amount)"""
        posting.save_adjustments(self._sql, amounts)

    def post_events(self, poster: Poster, store: str, came: Sequence[Posting], sums: Sums, now_ms: int) -> None:
        """See `Poster.post`."""
        poster.post(self._sql, store, came, sums, now_ms)

    def lock_quarantine(self) -> None:
        self._sql.one_at_a_time("quarantine")

    def quarantined(self, log_id: int, seqs: Collection[int]) -> set[tuple[int, bytes]]:
        """(seq, digest) of what is there."""
        found = set()
        for marks, chunk in _lists(seqs):
            rows = self._sql.rows(
                f"SELECT seq, digest FROM quarantine WHERE log_id = $1 AND seq IN ({marks})",  # noqa: S608 - $2, $3, ...
                log_id, *chunk,
            )  # fmt: skip
            found |= {(int(seq), bytes(digest)) for seq, digest in rows}
        return found

    def add_quarantined(self, rows: list[tuple[Value, ...]]) -> None:
        self._sql.many(
            "INSERT INTO quarantine (log_id, seq, digest, reason, detail, envelope, received_ms, sent_by)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            rows,
        )


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Consecutive ones as (first, last)."""
    first = last = None
    for number in sorted(set(numbers)):
        if first is None or last is None:
            first = last = number
        elif number == last + 1:
            last = number
        else:
            yield first, last
            first = last = number
    if first is not None and last is not None:
        yield first, last


def _lists(values: Collection[Value]) -> Iterator[tuple[str, list[Value]]]:
    """Pieces of `values` with the marks `$2, $3, ...` for them; the last value fills a piece up."""
    whole = list(values)
    for at in range(0, len(whole), _SIZES[-1]):
        piece = whole[at : at + _SIZES[-1]]
        size = next(size for size in _SIZES if size >= len(piece))
        yield ", ".join(f"${n + 2}" for n in range(size)), piece + piece[-1:] * (size - len(piece))

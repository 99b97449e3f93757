"""When registers were heard, and what they say of themselves. Written down every few seconds: so other processes know of it,
and a restart forgets little."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from tillkeeper.contract.chain import GENESIS
from tillkeeper.contract.envelope import Author, HqBatch
from tillkeeper.contract.placing import MAX_INT
from tillkeeper_hq.sql import Sql
from tillkeeper_hq.tables import LogKey

MAX_LOGS = 16
"""Logs of one register that wait to be written down; beats of more are not remembered."""
MAX_DIGITS = 4
MAX_WORD = 64


class Heard(NamedTuple):
    """`at_ms`: wall clock. `said`: None where the register says nothing of itself."""

    at_ms: int
    said: Author | None


class HeardLogs:
    """What is not written down yet. Bounded by the credentials. Belongs to the event loop."""

    def __init__(self) -> None:
        self._waiting: dict[LogKey, Heard] = {}
        self._logs: Counter[tuple[str, str]] = Counter()

    def note(self, batch: HqBatch, at_ms: int) -> None:
        """From the author itself; a relay is no sign of life."""
        key = (batch.store, batch.register, batch.incarnation)
        if key not in self._waiting:
            if self._logs[key[:2]] >= MAX_LOGS:
                return
            self._logs[key[:2]] += 1
        self._waiting[key] = Heard(at_ms, _believed(batch.author))

    def get(self, key: LogKey) -> Heard | None:
        return self._waiting.get(key)

    def waiting(self) -> list[tuple[LogKey, Heard]]:
        """Sorted: in this order logs are locked."""
        return sorted(self._waiting.items(), key=lambda one: one[0])

    def written(self, rows: Sequence[tuple[LogKey, Heard]]) -> None:
        """These are in the database now."""
        for key, heard in rows:
            if self._waiting.get(key) == heard:
                del self._waiting[key]
                self._logs[key[:2]] -= 1


def _believed(said: Author | None) -> Author | None:
    """None for what no register of ours says; its events count all the same."""
    if said is None or not 0 <= said.last_seq <= MAX_INT or not 0 <= said.minor_digits <= MAX_DIGITS:
        return None
    return said if max(len(said.currency), len(said.timezone)) <= MAX_WORD else None


def keep(sql: Sql, rows: Sequence[tuple[LogKey, Heard]]) -> None:
    """`rows` as `HeardLogs.waiting` gives them. A log of which nothing is held yet gets its row too: it is behind."""
    sql.many(
        "INSERT INTO logs (store, register, incarnation, head_hash, last_seen_ms, claimed_seq) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (store, register, incarnation) DO UPDATE SET claimed_seq = excluded.claimed_seq, last_seen_ms ="
        " CASE WHEN excluded.last_seen_ms > logs.last_seen_ms THEN excluded.last_seen_ms ELSE logs.last_seen_ms END",
        [(*key, GENESIS, at_ms, None if said is None else said.last_seq) for key, (at_ms, said) in rows],
    )
    facts = {key[0]: said for key, (_, said) in rows if said is not None and said.currency}
    sql.many(
        "INSERT INTO store_facts (store, currency, minor_digits, timezone) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (store) DO UPDATE SET currency = excluded.currency, minor_digits = excluded.minor_digits,"
        " timezone = excluded.timezone"
        " WHERE store_facts.currency <> excluded.currency OR store_facts.minor_digits <> excluded.minor_digits"
        " OR store_facts.timezone <> excluded.timezone",
        [(store, said.currency, said.minor_digits, said.timezone) for store, said in sorted(facts.items())],
    )

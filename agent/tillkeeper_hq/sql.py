"""The seam to a database: what HQ asks of SQLite or PostgreSQL. Both speak the same statements.

Parameters are `$1`, `$2`, ... in the order in which they first appear in the statement; both databases read that.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

Value = str | int | bytes | None


class DatabaseUnusable(Exception):
    """It cannot be opened, or another version of HQ made it. The message holds no password."""


class StoreFailed(Exception):
    """A transaction failed (disk full, I/O error): nothing of it is stored, doing it again is safe."""


class DatabaseAway(StoreFailed):
    """The database server does not answer. What was under way may be stored or not; doing it again is safe."""


class Sql(Protocol):
    """One connection, used by one thread. Everything but `close` happens inside `transaction`."""

    def transaction(self, *, reading: bool = False) -> AbstractContextManager[None]:
        """Commits where the block ends well, so that it is durable; else nothing of it counts. `reading`: one snapshot.

        Raises:
            StoreFailed, DatabaseAway: whatever the database refused, inside the block too.
        """

    def rows(self, sql: str, *values: Value) -> list[Any]:
        """The result, whole: callers bound it."""

    def many(self, sql: str, rows: Sequence[tuple[Value, ...]]) -> None:
        """The statement once for each of `rows`, in as few exchanges as the database can."""

    def one_at_a_time(self, table: str) -> None:
        """Until this transaction ends no other one writes into `table`: its rows become visible in the order of their ids."""

    def forget(self) -> bool:
        """Outside of a transaction: take what was deleted out of the database's files too, as far as that can be done without
        keeping anybody waiting. False: somebody reads what was; try again in a moment."""

    def close(self) -> None: ...


class Backend(Protocol):
    def connect(self, *, reading: bool) -> Sql:
        """The writing connection is made first: it brings the tables up to date. Raises DatabaseUnusable."""

"""The write connection as a thing that fails and comes back.

When the disk refuses (full, failed write, failed sync) the connection is closed; before the next write it is opened again, the
end of the log is read anew, and work goes on as soon as it can, without a restart. After a failed sync the frames of the
refused transaction may be in the -wal file, unseen by every reader; so the first thing a new connection does is to empty that
file (checkpoint TRUNCATE). Only a power cut before that can bring a refused command back, and then its idempotency key comes
back with it: the retry is answered and not done twice.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import apsw

from tillkeeper.errors import StorageRefused
from tillkeeper.journal.database import BUSY_TIMEOUT_MS, connect_writer, trust
from tillkeeper.journal.files import mark_suspect
from tillkeeper.journal.reserve import Reserve

CHECKPOINT_PAGES = 1_000
_NEARLY_FULL_BYTES = 512 * 1024
DAMAGE = (apsw.CorruptError, apsw.NotADBError)

FULL = "the disk is full"

T = TypeVar("T")
K = TypeVar("K")


class StorageState(NamedTuple, Generic[K]):
    """`known`: the ends of the logs in the file, as the last commit left them. `trouble`: why writing is refused right now, or
    None. `damaged`: only examining the whole file, or beginning anew, can help."""

    known: K
    trouble: str | None = None
    damaged: bool = False


class Storage(Generic[K]):
    """Used by the writer's thread only. `read`: what is to be known of the file whenever it is opened. `hint`: what a person
    can do where the file is damaged. `out_of_space`: the reserve has been given up, no sale may be written."""

    def __init__(
        self,
        path: Path,
        connection: apsw.Connection,
        read: Callable[[apsw.Connection], K],
        reserve: Reserve,
        vfs: str | None,
        hint: str,
    ) -> None:
        self._path, self._read, self._reserve, self._vfs, self._hint = path, read, reserve, vfs, hint
        self._connection: apsw.Connection | None = connection
        self._must_empty_log = False
        self._traces = False
        self._wal_pages = 0
        self._watch_log(connection)
        self.known = read(connection)
        self.out_of_space = False
        self.trouble: str | None = None
        self.damaged = False
        self.hold_reserve()

    @property
    def state(self) -> StorageState[K]:
        return StorageState(self.known, self.trouble, self.damaged)

    def refusal(self) -> StorageRefused:
        again = "send it again: it is not done twice"
        if self.trouble == FULL:
            again = f"make room on the disk of {self._path.parent}, then {again}"
        hint = self._hint if self.damaged else again
        return StorageRefused("write", self._path.name, self.trouble or "the disk refused", hint)

    def hold_reserve(self) -> None:
        """Hold the reserve if there is room again: selling may go on."""
        try:
            held = self._reserve.hold()
        except OSError as error:
            self.trouble = f"the reserve cannot be kept: {error.strerror}"
            self.out_of_space = True
            return
        if held and self.out_of_space and self._connection is not None:
            self.trouble = None
        elif not held:
            self.trouble = FULL
        self.out_of_space = not held

    def attempt(self, work: Callable[[apsw.Connection], T]) -> T | StorageRefused:
        """Do the work on a connection that is in order. What SQLite says about the disk becomes a StorageRefused."""
        try:
            return work(self._ready())
        except apsw.Error as error:
            return self._stumble(error)
        except StorageRefused as error:
            self.trouble = error.cause
            return error

    def written(self, known: K) -> None:
        """The work was committed: so much for the trouble."""
        self.known = known
        if not self.out_of_space:
            self.trouble = None

    def checkpoint(self) -> None:
        """Copy the log into the file once it is long. Called after the answers, so that no sale waits for it."""
        if self._traces and self._connection is not None:
            self.attempt(self.leave_no_trace)
        elif self._wal_pages >= CHECKPOINT_PAGES and self._connection is not None:
            self._wal_pages = 0
            self.attempt(lambda connection: connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE))

    def leave_no_trace(self, connection: apsw.Connection) -> None:
        """Older pages with a text that was erased are in the log until it is emptied: now, or where somebody reads the file,
        as soon as nobody does. Raises: apsw.Error."""
        connection.set_busy_timeout(0)  # no sale waits for a reader
        try:
            self.empty_log(connection)
            self._traces = False
        except apsw.BusyError:
            self._traces = True
        finally:
            connection.set_busy_timeout(BUSY_TIMEOUT_MS)

    def empty_log(self, connection: apsw.Connection) -> None:
        """Raises: apsw.Error, also where a reader stands in the way."""
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def recover(self) -> None:
        """Look whether the disk is well again. Costs nothing where there is no trouble."""
        if self._traces and self._connection is not None:
            self.attempt(self.leave_no_trace)
        if self.trouble is None or self.damaged:
            return
        if self.out_of_space:
            self.hold_reserve()
        if self._connection is None and not isinstance(self.attempt(lambda _: None), StorageRefused):
            self.written(self.known)

    def begin_anew(self, make: Callable[[], apsw.Connection]) -> None:
        """Another file has the place of a damaged one. Raises: what `make` raises."""
        self.close()
        connection = make()
        self._watch_log(connection)
        self.known = self._read(connection)
        self._connection, self._must_empty_log, self._wal_pages = connection, False, 0
        self.trouble, self.damaged, self.out_of_space = None, False, False

    def close(self) -> None:
        """Where this is the last connection and all is well, the log is copied into the file and removed."""
        if self._connection is not None:
            with contextlib.suppress(apsw.Error):  # the log stays where it is and is read at the next start
                self._connection.close(True)
            self._connection = None

    def _watch_log(self, connection: apsw.Connection) -> None:
        def note(_connection: apsw.Connection, _name: str, pages: int) -> int:
            self._wal_pages = pages
            return apsw.SQLITE_OK

        connection.set_wal_hook(note)

    def _ready(self) -> apsw.Connection:
        if self.damaged:
            raise self.refusal()
        if self._connection is None:
            connection = connect_writer(self._path, self._vfs)
            try:
                trust(connection)
                self._watch_log(connection)
                if self._must_empty_log:
                    self.empty_log(connection)
                self.known = self._read(connection)
            except apsw.Error:
                connection.close(True)
                raise
            self._must_empty_log = False
            self._connection = connection
        return self._connection

    def _stumble(self, error: apsw.Error) -> StorageRefused:
        self.close()
        if isinstance(error, DAMAGE):
            self.damaged = True
            self.trouble = f"the file is damaged: {error}"
            mark_suspect(self._path, str(error))
            return self.refusal()
        full = isinstance(error, apsw.FullError)
        # Some file systems say "full" only when they sync, which SQLite reports as an I/O error.
        self._must_empty_log = self._must_empty_log or not full
        if full or self._free_bytes() < _NEARLY_FULL_BYTES:
            self.out_of_space = True
            self.trouble = FULL
            with contextlib.suppress(OSError):
                self._reserve.release()
        else:
            self.trouble = f"the disk refused: {error or type(error).__name__}"
        return self.refusal()

    def _free_bytes(self) -> int:
        try:
            found = os.statvfs(self._path.parent)
        except OSError:
            return 0
        return found.f_bavail * found.f_frsize

"""The work itself, in a process of its own beside the agent. It reads the books and changes nothing in them."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import apsw

from tillkeeper.errors import StorageRefused
from tillkeeper.journal.database import connect_reader
from tillkeeper.journal.faults import StorageUnreadable
from tillkeeper.journal.files import HELD_FILE, JOURNAL_FILE, mark_suspect
from tillkeeper.journal.verify import LogReport, verify_connection
from tillkeeper.nightly import result
from tillkeeper.nightly.model import Night, NightlyResult, with_night
from tillkeeper.replication.held.verify import verify_file as verify_held

LEFTOVER_AGE_S = 7 * 86_400.0
"""A half-made file that nobody finished for so long is nobody's."""
MOST_PROBLEMS = 5
_DRAFTS = (".*.????????????????", "*.new")
"""How drafts are called in the data folder: those of tokens and keys (16 hexadecimal digits at the end), and files that are
renamed once they are whole. Logs and set-aside journals are never among them."""


def work(folder: Path, now_ms: Callable[[], int]) -> NightlyResult | None:
    """All of it, and the result is on the disk. None where there is no journal yet. A journal that does not verify is noted as
    suspect, so that the agent's next start examines all of it and sets it aside if it must.

    Args:
        folder: the data folder.
        now_ms: wall clock.

    Raises:
        StorageRefused: the result can not be kept; of the books it says what was found.
    """
    if not (folder / JOURNAL_FILE).exists():
        return None
    events, problems = _verify(folder)
    removed = sweep(folder, now_ms() / 1000)
    before = result.read(folder)
    tonight = Night(at_ms=now_ms(), free_bytes=shutil.disk_usage(folder).free, own_bytes=_size(folder))
    found = NightlyResult(
        at_ms=now_ms(),
        problems=tuple(problems[:MOST_PROBLEMS]),
        events=events,
        removed=removed,
        nights=with_night(before.nights if before else (), tonight),
    )
    try:
        result.write(folder, found)
    except OSError as error:
        books = f"; the books do not verify: {problems[0]}" if problems else ""
        hint = "make room on this disk; the next night looks again"
        raise StorageRefused("keep", "what the night found", f"{error.strerror or error}{books}", hint) from error
    return found


def _verify(folder: Path) -> tuple[int, list[str]]:
    """Events that verify, and what does not, in words."""
    problems: list[str] = []
    reports: list[LogReport] = []
    try:
        own, damage = verify_journal(folder / JOURNAL_FILE)
        reports += own
        own_problems = [*damage, *_words(own)]
        if own_problems:
            mark_suspect(folder / JOURNAL_FILE, own_problems[0])
        problems += own_problems
        if (folder / HELD_FILE).exists():
            held = verify_held(folder / HELD_FILE)
            reports += held
            problems += [f"held for another register: {words}" for words in _words(held)]
    except StorageUnreadable as error:
        problems.append(f"{error.subject} can not be read: {error.cause}")
    return sum(report.last_seq for report in reports), problems


def _words(reports: list[LogReport]) -> list[str]:
    return [f"log {report.incarnation} of {report.register}: {report.problem}" for report in reports if report.problem]


def verify_journal(path: Path) -> tuple[list[LogReport], list[str]]:
    """A report for each log, and what SQLite says about the file; all of one moment (a read transaction of WAL), whatever the
    agent writes meanwhile. Raises: StorageUnreadable."""
    try:
        connection = connect_reader(path)
        try:
            connection.execute("BEGIN")
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
            reports = verify_connection(connection)
            connection.execute("COMMIT")
        finally:
            connection.close(True)
    except (apsw.Error, UnicodeDecodeError) as error:
        raise StorageUnreadable("verify", path.name, str(error), "`tillkeeper journal verify` says more") from error
    return reports, [] if found == ["ok"] else found


def sweep(folder: Path, now_s: float) -> int:
    """Removes drafts that were never finished; how many."""
    removed = 0
    for pattern in _DRAFTS:
        for path in folder.glob(pattern):
            try:
                facts = path.lstat()
                if stat.S_ISREG(facts.st_mode) and now_s - facts.st_mtime > LEFTOVER_AGE_S:
                    path.unlink()
                    removed += 1
            except OSError:
                continue  # it has gone, or is not ours
    return removed


def _size(folder: Path) -> int:
    """Bytes on the disk of the files in `folder`, all the way down; links are not followed."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_blocks * 512
            except OSError:
                continue
    return total

"""Verify a journal and what is held for other registers beside it: every hash of every log, and every personal text against
its digest. Count what HQ does not hold. Works beside a running agent."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import add_json
from tillkeeper.cli.own_files import data_folder
from tillkeeper.journal.files import HELD_FILE, JOURNAL_FILE

if TYPE_CHECKING:
    from tillkeeper.journal.verify import LogReport

HELD_NAME = "held"
"""How the names of such files begin, also of those that were set aside."""
_SQLITE = b"SQLite format 3\0"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    verify = actions.add_parser("verify", help="exit code 5 where something does not verify")
    verify.add_argument(
        "path", type=Path, nargs="?", metavar="PATH",
        help=f"a data folder, or {JOURNAL_FILE} or {HELD_FILE} of one (the folder of the installed register)",
    )  # fmt: skip
    add_json(verify)
    unsent = actions.add_parser("unsent", help="how many events HQ is not known to hold, from the file alone")
    unsent.add_argument("path", type=Path, nargs="?", metavar="FOLDER", help="a data folder (that of the installed register)")
    add_json(unsent)


def run(args: argparse.Namespace) -> int:
    path = args.path or data_folder(None)
    return _unsent(args, path) if args.action == "unsent" else _verify(args, path)


def _unsent(args: argparse.Namespace, folder: Path) -> int:
    from tillkeeper.replication.unsent import unsent

    count = unsent(folder / JOURNAL_FILE, folder / HELD_FILE)
    output.show(args, {"unsent": count}, str(count))
    return exits.OK


def _verify(args: argparse.Namespace, path: Path) -> int:
    import msgspec

    from tillkeeper.journal.faults import StorageUnreadable
    from tillkeeper.journal.verify import verify_file
    from tillkeeper.replication.held.verify import verify_file as verify_held

    journal, held = _files(path)
    try:
        own = verify_file(journal) if journal is not None else []
        others = verify_held(held) if held is not None else []
    except StorageUnreadable as error:
        return exits.explain(error, as_json=args.json, code=exits.VERIFICATION)
    parts = [_table(own)] if journal is not None else []
    if held is not None:
        parts.append(f"held for other registers, in {held.name}:\n\n{_table(others)}")
    output.show(args, msgspec.to_builtins({"logs": own, "held": others}), "\n\n".join(parts))
    return exits.VERIFICATION if any(report.problem for report in (*own, *others)) else exits.OK


def _table(reports: "Sequence[LogReport]") -> str:
    rows = [
        (report.register, report.incarnation, report.last_seq, report.head_hash[:16], report.problem or "verified")
        for report in reports
    ]
    return output.table(("REGISTER", "INCARNATION", ">EVENTS", "HEAD", "RESULT"), rows, empty="no logs")


def _files(path: Path) -> tuple[Path | None, Path | None]:
    """The journal, and the file of held logs. Raises: UsageError, OSError."""
    from tillkeeper.journal.database import JOURNAL
    from tillkeeper.replication.held.file import FORMAT

    if path.is_dir():
        held = path / HELD_FILE
        return _required(path / JOURNAL_FILE, JOURNAL.application_id), held if held.is_file() else None
    # While it is in use all of a young file may be in its -wal: then its name has to say what it is.
    if path.is_file() and _is_format(path, FORMAT.application_id, or_cut=path.name.startswith(HELD_NAME)):
        return None, path
    return _required(path, JOURNAL.application_id), None


def _required(path: Path, application_id: int) -> Path:
    """Another kind of file is a wrong command line, not a damaged journal. An empty one is damaged: nothing makes it so."""
    if not path.is_file():
        raise exits.UsageError(f"there is no journal at {path}")
    if not _is_format(path, application_id, or_cut=True):
        raise exits.UsageError(f"{path} is not a journal")
    return path


def _is_format(path: Path, application_id: int, *, or_cut: bool = False) -> bool:
    """SQLite's file format 1.3: 16 bytes of magic, the application id big-endian at byte 68. `or_cut`: or the beginning of
    such a file, or one whose first page still is in the -wal beside it."""
    with path.open("rb") as file:
        head = file.read(72)
    wanted = {application_id.to_bytes(4, "big")}
    if or_cut:
        wanted |= {b""} | ({bytes(4)} if path.with_name(path.name + "-wal").exists() else set())
    return head[:16] == _SQLITE[: len(head)] and head[68:] in wanted

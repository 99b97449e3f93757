"""Verify a journal: every hash of every log, and every personal text against its digest. Works beside a running agent."""

import argparse
from pathlib import Path

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import add_json

JOURNAL = "journal.db"
_SQLITE = b"SQLite format 3\0"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    verify = actions.add_parser("verify", help="exit code 5 where something does not verify")
    verify.add_argument("path", type=Path, help=f"the journal, or the data folder that holds {JOURNAL}")
    add_json(verify)


def run(args: argparse.Namespace) -> int:
    import msgspec

    from tillkeeper.journal.faults import StorageUnreadable
    from tillkeeper.journal.verify import verify_file

    path = args.path / JOURNAL if args.path.is_dir() else args.path
    if not path.is_file():
        raise exits.UsageError(f"there is no journal at {path}")
    _require_journal(path)
    try:
        reports = verify_file(path)
    except StorageUnreadable as error:
        return exits.explain(error, as_json=args.json, code=exits.VERIFICATION)
    rows = [
        (report.register, report.incarnation, report.last_seq, report.head_hash[:16], report.problem or "verified")
        for report in reports
    ]
    text = output.table(("REGISTER", "INCARNATION", ">EVENTS", "HEAD", "RESULT"), rows, empty="no logs")
    output.show(args, msgspec.to_builtins({"logs": reports}), text)
    return exits.VERIFICATION if any(report.problem for report in reports) else exits.OK


def _require_journal(path: Path) -> None:
    """Another kind of file is a wrong command line, not a damaged journal. An empty one is damaged: nothing makes it so.

    SQLite's file format 1.3: 16 bytes of magic, the application id big-endian at byte 68.

    Raises:
        UsageError, OSError
    """
    from tillkeeper.journal.database import JOURNAL as FORMAT

    with path.open("rb") as file:
        head = file.read(72)
    whole = head[:16] == _SQLITE[: len(head)] and head[68:] in (b"", FORMAT.application_id.to_bytes(4, "big"))
    if not whole:
        raise exits.UsageError(f"{path} is not a journal")

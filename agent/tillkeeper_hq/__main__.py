"""`tillkeeper-hq run`: HQ as a process. Exit codes: 0 stopped by SIGTERM or SIGINT, 2 cannot start."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path

from tillkeeper.contract.envelope import MAX_NUMBER
from tillkeeper_hq.credentials import ENV_NAME, Credentials, CredentialsInvalid, load, parse
from tillkeeper_hq.server import ListenInvalid, serving
from tillkeeper_hq.sql import Backend, DatabaseUnusable
from tillkeeper_hq.sqlite import SqliteBackend

DATABASE_NAME = "TILLKEEPER_HQ_DATABASE"
"""Environment variable that holds PostgreSQL's URL, where neither a folder nor a file is given."""


def main(argv: list[str] | None = None) -> int:
    args = _arguments(argv)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(_run(args, _credentials(args.credentials)))
    except (CredentialsInvalid, DatabaseUnusable, ListenInvalid) as error:
        print(f"tillkeeper-hq: {error}", file=sys.stderr)
        return 2
    return 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tillkeeper-hq", description="The server at the other end of Tillkeeper.")
    run = parser.add_subparsers(required=True, metavar="COMMAND").add_parser("run", help="serve until SIGTERM")
    where = run.add_mutually_exclusive_group()
    where.add_argument("--data", type=Path, help="folder of an SQLite database; made if missing")
    where.add_argument(
        "--database",
        metavar="URL",
        help=f"postgresql://... instead; one with a password belongs into ${DATABASE_NAME} or a file",
    )
    where.add_argument("--database-file", type=Path, help="file that holds the URL")
    run.add_argument("--listen", default="127.0.0.1:0", metavar="HOST:PORT", help="port 0: any free one (default)")
    run.add_argument("--credentials", type=Path, help=f"TOML or JSON file; without it ${ENV_NAME} holds the JSON")
    run.add_argument("--ready-file", type=Path, help="write the line that says where HQ listens to this file too")
    run.add_argument(
        "--first-number",
        type=int,
        default=1,
        help="first check number of a store new to this database; after a loss of the database give one above all used",
    )
    args = parser.parse_args(argv)
    if not 0 < args.first_number <= MAX_NUMBER // 2:
        parser.error(f"--first-number: 1 to {MAX_NUMBER // 2}")
    return args


def _backend(args: argparse.Namespace) -> Backend:
    """Raises DatabaseUnusable."""
    if args.data is not None:
        return SqliteBackend(args.data)
    url = args.database or ""
    if args.database_file is not None:
        try:
            url = args.database_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise DatabaseUnusable(f"{args.database_file.name}: {error}") from error
    url = url or os.environ.get(DATABASE_NAME, "")
    if not url:
        raise DatabaseUnusable(f"give --data FOLDER, --database-file FILE, or ${DATABASE_NAME}")
    try:
        from tillkeeper_hq.postgres import PostgresBackend, has_password
    except ImportError as error:
        raise DatabaseUnusable(f"PostgreSQL needs psycopg: install tillkeeper[hq-postgresql] ({error})") from error
    if args.database and has_password(args.database):
        raise DatabaseUnusable(f"a password on the command line is seen by all: put the URL into ${DATABASE_NAME} or a file")
    return PostgresBackend(url)


def _credentials(path: Path | None) -> Credentials:
    if path is not None:
        return load(path)
    text = os.environ.get(ENV_NAME)
    if not text:
        raise CredentialsInvalid(f"give --credentials FILE, or ${ENV_NAME}")
    return parse(text, ENV_NAME)


async def _run(args: argparse.Namespace, credentials: Credentials) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serving(_backend(args), credentials, args.listen, args.first_number) as url:
        line = json.dumps({"url": url, "pid": os.getpid()})
        if args.ready_file is not None:
            _write_whole(args.ready_file, line + "\n")
        print(line, flush=True)
        await stop.wait()


def _write_whole(path: Path, text: str) -> None:
    """Readers see all of it or nothing."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


if __name__ == "__main__":
    sys.exit(main())

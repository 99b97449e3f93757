"""Which database: one setting, the same for every command."""

import argparse
import os
from pathlib import Path

from tillkeeper_hq.sql import Backend, DatabaseUnusable
from tillkeeper_hq.sqlite import SqliteBackend

DATABASE_NAME = "TILLKEEPER_HQ_DATABASE"
"""Environment variable that holds PostgreSQL's URL, where neither a folder nor a file is given."""


def add_database_options(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--data", type=Path, help="folder of an SQLite database; made if missing")
    where.add_argument(
        "--database",
        metavar="URL",
        help=f"postgresql://... instead; one with a password belongs into ${DATABASE_NAME} or a file",
    )
    where.add_argument("--database-file", type=Path, help="file that holds the URL")


def backend(args: argparse.Namespace) -> Backend:
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

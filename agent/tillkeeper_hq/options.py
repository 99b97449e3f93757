"""Which database: one setting, the same for every command, or a file with it and HQ's other settings."""

import argparse
import os
import pwd
from pathlib import Path

from tillkeeper_hq import hq_file
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
    parser.add_argument("--config", type=Path, metavar="FILE", help="HQ's settings (TOML); options given beside it go first")


def with_config(args: argparse.Namespace) -> argparse.Namespace:
    """What `--config` says fills in the options that were not given. Raises HqFileInvalid."""
    if getattr(args, "config", None) is None:
        return args
    file = hq_file.read(args.config)
    if args.data is None and not args.database and args.database_file is None:
        args.data = Path(file.data) if file.data else None
        args.database_file = Path(file.database_file) if file.database_file else None
    if args.command == "run":
        args.listen = args.listen or file.listen
        args.credentials = args.credentials or (Path(file.credentials) if file.credentials else None)
        if args.tls_cert is None and file.tls_cert:
            args.tls_cert, args.tls_key = Path(file.tls_cert), Path(file.tls_key)
        args.behind_tls = args.behind_tls or file.behind_tls
        args.first_number = file.first_number if args.first_number is None else args.first_number
    return args


def backend(args: argparse.Namespace) -> Backend:
    """Raises DatabaseUnusable."""
    if args.data is not None:
        _check_owner(args.data)
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


def _check_owner(folder: Path) -> None:
    """Files that root makes in the folder of another user are closed to that user's HQ. Raises DatabaseUnusable."""
    try:
        owner = folder.stat().st_uid
    except OSError:
        return  # it is made, or the database says what is wrong
    if os.geteuid() == 0 and owner != 0:
        name = pwd.getpwuid(owner).pw_name if owner in {one.pw_uid for one in pwd.getpwall()} else f"#{owner}"
        raise DatabaseUnusable(f"{folder} belongs to {name}: run this as that user (`runuser -u {name} -- tillkeeper-hq ...`)")

"""`tillkeeper-hq run`: HQ as a process; `user`: who may sign in to its pages; `token`: makes one for a program. Exit codes: 0
done, or stopped by SIGTERM or SIGINT; 2 cannot start, or can not be done."""

import argparse
import asyncio
import faulthandler
import json
import logging
import os
import signal
import sys
from pathlib import Path

from tillkeeper.contract.envelope import MAX_NUMBER
from tillkeeper_hq import tokens
from tillkeeper_hq.credentials import ENV_NAME, Credentials, CredentialsInvalid, load, parse
from tillkeeper_hq.hq_file import HqFileInvalid
from tillkeeper_hq.options import add_database_options, backend, with_config
from tillkeeper_hq.server import ListenInvalid, Tls, serving
from tillkeeper_hq.sql import DatabaseUnusable
from tillkeeper_hq.users import cli as user_commands
from tillkeeper_systemd import credentials, listening, notify

ANY_PORT = "127.0.0.1:0"


def main(argv: list[str] | None = None) -> int:
    args = _arguments(argv)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        if args.command == "token":
            return tokens.run(args)
        args = with_config(args)
        if args.command == "user":
            return user_commands.run(args)
        faulthandler.enable()  # where every thread stood when the watchdog's SIGABRT came
        asyncio.run(_run(_checked(args), _credentials(args.credentials)))
    except (CredentialsInvalid, DatabaseUnusable, HqFileInvalid, ListenInvalid, listening.ListeningInvalid) as error:
        print(f"tillkeeper-hq: {error}", file=sys.stderr)
        notify.notify(STATUS=f"not started: {error}")
        return 2
    return 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tillkeeper-hq", description="The server at the other end of Tillkeeper.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    tokens.add_arguments(commands.add_parser("token", help="make a token, and what of it belongs into the credentials"))
    user_commands.add_arguments(commands.add_parser("user", help="who may sign in to the pages"))
    run = commands.add_parser("run", help="serve until SIGTERM")
    add_database_options(run)
    run.add_argument("--listen", metavar="HOST:PORT", help=f"port 0: any free one ({ANY_PORT})")
    run.add_argument("--credentials", type=Path, help=f"TOML or JSON file; without it ${ENV_NAME} holds the JSON")
    run.add_argument("--ready-file", type=Path, help="write the line that says where HQ listens to this file too")
    run.add_argument(
        "--first-number",
        type=int,
        help="first check number of a store new to this database; after a loss of the database give one above all used",
    )
    run.add_argument("--tls-cert", type=Path, metavar="FILE", help="serve https: the certificate chain (PEM)")
    run.add_argument("--tls-key", type=Path, metavar="FILE", help="its key (PEM)")
    run.add_argument("--behind-tls", action="store_true", help="a proxy in front serves https: people may sign in through it")
    args = parser.parse_args(argv)
    if args.command == "run" and (args.tls_cert is None) != (args.tls_key is None):
        parser.error("--tls-cert and --tls-key go together")
    if args.command == "run" and not _is_first(args.first_number):
        parser.error(f"--first-number: 1 to {MAX_NUMBER // 2}")
    return args


def _is_first(number: int | None) -> bool:
    return number is None or 0 < number <= MAX_NUMBER // 2


def _checked(args: argparse.Namespace) -> argparse.Namespace:
    """With defaults where nobody said anything. Raises HqFileInvalid."""
    if not _is_first(args.first_number):
        raise HqFileInvalid(f"{args.config}: first_number: 1 to {MAX_NUMBER // 2}")
    args.first_number = args.first_number or 1
    args.listen = args.listen or ANY_PORT
    return args


def _credentials(path: Path | None) -> Credentials:
    if path is not None:
        try:
            return load(path)
        except CredentialsInvalid as error:
            hint = credentials.missing(str(path)) if not path.exists() else ""
            raise CredentialsInvalid(f"{error}; {hint}" if hint else str(error)) from error
    text = os.environ.get(ENV_NAME)
    if not text:
        raise CredentialsInvalid(f"give --credentials FILE, or ${ENV_NAME}")
    return parse(text, ENV_NAME)


async def _run(args: argparse.Namespace, known: Credentials) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        notify.notify(STOPPING="1")
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    given = listening.take()
    if len(given) > 1:
        raise ListenInvalid("the socket units have to make one socket alone")
    tls = None if args.tls_cert is None else Tls(args.tls_cert, args.tls_key)
    safe = args.behind_tls or tls is not None
    door = given[0][1] if given else None
    database = backend(args)
    async with serving(database, known, args.listen, args.first_number, tls=tls, https=safe, given=door) as url:
        line = json.dumps({"url": url, "pid": os.getpid()})
        if args.ready_file is not None:
            _write_whole(args.ready_file, line + "\n")
        print(line, flush=True)
        notify.notify(READY="1", STATUS=url)
        await stop.wait()


def _write_whole(path: Path, text: str) -> None:
    """Readers see all of it or nothing."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


if __name__ == "__main__":
    sys.exit(main())

"""`tillkeeper-hq user ...`: who may sign in to the pages. Works on the database, whether HQ runs or not."""

import argparse
import getpass
import os
import pwd
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tillkeeper_hq.options import add_database_options, backend
from tillkeeper_hq.sql import Sql, StoreFailed
from tillkeeper_hq.users import passwords, tables
from tillkeeper_hq.users.model import ROLES, Role, User, UserRefused, tidy_name, tidy_stores

MAX_FILE_BYTES = 4096


def _who() -> str:
    """Who did it, in the journal: behind sudo(8) the person who called that."""
    try:
        name = os.environ.get("SUDO_USER", "") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return f"command line ({name})"[:80]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(required=True, metavar="ACT")

    def act(name: str, words: str, run: Callable[[Sql, argparse.Namespace, int], None]) -> argparse.ArgumentParser:
        made = acts.add_parser(name, help=words, description=words)
        made.set_defaults(act=run, asks_password=False)
        if name != "list":
            made.add_argument("name", metavar="NAME")
        add_database_options(made)
        return made

    roles = ", ".join(ROLES)
    add = act("add", "let somebody sign in", _add)
    set_password = act("set-password", "give a user another password; all of their sessions end", _set_password)
    for one in (add, set_password):
        one.set_defaults(asks_password=True)
        one.add_argument("--password-file", metavar="FILE", help="its first line is the password; - is standard input")
    role = act("set-role", "what a user may do and see", _set_role)
    for one in (add, role):
        one.add_argument("--role", required=True, choices=ROLES, metavar="ROLE", help=roles)
        one.add_argument("--store", action="append", default=[], help="only this store; may be repeated")
    act("list", "all users", _list)
    act("disable", "nobody signs in under that name; all of its sessions end", _disable)
    act("enable", "take `disable` back", _enable)
    act("unlock", "forget wrong passwords under that name", _unlock)
    act("remove", "delete a user; what they did stays in the journal", _remove)


def run(args: argparse.Namespace) -> int:
    """Exit code: 0, or 2 where it can not be done, with the reason on standard error. Raises DatabaseUnusable."""
    try:
        if args.asks_password:
            args.password = _password(args.password_file)
        connection = backend(args).connect(reading=False)
        try:
            with connection.transaction():
                args.act(connection, args, time.time_ns() // 1_000_000)
        finally:
            connection.close()
    except (UserRefused, StoreFailed) as error:
        print(f"tillkeeper-hq: {error}", file=sys.stderr)
        return 2
    return 0


def _password(source: str | None) -> str:
    """Never from the command line: all users of a machine see it there. Raises UserRefused."""
    if source is None and not sys.stdin.isatty():
        raise UserRefused("no terminal to ask for a password: give --password-file FILE, or - for standard input")
    if source is None:
        password = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != password:
            raise UserRefused("they are not the same")
        return password
    try:
        stream = sys.stdin.buffer if source == "-" else None
        if stream is not None:
            read = stream.readline(MAX_FILE_BYTES)
        else:
            with Path(source).open("rb") as file:
                read = file.readline(MAX_FILE_BYTES)
        return read.decode("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserRefused(f"{source}: {error.__class__.__name__}") from None


def _add(sql: Sql, args: argparse.Namespace, now_ms: int) -> None:
    name, role = tidy_name(args.name), ROLES[args.role]
    passwords.check(args.password, name)
    new = User(0, name, role, tidy_stores(args.store, role), created_ms=now_ms)
    tables.add(sql, new, passwords.hashed(args.password, os.urandom(passwords.SALT_BYTES)))
    tables.write_act(sql, now_ms, _who(), "user_added", name, _what(new.role, new.stores))


def _set_password(sql: Sql, args: argparse.Namespace, now_ms: int) -> None:
    user = _known(sql, args.name)
    passwords.check(args.password, user.name)
    kept = passwords.hashed(args.password, os.urandom(passwords.SALT_BYTES))
    tables.set_password(sql, user.name, kept, must_change=False)
    tables.forget_tries(sql, user.name)
    tables.write_act(sql, now_ms, _who(), "password_set", user.name)


def _set_role(sql: Sql, args: argparse.Namespace, now_ms: int) -> None:
    user, role = _known(sql, args.name), ROLES[args.role]
    stores = tidy_stores(args.store, role)
    tables.change(sql, user.name, role, stores)
    tables.write_act(sql, now_ms, _who(), "user_changed", user.name, _what(role, stores))


def _disable(sql: Sql, args: argparse.Namespace, now_ms: int) -> None:
    user = _known(sql, args.name)
    tables.set_disabled(sql, user.name, disabled=True)
    tables.write_act(sql, now_ms, _who(), "user_disabled", user.name)


def _enable(sql: Sql, args: argparse.Namespace, now_ms: int) -> None:
    user = _known(sql, args.name)
    tables.set_disabled(sql, user.name, disabled=False)
    tables.write_act(sql, now_ms, _who(), "user_enabled", user.name)


def _unlock(sql: Sql, args: argparse.Namespace, now_ms: int) -> None:
    name = tidy_name(args.name)
    tables.forget_tries(sql, name)
    tables.write_act(sql, now_ms, _who(), "user_unlocked", name)


def _remove(sql: Sql, args: argparse.Namespace, now_ms: int) -> None:
    user = _known(sql, args.name)
    tables.remove(sql, user.name)
    tables.write_act(sql, now_ms, _who(), "user_removed", user.name)


def _list(sql: Sql, _args: argparse.Namespace, _now_ms: int) -> None:
    for user in tables.users(sql, "", tables.MAX_USERS):
        state = "disabled" if user.disabled else "must change the password" if user.must_change else ""
        print("\t".join((user.name, user.role.word, " ".join(user.stores) or "all stores", state)).rstrip())


def _known(sql: Sql, text: str) -> User:
    name = tidy_name(text)
    user = tables.user(sql, name)
    if user is None:
        raise UserRefused(f"there is no user {name}")
    return user


def _what(role: Role, stores: tuple[str, ...]) -> str:
    return f"{role.word}, {' '.join(stores) or 'all stores'}"

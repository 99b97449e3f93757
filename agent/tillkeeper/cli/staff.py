"""Who works here: people with their roles and PINs. Writes the roster that a running agent takes over within seconds."""

import argparse
import getpass
import os
import pwd
import re
import sys
from pathlib import Path

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import add_json
from tillkeeper.cli.exits import UsageError
from tillkeeper.cli.own_files import add_config, check_owner, config_file
from tillkeeper.config.model import Config
from tillkeeper.people import pins, roster
from tillkeeper.people.roles import roles
from tillkeeper.people.roster import Member, Roster

MAX_STDIN = 64
_EMPLOYEE = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    words = {
        "add": "a new person; asks for a PIN",
        "list": "everybody on the roster",
        "remove": "take a person off; who is signed in is signed out",
        "set-pin": "another PIN",
        "set-roles": "other roles",
    }
    for name, help_text in words.items():
        action = actions.add_parser(name, help=help_text)
        add_config(action)
        if name != "list":
            action.add_argument("employee", type=_employee, help="short name in journal and reports: letters, digits, . _ : -")
        if name == "add":
            action.add_argument("--name", default="", help="as pages show it (the short name)")
        if name in ("add", "set-roles"):
            action.add_argument("--role", action="append", choices=sorted(roles()), required=True, help="may be repeated")
        if name in ("add", "set-pin"):
            action.add_argument("--pin-stdin", action="store_true", help="read the PIN from standard input, do not ask")
        add_json(action)


def _employee(text: str) -> str:
    if not _EMPLOYEE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} may hold letters, digits and . _ : - only, 64 at most")
    return text


def run(args: argparse.Namespace) -> int:
    from tillkeeper.config.load import load

    config_path = config_file(args.config)
    config = load(config_path)
    if not config.staff.file:
        raise UsageError(f'{config_path}: [staff] names no file; add `file = "staff.json"`')
    file, data = Path(config.staff.file), Path(config.data_dir)
    check_owner(data)
    data.mkdir(parents=True, exist_ok=True)
    before = _read(file, config.store.id)
    if args.action == "list":
        _show(args, before)
        return exits.OK
    after = _changed(args, config, before, _secret(data))
    write(file, after)
    _show(args, after)
    return exits.OK


def _changed(args: argparse.Namespace, config: Config, before: Roster, secret: str) -> Roster:
    """The roster after the action. Raises `UsageError`."""
    known = before.get(args.employee)
    if (known is None) != (args.action == "add"):
        raise UsageError(f"{args.employee} is {'not on' if known is None else 'already on'} the roster")
    others = tuple(member for member in before.members if member.employee != args.employee)
    if others and before.secret_id != pins.secret_id(secret):
        raise UsageError("the PINs of this roster belong to another store secret: remove the file and add everybody again")
    made: tuple[Member, ...] = ()
    if args.action != "remove":
        chosen = tuple(dict.fromkeys(args.role)) if args.action in ("add", "set-roles") else known.roles if known else ()
        digest = known.pin if known is not None else ""
        if args.action in ("add", "set-pin"):
            digest = pins.digest(_ask_pin(config.staff.pin_length, from_stdin=args.pin_stdin), secret, config.store.id)
            if any(member.pin == digest for member in others):
                raise UsageError("this PIN is taken: choose another")
        name = (args.name or args.employee) if known is None else known.name
        made = (Member(employee=args.employee, name=name, roles=chosen, pin=digest),)
    members = sorted((*others, *made), key=lambda member: member.employee)
    return Roster(store=config.store.id, secret_id=pins.secret_id(secret), members=tuple(members), changed_by=_me())


def _me() -> str:
    """Who has called this: behind sudo(8) the person who called that."""
    try:
        name = os.environ.get("SUDO_USER", "") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return f"user {name}"[:80]


def _ask_pin(length: int, *, from_stdin: bool) -> str:
    """A new PIN, typed twice without echo, or a line of standard input. Raises `UsageError`; it never quotes a PIN."""
    pin = sys.stdin.readline(MAX_STDIN).strip() if from_stdin else getpass.getpass(f"New PIN, {length} digits: ")
    if len(pin) != length or not (pin.isascii() and pin.isdigit()):
        raise UsageError(f"a PIN has {length} digits")
    if weak := pins.weakness(pin):
        raise UsageError(f"this PIN is too easy: {weak}")
    if not from_stdin and getpass.getpass("The same again: ") != pin:
        raise UsageError("the two are not the same")
    return pin


def _secret(data: Path) -> str:
    from tillkeeper.token_files import load_or_create_token

    return load_or_create_token(data / roster.SECRET_FILE)


def _read(file: Path, store: str) -> Roster:
    try:
        with file.open("rb") as opened:
            raw = opened.read(roster.MAX_BYTES + 1)
    except FileNotFoundError:
        return Roster(store=store, secret_id="")
    return roster.decode(raw, store, str(file))


def write(file: Path, made: Roster) -> None:
    """Whole or not at all, readable for its owner only."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(roster.encode(made))
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def _show(args: argparse.Namespace, shown: Roster) -> None:
    people = [{"employee": one.employee, "name": one.name, "roles": list(one.roles)} for one in shown.members]
    rows = [(one.employee, one.name, ", ".join(one.roles)) for one in shown.members]
    output.show(args, {"staff": people}, output.table(("EMPLOYEE", "NAME", "ROLES"), rows, empty="nobody yet"))

"""Who works here: people with their roles and PINs. Writes the roster that a running agent takes over within seconds."""

import argparse
import getpass
import os
import pwd
import re
import sys
from pathlib import Path

from msgspec.structs import replace

from tillkeeper import clock
from tillkeeper.cli import exits, output
from tillkeeper.cli.client import add_json
from tillkeeper.cli.exits import UsageError
from tillkeeper.cli.own_files import add_config, check_owner, config_file
from tillkeeper.people import pins, roster
from tillkeeper.people.merging import put
from tillkeeper.people.roles import roles
from tillkeeper.people.roster import Member, Removed, Roster
from tillkeeper.till import roster_disk

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
    before = roster_disk.read(file, config.store.id)
    if args.action == "list":
        _show(args, before or Roster(store=config.store.id, secret_id=""))
        return exits.OK
    secret = _secret(data)
    nobody = Roster(store=config.store.id, secret_id=pins.secret_id(secret))
    _known(args, before or nobody, nobody.secret_id)  # before anybody types a PIN
    digest = ""
    if args.action in ("add", "set-pin"):
        digest = pins.digest(_ask_pin(config.staff.pin_length, from_stdin=args.pin_stdin), secret, config.store.id)
    after = roster_disk.update(
        file, data, config.store.id, lambda there: _changed(args, there or nobody, nobody.secret_id, digest)
    )
    _show(args, after)
    return exits.OK


def _known(args: argparse.Namespace, before: Roster, secret_id: str) -> Member | None:
    """Whom the action is about, None for somebody new. Raises: UsageError: it can not be done."""
    known = before.get(args.employee)
    if (known is None) != (args.action == "add"):
        raise UsageError(f"{args.employee} is {'not on' if known is None else 'already on'} the roster")
    if before.secret_id != secret_id and any(member != known for member in before.members):
        raise UsageError("the PINs of this roster belong to another store secret: remove the file and add everybody again")
    return known


def _changed(args: argparse.Namespace, before: Roster, secret_id: str, digest: str) -> Roster:
    """The roster after the action. `digest`: of the new PIN, where there is one. Raises: UsageError."""
    known = _known(args, before, secret_id)
    if any(member.pin == digest and member != known for member in before.members):
        raise UsageError("this PIN is taken: choose another")
    word: Member | Removed
    if args.action == "remove":
        word = Removed(employee=args.employee, by=_me())
    elif known is None:
        chosen, name = tuple(dict.fromkeys(args.role)), args.name or args.employee
        word = Member(employee=args.employee, name=name, roles=chosen, pin=digest, by=_me())
    else:
        chosen = tuple(dict.fromkeys(args.role)) if args.action == "set-roles" else known.roles
        word = replace(known, roles=chosen, pin=digest or known.pin, by=_me())
    return put(replace(before, secret_id=secret_id), word, clock.wall_ms())


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


def _show(args: argparse.Namespace, shown: Roster) -> None:
    people = [{"employee": one.employee, "name": one.name, "roles": list(one.roles)} for one in shown.members]
    rows = [(one.employee, one.name, ", ".join(one.roles)) for one in shown.members]
    text = output.table(("EMPLOYEE", "NAME", "ROLES"), rows, empty="nobody yet")
    if (newest := shown.newest) is not None:
        by = f" by {output.clean(newest.by)}" if newest.by else ""
        text += f"\n\nlist {shown.list_version}, changed {output.clock(newest.stamp)}{by}"
    answer = {"staff": people, "version": shown.list_version, "changed_at_ms": newest.stamp if newest else None}
    output.show(args, answer, text)

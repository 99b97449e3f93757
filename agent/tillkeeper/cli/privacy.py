"""Names, phone numbers and notes of guests: what a register holds, and how they are erased wherever the store's logs are.

`find` and `erase` ask the running agent. What is erased does not come back: the books and the chain of events stay as they are.
"""

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection, segment
from tillkeeper.cli.exits import ApiProblem, UsageError
from tillkeeper.cli.terminal import clean

PLACES = {"journal": "own journal", "held": "held for it", "quarantine": "quarantine"}
AT_ONCE = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    find = actions.add_parser("find", help="which texts about persons this register holds")
    find.add_argument("text", metavar="TEXT", nargs="?", default="", help="part of a name, a phone number or a note")
    erase = actions.add_parser("erase", help="erase texts about persons, here and at everybody who holds the store's logs")
    erase.add_argument("text", metavar="TEXT", nargs="?", default="", help="the whole name, phone number or note")
    for action in (find, erase):
        action.add_argument("--check", default="", metavar="ID", help="those of a check: long id, number, or ticket code")
        action.add_argument("--day", metavar="YYYY-MM-DD", help="the business day, where a ticket code is meant")
        add_connection(action)
    erase.add_argument("--digest", action="append", default=[], metavar="HEX", help="by digest, also of what is elsewhere")
    erase.add_argument("--dry-run", action="store_true", help="only show what would be erased")
    erase.add_argument("--yes", action="store_true", help="do not ask")
    erase.add_argument("--by", default="", metavar="PERSON", help="who does it: the name goes to the journal (nobody)")


def run(args: argparse.Namespace) -> int:
    return _find(args) if args.action == "find" else _erase(args)


def _find(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        found = _asked(args, client, exact=False)
    output.show(args, found, text(found))
    return exits.OK


def _erase(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        if args.digest and (args.text or args.check):
            raise UsageError("either --digest, or a text or a check")
        found = _named(args) if args.digest else _asked(args, client, exact=True)
        digests = list(dict.fromkeys([*args.digest, *(one["digest"] for one in found["texts"])]))
        if not digests:
            sys.stderr.write("tillkeeper: this register holds no such text; nothing was erased\n")
            return exits.REFUSED
        if args.dry_run:
            output.show(args, found, f"{_list(args, found)}\n\nNothing was erased.")
            return exits.OK
        if not args.yes:
            _confirm(_list(args, found), len(digests))
        made = client.post("/v1/privacy/erase", {"digests": digests, "by": args.by})
    output.show(args, made | {"digest": digests}, done(made, more=found["more"]))
    return exits.OK


def _named(args: argparse.Namespace) -> dict[str, Any]:
    if len(args.digest) > AT_ONCE:
        raise UsageError(f"at most {AT_ONCE} digests at once")
    return {"texts": [], "more": False, "held": 0}


def _asked(args: argparse.Namespace, client: Client, *, exact: bool) -> dict[str, Any]:
    if bool(args.text) == bool(args.check):
        raise UsageError("name a text or a check (--check), one of them")
    body: dict[str, Any] = {"text": args.text, "exact": exact}
    if args.check:
        body = {"check": _check_id(args, client)}
        if args.day:
            body["day"] = args.day
    found: dict[str, Any] = client.post("/v1/privacy/find", body)
    return found


def _check_id(args: argparse.Namespace, client: Client) -> str:
    """The long id of a check of this register; what it does not know may be another's, and is looked for as it was given."""
    if args.day:
        return str(args.check)
    try:
        return str(client.get(f"/v1/checks/{segment(args.check)}")["check_id"])
    except ApiProblem as problem:
        if problem.status != 404:
            raise
        return str(args.check)


def _confirm(listed: str, count: int) -> None:
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here: say --yes, or --dry-run to see what would go")
    sys.stdout.write(f"{listed}\n\nErase {output.count(count, 'text')} for good? [y/N] ")
    sys.stdout.flush()
    if sys.stdin.readline(10).strip().lower() not in ("y", "yes"):
        raise UsageError("nothing was erased")


def _list(args: argparse.Namespace, found: dict[str, Any]) -> str:
    return text(found) if found["texts"] else "\n".join(args.digest)


def text(found: dict[str, Any]) -> str:
    rows = [
        (
            one["field"], clean(one["text"]), one["ticket_code"] or one["check_id"], one["business_day"] or _date(one["at_ms"]),
            one["register"], PLACES.get(one["place"], one["place"]), one["digest"][:12],
        )
        for one in found["texts"]
    ]  # fmt: skip
    heads = ("WHAT", "TEXT", "CHECK", "DAY", "REGISTER", "WHERE", "DIGEST")
    lines = [output.table(heads, rows, empty=f"no such text among the {found['held']} that this register holds")]
    if found["more"]:
        lines += ["", f"There are more: these are the first {len(rows)}."]
    return "\n".join(lines)


def _date(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat() if at_ms else ""


def done(made: dict[str, Any], *, more: bool) -> str:
    lines = [
        f"erased: {made['erased']} of {made['digests']} were here. Other registers and HQ erase theirs once they hear of it.",
        "Not reached: paper, and backups of the disk.",
        *map(clean, made["notes"]),
    ]
    return "\n".join([*lines, "There are more: say it again."] if more else lines)

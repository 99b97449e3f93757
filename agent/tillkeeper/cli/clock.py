"""The time clock: clock in and out, begin and end a break; `list` shows who worked how long."""

import argparse
from datetime import datetime

from tillkeeper.cli import exits, options, output
from tillkeeper.cli.client import Client, add_connection, add_key

KINDS = {"in": "clock_in", "out": "clock_out", "break": "break_start", "back": "break_end"}
_WORDS = {"in": "come to work", "out": "go home", "break": "begin a break", "back": "back from the break"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, words in _WORDS.items():
        action = actions.add_parser(name, help=words)
        action.add_argument("employee", help="the short name, as `staff list` has it")
        action.add_argument(
            "--at", type=_time, metavar="TIME", help="when it was forgotten: YYYY-MM-DDTHH:MM, local time (now)"
        )
        add_key(action)
        add_connection(action)
    listing = actions.add_parser("list", help="the shifts that began on a day, and what they come to")
    listing.add_argument("--day", type=options.day, help="business day, YYYY-MM-DD (the one that is open)")
    listing.add_argument("--employee", help="only this one, by the short name")
    add_connection(listing)


def _time(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write it as 2026-11-22T17:30") from None


def run(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        if args.action == "list":
            return _list(args, client)
        body = {"employee": args.employee, "kind": KINDS[args.action], "by": args.by}
        answer = client.post("/v1/time-entries", body | ({"at_ms": args.at} if args.at is not None else {}), args.key)
    output.show(args, answer, f"{args.employee}: {_WORDS[args.action]}, entry {answer['entity_id']}")
    return exits.OK


def _list(args: argparse.Namespace, client: Client) -> int:
    answer = client.get("/v1/time-entries", day=args.day, employee=args.employee)
    entries = [
        (output.clock(one["entered_at_ms"]), one["name"], one["kind"].replace("_", " "), one["by"]) for one in answer["entries"]
    ]
    worked = [
        (one["name"], _hours(one["worked_min"]), _hours(one["break_min"]), "still clocked in" if one["open"] else "")
        for one in answer["worked"]
    ]
    text = output.table(("TIME", "WHO", "ENTRY", "ENTERED BY"), entries, empty="no entries")
    if worked:
        text += "\n\n" + output.table(("WHO", ">WORKED", ">BREAKS", ""), worked)
    output.show(args, answer, text)
    return exits.OK


def _hours(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02d}"

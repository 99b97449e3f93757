"""86: what is sold out or counted down, and what is back again.

tillkeeper 86 out cola                    sold out until it is set back
tillkeeper 86 count cheeseburger 12       12 left; rings count down, at 0 it is sold out
tillkeeper 86 back cola
"""

import argparse
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection, add_key
from tillkeeper.cli.options import whole
from tillkeeper.contract.availability import MAX_REMAINING

_STATES = {"out": "sold_out", "count": "counting", "back": "available"}
_WORDS = {"sold_out": "sold out", "counting": "counted down", "available": "back again"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_connection(actions.add_parser("list", help="what is not simply available"))
    for name, words in (("out", "sold out"), ("count", "count down from N"), ("back", "available again")):
        action = actions.add_parser(name, help=words)
        action.add_argument("subject", metavar="ID", help="of an item, or with --modifier of a modifier")
        if name == "count":
            action.add_argument("remaining", type=whole(1, MAX_REMAINING), metavar="N", help="how many are left")
        action.add_argument("--modifier", action="store_true", help="ID is a modifier's")
        add_key(action)
        add_connection(action)


def run(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        if args.action == "list":
            answer = client.get("/v1/availability")
            text = _table(answer)
        else:
            state = _STATES[args.action]
            body: dict[str, Any] = {"kind": "modifier" if args.modifier else "item", "subject_id": args.subject}
            body |= {"state": state, "by": args.by}
            body |= {"remaining": args.remaining} if args.action == "count" else {}
            answer = client.post("/v1/availability", body, args.key)
            text = f"{output.clean(args.subject)} is {_WORDS[state]}" if answer["events"] else "nothing changed"
    output.show(args, answer, text)
    return exits.OK


def _table(answer: dict[str, Any]) -> str:
    rows = [
        (
            entry["kind"],
            entry["subject_id"],
            entry["name"],
            _WORDS[entry["state"]],
            entry["remaining"] if entry["state"] == "counting" or (entry["remaining"] or 0) < 0 else "",
            entry["by"],
        )
        for entry in answer["entries"]
    ]
    return output.table(("KIND", "ID", "NAME", "STATE", ">LEFT", "BY"), rows, empty="everything is available")

"""Checks of other registers: list them, go on with one here.

tillkeeper take                           open checks of other registers, and whether those are heard
tillkeeper take A-037                     go on with it at this register
tillkeeper take A-037 --although-unreachable
                                          also where its register is silent; it may have been changed or paid there
"""

import argparse
from typing import Any
from urllib.parse import quote

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection, add_key
from tillkeeper.cli.output import Money


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("check", metavar="CHECK", nargs="?", help="its long id, ticket code of today, or number")
    parser.add_argument(
        "--although-unreachable", action="store_true", help="also where its register does not answer: it may be paid there"
    )
    add_key(parser)
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        if args.check is None:
            answer = client.get("/v1/checks", where="elsewhere")
            text = _table(answer, Money(client.get("/v1/catalogue")))
        else:
            body = {"although_unreachable": args.although_unreachable, "by": args.by}
            answer = client.post(f"/v1/checks/{quote(args.check, safe='')}/take", body, args.key)
            code = output.clean(answer["ticket_code"])
            text = f"{code} is at this register now" if answer["events"] else f"{code} is at this register already"
    output.show(args, answer, text)
    return exits.OK


def _table(answer: dict[str, Any], money: Money) -> str:
    rows = [
        (
            check["ticket_code"],
            check["elsewhere"]["register"],
            "heard" if check["elsewhere"]["reachable"] else "silent",
            check["table"] or check["name"] or "",
            check["lines"],
            money.text(check["due_minor"]),
        )
        for check in answer["checks"]
    ]
    heads = ("CODE", "REGISTER", "", "TABLE OR NAME", ">LINES", ">DUE")
    return output.table(heads, rows, empty="no other register has an open check that is known here")

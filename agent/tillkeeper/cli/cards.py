"""Cards, gift cards and points whose outcome is open: frozen payments, reversals owed, checks that await one, gateways.

`query` asks the gateway again and finishes what the payment was for; `abandon` frees the check for another tender, and what may
have been charged is taken back. REF is the long id, today's ticket code (B-037) or the check number."""

import argparse
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection, add_key, segment
from tillkeeper.cli.options import add_ref
from tillkeeper.cli.order import result_text
from tillkeeper.cli.paying import CALL_S

_ACTS = {
    "query": "ask the gateway what became of the payment that a check is frozen by",
    "abandon": "pay another way: what may have been charged is taken back",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    add_connection(parser)
    for name, words in _ACTS.items():
        act = actions.add_parser(name, help=words)
        add_ref(act)
        add_key(act)
        add_connection(act)
        act.set_defaults(timeout=CALL_S)
        if name == "abandon":
            act.add_argument(
                "--although-unreachable", action="store_true",
                help="also where another register asked for it: if it is recorded there, it is given back",
            )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        if args.action:
            body = {"by": args.by} | ({"although_unreachable": True} if getattr(args, "although_unreachable", False) else {})
            done = client.post(f"/v1/checks/{segment(args.ref)}/authorisation/{args.action}", body, args.key)
            money = None if args.json else output.Money(client.get("/v1/catalogue"))
            output.show(args, done, "" if money is None else f"{done['authorisation']}\n{result_text(done, money)}")
            return exits.OK
        found = client.get("/v1/authorisations")
        money = None if args.json else output.Money(client.get("/v1/catalogue"))
    output.show(args, found, text(found, money) if money is not None else "")
    return exits.OK


def text(found: dict[str, Any], money: output.Money) -> str:
    clean, lines = output.clean, []
    for title, rows in (("frozen", found["frozen"]), ("to be taken back", found["reversals_owed"])):
        for one in rows:
            where = clean(one["ticket_code"]) or "an order that was not placed"
            state = "asking now" if one["under_way"] else f"asked {output.count(one['tries'], 'time')}"
            trouble = f": {clean(one['last_error'] or one['reason'])}" if one["last_error"] or one["reason"] else ""
            amount = money.full(one["amount_minor"])
            lines.append(f"{title}: {where}  {one['situation']} {amount} by {clean(one['tender'])}, {state}{trouble}")
    lines += [
        f"awaiting: {clean(one['ticket_code'])}  {money.full(one['due_minor'])} by {clean(one['tender'])}"
        for one in found["awaiting"]
    ]
    for one in found["gateways"]:
        answers = {None: "not asked yet", True: "answers", False: "can not be reached"}[one["reachable"]]
        trouble = f" ({clean(one['last_error'])})" if one["last_error"] else ""
        lines.append(f"gateway {clean(one['gateway'])}: {answers}{trouble}")
    return "\n".join(lines) or "no gateway is configured, and nothing is open"

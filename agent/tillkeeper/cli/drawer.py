"""Open the drawer without a sale: journaled with the person and the reason."""

import argparse

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection, add_key


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    no_sale = actions.add_parser("no-sale", help="one pulse, and a no-sale in the journal")
    no_sale.add_argument("--drawer", default="drawer", help="the drawer's name in the configuration (drawer)")
    no_sale.add_argument("--reason", required=True, help="why; it goes to the journal")
    add_key(no_sale)
    add_connection(no_sale)


def run(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        body = {"drawer": args.drawer, "reason": args.reason, "by": args.by}
        answer = client.post("/v1/no-sales", body, args.key)
    jobs = ", ".join(job["job_id"] for job in answer.get("jobs", ()))
    output.show(args, answer, f"no-sale {answer.get('entity_id', '')} recorded; pulse: {jobs or 'none'}")
    return exits.OK

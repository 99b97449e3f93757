"""Printers, displays and drawers: what they last said, and a test slip."""

import argparse

from tillkeeper.cli import exits, output, status
from tillkeeper.cli.client import Client, add_connection, add_key, segment


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="what each device last said")
    add_connection(listing)
    test = actions.add_parser("test", help="print a slip that says which device this is")
    test.add_argument("device")
    add_key(test)
    add_connection(test)


def run(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        if args.action == "list":
            answer = client.get("/v1/devices")
            text = status.devices(answer["devices"])
        else:
            answer = client.post(f"/v1/devices/{segment(args.device)}/test", {"by": args.by}, args.key)
            text = f"test slip for {args.device} accepted as job {answer['job_id']}"
    output.show(args, answer, text)
    return exits.OK

"""Printers, displays and drawers: what they last said, a test slip, what is there and what changes."""

import argparse

from tillkeeper.cli import exits, finding, output, status
from tillkeeper.cli.client import Client, add_connection, add_key, segment


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="what each device last said")
    add_connection(listing)
    discover = actions.add_parser("discover", help="what is plugged in and what answers on the network, configured or not")
    add_connection(discover)
    watch = actions.add_parser("watch", help="say each change of a device, until Ctrl-C")
    add_connection(watch)
    test = actions.add_parser("test", help="print a slip that says which device this is")
    test.add_argument("device")
    add_key(test)
    add_connection(test)


def run(args: argparse.Namespace) -> int:
    if args.action in ("discover", "watch"):
        return finding.discover(args) if args.action == "discover" else finding.watch(args)
    with Client.of(args) as client:
        if args.action == "list":
            answer = client.get("/v1/devices")
            text = status.devices(answer["devices"])
        else:
            answer = client.post(f"/v1/devices/{segment(args.device)}/test", {"by": args.by}, args.key)
            text = f"test slip for {args.device} accepted as job {answer['job_id']}"
    output.show(args, answer, text)
    return exits.OK

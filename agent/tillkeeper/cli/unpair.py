"""End a paired device: its token opens nothing any more at any register, and its connections are closed."""

import argparse

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection, segment


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="its name, or its id where two have one name")
    parser.add_argument("--by", default="", metavar="PERSON", help="who does it: the name goes to the journal (nobody)")
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        devices = client.get("/v1/pairings")["devices"]
        fitting = [one for one in devices if args.name == one["device_id"] or args.name.lower() == one["name"].lower()]
        if len(fitting) != 1:
            ids = ", ".join(one["device_id"] for one in fitting)
            raise exits.UsageError(f"several devices are called {args.name}: {ids}" if fitting else f"no device {args.name!r}")
        after = client.post(f"/v1/pairings/{segment(fitting[0]['device_id'])}/end", {"by": args.by})
    output.show(args, after, f"{fitting[0]['name']} is paired no more.")
    return exits.OK

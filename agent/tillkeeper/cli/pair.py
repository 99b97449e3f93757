"""Pair a tablet: prints a QR code that the tablet's camera opens. It holds for ten minutes, for one device.

tillkeeper pair kitchen grill-tablet
tillkeeper pair register front-tablet --terminal front
"""

import argparse

from tillkeeper.access.qr import terminal
from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection
from tillkeeper.contract.caller import DEVICE_SCOPES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("scope", choices=DEVICE_SCOPES, help="what the device may do at most (docs/access.md)")
    parser.add_argument("name", help="what people call it: letters, digits and . _ -, 40 at most")
    parser.add_argument("--terminal", default="", metavar="NAME", help="a register's place, or the one display of a kitchen")
    parser.add_argument("--replace", action="store_true", help="a device of this name is there, and is to end")
    parser.add_argument("--no-qr", action="store_true", help="only the link and the code")
    parser.add_argument("--by", default="", metavar="PERSON", help="who does it: the name goes to the journal (nobody)")
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    body = {"scope": args.scope, "name": args.name, "terminal": args.terminal, "replace": args.replace, "by": args.by}
    with Client.of(args) as client:
        opened = client.post("/v1/pairings", body)
    lines = [] if args.no_qr else [terminal(tuple(opened["qr"])), ""]
    lines += [
        f"Open this with {opened['name']}, by its camera or by hand, within {opened['expires_s'] / 60:.0f} minutes:",
        f"  {opened['url'].partition('#')[0]}   code {opened['code']}",
    ]
    if opened["fingerprint"]:
        lines += ["It asks to install the store's certificate first. Its SHA-256 fingerprint has to be:", *_halves(opened)]
    if not opened["secure"] and opened["url"].startswith("http://") and "//127." not in opened["url"]:
        lines.append("Without HTTPS: anybody on the network can listen, and its page does not survive a reload on its own.")
    if opened["replaces"]:
        lines.append("The device that has this name ends when the new one is paired.")
    output.show(args, opened, "\n".join(lines))
    return exits.OK


def _halves(opened: dict[str, str]) -> list[str]:
    parts = opened["fingerprint"].split(":")
    return ["  " + ":".join(parts[at : at + 16]) for at in range(0, len(parts), 16)]

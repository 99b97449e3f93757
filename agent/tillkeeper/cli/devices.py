"""Printers, displays and drawers: what they last said, a test slip, what is there and what changes, one in another's place."""

import argparse
from typing import Any

from tillkeeper.cli import exits, finding, output, pairing, status
from tillkeeper.cli.client import Client, add_connection, add_key, segment


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="what each device last said")
    listing.add_argument("--export", action="store_true", help="the lines for the file: all replaced ones that it has not")
    add_connection(listing)
    discover = actions.add_parser("discover", help="what is plugged in and what answers on the network, configured or not")
    add_connection(discover)
    watch = actions.add_parser("watch", help="say each change of a device, until Ctrl-C")
    add_connection(watch)
    test = actions.add_parser("test", help="print a slip that says which device this is")
    test.add_argument("device", help="its name in the configuration")
    add_key(test)
    add_connection(test)
    pairing.add_actions(actions)


def run(args: argparse.Namespace) -> int:
    if args.action in ("discover", "watch"):
        return finding.discover(args) if args.action == "discover" else finding.watch(args)
    if args.action in pairing.ACTIONS:
        return pairing.run(args)
    with Client.of(args) as client:
        if args.action == "list":
            answer = client.get("/v1/devices")
            text = _replaced(answer["devices"]) if args.export else listed(answer["devices"])
        else:
            answer = client.post(f"/v1/devices/{segment(args.device)}/test", {"by": args.by}, args.key)
            text = f"test slip for {args.device} accepted as job {answer['job_id']}"
    output.show(args, answer, text)
    return exits.OK


def listed(devices: list[dict[str, Any]]) -> str:
    """A table, and below it what is not as the configuration says."""
    lines = [status.devices(devices)]
    for one in devices:
        if (replaced := one.get("replaced")) is not None:
            lines += ["", f"{output.clean(one['device'])}: {words(replaced)}"]
    return "\n".join(lines)


def words(replaced: dict[str, Any]) -> str:
    """Since when, by whom, and what the configuration says."""
    by = f" by {output.clean(replaced['by'])}" if replaced["by"] else ""
    ignored = f"; NOT FOLLOWED: {output.clean(replaced['ignored'])}" if replaced["ignored"] else ""
    if replaced.get("same"):
        agree = "the configuration says the same now: `tillkeeper devices reset` ends it"
        return f"replaced on {output.clock(replaced['at_ms'])}{by}; {agree}"
    edited = " (edited since)" if replaced["edited"] else ""
    said = output.clean(replaced["configured"])
    return f"replaced on {output.clock(replaced['at_ms'])}{by}; the configuration says {said}{edited}{ignored}"


def _replaced(devices: list[dict[str, Any]]) -> str:
    """For the file: those of which it does not say so yet."""
    parts = [str(one["toml"]) for device in devices if (one := device.get("replaced")) is not None and not one.get("same")]
    return "\n\n".join(parts) or "# every device is as the configuration says"

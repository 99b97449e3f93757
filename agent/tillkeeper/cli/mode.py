"""The mode: what sales go by, why, and what stands still in it. Offline and offsite are switched by hand, and end by hand.

tillkeeper mode                           show it
tillkeeper mode offline on                sell as without HQ although it may answer
tillkeeper mode offsite on                sell away from the store, by whatever link there is
"""

import argparse
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection, add_key
from tillkeeper.cli.exits import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "what", nargs="?", choices=("show", "offline", "offsite"), default="show", help="show it, or what to switch"
    )
    parser.add_argument("switch", nargs="?", choices=("on", "off"), help="of offline and offsite")
    add_key(parser)
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    if (args.switch is None) != (args.what == "show"):
        raise UsageError("write `mode`, `mode offline on`, `mode offline off`, `mode offsite on` or `mode offsite off`")
    with Client.of(args) as client:
        if args.what != "show":
            client.post(f"/v1/mode/{args.what}", {"on": args.switch == "on", "by": args.by}, args.key)
        answer = client.get("/v1/mode")
    output.show(args, answer, text(answer))
    return exits.OK


def text(mode: dict[str, Any]) -> str:
    """The answer of `GET /v1/mode`, in words."""
    clean = output.clean
    lines = [f"[{clean(mode['dot']['colour'])}] {clean(mode['dot']['words'])}"]
    lines.append(f"{clean(mode['mode'])}: {clean(mode['words'])}")
    if mode["pending"] is not None:
        lines.append(f"{clean(mode['pending'])} after this sale")
    lines += [f"paused: {clean(words)}" for words in mode["paused"]]
    if not mode["may_switch"]:
        lines.append("offline and offsite can not be switched on: the configuration does not allow it ([offline] support)")
    return "\n".join(lines)

"""Restart the agent at the next quiet moment: no command in hand, no card under way, nothing on its way to a printer, and 15 s
without an entry. An upgrade does this by itself.

tillkeeper restart                        what runs, what waits, and why not now
tillkeeper restart --between-sales        ask for it; the agent goes on selling until then
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection
from tillkeeper.cli.exits import ApiProblem, Unreachable

LOOK_EVERY_S = 0.25


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--between-sales", action="store_true", help="restart it at the next quiet moment")
    parser.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="with it: until another process answers")
    parser.add_argument("--by", default="", metavar="NAME", help="who asks; it is logged")
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        waits = between_sales(client, args.by, args.wait) if args.between_sales and args.wait > 0 else None
        if args.between_sales and args.wait <= 0:
            found = client.post("/v1/restart", {"by": args.by})
        else:
            found = waits or client.get("/v1/restart")
    output.show(args, found, text(found))
    return exits.REFUSED if waits else exits.OK


def between_sales(
    client: Client, by: str, within_s: float, each_look: Callable[[], None] = lambda: None
) -> dict[str, Any] | None:
    """Ask for it and wait: None once another agent answers, else what this one said last.

    Raises:
        ApiProblem, Unreachable: when it is asked.
    """
    before_s, began_s = client.get("/v1/status")["uptime_s"], time.monotonic()
    wanted: dict[str, Any] = client.post("/v1/restart", {"by": by})
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        each_look()
        look_s = time.monotonic()
        try:
            if client.get("/v1/status")["uptime_s"] < before_s + look_s - began_s:
                return None
            wanted = client.get("/v1/restart")
        except (Unreachable, ApiProblem):  # it is being started
            pass
        time.sleep(LOOK_EVERY_S)
    return wanted


def text(found: dict[str, Any]) -> str:
    """The answer of `/v1/restart`, in words."""
    clean = output.clean
    lines = [f"tillkeeper {clean(found['version'])} runs"]
    if found["installed"]:
        lines.append(f"tillkeeper {clean(found['installed'])} is installed and waits for a quiet moment")
    elif found["wanted"]:
        lines.append("a restart is asked for" + (f" by {clean(found['by'])}" if found["by"] else ""))
    if found["wanted"]:
        lines += [f"not yet: {clean(words)}" for words in found["reasons"]] or ["now"]
    return "\n".join(lines)

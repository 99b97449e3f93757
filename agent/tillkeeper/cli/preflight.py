"""What to look at before an upgrade of this register. Exit code 1 where something should be put right first."""

import argparse
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        found = client.get("/v1/preflight")
    output.show(args, found, text(found))
    return exits.OK if found["ready"] else exits.REFUSED


def text(found: dict[str, Any]) -> str:
    """The answer of `GET /v1/preflight`, in words; what stops an upgrade comes first."""
    lines = [f"register {output.clean(found['register'])}, tillkeeper {output.clean(found['version'])}"]
    for one in sorted(found["findings"], key=lambda one: not one["stops"]):
        lines.append(f"{'FIRST' if one['stops'] else 'NOTE '}  {output.clean(one['text'])}")
        if one["hint"]:
            lines.append(f"       {output.clean(one['hint'])}")
    lines.append("ready for an upgrade" if found["ready"] else "not ready for an upgrade")
    return "\n".join(lines)

"""Who takes the orders of the web shop, and the last that came to this register."""

import argparse
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        found = client.get("/v1/online")
    output.show(args, found, text(found))
    return exits.OK


def text(found: dict[str, Any]) -> str:
    head = output.clean(found["words"])
    if not found["takes"]:
        return head
    if found["waiting"]:
        head += f" {found['waiting']} wait at HQ."
    rows = [(one["id"], one["outcome"], one["ticket_code"], _why(one)) for one in found["rows"]]
    return f"{head}\n\n{output.table(('ORDER', 'BECAME', 'TICKET', 'WHY'), rows, empty='none came here since the start')}"


def _why(one: dict[str, Any]) -> str:
    doubled = "may be doubled: another register had it" if one["may_be_doubled"] else ""
    return ", ".join(part for part in (one["reason"], doubled) if part)

"""Is every register of the store well again, and HQ? The exit code is 0 only where all of them are.

What is not known is not well: a register that does not answer is listed with how long it has been silent.
"""

import argparse
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        found = client.get("/v1/green")
    output.show(args, found, text(found))
    return exits.OK if found["green"] else exits.VERIFICATION


def text(found: dict[str, Any]) -> str:
    rows = [_row(one) for one in found["registers"]]
    rows += [_row(found["hq"])] if found["hq"] else []
    return f"{output.clean(found['words'])}\n\n{output.table(('', 'WHO', 'VERSION', 'MODE', '>NOT AT HQ', 'HOW'), rows)}"


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    said = one["said"] or {}
    mark = "green" if one["green"] else "NOT GREEN" if one["heard"] else "NOT HEARD"
    to_hq = said.get("to_hq")
    return (mark, one["register"], said.get("version", ""), said.get("mode", ""), "" if to_hq is None else to_hq, one["words"])

"""Look after a register at night: verify its books beside the running agent, measure the disk, remove drafts that were never
finished. The agent shows what was found; exit code 5 where something does not verify."""

import argparse
from pathlib import Path

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import add_json
from tillkeeper.cli.own_files import add_config, data_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    add_config(which)
    which.add_argument("--data", type=Path, metavar="DIR", help="its data folder, in place of --config")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    import msgspec

    from tillkeeper import clock
    from tillkeeper.nightly.model import days_left
    from tillkeeper.nightly.work import work

    found = work(args.data or data_folder(args.config), clock.wall_ms)
    if found is None:
        output.show(args, None, "There is no journal yet: nothing was checked.")
        return exits.OK
    words = [f"{found.events} events verify." if not found.problems else "The books do not verify:", *found.problems]
    left, night = days_left(found.nights), found.nights[-1]
    pace = "how long that lasts is not known" if left is None else f"full in about {left:.0f} days at the pace of these nights"
    words.append(f"{night.own_bytes // 2**20} MiB are in use, {night.free_bytes // 2**20} MiB are free: {pace}.")
    if found.removed:
        words.append(f"{found.removed} half-made files were removed.")
    output.show(args, msgspec.to_builtins(found), "\n".join(words))
    return exits.VERIFICATION if found.problems else exits.OK

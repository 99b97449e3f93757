"""Watch the network and name what is broken: a process of its own, with CAP_NET_RAW, beside the register agent."""

import argparse
import sys
from pathlib import Path

from tillkeeper.cli import exits
from tillkeeper.cli.own_files import add_config, config_file
from tillkeeper.errors import ConfigInvalid


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument(
        "--uplink", choices=("agent", "none"), default="agent",
        help="who tells when HQ was last heard: the agent at network.socket, or nobody (agent)",
    )  # fmt: skip
    parser.add_argument(
        "--print", choices=("changes", "all"), default="", dest="printing",
        help="reports as JSON lines on standard output: those that change the verdict, or all",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    from tillkeeper.network.engine import Engine
    from tillkeeper.network.prober import setup
    from tillkeeper.network.prober.loop import Prober
    from tillkeeper.network.prober.standby import stand_by, wait_for_place

    agent, config = args.uplink == "agent", config_file(args.config)
    try:
        plan = setup.read(config, uplink=agent)
    except ConfigInvalid as error:
        from tillkeeper.watchdog_start import hold_failed  # asyncio: only where nothing else comes

        hold_failed(error, (config,))
        raise
    if not plan.network.watch:
        stand_by()
        return exits.OK
    while True:
        taken_by = Prober(plan, Engine, version=_version(), agent=agent, printing=args.printing).run()
        if taken_by is None or not wait_for_place(plan.socket, _version(), taken_by):
            return exits.OK


def _version() -> str:
    """Of the installed package, by the name of its folder: importlib.metadata would cost 1.5 MiB for as long as this runs."""
    for folder in sys.path:
        for found in Path(folder).glob("tillkeeper-*.dist-info"):
            return found.name.removesuffix(".dist-info").partition("-")[2]
    return "unknown"

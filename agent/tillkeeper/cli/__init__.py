"""The command line. One module a command group, loaded only when it is asked for: `tillkeeper --help` imports none of them.

A group's module has `add_arguments(parser)` and `run(args) -> int`; exit codes are in `exits.py` and `docs/cli.md`.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from tillkeeper.cli import exits

GROUPS = {
    "run": "start the register agent",
    "setup": "set this register up: asks the few questions, writes the configuration, starts it",
    "status": "connection, what is not synced yet, devices, advisories",
    "green": "is every register of the store well again? exit code 0 only then",
    "after": "what an outage left behind, and what resolves it",
    "roles": "primary and backup: who they are, assign them, confirm that one is away",
    "restart": "restart the agent between two sales",
    "preflight": "what to look at before an upgrade; exit code 1 where something comes first",
    "mode": "online, offline, island, offsite: show it, switch it by hand",
    "order": "place a whole order: ring, discount, send, pay",
    "check": "list, show and change checks",
    "take": "checks of other registers: list them, go on with one here",
    "cards": "payments in doubt, reversals owed, and their ways out",
    "86": "what is sold out, counted down, and back again",
    "online": "who takes the orders of the web shop, and the last that came",
    "probe": "watch the network and name what is broken (its own process)",
    "drawer": "drawer sessions: float, count, X and Z; a no-sale",
    "store": "the store's keys: create, join, leave, recover",
    "staff": "who works here: roles and PINs",
    "clock": "clock in and out, breaks",
    "pages": "the links of the register, kitchen and diagnostics pages on this machine",
    "pair": "pair a tablet: a QR code that its camera opens",
    "pairings": "paired devices, and how they reach this register",
    "unpair": "end a paired device",
    "jobs": "what waits for printers and displays",
    "devices": "printers, displays and drawers",
    "render": "show what printer bytes or a layout print",
    "simulate": "virtual printers, displays and a gateway; replay a day of orders",
    "config": "check a configuration, show it, show an example",
    "network": "what is wrong with the network, and what to do",
    "catalogue": "what can be sold; import and check a catalogue file",
    "privacy": "texts about persons: find them, erase them everywhere",
    "journal": "verify the journal; count what HQ does not hold",
    "nightly": "verify the books, measure the disk, remove leftovers: a timer runs it at night",
    "books": "the sums of a business day",
    "day": "the end of day: what it waits for, closing it, its Z and its figures",
    "demo": "play an internet outage from start to finish",
    "hq": "start the server at the other end",
    "conformance": "test an HQ of your own against the contract",
}

MODULES = {"86": "stock"}
"""Where the module's name is another than the command's."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and answer its exit code. Errors go to standard error, in words (or as JSON with `--json`)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] not in GROUPS:
        _overview().parse_args(arguments)  # --help, --version, or a mistake: argparse says so and exits
        return exits.USAGE
    name = arguments[0]
    module = importlib.import_module(f"tillkeeper.cli.{MODULES.get(name, name)}")
    parser = argparse.ArgumentParser(prog=f"tillkeeper {name}", description=(module.__doc__ or "").strip())
    module.add_arguments(parser)
    args = parser.parse_args(arguments[1:])
    try:
        return int(module.run(args))
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone: say nothing more, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.OK
    except exits.EXPECTED as error:
        return exits.explain(error, as_json=bool(getattr(args, "json", False)))


def _overview() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tillkeeper",
        description="A point-of-sale agent that keeps printing, firing and selling when the internet is gone.",
        epilog="`tillkeeper COMMAND --help` explains a command; exit codes are in docs/cli.md.",
    )
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, words in GROUPS.items():
        commands.add_parser(name, help=words, add_help=False)
    return parser


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="show the version and exit")

    def __call__(self, parser: argparse.ArgumentParser, *_rest: object) -> None:
        from importlib.metadata import version

        parser.exit(exits.OK, f"tillkeeper {version('tillkeeper')}\n")

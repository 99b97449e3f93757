"""Start the server at the other end. The same as the program `tillkeeper-hq`; all further arguments are its own."""

import argparse
import importlib


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="see `tillkeeper hq run --help`")


def run(args: argparse.Namespace) -> int:
    # By name: the agent's code never depends on HQ's, which is packaged apart.
    return int(importlib.import_module("tillkeeper_hq.__main__").main(args.arguments))

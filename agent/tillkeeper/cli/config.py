"""Check a configuration, list everything that is wrong with it at once; show a commented example."""

import argparse
from pathlib import Path

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import add_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="every error at once, each with its line and the nearest right word")
    check.add_argument("file", type=Path)
    add_json(check)
    actions.add_parser("example", help="print a commented configuration that is valid as it stands")
    show = actions.add_parser("show", help="the configuration as the agent understands it, as JSON, defaults filled in")
    show.add_argument("file", type=Path)


def run(args: argparse.Namespace) -> int:
    if args.action == "example":
        from tillkeeper.config.embedded import example_toml

        output.say(example_toml())
        return exits.OK
    if args.action == "show":
        import msgspec

        from tillkeeper.config.load import load

        output.say(msgspec.json.format(msgspec.json.encode(load(args.file)), indent=2).decode())
        return exits.OK
    return _check(args)


def _check(args: argparse.Namespace) -> int:
    """The configuration, the catalogue that it names (names in `routing` have to exist there), and the store's layouts."""
    from tillkeeper.config.load import load
    from tillkeeper.config.routes import dangling_routes
    from tillkeeper.errors import ConfigInvalid
    from tillkeeper.layouts.shelf import problems_of
    from tillkeeper.sales.catalogue import parse_catalogue

    try:
        config = load(args.file)
        menu = Path(config.catalogue.file)
        catalogue = parse_catalogue(menu.read_bytes(), str(menu), list(config.taxes.categories))
        problems = (*dangling_routes(args.file, config, catalogue), *problems_of(config))
    except ConfigInvalid as error:
        problems = error.extra["problems"]
    if args.json:
        output.say(_json(problems))
    else:
        for problem in problems:
            output.say(str(problem))
        output.say(f"{args.file}: {output.count(len(problems), 'problem')}" if problems else f"{args.file}: no problems")
    return exits.USAGE if problems else exits.OK


def _json(problems: object) -> str:
    import msgspec

    return msgspec.json.encode({"problems": problems}).decode()

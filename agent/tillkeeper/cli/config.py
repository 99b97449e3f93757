"""Check a configuration, list everything that is wrong with it at once; show a commented example."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import add_json
from tillkeeper.cli.own_files import HELP, config_file

if TYPE_CHECKING:
    from tillkeeper.config.model import Config, Device


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="every error at once, each with its line and the nearest right word")
    check.add_argument("--start", action="store_true", help="only what would keep the agent from starting")
    add_json(check)
    actions.add_parser("example", help="print a commented configuration that is valid as it stands")
    show = actions.add_parser("show", help="the configuration as the agent understands it, as JSON, defaults filled in")
    for action in (check, show):
        action.add_argument("file", type=Path, nargs="?", metavar="FILE", help=HELP)


def run(args: argparse.Namespace) -> int:
    if args.action == "example":
        from tillkeeper.config.embedded import example_toml

        output.say(example_toml())
        return exits.OK
    if args.action == "show":
        import msgspec

        from tillkeeper.config.load import load

        output.say(msgspec.json.format(msgspec.json.encode(load(config_file(args.file))), indent=2).decode())
        return exits.OK
    return _check(args)


def _check(args: argparse.Namespace) -> int:
    """The configuration and what else a start reads; without `--start` also what a register sells in spite of."""
    from tillkeeper import beside
    from tillkeeper.config.load import load
    from tillkeeper.devices import letters
    from tillkeeper.errors import ConfigInvalid
    from tillkeeper.upkeep.refusals import refusals

    file = config_file(args.file)
    try:
        config = load(file)
        mistakes = () if args.start else beside.problems(file, config)
        problems = tuple(dict.fromkeys((*refusals(file, config), *mistakes)))
        said, warning = _said(config), letters.warning(config)
    except ConfigInvalid as error:
        problems, said, warning = error.extra["problems"], [], ""
    if args.json:
        output.say(_json(problems, said, [warning] if warning else []))
    else:
        for line in (*said, *([f"warning: {warning}"] if warning else [])):
            output.say(line)
        for problem in problems:
            output.say(str(problem))
        output.say(f"{file}: {output.count(len(problems), 'problem')}" if problems else f"{file}: no problems")
    return exits.USAGE if problems else exits.OK


def _json(problems: object, said: object, warnings: list[str]) -> str:
    import msgspec

    return msgspec.json.encode({"problems": problems, "replaced": said, "warnings": warnings}).decode()


def _said(config: "Config") -> list[str]:
    """What people have said of devices since, in words: it wins over the file."""
    import msgspec

    from tillkeeper.cli.devices import words
    from tillkeeper.devices import moves
    from tillkeeper.devices.overlay import setting
    from tillkeeper.devices.overlays import Overlays
    from tillkeeper.errors import StorageRefused
    from tillkeeper.journal.files import JOURNAL_FILE
    from tillkeeper.journal.peek import settings

    try:
        names = (name for device in config.devices for name in (setting(device), moves.setting(device)))
        stored = settings(Path(config.data_dir) / JOURNAL_FILE, tuple(names))
    except StorageRefused as error:
        return [f"whether devices were replaced can not be read: {error.cause}"]
    overlays = Overlays(config, stored.get)
    followed = {name: _followed(device, stored.get(moves.setting(name))) for name, device in overlays.config.devices.items()}
    overlays.present = lambda: followed
    lines = []
    for name in overlays.all():
        if (view := overlays.view(name)) is not None:
            now = overlays.config.devices[name]
            at = f" at {now.address} ({now.profile})" if now.address else ""
            lines.append(output.clean(f"devices.{name}{at}: {words(msgspec.to_builtins(view))}"))
    return lines


def _followed(device: "Device", stored: bytes | None) -> str:
    """The address to which a network device was followed, as the journal has it; empty where it was not."""
    from tillkeeper.config import address as where
    from tillkeeper.devices.moves import kept

    if where.kind(device.address) != "tcp":
        return ""
    host, port = where.host_port(device.address)
    move = kept(stored, where.mac(device.mac), host)
    return "" if move is None else f"{move.host}:{port}"

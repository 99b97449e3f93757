"""Commands that look at a register's files in place of asking its agent: which register, and as which user."""

import argparse
import os
from pathlib import Path

from tillkeeper import users
from tillkeeper.cli.exits import UsageError
from tillkeeper.config.files import CONFIG
from tillkeeper.errors import ConfigInvalid

HELP = f"the register's configuration ({CONFIG})"


def add_config(parser: argparse._ActionsContainer) -> None:
    """`--config`, to be read with `config_file`."""
    parser.add_argument("--config", type=Path, metavar="FILE", help=HELP)


def installed() -> Path | None:
    """The configuration of the register that this machine is, where it is one. Raises: PermissionError (in a closed folder)."""
    file = Path(CONFIG)
    return file if file.exists() else None


def config_file(named: Path | None) -> Path:
    """The file that was named, else the installed register's. Raises: ConfigInvalid (there is neither)."""
    if found := named or installed():
        return found
    hint = "name a file on the command line; `sudo tillkeeper setup` makes this machine a register"
    raise ConfigInvalid("read config", CONFIG, "there is none", hint)


def data_folder(named: Path | None) -> Path:
    """To be read. Of all that `config_file(named)` says it takes only this: a typo in a tax rate does not keep the books from
    being looked at.

    Raises:
        ConfigInvalid: as `config_file`, or it can not be read.
        UsageError: the folder is another user's, and this is not root.
    """
    from tillkeeper.cli.store_site import find

    folder = find(config_file(named)).site.data_dir
    if os.geteuid() != 0:
        check_owner(folder)
    return folder


def check_owner(folder: Path) -> None:
    """A data folder is open to its owner alone, and what another user writes there is closed to the agent. One that is not
    there yet is whose it will be made by. Raises: UsageError, which says whom to run this as."""
    try:
        owner = folder.stat().st_uid
    except FileNotFoundError:
        return
    if owner == os.geteuid():
        return
    name = users.name_of(owner)
    raise UsageError(f"{folder} belongs to user {name}: run this as that user (sudo -u '{name}' tillkeeper ...)")

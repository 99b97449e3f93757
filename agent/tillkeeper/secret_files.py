"""Secrets in files of their own, as the agent needs them at its start."""

import logging
from pathlib import Path

from tillkeeper.errors import ConfigInvalid, StorageRefused
from tillkeeper.plain_file import open_plain
from tillkeeper.token_files import MAX_TOKEN_FILE, load_or_create_token
from tillkeeper_systemd import credentials

log = logging.getLogger(__name__)


def read_hq_token(file: Path) -> str:
    """The secret that this register shares with HQ: the first line. Raises `ConfigInvalid` where there is none."""
    return read_token("hq.token_file", file)


def read_token(setting: str, file: Path) -> str:
    """The first line of the file that `setting` of the configuration names. Raises `ConfigInvalid` where there is none."""
    try:
        with open_plain(file) as opened:
            lines = opened.read(MAX_TOKEN_FILE).decode("ascii").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        hint = credentials.missing(str(file)) or "its first line is the shared secret"
        raise ConfigInvalid("read", f"{setting} {file.name}", str(error), hint) from error
    if not (token := lines[0].strip()):
        raise ConfigInvalid("read", f"{setting} {file.name}", "its first line is empty", "put the shared secret there")
    return token


def store_secret(file: Path) -> str:
    """What the store's PINs are keyed with, made where there is none; empty where it can not be read, for selling goes on."""
    try:
        return load_or_create_token(file)
    except (ConfigInvalid, StorageRefused) as error:
        log.error("nobody can sign in: %s", error)
        return ""

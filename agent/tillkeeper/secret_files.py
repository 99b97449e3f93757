"""Secrets in files of their own."""

import logging
import os
from pathlib import Path

from tillkeeper import users
from tillkeeper.errors import ConfigInvalid, StorageRefused
from tillkeeper.plain_file import open_plain
from tillkeeper.token_files import MAX_TOKEN_FILE, load_or_create_token
from tillkeeper_systemd import credentials

log = logging.getLogger(__name__)

HINT = "its first line is the shared secret"


def read_token(setting: str, file: Path) -> str:
    """The first line of the file that `setting` of the configuration names. Raises `ConfigInvalid` where there is none."""
    try:
        with open_plain(file) as opened:
            token = opened.readline(MAX_TOKEN_FILE).decode("ascii").strip()
    except OSError as error:
        who = f" to user {users.name_of(os.geteuid())}" if isinstance(error, PermissionError) else ""
        hint = credentials.missing(str(file)) or HINT
        raise ConfigInvalid("read", setting, f"{file} can not be read: {error.strerror}{who}", hint) from error
    except UnicodeDecodeError as error:
        raise ConfigInvalid("read", setting, f"{file} begins with what is no ASCII text", HINT) from error
    if not token:
        raise ConfigInvalid("read", setting, f"{file} has an empty first line", HINT)
    return token


def store_secret(file: Path) -> str:
    """What the store's PINs are keyed with, made where there is none; empty where it can not be read, for selling goes on."""
    try:
        return load_or_create_token(file)
    except (ConfigInvalid, StorageRefused) as error:
        log.error("nobody can sign in: %s", error)
        return ""

"""The tokens that programs and our own pages on this machine show: made at the first start, read at every other. A file with
something else in it belongs to whoever wrote that: it stays, nobody gets in by it, and the register sells."""

import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tillkeeper.config.model import Config
from tillkeeper.diagnostics.facts import UnreadFacts
from tillkeeper.errors import ConfigInvalid
from tillkeeper.token_files import load_or_create_token, replace_blank

log = logging.getLogger(__name__)

_KINDS = {
    "token_file": ("api-token", "Programs that call over the network are not let in; commands on this machine are"),
    "page_token_file": ("page-token", "Pages on this machine are not let in; paired devices are"),
}


@dataclass(frozen=True)
class ApiTokens:
    """`of`: by setting of [api]. `unread`: the files without a token."""

    of: dict[str, str]
    unread: tuple[UnreadFacts, ...]


def files(config: Config) -> Iterator[tuple[str, Path]]:
    """Each setting of [api], and the file that it means."""
    for setting, (name, _meanwhile) in _KINDS.items():
        yield setting, Path(getattr(config.api, setting) or Path(config.data_dir) / name)


def read(config: Config) -> ApiTokens:
    """Blocking. Raises: StorageRefused: the disk refuses a token that is to be made."""
    found, unread = dict[str, str](), list[UnreadFacts]()
    for setting, file in files(config):
        try:
            replace_blank(file)
            found[setting] = load_or_create_token(file)
        except ConfigInvalid as error:
            log.error("selling goes on: %s", error)
            found[setting] = secrets.token_urlsafe(32)  # nobody knows it
            hint = f"{error.hint}; it is read at the next start (`tillkeeper restart --between-sales` asks for one)"
            unread.append(
                UnreadFacts(setting=f"api.{setting}", why=f"{file}: {error.cause}", meanwhile=_KINDS[setting][1], hint=hint)
            )
    return ApiTokens(found, tuple(unread))

"""The files that it takes to ask somebody outside: secrets, and whose certificates are believed. None of them is needed to
sell: one that can not be read is said, and keeps no register from starting."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from tillkeeper import authorities
from tillkeeper.config.model import Config, Hq
from tillkeeper.diagnostics.facts import UnreadFacts
from tillkeeper.diagnostics.hq import KEPT
from tillkeeper.errors import ConfigInvalid
from tillkeeper.secret_files import read_token
from tillkeeper_systemd import credentials

log = logging.getLogger(__name__)

AGAIN_S = 1.0
BY_ITSELF = "it is taken up without a restart"
AT_NEXT_START = "systemd hands it over at the next start (`systemctl restart tillkeeper`)"
HQ_UNASKED = f"HQ is not asked. {KEPT[:-1]}"
T = TypeVar("T")


class Kept(Generic[T]):
    """What was read from `file` once is kept: in an outage nothing is read that may be gone by then. `at`: the setting that
    names the file. `read` raises ConfigInvalid."""

    def __init__(self, at: tuple[str, ...], file: str, read: Callable[[], T]) -> None:
        self.at, self.file, self._read = at, file, read
        self._found: T | ConfigInvalid | None = None

    @property
    def trouble(self) -> ConfigInvalid | None:
        """Why it could not be read; None where it was, or was not looked for yet."""
        return self._found if isinstance(self._found, ConfigInvalid) else None

    def look(self) -> T | ConfigInvalid:
        """Read it, where that was not possible before. Blocking."""
        if self._found is None or isinstance(self._found, ConfigInvalid):
            try:
                self._found = self._read()
            except ConfigInvalid as error:
                self._found = error
        return self._found

    def get(self) -> T:
        """Raises: ConfigInvalid: it could not be read when it was last looked for."""
        found = self.look() if self._found is None else self._found
        if isinstance(found, ConfigInvalid):
            raise found
        return found


@dataclass(frozen=True)
class HqAccess:
    """What it takes to ask HQ: the secret that it is shown, and whose certificates are believed. Both raise ConfigInvalid."""

    hq: Hq
    token: Callable[[], str]
    trust: Callable[[], ssl.SSLContext]


class AskingFiles:
    """`hq` is None where there is none. `gateways`: the secrets of those that want one."""

    def __init__(self, config: Config) -> None:
        hq = config.hq
        self.hq: HqAccess | None = None
        self._hq: tuple[Kept[str] | Kept[ssl.SSLContext], ...] = ()
        if hq.url:
            token = _secret(("hq", "token_file"), hq.token_file)
            trusted = Kept(("hq", "ca_file"), hq.ca_file, partial(trust, hq))
            self.hq, self._hq = HqAccess(hq, token.get, trusted.get), (token, trusted)
        self.gateways = {
            name: _secret(("gateways", name, "token_file"), one.token_file)
            for name, one in config.gateways.items()
            if one.token_file
        }

    @property
    def all(self) -> tuple[Kept[str] | Kept[ssl.SSLContext], ...]:
        return (*self._hq, *self.gateways.values())

    def look(self) -> None:
        """For what was not read yet. Blocking."""
        for one in self.all:
            one.look()

    async def run(self) -> None:
        """Until all of them are read: whoever puts one back needs no restart."""
        told: set[str] = set()
        while True:
            await asyncio.to_thread(self.look)
            missing = {str(one.trouble) for one in self.all if one.trouble is not None}
            for words in missing - told:
                log.error("selling goes on: %s", words)
            if not missing:
                break
            told = missing
            await asyncio.sleep(AGAIN_S)
        if told:
            log.warning("all files that it takes to ask HQ and the gateways are read now")

    def unread(self) -> tuple[UnreadFacts, ...]:
        return tuple(
            UnreadFacts(
                setting=error.subject,
                why=error.cause,
                meanwhile=HQ_UNASKED if one in self._hq else f"What gateway {one.at[1]} authorises is refused",
                hint=f"{error.hint}; {AT_NEXT_START if credentials.missing(one.file) else BY_ITSELF}",
                keeps_from_hq=one in self._hq,
            )
            for one in self.all
            if (error := one.trouble) is not None
        )

    @property
    def asks_hq(self) -> bool:
        """Whether HQ is there to be asked and nothing that it takes is missing."""
        return self.hq is not None and not any(one.trouble for one in self._hq)


def trust(hq: Hq) -> ssl.SSLContext:
    """Whose certificates are believed of HQ. Raises: ConfigInvalid: `hq.ca_file` is of no use."""
    if not hq.url.startswith("https:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # no certificates: loading them costs more than anything else here
    try:
        return authorities.context(hq.ca_file)
    except OSError as error:  # an SSLError is one
        cause = f"{hq.ca_file} {authorities.unreadable(error)}"
        raise ConfigInvalid("read", "hq.ca_file", cause, "it holds authorities in PEM form") from error


def _secret(at: tuple[str, ...], file: str) -> Kept[str]:
    return Kept(at, file, lambda: read_token(".".join(at), Path(file)))

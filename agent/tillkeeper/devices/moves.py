"""Where network devices were followed to, in the journal: after a restart they are tried there first, and not searched for."""

import ipaddress
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import msgspec

from tillkeeper.errors import TillkeeperError
from tillkeeper.journal.records import Batch

log = logging.getLogger(__name__)


class Move(msgspec.Struct, frozen=True):
    """The device with this MAC, which the config has at host `configured`, was found at `host`. Wall clock."""

    mac: str
    configured: str
    host: str
    at_ms: int


_decode = msgspec.json.Decoder(Move | None).decode


def setting(device: str) -> str:
    """The name of the durable setting."""
    return f"moves.{device}"


def kept(stored: bytes | None, mac: str, configured: str) -> Move | None:
    """See `Moves.of`."""
    try:
        move: Move | None = None if stored is None else _decode(stored)
        if move is None or (move.mac, move.configured) != (mac, configured):
            return None
        ipaddress.ip_address(move.host)
    except (msgspec.DecodeError, ValueError):
        return None
    return move


class Moves:
    """Args:
    setting: a durable setting of the journal.
    append: writes a batch to it.
    later: runs to its end in the background.
    """

    def __init__(
        self,
        setting: Callable[[str], bytes | None],
        append: Callable[[Batch], Awaitable[object]],
        later: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._setting, self._append, self._later = setting, append, later

    def of(self, device: str, mac: str, configured: str) -> Move | None:
        """What was kept of it, where it is the same device and the config says the same as then."""
        return kept(self._setting(setting(device)), mac, configured)

    def keep(self, device: str, move: Move) -> None:
        """One that is back where the config says is no move."""
        kept = None if move.host == move.configured else move
        self._later(self._write(device, msgspec.json.encode(kept)))

    async def _write(self, device: str, value: bytes) -> None:
        try:
            await self._append(Batch(settings={setting(device): value}))
        except TillkeeperError as error:
            log.warning("after a restart %s has to be found again: %s", device, error)

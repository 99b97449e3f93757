"""How far the other registers have answered for the logs of this one, kept over restarts: what only this register has is known
before any of them can be asked. What is kept is never ahead of what they said, and each says it anew when it is met."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from tillkeeper.errors import TillkeeperError
from tillkeeper.journal.records import Appended, Batch
from tillkeeper.replication.model import LogId

log = logging.getLogger(__name__)

KEEP_EVERY_S = 30.0
MAX_LOGS = 1_000
"""Of one register, the newest: names of incarnations begin with when they began."""
_SETTING = "peers.copies"
_decoder = msgspec.json.Decoder(dict[str, dict[str, int]])


class Settings(Protocol):
    """The journal."""

    @property
    def register(self) -> str: ...

    def setting(self, name: str) -> bytes | None: ...

    async def append(self, batch: Batch) -> Appended: ...


class KeptCopies:
    """`answered`: of every other register, up to where it has answered for each log."""

    def __init__(self, journal: Settings, answered: Callable[[], Mapping[str, Mapping[LogId, int]]]) -> None:
        self._journal, self._answered = journal, answered

    def of(self, register: str) -> dict[LogId, int]:
        """What that register had answered for. Raises: StorageUnreadable."""
        return {LogId(self._journal.register, name): seq for name, seq in self._kept().get(register, {}).items()}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(KEEP_EVERY_S)
            try:
                await self.keep()
            except TillkeeperError as error:
                log.debug("what others hold is not kept now: %s", error)

    async def keep(self) -> None:
        """Nothing is written where nothing has changed. Raises: as `Journal.append`."""
        found = {register: self._own(logs) for register, logs in sorted(self._answered().items())}
        found = {register: logs for register, logs in found.items() if logs}
        if found != self._kept():
            await self._journal.append(Batch(settings={_SETTING: msgspec.json.encode(found)}))

    def _own(self, logs: Mapping[LogId, int]) -> dict[str, int]:
        own = {name.incarnation: seq for name, seq in logs.items() if name.register == self._journal.register and seq}
        return dict(sorted(own.items())[-MAX_LOGS:])

    def _kept(self) -> dict[str, dict[str, int]]:
        kept = self._journal.setting(_SETTING)
        return {} if kept is None else _decoder.decode(kept)

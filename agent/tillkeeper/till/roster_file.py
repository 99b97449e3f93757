"""Takes over the roster that `tillkeeper staff` writes. What was taken over is in the journal: without the file, or with one
that makes no sense, it goes on to hold, and an advisory says so."""

import asyncio
import logging
import os
from pathlib import Path

from tillkeeper.errors import ConfigInvalid, TillkeeperError
from tillkeeper.people import roster
from tillkeeper.people.pins import secret_id
from tillkeeper.people.roster import Roster
from tillkeeper.plain_file import open_plain
from tillkeeper.till.people import SignInDesk

log = logging.getLogger(__name__)

LOOK_S = 2.0
Mark = tuple[int, int, int] | None


class RosterKeeper:
    """`trouble`: why the file could not be taken over, in words; empty where it was."""

    def __init__(self, desk: SignInDesk, file: Path, store: str, secret: str) -> None:
        self.trouble = ""
        self._desk, self._file, self._store, self._secret = desk, file, store, secret
        self._seen: Mark | str = "never"

    async def look(self) -> None:
        """Take the file over if it is another than last time."""
        mark = await asyncio.to_thread(_mark, self._file)
        if mark == self._seen and not self.trouble:
            return
        try:
            await self._desk.adopt(await asyncio.to_thread(self._read))
        except TillkeeperError as error:
            self._say(error.cause)
        except OSError as error:
            self._say(error.strerror or "it can not be read")
        else:
            self._say("")
        self._seen = mark

    async def run(self) -> None:
        """Look every few seconds, and journal the end of sessions that are over; until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()
            try:
                await self._desk.sweep()
            except TillkeeperError as error:  # nothing has changed: the next round tries again
                log.warning("the end of a session could not be stored: %s", error.cause)

    def _read(self) -> Roster:
        with open_plain(self._file) as file:
            found = roster.decode(file.read(roster.MAX_BYTES + 1), self._store, self._file.name)
        if not self._secret:
            raise ConfigInvalid("read", self._file.name, "the store secret can not be read", "see the log")
        if found.secret_id != secret_id(self._secret):
            cause = "its PINs belong to another store secret"
            raise ConfigInvalid("read", self._file.name, cause, "set each PIN again with `tillkeeper staff set-pin`")
        return found

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            log.warning("the roster %s was not taken over: %s", self._file, trouble)
        self.trouble = trouble


def _mark(file: Path) -> Mark:
    """What changes when the file does; None where there is none."""
    try:
        facts = os.stat(file)
    except OSError:
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns

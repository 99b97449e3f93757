"""Takes over the roster that `tillkeeper staff` writes, and what other registers of the store changed. What was taken over is
in the journal: with a file that makes no sense it goes on to hold, and an advisory says so. A file that is gone comes back."""

import asyncio
import logging
import os
from pathlib import Path

from tillkeeper.errors import ConfigInvalid, Refused, TillkeeperError
from tillkeeper.people import roster
from tillkeeper.people.merging import merged
from tillkeeper.people.pins import secret_id
from tillkeeper.people.roster import Roster
from tillkeeper.till import roster_disk
from tillkeeper.till.people import SignInDesk

log = logging.getLogger(__name__)

LOOK_S = 2.0
Mark = tuple[int, int, int] | None


class RosterKeeper:
    """`trouble`: what is wrong with the roster, in words; empty where nothing is."""

    def __init__(self, desk: SignInDesk, file: Path, data: Path, store: str, secret: str) -> None:
        self.trouble = ""
        self._desk, self._file, self._data, self._store = desk, file, data, store
        self._secret_id = secret_id(secret) if secret else ""
        self._nobody = Roster(store=store, secret_id=self._secret_id)
        self._seen: Mark = None
        self._filed: Roster | None = None
        """What was in force when the file was brought up to date."""
        self._one = asyncio.Lock()

    @property
    def roster(self) -> Roster:
        """What is in force under the store's secret; nobody where that is another one by now."""
        held = self._desk.roster
        return held if held is not None and held.secret_id == self._secret_id else self._nobody

    async def look(self) -> None:
        """Take the file over if it is another than last time, and bring it up to date; where there is none it is written."""
        mark = await asyncio.to_thread(_mark, self._file)
        if mark is not None and mark == self._seen and not self.trouble and self._filed is self.roster:
            return
        trouble = ""
        try:
            async with self._one:
                trouble = await self._look()
        except TillkeeperError as error:
            trouble = f"Its file is left aside: {error.cause}. The list before it still holds"
        self._say(trouble)
        self._seen = mark

    async def _look(self) -> str:
        """What is wrong although it was taken over."""
        there = await asyncio.to_thread(roster_disk.read, self._file, self._store)
        found = self._with_news(there, self.roster)
        roster.check(found, self._store, self._file.name)
        await self._desk.adopt(found)
        if found != there:
            try:
                await asyncio.to_thread(self._write, found)
            except TillkeeperError as error:
                return f"The list of the store holds, but its file here can not be brought up to date: {error.cause}"
        self._filed = self.roster
        if alike := found.alike():
            return f"PINs that two people chose at two registers open nothing: give new ones to {', '.join(alike)}"
        return ""

    async def take(self, theirs: Roster, register: str) -> Roster:
        """With what another register knows better, which holds from now on; the roster that is in force then.

        Raises:
            Refused (`other_secret`), ConfigInvalid: theirs is none of this store, or too large together with ours.
            StorageRefused: the last roster holds.
        """
        if not self._secret_id or theirs.secret_id != self._secret_id:
            cause = f"the PINs at register {register} belong to another store secret"
            raise Refused("other_secret", "take over", "roster", cause, "let the register that is new join the store")
        async with self._one:
            mine = self.roster
            found = merged(mine, theirs)
            roster.check(found, self._store, f"roster of register {register}")
            if found is not mine:
                await self._desk.adopt(found)
        if found is not mine:
            await self.look()
        return found

    async def run(self) -> None:
        """Look every few seconds, and journal the end of sessions that are over; until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()
            try:
                await self._desk.sweep()
            except TillkeeperError as error:  # nothing has changed: the next round tries again
                log.warning("the end of a session could not be stored: %s", error.cause)

    def _write(self, news: Roster) -> None:
        roster_disk.update(self._file, self._data, self._store, lambda there: self._with_news(there, news))

    def _with_news(self, there: Roster | None, news: Roster) -> Roster:
        """What the file says, with what `news` knows better; all of `news` where there is no file. Raises: ConfigInvalid: it
        can not be taken over."""
        if there is None and not news.words:
            raise ConfigInvalid("read", self._file.name, "No such file or directory")
        if not self._secret_id:
            raise ConfigInvalid("read", self._file.name, "the store secret can not be read", "see the log")
        if there is None:
            return news
        if there.secret_id != self._secret_id:
            cause = "its PINs belong to another store secret"
            raise ConfigInvalid("read", self._file.name, cause, "set each PIN again with `tillkeeper staff set-pin`")
        return merged(there, news)

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            log.warning("the roster %s: %s", self._file, trouble)
        self.trouble = trouble


def _mark(file: Path) -> Mark:
    """What changes when the file does; None where there is none."""
    try:
        facts = os.stat(file)
    except OSError:
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns

"""What proves to systemd that HQ works: its loop ran, and the thread that writes the database got something done. A database
that refuses is an answer; a thread that hangs is silence, which is said, and ends in a restart."""

import asyncio
import logging

from tillkeeper_hq.database import Database, Overloaded
from tillkeeper_hq.sql import Sql, StoreFailed
from tillkeeper_systemd import notify

log = logging.getLogger(__name__)

EVERY_S = 5.0
"""The words are looked at so often at least."""


async def watch(database: Database, where: str) -> None:
    """Until cancelled; returns at once where no manager listens. `where`: HQ's URL, for the words."""
    if not notify.is_awaited():
        return
    half_s = notify.watchdog_s()
    every_s = EVERY_S if half_s is None else min(EVERY_S, half_s / 2)
    told, turns = "", database.turns
    asked: asyncio.Future[None] | None = None
    while True:
        words = f"{where}; the database answers"
        try:
            asked = asked or asyncio.wrap_future(database.change(_nothing))
            await asyncio.wait({asked}, timeout=every_s)
            if answered := asked.done():
                ended, asked = asked, None
                ended.result()
        except StoreFailed as error:
            words = f"{where}; THE DATABASE REFUSES: {error}"
        except Overloaded as error:  # behind a full queue it may still get on
            answered, words = False, f"{where}; {error}"
        if lives := answered or database.turns != turns:
            turns = database.turns
        elif asked is not None:
            words = f"{where}; THE DATABASE DOES NOT ANSWER"
        states = {"WATCHDOG": "1"} if lives else {}
        if words != told:
            told = states["STATUS"] = words
        if states:
            notify.notify(**states)
        if answered or asked is None:
            await asyncio.sleep(every_s)


def _nothing(_sql: Sql) -> None:
    """An empty transaction."""

"""What proves to systemd that the register works: its loop ran, and the thread that writes the journal answered, through the
same queue as the sales. A full disk is an answer, and a dead printer has no part in it; a thread that hangs is silence, and
silence ends in a restart (WatchdogSec= of systemd.service(5))."""

import asyncio
from collections.abc import Awaitable, Callable

from tillkeeper.contract.views import StatusView
from tillkeeper.errors import StorageRefused
from tillkeeper_systemd import notify

EVERY_S = 5.0
"""Without a watchdog the words are looked at so often."""
MOST_TITLES = 4


def words(status: StatusView) -> str:
    """The line that `systemctl status` shows."""
    titles = list(dict.fromkeys(one.title for one in status.advisories if one.severity != "notice"))
    more = f" and {len(titles) - MOST_TITLES} more" if len(titles) > MOST_TITLES else ""
    sells = "sells" if status.selling else "SELLS NOTHING"
    said = f"register {status.register}: {sells}, {status.mode}"
    return f"{said}; {', '.join(titles[:MOST_TITLES])}{more}" if titles else said


async def watch(answers: Callable[[], Awaitable[None]], status: Callable[[], StatusView]) -> None:
    """Until cancelled; returns at once where no manager listens.

    Args:
        answers: returns once the writer's thread has answered. Whoever ended that thread ends the register too, so it is no
            matter of ours.
    """
    if not notify.is_awaited():
        return
    half_s = notify.watchdog_s()
    told = ""
    while True:
        try:
            await answers()
        except StorageRefused:
            return
        states = {} if half_s is None else {"WATCHDOG": "1"}
        if (now := words(status())) != told:
            told = states["STATUS"] = now
        if states:
            notify.notify(**states)
        # Twice as often as due: a disk that takes long is no reason yet.
        await asyncio.sleep(EVERY_S if half_s is None else half_s / 2)

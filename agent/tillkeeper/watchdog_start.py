"""A start under systemd: a long check of the journal gets the time it needs, and a start that failed is not repeated at full
speed. Where no manager waits for READY=1 nothing of this happens."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

from tillkeeper_systemd import notify

log = logging.getLogger(__name__)

MORE_S = 30.0
"""The manager waits for so long from each request on (EXTEND_TIMEOUT_USEC= of sd_notify(3))."""
ASK_EVERY_S = 5.0
STUCK_S = 900.0
"""A start that got no further for so long gets no more time: the manager ends it and tries another."""
HELD_S = 5.0
"""A failed start stays for so long before it ends, for it is tried again at once (Restart=always); it ends early where one of
the files that it depends on is another."""
LOOK_EVERY_S = 0.25

Stamp = tuple[int, int, int] | None


class Start:
    """One start. `done`: the register serves."""

    def __init__(self, files: Iterable[Path], now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s, self._doing = now_s, ""
        self._further_s = now_s()
        self._stamps: dict[Path, Stamp] = {}
        for file in files:
            self.depends_on(file)
        self._asking = asyncio.create_task(self._ask_for_time(), name="start.time") if notify.is_awaited() else None
        self.is_done = False

    def depends_on(self, file: Path) -> None:
        """Another content of it may be what the next start needs."""
        self._stamps[file] = _stamp(file)

    def further(self, doing: str) -> None:
        """The start gets on: with what, in words. From any thread."""
        self._further_s, self._doing = self._now_s(), doing

    def done(self) -> None:
        self.is_done = True
        self._end_asking()

    async def hold(self, error: Exception) -> None:
        """Returns when the process may end."""
        self._end_asking()
        if not notify.is_awaited():
            return
        cause = first(error)
        log.error("not started, tried again in %g s: %s", HELD_S, cause)
        notify.notify(STATUS=f"not started: {cause}")
        until_s = time.monotonic() + HELD_S
        while time.monotonic() < until_s:
            await asyncio.sleep(LOOK_EVERY_S)
            if any(_stamp(file) != was for file, was in self._stamps.items()):
                return

    def due(self) -> dict[str, str]:
        """What the manager is to hear now; nothing where the start is stuck."""
        if self._now_s() - self._further_s > STUCK_S:
            return {}
        states = {"EXTEND_TIMEOUT_USEC": str(int(MORE_S * 1e6))}
        return states | {"STATUS": f"starts: {self._doing}"} if self._doing else states

    async def _ask_for_time(self) -> None:
        while True:
            if states := self.due():
                notify.notify(**states)
            await asyncio.sleep(ASK_EVERY_S)

    def _end_asking(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None


@contextlib.asynccontextmanager
async def starting(files: Iterable[Path]) -> AsyncIterator[Start]:
    """A start that depends on `files`. What is raised before `done` passes on after the hold; what comes later, or by a
    cancellation, at once."""
    start = Start(files)
    try:
        yield start
    except Exception as error:
        if not start.is_done:
            await start.hold(error)
        raise
    finally:
        start.done()


def first(error: BaseException) -> BaseException:
    """Of an error of tasks the one that explains it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def hold_failed(error: Exception, files: Iterable[Path]) -> None:
    """The hold for a program without a loop; returns when the process may end."""

    async def hold() -> None:
        await Start(files).hold(error)

    asyncio.run(hold())


def _stamp(file: Path) -> Stamp:
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_size

"""Keeping what was printed: in memory, and in a directory where one is given.

A slip is on disk (`slip-0001.txt`: written aside, fsynced, renamed, directory fsynced) before the printer confirms it, so
that counting files after a crash tells what a kitchen would hold. Pictures (`slip-0001.png`) follow in their own time, drawn
by one thread. `drawer.log` has one JSON object a line.
"""

import asyncio
import json
import os
import re
from collections import deque
from pathlib import Path

import msgspec

from tillkeeper_drivers.simulator.paper import Paper

_NAME = re.compile(r"slip-(\d+)\.txt")
_PICTURES_WAITING = 64


class Slip(msgspec.Struct, frozen=True):
    """One piece of paper that was cut. `number` counts from 1 and goes on over restarts where there is a directory."""

    number: int
    paper: Paper

    @property
    def text(self) -> str:
        return self.paper.as_text()


class DrawerEvent(msgspec.Struct, frozen=True):
    """`kind`: pulsed, opened, closed. `at_ms` is wall clock."""

    at_ms: int
    kind: str
    pin: int = 0
    on_ms: int = 0
    command: str = ""


class SlipStore:
    """See the module.

    Args:
        directory: made where it is missing; None keeps slips in memory only.
        pictures: draw PNGs too. Past 64 waiting ones the newest get none.
        keep: how many slips and drawer events stay in memory.
    """

    def __init__(self, directory: Path | None, *, pictures: bool, keep: int) -> None:
        self.slips: deque[Slip] = deque(maxlen=keep)
        self.drawer: deque[DrawerEvent] = deque(maxlen=keep)
        self.pictures_skipped = 0
        self._directory = directory
        self._pictures: asyncio.Queue[Slip] | None = None
        self.last = 0
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            found = (_NAME.fullmatch(path.name) for path in directory.iterdir())
            self.last = max((int(match[1]) for match in found if match), default=0)
            self._pictures = asyncio.Queue(_PICTURES_WAITING) if pictures else None

    async def add(self, paper: Paper) -> Slip:
        """Keep `paper`; returns when it is durable."""
        slip = Slip(self.last + 1, paper)
        self.last = slip.number
        if self._directory is not None:
            await asyncio.to_thread(write_durably, self._path(slip, "txt"), slip.text.encode())
        self.slips.append(slip)
        if self._pictures is not None:
            try:
                self._pictures.put_nowait(slip)
            except asyncio.QueueFull:
                self.pictures_skipped += 1
        return slip

    def note_drawer(self, event: DrawerEvent) -> None:
        """Record what the drawer did, durably."""
        self.drawer.append(event)
        if self._directory is not None:
            line = json.dumps(msgspec.to_builtins(event)) + "\n"
            with (self._directory / "drawer.log").open("a", encoding="utf-8") as log:
                log.write(line)
                log.flush()
                os.fsync(log.fileno())

    async def draw(self) -> None:
        """Draw waiting pictures, for ever, off the event loop."""
        while self._pictures is not None:
            slip = await self._pictures.get()
            data = await asyncio.to_thread(slip.paper.as_png)
            await asyncio.to_thread(write_durably, self._path(slip, "png"), data)
            self._pictures.task_done()

    async def drawn(self) -> None:
        """Wait until no picture is waiting."""
        if self._pictures is not None:
            await self._pictures.join()

    def _path(self, slip: Slip, suffix: str) -> Path:
        assert self._directory is not None  # noqa: S101 - both callers checked
        return self._directory / f"slip-{slip.number:04d}.{suffix}"


def write_durably(path: Path, data: bytes) -> None:
    """Replace `path` by `data` in one step that survives a power loss."""
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)

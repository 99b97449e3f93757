"""What cooks do on displays becomes events and outlives a restart: bumped, recalled, STOP of a VOID seen."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import msgspec

from tillkeeper.clock import WallClock
from tillkeeper.errors import TillkeeperError
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch
from tillkeeper.kitchen.board import MAX_KEPT, Screen, events, fresh, stale, touched, was_shown
from tillkeeper.spool.jobs import decode as decode_job
from tillkeeper.spool.jobs import is_settled
from tillkeeper.spool.model import Job, TicketData
from tillkeeper.till.stamp import Stamp
from tillkeeper_drivers.api import BoardEvent, DisplayDocument, Document, ShownTicket

log = logging.getLogger(__name__)

MAX_WAITING = 1_000
TIDY_EVERY_S = 600.0

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Screen).decode


class Display(Protocol):
    """What of a display's driver is used here (`tillkeeper_drivers.kds.websocket.WebSocketDisplay`)."""

    def restore(self, shown: Iterable[ShownTicket]) -> None: ...

    def follow(self, touch: BoardEvent) -> tuple[str, ...]: ...

    def kept(self, touch: str) -> None: ...

    def expire(self, stale: Callable[[int], bool]) -> None: ...


def setting_of(device: str) -> str:
    """The journal's setting that holds a display's `Screen`."""
    return f"board.{device}"


class BoardKeeper:
    """`on_board` is called by displays; `open` gives them back what they had before a restart; `run` journals. At the bound the
    oldest touch is dropped and said in the log: its display sends it again when it connects next."""

    def __init__(self, journal: Journal, stamp: Stamp, now_ms: WallClock) -> None:
        self._journal = journal
        self._stamp = stamp
        self._now_ms = now_ms
        self._displays: Mapping[str, Display] = {}
        self._screens: dict[str, Screen] = {}
        self._waiting: asyncio.Queue[BoardEvent] = asyncio.Queue(MAX_WAITING)

    def open(self, displays: Mapping[str, Display], document: Callable[[Job], Document]) -> None:
        """Restore every display from the journal. Call once, before a display connects or the spool delivers.

        Args:
            document: lays a job out for its device (`Registry.document`).

        Raises:
            StorageUnreadable: the journal can not be read.
        """
        self._displays = displays
        for name, display in displays.items():
            kept = self._journal.setting(setting_of(name))
            screen = self._screens[name] = _decode(kept) if kept is not None else Screen()
            jobs = [decode_job(row.body) for row in self._journal.jobs(device=name, limit=MAX_KEPT)]
            display.restore([self._shown(job, screen, document) for job in reversed(jobs) if self._stands(job)])

    def _stands(self, job: Job) -> bool:
        return isinstance(job.data, TicketData) and was_shown(job) and not self._stale(job.created_at_ms)

    def _stale(self, at_ms: int) -> bool:
        return stale(self._stamp.day(at_ms), self._stamp.day(self._now_ms()), self._now_ms() - at_ms)

    def _shown(self, job: Job, screen: Screen, document: Callable[[Job], Document]) -> ShownTicket:
        laid_out = document(job)
        if not isinstance(laid_out, DisplayDocument):
            raise TypeError(f"a ticket for display {job.device} is laid out as {type(laid_out).__name__}")
        bumped, seen = job.job_id in screen.bumped, job.job_id in screen.stops_seen
        return ShownTicket(laid_out, acked=is_settled(job.state) or bumped, bumped=bumped, stop_seen=seen)

    def on_board(self, event: BoardEvent) -> None:
        if event.kind == "received":
            return
        if self._waiting.full():
            log.warning("dropped a touch on a display: %s", self._waiting.get_nowait())
        self._waiting.put_nowait(event)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        tidy_at = loop.time() + TIDY_EVERY_S
        while True:
            try:
                async with asyncio.timeout_at(tidy_at):
                    touch = await self._waiting.get()
            except TimeoutError:
                tidy_at = loop.time() + TIDY_EVERY_S
                for display in self._displays.values():
                    display.expire(self._stale)
                continue
            try:
                await self._touched(touch)
            except TillkeeperError as error:
                log.warning("a touch on a display is not journaled: %s", error)

    async def _touched(self, touch: BoardEvent) -> None:
        """The other displays of the station follow at once; the display is told once it is durable."""
        meant = {touch.device: touch.job_ids}
        for name, display in self._displays.items():
            if name != touch.device and (job_ids := display.follow(touch)):
                meant[name] = job_ids
        changed = fresh(self._screens.values(), touch, (job_id for job_ids in meant.values() for job_id in job_ids))
        if changed:
            after = {
                name: touched(self._screens.get(name, Screen()), touch, (job_id for job_id in job_ids if job_id in changed))
                for name, job_ids in meant.items()
            }
            batch = Batch(
                events=tuple(map(self._stamp, events(touch, changed))),
                settings={setting_of(name): _encode(screen) for name, screen in after.items()},
            )
            await self._journal.append(batch)
            self._screens.update(after)
        if touch.device in self._displays:
            self._displays[touch.device].kept(touch.touch)

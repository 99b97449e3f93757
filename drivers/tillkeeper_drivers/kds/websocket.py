"""Our own kitchen display, as a `Device`: tickets go out over whatever socket the agent's front door hands in.

The front door accepts a WebSocket and awaits `attach`, which returns when the connection should end. `deliver` sends a
ticket and waits for the display's acknowledgement; a lost connection is bridged as long as the deadline allows,
because a display that comes back says what it has seen and gets the rest again.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Literal

from tillkeeper_drivers.api import (
    BoardEvent,
    Delivery,
    DisplayDocument,
    DisplaySocket,
    Document,
    NotSent,
    OutcomeUnknown,
    Reason,
    ShownTicket,
    Status,
)
from tillkeeper_drivers.kds.board import Board, BoardFull, Entry
from tillkeeper_drivers.kds.connection import CloseReason, Connection
from tillkeeper_drivers.kds.messages import (
    Ack,
    BadFrame,
    Beat,
    BoardState,
    Bump,
    Bye,
    FromDisplay,
    Hello,
    Kept,
    PastTicket,
    Recall,
    Shared,
    ShowTicket,
    Start,
    StopSeen,
    Touch,
    Welcome,
    decode,
)

TouchKind = Literal["started", "bumped", "recalled", "stop_seen"]

PAST = 50
"""Bumped tickets that a fresh page is told of, so that they can be recalled."""

log = logging.getLogger(__name__)


class WebSocketDisplay:
    """A `Device` that shows tickets.

    Args:
        device_id: the device's id in the config.
        on_event: told what cooks do, and `received` when a display acknowledges a ticket; must not block.
        epoch: names this life of the board; a random one where not given.
        ack_s: how long `deliver` waits for the acknowledgement, reconnections included, in seconds.
        hello_s: how long a new connection may take to say `hello`.
        send_s: how long a display may take no frame before it is let go.
        beat_s: between two signs of life.
        register: the name of the agent's register, for the screen to say which one it has lost.
        now_ms: the wall clock that displays count ages from, in ms since the epoch.
    """

    def __init__(
        self,
        device_id: str,
        on_event: Callable[[BoardEvent], None],
        *,
        epoch: str | None = None,
        ack_s: float = 5.0,
        hello_s: float = 5.0,
        send_s: float = 5.0,
        beat_s: float = 1.5,
        register: str = "",
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._id = device_id
        self._on_event = on_event
        self._epoch = epoch if epoch is not None else secrets.token_hex(8)
        self._ack_s, self._hello_s, self._send_s, self._beat_s = ack_s, hello_s, send_s, beat_s
        self._register = register
        self._now_ms = now_ms
        self._board = Board()
        self._connection: Connection | None = None
        self._waiting: dict[str, asyncio.Future[str]] = {}

    @property
    def id(self) -> str:
        return self._id

    def accepts(self, document: Document) -> bool:
        """Tickets for displays, nothing else."""
        return isinstance(document, DisplayDocument)

    # --- the spool's side ---

    async def deliver(self, document: Document, token: bytes) -> Delivery:
        """See `Device.deliver`. A job that the display has acknowledged already is confirmed without sending it."""
        if not isinstance(document, DisplayDocument):
            raise NotSent("show", self._id, "unsupported", f"a display takes no {type(document).__name__}")
        loop = asyncio.get_running_loop()
        started = loop.time()
        connection = self._connection
        if connection is None or not connection.greeted:
            raise NotSent("show", self._id, "unreachable", "no display is connected", "open the kitchen page on it")
        try:
            entry = self._board.put(document)
        except BoardFull as error:
            raise NotSent("show", self._id, "stalled", "the display acknowledges nothing", "reload its page") from error
        if entry.acked:
            return Delivery("confirmed", "display resync")
        acknowledged = self._waiting[document.job_id] = loop.create_future()
        try:
            first_byte_ms = (loop.time() - started) * 1000
            await connection.send(_show(entry, replay=False))
            async with asyncio.timeout_at(started + self._ack_s):
                by = await acknowledged
        except TimeoutError as error:
            reason: Reason = "no_answer" if self._connection is not None else "lost"
            detail = f"not acknowledged within {self._ack_s:g} s"
            raise OutcomeUnknown("show", self._id, reason, detail, "look at the display") from error
        finally:
            self._waiting.pop(document.job_id, None)
        return Delivery("confirmed", by, first_byte_ms)

    async def status(self) -> Status:
        """See `Device.status`; `behind` counts what the display has not acknowledged."""
        connected = self._connection is not None and self._connection.greeted
        return Status(
            reachable="yes" if connected else "no",
            online="yes" if connected else "unknown",
            detail="" if connected else "no display is connected",
            behind=self._board.behind(),
        )

    async def close(self) -> None:
        """Let the display go; `attach` returns "closed"."""
        if self._connection is not None:
            self._connection.finish("closed")

    # --- the agent's side: what outlives this process and what other displays of a station do ---

    def restore(self, shown: Iterable[ShownTicket]) -> None:
        """Tickets of before a restart, in order; to be called before anything else. A display that connects gets those that
        are open; delivering one again that was acknowledged sends nothing."""
        self._board.restore(shown)

    def follow(self, touch: BoardEvent) -> tuple[str, ...]:
        """Do what a cook did on another display of the station: the job ids of the tickets that this concerns here."""
        entries = self._board.up_to(touch.check_id, touch.station, touch.revision)
        job_ids = tuple(entry.job_id for entry in entries)
        if entries and touch.kind != "received":
            self._apply(touch.kind, touch.check_id, touch.station, touch.line_id, entries)
            if self._connection is not None:
                self._connection.tell(Shared(touch.kind, job_ids, touch.line_id))
        return job_ids

    def kept(self, touch: str) -> None:
        """The touch is durable: tell the display, which keeps it until then."""
        if self._connection is not None and touch:
            self._connection.tell(Kept(touch))

    def expire(self, stale: Callable[[int], bool]) -> None:
        """Take acknowledged tickets off the display whose time of firing (ms since the epoch) is `stale`."""
        if (entries := self._board.expire(stale)) and self._connection is not None:
            self._connection.tell(Shared("bumped", tuple(entry.job_id for entry in entries)))

    # --- the front door's side ---

    async def attach(self, socket: DisplaySocket) -> CloseReason:
        """Serve one connected display until it goes, is replaced by a newer one, or breaks the protocol.

        The caller closes the socket afterwards. `socket.send` raises `ConnectionError` where the display is gone, and
        its iteration just ends or raises the same.
        """
        connection = Connection(socket, self._send_s)
        reader = asyncio.create_task(self._read(connection, socket), name=f"display {self._id} reader")
        beats = asyncio.create_task(self._beats(connection), name=f"display {self._id} beats")
        told = asyncio.create_task(connection.send_told(), name=f"display {self._id} told")
        tasks = {reader, beats, told}
        try:
            ends: set[asyncio.Future[Any]] = {*tasks, connection.end}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if self._connection is connection:
                self._connection = None
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()  # a mistake of ours is not to be swallowed
        reason = connection.end.result() if connection.end.done() else "gone"
        if reason not in ("gone", "too_slow"):
            with suppress(ConnectionError):
                await connection.send(Bye(reason))
        return reason

    async def _read(self, connection: Connection, socket: DisplaySocket) -> None:
        frames = aiter(socket)
        try:
            async with asyncio.timeout(self._hello_s):
                first = decode(await anext(frames))
            if not isinstance(first, Hello):
                connection.finish("no_hello")
                return
            await self._greet(connection, first)
            async for text in frames:
                self._handle(connection, decode(text))
        except TimeoutError:
            connection.finish("no_hello")
        except BadFrame as error:
            log.warning("display %s: %s: %s", self._id, error.reason, error)
            connection.finish("too_large" if error.reason == "too_large" else "bad_frame")
        except (ConnectionError, StopAsyncIteration):
            connection.finish("gone")

    async def _greet(self, connection: Connection, hello: Hello) -> None:
        if self._connection is not None:
            self._connection.finish("replaced")
        self._connection = connection
        # A page that says it has seen more than was ever sent is mistaken: it gets everything, and acknowledges nothing.
        seen = hello.last_seq if hello.epoch == self._epoch and hello.last_seq <= self._board.seq else 0
        for entry in self._board.ack_up_to(seen):
            self._acknowledged(entry, "display resync")
        welcome = Welcome(self._id, self._epoch, self._board.seq, self._beat_s, self._now_ms(), self._register)
        await connection.send(welcome)
        await connection.send(self._board_state())
        for entry in self._board.to_replay(seen):
            # What was bumped on another screen meanwhile is not to come back.
            if not entry.bumped and not await connection.send(_show(entry, replay=True)):
                return
        for entry in self._board.last_bumped(PAST) if hello.past else ():
            if not await connection.send(PastTicket(entry.job_id, entry.document.ticket, entry.document.marks)):
                return
        # Only now may `deliver` use it: frames of one connection are in order of their sequence, so that "seen up to n"
        # never covers a ticket that was not sent.
        connection.greeted = True

    def _board_state(self) -> BoardState:
        entries = self._board.entries()
        return BoardState(
            open=tuple(entry.job_id for entry in entries if not entry.bumped),
            bumped=tuple(entry.job_id for entry in entries if entry.bumped),
            stop_seen=tuple(entry.job_id for entry in entries if entry.stop_seen),
        )

    async def _beats(self, connection: Connection) -> None:
        while True:
            await asyncio.sleep(self._beat_s)
            if connection.greeted and not await connection.send(Beat(self._board.behind(), self._now_ms())):
                return

    def _handle(self, connection: Connection, message: FromDisplay) -> None:
        match message:
            case Hello():
                connection.finish("twice_hello")
            case Ack():
                entry = self._board.ack(message.seq, message.job_id)
                if entry is not None:
                    self._acknowledged(entry, "display ack")
            case Start():
                self._touched(message, "started")
            case Bump():
                self._touched(message, "bumped")
            case Recall():
                self._touched(message, "recalled")
            case StopSeen():
                self._touched(message, "stop_seen")

    def _touched(self, message: Touch, kind: TouchKind) -> None:
        entries = self._board.meant(message.check_id, message.station, message.job_ids)
        self._apply(kind, message.check_id, message.station, message.line_id, entries)
        self._on_event(
            BoardEvent(
                self._id,
                message.check_id,
                message.station,
                kind,
                line_id=message.line_id,
                job_ids=tuple(entry.job_id for entry in entries),
                revision=max((entry.document.ticket.revision for entry in entries), default=0),
                touch=message.touch,
            )
        )

    def _apply(self, kind: str, check_id: str, station: str, line_id: str, entries: list[Entry]) -> None:
        if kind == "stop_seen":
            for entry in entries:
                entry.stop_seen = True
        elif kind in ("bumped", "recalled"):
            if line_id:
                self._board.tick(check_id, station, line_id, done=kind == "bumped")
            else:
                self._board.mark(entries, bumped=kind == "bumped")

    def _acknowledged(self, entry: Entry, by: str) -> None:
        ticket = entry.document.ticket
        waiting = self._waiting.get(entry.document.job_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(by)
        self._on_event(BoardEvent(self._id, ticket.check_id, ticket.station, "received", entry.document.job_id))


def _show(entry: Entry, *, replay: bool) -> ShowTicket:
    document = entry.document
    lines = tuple(sorted(entry.done_lines))
    return ShowTicket(entry.seq, document.job_id, document.ticket, document.marks, replay, lines, entry.stop_seen)

"""Our own kitchen display, as a `Device`: tickets go out over whatever socket the agent's front door hands in.

The front door accepts a WebSocket and awaits `attach`, which returns when the connection should end. `deliver` sends a
ticket and waits for the display's acknowledgement; a lost connection is bridged as long as the deadline allows,
because a display that comes back says what it has seen and gets the rest again.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
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
    Status,
)
from tillkeeper_drivers.kds.board import Board, BoardFull, Entry
from tillkeeper_drivers.kds.messages import (
    Ack,
    BadFrame,
    Beat,
    Bump,
    Bye,
    FromDisplay,
    Hello,
    Recall,
    ShowTicket,
    Start,
    ToDisplay,
    Welcome,
    decode,
    encode,
)

CloseReason = Literal["gone", "replaced", "closed", "too_large", "bad_frame", "no_hello", "twice_hello", "too_slow"]
"""Why `attach` returned. `gone`: the display went; all others are the agent's doing and were said to it (`bye`)."""

log = logging.getLogger(__name__)


class _Connection:
    """One attached display. Frames go out one at a time, in order."""

    def __init__(self, socket: DisplaySocket, send_s: float) -> None:
        self._socket = socket
        self._send_s = send_s
        self._sending = asyncio.Lock()
        self.greeted = False
        self.end: asyncio.Future[CloseReason] = asyncio.get_running_loop().create_future()

    async def send(self, message: ToDisplay) -> bool:
        """Whether the socket took the frame. A display that takes none for `send_s` is let go."""
        try:
            async with asyncio.timeout(self._send_s), self._sending:
                await self._socket.send(encode(message))
        except TimeoutError:
            self.finish("too_slow")
            return False
        except ConnectionError:
            self.finish("gone")
            return False
        return True

    def finish(self, reason: CloseReason) -> None:
        if not self.end.done():
            self.end.set_result(reason)


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
    ) -> None:
        self._id = device_id
        self._on_event = on_event
        self._epoch = epoch if epoch is not None else secrets.token_hex(8)
        self._ack_s, self._hello_s, self._send_s, self._beat_s = ack_s, hello_s, send_s, beat_s
        self._board = Board()
        self._connection: _Connection | None = None
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

    # --- the front door's side ---

    async def attach(self, socket: DisplaySocket) -> CloseReason:
        """Serve one connected display until it goes, is replaced by a newer one, or breaks the protocol.

        The caller closes the socket afterwards. `socket.send` raises `ConnectionError` where the display is gone, and
        its iteration just ends or raises the same.
        """
        connection = _Connection(socket, self._send_s)
        reader = asyncio.create_task(self._read(connection, socket), name=f"display {self._id} reader")
        beats = asyncio.create_task(self._beats(connection), name=f"display {self._id} beats")
        try:
            ends: set[asyncio.Future[Any]] = {reader, beats, connection.end}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if self._connection is connection:
                self._connection = None
            reader.cancel()
            beats.cancel()
            await asyncio.wait({reader, beats})
        for task in (reader, beats):
            if not task.cancelled():
                task.result()  # a mistake of ours is not to be swallowed
        reason = connection.end.result() if connection.end.done() else "gone"
        if reason != "gone":
            with suppress(ConnectionError):
                await connection.send(Bye(reason))
        return reason

    async def _read(self, connection: _Connection, socket: DisplaySocket) -> None:
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

    async def _greet(self, connection: _Connection, hello: Hello) -> None:
        if self._connection is not None:
            self._connection.finish("replaced")
        self._connection = connection
        # A page that says it has seen more than was ever sent is mistaken: it gets everything, and acknowledges nothing.
        seen = hello.last_seq if hello.epoch == self._epoch and hello.last_seq <= self._board.seq else 0
        for entry in self._board.ack_up_to(seen):
            self._acknowledged(entry, "display resync")
        await connection.send(Welcome(self._id, self._epoch, self._board.seq, self._beat_s))
        for entry in self._board.to_replay(seen):
            if not await connection.send(_show(entry, replay=True)):
                return
        # Only now may `deliver` use it: frames of one connection are in order of their sequence, so that "seen up to n"
        # never covers a ticket that was not sent.
        connection.greeted = True

    async def _beats(self, connection: _Connection) -> None:
        while True:
            await asyncio.sleep(self._beat_s)
            if connection.greeted and not await connection.send(Beat(self._board.behind())):
                return

    def _handle(self, connection: _Connection, message: FromDisplay) -> None:
        match message:
            case Hello():
                connection.finish("twice_hello")
            case Ack():
                entry = self._board.ack(message.seq, message.job_id)
                if entry is not None:
                    self._acknowledged(entry, "display ack")
            case Start():
                self._tell(message, "started")
            case Bump():
                if not message.line_id:
                    self._board.mark_bumped(message.check_id, message.station, True)
                self._tell(message, "bumped")
            case Recall():
                if not message.line_id:
                    self._board.mark_bumped(message.check_id, message.station, False)
                self._tell(message, "recalled")

    def _acknowledged(self, entry: Entry, by: str) -> None:
        ticket = entry.document.ticket
        waiting = self._waiting.get(entry.document.job_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(by)
        self._on_event(BoardEvent(self._id, ticket.check_id, ticket.station, "received", entry.document.job_id))

    def _tell(self, message: Start | Bump | Recall, kind: Literal["started", "bumped", "recalled"]) -> None:
        event = BoardEvent(self._id, message.check_id, message.station, kind, line_id=message.line_id)
        self._on_event(event)


def _show(entry: Entry, *, replay: bool) -> ShowTicket:
    return ShowTicket(entry.seq, entry.document.job_id, entry.document.ticket, entry.document.marks, replay)

"""uvicorn's WebSocket connection with the bounds that uvicorn leaves out (0.54): how long a client may take nothing, and how
much of what it says the loop looks at before somebody reads it."""

import asyncio
from typing import TYPE_CHECKING, ClassVar

from wsproto.events import BytesMessage, Ping, Pong, TextMessage

from tillkeeper.api.lean import WSProtocol
from tillkeeper.api.limits import ApiLimits
from tillkeeper.api.rate import Rates
from tillkeeper.contract.http_parser import PIECE_BYTES

if TYPE_CHECKING:
    from uvicorn._types import WebSocketEvent


WAITING = 64
"""Messages that nobody has read yet; what has come behind them is not looked at before that."""


class BoundedWebSocket(WSProtocol):
    """One WebSocket connection. uvicorn pauses a client with its first message that nobody has read, but takes all that came in
    the same packet, tens of thousands of frames; it answers pings without end."""

    limits: ClassVar[ApiLimits]
    _stall_timer: asyncio.TimerHandle | None = None
    _asides: Rates
    _rest = b""
    """What has come and is not looked at yet."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        super().connection_made(transport)
        self._asides = Rates(self.limits.frames_per_s, self.limits.asides_burst)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        self._look()

    async def receive(self) -> "WebSocketEvent":
        message = await super().receive()
        if self._rest:
            await asyncio.sleep(0)  # who says much at once is heard in turn with the others
            self._look()
        return message

    def _look(self) -> None:
        while self._rest and self.queue.qsize() < WAITING and not self.transport.is_closing():
            piece, self._rest = self._rest[:PIECE_BYTES], self._rest[PIECE_BYTES:]
            super().data_received(piece)

    def handle_message(self, event: TextMessage | BytesMessage) -> None:
        if event.message_finished or not event.frame_finished or self._is_bearable():
            super().handle_message(event)

    def handle_ping(self, event: Ping) -> None:
        if self._is_bearable():
            super().handle_ping(event)

    def handle_pong(self, event: Pong) -> None:
        if self._is_bearable():
            super().handle_pong(event)

    def _is_bearable(self) -> bool:
        """One more frame that is no message. Else the connection is at its end."""
        if self._asides.take("", self.loop.time()):
            self.transport.abort()
            return False
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(self.limits.stall_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _forget(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

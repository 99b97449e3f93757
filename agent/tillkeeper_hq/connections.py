"""Connections to HQ. Who says nothing keeps no place: uvicorn alone waits for a request's head for ever."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 10.0
"""From the connection, or from the last answer, to the end of the next request's head, however slowly that drips."""


class Hurried(H11Protocol):
    """Where all places are taken, the connection that has asked nothing for longest makes room."""

    _since_s = 0.0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        while self.limit_concurrency is not None and len(self.connections) + 1 >= self.limit_concurrency:
            idle = [one for one in self.connections if isinstance(one, Hurried) and not one._is_asked()]
            if not idle:
                break
            longest = min(idle, key=lambda one: one._since_s)
            self.connections.discard(longest)
            longest.transport.abort()
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_asked():
            self._cancel()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._is_asked():
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        super().connection_lost(exc)

    def _is_asked(self) -> bool:
        """A request's head is here, and its answer is not all out."""
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._cancel()
        self._since_s = self.loop.time()
        self._deadline = self.loop.call_later(HEAD_S, self.transport.abort)

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

"""Live changes to many readers, none of which can delay the register: publishing never waits."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import msgspec

from tillkeeper.api.ports import LiveFeed, Overrun
from tillkeeper.contract.live import LiveMessage
from tillkeeper.errors import Overloaded

_encoder = msgspec.json.Encoder()


class _Feed:
    """One reader's bounded queue. Over the bound it is emptied for good: a hole in a stream of changes is worse than an end."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._frames: deque[str] = deque()
        self._overrun = False
        self._news = asyncio.Event()

    def put(self, frame: str) -> None:
        if len(self._frames) >= self._bound:
            self._overrun = True
            self._frames.clear()
        if not self._overrun:
            self._frames.append(frame)
        self._news.set()

    async def __aiter__(self) -> AsyncIterator[str]:
        while True:
            await self._news.wait()
            if self._overrun:
                raise Overrun
            if self._frames:
                yield self._frames.popleft()
            else:
                self._news.clear()


class LiveHub:
    """The register's changes, as they happen. To be used on the event loop's thread only.

    Args:
        clients: how many may subscribe at a time.
        queue: messages that may wait for one client.
    """

    def __init__(self, *, clients: int = 32, queue: int = 256) -> None:
        self._clients = clients
        self._queue = queue
        self._feeds: set[_Feed] = set()

    @property
    def readers(self) -> int:
        """How many are connected now."""
        return len(self._feeds)

    @property
    def has_readers(self) -> bool:
        """Whether putting a message together is worth it."""
        return bool(self._feeds)

    def publish(self, message: LiveMessage) -> None:
        """Hand `message` to every reader. Encoded once, and not at all where nobody reads."""
        if not self._feeds:
            return
        frame = _encoder.encode(message).decode()
        for feed in self._feeds:
            feed.put(frame)

    @contextmanager
    def subscribe(self) -> Iterator[LiveFeed]:
        """Everything published from now on. Raises `Overloaded` where all places are taken."""
        if len(self._feeds) >= self._clients:
            raise Overloaded("subscribe", "live changes", f"{self._clients} clients are connected", "close one and try again")
        feed = _Feed(self._queue)
        self._feeds.add(feed)
        try:
            yield feed
        finally:
            self._feeds.discard(feed)

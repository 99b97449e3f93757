"""Tells open connections that their device is paired no more."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Endings:
    """On the event loop's thread only."""

    def __init__(self) -> None:
        self._watched: dict[str, set[asyncio.Event]] = {}

    def end(self, device_ids: frozenset[str]) -> None:
        for device_id in device_ids:
            for one in self._watched.get(device_id, ()):
                one.set()

    @contextmanager
    def watched(self, device_id: str) -> Iterator[asyncio.Event]:
        """The event is set once this device ends."""
        ended = asyncio.Event()
        self._watched.setdefault(device_id, set()).add(ended)
        try:
            yield ended
        finally:
            of_it = self._watched[device_id]
            of_it.discard(ended)
            if not of_it:
                del self._watched[device_id]

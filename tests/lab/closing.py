"""Parts of the lab that start with `async with`, and leave nothing behind if they only half started."""

import contextlib
from types import TracebackType
from typing import Self


class Closing:
    """`_start` pushes what it opens to `_closing`."""

    def __init__(self) -> None:
        self._closing = contextlib.AsyncExitStack()

    async def _start(self) -> None:
        raise TypeError(f"{type(self).__name__} has nothing to start")

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:  # a cancellation too: nothing may be left behind
            await self._closing.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._closing.aclose()

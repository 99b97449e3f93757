"""A lab that serves in a thread of its own, for tests that look at it with blocking tools."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from tests.lab.topology import Lab, Shape

UP_S = 30.0


@contextlib.contextmanager
def living(shape: Shape, label: str) -> Iterator[Lab]:
    """A built and served lab. Raises what building it raised."""
    up, failed = threading.Event(), []
    with Lab(shape, label) as lab:
        loop = asyncio.new_event_loop()
        ending = asyncio.Event()

        async def serve() -> None:
            async with lab.served():
                up.set()
                await ending.wait()

        def work() -> None:
            try:
                loop.run_until_complete(serve())
            except Exception as error:  # noqa: BLE001 - told in the other thread
                failed.append(error)
            finally:
                loop.close()
                up.set()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            if not up.wait(UP_S) or failed:
                raise failed[0] if failed else TimeoutError("the lab did not come up")
            yield lab
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(ending.set)
            thread.join()

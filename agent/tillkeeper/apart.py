"""Work whose failure the caller outlives, in a task of its own.

In CPython 3.11 a TaskGroup whose child fails while the group waits for its end leaves the task that waits counted as
cancelled (`cancelling()` stays at 1). From then on an `asyncio.timeout` that expires in that task does not raise TimeoutError
but ends the task as cancelled, without a word. The same befalls what is closed after a signal has cancelled the task. So
whoever goes on after a TaskGroup may have failed, or closes things after being cancelled, runs that part in another task, which
ends with it.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def apart(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns or raises. Whoever is cancelled here cancels the work and waits for its end."""
    return await asyncio.create_task(work)

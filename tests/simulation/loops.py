"""One clock for a whole store: every machine has an event loop of its own, and all loops share one heap.

A machine can stand still (SIGSTOP) or die (SIGKILL, power) between any two callbacks, and nothing of it runs meanwhile. What
happens at the same moment happens in the order in which it was asked for, so a run depends on its seed alone.
"""

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any

MAX_LAST_WORDS = 10_000
MAX_CANCELS = 5
"""A timeout that ends in the same moment may take one cancellation for its own."""
MANY = 200
"""Tasks, before those that are done are forgotten."""
STEP_S = 1e-6
"""What a callback takes. Whoever waits for a moment that rounding has put a hair ahead gets there."""


class Time:
    """`now_s`: virtual seconds since the run began. `fell_over`: told of what nobody caught. `stopped`: no further."""

    def __init__(self, fell_over: Callable[[str, str], None]) -> None:
        self.now_s = 0.0
        self.steps = 0
        self.stopped = False
        self.fell_over = fell_over
        self._heap: list[tuple[float, int, asyncio.Handle]] = []
        self._count = 0

    def push(self, when_s: float, handle: asyncio.Handle) -> None:
        self._count += 1
        heapq.heappush(self._heap, (when_s, self._count, handle))

    def run(self, until_s: float) -> None:
        """Everything up to that moment."""
        while self._heap and self._heap[0][0] <= until_s and not self.stopped:
            when_s, _, handle = heapq.heappop(self._heap)
            if when_s > self.now_s:
                self.now_s = when_s
            if not handle._cancelled:
                self.steps += 1
                self.now_s += STEP_S
                loop: MachineLoop = handle._loop  # type: ignore[attr-defined]
                loop.take(handle)
        asyncio.events._set_running_loop(None)
        self.now_s = self.now_s if self.stopped else max(self.now_s, until_s)

    def take_ready(self, loop: "MachineLoop") -> list[asyncio.Handle]:
        """What that loop would run at this very moment, out of the heap."""
        mine = sorted(entry for entry in self._heap if entry[2]._loop is loop)  # type: ignore[attr-defined]
        self._heap = [entry for entry in self._heap if entry[2]._loop is not loop]  # type: ignore[attr-defined]
        heapq.heapify(self._heap)
        return [handle for when_s, _, handle in mine if when_s <= self.now_s]


class MachineLoop(asyncio.AbstractEventLoop):
    """As much of a loop as asyncio's own tasks, futures, events and timeouts use. `alive`: False from the moment it dies, also
    while its tasks are being cancelled: whatever they do to the world then has no effect."""

    def __init__(self, time: Time, name: str) -> None:
        self._time, self.name = time, name
        self.alive = True
        self.paused = False
        self._stalled: list[asyncio.Handle] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self._many = MANY

    def take(self, handle: asyncio.Handle) -> None:
        if self.paused:
            self._stalled.append(handle)
        elif self.alive:
            asyncio.events._set_running_loop(self)
            handle._run()

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused, stalled, self._stalled = False, self._stalled, []
        for handle in stalled:
            self._time.push(self._time.now_s, handle)

    def kill(self) -> None:
        """Nothing of it runs after this. Its tasks are cancelled so that nothing is left behind in this process."""
        if not self.alive:
            return
        self.alive, self.paused = False, False
        stalled, self._stalled = self._stalled, []
        before = asyncio.events._get_running_loop()  # one that kills another machine
        asyncio.events._set_running_loop(self)
        try:
            for _ in range(MAX_CANCELS):
                for task in self._tasks:
                    task.cancel()
                self._drain(stalled)
                stalled = []
                self._tasks = [task for task in self._tasks if not task.done()]
                if not self._tasks:
                    return
        finally:
            asyncio.events._set_running_loop(before)
        raise RuntimeError(f"{self.name} does not die: {self._tasks}")

    def _drain(self, ready: list[asyncio.Handle]) -> None:
        for _ in range(MAX_LAST_WORDS):
            ready = [*ready, *self._time.take_ready(self)]
            if not ready:
                return
            for handle in ready:
                if not handle.cancelled():
                    handle._run()
            ready = []

    # --- what asyncio asks of a loop ---

    def time(self) -> float:
        return self._time.now_s

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._time.push(max(when, self._time.now_s), handle)
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: Context | None = None) -> asyncio.TimerHandle:
        return self.call_at(self._time.now_s + delay, callback, *args, context=context)

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._time.push(self._time.now_s, handle)
        return handle

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks.append(task)
        if len(self._tasks) > self._many:
            self._tasks = [one for one in self._tasks if not one.done()]
            self._many = MANY + 2 * len(self._tasks)
        return task

    def start(self, coro: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """A task whose failure is a finding."""
        task = self.create_task(coro, name=name)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self.alive and (task.cancelled() or task.exception() is not None):
            error = None if task.cancelled() else task.exception()
            self._time.fell_over(self.name, f"{task.get_name()} ended: {_innermost(error)!r}")

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:
        """What is for a thread is done at once: it is short, and time stands still meanwhile."""
        done = self.create_future()
        done.set_result(func(*args))
        return done

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if self.alive and context.get("exception") is not None:
            self._time.fell_over(self.name, f"{context.get('message')}: {context['exception']!r}")

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        return


def _innermost(error: BaseException | None) -> BaseException | None:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error

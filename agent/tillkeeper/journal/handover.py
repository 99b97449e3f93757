"""Work handed over from an event loop to the one thread that writes a file, and its outcomes back.

All work that waits is one group: it is written together and answered after that. What a file holds, and what can be done with
it, is the business of those who use this (the journal, and the logs held for others).
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from tillkeeper.errors import Overloaded, StorageRefused, TillkeeperError
from tillkeeper.journal.storage import Storage, StorageState

MAX_GROUP = 256
"""How much work is done in one group, as `weigh` counts it."""

W = TypeVar("W")
D = TypeVar("D")
K = TypeVar("K")


class Handover(Generic[W, D, K]):
    """Made and used in the loop's thread; `write` and `idle` run in the thread that it starts, and so does everything that
    `storage` does from then on. `write` answers each piece of work with what came of it or with an error; `idle` is called
    whenever nothing came for `idle_s` seconds. `changed` is called in the loop's thread whenever `state` may be another, before
    those who wait are answered; `ended` in the other thread, last of all."""

    def __init__(
        self,
        name: str,
        storage: Storage[K],
        write: Callable[[Sequence[W]], Sequence[D | TillkeeperError]],
        *,
        idle: Callable[[], None],
        idle_s: float,
        changed: Callable[[], None],
        ended: Callable[[], None],
        max_waiting: int,
        weigh: Callable[[W], int] = lambda _: 1,
        max_group: int = MAX_GROUP,
    ) -> None:
        self._name, self._storage, self._write = name, storage, write
        self._idle, self._idle_s = idle, idle_s
        self._changed, self._on_end, self._max_waiting = changed, ended, max_waiting
        self._weigh, self._max_group = weigh, max_group
        self.state: StorageState[K] = storage.state
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[int, asyncio.Future[D]] = {}
        self._asked: dict[int, asyncio.Future[None]] = {}
        self._ticket = 0
        self._closing = False
        self._ended = asyncio.Event()
        self._queue: queue.SimpleQueue[tuple[int, W] | int | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=f"{name}-writer", daemon=True).start()

    def submit(self, operation: str, work: W) -> asyncio.Future[D]:
        """Raises: Overloaded: too much waits. StorageRefused: closed."""
        if self._closing or self._ended.is_set():
            raise StorageRefused(operation, self._name, "it is closed", "the agent is stopping")
        if len(self._waiting) >= self._max_waiting:
            cause = f"{self._max_waiting} batches wait for the disk"
            raise Overloaded(operation, self._name, cause, "try again in a moment")
        self._ticket += 1
        future = self._waiting[self._ticket] = self._loop.create_future()
        self._queue.put((self._ticket, work))
        return future

    async def answers(self) -> None:
        """Returns once the other thread has come to this in its queue, and looked after the file as it does when idle: behind
        all work that waits, and also where the disk refuses. A thread that hangs never answers. Raises: StorageRefused: it is
        closed, or has ended."""
        if self._closing or self._ended.is_set():
            raise StorageRefused("ask", self._name, "it is closed", "the agent is stopping")
        self._ticket += 1
        future = self._asked[self._ticket] = self._loop.create_future()
        self._queue.put(self._ticket)
        await future

    @property
    def closing(self) -> bool:
        return self._closing

    async def close(self) -> None:
        """Finish what was accepted, then end the thread. May be called twice."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        await self._ended.wait()

    # --- in the writer's thread ---

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        finally:
            self._storage.close()
            self._on_end()
            self._call_loop(self._take_end)

    def _turn(self) -> bool:
        """Write one group. False once there is nothing more to come."""
        try:
            item = self._queue.get(timeout=self._idle_s)
        except queue.Empty:
            self._while_idle()
            return True
        group: list[tuple[int, W]] = []
        asked, weight = [], 0
        while item is not None:
            if isinstance(item, int):
                asked.append(item)
            else:
                group.append(item)
                weight += self._weigh(item[1])
            if weight >= self._max_group or self._queue.empty():
                break
            item = self._queue.get()
        if group:
            outcomes = self._write([work for _, work in group])
            told = self._storage.state
            answers = [(ticket, outcome) for (ticket, _), outcome in zip(group, outcomes, strict=True)]
            self._call_loop(lambda: self._take(answers, told))
            self._storage.checkpoint()
            self._tell(told)
        if asked:
            self._while_idle()  # who asks often must not keep the thread from it
            self._call_loop(lambda: self._take_asked(asked))
        return item is not None

    def _while_idle(self) -> None:
        before = self._storage.state
        self._storage.recover()
        self._idle()
        self._tell(before)

    def _tell(self, told: StorageState[K]) -> None:
        state = self._storage.state
        if state != told:
            self._call_loop(lambda: self._take([], state))

    def _call_loop(self, what: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what)

    # --- back in the loop's thread ---

    def _take(self, answers: Sequence[tuple[int, D | TillkeeperError]], state: StorageState[K]) -> None:
        self.state = state
        self._changed()
        for ticket, outcome in answers:
            self._settle(self._waiting.pop(ticket), outcome)

    def _take_asked(self, tickets: Sequence[int]) -> None:
        for ticket in tickets:
            future = self._asked.pop(ticket)
            if not future.done():
                future.set_result(None)

    def _take_end(self) -> None:
        self._ended.set()
        if not self._closing:  # a fault of ours: a restart is what helps
            self.state = self.state._replace(trouble="the writer has stopped", damaged=True)
            self._changed()
        for future in self._waiting.values():
            self._settle(future, self._stopped())
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(self._stopped())
        self._waiting.clear()
        self._asked.clear()

    def _stopped(self) -> StorageRefused:
        return StorageRefused("write", self._name, "the writer has stopped", "restart the agent")

    @staticmethod
    def _settle(future: "asyncio.Future[D]", outcome: D | TillkeeperError) -> None:
        if future.done():
            return  # the caller went away
        if isinstance(outcome, TillkeeperError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

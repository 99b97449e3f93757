"""Idempotency: one key, one command, one answer. What is kept and what is not: `docs/decisions/0004-idempotency.md`."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

from tillkeeper.errors import Conflict, Overloaded
from tillkeeper.journal.faults import AlreadyDone
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import KeptCommand

MAX_UNDER_WAY = 512

Work = Callable[[Callable[[bytes], KeptCommand]], Awaitable[bytes]]
"""Given `keep` (answer -> what to store with the events), does the work durably and returns the answer."""


class Once:
    """Runs each key once. Work goes on to its end even if its caller is cancelled (a client that hung up): the task belongs
    to this object's owner, the callers only wait for it."""

    def __init__(self, journal: Journal, now_ms: Callable[[], int], tasks: asyncio.TaskGroup) -> None:
        self._journal = journal
        self._now_ms = now_ms
        self._tasks = tasks
        self._under_way: dict[str, tuple[bytes, asyncio.Future[bytes]]] = {}

    @property
    def under_way(self) -> int:
        """How many commands are."""
        return len(self._under_way)

    async def run(self, key: str, body: bytes, work: Work) -> tuple[bytes, bool]:
        """The answer, and whether it is that of an earlier run.

        Raises:
            Conflict: the key came before with another `body`.
            Overloaded: too much is under way, or the agent is stopping.
            TillkeeperError: what `work` raised; nothing is kept then.
        """
        digest = hashlib.sha256(b"%b\n%b" % (key.encode(), body)).digest()  # without the key nobody can try out names
        if (waiting := self._under_way.get(key)) is not None:
            self._must_match(key, (digest,), waiting[0])
            return await asyncio.shield(waiting[1]), True
        if (kept := self._journal.kept_command(key)) is not None:
            before = hashlib.sha256(body).digest()  # as agents kept it that knew of no key in it
            self._must_match(key, (digest, before), kept.body_sha256)
            return kept.result, True
        if len(self._under_way) >= MAX_UNDER_WAY:
            raise Overloaded("accept", "command", f"{MAX_UNDER_WAY} commands are under way", "try again in a moment")
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        finish = self._finish(key, digest, work, answer)
        try:
            self._tasks.create_task(finish, name=f"command {key}")
        except RuntimeError as error:  # so a task group says that it has ended or is being cancelled
            finish.close()
            raise _stopping() from error
        self._under_way[key] = (digest, answer)
        return await asyncio.shield(answer), False

    async def _finish(self, key: str, digest: bytes, work: Work, answer: "asyncio.Future[bytes]") -> None:
        def keep(result: bytes) -> KeptCommand:
            return KeptCommand(key=key, body_sha256=digest, result=result, at_ms=self._now_ms())

        try:
            answer.set_result(await work(keep))
        except AlreadyDone as done:  # a commit that was reported as failed had reached the disk after all
            if done.kept.body_sha256 in (digest, b""):
                answer.set_result(done.kept.result)
            else:
                answer.set_exception(done)
                answer.exception()
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to those who wait for the answer
            answer.set_exception(error)
            answer.exception()  # somebody may have hung up: then nobody else retrieves it
        finally:
            del self._under_way[key]
            if not answer.done():  # cancelled on the way; it may have become durable, and its key knows
                answer.set_exception(_stopping())
                answer.exception()

    @staticmethod
    def _must_match(key: str, digests: tuple[bytes, ...], kept: bytes) -> None:
        if kept and kept not in digests:  # of a key that came back with its events it is not known what was asked
            raise Conflict(
                "accept",
                f"command with key {key}",
                "this idempotency key was used with another command",
                "use a new key for a new command",
            )


def _stopping() -> Overloaded:
    return Overloaded("accept", "command", "the agent is stopping", "ask again with the same key once it is back")

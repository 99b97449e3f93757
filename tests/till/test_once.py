"""What becomes of commands that come while the agent stops."""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.journal.world import mode, opened

from tillkeeper.errors import Conflict, Overloaded
from tillkeeper.journal.records import Batch, KeptCommand
from tillkeeper.till.once import Once


async def never(_keep: Callable[[bytes], KeptCommand]) -> bytes:
    raise AssertionError("nothing is begun any more")


def test_a_command_that_comes_while_the_agent_stops_can_be_asked_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "journal.db") as journal:
            async with asyncio.TaskGroup() as tasks:
                once = Once(journal, lambda: 0, tasks)
            for _ in range(2):
                with pytest.raises(Overloaded, match="stopping") as refused:
                    await once.run("a-key", b"order", never)
                assert refused.value.retry_safe

    asyncio.run(scenario())


def test_a_command_that_is_cut_off_by_the_stop_can_be_asked_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        begun = asyncio.Event()

        async def endless(_keep: Callable[[bytes], KeptCommand]) -> bytes:
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError

        async with opened(tmp_path / "journal.db") as journal:
            group: asyncio.Future[Once] = asyncio.get_running_loop().create_future()

            async def agent() -> None:
                async with asyncio.TaskGroup() as tasks:
                    group.set_result(Once(journal, lambda: 0, tasks))
                    await asyncio.Event().wait()

            running = asyncio.create_task(agent())
            asked = asyncio.create_task((await group).run("a-key", b"order", endless))
            await begun.wait()
            running.cancel()
            with pytest.raises(Overloaded, match="stopping"):
                await asked
            with pytest.raises(asyncio.CancelledError):
                await running

    asyncio.run(scenario())


def test_who_asks_again_after_an_update_gets_the_answer_of_the_agent_before(tmp_path: Path) -> None:
    """It kept the digest of the command alone."""

    async def scenario() -> None:
        async with opened(tmp_path / "journal.db") as journal:
            kept = KeptCommand("a-key", hashlib.sha256(b"order").digest(), b"sold", 0)
            await journal.append(Batch(events=(mode(),), command=kept))
            async with asyncio.TaskGroup() as tasks:
                once = Once(journal, lambda: 0, tasks)
                assert await once.run("a-key", b"order", never) == (b"sold", True)
                with pytest.raises(Conflict):
                    await once.run("a-key", b"another order", never)

    asyncio.run(scenario())

"""What fails in a TaskGroup does not end the task that goes on after it at its next timeout (CPython 3.11)."""

import asyncio

import pytest

from tillkeeper.apart import apart


async def failing_group() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("a child")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(fail())


async def goes_on() -> str:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()
    return "went on"


def test_whoever_catches_the_failure_of_a_group_still_has_timeouts() -> None:
    async def scenario() -> str:
        with pytest.raises(ExceptionGroup):
            await apart(failing_group())
        task = asyncio.current_task()
        assert task is not None
        assert not task.cancelling()
        return await goes_on()

    assert asyncio.run(scenario()) == "went on"


def test_what_is_closed_by_a_cancelled_task_still_has_timeouts() -> None:
    async def scenario() -> list[str]:
        closed: list[str] = []

        async def close() -> None:
            closed.append(await goes_on())

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await apart(close())

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        return closed

    assert asyncio.run(scenario()) == ["went on"]


def test_whoever_is_cancelled_while_it_waits_cancels_the_work_and_outlives_it() -> None:
    async def scenario() -> None:
        ended = asyncio.Event()

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                ended.set()

        task = asyncio.create_task(apart(work()))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert ended.is_set()

    asyncio.run(scenario())

"""Timed fire: one check that can not be fired delays no other."""

import asyncio

from tillkeeper.errors import StorageRefused
from tillkeeper.till.fires import Fires


class Store:
    """A shelf and an intake in one: `stuck` is refused as often as it is tried."""

    def __init__(self) -> None:
        self.due = {"stuck": 1, "good": 2}
        self.tried: list[str] = []
        self.fired = asyncio.Event()

    def due_for_fire(self, now_ms: int) -> list[str]:
        return [check_id for check_id, at_ms in self.due.items() if at_ms <= now_ms]

    def next_fire_at_ms(self) -> int | None:
        return min(self.due.values(), default=None)

    async def fire_due(self, check_id: str) -> None:
        self.tried.append(check_id)
        if check_id == "stuck":
            raise StorageRefused("append", "journal", "the disk is full")
        del self.due[check_id]
        self.fired.set()


def test_a_check_that_can_not_fire_delays_no_other_and_is_not_tried_without_end() -> None:
    async def scenario() -> None:
        store = Store()
        now_ms = [1_000]
        fires = Fires(store, store, lambda: now_ms[0])  # type: ignore[arg-type]
        task = asyncio.create_task(fires.run())
        async with asyncio.timeout(5):
            await store.fired.wait()
        assert store.tried == ["stuck", "good"]
        for _ in range(20):
            fires.wake()
            await asyncio.sleep(0)
        assert store.tried == ["stuck", "good"], "within the five seconds nobody tries again"
        now_ms[0] += 6_000
        fires.wake()
        async with asyncio.timeout(5):
            while len(store.tried) < 3:  # noqa: ASYNC110 - the loop is another task of this loop
                await asyncio.sleep(0)
        assert store.tried == ["stuck", "good", "stuck"]
        task.cancel()
        await asyncio.wait({task})

    asyncio.run(scenario())

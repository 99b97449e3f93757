"""The same promises with the journal that registers really have, opened anew for each life of the agent."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.journal.world import opened
from tests.spool.test_crashes import KITCHEN, RECEIPTS, assert_promises, day
from tests.spool.virtual import VirtualLoop, run_virtual
from tests.spool.world import Life, MemoryJournal, World

from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Appended, Batch, JobRow
from tillkeeper.journal.verify import verify_file


class DiskJournal(MemoryJournal):
    """A journal file; its agent may die before or after any write."""

    journal: Journal

    async def append(self, batch: Batch) -> Appended:
        life = self.life
        await life.step()
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.real_work += 1
        try:
            appended = await self.journal.append(batch)
        finally:
            loop.real_work -= 1
        self.events += [new.event for new in batch.events]
        await life.step()
        return appended

    def unsettled_jobs(self, device: str = "", state: str = "", limit: int = -1) -> Sequence[JobRow]:
        return self.journal.unsettled_jobs(device, state, limit)

    def devices_with_jobs(self) -> Sequence[str]:
        return self.journal.devices_with_jobs()

    def job(self, job_id: str) -> JobRow | None:
        return self.journal.job(job_id)


@asynccontextmanager
async def life_of(world: World, disk: DiskJournal, path: Path, dies_at: int | None) -> AsyncIterator[Life]:
    disk.life = Life()
    async with opened(path) as disk.journal, world.living(dies_at) as life:
        yield life


def test_killed_between_any_two_steps_and_started_again_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def scenario() -> None:
        world = World(seed=3)
        world.journal = disk = DiskJournal()
        async with life_of(world, disk, path, None):
            await world.accept(*day(world))
        for dies_at in (1, 2, 3, 5, 8, 13, 21, 34):
            async with life_of(world, disk, path, dies_at) as life:
                dead = asyncio.ensure_future(life.died.wait())
                done = asyncio.ensure_future(world.until_done())
                await asyncio.wait({dead, done}, return_when=asyncio.FIRST_COMPLETED)
                dead.cancel()
                done.cancel()
                await asyncio.gather(dead, done, return_exceptions=True)
        async with life_of(world, disk, path, None):
            await world.until_done()
            for job in world.unsettled():
                await world.spool.release(job.job_id, "Ann")
            await world.until_done()
            assert_promises(world, KITCHEN + RECEIPTS)
            settled = disk.journal.jobs(limit=100)
            assert all(row.settled for row in settled)

    run_virtual(scenario())
    (report,) = verify_file(path)
    assert report.problem == ""

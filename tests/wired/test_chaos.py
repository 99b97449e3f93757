"""Registers that are killed, lines that are cut, lose and hold back what goes over them, a printer with troubles of its own:
every ticket comes out, no repeat is unmarked, no drawer opens twice, outcomes are told once, no lower epoch is obeyed."""

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack

import msgspec
import pytest
from tests.spool.virtual import run_virtual
from tests.wired.world import Room, Till

from tillkeeper.contract.documents import DocumentSettled
from tillkeeper.contract.roles import Epoch
from tillkeeper.spool import jobs as steps
from tillkeeper.spool.adopting import Orphan
from tillkeeper.spool.model import Job, TicketData
from tillkeeper_drivers.api import Status

CLEAN = Status(reachable="yes", online="yes", cover_open="no", paper_out="no")
WORDS = ("ok", "ok", "ok", "unconfirmed", "lost", "slow", "busy", "no_answer", "unreachable", "sent")
ADOPT_AFTER_S = 10.0
TICKETS = 24


class Chaos:
    """One evening: `play` sells, and hurts whom the seed says."""

    def __init__(self, seed: int) -> None:
        self.room = Room(seed, lossy=25, slow_s=0.02)
        self.chance = random.Random(seed + 1)
        self.codes: list[str] = []
        self.kicked: list[str] = []
        self.up = dict.fromkeys(self.room.tills, False)
        self._stop: dict[str, asyncio.Event] = {}
        self._adopted: set[str] = set()

    async def live(self, till: Till) -> None:
        """Its lives, one after the other, until cancelled."""
        while True:
            stop = self._stop[till.name] = asyncio.Event()
            async with AsyncExitStack() as stack:
                dies_at = self.chance.randrange(4, 60) if self.chance.random() < 0.3 else None
                life = await stack.enter_async_context(till.alive(dies_at))
                self.up[till.name] = True
                dead = [asyncio.ensure_future(life.died.wait()), asyncio.ensure_future(stop.wait())]
                try:
                    await asyncio.wait(dead, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    self.up[till.name] = False
                    for one in dead:
                        one.cancel()
            for printer in till.printers.values():
                printer.busy = False
            await asyncio.sleep(self.chance.uniform(0.5, 25))

    async def play(self) -> None:
        tills = list(self.room.tills.values())
        tasks = [asyncio.create_task(self.live(till)) for till in tills]
        adopting = asyncio.create_task(self._adopt())
        try:
            for n in range(TICKETS):
                await self._sell(tills[n % 3 if n % 2 else 1], n)
                await self._hurt()
                await asyncio.sleep(self.chance.uniform(0.1, 4))
            await self._heal()
            await self._until_done(tills)
        finally:
            for task in (*tasks, adopting):
                task.cancel()
            await asyncio.gather(*tasks, adopting, return_exceptions=True)

    async def _sell(self, till: Till, n: int) -> None:
        """A ticket and a kick, accepted as the till does: durable, whether or not it lives on."""
        code = f"T-{n}"
        jobs = [till.job(code), till.job(f"p{n}", "drawer", "drawer_pulse")]
        prepared = [msgspec.structs.replace(job, order=1_000_000 + n * 10 + at) for at, job in enumerate(jobs)]
        for job in prepared:
            till.disk.rows[job.job_id] = steps.job_row(job)
        self.codes.append(code)
        if self.up[till.name]:
            till.spool.submit(prepared)

    async def _hurt(self) -> None:
        chance, room = self.chance, self.room
        match chance.randrange(8):
            case 0 | 1:
                if (stop := self._stop.get(chance.choice("abc"))) is not None:
                    stop.set()
            case 2:
                one, other = chance.choice([("a", "b"), ("a", "c")])
                room.cut(one, other)
                asyncio.get_running_loop().call_later(chance.uniform(1, 30), room.mend, one, other)
            case 3:
                room.hold(chance.uniform(1, 40))
            case 4:
                room.printer("grill").condition = Status(reachable="yes", online="no", paper_out="yes")
                asyncio.get_running_loop().call_later(chance.uniform(1, 30), self._well)
            case 5:
                till = room[chance.choice("bc")]
                till.epoch = Epoch(till.epoch.counter + 1, till.name)
            case _:
                room.printer(chance.choice(["grill", "receipt"])).script.append(chance.choice(WORDS))

    def _well(self) -> None:
        self.room.printer("grill").condition = CLEAN

    async def _heal(self) -> None:
        for other in "bc":
            self.room.mend("a", other)
        self._well()
        self.room.lossy = 0
        highest = max(till.epoch for till in self.room.tills.values())
        for till in self.room.tills.values():
            till.epoch = highest

    async def _adopt(self) -> None:
        """c prints what b had fired and has no end, once b has been dead for long enough; b hears of it before it begins."""
        dead_s = 0.0
        while True:
            await asyncio.sleep(0.5)
            dead_s = 0.0 if self.up["b"] else dead_s + 0.5
            if dead_s < ADOPT_AFTER_S or not self.up["c"]:
                continue
            waiting = [job for job in self.room["b"].unsettled() if job.job_id not in self._adopted]
            orphans = [Orphan(job) for job in waiting if isinstance(job.data, TicketData)]
            done = asyncio.create_task(self.room["c"].spool.adopt(orphans, "b"))
            await asyncio.wait([done], timeout=1.0)
            if not done.done() or done.exception() is not None:
                done.cancel()
                continue
            for job in self._given_up(waiting):
                self.room["b"].disk.rows[job.job_id] = steps.job_row(job)
                self._adopted.add(job.job_id)

    def _given_up(self, waiting: list[Job]) -> list[Job]:
        now_ms = self.room["b"].now_ms()
        tickets = (job for job in waiting if isinstance(job.data, TicketData))
        return [steps.recall(job, "rerouted", now_ms, reason="printed by register c") for job in tickets]

    async def _until_done(self, tills: list[Till]) -> None:
        async with asyncio.timeout(3_000):
            while True:
                await asyncio.sleep(1)
                held = [(till, job) for till in tills for job in till.unsettled() if job.state == "held"]
                for till, job in held:
                    if self.up[till.name] and till.spool.find(job.job_id) is not None:
                        await asyncio.wait([asyncio.create_task(till.spool.release(job.job_id, "Ann"))], timeout=1.0)
                if not any(till.unsettled() for till in tills):
                    return


@pytest.mark.parametrize("seed", range(24))
def test_whatever_befalls_the_registers_and_their_lines(seed: int) -> None:
    async def scenario() -> None:
        chaos = Chaos(seed)
        await chaos.play()
        room = chaos.room
        room.assert_promises(*chaos.codes)
        assert room.obeyed == sorted(room.obeyed), "a lower epoch was obeyed than one that was seen"
        for till in room.tills.values():
            told = [event.job_id for event in till.journal.events if isinstance(event, DocumentSettled)]
            settled = Counter(job_id for job_id in told if till.stored(job_id).state != "held")
            assert till.name != "a" or not {job_id for job_id in told if job_id[0] != "A"}
            assert all(count <= 1 + room_for_held(till, job_id) for job_id, count in settled.items()), settled

    run_virtual(scenario())


def room_for_held(till: Till, job_id: str) -> int:
    """A job that was held has told so, too, each time."""
    events = (event for event in till.journal.events if isinstance(event, DocumentSettled) and event.job_id == job_id)
    return sum(event.outcome == "held" for event in events)

"""The run itself: sell, kill, start again; then let everything come to its end and look at what is left."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from tests.killloop import journal, paper
from tests.killloop.selling import Guests, Sold
from tests.killloop.trouble import Trouble
from tests.killloop.verdict import Left
from tests.support.store import STORE, StoreRig

from tillkeeper.cli.orders import PlannedOrder
from tillkeeper.config.load import load
from tillkeeper.kitchen.routing import backups

ORDERS_PER_S = 7.0
KILL_WITHIN_S = 2.2
"""Each kill comes at a moment drawn evenly from the start of the process to this many seconds later."""
END_S = 240.0
SPEED_MM_S = 4_000.0
"""Twenty times as fast as paper really runs: so the printers are about half busy, and many kills come while they print."""
ADDRESS = "12 Harbour Street"
CHANGES: Mapping[str, Any] = {
    "store": {"timezone": "UTC", "receipt_header": [ADDRESS]},
    # Short, so that waiting for what never comes takes little of the run's time; a drawer rests five times its on-time.
    "devices": {
        "receipt": {"confirm_timeout_s": 3.0}, "grill": {"confirm_timeout_s": 3.0}, "bar": {"confirm_timeout_s": 3.0},
        "drawer": {"on_ms": 20},
    },
    "stations": {"grill": {"reroute_after_s": 2.0, "backup": "receipt"}, "cold": {"reroute_after_s": 2.0}},
    "routing": {"categories": {"sides": ["cold"]}},
}  # fmt: skip


class Tally(msgspec.Struct):
    """What the run did. `while_starting`: kills before the agent took orders. `end_s`: from the last kill to the last
    document and event."""

    kills: int = 0
    while_starting: int = 0
    seconds: float = 0.0
    end_s: float = 0.0
    released: int = 0
    orders: int = 0
    retried: int = 0
    replayed: int = 0
    documents: int = 0
    marked: int = 0
    rerouted: int = 0
    pulses: int = 0
    events: int = 0
    trouble: dict[str, int] = {}


class KillLoop:
    """One run.

    Args:
        folder: everything is kept there.
        planned: the orders of one round; `catalogue`: the file to sell from, None for the built-in menu.
        tell: called with a line of progress.
    """

    def __init__(
        self, folder: Path, planned: Sequence[PlannedOrder], *, catalogue: Path | None, seed: int, tell: Callable[[str], None]
    ) -> None:
        self._chance = random.Random(seed)
        later = time.gmtime(time.time() + 12 * 3600)  # the business day does not change during the run
        changes: dict[str, Any] = {**CHANGES, "store": {**CHANGES["store"], "day_cutoff": f"{later.tm_hour:02d}:00"}}
        if catalogue is not None:
            changes["catalogue"] = {"file": str(catalogue)}
        self._rig = StoreRig(folder, changes=changes, agent=False, seed=seed, speed_mm_s=SPEED_MM_S, keep=1_000_000)
        self._planned, self._tell = planned, tell
        self.tally = Tally()

    async def run(self, kills: int) -> Left:
        """Kill the agent so many times, and give what is left in the end.

        Raises:
            AssertionError: it does not come to an end, or the agent does not start any more.
        """
        began = time.monotonic()
        async with self._rig as rig:
            guests = Guests(rig.till, self._planned, random.Random(self._chance.random()), ORDERS_PER_S)
            trouble = Trouble(rig, random.Random(self._chance.random()))
            async with asyncio.TaskGroup() as tasks:
                selling = tasks.create_task(guests.run(), name="guests")
                around = tasks.create_task(trouble.run(), name="trouble")
                await self._kill(kills, guests)
                around.cancel()
                await asyncio.wait({around})
                ending = time.monotonic()
                await trouble.mend()
                await rig.start_agent()
                guests.closed.set()
                async with asyncio.timeout(END_S):
                    await selling
            await self._come_to_an_end()
            self.tally.end_s = time.monotonic() - ending
            left = await collect(rig, guests.sold, guests.wrong)
            self._count(left, guests, trouble)
            self.tally.seconds = time.monotonic() - began
            return left

    async def _kill(self, kills: int, guests: Guests) -> None:
        for number in range(1, kills + 1):
            agent = self._rig.launch_agent()
            await asyncio.sleep(self._chance.uniform(0, KILL_WITHIN_S))
            assert agent.returncode is None, f"the agent ended by itself with {agent.returncode}\n{agent.said()}"
            self.tally.while_starting += not (self._rig.folder / "agent-ready.json").exists()
            await self._rig.kill_agent()
            self.tally.kills = number
            if number % 10 == 0 or number == kills:
                slips = sum(printer.count for printer in self._rig.shop.printers.values())
                self._tell(f"{number}/{kills} kills, {len(guests.sold)} orders accepted, {slips} slips printed")

    async def _come_to_an_end(self) -> None:
        """A person releases what is held, until every document is settled; HQ gets the rest."""
        rig = self._rig
        till = time.monotonic() + END_S
        while jobs := (await rig.get("/v1/jobs?limit=500"))["jobs"]:
            assert time.monotonic() < till, f"{len(jobs)} documents do not come to an end, the first: {jobs[0]}"
            for job in jobs:
                if job["state"] == "held":
                    await rig.post(f"/v1/jobs/{job['job_id']}/release", {"by": "kill loop"})
                    self.tally.released += 1
            await asyncio.sleep(0.2)
        await rig.wait_synced(END_S)
        await rig.check_books()

    def _count(self, left: Left, guests: Guests, trouble: Trouble) -> None:
        tally = self.tally
        tally.orders = len(left.sold)
        tally.retried = sum(sold.tries > 1 for sold in left.sold.values())
        tally.replayed = guests.replays
        tally.documents = len(left.prints)
        tally.marked = sum(bool(one.marks) for one in left.prints)
        tally.rerouted = sum(job.state == "rerouted" for job in left.written.jobs.values())
        tally.pulses = left.pulses
        tally.events = len(left.written.envelopes)
        tally.trouble = trouble.counts


async def collect(rig: StoreRig, sold: Mapping[str, Sold], wrong: Sequence[str]) -> Left:
    """Stop the agent in an orderly way and read what is left of everything, at the register, at HQ and on the devices."""
    assert await rig.stop_agent() == 0, rig.agent.said()
    stations = _stations(rig)
    titles = {name: title for name, (title, _devices) in stations.items()}
    prints = [one for name in rig.shop.printers for one in paper.prints_of(name, rig.slips(name), ADDRESS)]
    prints += [one for name in rig.shop.displays for one in paper.cards_of(name, rig.cards(name), titles)]
    checks = {}
    for order in sold.values():
        answer = await rig.hq.get(f"/v1/checks/{order.check_id}", params={"store": STORE})
        checks[order.check_id] = answer.json() if answer.is_success else {"number": None, "totals": None}
    return Left(
        sold=sold,
        wrong=wrong,
        written=journal.read(rig.data / "journal.db"),
        chain=rig.verify_chain(),
        hq_events=await _events_at_hq(rig),
        hq_checks=checks,
        hq_books=await rig.hq_books(),
        prints=prints,
        pulses=rig.pulses(),
        titles=titles,
        serves={name: devices for name, (_title, devices) in stations.items()},
    )


async def _events_at_hq(rig: StoreRig) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for log in (await rig.hq_get("/v1/registers"))["registers"]:
        at = 0
        of = {"register": log["register"], "incarnation": log["incarnation"], "limit": "1000"}
        while page := (await rig.hq_get("/v1/events", **of, after=str(at)))["events"]:
            events += page
            at = page[-1]["seq"]
    return events


def _stations(rig: StoreRig) -> dict[str, tuple[str, frozenset[str]]]:
    """Station -> title, and every device that may print its tickets."""
    config = load(rig.config_file)
    return {
        name: (station.title, frozenset((*station.devices, *backups(name, config))))
        for name, station in config.stations.items()
    }

"""When is a store at rest: what still lacks, in words; nothing where nothing does."""

import asyncio
import secrets
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from tests.storelab.disks import checks
from tests.storelab.evidence import Event, Here, RolesSaid
from tests.storelab.hq import DatabaseAway, Hq
from tests.storelab.lan import TWIN
from tests.storelab.machine import Machine
from tests.storelab.manager import Manager, roles_of
from tests.storelab.witness import disks

LAST_DAY_S = 15.0
COPIES = 2


class Rest:
    def __init__(
        self, machines: Mapping[str, Machine], hq: Callable[[], Hq], manager: Manager, registers: Sequence[str]
    ) -> None:
        self._machines, self._hq, self._manager, self._registers = machines, hq, manager, registers

    async def in_step(self) -> str:
        """Every register that is up reaches HQ and two others, has nothing that these lack, and nothing to print. In a store of
        more than three only the primary calls all others."""
        for machine in self._machines.values():
            if machine.host == TWIN:
                continue
            status = await machine.get("/v1/status")
            if status is None:
                return f"{machine.name} does not answer"
            near = [sink for sink in status["sinks"] if sink["reachable"] or sink["name"] == "HQ"]
            if len(near) <= min(COPIES, len(self._registers) - 1):
                return f"{machine.name} reaches {', '.join(sink['name'] for sink in near)}"
            for sink in near:
                if not sink["reachable"] or sink["behind"]:
                    return f"{machine.name}: {sink['name']} reachable {sink['reachable']}, behind {sink['behind']}"
            if len(status["sinks"]) < len(self._registers) or status["only_here"]:
                return f"{machine.name}: {len(status['sinks'])} sinks, {status['only_here']} only there"
            if words := await self.to_print(machine):
                return words
        return ""

    async def to_print(self, machine: Machine) -> str:
        jobs = await machine.get("/v1/jobs?limit=500")
        if jobs is None:
            return f"{machine.name} does not answer"
        for job in jobs["jobs"]:
            if job["state"] == "held":
                release = f"/v1/jobs/{job['job_id']}/release"
                key = {"Idempotency-Key": f"release-{secrets.token_hex(8)}"}
                await machine.client.post(release, json={"by": "the lab"}, headers=key)
        return f"{machine.name} has {len(jobs['jobs'])} documents to print" if jobs["jobs"] else ""

    async def roles(self) -> dict[str, RolesSaid]:
        found = {name: await roles_of(machine) for name, machine in self._machines.items() if machine.host != TWIN}
        return {name: said for name, said in found.items() if said is not None}

    async def roles_lacking(self) -> str:
        said = await self.roles()
        same = len({one[:3] for one in said.values()}) == 1 and len(said) == len(self._registers)
        rest = same and all(one.backup and one.holds == (name == one.primary) for name, one in said.items())
        return "" if rest else str(said)

    async def last_day(self) -> str:
        said = await self._manager.close_day(LAST_DAY_S, gaps=True)
        return "" if said == "nothing_to_close" else said

    def checks(self) -> dict[str, dict[str, Here]]:
        return {name: checks(machine.data) for name, machine in self._machines.items() if machine.host != TWIN}

    async def owners_lacking(self) -> str:
        """Of two who have a check one is to step back, once it has heard of the other."""
        try:
            found = await asyncio.to_thread(self.checks)
        except sqlite3.Error as error:
            return f"a disk can not be read: {error}"
        count = Counter(check for of_one in found.values() for check in of_one)
        return ", ".join(f"{check} has {number}" for check, number in count.items() if number > 1)[:500]

    async def drained(self, twin: Machine) -> str:
        absent = await asyncio.to_thread(self._absent, twin.name)
        return absent or await self.to_print(twin)

    async def lacking(self) -> str:
        return await asyncio.to_thread(self._absent)

    def _absent(self, only: str = "") -> str:
        """What HQ lacks of what is on any disk, or on that of one machine's own logs."""
        try:
            there = self._hq().hashes()
        except DatabaseAway as error:
            return str(error)
        try:
            found = disks(self._machines)
        except sqlite3.Error as error:
            return f"a disk can not be read: {error}"
        absent: dict[str, Event] = {}
        for name, disk in found.items():
            if only in ("", name):
                absent |= {one: event for one, event in (disk.own if only else disk.all).items() if one not in there}
        if not absent:
            return ""
        first = min(absent.values(), key=lambda event: event.place)
        return f"HQ lacks {len(absent)} events, the first {first.register} {first.incarnation} {first.seq} {first.type}"

"""What befalls whoever is primary at that moment, and the line between the registers."""

import asyncio
import contextlib
import random
import signal
from collections.abc import Awaitable, Callable
from typing import Protocol

from tests.lab.topology import Lab
from tests.storelab.lan import parted
from tests.storelab.machine import Machine
from tests.storelab.manager import Manager, primary_of
from tests.storelab.plan import Planned


class RoleStore(Protocol):
    lab: Lab
    machines: dict[str, Machine]
    manager: Manager

    def tell(self, words: str) -> None: ...


class RoleFaults:
    def __init__(self, store: RoleStore, seed: int) -> None:
        self._store = store
        self._chance = random.Random(f"{seed} roles")
        self._number = 0
        self.ways: dict[str, Callable[[Planned], Awaitable[None]]] = {
            "primary killed": self._killed, "primary rebooted": self._rebooted, "both killed": self._both,
            "partition": self._partition, "primary paused": self._paused,
        }  # fmt: skip

    async def _primary(self) -> Machine:
        found = await primary_of(self._store.machines)
        return found if found is not None else self._store.machines["r1"]

    async def _killed(self, planned: Planned) -> None:
        await self._off(await self._primary(), planned.lasts_s)

    async def _off(self, machine: Machine, lasts_s: float) -> None:
        self._store.tell(f"       {machine.name} is killed")
        async with machine.turn:
            await machine.kill()
            await asyncio.sleep(lasts_s)
            await machine.start()

    async def _rebooted(self, planned: Planned) -> None:
        machine = await self._primary()
        self._store.tell(f"       {machine.name} is rebooted")
        async with machine.turn:
            await machine.stop()
            await asyncio.sleep(min(planned.lasts_s, 8.0))
            await machine.start()

    async def _both(self, planned: Planned) -> None:
        """The primary, and while it is away whoever has taken its place or is to take it; they come back in any order."""
        first = await self._primary()
        said = await first.get("/v1/roles")
        backup = self._store.machines.get(said["now"]["backup"] if said is not None else "")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._off(first, planned.lasts_s * self._chance.uniform(0.4, 1.0)))
            await asyncio.sleep(planned.lasts_s * self._chance.uniform(0.0, 0.5))
            second = backup if backup is not None else await self._primary()
            if second is not first:
                tasks.create_task(self._off(second, planned.lasts_s * self._chance.uniform(0.3, 0.8)))

    async def _partition(self, planned: Planned) -> None:
        """Two sides, at random; one of them, or none, has the router, and so HQ."""
        hosts = [one.host for one in self._store.machines.values()]
        self._chance.shuffle(hosts)
        cut = self._chance.randint(1, len(hosts) - 1)
        left, right = hosts[:cut], hosts[cut:]
        if self._chance.random() < 0.5:
            left.append("router")
        self._number += 1
        self._store.tell(f"       {' '.join(left)} | {' '.join(right)}")
        with contextlib.ExitStack() as broken:
            await asyncio.to_thread(broken.enter_context, parted(self._store.lab, left, right, f"parted{self._number}"))
            await asyncio.sleep(planned.lasts_s)

    async def _paused(self, planned: Planned) -> None:
        """SIGSTOP; a close that was asked of it meanwhile is the first thing that it finds when it wakes."""
        machine = await self._primary()
        self._store.tell(f"       {machine.name} stands still")
        async with machine.turn:
            await self.paused(machine, planned.lasts_s)

    async def paused(self, machine: Machine, lasts_s: float) -> str:
        """The code that the sleeper answered with; empty where it did close a day, "none" where nothing came."""
        machine.signal(signal.SIGSTOP)
        asking: asyncio.Task[str] | None = None
        try:
            await asyncio.sleep(max(0.0, lasts_s - 1.0))
            asking = asyncio.create_task(self._ask(machine))
            await asyncio.sleep(1.0)
        finally:
            machine.signal(signal.SIGCONT)
        said = await asking
        self._store.tell(f"       {machine.name} wakes and says to the close that it was asked for: {said or 'closed'}")
        return said

    async def _ask(self, machine: Machine) -> str:
        answer = await self._store.manager.ask_to_close(machine)
        if answer is None:
            return "none"
        code, _ = await self._store.manager.took(machine, answer)
        return code

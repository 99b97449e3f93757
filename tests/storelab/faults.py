"""Makes what is planned happen: each fault by itself, as many at a time as the plan says."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from tests.lab import breaking
from tests.lab.topology import Lab
from tests.storelab.hq import Hq
from tests.storelab.lan import PORTS, cable_out, slow, switch_off
from tests.storelab.machine import Machine, joined
from tests.storelab.manager import Manager
from tests.storelab.plan import Planned
from tests.storelab.role_faults import RoleFaults
from tests.storelab.witness import Witness

LOSSY_PERCENT = 30
JOIN_AGAIN_S = 1.0
ALONE_S = 6.0
"""So long a re-imaged register sells without keys before somebody lets it join."""


class Store(Protocol):
    """What a fault is done to."""

    lab: Lab
    folder: Path
    machines: dict[str, Machine]
    hq: Hq
    witness: Witness
    manager: Manager
    end_s: float

    def tell(self, words: str) -> None: ...

    async def clone(self, original: Machine) -> None: ...


class Faults:
    """`run` returns when the last planned fault is over and everything works again. Raises what a fault raised."""

    def __init__(self, store: Store, planned: tuple[Planned, ...], seed: int) -> None:
        self._store, self._planned = store, planned
        self._chance = random.Random(f"{seed} faults")
        self._locks: dict[str, asyncio.Lock] = {}
        self._number = self._joined_before = 0
        self._roles = RoleFaults(store, seed)
        self.done: dict[str, int] = {}

    async def run(self, began_s: float) -> None:
        async with asyncio.TaskGroup() as tasks:
            for one in self._planned:
                tasks.create_task(self._one(one, began_s), name=one.words())
                if one.kind == "restored":
                    tasks.create_task(self._snapshot(one, began_s))

    async def _one(self, planned: Planned, began_s: float) -> None:
        await _until(began_s + planned.at_s)
        self._store.tell(planned.words())
        self.done[planned.kind] = self.done.get(planned.kind, 0) + 1
        await self._way(planned)(planned)
        self._store.tell(f"       over: {planned.kind} {planned.target}")

    def _way(self, planned: Planned) -> Callable[[Planned], Awaitable[None]]:
        ways: dict[str, Callable[[Planned], Awaitable[None]]] = {
            "agent killed": self._killed, "agent stopped": self._stopped, "register paused": self._paused,
            "restored": self._restored, "re-imaged": self._re_imaged, "cloned": self._cloned, "disk lost": self._disk_lost,
            "hq one killed": self._hq_killed, "hq both killed": self._hq_killed, "hq paused": self._hq_paused,
            "database stopped": self._database, "database killed": self._database,
        }  # fmt: skip
        return (ways | self._roles.ways).get(planned.kind, self._network)

    # --- links ---

    async def _network(self, planned: Planned) -> None:
        port = f"port {planned.target}"
        part = {"cable out": port, "port hung": port, "switch off": "switch", "slow lan": "switch"}
        name = part.get(planned.kind, "wan" if planned.kind != "one way" else f"one way {planned.target}")
        async with self._locks.setdefault(name, asyncio.Lock()):
            broken = self._broken(planned)
            await asyncio.to_thread(broken.__enter__)
            try:
                await asyncio.sleep(planned.lasts_s)
            finally:
                await asyncio.to_thread(broken.__exit__, None, None, None)

    def _broken(self, planned: Planned) -> AbstractContextManager[None]:
        lab, kind = self._store.lab, planned.kind
        self._number += 1
        if kind == "cable out":
            return cable_out(lab, planned.target)
        if kind == "port hung":
            port = PORTS[planned.target]
            into = breaking.chain("prerouting", f'iifname "{port}" drop')
            out = breaking.chain("postrouting", f'oifname "{port}" drop')
            return breaking.rules(lab, "switch", "bridge", f"{into}\n{out}", f"hung{self._number}")
        if kind == "one way":
            one, _, other = planned.target.partition(">")
            lost = breaking.chain("forward", f'iifname "{PORTS[one]}" oifname "{PORTS[other]}" drop')
            return breaking.rules(lab, "switch", "bridge", lost, f"oneway{self._number}")
        ways: dict[str, Callable[[], AbstractContextManager[None]]] = {
            "switch off": lambda: switch_off(lab),
            "slow lan": lambda: slow(lab, planned.target, random.Random(self._chance.random())),
            "wan down": lambda: breaking.access_silent(lab),
            "modem off": lambda: breaking.modem_off(lab),
            "wan lossy": lambda: breaking.lossy(lab, "isp", LOSSY_PERCENT),
            "wan slow": lambda: breaking.slow(lab, "isp", random.Random(self._chance.random())),
        }
        return ways[kind]()

    # --- registers ---

    async def _killed(self, planned: Planned) -> None:
        machine = self._store.machines[planned.target]
        async with machine.turn:
            await machine.kill()
            await asyncio.sleep(planned.lasts_s)
            await machine.start()

    async def _stopped(self, planned: Planned) -> None:
        machine = self._store.machines[planned.target]
        async with machine.turn:
            await machine.stop()
            await asyncio.sleep(planned.lasts_s)
            await machine.start()

    async def _paused(self, planned: Planned) -> None:
        machine = self._store.machines[planned.target]
        async with machine.turn:
            machine.signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(planned.lasts_s)
            finally:
                machine.signal(signal.SIGCONT)

    # --- disks ---

    def _copy_of(self, planned: Planned) -> Path:
        return self._store.folder / f"copy-{planned.target}"

    async def _snapshot(self, planned: Planned, began_s: float) -> None:
        await _until(began_s + planned.at_s - planned.before_s)
        machine = self._store.machines[planned.target]
        async with machine.turn:
            await machine.copy(self._copy_of(planned))
            self._joined_before = machine.joined
        await self._store.witness.disk_copied(self._copy_of(planned))

    async def _restored(self, planned: Planned) -> None:
        """An older copy of its own disk is put back, with the keys that are on it; where these were replaced since, somebody
        takes them away and lets it join again, as `store join` says."""
        machine, copy = self._store.machines[planned.target], self._copy_of(planned)
        async with machine.turn:
            await machine.kill()
            await self._disk_goes(machine, copy)
            await machine.wipe()
            await machine.put_back(copy)
            await asyncio.sleep(planned.lasts_s)
            if machine.joined > self._joined_before:
                await machine.drop_keys()
                await self._join(machine)
            await machine.start()

    async def _re_imaged(self, planned: Planned) -> None:
        """Set up afresh: it sells by itself at once, and joins some time later."""
        machine = self._store.machines[planned.target]
        async with machine.turn:
            await machine.stop()
            await self._disk_goes(machine)
            await machine.wipe()
            await asyncio.sleep(planned.lasts_s)
            await machine.start()
            await asyncio.sleep(ALONE_S)
            await self._join(machine)
            await machine.stop()
            await machine.start()

    async def _disk_lost(self, planned: Planned) -> None:
        machine = self._store.machines[planned.target]
        async with machine.turn:
            await machine.kill()
            await self._disk_goes(machine)
            await machine.wipe()
            await asyncio.sleep(planned.lasts_s)
            await self._join(machine)
            await machine.start()

    async def _disk_goes(self, machine: Machine, left: Path | None = None) -> None:
        lost = await self._store.witness.disk_goes(machine, left)
        self._store.tell(f"       {lost} events were on the disk of {machine.name} alone")

    async def _join(self, machine: Machine) -> None:
        """As long as it takes: whoever may admit may be away at the moment."""
        others = [one for one in self._store.machines.values() if one.register != machine.register]
        while said := await joined(machine, others, replace=True):
            if time.monotonic() > self._store.end_s:
                raise TimeoutError(f"{machine.name} can not join again: {said}")
            await asyncio.sleep(JOIN_AGAIN_S)
        machine.joined += 1

    async def _cloned(self, planned: Planned) -> None:
        machine = self._store.machines[planned.target]
        async with machine.turn:
            await self._store.clone(machine)

    # --- HQ ---

    async def _hq_killed(self, planned: Planned) -> None:
        hq, numbers = self._store.hq, (0, 1)
        if planned.kind == "hq one killed":
            numbers = (self._chance.randrange(2),) * 2
        async with self._locks.setdefault("hq", asyncio.Lock()):
            for number in set(numbers):
                await hq.process(number).kill()
            await asyncio.sleep(planned.lasts_s)
            for number in set(numbers):
                await hq.start(number)

    async def _hq_paused(self, planned: Planned) -> None:
        number = self._chance.randrange(2)
        async with self._locks.setdefault("hq", asyncio.Lock()):
            process = self._store.hq.process(number)
            os.kill(process.pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(planned.lasts_s)
            finally:
                os.kill(process.pid, signal.SIGCONT)

    async def _database(self, planned: Planned) -> None:
        how = signal.SIGINT if planned.kind == "database stopped" else signal.SIGQUIT
        async with self._locks.setdefault("hq", asyncio.Lock()):
            away = self._store.hq.database(how)
            await asyncio.to_thread(away.__enter__)
            try:
                await asyncio.sleep(planned.lasts_s)
            finally:
                await asyncio.to_thread(away.__exit__, None, None, None)


async def _until(moment_s: float) -> None:
    await asyncio.sleep(max(0.0, moment_s - time.monotonic()))

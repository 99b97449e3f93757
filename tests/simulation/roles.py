"""Roles at a register of the simulation: the agent's own keeper, somebody who does what only the primary may, and a device."""

import asyncio
import random
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Protocol

import msgspec
from tests.simulation.disk import MemoryJournal
from tests.simulation.hq import HqLine

from tillkeeper.contract.base import Event
from tillkeeper.contract.roles import Epoch, RolesAssigned
from tillkeeper.errors import TillkeeperError
from tillkeeper.journal.records import Batch, NewEvent
from tillkeeper.replication.following import Following
from tillkeeper.replication.peers.desk import PeersDesk
from tillkeeper.roles.keeper import RolesKeeper, RolesParts
from tillkeeper.roles.leading import Leading
from tillkeeper.roles.records import NewestRecord, configured
from tillkeeper.roles.standing import Standing

WORK = "simulation.work"
ACT_S = (0.1, 1.5)
"""How long after one act comes the next, whoever may act then."""
LATE, LATEST_S = 0.2, 40.0
"""The share of work that waits before it is sent, and for how long at most."""
MOST_UNDER_WAY = 50


class Watch(Protocol):
    def acted(self, machine: str, epoch: Epoch) -> None: ...

    def obeyed(self, machine: str, lineage: int, epoch: Epoch) -> None: ...


class Duties:
    """Put together as `roles/opening.py` does it."""

    def __init__(
        self, name: str, order: tuple[str, ...], journal: MemoryJournal, desk: PeersDesk, following: Following, hq: HqLine,
        chance: random.Random, watch: Watch, *, now_s: Callable[[], float], stamp: Callable[[Event], NewEvent],
        members: Callable[[], Collection[str]], notify: Callable[[], None],
    ) -> None:  # fmt: skip
        self._name, self._journal, self._desk, self._chance, self._watch = name, journal, desk, chance, watch
        self._now_s, self._stamp, self._notify = now_s, stamp, notify
        self._under_way: set[asyncio.Task[None]] = set()
        self._others = [one for one in order if one != journal.register]
        self._newest = NewestRecord()
        following.add(self._newest)
        following.changed.append(lambda: self.keeper.learn(self._newest.record))
        self.keeper = RolesKeeper(
            RolesParts(
                register=journal.register, registers=order, base=configured("", order[1] if self._others else "", order),
                now_s=now_s, setting=journal.setting, append=self._append, ask=desk.ask, heard_s=self._heard_s,
                members=members, hq=hq.witness, behind=desk.behind, lacks=desk.lacks,
            )
        )  # fmt: skip
        self.keeper.learn(self._newest.record)
        self.leading, self.standing = Leading(self.keeper), Standing(self.keeper)
        desk.preferred = self.keeper.preferred
        desk.answers.update(self.keeper.answers())
        desk.answers[WORK] = self._work

    def holds(self) -> bool:
        return self.keeper.holds(self._now_s())

    async def run(self) -> None:
        """Whoever may, does something that only one may, and has a device of another register do something."""
        while True:
            await asyncio.sleep(self._chance.uniform(*ACT_S))
            if not self.holds():
                continue
            self._watch.acted(self._name, self.keeper.epoch)
            if self._others and len(self._under_way) < MOST_UNDER_WAY:
                work = asyncio.create_task(self._send(self.keeper.epoch), name="work for a device of another register")
                self._under_way.add(work)
                work.add_done_callback(self._under_way.discard)

    async def _send(self, epoch: Epoch) -> None:
        """Work that was accepted under an epoch, and perhaps waited in a queue while the roles moved."""
        if self._chance.random() < LATE:
            await asyncio.sleep(self._chance.uniform(0.0, LATEST_S))
        with suppress(TillkeeperError):
            await self._desk.ask(self._chance.choice(self._others), WORK, msgspec.json.encode(epoch), 2.0)

    async def _work(self, _register: str, body: bytes) -> bytes:
        epoch = msgspec.json.decode(body, type=Epoch)
        if not await self.keeper.fence.admit(epoch):
            return b"refused"
        self._watch.obeyed(self._name, self._journal.platter.lineage, epoch)
        return b"done"

    async def _append(self, events: tuple[RolesAssigned, ...], settings: dict[str, bytes]) -> None:
        await self._journal.append(Batch(events=tuple(map(self._stamp, events)), settings=settings))
        if events:
            self._notify()

    def _heard_s(self, register: str) -> float | None:
        state = self._desk.states.get(register)
        return state.age_s(self._now_s()) if state is not None else None

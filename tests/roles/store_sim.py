"""A store of keepers on virtual time: machines that stop, die and drift, lines that are cut, lose and delay, disks that fail.

Whoever watches sees each moment: who may do what only the primary may, and which records were ever decided.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any

from tests.simulation.loops import MachineLoop, Time

from tillkeeper.contract.base import Command
from tillkeeper.contract.caller import INTEGRATION
from tillkeeper.contract.roles import AssignRoles, ConfirmAway, Epoch, RolesAssigned, WitnessAsked, WitnessSaid
from tillkeeper.contract.witness import judge
from tillkeeper.errors import Refused, StorageRefused, TillkeeperError
from tillkeeper.journal.records import NewEvent
from tillkeeper.replication.trouble import SinkTrouble
from tillkeeper.roles.desk import RolesDesk
from tillkeeper.roles.keeper import RolesKeeper, RolesParts
from tillkeeper.roles.leading import Leading
from tillkeeper.roles.records import Record, configured, newest, record_of
from tillkeeper.roles.standing import Standing
from tillkeeper.till.compose import Moment

LOOK_S = 0.02
HQ = "hq"


class Node:
    """A register. `settings` and `log` are its disk. `rate`: how fast its boot clock goes. `kept_off`: a manager has confirmed
    that it is away, so it comes back only to a store that it hears."""

    def __init__(self, store: "StoreSim", name: str) -> None:
        self.store, self.name = store, name
        self.settings: dict[str, bytes] = {}
        self.log: list[RolesAssigned] = []
        self.held: Record | None = None
        self.rate = 1 + store.chance.uniform(-0.004, 0.004)
        self.offset_s = store.chance.uniform(0, 1e6)
        self.loop = MachineLoop(store.time, name)
        self.loop.alive = False
        self.keeper: RolesKeeper | None = None
        self.heard: dict[str, float] = {}
        self.kept_off = False
        self.disk_fails = False

    def now_s(self) -> float:
        return self.offset_s + self.store.time.now_s * self.rate

    def start(self) -> None:
        self.loop = MachineLoop(self.store.time, self.name)
        self.heard = {}
        asks_hq = self.store.has_hq
        parts = RolesParts(
            register=self.name, registers=self.store.names, base=self.store.base, now_s=self.now_s,
            setting=self.settings.get, append=self._append, ask=self._ask, heard_s=self._heard_s,
            hq=self._ask_hq if asks_hq else None, lacks=lambda _register: 0,
        )  # fmt: skip
        self.keeper = keeper = RolesKeeper(parts)
        keeper.changed.append(self.store.look)
        standing = Standing(keeper)
        self.desk = RolesDesk(keeper, standing)
        for record in map(record_of, self.log):
            keeper.learn(record)
        keeper.learn(self.held)
        self.loop.start(keeper.run(), "keeper")
        self.loop.start(Leading(keeper).run(), "leading")
        self.loop.start(standing.run(), "standing")
        self.loop.start(self._beat(), "beat")

    def kill(self) -> None:
        self.loop.kill()
        self.keeper = None

    def hold(self) -> bool:
        """Whether it would do at this moment what only the primary may."""
        awake = self.loop.alive and not self.loop.paused
        return awake and self.keeper is not None and self.keeper.holds(self.now_s())

    # --- what the keeper asks of its machine ---

    async def _append(self, events: tuple[RolesAssigned, ...], settings: dict[str, bytes]) -> None:
        chance, loop = self.store.chance, self.loop
        slow = chance.random() < 0.02
        wait_s = chance.uniform(0.3, 4.0) if slow else chance.uniform(0.0005, 0.02)
        before_s = chance.uniform(0, wait_s)
        await asyncio.sleep(before_s)
        if self.disk_fails or not loop.alive:
            raise StorageRefused("append", "journal.db", "the disk is full")
        self.settings |= settings
        self.log += events
        self.store.decided(self.name, events)
        await asyncio.sleep(wait_s - before_s)  # written, and nobody knows it yet

    async def _ask(self, register: str, topic: str, body: bytes, within_s: float) -> bytes:
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        other, mine = self.store.nodes[register], self.loop

        def came_back(said: bytes | TillkeeperError) -> None:
            if mine.alive:
                self.heard[register] = self.now_s()
                if not answer.done():
                    answer.set_result(said) if isinstance(said, bytes) else answer.set_exception(said)

        async def answering(incoming: MachineLoop) -> None:
            other.heard[self.name] = other.now_s()
            try:
                assert other.keeper is not None
                said: bytes | TillkeeperError = await other.keeper.answers()[topic](self.name, body)
            except TillkeeperError as error:
                said = error
            if incoming.alive:
                self.store.deliver(register, self.name, mine, came_back, said)

        def arrived() -> None:
            if other.keeper is not None and other.loop.alive:
                other.loop.start(answering(other.loop), f"answer {topic}")

        self.store.deliver(self.name, register, other.loop, arrived)
        try:
            async with asyncio.timeout(within_s):
                return await answer
        except TimeoutError:
            raise SinkTrouble("timeout", f"register {register}", "no answer") from None

    async def _ask_hq(self, asked: WitnessAsked) -> WitnessSaid | None:
        answer: asyncio.Future[WitnessSaid] = asyncio.get_running_loop().create_future()
        mine = self.loop

        def came_back(said: WitnessSaid) -> None:
            if mine.alive and not answer.done():
                answer.set_result(said)

        def arrived() -> None:
            self.store.deliver(HQ, self.name, mine, came_back, self.store.hq_says(asked))

        self.store.deliver(self.name, HQ, self.store.nature, arrived)
        return await answer

    def _heard_s(self, register: str) -> float | None:
        at_s = self.heard.get(register)
        return None if at_s is None else self.now_s() - at_s

    async def _beat(self) -> None:
        while True:
            for other in self.store.nodes.values():
                if other is not self:
                    told = max([self.held, *map(record_of, self.log)], key=lambda one: one.epoch if one else Epoch())
                    self.store.deliver(self.name, other.name, other.loop, other.beaten, self.name, told)
            if self.store.has_hq:
                self.store.deliver(self.name, HQ, self.store.nature, self.store.hq_heard, self.name, tuple(self.log))
            await asyncio.sleep(1.0)

    def beaten(self, register: str, told: Record | None) -> None:
        """A beat came, and with it what the sender's logs hold."""
        if self.keeper is not None:
            self.heard[register] = self.now_s()
            if told is not None and (self.held is None or told.epoch > self.held.epoch):
                self.held = told
                self.keeper.learn(told)


class StoreSim:
    """`violation`: the first promise that was broken, in words."""

    def __init__(self, seed: int, names: tuple[str, ...], *, hq: bool, backup: str | None = None) -> None:
        self.chance = random.Random(f"{seed} {names} {hq}")
        self.names, self.has_hq = names, hq
        self.time = Time(self._fell_over)
        self.nature = MachineLoop(self.time, "nature")
        self.base = configured(names[0], names[1] if backup is None else backup, names)
        self.cuts: set[frozenset[str]] = set()
        self.loss, self.slowest_s = 0.0, 0.02
        self.epochs: dict[Epoch, RolesAssigned] = {}
        self.violation = ""
        self.holders: list[tuple[float, str]] = []
        self.hq_agreed, self.hq_known = Epoch(), Record(primary="")
        self.hq_ages: dict[str, float] = {}
        self.nodes = {name: Node(self, name) for name in names}
        for node in self.nodes.values():
            node.start()
        self._watch()

    def __enter__(self) -> "StoreSim":
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.nodes.values():
            node.loop.kill()

    def run(self, seconds: float) -> None:
        self.time.run(self.time.now_s + seconds)

    # --- what is promised ---

    def _watch(self) -> None:
        self.look()
        self.nature.call_later(LOOK_S, self._watch)

    def look(self) -> None:
        holding = [node.name for node in self.nodes.values() if node.hold()]
        if len(holding) > 1:
            self.broken(f"{holding} hold at once")
        if holding and (not self.holders or self.holders[-1][1] != holding[0]):
            self.holders.append((self.time.now_s, holding[0]))

    def decided(self, name: str, events: tuple[RolesAssigned, ...]) -> None:
        for event in events:
            other = self.epochs.setdefault(event.epoch, event)
            if other != event or event.register != name:
                self.broken(f"two records of epoch {event.epoch}")

    def broken(self, words: str) -> None:
        if not self.violation:
            self.violation = f"{self.time.now_s:.3f} s: {words}"

    def _fell_over(self, name: str, words: str) -> None:
        self.broken(f"{name} fell over: {words}")

    def holder(self) -> str:
        return next((node.name for node in self.nodes.values() if node.hold()), "")

    # --- the network ---

    def deliver(self, source: str, target: str, loop: MachineLoop, call: Callable[..., None], *words: Any) -> None:
        """Once, perhaps late, perhaps never; in any order."""
        chance = self.chance
        if frozenset((source, target)) in self.cuts or chance.random() < self.loss:
            return
        late_s = chance.uniform(0.5, 5.0) if chance.random() < self.loss / 4 else chance.uniform(0.0002, self.slowest_s)

        def arrive() -> None:
            if loop.alive and frozenset((source, target)) not in self.cuts:
                loop.call_soon(call, *words)

        self.nature.call_later(late_s, arrive)

    def cut(self, one: str, other: str) -> None:
        self.cuts.add(frozenset((one, other)))

    def isolate(self, *group: str) -> None:
        """A partition: these, and all others."""
        for one in group:
            for other in (*self.names, HQ):
                if other not in group:
                    self.cut(one, other)

    def mend(self) -> None:
        self.cuts.clear()

    # --- HQ ---

    def hq_heard(self, register: str, log: tuple[RolesAssigned, ...]) -> None:
        self.hq_ages[register] = self.time.now_s
        self.hq_known = newest((self.hq_known, *map(record_of, log)))

    def hq_says(self, asked: WitnessAsked) -> WitnessSaid:
        age_s = self.time.now_s - self.hq_ages.get(asked.away, 0.0)
        says, epoch = judge(asked, HQ, self.hq_known.epoch, self.hq_agreed, age_s)
        if says == "agrees" and asked.binding:
            self.hq_agreed = max(self.hq_agreed, asked.epoch)
        record = self.hq_known.event() if self.hq_known.epoch > asked.base else None
        return WitnessSaid(says=says, epoch=epoch, record=record)

    # --- a manager, who says what is true ---

    def at(self, name: str, command: Command) -> None:
        """At a register; what it is refused stays as it is."""
        node = self.nodes[name]
        if node.keeper is not None and node.loop.alive and not node.loop.paused:
            node.loop.start(self._command(node, command), "manager")

    async def _command(self, node: Node, command: Command) -> None:
        keeper, desk = node.keeper, node.desk
        assert keeper is not None
        moment = Moment(None, "2026-11-22", 0, lambda: "x", INTEGRATION)  # type: ignore[arg-type]
        try:
            draft = await desk.draft(command, moment)
        except (Refused, StorageRefused):
            return
        away = {command.register} if isinstance(command, ConfirmAway) else self._missing(keeper, draft.events)
        if any(self.nodes[one].loop.alive for one in away):  # it came back while it was being said
            draft.dropped()
            return
        for one in away:
            self.nodes[one].kept_off = True
        try:
            await node._append(tuple(new.event for new in draft.events if isinstance(new.event, RolesAssigned)), draft.settings)
        except StorageRefused:
            draft.dropped()
            return
        desk.accepted(draft)

    def _missing(self, keeper: RolesKeeper, events: tuple[NewEvent, ...]) -> set[str]:
        """Who had a role and was not asked."""
        old = {keeper.record.primary, keeper.record.backup, *keeper.record.releases} - {"", keeper.me}
        new = {one for event in events if isinstance(event.event, RolesAssigned) for one in _told(event.event)}
        return old - new

    def truthful(self, name: str, command: AssignRoles | ConfirmAway) -> bool:
        """Whether whoever is not heard at that register is really off."""
        reached = {one for one in self.names if one == name or frozenset((one, name)) not in self.cuts}
        return all(one in reached and not self.nodes[one].loop.paused for one in self.names if self.nodes[one].loop.alive)


def _told(event: RolesAssigned) -> tuple[str, ...]:
    return (*event.releases, event.primary)

"""Puts the roles of a register together."""

import asyncio
from typing import TYPE_CHECKING

from tillkeeper import clock
from tillkeeper.asking_files import HqAccess
from tillkeeper.contract.roles import (
    PreflightView,
    RoleRegister,
    RolesAssigned,
    RolesBrief,
    RolesView,
)
from tillkeeper.contract.witness import SILENT_S
from tillkeeper.diagnostics.preflight import preflight
from tillkeeper.journal.records import Batch
from tillkeeper.replication.following import Following
from tillkeeper.roles import lease
from tillkeeper.roles.desk import RolesDesk
from tillkeeper.roles.keeper import RolesKeeper, RolesParts
from tillkeeper.roles.leading import Leading
from tillkeeper.roles.records import NewestRecord, configured
from tillkeeper.roles.standing import Standing
from tillkeeper.roles.view import brief

if TYPE_CHECKING:
    from tillkeeper.register import Register
    from tillkeeper.roles.hq_witness import HqWitness

REACH_S = 1.5


class Roles:
    """`keeper` for who has which role, `desk` for what a manager says of it."""

    def __init__(self, register: "Register", following: Following) -> None:
        self._register = register
        config, peers = register.config, register.replication.peers
        self._peers = peers
        self._registers = tuple(config.registers)
        access = register.asking_files.hq
        hq = _hq_witness(access, config.store.id) if peers is not None and access is not None else None
        self.keeper = RolesKeeper(
            RolesParts(
                register=config.this_register,
                registers=self._registers,
                base=configured(config.roles.primary, config.roles.backup, self._registers),
                now_s=clock.boot_s,
                setting=register.journal.setting,
                append=self._append,
                ask=peers.ask if peers is not None else None,
                reach=(lambda one: peers.asking.reach(one, REACH_S)) if peers is not None else None,
                heard_s=self._heard_s,
                members=self._members,
                hq=hq.ask if hq is not None else None,
                behind=peers.behind if peers is not None else lambda: 0,
                lacks=peers.lacks if peers is not None else lambda _register: None,
            )
        )
        self.leading, self.standing = Leading(self.keeper), Standing(self.keeper)
        self.desk = RolesDesk(self.keeper, self.standing)
        self._newest = NewestRecord()
        following.add(self._newest)
        following.changed.append(self._followed)
        self.keeper.changed.append(self._changed)
        if peers is not None:
            peers.answers.update(self.keeper.answers())
            peers.preferred = self.keeper.preferred
        self._followed()

    def start(self, tasks: asyncio.TaskGroup) -> None:
        tasks.create_task(self.keeper.run(), name="roles.keeper")
        if self._peers is None:
            return
        tasks.create_task(self.leading.run(), name="roles.leading")
        tasks.create_task(self.standing.run(), name="roles.standing")

    # --- seen from outside ---

    def brief(self) -> RolesBrief:
        keeper, now_s = self.keeper, clock.boot_s()
        times = keeper.times
        missing = () if times.released else keeper.record.releases
        return brief(
            keeper.record, keeper.phase(now_s), keeper.me, self._registers, holds=keeper.holds(now_s), why=keeper.why,
            ready=times.released and times.caught_up and now_s >= times.ready_s, missing=missing,
        )  # fmt: skip

    async def view(self) -> RolesView:
        keeper, record = self.keeper, self.keeper.record
        registers = tuple(self._standing_of(one) for one in self._registers)
        confirm: tuple[str, ...] = ()
        if lease.may_stand(record, keeper.times, keeper.me, clock.boot_s(), by_hand=True):
            confirm = (record.backup if keeper.role == "primary" else record.primary,)
        return RolesView(
            register=keeper.me, now=self.brief(), cause=record.cause, by=record.by, witness=record.witness,
            registers=registers, confirm=confirm,
        )  # fmt: skip

    async def preflight(self) -> PreflightView:
        register = self._register
        open_days = register.together.day.index.unclosed_before(register.stamp.today())
        return preflight(register.status.view(), self.brief(), len(self._registers), open_days)

    def _standing_of(self, register: str) -> RoleRegister:
        age_s = self._heard_s(register)
        mine = register == self.keeper.me
        heard = self._peers is not None and self._peers.is_heard(register)
        return RoleRegister(
            register=register, role=self.keeper.record.role(register), heard_s=None if mine else age_s,
            reachable=mine or heard or (age_s is not None and age_s <= SILENT_S),
        )  # fmt: skip

    # --- parts ---

    def _followed(self) -> None:
        self.keeper.learn(self._newest.record)

    def _changed(self) -> None:
        if self._peers is not None:
            self._peers.lines.look()
        self._register.announcer.status_changed()

    async def _append(self, events: tuple[RolesAssigned, ...], settings: dict[str, bytes]) -> None:
        stamp = self._register.stamp
        await self._register.journal.append(Batch(events=tuple(map(stamp, events)), settings=settings))
        if events:
            self._register.replication.notify()
            self._register.together.notify()

    def _heard_s(self, register: str) -> float | None:
        state = self._peers.states.get(register) if self._peers is not None else None
        return state.age_s(clock.boot_s()) if state is not None else None

    def _members(self) -> tuple[str, ...]:
        keys = self._register.trust.keys
        return tuple(keys.roster.members) if keys is not None else ()


def _hq_witness(access: HqAccess, store: str) -> "HqWitness":
    from tillkeeper.roles.hq_witness import HqWitness  # httpx is slow to import, and not every register has an HQ

    return HqWitness(access, store)

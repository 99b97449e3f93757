"""Puts the taking of online orders together."""

import asyncio
from typing import TYPE_CHECKING

from tillkeeper import clock
from tillkeeper.asking_files import HqAccess
from tillkeeper.contract.online import OnlineView
from tillkeeper.contract.roles import Epoch, Role
from tillkeeper.online.taking import NOT_HERE, OnlineTaker, TakerParts
from tillkeeper.roles.keeper import RolesKeeper

if TYPE_CHECKING:
    from tillkeeper.register import Register


class OnlineOrders:
    """Made with the first parts of a register."""

    def __init__(self, register: "Register", roles: RolesKeeper) -> None:
        self._register, self._roles = register, roles
        self._taker: OnlineTaker | None = None

    def start(self, tasks: asyncio.TaskGroup) -> None:
        config = self._register.config
        if config.online.take and self._register.asking_files.hq is not None:
            tasks.create_task(self._run(self._register.asking_files.hq), name="online")

    async def _run(self, access: HqAccess) -> None:
        from tillkeeper.online.transport import OnlineHq  # httpx is slow to import, and few registers take online orders

        config, register = self._register.config, self._register
        hq = OnlineHq(access, config.store.id)
        self._taker = OnlineTaker(
            TakerParts(
                register=config.this_register,
                settings=config.online,
                take=hq.take,
                execute=register.intake.execute,
                kept=register.journal.kept_command,
                roles=self._standing,
                now_ms=clock.wall_ms,
                now_s=clock.boot_s,
            )
        )
        try:
            await self._taker.run()
        finally:
            await hq.aclose()

    def _standing(self) -> tuple[Role, str, str, Epoch]:
        record = self._roles.record
        return self._roles.role, record.primary, record.backup, record.epoch

    @property
    def trouble(self) -> str:
        return self._taker.alarm if self._taker is not None else ""

    def view(self) -> OnlineView:
        return self._taker.view() if self._taker is not None else NOT_HERE

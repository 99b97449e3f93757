"""Makes `Restarts` of the parts of a register."""

import os
import signal
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from tillkeeper import clock
from tillkeeper.upkeep import next_start
from tillkeeper.upkeep.installed import waiting_version
from tillkeeper.upkeep.quiet import Doings
from tillkeeper.upkeep.restarts import Restarts
from tillkeeper_systemd import notify

if TYPE_CHECKING:
    from tillkeeper.register import Register


class _Watch:
    """What is under way in a register. Entered is what its own log holds: all that a restart could interrupt ends up there."""

    def __init__(self, register: "Register") -> None:
        self._register = register
        self._seq, self._since_s = -1, 0.0

    def doings(self) -> Doings:
        register, now_s = self._register, clock.boot_s()
        if (seq := register.journal.last_seq) != self._seq:
            self._seq, self._since_s = seq, now_s
        return Doings(
            commands=register.intake.under_way,
            cards=register.intake.authorising.calling,
            sending=tuple(job.device for job in register.spool.jobs() if job.state == "sending"),
            idle_s=now_s - self._since_s,
        )


def restarts_of(register: "Register", file: Path | None) -> Restarts:
    """`file`: the configuration, where there is one."""

    async def trouble() -> str:
        return await next_start.trouble(next_start.command(file)) if file is not None else ""

    return Restarts(
        version("tillkeeper"),
        _Watch(register).doings,
        waiting_version,
        clock.boot_s,
        trouble,
        supervised=notify.is_awaited(),
        end=lambda: os.kill(os.getpid(), signal.SIGTERM),
    )

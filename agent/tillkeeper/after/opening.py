"""What an outage leaves behind and whether all is well again, as parts of a register."""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from tillkeeper import clock
from tillkeeper.after import listing
from tillkeeper.after.asides import Asides
from tillkeeper.after.desk import MAX_TOLD, AfterDesk, AfterParts
from tillkeeper.after.fold import Owed
from tillkeeper.after.green import GreenDesk
from tillkeeper.after.listing import Aside, Awaited
from tillkeeper.api.present import job_view
from tillkeeper.contract.after import TaskView
from tillkeeper.replication.following import Following
from tillkeeper.sales.pricing import rules_of, totals

if TYPE_CHECKING:
    from tillkeeper.register import Register


class Aftermath:
    """Made with the first parts of a register; asks it for the others when somebody reads."""

    def __init__(self, register: "Register", following: Following) -> None:
        self._ = register
        config, peers = register.config, register.replication.peers
        order = tuple(config.registers) or (config.this_register,)
        self.owed = Owed()
        following.add(self.owed)
        self._asides = Asides(register.replication.holdings)
        self.desk = AfterDesk(
            AfterParts(
                register=config.this_register, order=order, owed=self.owed, own=self._own, peers=peers,
                now_ms=clock.wall_ms, now_s=clock.boot_s,
            )
        )  # fmt: skip
        self.green = GreenDesk(
            config.this_register, order, peers, lambda: register.status.view(), lambda name: register.trust.standing(name),
            clock.wall_ms, clock.boot_s,
        )  # fmt: skip

    def _own(self) -> list[TaskView]:
        me = self._.config.this_register
        jobs = (job for job in self._.spool.waiting(held=True) if not getattr(job.data, "training", False))
        held = islice(jobs, MAX_TOLD)
        return [
            *listing.awaiting(me, self._awaited()),
            *listing.held(me, (job_view(job, clock.wall_ms()) for job in held)),
            *listing.quarantine([*self._rejected(), *self._asides.found(me)]),
        ]

    def _awaited(self) -> Iterator[Awaited]:
        rules = rules_of(self._.config.store)
        for held in self._.shelf.open_checks():
            check = held.check
            if check.awaiting and not check.training:
                due_minor = totals(check, rules).due_minor
                yield Awaited(
                    check.check_id, check.ticket_code, check.awaiting, due_minor, check.opened_at_ms, check.business_day
                )  # fmt: skip

    def _rejected(self) -> Iterator[Aside]:
        """What HQ put into quarantine, as it told this register."""
        hq = self._.replication.hq
        for one in hq.status().logs if hq is not None else ():
            if one.rejected:
                register = one.register or self._.config.this_register
                yield Aside("HQ", register, one.incarnation, one.rejected, one.rejected)

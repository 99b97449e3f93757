"""The rooms of a register that work with the other registers of the store, and how they are put together."""

import asyncio
from typing import TYPE_CHECKING

from tillkeeper.across.opening import ChecksAcross
from tillkeeper.after.opening import Aftermath
from tillkeeper.day.opening import EndOfDay
from tillkeeper.online.opening import OnlineOrders
from tillkeeper.replication.following import Following
from tillkeeper.roles.opening import Roles
from tillkeeper.till.desk import Desk
from tillkeeper.till.paper import PaperDesk, Slips

if TYPE_CHECKING:
    from tillkeeper.register import Register


class StoreWork:
    """Made first of all parts of a register; what it needs of the others it asks them for when it runs. `desks`: what of it
    decides commands. `following`: gives every event of the store to whoever was added before `start`."""

    def __init__(self, register: "Register") -> None:
        self._register = register
        self.following = Following(register.replication.logs, register.journal)
        self.roles = Roles(register, self.following)
        self.aftermath = Aftermath(register, self.following)
        self.slips = Slips()
        self.following.add(self.slips)
        self.paper = PaperDesk(self.slips, register.journal.register, lambda: register.parts)
        self.day = EndOfDay(register, self.following, self.roles.keeper)
        self.checks = ChecksAcross(register, self.following)
        self.online = OnlineOrders(register, self.roles.keeper)
        self.desks: tuple[Desk, ...] = (self.roles.desk, self.aftermath.desk, self.paper, self.day.desk)

    def notify(self) -> None:
        """There are new events in the journal."""
        self.following.notify()

    def start(self, tasks: asyncio.TaskGroup) -> None:
        self.roles.start(tasks)
        self._share_stock(tasks)
        self.day.start(tasks)
        self.online.start(tasks)
        self.checks.start(tasks)
        tasks.create_task(self.following.run(), name="replication.following")

    def _share_stock(self, tasks: asyncio.TaskGroup) -> None:
        stock, peers = self._register.stock, self._register.replication.peers
        stock.now_ms = self.day.calendar.now_ms
        self.following.add(stock)
        self.following.changed.append(stock.tell)
        if peers is not None:
            from tillkeeper.till.availability_asking import ask_all  # only where there are others

            tasks.create_task(ask_all(stock, peers), name="till.stock")

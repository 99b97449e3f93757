"""Puts the parts of the roster together: what keeps it, and what shares it with other registers of the store."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from tillkeeper.config.model import Config
from tillkeeper.contract.people import StaffListVersion
from tillkeeper.people.roster import Roster
from tillkeeper.till.people import SignInDesk
from tillkeeper.till.roster_file import RosterKeeper
from tillkeeper.till.roster_sharing import RosterSharing

if TYPE_CHECKING:
    from tillkeeper.replication.peers.desk import PeersDesk


class StaffRoster:
    """Of one register. Where nobody signs in it does nothing. `peers` None: it keeps to itself."""

    def __init__(self, config: Config, desk: SignInDesk, secret: str, peers: "PeersDesk | None") -> None:
        self._register = config.this_register
        self._keeper: RosterKeeper | None = None
        self._sharing: RosterSharing | None = None
        if config.staff.file:
            self._keeper = RosterKeeper(desk, Path(config.staff.file), Path(config.data_dir), config.store.id, secret)
            self._sharing = RosterSharing(self._keeper, config.store.id, peers) if peers is not None else None

    async def start(self, tasks: asyncio.TaskGroup) -> None:
        """What the file says holds when this returns."""
        if self._keeper is not None:
            await self._keeper.look()
            tasks.create_task(self._keeper.run(), name="till.roster")
        if self._sharing is not None:
            tasks.create_task(self._sharing.run(), name="till.roster sharing")

    def trouble(self) -> str:
        """What is wrong with it, in words; empty where nothing is."""
        said = (self._keeper.trouble if self._keeper else "", self._sharing.trouble if self._sharing else "")
        return ". ".join(filter(None, said))

    def version(self, register: str) -> StaffListVersion | None:
        """Which list a register has, as far as known since this agent was started."""
        if register == self._register:
            return _version(self._keeper.roster) if self._keeper is not None else None
        theirs = self._sharing.theirs.get(register) if self._sharing is not None else None
        return _version(theirs) if theirs is not None else None


def _version(roster: Roster) -> StaffListVersion | None:
    newest = roster.newest
    if newest is None:
        return None
    return StaffListVersion(version=roster.list_version, changed_at_ms=newest.stamp, people=len(roster.members))

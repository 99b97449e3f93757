"""Gives the roster to the other registers of the store, and takes over what they know better, over the lines that stand between
them. Both sides of an exchange have the same afterwards; who was away exchanges when it is back."""

import asyncio
import logging
from typing import TYPE_CHECKING

import msgspec

from tillkeeper.errors import TillkeeperError
from tillkeeper.people import roster
from tillkeeper.people.roster import Roster
from tillkeeper.replication.peers.asking import AskRefused
from tillkeeper.till.roster_file import RosterKeeper

if TYPE_CHECKING:
    from tillkeeper.replication.peers.desk import PeersDesk

log = logging.getLogger(__name__)

TOPIC = "staff.roster"
LOOK_S = 0.25
WITHIN_S = 5.0
AGAIN_S = 2.0
OTHER_AGAIN_S = 60.0
"""After an answer that only another version or another secret of one of the two changes."""


class RosterSharing:
    """`theirs`: by register, what it was last known to have since this agent was started."""

    def __init__(self, keeper: RosterKeeper, store: str, peers: "PeersDesk") -> None:
        self._keeper, self._store, self._peers = keeper, store, peers
        self.theirs: dict[str, Roster] = {}
        self._troubles: dict[str, str] = {}
        peers.answers[TOPIC] = self._answer

    @property
    def trouble(self) -> str:
        """Why the roster is not exchanged with some register, in words; empty where it is."""
        return "; ".join(self._troubles.values())

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for register in self._peers.states:
                tasks.create_task(self._share(register), name=f"till.roster {register}")

    async def _share(self, register: str) -> None:
        """Whenever the two do not have the same, and when the other one was away: it may come back with an older copy of its
        disk."""
        met = False
        while True:
            if not self._peers.asking.there(register):
                met = False
            elif not met or not self._agrees(register):
                again_s = await self._exchange(register)
                met = not again_s
                await asyncio.sleep(again_s)
            await asyncio.sleep(LOOK_S)

    def _agrees(self, register: str) -> bool:
        return self.theirs[register].digest == self._keeper.roster.digest

    async def _exchange(self, register: str) -> float:
        """Seconds to wait before the next try; 0 where both have the same now."""
        try:
            asked = msgspec.json.encode(self._keeper.roster)
            await self._take(register, await self._peers.ask(register, TOPIC, asked, WITHIN_S))
        except AskRefused as refused:
            self._say(register, "" if refused.code == "unknown_topic" else f"it says that {refused.cause}")
            return OTHER_AGAIN_S if refused.code in ("unknown_topic", "other_secret") else AGAIN_S
        except TillkeeperError as error:
            log.info("the roster is not exchanged with register %s: %s", register, error)
            return AGAIN_S
        return 0.0 if self._agrees(register) else AGAIN_S

    async def _answer(self, register: str, body: bytes) -> bytes:
        return msgspec.json.encode(await self._take(register, body))

    async def _take(self, register: str, body: bytes) -> Roster:
        """The roster that holds now. Raises as `RosterKeeper.take`."""
        try:
            theirs = roster.decode(body, self._store, f"roster of register {register}")
            found = await self._keeper.take(theirs, register)
        except TillkeeperError as error:
            self._say(register, error.cause)
            raise
        self.theirs[register] = theirs
        self._say(register, "")
        return found

    def _say(self, register: str, cause: str) -> None:
        before = self._troubles.pop(register, "")
        if cause:
            self._troubles[register] = f"The roster is not exchanged with register {register}: {cause}"
            if before != self._troubles[register]:
                log.warning("%s", self._troubles[register])

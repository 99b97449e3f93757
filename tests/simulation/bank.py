"""The world behind a payment gateway, and the line of one register to it: it declines, is slow, loses questions and answers."""

import asyncio
import random
from collections.abc import Iterator
from typing import Literal

import msgspec
from tests.simulation.loops import MachineLoop
from tests.simulation.net import Net

from tillkeeper.cards.gateway import Asked, Heard, Said
from tillkeeper.contract.values import TenderKind

TIMEOUT_S = 3.0
NAME = "hq"
"""It is reached by the same way out as HQ."""
DECLINES, LOSES, SLOW = 0.15, 0.05, 0.1
_HEARD: dict[str, Heard] = {"approved": "approved", "declined": "declined", "reversed": "reversed", "never": "never_made"}


class Entry(msgspec.Struct):
    kind: TenderKind
    payment: bool
    amount_minor: int
    state: Literal["approved", "declined", "reversed", "never"]


class Bank:
    """`ledger`: by authorisation. What was taken back, or asked about in vain, can never be made any more."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(f"{seed} bank")
        self.ledger: dict[str, Entry] = {}
        self.loses = LOSES
        """Share of questions, and of answers, that get lost."""

    def authorise(self, asked: Asked) -> Said:
        entry = self.ledger.get(asked.authorisation_id)
        if entry is None:
            state = "declined" if self._chance.random() < DECLINES else "approved"
            entry = Entry(asked.kind, asked.situation == "payment", asked.amount_minor, state)
            self.ledger[asked.authorisation_id] = entry
        return Said(_HEARD[entry.state], reference=asked.authorisation_id[:12])

    def query(self, authorisation_id: str) -> Said:
        entry = self.ledger.get(authorisation_id)
        return Said("unknown_here") if entry is None else Said(_HEARD[entry.state], reference=authorisation_id[:12])

    def reverse(self, authorisation_id: str) -> Said:
        entry = self.ledger.setdefault(authorisation_id, Entry("card", True, 0, "never"))
        entry.state = "reversed" if entry.state in ("approved", "reversed") else "never"
        return Said(_HEARD[entry.state])

    def kept_minor(self) -> int:
        """What guests have paid by card and were not given back."""
        return sum(entry.amount_minor * (1 if entry.payment else -1) for entry in self.approved())

    def approved(self) -> Iterator[Entry]:
        yield from (entry for entry in self.ledger.values() if entry.state == "approved")


class BankLine:
    """See `cards.gateway.Gateway`: of one register's process."""

    def __init__(self, bank: Bank, net: Net, name: str, loop: MachineLoop) -> None:
        self._bank, self._net, self._name, self._loop = bank, net, name, loop
        self._chance = net.chance()

    async def authorise(self, asked: Asked) -> Said:
        return await self._call("authorise", asked)

    async def query(self, authorisation_id: str, amount_minor: int) -> Said:
        return await self._call("query", authorisation_id)

    async def reverse(self, authorisation_id: str) -> Said:
        return await self._call("reverse", authorisation_id)

    async def aclose(self) -> None:
        return

    async def _call(self, what: str, about: object) -> Said:
        """What was sent may arrive when nobody waits any more, and what was done may never be told."""
        chance, nature = self._chance, self._net.nature
        there, back = self._net.path(self._name, NAME), self._net.path(NAME, self._name)
        if there.shut and chance.random() < 0.3:
            return Said("not_reached")
        future: asyncio.Future[Said] = asyncio.get_running_loop().create_future()

        def arrived(said: Said) -> None:
            if self._loop.alive and not future.done():
                future.set_result(said)

        def done() -> None:
            said = getattr(self._bank, what)(about)
            if not back.shut and chance.random() >= self._bank.loses:
                nature.call_later(0.02 + back.delay_s(chance), arrived, said)

        if not there.shut and chance.random() >= self._bank.loses:
            late_s = chance.uniform(0.5, 3 * TIMEOUT_S) if chance.random() < SLOW else 0.0
            nature.call_later(0.02 + late_s + there.delay_s(chance), done)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await future
        except TimeoutError:
            return Said("no_answer")

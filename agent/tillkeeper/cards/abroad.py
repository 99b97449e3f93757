"""What this register has in hand of checks that other registers have worked on: it is let go of once somebody else has brought
it to an end, and taken in hand again where this register lost it with its disk."""

import logging

from tillkeeper.cards.lent import Hands
from tillkeeper.cards.paying import Paying
from tillkeeper.cards.unsettled import Unsettled
from tillkeeper.contract.commands import CommandResult
from tillkeeper.errors import TillkeeperError
from tillkeeper.sales.asking import Word, asked_in, hold, to_adopt, words
from tillkeeper.sales.model import Authorisation
from tillkeeper.till.compose import Draft

log = logging.getLogger(__name__)

ORDER_REST_S = 30.0
"""A log comes back in parts: what was asked for an order is taken up once no part has told for so long that it was placed."""


class Abroad:
    def __init__(self, me: str, unsettled: Unsettled, paying: Paying, hands: Hands) -> None:
        self._me, self._unsettled, self._paying, self._hands = me, unsettled, paying, hands
        self._taken_up: set[str] = set()
        """Of orders, since the start: that they came to their end may not be heard yet."""
        self._unfinished_since_s: dict[str, float] = {}

    async def look(self, check_id: str) -> bool:
        """Something is new of a check of several registers. Whether there is anything to be done at a gateway.

        Raises:
            TillkeeperError: a disk that refuses.
        """
        said = words(self._hands.sides(check_id))
        stirred = False
        for name, word in said.items():
            one = self._unsettled.open.get(name)
            if one is None:
                stirred = await self._adopt(check_id, word) or stirred
            elif one.state == "reversal_owed" and not word.ended:
                continue  # this register has to take it back, also where its own words are not among those of the logs yet
            elif (todo := hold(word, self._me)) == "let_go":
                await self._let_go(one)
            elif todo == "owe":
                await self._paying.owe(one)
                stirred = True
        return stirred

    async def forgotten(self, one: Authorisation) -> bool:
        """Whether it paid an order that was placed before this register lost its journal: then nothing is to be done."""
        found = self._hands.recorded_before(one.authorisation_id)
        if found:
            await self._let_go(one)
        return found

    async def _let_go(self, one: Authorisation) -> None:
        async with self._hands.holding(one.check_id or one.key_sha256):
            if self._unsettled.open.get(one.authorisation_id) != one:
                return  # a person was quicker, who gave it up: then it is this register's to take back
            settings = self._unsettled.let_go(one.authorisation_id)
            await self._hands.commit(Draft((), None, (), (), CommandResult(events=0), settings=settings), None)
            self._unsettled.forget(one.authorisation_id)
        log.info("%s is not this register's to settle any more", one.authorisation_id)

    async def _adopt(self, check_id: str, word: Word) -> bool:
        """Not what stands in this journal: that is in hand, or has been let go of."""
        one = word.one
        if not to_adopt(word, self._me, mine=self._paying.is_mine(one)):
            return False
        if asked_in(self._hands.own_events(check_id), one.authorisation_id):
            return False
        return await self._take_up(one)

    async def orders(self, now_s: float) -> None:
        """Of orders that were being paid when this register lost its journal nobody knows more: they come to be taken back.
        `now_s`: boot clock."""
        unfinished = {one.authorisation_id: one for one in self._hands.unfinished_orders()}
        since_s = self._unfinished_since_s = {name: self._unfinished_since_s.get(name, now_s) for name in unfinished}
        for name, one in unfinished.items():
            if name in self._taken_up or now_s - since_s[name] < ORDER_REST_S:
                continue
            try:
                await self._take_up(one)
            except TillkeeperError as error:  # no slot is free, or a disk refuses: what is owed already goes out all the same
                log.warning("%s waits to be taken back: %s", name, error)
                return
            self._taken_up.add(name)

    async def _take_up(self, one: Authorisation) -> bool:
        async with self._hands.holding(one.check_id or one.key_sha256):
            if one.authorisation_id in self._unsettled.open:
                return False
            with self._unsettled.changing((one,)) as settings:
                await self._hands.commit(Draft((), None, (), (), CommandResult(events=0), settings=settings), None)
        log.warning("%s was asked for before this register lost its journal", one.authorisation_id)
        return True

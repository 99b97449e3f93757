"""One gateway as a register sees it: reversals that are owed to it go out before anything else, after a start and again after
it could not be reached. None goes out for what the journal does not owe: a late one would take back what was recorded."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from tillkeeper.cards.gateway import Asked, Gateway, Said
from tillkeeper.cards.unsettled import Unsettled
from tillkeeper.config.model import Config
from tillkeeper.contract.authorisations import AuthorisationReversed
from tillkeeper.errors import TillkeeperError
from tillkeeper.sales.model import Authorisation

log = logging.getLogger(__name__)

CALLS_AT_ONCE = 16
REVERSALS_S = 10.0
"""A call waits no longer for the reversals before it: then it is not made, and nothing of it was sent."""


class Line:
    """`reachable` None: not asked yet. `calling`: authorisations that are being asked at this moment. `note`: makes it durable
    that one was reversed."""

    def __init__(
        self,
        name: str,
        gateway: Gateway,
        config: Config,
        unsettled: Unsettled,
        note: Callable[[Authorisation, AuthorisationReversed], Awaitable[None]],
        now_s: Callable[[], float],
    ) -> None:
        self.name, self.gateway = name, gateway
        self._config, self._unsettled, self._note, self._now_s = config, unsettled, note, now_s
        self.reachable: bool | None = None
        self.last_error = ""
        self.woken = asyncio.Event()
        self.calling: set[str] = set()
        self._tried: set[str] = set()
        """Reversals that went out since it was last found unreachable."""
        self._tries: dict[str, tuple[int, str]] = {}
        self._reversing = asyncio.Lock()

    def tries(self, authorisation_id: str) -> tuple[int, str]:
        """How often it was asked about since the start, and what was wrong last."""
        return self._tries.get(authorisation_id, (0, ""))

    def tried_once_more(self, one: Authorisation, error: str = "") -> None:
        open_ids = self._unsettled.open
        self._tries = {key: value for key, value in self._tries.items() if key in open_ids}
        self._tries[one.authorisation_id] = self.tries(one.authorisation_id)[0] + 1, error

    def owed(self) -> list[Authorisation]:
        return [one for one in self._unsettled.open.values() if one.state == "reversal_owed" and one.gateway == self.name]

    async def call(self, one: Authorisation, *, fresh: bool, asks_again: bool) -> Said:
        """What becomes of it. `fresh`: nothing was sent for it yet. `asks_again`: where the gateway never heard of it, it is
        made now."""
        if len(self.calling) >= CALLS_AT_ONCE:
            return Said("not_reached", reason=f"{CALLS_AT_ONCE} calls are under way")
        self.calling.add(one.authorisation_id)
        try:
            if not await self._reversals_first():
                return Said("not_reached", reason=self.last_error or "reversals go first")
            if not fresh:
                said = self._heard(await self.gateway.query(one.authorisation_id, one.amount_minor))
                if said.heard != "unknown_here" or not asks_again:
                    return said
            return self._heard(await self.gateway.authorise(self._asked(one)))
        finally:
            self.calling.discard(one.authorisation_id)

    async def reverse_all(self) -> bool:
        """Every one that is owed goes out once. False: the gateway is not reached."""
        async with self._reversing:
            for one in self.owed():
                if not await self._reverse(one):
                    return False
        return True

    async def _reversals_first(self) -> bool:
        until_s = self._now_s() + REVERSALS_S
        try:
            async with asyncio.timeout(REVERSALS_S):
                await self._reversing.acquire()
        except TimeoutError:
            return False
        try:
            for one in self.owed():
                if one.authorisation_id in self._tried:
                    continue
                if self._now_s() > until_s or not await self._reverse(one):
                    return False
        finally:
            self._reversing.release()
        return True

    async def _reverse(self, one: Authorisation) -> bool:
        """Whether the gateway was reached; what it said is durable."""
        said = self._heard(await self.gateway.reverse(one.authorisation_id))
        if said.heard not in ("reversed", "never_made"):
            self.tried_once_more(one, said.reason)
            if said.heard != "not_reached":
                self._tried.add(one.authorisation_id)
            return said.heard != "not_reached"
        event = AuthorisationReversed(
            authorisation_id=one.authorisation_id,
            check_id=one.check_id,
            made=said.heard == "reversed",
            reference=said.reference,
        )
        try:
            await self._note(one, event)
        except TillkeeperError as error:  # a disk that refuses: it is asked again, and answered the same
            log.warning("a reversal is not journaled yet: %s", error)
        return True

    def _heard(self, said: Said) -> Said:
        self.reachable = said.heard != "not_reached"
        self.last_error = said.reason if said.heard in ("not_reached", "no_answer") else ""
        if not self.reachable:
            self._tried.clear()
        return said

    def _asked(self, one: Authorisation) -> Asked:
        return Asked(
            authorisation_id=one.authorisation_id,
            situation=one.situation,
            kind=one.kind,
            tender=one.tender,
            amount_minor=one.amount_minor,
            currency=self._config.store.currency,
            store=self._config.store.id,
            register=self._config.this_register,
            terminal=one.terminal,
            check_id=one.check_id,
            original=one.original,
            reference=one.purpose.reference,
            guest_absent=one.guest_absent,
        )

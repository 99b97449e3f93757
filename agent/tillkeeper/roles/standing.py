"""When the other side of the lease is silent: witnesses are asked, and the backup takes over, or the primary goes on alone."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress

import msgspec
from msgspec.structs import replace

from tillkeeper.contract.roles import WitnessAsked, WitnessSaid
from tillkeeper.errors import TillkeeperError
from tillkeeper.roles import lease
from tillkeeper.roles.keeper import RolesKeeper
from tillkeeper.roles.lease import HQ
from tillkeeper.roles.records import Record, above, record_of
from tillkeeper.roles.telling import WITNESS, decode_said

log = logging.getLogger(__name__)

LOOK_S = 0.1
IDLE_S = 0.5
"""Where there is nobody to wait for."""
AGAIN_S = 0.5
WITNESS_S = 1.5

Answers = Mapping[str, WitnessSaid | None]


class Standing:
    """`run` is its one task."""

    def __init__(self, keeper: RolesKeeper) -> None:
        self._keeper, self._parts = keeper, keeper.parts

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            keeper = self._keeper
            if not self._may():
                keeper.why = ""
                await asyncio.sleep(LOOK_S if keeper.record.backup and keeper.role != "none" else IDLE_S)
                continue
            try:
                await self._stand(keeper.record)
            except TillkeeperError as error:
                log.warning("the roles stay as they are: %s", error)
            if self._may():
                await asyncio.sleep(AGAIN_S)

    def _may(self) -> bool:
        keeper = self._keeper
        return lease.may_stand(keeper.record, keeper.times, keeper.me, self._parts.now_s()) and keeper.still(keeper.record)

    async def _stand(self, record: Record) -> None:
        """Raises: StorageRefused, Overloaded."""
        keeper = self._keeper
        keeper.standing = keeper.role == "backup"
        try:
            away = record.primary if keeper.role == "backup" else record.backup
            all_of_them = keeper.role == "primary" or not keeper.times.continuous
            asked = WitnessAsked(
                register=keeper.me, away=away, base=record.epoch, epoch=above((keeper.seen, record.epoch), keeper.me)
            )
            answers = await self.ask(asked)
            allowed, why = lease.verdict(answers, all_of_them=all_of_them)
            if allowed and self._may() and keeper.still(record):
                asked = replace(asked, epoch=above((keeper.seen, record.epoch), keeper.me), binding=True)
                async with keeper.deciding:
                    await keeper.keep(replace(keeper.kept, stood=asked.epoch))
                witnesses, why = await self._bound(asked, answers, all_of_them=all_of_them)
                if witnesses and self._may():
                    made = lease.next_record(
                        record, keeper.me, asked.epoch, released=keeper.times.released, witness=", ".join(witnesses)
                    )
                    if await keeper.decide(record, made):
                        return
            if why != keeper.why:
                log.info("register %s is silent, and stays what it is: %s", away, why)
            keeper.why = why
        finally:
            keeper.standing = False

    async def _bound(self, asked: WitnessAsked, answers: Answers, *, all_of_them: bool) -> tuple[tuple[str, ...], str]:
        """Who has agreed for good, enough of them, and else why not. No more are bound than needed."""
        willing = [name for name, said in answers.items() if said is not None]
        if all_of_them:
            bound = await self.ask(asked, willing)
            allowed, why = lease.verdict(bound, all_of_them=True)
            return (tuple(willing) if allowed else ()), why
        why = ""
        for name in willing:
            allowed, why = lease.verdict(await self.ask(asked, [name]), all_of_them=True)
            if allowed:
                return (name,), ""
        return (), why

    async def ask(self, asked: WitnessAsked, some: list[str] | None = None) -> dict[str, WitnessSaid | None]:
        """What each witness says: HQ and the third registers, or `some` of them. What they know is learned."""
        third = [one for one in self._keeper.others() if one != asked.away]
        names = [*third, *([HQ] if self._parts.hq is not None else [])] if some is None else some
        said = await asyncio.gather(*(self._ask_hq(asked) if one == HQ else self._ask(one, asked) for one in names))
        found = {name: one[0] for name, one in zip(names, said, strict=True) if one is not None}
        for answer in found.values():
            if answer is not None:
                self._keeper.see(answer.epoch)
                if answer.record is not None:
                    self._keeper.learn(record_of(answer.record))
        return found

    async def _ask(self, register: str, asked: WitnessAsked) -> tuple[WitnessSaid | None]:
        body = await self._keeper.ask(register, WITNESS, asked, WITNESS_S)
        with suppress(msgspec.DecodeError):
            return (decode_said(body),) if body is not None else (None,)
        return (None,)

    async def _ask_hq(self, asked: WitnessAsked) -> tuple[WitnessSaid | None] | None:
        """None: it is no witness."""
        if self._parts.hq is None:
            return None
        try:
            async with asyncio.timeout(WITNESS_S):
                said = await self._parts.hq(asked)
        except (TillkeeperError, TimeoutError):
            return (None,)
        return None if said is None else (said,)

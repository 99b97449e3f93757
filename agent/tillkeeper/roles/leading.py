"""What the primary does as primary: renews its lease, tells the others who has which role, and takes the absent one back.

A primary that does not know that it is one (an older copy of its disk was put back, and nobody sends a register its own logs)
is told by the others.
"""

import asyncio
import logging
import math
from contextlib import suppress

import msgspec

from tillkeeper.contract.roles import Epoch
from tillkeeper.errors import TillkeeperError
from tillkeeper.roles import lease
from tillkeeper.roles.keeper import RolesKeeper
from tillkeeper.roles.records import Record, above, record_of
from tillkeeper.roles.telling import RENEW, Renew, Renewed, decode_renewed

log = logging.getLogger(__name__)

ANSWER_S = 2.5
MOST_UNDER_WAY = 3
"""Renewals of one register without an answer yet."""
TELL_S = 5.0
"""Those who have acknowledged the record are told again."""
UNLED_S = 2 * TELL_S
"""So long without a word of the primary, which is heard all the same: then it is told that it is the primary."""
NEAR = 128
"""Events that a register may lack and still count as having caught up: what is being sold just now is always on its way."""
RAISE_AFTER_S = 5.0


class Leading:
    """`run` is its one task."""

    def __init__(self, keeper: RolesKeeper) -> None:
        self._keeper, self._parts = keeper, keeper.parts
        self._record: Record | None = None
        self._acknowledged: set[str] = set()
        self._told_s: dict[str, float] = {}
        self._under_way: dict[str, int] = {}
        self._back_since_s: float | None = None
        self._unmatched: tuple[Epoch, float] | None = None
        """An epoch above the record's that somebody has agreed to, and since when it is known."""
        self._woken = asyncio.Event()
        keeper.changed.append(self._woken.set)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._woken.clear()
                if self._keeper.role == "primary":
                    self._begin()
                    for register in self._due():
                        tasks.create_task(self._tell(register), name=f"roles.renew {register}")
                    await self._take_care()
                elif self._is_unled():
                    tasks.create_task(self._remind(), name="roles.remind")
                with suppress(TimeoutError):
                    async with asyncio.timeout(lease.RENEW_S):
                        await self._woken.wait()

    def _is_unled(self) -> bool:
        """Nobody leads, though the primary of the record can be heard."""
        keeper, now_s = self._keeper, self._parts.now_s()
        primary = keeper.record.primary
        age_s = self._parts.heard_s(primary)
        there = primary in keeper.others() and age_s is not None and age_s < lease.GRACE_S
        return there and now_s - max(keeper.led_s, keeper.times.since_s, self._told_s.get(primary, -math.inf)) >= UNLED_S

    async def _remind(self) -> None:
        keeper, record = self._keeper, self._keeper.record
        self._told_s[record.primary] = self._parts.now_s()
        body = await keeper.ask(record.primary, RENEW, Renew(record.event(), False), ANSWER_S)
        with suppress(msgspec.DecodeError):
            if body is not None and (said := decode_renewed(body)).record is not None:
                keeper.learn(record_of(said.record))

    def _begin(self) -> None:
        if self._record != self._keeper.record:
            self._record, self._acknowledged, self._told_s = self._keeper.record, set(), {}
            self._back_since_s = self._unmatched = None

    def _due(self) -> list[str]:
        record, now_s = self._keeper.record, self._parts.now_s()
        always = {record.backup, record.absent, *(record.releases if not self._keeper.times.released else ())}
        due = []
        for register in self._keeper.others():
            often = register in always or register not in self._acknowledged
            again_s = 0.9 * lease.RENEW_S if often else TELL_S
            told_s = self._told_s.get(register, -math.inf)
            if now_s - told_s >= again_s and self._under_way.get(register, 0) < MOST_UNDER_WAY:
                due.append(register)
        return due

    async def _tell(self, register: str) -> None:
        keeper, record, sent_s = self._keeper, self._keeper.record, self._parts.now_s()
        self._under_way[register] = self._under_way.get(register, 0) + 1
        self._told_s[register] = sent_s
        try:
            body = await keeper.ask(register, RENEW, Renew(record.event(), keeper.times.released), ANSWER_S)
        finally:
            self._under_way[register] -= 1
        said: Renewed | None = None
        if body is not None:
            with suppress(msgspec.DecodeError):
                said = decode_renewed(body)
        if said is None:
            if register == record.absent:
                self._back_since_s = None
            return
        keeper.see(max(said.epoch, said.stood))
        if said.record is not None:
            keeper.learn(record_of(said.record))
        if not keeper.still(record) or said.epoch != record.epoch:
            return
        self._acknowledged.add(register)
        if register == record.backup:
            self._note(said.stood)
            if said.granted:
                keeper.times = lease.renewed(keeper.times, sent_s)
                keeper.woken.set()
        if register == record.absent:
            near = (self._parts.lacks(register) or 0) <= NEAR
            self._back_since_s = (self._back_since_s or sent_s) if near else None

    def _note(self, stood: Epoch) -> None:
        highest = max(stood, self._keeper.kept.agreed, self._keeper.kept.stood)
        if highest <= self._keeper.epoch:
            self._unmatched = None
        elif self._unmatched is None:
            self._unmatched = highest, self._parts.now_s()

    async def _take_care(self) -> None:
        keeper, now_s = self._keeper, self._parts.now_s()
        record = keeper.record
        try:
            if not keeper.times.released and set(record.releases) <= self._acknowledged:
                await keeper.release(record)
            elif keeper.phase(now_s) == "alone" and self._is_back(record, now_s):
                await self._go_on(record, backup=record.absent, cause="returned")
            elif (
                keeper.phase(now_s) == "holding"
                and self._unmatched is not None
                and now_s - self._unmatched[1] >= RAISE_AFTER_S
            ):
                await self._go_on(record, backup=record.backup, cause="raised", releases=(record.backup,))
        except TillkeeperError as error:
            log.warning("a record of roles is not kept yet: %s", error)

    def _is_back(self, record: Record, now_s: float) -> bool:
        if not record.absent or record.absent not in self._keeper.others():
            return False
        return self._back_since_s is not None and now_s - self._back_since_s >= lease.RETURN_S

    async def _go_on(self, record: Record, *, backup: str, cause: str, releases: tuple[str, ...] = ()) -> None:
        epoch = above((self._keeper.seen, record.epoch), self._keeper.me)
        next_one = Record(primary=self._keeper.me, backup=backup, epoch=epoch, cause=cause, releases=releases)
        await self._keeper.decide(record, next_one)


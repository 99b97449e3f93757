"""The close of a business day, on the register that holds the primary's lease: ask every register for its tail, wait until the
logs are held, add up, and put one event into the journal.

Whether this register may still close is looked at after the last await, right before the append: what a register that was
asleep believes of itself does not count.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from tillkeeper.contract.bodies import reader
from tillkeeper.contract.day import DayAsk, DayClosed, DayMember, DayTail
from tillkeeper.contract.roles import Epoch
from tillkeeper.day.books import StoreDays
from tillkeeper.day.end_of_day import tails_of
from tillkeeper.day.index import DayIndex, KnownClose
from tillkeeper.day.members import DayMembers
from tillkeeper.day.tails import DayTails
from tillkeeper.errors import Refused, TillkeeperError
from tillkeeper.replication.model import LogId
from tillkeeper.till.stamp import Stamp
from tillkeeper.till.z_numbers import ZNumbers

ASK_S = 3.0
"""An answer needs one append at the register that is asked."""
HELD_S = 4.0
"""So long a close waits for the last events and their copies; who wants to wait longer asks again."""
LOOK_S = 0.05
TOPIC = "day.ask"
STORE_Z = "store"
NOT_THERE = frozenset({"silent", "unknown", "lost"})
"""A person has to do something: asking the others does not help."""

_encode = msgspec.json.Encoder().encode
_decode_tail = reader(DayTail)


class Duty(Protocol):
    """Who may close: room `roles`."""

    @property
    def primary(self) -> str: ...

    @property
    def epoch(self) -> Epoch: ...

    def holds(self) -> bool:
        """This register may do now what only the primary may."""


Ask = Callable[[str, str, bytes, float], Awaitable[bytes]]
"""(register, topic, body, seconds) -> answer; as `Asking.ask`."""


@dataclass(frozen=True, kw_only=True)
class CloseParts:
    """`ask` is None for a register alone. `elsewhere_today`: `Calendar.elsewhere_today`."""

    register: str
    stamp: Stamp
    index: DayIndex
    members: DayMembers
    tails: DayTails
    books: StoreDays
    duty: Duty
    ask: Ask | None
    caught_up: Callable[[], Awaitable[None]]
    now_s: Callable[[], float]
    numbers: ZNumbers
    elsewhere_today: Callable[[], str | None] = lambda: None


class Closing:
    def __init__(self, parts: CloseParts) -> None:
        self._ = parts

    def day_to_close(self) -> str | None:
        """The oldest day with events that is not closed; where no day ever was, the last before today. None for none."""
        index, today = self._.index, self._.stamp.today()
        days = [day for day in index.open_days() if day <= today]
        if index.days.closes or not days:
            return days[0] if days else None
        return max((day for day in days if day < today), default=days[-1])

    async def close(self, wanted: str | None, by: str) -> DayClosed | KnownClose:
        """The event to append now, without another await; or the close of that day that there is already.

        Raises:
            Refused: `not_primary`, `nothing_to_close`, `earlier_day_open`, `later_day_closed`, `day_ahead`, `day_not_ready`
                (with the exact list in `missing`).
            StorageRefused: what is held can not be read, or the own tail not be declared.
        """
        await self._.caught_up()
        day = self._chosen(wanted)
        if isinstance(day, KnownClose):
            return day
        epoch = self._require_holding(day, None)
        missing = [one for one in self._.members.look(day) if one.state in NOT_THERE]
        if missing:  # before anybody is asked: a close that is refused by this leaves every register on its day
            raise not_ready(day, missing)
        members = await self._barrier(day, epoch)
        await self._.caught_up()
        figures = await self._.books.figures(day)
        z = max(self._.index.last_z, self._.numbers.known(STORE_Z)) + 1
        await asyncio.to_thread(self._.numbers.keep, STORE_Z, z)
        if (known := self._.index.closed(day)) is not None:  # by another primary, in the meantime
            return known
        self._require_holding(day, epoch)
        names = {one.register: one.state for one in members}
        gaps = [gap for name, state in names.items() if state == "gap" and (gap := self._.index.gap(day, name))]
        parked = [one for name, state in names.items() if state == "parked" and (one := self._.index.parked(name))]
        return DayClosed(
            day=day,
            z=z,
            epoch=epoch,
            tails=tails_of(members),
            figures=figures,
            gaps=tuple(gaps),
            parked=tuple(parked),
            by=by,
        )

    def _chosen(self, wanted: str | None) -> str | KnownClose:
        index, today, operation = self._.index, self._.stamp.today(), "close"
        day = wanted or self.day_to_close()
        if day is None:
            cause = f"no day up to {today} has events and is open"
            raise Refused("nothing_to_close", operation, "day", cause, "see `tillkeeper day`")
        if (known := index.closed(day)) is not None:
            return known
        subject, open_days = f"day {day}", index.open_days()
        if not index.days.may_close(day):
            cause = f"{index.days.last_closed} is closed already, and days close in order"
            raise Refused("later_day_closed", operation, subject, cause, "what comes for it is an adjustment of the open day")
        if day > today:
            raise Refused("day_ahead", operation, subject, f"today is {today}", "close it when it has come")
        elsewhere = self._.elsewhere_today()
        if day > index.reach or (elsewhere is not None and day > index.reach_from(elsewhere)):
            cause = f"nobody else has come to it: it is {elsewhere or self._.index.reach} there"
            raise Refused("day_ahead", operation, subject, cause, "look at this register's clock")
        if day not in open_days:
            raise Refused("nothing_to_close", operation, subject, "it has no events", "days without events need no close")
        if index.days.closes and open_days[0] < day:
            cause = f"{open_days[0]} is not closed yet, and days close in order"
            raise Refused("earlier_day_open", operation, subject, cause, f"close {open_days[0]} first", day=open_days[0])
        return day

    def _require_holding(self, day: str, epoch: Epoch | None) -> Epoch:
        """`epoch`: of the close so far."""
        duty = self._.duty
        if duty.holds() and epoch in (None, duty.epoch):
            return duty.epoch
        primary = duty.primary
        if primary == self._.register:
            cause, hint = (
                "this register can not be sure now that it is the only primary",
                "wait a moment; see `tillkeeper roles`",
            )
        else:
            cause, hint = f"register {primary or '?'} is the store's primary", f"close the day at {primary or 'the primary'}"
        raise Refused("not_primary", "close", f"day {day}", cause, hint, primary=primary)

    async def _barrier(self, day: str, epoch: Epoch) -> tuple[DayMember, ...]:
        """Every register's log up to its tail, here and at a second one."""
        told, troubles = await self._asked(day, epoch)
        until_s = self._.now_s() + HELD_S
        while True:
            await self._.caught_up()
            members = self._.members.look(day, told)
            waiting = [one for one in members if one.blocks or one.state == "to_be_asked"]
            if not waiting:
                return members
            if self._.now_s() >= until_s or any(one.state in NOT_THERE for one in waiting) or troubles:
                raise not_ready(day, [_in_trouble(one, troubles) for one in waiting])
            await asyncio.sleep(LOOK_S)

    async def _asked(self, day: str, epoch: Epoch) -> tuple[dict[LogId, int], dict[str, str]]:
        """(tails as they were told, register -> why it told none). Raises: Refused `not_primary`."""
        own = await self._.tails.declare(day, epoch)
        told = {LogId(self._.register, own.incarnation): own.seq}
        troubles: dict[str, str] = {}
        ask, body = self._.ask, _encode(DayAsk(day, epoch))

        async def one(register: str) -> None:
            if ask is None:
                return
            try:
                tail = _decode_tail(await ask(register, TOPIC, body, ASK_S))
                told[LogId(register, tail.incarnation)] = tail.seq
            except TillkeeperError as error:
                if error.code == "epoch_too_low":
                    cause = f"register {register} has seen another primary"
                    raise Refused("not_primary", "close", f"day {day}", cause, "see `tillkeeper roles`") from error
                troubles[register] = error.cause
            except msgspec.DecodeError as error:
                troubles[register] = str(error)

        parked = {name for name in self._.members.heard() if self._.index.parked(name) is not None}
        asking = [one(register) for register in self._.members.heard() if register not in parked]
        for answer in await asyncio.gather(*asking, return_exceptions=True):
            if isinstance(answer, BaseException):
                raise answer
        return told, troubles


def _in_trouble(member: DayMember, troubles: dict[str, str]) -> DayMember:
    trouble = troubles.get(member.register, "")
    if member.state == "to_be_asked" and not trouble:
        trouble = "it did not say where its day ends"
    if not trouble:
        return member
    words = f"{member.register} could not be asked: {trouble}"
    return msgspec.structs.replace(member, words=words, todo=member.todo or "try again in a moment", blocks=True)


def not_ready(day: str, missing: list[DayMember]) -> Refused:
    """With the exact list, for people and for programs."""
    cause = "; ".join(one.words for one in missing)
    hint = "; ".join(dict.fromkeys(one.todo for one in missing if one.todo))
    return Refused("day_not_ready", "close", f"day {day}", cause, hint, day=day, missing=msgspec.to_builtins(missing))

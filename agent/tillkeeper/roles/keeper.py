"""Keeps the roles of one register: which record counts, whether the lease is live, and what is durable before it is used."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from tillkeeper.contract.roles import Epoch, Phase, Role, RolesAssigned, WitnessAsked, WitnessSaid, leaps
from tillkeeper.contract.witness import judge
from tillkeeper.errors import TillkeeperError
from tillkeeper.roles import lease
from tillkeeper.roles.fence import passage
from tillkeeper.roles.records import Record, is_sound, newest, record_of
from tillkeeper.roles.telling import Claim, Renew, Renewed, decode_asked, decode_claim, decode_renew, encode

log = logging.getLogger(__name__)

SETTING = "roles"
LOOK_S = 0.25

Append = Callable[[tuple[RolesAssigned, ...], dict[str, bytes]], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class RolesParts:
    """What the keeper works with. Ages and stamps in seconds of CLOCK_BOOTTIME.

    `registers`: of the store, in the order of the config. `members`: those that belong to the store by its roster. `base`: the
    record of the configuration. `append`: makes events and settings durable in one batch; raises TillkeeperError. `ask`: a
    question to another register (register, topic, body, within seconds); raises TillkeeperError; None where this register keeps
    to itself. `reach`: a line to a register is to stand for a while, if it can be had soon. `heard_s`: since the last word of a
    register, None for never. `hq`: HQ as a witness; it answers None where it is none, and raises TillkeeperError. `behind`:
    events that others who are heard hold and this register does not. `lacks`: events that a register does not hold yet, None
    where it is not heard."""

    register: str
    registers: tuple[str, ...]
    base: Record
    now_s: Callable[[], float]
    setting: Callable[[str], bytes | None]
    append: Append
    ask: Callable[[str, str, bytes, float], Awaitable[bytes]] | None = None
    reach: Callable[[str], Awaitable[object]] | None = None
    heard_s: Callable[[str], float | None] = lambda _register: None
    members: Callable[[], Collection[str]] | None = None
    hq: Callable[[WitnessAsked], Awaitable[WitnessSaid | None]] | None = None
    behind: Callable[[], int] = lambda: 0
    lacks: Callable[[str], int | None] = lambda _register: None


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Durable before it is used. `agreed`: to the record of another register, as a witness or in a claim. `stood`: the highest
    epoch for which witnesses were asked to bind themselves. `fence`: the highest epoch ever seen. `released`: of the record
    whose releases are all there."""

    record: Record
    agreed: Epoch = Epoch()
    stood: Epoch = Epoch()
    fence: Epoch = Epoch()
    released: Epoch = Epoch()


class Fence:
    """See `fence.py`."""

    def __init__(self, keeper: "RolesKeeper") -> None:
        self._keeper = keeper

    @property
    def highest(self) -> Epoch:
        return max(self._keeper.kept.fence, self._keeper.record.epoch)

    async def admit(self, epoch: Epoch) -> bool:
        """Whether work that comes under `epoch` may be done. A higher one than any before is durable when this returns.

        Raises: StorageRefused, Overloaded: it is not, and the work must not be done.
        """
        if leaps(epoch, self.highest, self._keeper.seen):
            return False
        if passage(self.highest, epoch) == "raised":
            async with self._keeper.deciding:
                if passage(self.highest, epoch) == "raised":
                    await self._keeper.keep(msgspec.structs.replace(self._keeper.kept, fence=epoch))
        return passage(self.highest, epoch) == "open"


class RolesKeeper:
    """`record` counts here, durably. `changed`: called after each change of record or phase. `why`: why the other side of the
    lease could not be declared away; empty where nobody tries. `standing`: this backup asks to take over, and grants
    nothing."""

    def __init__(self, parts: RolesParts) -> None:
        self.parts, self.me = parts, parts.register
        self.started_s = parts.now_s()
        self.kept = self._loaded(parts.setting(SETTING))
        self.heard_of = self.kept.record
        self.times = lease.started(self.record, self.started_s, released=self.kept.released == self.record.epoch)
        if parts.ask is None:  # nobody can have replaced it
            self.times = msgspec.structs.replace(self.times, ready_s=-math.inf, caught_up=True, released=True)
        self.fence = Fence(self)
        self.deciding = asyncio.Lock()
        """Held from the look at the record to the moment when what follows from it is durable."""
        self.changed: list[Callable[[], None]] = []
        self.standing = False
        self.why = ""
        self.led_s = self.started_s
        """When the primary of the record last told of it."""
        self.seen = max(self.kept.fence, self.kept.agreed, self.kept.stood)
        """The highest epoch that anybody has named."""
        self.woken = asyncio.Event()
        self._shown: tuple[Record, Phase] | None = None

    def _loaded(self, stored: bytes | None) -> Kept:
        base = self.parts.base
        if stored is None:
            return Kept(record=base)
        try:
            kept = msgspec.json.decode(stored, type=Kept)
        except msgspec.DecodeError as error:
            log.error("which roles were assigned can not be read; the configuration counts until others are heard: %s", error)
            return Kept(record=base)
        return kept if kept.record.epoch.counter else msgspec.structs.replace(kept, record=base)

    # --- what others ask of it ---

    @property
    def record(self) -> Record:
        return self.kept.record

    @property
    def epoch(self) -> Epoch:
        return self.record.epoch

    @property
    def role(self) -> Role:
        return self.record.role(self.me)

    def holds(self, now_s: float) -> bool:
        """Whether this register may do, at this moment, what only the primary may. To be asked after the last await before the
        act, with the time of that moment: whoever was stopped meanwhile wakes without its lease."""
        return self.phase(now_s) in lease.HOLDING and self.heard_of.epoch == self.record.epoch

    def phase(self, now_s: float) -> Phase:
        return lease.phase(self.record, self.times, self.me, now_s)

    def preferred(self) -> tuple[str, ...]:
        """The registers with the primary and its backup first: the order in which logs are sent."""
        first = (self.record.primary, self.record.backup or self.record.absent)
        return tuple(dict.fromkeys(one for one in (*first, *self.parts.registers) if one in self.parts.registers))

    # --- records ---

    def learn(self, record: Record | None) -> None:
        """A record that somebody goes by, or a log holds. From now on this register holds nothing under a lower one; it counts
        once it is durable."""
        if record is None or not is_sound(record) or leaps(record.epoch, self.heard_of.epoch, self.seen):
            return
        if record.epoch > self.heard_of.epoch:
            self.heard_of = newest((self.heard_of, record))
            self.see(record.epoch)
            self.woken.set()

    def see(self, epoch: Epoch) -> None:
        if not leaps(epoch, self.seen, self.heard_of.epoch):
            self.seen = max(self.seen, epoch)

    async def adopt(self) -> None:
        """The highest record that was heard of counts. Raises: StorageRefused, Overloaded."""
        if self.heard_of.epoch <= self.epoch:
            return
        async with self.deciding:
            record = self.heard_of
            if record.epoch > self.epoch:
                await self.keep(msgspec.structs.replace(self.kept, record=record, fence=max(self.kept.fence, record.epoch)))

    async def decide(self, base: Record, record: Record) -> bool:
        """This register's own record, unless another than `base` counts by now. Raises: StorageRefused, Overloaded."""
        async with self.deciding:
            if not self.still(base) or record.epoch <= self.epoch:
                return False
            fence = max(self.kept.fence, record.epoch)
            await self.keep(msgspec.structs.replace(self.kept, record=record, fence=fence), record.event())
            return True

    def still(self, base: Record) -> bool:
        """Nothing newer than `base` is known."""
        return self.record == base and self.heard_of.epoch == base.epoch

    async def keep(self, kept: Kept, *events: RolesAssigned) -> None:
        """While `deciding` is held. Raises: StorageRefused, Overloaded: nothing has changed."""
        await self.parts.append(events, {SETTING: encode(kept)})
        self.use(kept)

    def use(self, kept: Kept) -> None:
        """It is durable."""
        before, self.kept = self.record, kept
        if kept.record != before:
            self.times = lease.adopted(self.times, before, kept.record, self.me, self.parts.now_s())
            if self.parts.ask is None:
                self.times = msgspec.structs.replace(self.times, ready_s=-math.inf, caught_up=True, released=True)
            if kept.record.epoch > self.heard_of.epoch:
                self.heard_of = kept.record
            self.why = ""
            log.info("roles: %s, %s", kept.record.words(), kept.record.cause)
        self.see(max(kept.fence, kept.record.epoch))
        self.look()
        self.woken.set()

    async def release(self, record: Record) -> None:
        """All who had a role before `record` have acknowledged it. Raises: StorageRefused, Overloaded."""
        async with self.deciding:
            if self.record == record and not self.times.released:
                await self.keep(msgspec.structs.replace(self.kept, released=record.epoch))
                self.times = msgspec.structs.replace(self.times, released=True)

    # --- what other registers ask ---

    def answers(self) -> dict[str, Callable[[str, bytes], Awaitable[bytes]]]:
        """By topic (see `telling.py`)."""
        return {"roles.renew": self._renew, "roles.witness": self._witness, "roles.claim": self._claim}

    async def _renew(self, register: str, body: bytes) -> bytes:
        asked: Renew = decode_renew(body)
        record = record_of(asked.record)
        self.learn(record)
        await self.adopt()
        if asked.released and record == self.record and not self.times.released:
            await self.release(record)
        if register == self.record.primary and record == self.record:
            self.led_s = self.parts.now_s()
        # Nothing is awaited from here to the answer: a backup that stands, or goes by another record, grants nothing.
        same = record == self.record and self.heard_of.epoch == record.epoch
        granted = same and register == record.primary and record.backup == self.me and not self.standing
        if granted:
            self.times = lease.granted(self.times, self.parts.now_s())
        higher = self.record.event() if self.epoch > record.epoch else None
        return encode(Renewed(self.epoch, granted, higher, self.kept.stood))

    async def _witness(self, register: str, body: bytes) -> bytes:
        asked = decode_asked(body)
        if asked.register != register:
            return encode(WitnessSaid(says="refuses"))
        return encode(await self._judged(asked, self._age_s(asked.away)))

    async def _claim(self, register: str, body: bytes) -> bytes:
        claim: Claim = decode_claim(body)
        if claim.register != register or self.standing:
            return encode(WitnessSaid(says="refuses", epoch=self.seen))
        asked = WitnessAsked(register=register, away=".", base=claim.base, epoch=claim.epoch, binding=True)
        return encode(await self._judged(asked, math.inf))

    async def _judged(self, asked: WitnessAsked, age_s: float) -> WitnessSaid:
        async with self.deciding:
            record = newest((self.record, self.heard_of))
            says, epoch = judge(asked, self.me, record.epoch, self.kept.agreed, age_s)
            if says == "agrees" and asked.binding and asked.epoch > self.kept.agreed:
                await self.keep(msgspec.structs.replace(self.kept, agreed=asked.epoch))
        self.see(asked.epoch)
        return WitnessSaid(says=says, epoch=epoch, record=record.event() if record.epoch > asked.base else None)

    def _age_s(self, register: str) -> float:
        up_s = self.parts.now_s() - self.started_s
        heard_s = self.parts.heard_s(register)
        return up_s if heard_s is None else min(heard_s, up_s)

    # --- asking others ---

    def others(self) -> tuple[str, ...]:
        """The other registers that belong to the store."""
        members = self.parts.members() if self.parts.members is not None else self.parts.registers
        return tuple(one for one in self.parts.registers if one != self.me and one in members)

    async def ask(self, register: str, topic: str, question: object, within_s: float) -> bytes | None:
        """None where it does not answer, or says no."""
        if self.parts.ask is None:
            return None
        with suppress(TillkeeperError, msgspec.DecodeError):
            return await self.parts.ask(register, topic, encode(question), within_s)
        return None

    # --- its task ---

    async def run(self) -> None:
        """Until cancelled."""
        said = ""
        while True:
            self.woken.clear()
            try:
                await self.adopt()
                said = ""
            except TillkeeperError as error:
                if said != (said := str(error)):
                    log.warning("a new record of roles is not kept yet: %s", error)
            self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S if self.parts.ask is not None else None):
                    await self.woken.wait()

    def look(self) -> None:
        """What time alone changes."""
        now_s = self.parts.now_s()
        if self.role == "primary" and not self.times.caught_up:
            self.times = lease.caught_up(self.record, self.times, self.parts.behind(), now_s)
        shown = (self.record, self.phase(now_s))
        if shown != self._shown:
            if self._shown is not None and shown[1] != self._shown[1]:
                log.info("roles: this register is %s now", shown[1])
            self._shown = shown
            for tell in self.changed:
                tell()


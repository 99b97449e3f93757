"""Following the logs: whoever needs to know what all registers wrote gets each event once, in the order of its log."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from tillkeeper.contract.base import Event
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import EVENT_TYPES
from tillkeeper.contract.placing import read_event
from tillkeeper.errors import TillkeeperError
from tillkeeper.journal.records import Appended, Batch
from tillkeeper.replication.model import LogId, Mark

log = logging.getLogger(__name__)

LOOK_S = 0.2
"""What others wrote is seen within this; what this register wrote, at once."""
PAGE = 200
"""Events that are read in one go; then sales have their turn."""
KEEP_EVERY = 2_000
KEEP_EVERY_S = 60.0
_PREFIX = "following."


class Follower(Protocol):
    """A fold over the events of all logs. Logs come in any interleaving, and each only in its own order, so that what it comes
    to must not depend on who comes first. What has no readable body is not given to it, nor what is in quarantine: HQ counts
    that no more than a register does.

    `name`: under which its state is kept. `kinds`: types of events that it wants, None for all."""

    @property
    def name(self) -> str: ...

    @property
    def kinds(self) -> frozenset[str] | None: ...

    def take(self, envelope: Envelope, event: Event) -> None:
        """The next event of a log. Personal texts that come with it are not to be kept."""

    def dump(self) -> bytes:
        """All that `load` needs to go on from here."""

    def load(self, state: bytes) -> None:
        """Called once, before the first `take`; not where nothing was kept. Raises: msgspec.DecodeError, ValueError: it is not
        of this form, and nothing has changed."""


class Logs(Protocol):
    """The library: own logs and those held for others."""

    def heads(self) -> Mapping[LogId, Mark]: ...

    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]: ...

    def rejected(self, log: LogId, after_seq: int, last_seq: int) -> frozenset[int]: ...


class Settings(Protocol):
    """The journal."""

    def setting(self, name: str) -> bytes | None: ...

    async def append(self, batch: Batch) -> Appended: ...


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    """Where it is in each log, and what it had come to there. `read`: the types that it wants and the program could read then,
    as type/version."""

    upto: list[tuple[str, str, int]]
    state: bytes
    read: list[str] = []


class _Place:
    """A follower and where it is."""

    def __init__(self, follower: Follower, kept: bytes | None) -> None:
        self.follower = follower
        self.upto: dict[LogId, int] = {}
        self.unkept = 0
        self._read = sorted(f"{kind}/{version}" for kind, (_, version) in EVENT_TYPES.items() if self.wants(kind))
        if kept is not None:
            self._go_on(kept)

    def _go_on(self, kept: bytes) -> None:
        """From where it was; from the beginning where another version of the program was there, which passed over types that
        are read now, or wrote a state of another form."""
        try:
            stored = msgspec.msgpack.decode(kept, type=_Kept)
            if stored.read != self._read:
                log.info("%s reads the logs again: this version reads other types of events", self.follower.name)
                return
            self.follower.load(stored.state)
        except (msgspec.DecodeError, ValueError) as error:
            log.warning("%s reads the logs again: what was kept of them can not be read: %s", self.follower.name, error)
            return
        self.upto = {LogId(register, incarnation): seq for register, incarnation, seq in stored.upto}

    def take(self, which: LogId, envelope: Envelope, event: Event | None) -> bool:
        """Whether it was given the event."""
        if envelope.seq <= self.upto.get(which, 0):
            return False
        self.upto[which] = envelope.seq
        self.unkept += 1
        if event is None:
            return False
        try:
            self.follower.take(envelope, event)
        except Exception:  # others write these events: one that a fold can not bear ends neither this register nor the rest
            log.exception(
                "%s passes over %s %d of register %s", self.follower.name, envelope.type, envelope.seq, which.register
            )
        return True

    def wants(self, kind: str) -> bool:
        return self.follower.kinds is None or kind in self.follower.kinds

    def dump(self) -> bytes:
        upto = [(which.register, which.incarnation, seq) for which, seq in sorted(self.upto.items())]
        return msgspec.msgpack.encode(_Kept(upto, self.follower.dump(), self._read))


class Following:
    """`run` is its one task. `changed`: called after each page that gave somebody something."""

    def __init__(self, logs: Logs, journal: Settings) -> None:
        self._logs, self._journal = logs, journal
        self._places: list[_Place] = []
        self._woken = asyncio.Event()
        self._one_reader = asyncio.Lock()
        self._kept_s = 0.0
        self.changed: list[Callable[[], None]] = []

    def add(self, follower: Follower) -> None:
        """Before `run`. Raises: StorageUnreadable."""
        self._places.append(_Place(follower, self._journal.setting(_PREFIX + follower.name)))

    def notify(self) -> None:
        """There are new events."""
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        self._kept_s = asyncio.get_running_loop().time()
        while True:
            self._woken.clear()
            try:
                await self.caught_up()
                await self._keep()
            except TillkeeperError as error:  # a disk that fails: what is not followed now is followed once it is back
                log.warning("the logs are not followed now: %s", error)
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def caught_up(self) -> None:
        """Everybody has what is durable now. Raises: StorageUnreadable."""
        async with self._one_reader:
            for which, mark in sorted(self._logs.heads().items()):
                while (after := min((place.upto.get(which, 0) for place in self._places), default=mark.seq)) < mark.seq:
                    events = self._logs.events(which, after, PAGE)
                    if not events:
                        break  # it was set aside since
                    self._give(which, events)
                    await asyncio.sleep(0)

    def _give(self, which: LogId, events: list[Envelope]) -> None:
        given = False
        rejected = self._logs.rejected(which, events[0].seq - 1, events[-1].seq)
        for envelope in events:
            wanted = [place for place in self._places if place.wants(envelope.type) and envelope.seq not in rejected]
            event = read_event(envelope) if wanted else None
            for place in self._places:
                given |= place.take(which, envelope, event if place in wanted else None)
        if given:
            for tell in self.changed:
                try:
                    tell()
                except Exception:  # as above: what a room makes of it is made of what others write
                    log.exception("a page of register %s", which.register)

    async def _keep(self) -> None:
        now_s = asyncio.get_running_loop().time()
        most = max((place.unkept for place in self._places), default=0)
        if most >= KEEP_EVERY or (most and now_s - self._kept_s >= KEEP_EVERY_S):
            await self.keep()

    async def keep(self) -> None:
        """Make durable where everybody is. Raises: StorageRefused."""
        kept: dict[str, bytes] = {}
        counts = {place.follower.name: place.unkept for place in self._places}
        for place in self._places:
            try:
                if place.unkept:
                    kept[_PREFIX + place.follower.name] = place.dump()
            except Exception:  # what it came to of what others wrote has no form; it begins again after a restart
                log.exception("what %s came to is not kept", place.follower.name)
        self._kept_s = asyncio.get_running_loop().time()
        if kept:
            await self._journal.append(Batch(settings=kept))
            for place in self._places:
                place.unkept -= counts[place.follower.name]

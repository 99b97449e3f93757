"""The end of day at a register of the simulation, as `day/opening.py` puts it together, and a manager who closes days."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import NamedTuple, Protocol, cast

import msgspec
from tests.simulation.disk import MemoryJournal
from tests.simulation.till import Till

from tillkeeper.contract.books import DayBooks
from tillkeeper.contract.commands import AnyCommand
from tillkeeper.contract.day import CloseDay, DayAsk, DeclareGap, ParkRegister, UnparkRegister
from tillkeeper.contract.envelope import Envelope
from tillkeeper.day.books import BookParts, StoreDays
from tillkeeper.day.close import TOPIC, CloseParts, Closing
from tillkeeper.day.desk import DayDesk, DayParts
from tillkeeper.day.index import DayIndex
from tillkeeper.day.members import DayMembers, MemberParts
from tillkeeper.day.opening import RolesDuty
from tillkeeper.day.tails import DayTails, TailParts
from tillkeeper.errors import Overloaded, Refused, StorageRefused, TillkeeperError
from tillkeeper.journal.journal import Journal
from tillkeeper.replication.following import Following
from tillkeeper.replication.library import Library
from tillkeeper.replication.model import LogId
from tillkeeper.replication.peers.desk import PeersDesk
from tillkeeper.roles.keeper import RolesKeeper
from tillkeeper.till.z_numbers import ZNumbers

MAX_LOG = 1_000_000
CLOSE_S = 25.0
"""Mean time between two looks of the manager."""
SIGNS, PARKS, TAKES_BACK = 0.3, 0.1, 0.5
"""What a manager does about a register that is missing, and about one that is parked."""
_encode, _decode_ask = msgspec.json.Encoder().encode, msgspec.json.Decoder(DayAsk).decode


class Watch(Protocol):
    def refused_close(self, machine: str, code: str) -> None: ...


class Said(NamedTuple):
    """What a register says of every day, and what it has that counts."""

    books: dict[str, DayBooks]
    events: list[Envelope]


class SimZ:
    """As `z_numbers.ZNumbers`; its file is on the platter."""

    def __init__(self, settings: dict[str, int]) -> None:
        self._kept = settings

    def known(self, drawer: str) -> int:
        return self._kept.get(f"z {drawer}", 0)

    def keep(self, drawer: str, number: int) -> None:
        self._kept[f"z {drawer}"] = number


class EndOfDay:
    def __init__(
        self, name: str, journal: MemoryJournal, till: Till, desk: PeersDesk, library: Library, following: Following,
        roles: RolesKeeper, chance: random.Random, watch: Watch, *, members: Callable[[], Collection[str]],
        now_s: Callable[[], float], wall_ms: Callable[[], int], new_id: Callable[[], str], notify: Callable[[], None],
        step_aside: Callable[[], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._name, self._till, self._desk, self._chance, self._watch, self._new_id = name, till, desk, chance, watch, new_id
        me, stamp = journal.register, till.stamp
        self.index = DayIndex()
        following.add(self.index)
        self.duty = RolesDuty(roles, now_s)
        self.tails = DayTails(
            TailParts(
                journal=cast(Journal, journal), stamp=stamp, index=self.index, caught_up=following.caught_up,
                admit=self.duty.admit, in_hand=lambda: till.intake.in_hand, changed=notify,
            )
        )  # fmt: skip
        following.changed.append(self.tails.closed_somewhere)
        self._members = DayMembers(
            MemberParts(
                register=me, logs=library, index=self.index, members=lambda: tuple(sorted(members())), states=desk.states,
                finals=desk.finals, now_s=now_s, writing=lambda: journal.incarnation,
            )
        )  # fmt: skip
        books = StoreDays(BookParts(logs=library, index=self.index, caught_up=following.caught_up, step_aside=step_aside))
        self._logs, self._books, self._held = library, books, journal.platter.held
        closing = Closing(
            CloseParts(
                register=me, stamp=stamp, index=self.index, members=self._members, tails=self.tails, books=books,
                duty=self.duty, ask=desk.ask, caught_up=following.caught_up, now_s=now_s,
                numbers=cast(ZNumbers, SimZ(journal.platter.codes)),
            )
        )  # fmt: skip
        self.desk = DayDesk(
            DayParts(
                register=me, currency="EUR", minor_digits=2, stamp=stamp, index=self.index, members=self._members, books=books,
                closing=closing, duty=self.duty, caught_up=following.caught_up, setting=journal.setting, now_ms=wall_ms,
            )
        )  # fmt: skip
        desk.answers[TOPIC] = self._answer

    async def _answer(self, _register: str, body: bytes) -> bytes:
        return _encode(await self.tails.asked(_decode_ask(body)))

    async def said(self) -> Said:
        """Of every day, as this register adds it up now."""
        days = {one.stamped for one in self.index.all_ranges()} | {*self.index.days.closes, self.index.days.open_from} - {""}
        books = {day: (await self._books.figures(day)).books for day in sorted(days)}
        return Said(books, [event for log in self._logs.heads() for event in self._counted(log)])

    def _counted(self, log: LogId) -> Iterator[Envelope]:
        """What it has of a log; of what it holds for others not what is in quarantine."""
        events, held = self._logs.events(log, 0, MAX_LOG), self._held
        aside = held.rejected(log, 0, MAX_LOG) if events == held.events(log, 0, MAX_LOG) else ()
        return (event for event in events if event.seq not in aside)

    async def run(self) -> None:
        """A manager, wherever the primary is."""
        while True:
            await asyncio.sleep(self._chance.expovariate(1.0 / CLOSE_S))
            if not self._till.selling or not self.duty.holds():
                continue
            for register in self._desk.states:
                if self.index.parked(register) is not None and self._chance.random() < TAKES_BACK:
                    await self._say(UnparkRegister(register=register))
            await self._close()

    async def _close(self) -> None:
        refused = await self._say(CloseDay(print_report=False))
        if refused is None:
            return
        for missing in refused.extra.get("missing", ()):
            register, roll = missing["register"], self._chance.random()
            if roll < SIGNS:
                await self._say(DeclareGap(register=register, reason="it is broken"))
            elif roll < SIGNS + PARKS:
                await self._say(ParkRegister(register=register, reason="it is broken"))

    async def _say(self, command: AnyCommand) -> Refused | None:
        try:
            await self._till.intake.execute(self._new_id(), command)
        except Refused as refused:
            self._watch.refused_close(self._name, refused.code)
            return refused
        except (StorageRefused, Overloaded):
            return None
        except TillkeeperError as error:
            self._watch.refused_close(self._name, error.code)
        return None

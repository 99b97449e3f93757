"""What happens at one register: cashiers at the agent's own intake, who ring, send, take money, void, and take over checks."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol, cast

import msgspec
from tests.simulation.bank import BankLine
from tests.simulation.disk import MemoryJournal, Raw
from tests.simulation.printing import Cook, Spool
from tests.simulation.shop import ITEMS, catalogue, config

from tillkeeper.across.elsewhere import Directory
from tillkeeper.across.healing import TOPIC as CATALOGUE_TOPIC
from tillkeeper.across.healing import Healing
from tillkeeper.across.past import Past
from tillkeeper.across.taking import TOPIC as TAKE_TOPIC
from tillkeeper.across.taking import Taking
from tillkeeper.contract import commands as cmd
from tillkeeper.contract.authorisations import AbandonAuthorisation, QueryAuthorisation
from tillkeeper.contract.availability import AvailabilityState, SetAvailability
from tillkeeper.contract.commands import AnyCommand, NewLine, NewTender
from tillkeeper.contract.together import TakeCheck
from tillkeeper.errors import NotFound, Overloaded, Refused, StorageRefused
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch
from tillkeeper.replication.following import Following
from tillkeeper.replication.library import Library
from tillkeeper.replication.model import LogId
from tillkeeper.replication.peers.desk import PeersDesk
from tillkeeper.sales.authorisations import frozen
from tillkeeper.sales.model import Check
from tillkeeper.till.approvals import Approvals
from tillkeeper.till.availability import StockKeeper
from tillkeeper.till.catalogues import Catalogues, adopt
from tillkeeper.till.codes import CARS, OpeningCodes
from tillkeeper.till.desk import Desk
from tillkeeper.till.intake import Intake
from tillkeeper.till.parts import Parts
from tillkeeper.till.shelf import Shelf
from tillkeeper.till.stamp import Stamp

STATES: tuple[AvailabilityState, ...] = ("available", "available", "counting", "counting", "sold_out")
ALTHOUGH = 0.5
"""The share of checks of silent registers that a cashier takes all the same."""


class Sale(msgspec.Struct, frozen=True):
    """What a terminal sends, and sends again under the same key where it got no answer."""

    key: str
    command: AnyCommand

    @property
    def kind(self) -> str:
        return str(self.command.__struct_config__.tag)


class Witness(Cook, Protocol):
    """Who watches all that a guest or a cook could see."""

    def asked(self, machine: str, sale: Sale) -> None: ...

    def answered(self, machine: str, sale: Sale, took_s: float) -> None: ...

    def refused(self, machine: str, sale: Sale, code: str) -> None: ...


class Habits(msgspec.Struct):
    """`apart_s`: mean time between two commands. `unknown`, `poison`: shares of commands behind which comes an event of a type
    to come, or one that nobody can read. `printer_out`: share of tickets before which the printer is out for a minute. `takes`:
    share of commands that take over a check of another register."""

    apart_s: float = 3.0
    unknown: float = 0.05
    poison: float = 0.0
    printer_out: float = 0.0
    takes: float = 0.1
    words: float = 0.08
    """Share of commands that say what is sold out, or how much of it is left."""
    cards: float = 0.3
    """Share of payments by card."""


class SimCodes:
    """As `journal.numbering.Codes`; its file is a dict on the platter."""

    def __init__(self, kept: dict[str, int]) -> None:
        self._kept = kept

    def next(self, business_day: str) -> int:
        self._kept[business_day] = self._kept.get(business_day, 0) + 1
        return self._kept[business_day]

    def give_back(self, business_day: str, code: int) -> None:
        if self._kept.get(business_day) == code:
            self._kept[business_day] = code - 1

    def used_before(self, business_day: str, code: int) -> None:
        self._kept[business_day] = max(code, self._kept.get(business_day, 0))

    def setting(self) -> dict[str, bytes]:
        return {}


class Peers:
    """As `across.opening.HeardPeers`, on this machine's clock."""

    def __init__(self, desk: PeersDesk, now_s: Callable[[], float]) -> None:
        self._desk, self._now_s = desk, now_s

    async def ask(self, register: str, topic: str, body: bytes, within_s: float) -> bytes:
        return await self._desk.ask(register, topic, body, within_s, call=True)

    def others(self) -> list[str]:
        return list(self._desk.states)

    def is_heard(self, register: str) -> bool:
        heard = [state for state in self._desk.states.values() if state.is_heard(self._now_s())]
        return any(state.register == register or register in state.hears for state in heard)

    def silent_s(self, register: str) -> float | None:
        state = self._desk.states.get(register)
        return state.age_s(self._now_s()) if state is not None else None


class Tasks:
    """As a task group, for the intake: commands live as long as the machine."""

    @staticmethod
    def create_task(work: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(work, name=name)


class Till:
    """Of one process. `pending` outlives it: what a terminal has no answer to yet."""

    def __init__(
        self, name: str, order: tuple[str, ...], journal: MemoryJournal, desk: PeersDesk, library: Library,
        following: Following, bank: BankLine, pending: list[Sale], habits: Habits, chance: random.Random, witness: Witness,
        *, wall_ms: Callable[[], int], now_s: Callable[[], float], new_id: Callable[[], str],
        step_aside: Callable[[], Awaitable[None]], notify: Callable[[], None],
    ) -> None:  # fmt: skip
        self._name, self.journal, self._desk, self._pending, self._habits = name, journal, desk, pending, habits
        self._chance, self._witness, self._now_s, self._new_id, self._notify = chance, witness, now_s, new_id, notify
        self.selling = True
        self.config = config(journal.register, order)
        agent = cast(Journal, journal)
        self.stamp = Stamp(self.config.store, wall_ms)
        self.shelf = Shelf(agent)
        self.shelf.load()
        self.spool = Spool(
            name, journal, self.config, habits, chance, witness, wall_ms=wall_ms, stamp=self.stamp, notify=notify
        )
        self.stock = StockKeeper(agent, lambda: None, self.stamp)
        self.catalogues = Catalogues(agent, catalogue())
        self.directory = Directory(library)
        peers = Peers(desk, now_s)
        past = Past(agent)
        self.taking = Taking(self.config, agent, self.shelf, self.directory, peers, lambda: self.intake, past)
        self.healing = Healing(
            self.config, agent, self.shelf, self.taking, peers, lambda: self.intake, lambda _check_id: None,
            following.caught_up, desk.knows_its_past,
        )  # fmt: skip
        desk.answers[TAKE_TOPIC] = self.taking.answer
        desk.answers[CATALOGUE_TOPIC] = self.healing.give_catalogue
        for follower in (self.directory, self.stock, past):
            following.add(follower)
        following.changed += [self.stock.tell, self.healing.notify]
        codes = OpeningCodes(
            self.config.register.letter, SimCodes(journal.platter.codes), SimCodes(journal.platter.practice),  # type: ignore[arg-type]
            journal.setting(CARS),
        )  # fmt: skip
        self.used_before = codes.used_before
        self._parts = {
            "config": self.config, "journal": journal, "shelf": self.shelf, "spool": self.spool, "catalogues": self.catalogues,
            "codes": codes, "approvals": Approvals(now_s), "stock": self.stock, "mode": lambda: "online",
            "stamp": self.stamp, "now_ms": wall_ms, "new_id": new_id, "second_copy": self._second_copy,
            "knows_its_past": desk.knows_its_past,
            "step_aside": step_aside, "taking": self.taking, "gateways": {"bank": bank}, "now_s": now_s,
        }  # fmt: skip
        self._wall_ms = wall_ms

    def open(self, *desks: Desk) -> None:
        """Before anybody is asked anything."""
        parts = Parts(**self._parts, desks=desks)  # type: ignore[arg-type]
        self.intake = Intake(parts, cast(asyncio.TaskGroup, Tasks()), lambda _held: self._notify())

    async def run(self) -> None:
        """Cashiers at work."""
        await self._begin()
        for sale in list(self._pending):
            await self._send(sale)
        while True:
            await asyncio.sleep(self._chance.expovariate(1.0 / self._habits.apart_s))
            if self.selling:
                for sale in list(self._pending):
                    await self._send(sale)
                await self._send(Sale(self._new_id(), self._next()))
                await self._something_strange()
            else:
                await self._take_own()

    async def _take_own(self) -> None:
        """Before they go home: what only a lost log of this register knows is taken again, for a card may have paid it."""
        for there in self.taking.open_elsewhere():
            if there.where.mine:
                await self._send(Sale(self._new_id(), TakeCheck(check_id=there.check.check_id)))

    async def _begin(self) -> None:
        """Until its disk takes it: without a catalogue nothing is rung."""
        agent = cast(Journal, self.journal)
        while True:
            try:
                await self.stock.begin(self._new_id)
                await adopt(agent, self.catalogues.current, self.stamp.today(), self._wall_ms())
            except (StorageRefused, Overloaded):
                await asyncio.sleep(1.0)
            else:
                return

    async def _second_copy(self) -> None:
        await self._desk.copies.second(LogId(self.journal.register, self.journal.incarnation), self.journal.last_seq)

    # --- cashiers ---

    def _next(self) -> AnyCommand:
        if self._chance.random() < self._habits.words:
            state = self._chance.choice(STATES)
            remaining = self._chance.randint(1, 30) if state == "counting" else None
            return SetAvailability(kind="item", subject_id=self._chance.choice(ITEMS), state=state, remaining=remaining)
        mine = [held.check for held in self.shelf.open_checks() if not held.check.elsewhere]
        if self._chance.random() < self._habits.takes and (theirs := self.taking.open_elsewhere()):
            there = self._chance.choice(theirs)
            return TakeCheck(check_id=there.check.check_id, although_unreachable=self._chance.random() < ALTHOUGH)
        if not mine or self._chance.random() < 0.3:
            if self._chance.random() < self._habits.cards / 4:
                return cmd.PlaceOrder(order_type="takeout", lines=self._lines(), tenders=(NewTender(tender="card"),))
            return cmd.OpenCheck(order_type="dine_in", lines=self._lines())
        return self._about(self._chance.choice(mine))

    def _lines(self) -> tuple[NewLine, ...]:
        many = self._chance.randint(1, 3)
        return tuple(NewLine(item_id=self._chance.choice(ITEMS), quantity=self._chance.randint(1, 3)) for _ in range(many))

    def _about(self, check: Check) -> AnyCommand:
        check_id, roll = check.check_id, self._chance.random()
        lines = [line for line in check.lines if line.quantity]
        if frozen(check) and self._chance.random() < 0.7:
            if self._chance.random() < 0.5:
                return AbandonAuthorisation(check_id=check_id, although_unreachable=self._chance.random() < ALTHOUGH)
            return QueryAuthorisation(check_id=check_id)
        if roll < 0.25 or not lines:
            return cmd.AddLines(check_id=check_id, lines=self._lines())
        if roll < 0.5:
            return cmd.SendOrder(check_id=check_id)
        if roll < 0.6:
            line = self._chance.choice(lines)
            return cmd.VoidLine(check_id=check_id, line_id=line.line_id, reason="burnt", quantity=1)
        if roll < 0.65:
            return cmd.VoidCheck(check_id=check_id, reason="left")
        part = self._chance.randint(1, 2000) if self._chance.random() < 0.2 else None
        tender = "card" if self._chance.random() < self._habits.cards else "cash"
        return cmd.RecordTender(check_id=check_id, tender=tender, tendered_minor=part, although_unreachable=bool(check.doubt))

    async def _send(self, sale: Sale) -> None:
        if sale not in self._pending:
            self._pending.append(sale)
            self._witness.asked(self._name, sale)
        began_s = self._now_s()
        try:
            _, replayed = await self.intake.execute(sale.key, sale.command)
        except (StorageRefused, Overloaded, Refused, NotFound) as error:
            self._pending.remove(sale)
            self._witness.refused(self._name, sale, error.code)
            return
        self._pending.remove(sale)
        if not replayed:
            self._witness.answered(self._name, sale, self._now_s() - began_s)

    async def _something_strange(self) -> None:
        """Of a newer agent, or of a disk that has gone wrong."""
        roll, odd = self._chance.random(), self._new_id()
        if roll < self._habits.unknown:
            strange = Raw(type="table_merged", version=7, body=f'{{"key" :  "{odd}","n":1.50, "x":null}}')
        elif roll > 1 - self._habits.poison:
            strange = Raw(type="tender_recorded", version=1, body=f'{{"tender_id": 7, "check_id": ["{odd}"]}}')
        else:
            return
        with suppress(StorageRefused, Overloaded):
            await self.journal.append(Batch(events=(self.stamp(strange),)))
            self._notify()

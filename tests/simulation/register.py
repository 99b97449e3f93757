"""A register as a machine: its disk, its clock, and the agent's own shells over them, put together as the agent does it."""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, cast

from tests.simulation.bank import Bank, BankLine
from tests.simulation.closing import EndOfDay
from tests.simulation.closing import Watch as DayWatch
from tests.simulation.disk import Drive, Held, MemoryJournal, Platter
from tests.simulation.hq import Hq, HqLine
from tests.simulation.loops import MachineLoop, Time
from tests.simulation.net import Net, SimConnection
from tests.simulation.roles import Duties
from tests.simulation.roles import Watch as RolesWatch
from tests.simulation.shop import EPOCH_MS, STORE, WEB
from tests.simulation.till import Habits, Sale, Till, Witness
from tests.support.keys import AUTHORITY

from tillkeeper.config.model import Hq as HqConfig
from tillkeeper.contract.envelope import Envelope, HqAnswer, HqBatch
from tillkeeper.contract.roles import Epoch, Role
from tillkeeper.contract.roster import Admitted, Merge, Roster, Signed
from tillkeeper.journal.journal import Journal
from tillkeeper.online.taking import OnlineTaker, TakerParts
from tillkeeper.replication.adoption import Adoption
from tillkeeper.replication.audit import Audit
from tillkeeper.replication.conflicts import Conflicts
from tillkeeper.replication.following import Following
from tillkeeper.replication.hq import HqLink
from tillkeeper.replication.library import Library
from tillkeeper.replication.outgoing import Selected
from tillkeeper.replication.peers.desk import PeersDesk
from tillkeeper.replication.peers.lost import lost_beyond
from tillkeeper.replication.peers.parts import PeersParts
from tillkeeper.replication.recall import Recall
from tillkeeper.replication.renewals import Renewals
from tillkeeper.replication.returning import Returning
from tillkeeper.till.availability_asking import ask_all

SECOND_COPY_S = 0.05
ADOPT_AFTER_S = 10.0
ASK_S = 0.3
ANSWERING_S = 5.0


class Watch(Witness, RolesWatch, DayWatch, Protocol):
    """The witness, who sees disks too."""

    def written(self, machine: str, platter: Platter, envelope: Envelope) -> None: ...

    def promised(self, machine: str, held: Held, batch: HqBatch, answer: HqAnswer) -> None: ...

    def said(self, machine: str, words: str) -> None: ...


class SimKeys:
    """The store's keys, kept on the platter."""

    def __init__(self, platter: Platter, drive: Drive) -> None:
        self._platter, self._drive = platter, drive
        self.pair = platter.pair
        self.roster = Roster(STORE, AUTHORITY.key).merged(platter.statements).roster

    def admission(self) -> tuple[Signed, ...]:
        found = (one for one in self.roster.statements if isinstance(one.statement, Admitted))
        return tuple(one for one in found if one.statement.key == self.pair.key)

    async def take(self, statements: Iterable[Signed]) -> Merge:
        merge = self.roster.merged(statements)
        if merge.added:
            self.roster = merge.roster
            await self._drive.sync(reserve=True)
            self._platter.statements = self.roster.statements
        return merge


class Told:
    """The holdings, and a witness to what they answer."""

    def __init__(self, held: Held, told: Callable[[HqBatch, HqAnswer], None]) -> None:
        self._held, self._told = held, told
        self.marks, self.events, self.signed_up_to = held.marks, held.events, held.signed_up_to
        self.quarantined, self.erase = held.quarantined, held.erase

    @property
    def alarms(self) -> tuple[str, ...]:
        return self._held.alarms

    async def take(self, batch: HqBatch, now_ms: int, last_accepted: int | None = None) -> HqAnswer:
        answer = await self._held.take(batch, now_ms, last_accepted)
        self._told(batch, answer)
        return answer


class Machine:
    """`name`: of the box, `register`: who it says it is; a clone has a box of its own and the same register. `skew_ms`: what
    its wall clock is off. `scrapped`: it is not switched on again."""

    def __init__(
        self, name: str, platter: Platter, time: Time, net: Net, hq: Hq, bank: Bank, order: tuple[str, ...], habits: Habits,
        seed: int, watch: Watch,
    ) -> None:  # fmt: skip
        self.name, self.register, self.platter = name, platter.register, platter
        self._time, self._net, self._hq, self._bank, self._order = time, net, hq, bank, order
        self._habits, self._seed, self._watch = habits, seed, watch
        self.powered = self.scrapped = False
        self.serve: Callable[[SimConnection], Awaitable[None]] | None = None
        self.loop = MachineLoop(time, name)
        self.loop.alive = False
        self.skew_ms = 0
        self.pending: list[Sale] = []
        self.met: frozenset[str] = frozenset()
        """Who told it, before its first ticket, what it did and does not know any more."""
        self.pauses = 0
        self._starts = self._ids = 0
        self._booted_s = 0.0
        self.selling = True
        self.drive = Drive(random.Random(f"{seed} disk {name}"))
        self.till: Till | None = None
        self.desk: PeersDesk | None = None
        self.hq_link: HqLink | None = None
        self.duties: Duties | None = None
        self.day: EndOfDay | None = None
        net.hosts.append(self)

    @property
    def key(self) -> str:
        return self.platter.pair.key

    @property
    def running(self) -> bool:
        return self.loop.alive

    def start(self) -> None:
        """The agent, and the machine under it where it was off."""
        if self.running or self.scrapped:
            return
        if not self.powered:
            self.powered, self._booted_s = True, self._time.now_s
        self._starts += 1
        self.loop = MachineLoop(self._time, self.name)
        self.loop.start(self._main(self.loop), "agent")

    def kill(self, *, power: bool = False) -> None:
        self.powered = self.powered and not power
        self.serve = None
        self.loop.kill()
        self._net.died(self)
        self.till = self.desk = self.hq_link = self.duties = self.day = None

    def pause(self) -> None:
        self.pauses += 1
        self.loop.pause()

    def holds(self) -> bool:
        """Whether it would do at this moment what only the primary may."""
        awake = self.running and not self.loop.paused
        return awake and self.duties is not None and self.duties.holds()

    def stop_selling(self) -> None:
        self.selling = False
        if self.till is not None:
            self.till.selling = False

    def wall_ms(self) -> int:
        return EPOCH_MS + int(self._time.now_s * 1000) + self.skew_ms

    def _now_s(self) -> float:
        return self._time.now_s - self._booted_s

    def _new_id(self) -> str:
        self._ids += 1
        text = f"{self._seed} {self.name} {self.platter.lineage} {self._ids}"
        return hashlib.sha256(text.encode()).hexdigest()[:26].upper()

    async def _main(self, loop: MachineLoop) -> None:
        platter, chance = self.platter, random.Random(f"{self._seed} {self.name} {self._starts}")
        platter.held.sync = self.drive.sync

        def written(envelope: Envelope) -> None:
            self._watch.written(self.name, platter, envelope)

        journal = MemoryJournal(platter, self.drive, chance, wall_ms=self.wall_ms, new_id=self._new_id, written=written)
        loop.start(journal.run(), "journal")
        keys = SimKeys(platter, self.drive)
        library = Library(journal, platter.held, keys.pair.key, keys.pair.sign)
        renewals, recall = Renewals(journal), Recall(self.register, journal, self.wall_ms)
        recall.learn(lost_beyond(self.register, library.in_journal(), STORE, library.heads(), library))
        holdings = Told(platter.held, lambda batch, answer: self._watch.promised(self.name, platter.held, batch, answer))
        order = self._order

        def told_adopted(register: str) -> tuple[HqBatch, ...]:
            return adoption.told_adopted(register)

        def adopted_elsewhere(register: str, job_ids: tuple[str, ...]) -> None:
            adoption.adopted_elsewhere(register, job_ids)
            recall.adopted_elsewhere(job_ids)

        def reaches_hq() -> bool:
            return self.hq_link is not None and self.hq_link.answers(ANSWERING_S)

        def relayed() -> None:
            if self.hq_link is not None:
                self.hq_link.notify()

        desk = PeersDesk(
            PeersParts(
                store=STORE, register=self.register, version="1", session=self._new_id(), order=order,
                callable=frozenset(order), library=library, writing=journal, holdings=holdings, keys=keys,
                dial=lambda register: self._net.dial(self, register), listen=self._listen, renewals=renewals,
                now_s=self._now_s, now_ms=self.wall_ms, chance=chance, second_copy_s=SECOND_COPY_S, hq=reaches_hq,
                told_adopted=told_adopted, adopted_elsewhere=adopted_elsewhere, relayed=relayed, lost=recall.learn,
                forked=lambda: audit.forked,
            )
        )  # fmt: skip
        adoption = Adoption(
            self.register, order, desk, library, journal, after_s=ADOPT_AFTER_S, now_s=self._now_s, now_ms=self.wall_ms
        )

        def unheard() -> list[str]:
            members, now_s = keys.roster.members, self._now_s()
            return [name for name, state in desk.states.items() if name in members and state.age_s(now_s) is None]

        returning = Returning(cast(Journal, journal), adoption, recall, unheard, self.wall_ms, ADOPT_AFTER_S)
        following = Following(library, journal)

        def notify() -> None:
            desk.notify()
            relayed()
            following.notify()

        async def step_aside() -> None:
            await asyncio.sleep(0)

        line = HqLine(self._hq, self._net, self.name, self.register, loop)
        bank = BankLine(self._bank, self._net, self.name, loop)
        till = Till(
            self.name, order, journal, desk, library, following, bank, self.pending, self._habits, chance, self._watch,
            wall_ms=self.wall_ms, now_s=self._now_s, new_id=self._new_id, step_aside=step_aside, notify=notify,
        )  # fmt: skip
        duties = Duties(
            self.name, order, journal, desk, following, line, chance, self._watch, now_s=self._now_s, stamp=till.stamp,
            members=lambda: keys.roster.members, notify=notify,
        )  # fmt: skip
        day = EndOfDay(
            self.name, journal, till, desk, library, following, duties.keeper, chance, self._watch,
            members=lambda: keys.roster.members, now_s=self._now_s, wall_ms=self.wall_ms, new_id=self._new_id, notify=notify,
            step_aside=step_aside,
        )  # fmt: skip
        till.open(day.desk)
        recall.tell_opened(till.used_before)
        if journal.last_seq > 1:
            await desk.door.ask(ASK_S)
            await renewals.settle()
        till.selling = self.selling
        self.till, self.duties, self.day = till, duties, day
        self.met = frozenset(name for name, state in desk.states.items() if state.age_s(self._now_s()) is not None)
        renewals.renewed = till.spool.doubt
        await returning.before_spool(till.spool)
        self.desk = desk
        audit = Audit(STORE, holdings.marks, library, lambda: desk.to_relay, line.exchange)
        self._watch.said(self.name, f"runs, log {journal.incarnation[:6]} at {journal.last_seq}")
        self.hq_link = HqLink(
            journal, Selected(library, journal, lambda: desk.to_relay, lambda: desk.forked), HqConfig(), line, till.intake,
            store=STORE, now_s=self._now_s, chance=chance,
            conflict=lambda log, reason: renewals.conflict(log, reason, "HQ"),
        )  # fmt: skip
        def roles() -> tuple[Role, str, str, Epoch]:
            record = duties.keeper.record
            return duties.keeper.role, record.primary, record.backup, record.epoch

        taker = OnlineTaker(
            TakerParts(
                register=self.register, settings=WEB, take=line.take_orders, execute=till.intake.execute,
                kept=journal.kept_command, roles=roles, now_ms=self.wall_ms, now_s=self._now_s,
            )
        )  # fmt: skip
        loop.start(renewals.run(), "renewals")
        loop.start(desk.run(), "peers")
        loop.start(adoption.run(till.spool), "adoption")
        loop.start(self.hq_link.run(), "hq")
        loop.start(audit.run(), "audit")
        loop.start(Conflicts(holdings, line.exchange).run(), "conflicts")
        loop.start(till.spool.run(), "spool")
        loop.start(till.run(), "cashiers")
        loop.start(till.healing.run(), "healing")
        loop.start(till.intake.authorising.run(), "authorising")
        loop.start(following.run(), "following")
        loop.start(duties.keeper.run(), "roles keeper")
        loop.start(duties.leading.run(), "roles leading")
        loop.start(duties.standing.run(), "roles standing")
        loop.start(duties.run(), "duties")
        loop.start(recall.run(till.spool), "recall")
        loop.start(taker.run(), "online")
        loop.start(ask_all(till.stock, desk), "stock")
        loop.start(day.tails.run(), "day tails")
        loop.start(day.run(), "manager")

    async def _listen(self, serve: "Callable[[SimConnection], Awaitable[None]]") -> None:
        self.serve = serve
        await asyncio.Event().wait()

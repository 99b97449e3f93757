"""The replication of one register: its links to HQ and to the others of its store, put together."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tillkeeper import clock
from tillkeeper.apart import apart
from tillkeeper.config.model import Config
from tillkeeper.config.replication_rules import place
from tillkeeper.contract.envelope import HqBatch
from tillkeeper.contract.events import CheckOpened
from tillkeeper.errors import StorageRefused, TillkeeperError
from tillkeeper.journal.files import HELD_FILE
from tillkeeper.journal.journal import Journal
from tillkeeper.replication.away import Away
from tillkeeper.replication.courtesy import Courtesy
from tillkeeper.replication.hq import HqLink, HqTransport, NumberSink
from tillkeeper.replication.kept_copies import KeptCopies
from tillkeeper.replication.link import LinkStatus
from tillkeeper.replication.model import Holdings, LogId
from tillkeeper.replication.outgoing import Logs, LogsWithPast, OwnLogs, Selected
from tillkeeper.replication.peers.state import PeerStatus
from tillkeeper.replication.renewals import Renewals
from tillkeeper.replication.sinks import SILENT_S, only_here
from tillkeeper.roles.mode import Uplink
from tillkeeper.trust.store_keys import StoreKeys

# What talks to others is loaded where there are others: a register alone starts without TLS and without a second database.
if TYPE_CHECKING:
    from tillkeeper.replication.adoption import Adoption
    from tillkeeper.replication.audit import Audit
    from tillkeeper.replication.library import Library
    from tillkeeper.replication.peers.desk import PeersDesk
    from tillkeeper.replication.peers.session import Connection
    from tillkeeper.replication.peers.stream import Joining
    from tillkeeper.replication.recall import Recall
    from tillkeeper.replication.returning import Returning, Spooling

log = logging.getLogger(__name__)

SET_ASIDE = "journal-set-aside-*.db"
LISTEN_AGAIN_S = 5.0
ASK_S = 0.3
"""So long the others are asked at the start how much they hold of this register's log."""
ANSWERING_S = 5.0
"""HQ counts as reached for so long after an answer."""


class Books(msgspec.Struct, frozen=True):
    """Where this register's events are. `only_here`: held by no other machine. `to_hq`: not yet at HQ, None where there is
    none. `alarms`: words for what needs a person. `prints_for`: silent registers whose kitchen tickets come out here."""

    only_here: int
    to_hq: int | None
    hq: LinkStatus | None
    peers: tuple[PeerStatus, ...] = ()
    alarms: tuple[str, ...] = ()
    prints_for: tuple[str, ...] = ()


class Replication:
    """Made by `open`, before the first append. `peers` is None where this register keeps to itself."""

    def __init__(
        self,
        config: Config,
        journal: Journal,
        logs: LogsWithPast,
        holdings: Holdings | None,
        keys: StoreKeys | None = None,
        recall: "Recall | None" = None,
    ) -> None:
        self._config, self._journal, self._logs, self._holdings, self._keys = config, journal, logs, holdings, keys
        self.renewals = Renewals(journal)
        self.courtesy = Courtesy()
        self.peers: PeersDesk | None = None
        self.adoption: Adoption | None = None
        self._recall = recall
        self._returning: Returning | None = None
        self._away = Away(journal, clock.wall_ms)
        self.audit: Audit | None = None
        self.hq: HqLink | None = None
        self.started_s = clock.boot_s()
        self.listening = self._deaf = ""
        self.joining: Joining | None = None
        self._changed: Callable[[], None] = lambda: None

    @classmethod
    async def open(cls, stack: AsyncExitStack, config: Config, journal: Journal, keys: StoreKeys | None) -> "Replication":
        """Opens what is held for others and asks them, for 0.3 s at most, whether this register is a restored copy of itself;
        then a new log begins. Nothing of it keeps a register from selling. What is left of a journal that was set aside is
        held as well, also where there are no others."""
        held_file = Path(config.data_dir) / HELD_FILE
        if keys is None and not held_file.exists() and not any(journal.path.parent.glob(SET_ASIDE)):
            return cls(config, journal, OwnLogs(journal), None)
        from tillkeeper.replication.held.held import HeldLogs
        from tillkeeper.replication.library import Library
        from tillkeeper.replication.recall import Recall

        try:
            holdings = await HeldLogs.open(held_file, config.store.id, wall_ms=clock.wall_ms)
        except TillkeeperError as error:
            log.error("nothing is held for others, and nothing sent to them: %s", error)
            return cls(config, journal, OwnLogs(journal), None)
        await stack.enter_async_context(holdings)
        recall = Recall(config.this_register, journal, clock.wall_ms)
        if keys is None:
            return cls(config, journal, Library(journal, holdings), holdings, recall=recall)
        library = Library(journal, holdings, keys.signer.key, keys.signer.sign)
        made = cls(config, journal, library, holdings, keys, recall)
        others = [one for name, one in config.registers.items() if name != config.this_register and one.address]
        if others or config.replication.listen:
            made._meet(library, holdings, keys, recall)
            await apart(made.ask())
        return made

    async def ask(self) -> None:
        """Whether any other register knows this one's logs better, and what it knows. Where the own log has only just begun,
        too: it may be that of a register whose disk was lost."""
        if self.peers is not None:
            await self.peers.door.ask(ASK_S)
            for _ in range(2):  # on a full disk the second one finds the room of the reserve
                if await self.renewals.settle():
                    break

    def _meet(self, library: "Library", holdings: Holdings, keys: StoreKeys, recall: "Recall") -> None:
        from tillkeeper.replication.adoption import Adoption
        from tillkeeper.replication.peers.desk import PeersDesk
        from tillkeeper.replication.peers.lost import lost_beyond
        from tillkeeper.replication.peers.parts import PeersParts
        from tillkeeper.replication.peers.stream import Listener, dial
        from tillkeeper.replication.returning import Returning

        config, settings = self._config, self._config.replication
        with suppress(StorageRefused):  # what came back in an earlier run nobody tells once more
            recall.learn(lost_beyond(config.this_register, library.in_journal(), config.store.id, library.heads(), library))
        ports = {name: place(one.address, settings.port) for name, one in config.registers.items() if one.address}

        async def call(register: str) -> "Connection":
            return await dial(keys, register, *ports[register])

        async def listen(serve: "Callable[[Connection], Awaitable[None]]") -> None:
            host, port = place(settings.listen, settings.port)

            def bound(at: int) -> None:
                self.listening, self._deaf = f"[{host}]:{at}" if ":" in host else f"{host}:{at}", ""
                log.info("other registers are answered on %s", self.listening)

            while True:
                try:
                    await Listener(keys, host, port, self.joining).run(serve, bound)
                except OSError as error:  # taken, or the address is not there yet: selling goes on, the others call in vain
                    self._deaf = f"No other register can call this one: {host} port {port}: {error.strerror or error}"
                    log.error("%s", self._deaf)
                    await asyncio.sleep(LISTEN_AGAIN_S)

        self.peers = PeersDesk(
            PeersParts(
                store=config.store.id,
                register=config.this_register,
                version=version("tillkeeper"),
                session=clock.new_id(),
                order=tuple(config.registers),
                callable=frozenset(ports),
                library=library,
                writing=self._journal,
                holdings=holdings,
                keys=keys,
                dial=call,
                listen=listen if settings.listen else None,
                renewals=self.renewals,
                now_s=clock.boot_s,
                now_ms=clock.wall_ms,
                chance=random.Random(),  # noqa: S311 - jitter, no secret
                second_copy_s=settings.second_copy_ms / 1000,
                step_aside=self.courtesy.step_aside,
                hq=self._reaches_hq,
                forked=lambda: self.audit.forked if self.audit is not None else frozenset(),
                told_adopted=self._told_adopted,
                adopted_elsewhere=self._adopted_elsewhere,
                lost=recall.learn,
                relayed=lambda: self.hq.notify() if self.hq else None,
                changed=lambda: self._changed(),
            )
        )
        self.peers.begin_with(KeptCopies(self._journal, self.peers.answered).of)
        self.adoption = Adoption(
            config.this_register, tuple(config.registers), self.peers, library, self._journal,
            after_s=settings.adopt_after_s, now_s=clock.boot_s, now_ms=clock.wall_ms,
        )  # fmt: skip
        self._returning = Returning(
            self._journal, self.adoption, recall, lambda: self._unheard(keys), clock.wall_ms, settings.adopt_after_s
        )

    def _unheard(self, keys: StoreKeys) -> list[str]:
        members, now_s = keys.roster.members, clock.boot_s()
        states = self.peers.states.items() if self.peers is not None else ()
        return [name for name, state in states if name in members and state.age_s(now_s) is None]

    def tell_opened(self, opened: Callable[[CheckOpened, str], None]) -> None:
        """See `Recall.tell_opened`."""
        if self._recall is not None:
            self._recall.tell_opened(opened)

    async def before_spool(self, spool: "Spooling") -> None:
        """See `returning.py`."""
        self.renewals.renewed = spool.doubt
        if self._returning is not None:
            await self._returning.before_spool(spool)
        else:
            await self._away.doubt_alone()

    def personal(self, digests: Iterable[str]) -> dict[str, str]:
        """digest -> text, also of tickets that were adopted."""
        wanted = tuple(digests)
        found = self._journal.personal(wanted)
        for told in (self.adoption, self._recall):
            texts = told.texts if told is not None else {}
            found |= {digest: texts[digest] for digest in wanted if digest not in found and digest in texts}
        return found

    @property
    def logs(self) -> Logs:
        """All logs that are here: own ones and those held for others."""
        return self._logs

    @property
    def holdings(self) -> Holdings | None:
        """What is held for others; None where nothing is."""
        return self._holdings

    def forget(self, digests: Iterable[str]) -> None:
        """These texts were erased: those of adopted tickets, and of what others told, are in memory."""
        gone = frozenset(digests)
        if self.adoption is not None:
            for digest in gone:
                self.adoption.texts.pop(digest, None)
        if self._recall is not None:
            self._recall.forget(gone)

    def start(
        self,
        tasks: asyncio.TaskGroup,
        spool: "Spooling",
        numbers: NumberSink,
        transport: HqTransport | None,
        changed: Callable[[], None],
    ) -> None:
        """Begin to send. `transport`: to HQ, None where there is none. `changed`: told after each exchange."""
        self._changed = changed
        tasks.create_task(self.renewals.run(), name="replication.renewals")
        if self._holdings is not None and self._recall is not None:
            past = self._take_over(self._holdings, transport, self._recall, spool)
            tasks.create_task(past, name="replication.own_past")
        if self.peers is not None:
            tasks.create_task(self.peers.run(), name="replication.peers")
            kept = KeptCopies(self._journal, self.peers.answered)
            tasks.create_task(kept.run(), name="replication.kept_copies")
        if self.adoption is not None:
            tasks.create_task(self.adoption.run(spool), name="replication.adoption")
        if self._recall is not None:
            tasks.create_task(self._recall.run(spool), name="replication.recall")
        if transport is not None:
            self.hq = HqLink(
                self._journal,
                Selected(self._logs, self._journal, self._to_relay, self._forked),
                self._config.hq,
                transport,
                numbers,
                store=self._config.store.id,
                changed=changed,
                conflict=self._hq_conflict,
                step_aside=self.courtesy.step_aside,
                about=self._config.store,
            )
            tasks.create_task(self.hq.run(), name="replication.hq")
            if self.hq.recheck is not None:
                tasks.create_task(self.hq.recheck.run(), name="replication.recheck")
            if self._holdings is not None:
                self._compare_with_hq(tasks, self._holdings, transport)

    def _compare_with_hq(self, tasks: asyncio.TaskGroup, holdings: Holdings, hq: HqTransport) -> None:
        from tillkeeper.replication.audit import Audit
        from tillkeeper.replication.conflicts import Conflicts

        self.audit = Audit(self._config.store.id, holdings.marks, self._logs, self._to_relay, hq.exchange)
        tasks.create_task(self.audit.run(), name="replication.audit")
        tasks.create_task(Conflicts(holdings, hq.exchange).run(), name="replication.conflicts")

    async def _take_over(self, holdings: Holdings, hq: HqTransport | None, recall: "Recall", spool: "Spooling") -> None:
        from tillkeeper.replication.own_past import OwnPast

        key, sign = (self._keys.signer.key, self._keys.signer.sign) if self._keys is not None else ("", None)
        journal, to_hq = self._journal, hq.exchange if hq is not None else None
        past = OwnPast(journal.path, journal.store, journal.register, holdings, clock.wall_ms, to_hq, key, sign)
        await past.take_over(self.notify, partial(recall.work_in_at_once, spool))

    def notify(self) -> None:
        """There are new events in the journal."""
        if self.hq is not None:
            self.hq.notify()
        if self.peers is not None:
            self.peers.notify()

    async def second_copy(self) -> None:
        """Wait a moment until another register has what is in the journal now; see `copies.Copies`."""
        if self.peers is not None:
            own = LogId(self._journal.register, self._journal.incarnation)
            await self.peers.copies.second(own, self._journal.last_seq)

    def knows_its_past(self) -> bool:
        """See `PeersDesk.knows_its_past`; a register without others knows what it knows."""
        return self.peers is None or self.peers.knows_its_past()

    def uplink(self) -> Uplink:
        if self.hq is None:
            return Uplink(configured=bool(self._config.hq.url), started_s=self.started_s)
        return self.hq.status().uplink

    def alone(self) -> bool:
        """Whether the store has other registers, and none of them is heard; not in the first seconds, when none can be."""
        if self.peers is None or self._keys is None or (now_s := clock.boot_s()) - self.started_s < SILENT_S:
            return False
        members = self._keys.roster.members
        others = [state for name, state in self.peers.states.items() if name in members]
        return bool(others) and not any(state.is_heard(now_s) for state in others)

    def finals(self, register: str) -> Mapping[str, int]:
        """How far each log of a register is known to be held, by incarnation."""
        if self.peers is not None:
            return self.peers.finals(register)
        return {name.incarnation: mark.seq for name, mark in self._logs.heads().items() if name.register == register}

    def books(self) -> Books:
        """What holds now."""
        me = self._config.this_register
        own = {name: mark.seq for name, mark in self._logs.heads().items() if name.register == me}
        hq = self.hq.status() if self.hq is not None else None
        copies = list(self.peers.answered().values()) if self.peers is not None else []
        alarms = [*self.renewals.alarms, *([self._deaf] if self._deaf else ())]
        if hq is not None:
            copies.append({LogId(one.register, one.incarnation): one.acked for one in hq.logs})
            alarms += hq.alarms
        peers = self.peers.status() if self.peers is not None else ()
        if self.peers is not None and self.peers.rival:
            alarms.append(self.peers.rival)
        alarms += [words for one in peers for words in one.alarms]
        alarms += self._holdings.alarms if self._holdings is not None else ()
        return Books(
            only_here=only_here(own, copies),
            to_hq=hq.unsynced if hq is not None else None,
            hq=hq,
            peers=peers,
            alarms=tuple(dict.fromkeys(alarms)),
            prints_for=self.adoption.prints_for() if self.adoption is not None else (),
        )

    def _told_adopted(self, register: str) -> tuple[HqBatch, ...]:
        return self.adoption.told_adopted(register) if self.adoption is not None else ()

    def _adopted_elsewhere(self, register: str, job_ids: tuple[str, ...]) -> None:
        if self.adoption is not None:
            self.adoption.adopted_elsewhere(register, job_ids)
        if self._recall is not None:
            self._recall.adopted_elsewhere(job_ids)

    def _to_relay(self) -> frozenset[LogId]:
        return self.peers.to_relay if self.peers is not None else frozenset()

    def _forked(self) -> frozenset[LogId]:
        return self.peers.forked if self.peers is not None else frozenset()

    def _reaches_hq(self) -> bool:
        return self.hq is not None and self.hq.answers(max(ANSWERING_S, 3 * self._config.hq.beat_s))

    def _hq_conflict(self, name: LogId, reason: str) -> None:
        words = "HQ holds another event in one of its places" if reason == "forked_log" else "HQ holds more of it"
        self.renewals.conflict(name, reason, words)

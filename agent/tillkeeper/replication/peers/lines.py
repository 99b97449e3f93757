"""The lines that a register keeps to others: it calls those that it pushes to, again and again until they answer."""

import asyncio
import logging
import math
from contextlib import suppress
from typing import TYPE_CHECKING

from tillkeeper.errors import TillkeeperError
from tillkeeper.replication import sinks
from tillkeeper.replication.cursors import FIRST_BACKOFF_S, Cursor, Progress
from tillkeeper.replication.link import SinkLink
from tillkeeper.replication.model import LogId
from tillkeeper.replication.outgoing import Selected
from tillkeeper.replication.peers.session import Connection, Session
from tillkeeper.replication.peers.state import PeerState
from tillkeeper.replication.peers.wire import encode

if TYPE_CHECKING:
    from tillkeeper.replication.peers.desk import PeersDesk

log = logging.getLogger(__name__)

MAX_EVENTS = 128
"""In one push. Small, so that encoding and reading it never keeps a sale waiting for longer than a few milliseconds."""
MAX_BACKOFF_S = 3.0
CALLED_S = 30.0
"""So long a line is kept to a register that was asked something and is no sink otherwise."""
FAR_BACKOFF_S = 15.0
"""For those behind the first `sinks.COPIES`: a register that is switched off costs an ARP request at each call."""


class PeerCursors:
    """Where a line begins is what the other side said it holds, where that is this log; what it answers is remembered while the
    agent runs. `session`: of the other side's agent."""

    def __init__(self, desk: "PeersDesk", state: PeerState, session: str) -> None:
        self._desk, self._state, self._session = desk, state, session

    def load(self, log: LogId) -> Cursor:
        cursor = self._begin(log)
        self._state.acked[log] = cursor.acked
        return cursor

    def _begin(self, log: LogId) -> Cursor:
        theirs, mine = self._state.marks.get(log), self._desk.heads().get(log)
        regained = self._desk.regained(log)
        if theirs is None or not theirs.seq or mine is None:
            return Cursor(0, 0, limit=MAX_EVENTS)
        if theirs.seq <= mine.seq:
            if theirs.breaks == mine.breaks and self._desk.own_log.hash_at(mine, theirs.seq) == theirs.hash:
                return Cursor(theirs.seq, theirs.seq, limit=MAX_EVENTS)
        elif regained or log.register != self._desk.parts.register:
            acked = min(mine.seq, self._state.acked.get(log, 0)) if regained else 0  # it may be who brought it
            return Cursor(acked, theirs.seq, limit=MAX_EVENTS, branch="unknown")
        # All of it goes there, and what differs into quarantine; but for what its agent has answered since it started.
        session, told = self._state.told.get(log, ("", 0))
        acked = min(told, mine.seq) if session == self._session else 0
        return Cursor(acked, theirs.seq, limit=MAX_EVENTS, branch="other")

    async def save(self, log: LogId, progress: Progress) -> None:
        self._state.acked[log] = progress.cursor.acked
        if progress.cursor.branch == "other":
            self._state.told[log] = (self._session, progress.cursor.acked)
        self._desk.copies.stored(lambda asked: self._state.acked.get(asked, 0))


class Lines:
    """`wanted`: who is called now."""

    def __init__(self, desk: "PeersDesk") -> None:
        self._desk = desk
        self.wanted: tuple[str, ...] = ()
        self._calls: dict[str, asyncio.Task[None]] = {}
        self._pokes = {register: asyncio.Event() for register in desk.states}
        self._changed = asyncio.Event()
        self._called: dict[str, float] = {}
        """Until when."""

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                self._choose(tasks)
                await self._changed.wait()

    def look(self) -> None:
        """Who is called may have to change."""
        self._changed.set()

    def call(self, register: str) -> None:
        """Somebody wants to ask it something."""
        if register in self._desk.parts.callable:
            self._called[register] = self._desk.parts.now_s() + CALLED_S
            self._changed.set()
            self.poke(register)

    def poke(self, register: str) -> None:
        """That register is there: it is not called at the end of the backoff, but now."""
        self._pokes[register].set()

    def _choose(self, tasks: asyncio.TaskGroup) -> None:
        desk = self._desk
        reachable = {register for register, state in desk.states.items() if state.calling is not None}
        preferred = desk.preferred()
        order = [register for register in preferred if register in desk.parts.callable]
        # The primary sends to everybody: what a register that is no sink has to know of the others (that its check was taken
        # over while it was silent) reaches it from there.
        most = len(order) if preferred[0] == desk.parts.register else sinks.COPIES
        self._called = {one: till_s for one, till_s in self._called.items() if till_s > desk.parts.now_s()}
        self.wanted = tuple(dict.fromkeys((*sinks.lines(order, desk.parts.register, reachable, most), *self._called)))
        for register in [one for one in self._calls if one not in self.wanted]:
            self._calls.pop(register).cancel()
        for register in self.wanted:
            if register not in self._calls:
                state = desk.states[register]
                self._calls[register] = tasks.create_task(self._keep(state), name=f"replication.line {register}")

    async def _keep(self, state: PeerState) -> None:
        """Calls one register until cancelled."""
        failures = 0
        poke = self._pokes[state.register]
        while True:
            poke.clear()
            began_s = self._desk.parts.now_s()
            try:
                await self._call(state)
            except TillkeeperError as trouble:  # the other side's, or of our disk
                if (trouble.code, trouble.cause) != (state.trouble, state.error):
                    log.info("line to register %s: %s", state.register, trouble)
                state.trouble, state.error = trouble.code, trouble.cause
                if trouble.code == "two_sessions":
                    self._desk.rival = f"register {state.register} refuses this machine: {trouble.cause}"
            failures = 1 if self._desk.parts.now_s() - began_s > MAX_BACKOFF_S else failures + 1
            near = state.register in self.wanted[: sinks.COPIES]
            longest_s = MAX_BACKOFF_S if near else FAR_BACKOFF_S
            chance = 0.5 + self._desk.parts.chance.random() / 2
            with suppress(TimeoutError):
                async with asyncio.timeout(min(longest_s, FIRST_BACKOFF_S * 2 ** min(failures - 1, 10)) * chance):
                    await poke.wait()

    async def _call(self, state: PeerState) -> None:
        """One line, from the call to its end. Raises: TillkeeperError, always."""
        desk = self._desk
        connection: Connection = await desk.parts.dial(state.register)
        session: Session | None = None
        try:
            await connection.send(encode(desk.door.hello(state.register)))
            hello = await desk.door.first(connection, state.register)
            desk.door.met(state, hello)
            session = Session(connection, hello, dialled=True, now_s=desk.parts.now_s)
            link = SinkLink(
                f"register {state.register}",
                Selected(desk.parts.library, desk.parts.writing, lambda: state.relays),
                session,
                PeerCursors(desk, state, hello.session),
                store=desk.parts.store,
                beat_s=math.inf,
                now_s=desk.parts.now_s,
                chance=desk.parts.chance,
                most_events=MAX_EVENTS,
                changed=desk.parts.changed,
                step_aside=desk.parts.step_aside,
            )
            state.calling, state.link = session, link
            desk.asking.came()
            desk.rival = ""
            self._changed.set()
            desk.parts.changed()
            await desk.door.tell_rest(connection)
            await self._talk(session, link)
        finally:
            if session is not None and state.calling is session:  # not that of a later call
                state.hear(session.heard_s)
                state.last_link = state.link.status() if state.link is not None else None
                state.calling = state.link = None
                desk.asking.gone(state.register)
            if all(other.calling is None for other in desk.states.values()):
                desk.copies.gone()
            self._changed.set()
            await connection.aclose()

    async def _talk(self, session: Session, link: SinkLink) -> None:
        # No TaskGroup: where a task of it fails it leaves its parent counted as cancelled (CPython 3.11), and the next timeout
        # in that parent ends it instead of expiring.
        pushing = asyncio.create_task(link.run(), name=f"replication.push {session.register}")
        pushing.add_done_callback(lambda _task: session.connection.abort())
        try:
            await session.run(self._desk)
        finally:
            pushing.cancel()
            await asyncio.wait([pushing])
            if not pushing.cancelled():
                pushing.result()

"""All that a register has to do with the others of its store: it calls some, is called by others, and knows who holds what."""

import asyncio
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from tillkeeper.contract.ed25519 import verify
from tillkeeper.contract.envelope import EventVerdict, HqAnswer, HqBatch
from tillkeeper.contract.roster import Signed
from tillkeeper.contract.signing import HeadRefused, check_head
from tillkeeper.errors import Overloaded, Refused, StorageRefused, TillkeeperError
from tillkeeper.replication import sinks
from tillkeeper.replication.copies import Copies
from tillkeeper.replication.model import LogId, Mark
from tillkeeper.replication.outgoing import Steady
from tillkeeper.replication.peers import wire
from tillkeeper.replication.peers.asking import Asking
from tillkeeper.replication.peers.door import Door
from tillkeeper.replication.peers.lines import MAX_EVENTS, Lines
from tillkeeper.replication.peers.own_log import OwnLog
from tillkeeper.replication.peers.parts import PeersParts
from tillkeeper.replication.peers.regaining import Regaining
from tillkeeper.replication.peers.session import Session
from tillkeeper.replication.peers.state import ALL_HELP_S, PeerState, PeerStatus, first_helper, hears_author
from tillkeeper.replication.peers.wire import Answer, Beat, Rival, encode

log = logging.getLogger(__name__)

BEAT_S = 1.0
ROSTER_AGAIN_BEATS = 5
MEET_S, PAST_S = 10.0, 60.0
SAID_AGAIN_S = 600.0
MAX_SAID = 50
"""Different words in that time: a register that is out of its mind fills no disk."""


class PeersDesk:
    """`run` is the one task of this room; all others are in its group. `states`: of every other register."""

    def __init__(self, parts: PeersParts) -> None:
        self.parts = parts
        self.states = {register: PeerState(register) for register in parts.order if register != parts.register}
        self.copies = Copies(parts.second_copy_s, self._is_near)
        self._steady = Steady(parts.library)
        self.heads, self.regained = self._steady.heads, self._steady.regained
        self.own_log = OwnLog(parts, self.heads)
        self.asking = Asking(self.states, lambda register: self.lines.call(register))
        self.answers, self.ask = self.asking.answers, self.asking.ask
        self.asked, self.said = self.asking.asked, self.asking.said
        self.regaining = Regaining(parts.library, parts.holdings, parts.now_ms, parts.step_aside)
        self.door = Door(self)
        self.lines = Lines(self)
        self.to_relay: frozenset[LogId] = frozenset()
        """Logs of others that this register relays to HQ."""
        self.forked: frozenset[LogId] = frozenset()
        """Those of which HQ may have another branch: they are relayed whatever their authors say, and whole."""
        self._began_s = parts.now_s()
        self.rival = ""
        """Words about another machine that says it is this register; empty while there is none."""
        self.preferred: Callable[[], Sequence[str]] = lambda: parts.order
        """All registers in the order in which lines are kept to them and they relay: primary and backup first."""
        self._told: dict[LogId, Mark] = {}
        self._said: dict[str, float] = {}
        self._beats = 0

    async def run(self) -> None:
        """Until cancelled. Raises: OSError in a group: the configured address can not be bound."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.lines.run(), name="replication.lines")
            if self.parts.listen is not None:
                tasks.create_task(self.parts.listen(self.door.serve), name="replication.listener")
            try:
                while True:
                    self._beat()
                    await asyncio.sleep(BEAT_S)
            finally:
                await self.asking.aclose()
                await self.regaining.aclose()

    def notify(self) -> None:
        """There are new events in the journal."""
        for state in self.states.values():
            if state.link is not None:
                state.link.notify()

    def _is_near(self, log: LogId, seq: int) -> bool:
        """While a register catches up, what was just sold is at the end of the line: nothing is won by waiting for it."""
        return any(
            state.calling is not None and seq - state.acked.get(log, 0) <= MAX_EVENTS for state in self.states.values()
        )

    # --- what sessions bring (see `session.Desk`) ---

    async def pushed(self, session: Session, batch: HqBatch) -> Answer:
        answer, refused = HqAnswer(0), ""
        which = LogId(batch.register, batch.incarnation)
        try:
            if batch.store != self.parts.store:
                raise HeadRefused("other_store", f"this is store {self.parts.store}")
            roster = self.parts.keys.roster
            keys = roster.keys(batch.register)
            batch = check_head(batch, keys, verify, relayed=batch.register != session.register)
            signed_by = batch.head.key if batch.head is not None else ""
            final = roster.bound(batch.register, signed_by, batch.incarnation) if signed_by else None
            if which.register == self.parts.register:
                answer = await self.regaining.take(batch, final)
            else:
                answer = await self.parts.holdings.take(batch, self.parts.now_ms(), final)
            self._has(session.register, which, batch, answer)
        except HeadRefused as error:
            refused = f"{error.code}: {error.cause}"
        except Refused as error:
            refused = str(error)
        except (StorageRefused, Overloaded) as error:
            held = self.heads().get(which)
            verdicts = tuple(EventVerdict(event.seq, "retryable", error.code) for event in batch.events)
            answer = HqAnswer(held.seq if held is not None else 0, verdicts)
        if refused:
            self.say(f"register {session.register} sent what is not taken: {refused}")
        elif which in self.to_relay:
            self.parts.relayed()
        return Answer(batch.register, batch.incarnation, answer, refused[:500])

    def _has(self, register: str, which: LogId, batch: HqBatch, answer: HqAnswer) -> None:
        """Who brings an event has it: an author has not lost what it wrote since its last beat, and what this register has of
        its own past from others is not on it alone. Of what is written here nobody is believed."""
        acked, own = self.states[register].acked, which.register == self.parts.register and not self.regained(which)
        if batch.events and not own and answer.held_seq >= batch.events[-1].seq:
            acked[which] = max(batch.events[-1].seq, acked.get(which, 0))

    async def told_roster(self, session: Session, roster: wire.Roster) -> None:
        await self.take_statements(roster.statements)

    async def take_statements(self, statements: Sequence[Signed]) -> None:
        try:
            await self.parts.keys.take(statements)
        except TillkeeperError as error:
            log.error("the roster is not taken over yet: %s", error)

    def beaten(self, session: Session, beat: Beat) -> None:
        state = self.states[session.register]
        state.hq, state.hears = beat.hq, frozenset(beat.heard)
        state.learn(beat.marks)
        self.own_log.compare(state, beat.marks)
        digests = f"{self.parts.keys.roster.digest} {beat.roster_digest}"
        if beat.roster_digest != self.parts.keys.roster.digest and (
            session.roster_told != digests or self._beats % ROSTER_AGAIN_BEATS == 0
        ):
            session.roster_told = digests
            session.connection.post(encode(wire.Roster(self.parts.keys.roster.statements)))

    def rivalled(self, session: Session, rival: Rival) -> None:
        if rival.session != self.parts.session:
            self.rival = f"register {session.register} refused another machine ({rival.address[:100]}) that says it is this one"
            self.say(self.rival)

    def say(self, words: str) -> None:
        """Into the log; what goes on and on is said again every `SAID_AGAIN_S` only."""
        now_s = self.parts.now_s()
        said = {one: at_s for one, at_s in self._said.items() if now_s - at_s < SAID_AGAIN_S}
        if words not in said and len(said) < MAX_SAID:
            log.error("%s", words)
            said[words] = now_s
        self._said = said

    # --- once a second ---

    def _beat(self) -> None:
        parts, now_s = self.parts, self.parts.now_s()
        self._beats += 1
        roster = parts.keys.roster
        heads = self.heads()
        fresh = [mark for name, mark in heads.items() if self._told.get(name) != mark][: wire.MAX_MARKS]
        self._told |= {mark.log: mark for mark in fresh}
        self._look_for_loss(heads)
        if fresh:
            self.notify()  # not every append is told of: what a printer did, for one
        frame = encode(Beat(tuple(fresh), parts.hq(), self.heard(), roster.digest))
        for state in self.states.values():
            for session in (state.calling, state.called):
                if session is None:
                    continue
                if roster.admits(session.connection.key) == session.register:
                    session.connection.post(frame)
                else:  # its reader ends with it; the statements come first, so that it knows itself that it is out
                    session.connection.post(encode(wire.Roster(roster.statements, roster.digest)))
                    session.connection.post(encode(wire.Refused("not_a_member", "this key has left the store")))
                    session.connection.abort()
        held = {name: mark for name, mark in heads.items() if name.register != parts.register}
        self._relays(held, now_s)
        self.lines.look()

    def _look_for_loss(self, heads: Mapping[LogId, Mark]) -> None:
        """Where less is held than others were told they call again, and go by what is held then."""
        lost = [name for name, mark in self._told.items() if name not in heads or heads[name].seq < mark.seq]
        for name in lost:
            del self._told[name]
        for state in self.states.values():
            if lost and state.called is not None:
                state.called.connection.abort()

    def _relays(self, held: Mapping[LogId, Mark], now_s: float) -> None:
        authors = {register: author for register, state in self.states.items() if (author := state.author(now_s)) is not None}
        needed = sinks.to_relay(held, authors)
        # Where events of two machines are in a log, others who hold it as far may hold something else.
        foreign = {name: mark for name, mark in self.heads().items() if name in held or self.regained(name)}
        self.forked = frozenset(name for name, mark in foreign.items() if mark.breaks) | (self.parts.forked() & foreign.keys())
        mine = (self.forked & held.keys()) | {name for name in needed if self._helps(name, held[name].seq, now_s)}
        if mine != self.to_relay or mine:
            self.to_relay = mine
            self.parts.relayed()
        for state in self.states.values():
            if state.calling is not None and (state.look_for_relays(held, now_s) or state.relays) and state.link is not None:
                state.link.notify()

    def _helps(self, name: LogId, seq: int, now_s: float) -> bool:
        state = self.states.get(name.register)
        age_s = state.age_s(now_s) if state is not None else None
        if age_s is None or age_s > ALL_HELP_S:
            return not hears_author(self.preferred(), self.parts.register, name, seq, self.states, now_s)
        return first_helper(self.preferred(), self.parts.register, name, seq, self.states, now_s) == self.parts.register

    def heard(self) -> tuple[str, ...]:
        now_s = self.parts.now_s()
        return tuple(register for register, state in self.states.items() if state.is_heard(now_s))

    # --- seen from outside ---

    def answered(self) -> dict[str, dict[LogId, int]]:
        """Of every register: up to where it has answered for each log."""
        return {register: state.acked for register, state in self.states.items()}

    def begin_with(self, answered: Callable[[str], Mapping[LogId, int]]) -> None:
        """What each had answered for before a restart. Of one that is met it is what it says then."""
        for register, state in self.states.items():
            with suppress(StorageRefused):
                state.acked.update(answered(register))

    def finals(self, register: str) -> dict[str, int]:
        """The furthest that anyone who was heard is known to hold of a register's logs, by incarnation."""
        found: dict[str, int] = {}
        for marks in (self.heads(), *(state.marks for state in self.states.values())):
            for mark in marks.values():
                if mark.register == register:
                    found[mark.incarnation] = max(mark.seq, found.get(mark.incarnation, 0))
        return found

    def knows_its_past(self) -> bool:
        """Whether all that this register ever wrote is here, as far as can be told. After the start the others are waited for
        some seconds, and what comes back from them for `PAST_S` at most."""
        age_s, members = self.parts.now_s() - self._began_s, self.parts.keys.roster.members
        others = [state for name, state in self.states.items() if name in members]
        asked = age_s >= MEET_S or all(state.is_heard(self.parts.now_s()) for state in others)
        return age_s >= PAST_S or (asked and not self.behind(self.parts.register))

    def behind(self, of: str = "") -> int:
        """Events that registers which are heard hold and this one does not, also of its own past. `of`: in logs of that one."""
        now_s, heads, most = self.parts.now_s(), self.heads(), dict[LogId, int]()
        for state in self.states.values():
            if state.is_heard(now_s):
                for name, mark in state.marks.items():
                    most[name] = max(mark.seq, most.get(name, 0))
        held = {name: mark.seq for name, mark in heads.items()}
        writing = self.parts.library.writing
        lacking = {name: max(0, seq - held.get(name, 0)) for name, seq in most.items() if name != writing}
        return sum(count for name, count in lacking.items() if of in ("", name.register))

    def lacks(self, register: str) -> int | None:
        """Events held here that a register does not hold yet, of logs of others than itself; None where it is not heard."""
        state = self.states.get(register)
        if state is None or not state.is_heard(self.parts.now_s()):
            return None
        heads = self.heads().items()
        return sum(max(0, mark.seq - state.has(name)) for name, mark in heads if name.register != register)

    def is_heard(self, register: str) -> bool:
        """Here, or by a register that is heard here: of more than three not every two keep a line."""
        now_s = self.parts.now_s()
        heard = [state for state in self.states.values() if state.is_heard(now_s)]
        return any(state.register == register or register in state.hears for state in heard)

    def status(self) -> tuple[PeerStatus, ...]:
        """In the order of the config."""
        now_s, wanted = self.parts.now_s(), self.lines.wanted
        return tuple(self._status(state, state.register in wanted, now_s) for state in self.states.values())

    def _status(self, state: PeerState, sink: bool, now_s: float) -> PeerStatus:
        link = state.link.status() if state.link is not None else state.last_link
        session = state.calling or state.called
        alarms = [state.alarm] if state.alarm else []
        there = state.is_heard(now_s) or (not sink and self.is_heard(state.register))
        behind = for_s = None
        refuses = ""
        if sink and link is not None:
            heads = self.heads()
            behind = sum(max(0, m.seq - state.acked.get(n, 0)) for n, m in heads.items() if n.register == self.parts.register)
            behind += sum(max(0, one.head - one.acked) for one in link.logs if one.relayed)
            moving = state.calling is not None and link.events_per_s > 0
            for_s = behind / link.events_per_s if moving and math.isfinite(link.events_per_s) else None
            refuses = next((one.note for one in link.logs if one.note and one.head > one.acked), "")
            alarms += link.alarms
            if rejected := sum(one.rejected for one in link.logs):
                alarms.append(f"register {state.register} has put {rejected} events of these books into quarantine")
        return PeerStatus(
            register=state.register,
            sink=sink,
            reachable=there,
            heard_s=state.age_s(now_s),
            behind=behind,
            for_s=for_s,
            trouble="" if state.calling is not None or (there and not sink) else state.trouble,
            error="" if state.calling is not None or (there and not sink) else state.error,
            version=session.hello.version if session is not None else "",
            refuses=refuses,
            alarms=tuple(alarms),
        )

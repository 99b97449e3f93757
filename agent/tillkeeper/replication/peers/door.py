"""How two registers meet: who calls, who is called, and who is turned away."""

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from tillkeeper.contract.envelope import HqBatch
from tillkeeper.errors import StorageRefused, TillkeeperError
from tillkeeper.replication.model import LogId, Mark
from tillkeeper.replication.peers import wire
from tillkeeper.replication.peers.adopted import adopted_by
from tillkeeper.replication.peers.lost import lost_by, own_of
from tillkeeper.replication.peers.session import HELLO_S, Connection, Session, said_no
from tillkeeper.replication.peers.state import PeerState
from tillkeeper.replication.peers.wire import Hello, Rival, encode
from tillkeeper.replication.trouble import SinkTrouble

if TYPE_CHECKING:
    from tillkeeper.replication.peers.desk import PeersDesk

log = logging.getLogger(__name__)

DOUBT_S = 2.5
"""A session whose register comes a second time has so long to show that it lives."""
DOUBT_LOOK_S = 0.1


class Door:
    def __init__(self, desk: "PeersDesk") -> None:
        self._desk, self._parts = desk, desk.parts

    # --- before the first sale ---

    async def ask(self, within_s: float) -> None:
        """Ask every other register how much it holds of the log that is written here, before anything is appended. Where one
        has more, `renewals` is told. Returns when all have answered, or after the time."""
        states = (state for register, state in self._desk.states.items() if register in self._parts.callable)
        asked = [asyncio.create_task(self._ask(state), name=f"replication.ask {state.register}") for state in states]
        try:
            done, _late = await asyncio.wait(asked, timeout=within_s) if asked else (set(), set())
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        for task in done:
            task.result()

    async def _ask(self, state: PeerState) -> None:
        try:
            connection = await self._parts.dial(state.register)
        except TillkeeperError as trouble:
            state.trouble, state.error = trouble.code, trouble.cause
            return
        try:
            await connection.send(encode(self.hello(state.register, asks_only=True)))
            self.met(state, await self.first(connection, state.register))
        except TillkeeperError as trouble:
            state.trouble, state.error = trouble.code, trouble.cause
        finally:
            await connection.aclose()

    # --- meeting ---

    def hello(self, to: str, *, asks_only: bool = False, lost: tuple[HqBatch, ...] = ()) -> Hello:
        parts, marks = self._parts, self._marks(to)
        return Hello(
            store=parts.store,
            register=parts.register,
            incarnation=parts.writing.incarnation,
            session=parts.session,
            version=parts.version,
            marks=tuple(marks[: wire.MAX_MARKS]),
            roster_digest=parts.keys.roster.digest,
            admission=parts.keys.admission(),
            asks_only=asks_only,
            adoptions=parts.told_adopted(to),
            hq=parts.hq(),
            heard=self._desk.heard(),
            lost=lost,
        )

    def _marks(self, to: str) -> list[Mark]:
        """First of the logs of whom they are for, then of the own ones."""
        me = self._parts.register
        return sorted(self._desk.heads().values(), key=lambda mark: (mark.register != to, mark.register != me, mark.log))

    async def tell_rest(self, connection: Connection) -> None:
        """The marks for which there was no room in the greeting. Raises: SinkTrouble."""
        marks = self._marks(connection.register)
        for first in range(wire.MAX_MARKS, len(marks), wire.MAX_MARKS):
            digest = self._parts.keys.roster.digest
            beat = wire.Beat(tuple(marks[first : first + wire.MAX_MARKS]), self._parts.hq(), self._desk.heard(), digest)
            await connection.send(encode(beat))

    def _lost_by(self, hello: Hello) -> tuple[HqBatch, ...]:
        with suppress(StorageRefused):
            return lost_by(hello, self._parts.store, self._desk.heads(), self._parts.library)
        return ()

    async def first(self, connection: Connection, expected: str = "") -> Hello:
        """The first message of the other side, once it is known to be from whom it says. Raises: SinkTrouble; then the other
        side was told."""
        message = await connection.receive(HELLO_S)
        if isinstance(message, wire.Roster) and expected:
            await self._desk.take_statements(message.statements)
            message = await connection.receive(HELLO_S)
        if not isinstance(message, Hello):
            raise said_no(message, expected or "unknown")
        register = await self._member(connection, message)
        code = detail = hint = ""
        if message.store != self._parts.store:
            code, detail = "other_store", f"this is store {self._parts.store}"
        elif not register:
            code, detail = "not_a_member", "this key is not in the roster of the store"
            hint = "join the store again: tillkeeper store join"
        elif register != message.register or expected not in ("", register):
            code, detail = "not_a_member", f"the key is that of register {register}"
        elif register == self._parts.register:
            code, detail = "two_sessions", f"register {register} runs here"
            self._desk.rival = f"another machine says it is register {register} ({connection.address})"
        elif register not in self._desk.states:
            code, detail = "not_a_member", f"register {register} is not in the configuration"
            hint = "the same [registers] belong into the configuration of all of them"
        elif not wire.speaks(message):
            code, detail = "protocol_unknown", f"protocols {wire.OLDEST} to {wire.PROTOCOL} are spoken here"
        if code:
            refused = wire.Refused(code, detail, hint)
            roster = self._parts.keys.roster
            with suppress(SinkTrouble):
                if not register and connection.key in roster.keys(message.register):  # so that it knows itself that it is out
                    await connection.send(encode(wire.Roster(roster.statements, roster.digest)))
                await connection.send(encode(refused))
            raise said_no(refused, expected or message.register[:64])
        connection.register = register
        return message

    async def _member(self, connection: Connection, hello: Hello) -> str:
        roster = self._parts.keys.roster
        if not roster.admits(connection.key) and hello.admission and hello.store == self._parts.store:
            await self._desk.take_statements(hello.admission)
        return self._parts.keys.roster.admits(connection.key)

    def met(self, state: PeerState, hello: Hello) -> None:
        """What a `Hello` tells replaces all that was known."""
        state.hear(self._parts.now_s())
        state.hq, state.hears = hello.hq, frozenset(hello.heard)
        state.marks, state.alarm = {}, ""
        state.learn(hello.marks[: wire.MAX_MARKS])
        heads, me = self._desk.heads(), self._parts.register
        state.past = frozenset(
            name for name in heads if name.register == state.register and name.incarnation != hello.incarnation
        )  # fmt: skip
        # What it answered for of others' logs, and of its own past, it may have lost since: its marks say what it has.
        state.acked = {name: seq for name, seq in state.acked.items() if name.register == me}
        self._desk.own_log.compare(state, hello.marks)
        self._parts.adopted_elsewhere(state.register, self._adopted_by(hello))
        if hello.lost:
            keys = self._parts.keys.roster.keys(self._parts.register)
            self._parts.lost(own_of(hello.lost, self._parts.store, self._parts.register, keys))

    def _adopted_by(self, hello: Hello) -> tuple[str, ...]:
        """What it says without a proof is not believed."""

        def hash_at(name: LogId, seq: int) -> str:
            mark = heads.get(name)
            return self._desk.own_log.hash_at(mark, seq) if mark is not None and seq <= mark.seq else ""

        heads, keys = self._desk.heads(), self._parts.keys.roster.keys(hello.register)
        found = adopted_by(hello.register, hello.adoptions, self._parts.store, keys, hash_at)
        if len(found) < len(hello.adoptions):
            unproven = len(hello.adoptions) - len(found)
            self._desk.say(f"register {hello.register} says it prints {unproven} tickets of this one; its log does not say so")
        return found

    # --- being called ---

    async def serve(self, connection: Connection) -> None:
        """One caller, until it goes."""
        try:
            hello = await self.first(connection)
            state = self._desk.states[hello.register]
            await self._refuse_rival(state, hello, connection)
            self.met(state, hello)
            await connection.send(encode(self.hello(hello.register, lost=self._lost_by(hello))))
            if hello.asks_only:
                await connection.receive(HELLO_S)  # it closes; nothing else is expected
                return
            session = Session(connection, hello, dialled=False, now_s=self._parts.now_s)
            if state.called is not None:
                await state.called.aclose()
            state.called = session
            self._desk.asking.came()
            self._desk.lines.poke(state.register)
            try:
                await self.tell_rest(connection)
                await session.run(self._desk)
            finally:
                if state.called is session:
                    state.called = None
                    state.hear(session.heard_s)
                    self._desk.asking.gone(state.register)
        except (TillkeeperError, wire.Malformed) as trouble:  # its own, of our disk, or our words are too many for a frame
            log.info("caller %s: %s", connection.register or connection.address, trouble)
        finally:
            await connection.aclose()

    async def _refuse_rival(self, state: PeerState, hello: Hello, connection: Connection) -> None:
        """Raises: SinkTrouble where the register is here already, alive, under another session."""
        other = next(
            (one for one in (state.called, state.calling) if one is not None and one.hello.session != hello.session), None
        )
        if other is None:
            return
        before_s, till_s = other.heard_s, self._parts.now_s() + DOUBT_S
        while other in (state.called, state.calling) and other.heard_s <= before_s:
            if self._parts.now_s() >= till_s:
                await other.aclose()
                return
            await asyncio.sleep(DOUBT_LOOK_S)
        if other not in (state.called, state.calling):
            return  # it had gone, and only its line had not been missed yet
        other.connection.post(encode(Rival(hello.session, connection.address[:100])))
        state.alarm = f"register {state.register} runs twice: a second session, from {connection.address}, was refused"
        self._desk.say(state.alarm)
        refused = wire.Refused(
            "two_sessions", f"register {state.register} runs on another machine", "stop one of them, and let it join anew"
        )
        with suppress(SinkTrouble):
            await connection.send(encode(refused))
        raise said_no(refused, state.register)

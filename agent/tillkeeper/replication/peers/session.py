"""One conversation between two registers, whoever dialled. Whoever dials pushes, the other answers; both beat."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from tillkeeper.contract.envelope import HqAnswer, HqBatch
from tillkeeper.replication.peers.wire import (
    Answer,
    Ask,
    Beat,
    Hello,
    Malformed,
    Message,
    Push,
    Refused,
    Rival,
    Roster,
    Said,
    encode,
)
from tillkeeper.replication.trouble import Kind, SinkTrouble

HELLO_S = 5.0
QUIET_S = 3.5
"""Three beats and a half without a frame: the line is dead."""
ANSWER_S = 10.0
"""A sink that takes longer for one batch counts as broken; its disk may be."""

_KINDS: dict[str, Kind] = {
    "not_a_member": "not_a_member",
    "two_sessions": "two_sessions",
    "other_store": "other_store",
    "protocol_unknown": "protocol_unknown",
    "busy": "busy",
}


class Connection(Protocol):
    """A line to a register that has proved who it is. `key`: the public key with which it did, in hex."""

    register: str
    key: str
    address: str

    async def send(self, frame: bytes) -> None:
        """Raises: SinkTrouble."""

    def post(self, frame: bytes) -> None:
        """Send it if there is room, else not at all. Never waits, never raises."""

    async def receive(self, within_s: float) -> Message:
        """Raises: SinkTrouble, also for what is malformed."""

    def abort(self) -> None:
        """Ends it; whoever receives or sends hears of it."""

    async def aclose(self) -> None:
        """May be called twice."""


class Desk(Protocol):
    """Whose sessions these are."""

    async def pushed(self, session: "Session", batch: HqBatch) -> Answer: ...

    async def told_roster(self, session: "Session", roster: Roster) -> None: ...

    def beaten(self, session: "Session", beat: Beat) -> None: ...

    def rivalled(self, session: "Session", rival: Rival) -> None: ...

    def asked(self, session: "Session", ask: Ask) -> None: ...

    def said(self, session: "Session", said: Said) -> None: ...


class Session:
    """`hello`: what the other side said first. `heard_s`: when it last said anything, boot clock. A session that was dialled is
    the transport of its sink's link."""

    def __init__(self, connection: Connection, hello: Hello, *, dialled: bool, now_s: Callable[[], float]) -> None:
        self.connection, self.hello, self.dialled = connection, hello, dialled
        self.register = hello.register
        self.roster_told = ""
        """Both digests, as of when the roster was last sent to it."""
        self._now_s = now_s
        self.heard_s = now_s()
        self._asked: asyncio.Future[Answer] | None = None

    async def exchange(self, batch: HqBatch) -> HqAnswer:
        """Raises: SinkTrouble; after a timeout the line is closed, for a late answer would be taken for another's."""
        if self._asked is not None:
            raise SinkTrouble("busy", f"register {self.register}", "it is being asked already")
        asked: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked = asked
        try:
            async with asyncio.timeout(ANSWER_S):
                await self.connection.send(encode(Push(batch)))
                answer = await asked
        except TimeoutError:
            await self.aclose()
            raise SinkTrouble("timeout", f"register {self.register}", f"no answer within {ANSWER_S:g} s") from None
        except Malformed as error:
            raise SinkTrouble("batch_refused", f"register {self.register}", str(error)) from error
        finally:
            self._asked = None
            asked.cancel()  # where the line ended while the question was being sent, nobody waits for it
        if (answer.register, answer.incarnation) != (batch.register, batch.incarnation):
            await self.aclose()
            raise SinkTrouble("garbage", f"register {self.register}", "it answers about another log")
        if answer.refused:
            raise SinkTrouble("batch_refused", f"register {self.register}", answer.refused[:500])
        return answer.answer

    async def run(self, desk: Desk) -> None:
        """Hears the other side until the line ends. Raises: SinkTrouble, always."""
        answering: asyncio.Task[None] | None = None
        try:
            while True:
                message = await self.connection.receive(QUIET_S)
                self.heard_s = self._now_s()
                match message:
                    case Push():
                        if answering is not None:
                            await answering  # whoever pushes on without an answer waits
                        answering = asyncio.create_task(self._answer(desk, message), name=f"replication.answer {self.register}")
                        answering.add_done_callback(self._answered)
                    case Answer():
                        if self._asked is not None and not self._asked.done():
                            self._asked.set_result(message)
                    case Beat():
                        desk.beaten(self, message)
                    case Roster():
                        await desk.told_roster(self, message)
                    case Rival():
                        desk.rivalled(self, message)
                    case Ask():
                        desk.asked(self, message)
                    case Said():
                        desk.said(self, message)
                    case _:
                        raise said_no(message, self.register)
        except SinkTrouble as trouble:
            if self._asked is not None and not self._asked.done():
                self._asked.set_exception(SinkTrouble(trouble.code, trouble.subject, trouble.cause, trouble.hint))
            raise
        finally:
            if answering is not None:
                answering.cancel()
                await asyncio.wait([answering])
            await self.aclose()
            if answering is not None and not answering.cancelled():
                answering.result()

    async def _answer(self, desk: Desk, push: Push) -> None:
        """Beside the hearing: a disk that is slow here does not make the other side silent."""
        answer = await desk.pushed(self, push.batch)
        try:
            await self.connection.send(encode(answer))
        except (SinkTrouble, Malformed):
            self.connection.abort()

    def _answered(self, answering: asyncio.Task[None]) -> None:
        if not answering.cancelled() and answering.exception() is not None:
            self.connection.abort()

    async def aclose(self) -> None:
        await self.connection.aclose()


def said_no(message: Message, register: str) -> SinkTrouble:
    """What a message means that ends a conversation."""
    if isinstance(message, Refused):
        kind = _KINDS.get(message.code, "server_error")
        return SinkTrouble(kind, f"register {register}", message.detail[:300] or message.code[:50], message.hint[:300])
    return SinkTrouble("garbage", f"register {register}", f"a {type(message).__name__} out of turn")

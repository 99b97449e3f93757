"""Questions that one room of a register has for the same room of another, over the line that stands between them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import msgspec

from tillkeeper.errors import TillkeeperError
from tillkeeper.replication.peers.session import Session
from tillkeeper.replication.peers.state import PeerState
from tillkeeper.replication.peers.wire import MAX_WORD, Ask, Malformed, Said, encode
from tillkeeper.replication.trouble import SinkTrouble

log = logging.getLogger(__name__)

MAX_BODY = 512 * 1024
MAX_ANSWERING = 32
"""Questions of one register that are being answered at a time; more are refused as `busy`."""
MAX_ASKED = 64
"""Questions to one register without an answer yet."""

Answerer = Callable[[str, bytes], Awaitable[bytes]]
"""(register, body) -> body of the answer. What it raises is told to the other side; it runs on when the line ends, so that what
it makes durable is also seen here."""


class AskRefused(TillkeeperError):
    """The other register has answered, and says no. `code` is what it says."""

    status = 409

    def __init__(self, register: str, said: Said) -> None:
        super().__init__("ask", f"register {register}", said.detail or said.code, said.hint)
        self.code = said.code


class Asking:
    """`answers`: by topic. A register that does not know a topic says so; one of an older version says nothing. `call`: a line
    to that register is to be there for a while."""

    def __init__(self, states: Mapping[str, PeerState], call: Callable[[str], None]) -> None:
        self._states, self._call = states, call
        self.answers: dict[str, Answerer] = {}
        self._came = asyncio.Event()
        self._n = 0
        self._waiting: dict[tuple[str, int], asyncio.Future[Said]] = {}
        self._answering: dict[str, set[asyncio.Task[None]]] = {}

    def there(self, register: str) -> bool:
        """Whether a line to it stands."""
        state = self._states.get(register)
        return state is not None and _line(state) is not None

    async def reach(self, register: str, within_s: float) -> bool:
        """Whether a line to it stands. Where none does the register is called first, and for a while it is kept: of more than
        three registers not every two keep one."""
        state = self._states.get(register)
        return state is not None and (_line(state) is not None or await self._called(state, within_s) is not None)

    async def ask(self, register: str, topic: str, body: bytes, within_s: float, *, call: bool = False) -> bytes:
        """Ask a register that is there now. `call`: where there is no line it is called first (`reach`), for half of that time
        at most.

        Raises:
            SinkTrouble: there is no line (`unreachable`), or no answer in time (`timeout`): it may have done what was asked.
            AskRefused: it says no.
        """
        subject, by_s = f"register {register}", asyncio.get_running_loop().time() + within_s
        state = self._states.get(register)
        session = _line(state) if state is not None else None
        if session is None and state is not None and call:
            session = await self._called(state, within_s / 2)
        if session is None:
            raise SinkTrouble("unreachable", subject, "there is no line to it")
        if len(body) > MAX_BODY or sum(asked == register for asked, _ in self._waiting) >= MAX_ASKED:
            raise SinkTrouble("busy", subject, "the question is too large, or too many wait for an answer")
        self._n += 1
        place = (register, self._n)
        answer: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        self._waiting[place] = answer
        try:
            async with asyncio.timeout_at(by_s):
                await session.connection.send(encode(Ask(self._n, topic, body)))
                said = await answer
        except TimeoutError:
            raise SinkTrouble("timeout", subject, f"no answer about {topic} within {within_s:g} s") from None
        finally:
            del self._waiting[place]
            answer.cancel()
        if said.code:
            raise AskRefused(register, said)
        return said.body

    async def _called(self, state: PeerState, within_s: float) -> Session | None:
        self._call(state.register)
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while _line(state) is None:
                    self._came.clear()
                    await self._came.wait()
        return _line(state)

    # --- what sessions bring ---

    def asked(self, session: Session, ask: Ask) -> None:
        """Begins to answer; the session goes on hearing."""
        under_way = self._answering.setdefault(session.register, set())
        answerer = self.answers.get(ask.topic)
        if answerer is None:
            self._post(session, Said(ask.n, code="unknown_topic", detail=f"nothing is known of {ask.topic[:50]} here"))
        elif len(under_way) >= MAX_ANSWERING:
            self._post(session, Said(ask.n, code="busy", detail=f"{MAX_ANSWERING} questions are being answered"))
        else:
            answering = asyncio.create_task(self._answer(session, ask, answerer), name=f"replication.said {ask.topic}")
            under_way.add(answering)
            answering.add_done_callback(under_way.discard)

    def said(self, session: Session, said: Said) -> None:
        waiting = self._waiting.get((session.register, said.n))
        if waiting is not None and not waiting.done():
            waiting.set_result(said)

    def came(self) -> None:
        """A line has come."""
        self._came.set()

    def gone(self, register: str) -> None:
        """The last line to it has ended: nobody waits for answers that can not come any more."""
        state = self._states.get(register)
        if state is not None and _line(state) is None:
            for (asked, _), waiting in self._waiting.items():
                if asked == register and not waiting.done():
                    waiting.set_exception(SinkTrouble("unreachable", f"register {register}", "the line ended"))

    async def aclose(self) -> None:
        """What is being answered is given up."""
        tasks = [task for under_way in self._answering.values() for task in under_way]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, session: Session, ask: Ask, answerer: Answerer) -> None:
        try:
            said = Said(ask.n, await answerer(session.register, ask.body))
            if len(said.body) > MAX_BODY:
                said = Said(ask.n, code="too_large", detail=f"the answer has more than {MAX_BODY} bytes")
        except TillkeeperError as error:
            said = Said(ask.n, b"", error.code, error.cause[:MAX_WORD], error.hint[:MAX_WORD])
        except msgspec.DecodeError as error:
            said = Said(ask.n, code="malformed", detail=str(error)[:MAX_WORD])
        except Exception:  # what another register asks must never end this one; our own mistake is in the log with its place
            log.exception("answering register %s about %s", session.register, ask.topic)
            said = Said(ask.n, code="internal", detail="it failed to answer; its log says why")
        try:
            await session.connection.send(encode(said))
        except (SinkTrouble, Malformed) as error:
            log.info("register %s does not get its answer about %s: %s", session.register, ask.topic, error)

    @staticmethod
    def _post(session: Session, said: Said) -> None:
        session.connection.post(encode(said))


def _line(state: PeerState) -> Session | None:
    """The session that was heard last."""
    lines = [session for session in (state.calling, state.called) if session is not None]
    return max(lines, key=lambda session: session.heard_s, default=None)

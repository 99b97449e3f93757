"""The line to a printer for one document, and what its errors mean: nothing left, or nobody knows.

A connection that breaks before a byte of the document left is `NotSent`; afterwards it is `OutcomeUnknown`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Generic, NamedTuple, NoReturn, TypeVar

from msgspec.structs import replace

from tillkeeper_drivers.api import (
    NOT_THERE,
    Connection,
    DeviceGone,
    NotSent,
    OutcomeUnknown,
    Reason,
    Status,
    Transport,
    TransportError,
)
from tillkeeper_drivers.printing.line import Line
from tillkeeper_drivers.printing.patience import Patience
from tillkeeper_drivers.printing.session import Session
from tillkeeper_drivers.printing.settings import HINTS, TAKES_NOTHING, Deadlines

S = TypeVar("S", bound=Session)

_PORTION = 1024
"""Bytes that the device has to take within one write deadline: about 25 full lines, 8 s of an impact printer."""


class Refusal(NamedTuple):
    """Why a document is not sent."""

    reason: Reason
    detail: str


ECHOES = Refusal("no_answer", "it sends back what it is sent: the line is looped, or an echo is on")
SILENT = Refusal("no_answer", "connected, but silent when asked for its status")


class Sender(ABC, Generic[S]):
    """See the module; `last_status`: what was last heard of the device, in a job, by `status` or by itself."""

    def __init__(self, device_id: str, transport: Transport, deadlines: Deadlines) -> None:
        self._id = device_id
        self._deadlines = deadlines
        self._line = Line(transport, self._made)
        self._prints_s = 0.0
        """The longest that the document which is under way takes to print."""
        self.last_status = Status()

    @abstractmethod
    def new_session(self, connection: Connection) -> S:
        """A session over `connection`, which was just opened."""

    @abstractmethod
    async def preflight(self, session: S) -> Refusal | None:
        """Right before a document: what speaks against sending it."""

    @abstractmethod
    async def look(self, session: S, longest_s: float) -> bool:
        """While waiting: how it is, and why. Whether it answered."""

    @property
    @abstractmethod
    def answers(self) -> bool:
        """Whether it is known to say how it is when it is asked."""

    @abstractmethod
    def learned(self, session: S) -> None:
        """Something new was heard."""

    # --- what is known ---

    def _made(self, connection: Connection) -> S:
        session = self.new_session(connection)
        session.status = Status(reachable="yes")
        session.on_change = lambda: self.learned(session)
        return session

    def note(self, error: TransportError) -> None:
        """What a connection that broke, or did not come about, says of the device."""
        gone = error.reason in NOT_THERE
        self.last_status = replace(
            self.last_status,
            reachable="no" if gone else "yes",
            reason=error.reason if gone else None,
            online="no" if error.reason == "offline" else self.last_status.online,
            detail=f"{error.reason}: {error.detail}",
        )

    async def _opened(self) -> S:
        if self._line.session is None:
            self.last_status = Status()
        session = await self._line.open(self._deadlines.connect)
        self.last_status = session.status
        return session

    async def confirmed(self, session: S, quiet_s: float) -> bool:
        """Wait for the confirmation as long as the document takes to print and `quiet_s` beyond, looking at the status now and
        then; see `Patience`."""
        loop, limits = asyncio.get_running_loop(), self._deadlines
        patience = Patience(loop.time(), self._prints_s + quiet_s, limits.clearing, self._prints_s + limits.longest)
        while session.confirmed_by is None and not session.cut_short:
            remaining = patience.remaining_s(loop.time(), session.status)
            if remaining <= 0:
                return False
            settled = await session.until(
                lambda: session.confirmed_by is not None or bool(session.cut_short), min(limits.poll, remaining)
            )
            if not settled:
                await self.look(session, max(0.0, patience.remaining_s(loop.time(), session.status)))
        return session.confirmed_by is not None

    async def worked_off(self, session: S, since_s: float) -> bool:
        """Of a printer that does not tell when it is done: wait as long as the document takes to print, anew after a trouble;
        then it has to say that it is well. Whether it said so; False where it says nothing, as ever.

        Args:
            since_s: the loop's time at which it had taken the whole document.

        Raises:
            OutcomeUnknown: it was silent at the end, or not well in time.
            TransportError: the connection broke: it may be off.
        """
        loop, limits = asyncio.get_running_loop(), self._deadlines
        quiet_s = limits.clearing + self._prints_s
        patience = Patience(loop.time(), quiet_s, limits.clearing, limits.longest + self._prints_s)
        done_at, ill, heard = since_s + self._prints_s, False, False

        def stands() -> bool:
            return session.status.trouble() is not None or session.status.online == "no"

        def moved(was: bool) -> bool:
            return bool(session.cut_short) or stands() != was

        while True:
            done = loop.time() >= done_at
            if done or ill or self.answers:
                heard = await self.look(session, limits.answer)
            ill = stands()
            if ill:
                done_at = loop.time() + self._prints_s
            elif done and not session.cut_short:
                if self.answers and not heard:
                    self.unknown(session, "silent after the document")
                return heard
            left_s = patience.remaining_s(loop.time(), session.status)
            if session.cut_short or left_s <= 0:
                self.unknown(session, "not clean in time")
            pause_s = max(0.01, min(limits.poll, left_s, done_at - loop.time() if not ill else left_s))
            await session.until(partial(moved, ill), pause_s)

    def unknown(self, session: S, detail: str) -> NoReturn:
        """Raises `OutcomeUnknown` for a document that was written."""
        if session.cut_short:
            raise self._outcome_unknown("print", "lost", session.cut_short)
        raise self._outcome_unknown("print", session.status.trouble() or "no_answer", detail)

    # --- sending, and what its errors mean ---

    @asynccontextmanager
    async def _sending(self, operation: str) -> AsyncIterator[S]:
        """The line of a device that can take a document now. A connection that breaks is `NotSent`, and `OutcomeUnknown` once
        a byte of the document left."""
        session: S | None = None
        try:
            async with self._line.turn():
                try:
                    session = await self._ready(operation)
                    yield session
                except TransportError as error:
                    session = self._line.session
                    if session is not None and session.document_left and error.reason == "stalled":
                        await _last_words(session)
                    raise
        except TransportError as error:
            raise self._failed(operation, session, error) from error

    async def _ready(self, operation: str) -> S:
        """A connection over which the device just said that it can print. Raises `NotSent`, `TransportError`."""
        if self._line.session is not None:
            # It may have died unnoticed: then a fresh one tells for sure, and nothing was sent yet.
            try:
                session, refusal = await self._asked()
                if refusal is None:
                    return session
                if refusal.reason != "no_answer":
                    raise self._not_sent(operation, refusal.reason, refusal.detail)
                await self._line.close()
            except TransportError as error:
                await self._line.close(error)
        session, refusal = await self._asked()
        if refusal is not None:
            raise self._not_sent(operation, refusal.reason, refusal.detail)
        return session

    async def _asked(self) -> tuple[S, Refusal | None]:
        session = await self._opened()
        session.begin()
        return session, await self.preflight(session)

    def _failed(self, operation: str, session: S | None, error: TransportError) -> NotSent | OutcomeUnknown:
        if session is None:
            self.last_status = Status(reachable="no", reason=error.reason, detail=error.detail)
            return self._not_sent(operation, error.reason, error.detail)
        if session.document_left:
            return self._outcome_unknown(operation, session.status.trouble() or error.reason, error.detail)
        reason: Reason = turned_away(session, error) or "unreachable"
        self.note(TransportError(reason, error.detail, bytes_left=False))
        return self._not_sent(operation, reason, error.detail, TAKES_NOTHING if error.reason == "stalled" else "")

    async def _write(self, session: S, data: bytes) -> None:
        for at in range(0, len(data), _PORTION):
            session.document_left = True
            try:
                # What is longer than the device's buffer is taken no faster than it is printed.
                await session.write(data[at : at + _PORTION], self._deadlines.write)
            except TransportError as error:
                session.document_left = at > 0 or error.bytes_left
                raise

    def _not_sent(self, operation: str, reason: Reason, detail: str, hint: str = "") -> NotSent:
        return NotSent(operation, self._id, reason, detail, hint or HINTS.get(reason, ""))

    def _outcome_unknown(self, operation: str, reason: Reason, detail: str) -> OutcomeUnknown:
        return OutcomeUnknown(operation, self._id, reason, detail, HINTS.get(reason, ""))


def turned_away(session: Session | None, error: TransportError) -> Reason | None:
    """What the end of a connection says of a device that got no document over it; None where it had spoken already. One that
    lets somebody in and closes before it said anything prints for another: it is there. One that only takes nothing is nobody
    else's."""
    if isinstance(error, DeviceGone):
        return "not_plugged_in"
    if session is None or error.reason == "offline":
        return error.reason
    if error.reason == "stalled":
        return "no_answer"
    return None if session.heard else "busy"


async def _last_words(session: Session) -> None:
    """Hear what a device that stopped reading has said about itself by then."""
    with suppress(TransportError):
        await session.until(lambda: False, 0.05)

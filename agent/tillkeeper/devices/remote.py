"""A printer that is wired to another register, as this one uses it: documents go there, what becomes of them comes back.

A `Device` as any other to its worker. `NotSent`: the other register is away, refuses, or did not begin, and says that it never
will. `OutcomeUnknown`: it was told to begin, and nothing was heard of it for `GIVE_UP_S`, or it does not know itself.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

import msgspec

from tillkeeper.contract.roles import Epoch
from tillkeeper.devices import wired_wire as wire
from tillkeeper.devices.wired import known_reason
from tillkeeper.devices.wired_wire import Ask, Do, StatusTold, Told
from tillkeeper.errors import TillkeeperError
from tillkeeper.spool.model import Job, PulseData, TestSlipData
from tillkeeper.spool.policy import DUPLICATE
from tillkeeper_drivers.api import Delivery, Document, NotSent, OutcomeUnknown, PulseDocument, Status

ASK_S = 1.0
DO_S = 4.0
"""The other register's disk may be slow."""
PAUSES_S = ((1.0, 0.05), (3.0, 0.1), (float("inf"), 0.25))
"""Until an attempt is so old, so long between two questions about it."""
BUSY_S = 60.0
"""An attempt that has not begun by then is called back: the device is at work for others."""
LOOK_S = 1.0
"""Between two questions how the device is."""


class Lines(Protocol):
    """To the other registers."""

    def there(self, register: str) -> bool:
        """Whether a line to it stands."""
        ...

    async def ask(self, register: str, topic: str, body: bytes, within_s: float) -> bytes:
        """Raises: TillkeeperError: no answer, or a no."""
        ...


class Remote:
    """`register`: that the device is wired to.

    Args:
        job_of: the job of a document that is delivered; None where it is none of the spool's.
        epoch: of the store's roles, as they count here.
    """

    def __init__(
        self, name: str, register: str, lines: Lines, job_of: Callable[[str], Job | None], epoch: Callable[[], Epoch]
    ) -> None:
        self._name, self.register = name, register
        self._lines, self._job_of, self._epoch = lines, job_of, epoch
        self._open_level: Literal["high", "low", "unknown"] = "unknown"
        self._recalled = ""

    @property
    def id(self) -> str:
        return self._name

    @property
    def open_level(self) -> Literal["high", "low", "unknown"]:
        return self._open_level

    def accepts(self, document: Document) -> bool:
        """What it can do the register that drives it finds out."""
        return True

    async def close(self) -> None:
        """Nothing is open here."""

    def recall(self, job_id: str) -> None:
        """See `spool.ports.Recallable`."""
        self._recalled = job_id

    # --- how it is ---

    async def status(self) -> Status:
        """As the other register last heard; while that is silent nothing is known but that it can not be reached."""
        told: StatusTold | None = None
        detail = f"register {self.register} is silent"
        if self._lines.there(self.register):
            try:
                body = wire.encode(wire.AskStatus(self._name))
                told = wire.decode_status(await self._lines.ask(self.register, wire.STATUS, body, ASK_S))
            except TillkeeperError as error:
                detail = f"register {self.register}: {error.cause}"
            except msgspec.DecodeError:
                detail = f"register {self.register} answers what is not understood here"
        self._open_level = told.open_level if told is not None else "unknown"
        if told is None:
            return Status(reachable="no", reason="unreachable", detail=detail)
        status = told.status or Status()
        if told.refuses is not None and status.trouble() is None:
            status = msgspec.structs.replace(status, reachable="no", reason=told.refuses)
        return msgspec.structs.replace(status, detail=" ".join(filter(None, (f"on register {self.register}", status.detail))))

    async def attend(self, changed: Callable[[Status], None], _looks: AbstractAsyncContextManager[object]) -> None:
        """See `Attended`: the other register is asked; the device itself is asked by that one alone."""
        last: Status | None = None
        while True:
            status = await self.status()
            if status != last:
                last = status
                changed(status)
            await asyncio.sleep(LOOK_S)

    # --- one attempt ---

    async def deliver(self, document: Document, token: bytes) -> Delivery:
        """See `Device`."""
        try:
            told = await self._offer(self._do(document, token.hex()))
            return await self._follow(document, token.hex(), told)
        finally:
            self._recalled = ""

    def _do(self, document: Document, attempt: str) -> Do:
        job = self._job_of(document.job_id)
        body = wire.encode(document)
        if job is None or len(body) > wire.MAX_DOCUMENT:
            raise NotSent("print", self._name, "bad_document", f"register {self.register} can not be given this document")
        return Do(
            device=self._name,
            origin=job.origin or job.job_id,
            attempt=attempt,
            epoch=self._epoch(),
            document_class=job.document_class,
            document=msgspec.Raw(body),
            marked=job.may_have_printed or any(DUPLICATE in mark for mark in job.marks),
            training=not isinstance(job.data, PulseData | TestSlipData) and job.data.training,
        )

    async def _offer(self, do: Do) -> Told:
        """It begins nothing that this register has not asked after since: whatever goes wrong here, no byte has left."""
        if not self._lines.there(self.register):
            raise self._not_sent(Told("not_begun", "unreachable", "is silent"))
        try:
            return wire.decode_told(await self._lines.ask(self.register, wire.DO, wire.encode(do), DO_S))
        except (TillkeeperError, msgspec.DecodeError) as error:
            cause = error.cause if isinstance(error, TillkeeperError) else str(error)
            raise self._not_sent(Told("not_begun", "no_answer", cause)) from error

    async def _follow(self, document: Document, attempt: str, told: Told) -> Delivery:
        clock = asyncio.get_running_loop().time
        job = self._job_of(document.job_id)
        origin = (job.origin or job.job_id) if job is not None else document.job_id
        began_s = heard_s = clock()
        first = True
        while (ended := self._ended(told, document)) is None:
            age_s = clock() - began_s
            if not first:
                await asyncio.sleep(next(pause_s for till_s, pause_s in PAUSES_S if age_s < till_s))
            first = False
            recall = told.how == "accepted" and (age_s >= BUSY_S or self._recalled == document.job_id)
            ask = Ask(self._name, origin, attempt, told.stamp, recall)
            try:
                told = wire.decode_told(await self._lines.ask(self.register, wire.STATE, wire.encode(ask), ASK_S))
                heard_s = clock()
            except (TillkeeperError, msgspec.DecodeError) as error:
                if clock() - heard_s >= wire.GIVE_UP_S:
                    detail = f"register {self.register} is silent about it"
                    raise OutcomeUnknown("print", self._name, "no_answer", detail) from error
        return ended

    def _ended(self, told: Told, document: Document) -> Delivery | None:
        """The end of an attempt, None while there is none. Raises: NotSent, OutcomeUnknown."""
        match told.how:
            case "accepted" | "begun":
                return None
            case "sent" | "confirmed":
                return Delivery(told.how, told.evidence)
            case "not_begun":
                raise self._not_sent(told, "kick" if isinstance(document, PulseDocument) else "print")
            case "unconfirmed" | "unknown":
                detail = f"on register {self.register}: {told.detail or told.reason or 'nobody knows'}"
                raise OutcomeUnknown("print", self._name, told.reason or "no_answer", detail)

    def _not_sent(self, told: Told, operation: str = "print") -> NotSent:
        return NotSent(operation, self._name, known_reason(told), f"register {self.register}: {told.detail or told.reason}")

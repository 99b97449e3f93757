"""What a device driver is, seen from the agent.

A driver gets *documents* and answers with a `Delivery`, or raises one of two errors from which everything else
follows: `NotSent` (no byte left, a retry is safe) and `OutcomeUnknown` (bytes left, nobody confirmed them). Drivers
never retry, never queue and never decide what an unknown outcome leads to: the agent's spool does, by document class.

Nothing here imports the agent, so a vendor can write and test a driver without it.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol, runtime_checkable

import msgspec

from tillkeeper_drivers.blocks import LOGO_BYTES as LOGO_BYTES
from tillkeeper_drivers.blocks import LOGO_SIDE as LOGO_SIDE
from tillkeeper_drivers.blocks import Align as Align
from tillkeeper_drivers.blocks import Block as Block
from tillkeeper_drivers.blocks import Colour as Colour
from tillkeeper_drivers.blocks import Columns as Columns
from tillkeeper_drivers.blocks import Feed as Feed
from tillkeeper_drivers.blocks import Logo as Logo
from tillkeeper_drivers.blocks import Qr as Qr
from tillkeeper_drivers.blocks import Rule as Rule
from tillkeeper_drivers.blocks import Text as Text
from tillkeeper_drivers.documents import Action as Action
from tillkeeper_drivers.documents import DisplayDocument as DisplayDocument
from tillkeeper_drivers.documents import Document as Document
from tillkeeper_drivers.documents import DocumentClass as DocumentClass
from tillkeeper_drivers.documents import PrintDocument as PrintDocument
from tillkeeper_drivers.documents import PulseDocument as PulseDocument
from tillkeeper_drivers.documents import Ticket as Ticket
from tillkeeper_drivers.documents import TicketItem as TicketItem

Tri = Literal["yes", "no", "unknown"]
"""A fact about a device. Silence is `unknown`, never "fine"."""


# --- outcomes --------------------------------------------------------------------------------------------------------


class Delivery(msgspec.Struct, frozen=True):
    """The document left. `confirmed`: the device itself said that it is done; `sent`: it has no way to say so and its
    status was clean after the drain. `by` names the evidence ("GS ( H", "GS r", "DLE EOT", "display ack", "drawer pin",
    "display resync", "none")."""

    how: Literal["confirmed", "sent"]
    by: str
    first_byte_ms: float | None = None
    """From the start of `deliver` to the first byte handed to the transport, in milliseconds."""


STUCK = "drawer stuck"
"""`Delivery.by` of a kick that the printer took while the drawer's switch said "shut", and went on saying so."""


Reason = Literal[
    "unreachable",  # no route, refused, timed out while connecting, no display connected
    "not_plugged_in",  # the USB or serial device of this identity is not at this machine
    "no_permission",  # its node is there, and the agent's user may not open it
    "wrong_device",  # another device is where this one should be: it gets no byte
    "unknown_model",  # no file tells what it understands: it gets no byte
    "busy",  # somebody else holds the one connection: not dead
    "cover_open",
    "paper_out",
    "cutter",
    "temperature",  # the head is too hot (or too cold): it goes on by itself
    "offline",  # the device says that it is offline and not why
    "unrecoverable",
    "no_answer",  # connected, but a device that can answer is silent
    "lost",  # the connection broke after bytes had left
    "unsupported",  # this device can not do this (a pulse to a bell's pin, a ticket to a drawer)
    "bad_document",
    "stalled",  # the device stopped draining before the deadline
]


NOT_THERE: frozenset[Reason] = frozenset({"unreachable", "not_plugged_in", "no_permission", "wrong_device", "unknown_model"})
"""Reasons for which a device can not be talked to at all."""


class DriverError(Exception):
    """Operation, subject and cause of what went wrong at a device.

    Args:
        operation: what was tried ("print", "pulse", "show", "status").
        device: the device's id in the config.
        reason: one of `Reason`.
        detail: the cause in words, safe to show a technician.
        hint: what a person can do about it.
    """

    def __init__(self, operation: str, device: str, reason: Reason, detail: str, hint: str = "") -> None:
        super().__init__(f"{operation} on {device}: {reason}: {detail}" + (f" ({hint})" if hint else ""))
        self.operation = operation
        self.device = device
        self.reason: Reason = reason
        self.detail = detail
        self.hint = hint


class NotSent(DriverError):
    """No byte of the document left for the device. Sending it again can not double anything."""


class OutcomeUnknown(DriverError):
    """Bytes of the document left and nobody confirmed them. What follows depends on the document's class."""


class Status(msgspec.Struct, frozen=True):
    """What a device says about itself. Every field starts as unknown; silence leaves it there."""

    reachable: Tri = "unknown"
    online: Tri = "unknown"
    cover_open: Tri = "unknown"
    paper_out: Tri = "unknown"
    paper_near_end: Tri = "unknown"
    cutter_error: Tri = "unknown"
    unrecoverable_error: Tri = "unknown"
    auto_recoverable_error: Tri = "unknown"
    """It stopped, and goes on by itself: mostly a head that is too hot."""
    temperature_error: Tri = "unknown"
    """Of a device that names the temperature as the cause."""
    mechanical_error: Tri = "unknown"
    """Something that moves does not: jammed paper, mostly. Where it is also offline, it is offline for this."""
    buffer_full: Tri = "unknown"
    """It takes nothing more for now. Offline for this alone is at work, not in trouble."""
    drawer_pin_high: Tri = "unknown"
    """The level of pin 3 of the drawer connector; which level means "open" is the drawer's own setting."""
    reason: Reason | None = None
    """Why `reachable` is no, where more is known than that."""
    detail: str = ""
    behind: int = 0
    """Displays: tickets delivered by the spool and not yet acknowledged."""

    def trouble(self) -> Reason | None:
        """The strongest reason not to print now, or None where nothing is known to be wrong."""
        if self.reachable == "no":
            return self.reason or "unreachable"
        if self.cover_open == "yes":
            return "cover_open"
        if self.paper_out == "yes":
            return "paper_out"
        if self.cutter_error == "yes":
            return "cutter"
        if self.unrecoverable_error == "yes":
            return "unrecoverable"
        if "yes" in (self.temperature_error, self.auto_recoverable_error):
            return "temperature"
        if self.online == "no" and self.buffer_full != "yes":
            return "offline"
        return None


class Device(Protocol):
    """One device. `deliver` and `status` are never called at the same time: its one worker sees to it."""

    @property
    def id(self) -> str: ...

    def accepts(self, document: Document) -> bool:
        """Whether this kind of device can do this kind of document at all."""
        ...

    async def deliver(self, document: Document, token: bytes) -> Delivery:
        """Print, show or pulse `document` once.

        Args:
            token: four bytes, each 20h-7Eh, stored durably before this call; unique among this device's recent jobs.
                Printers send it as the process id of `GS ( H` function 48 (Epson ESC/POS reference, GS ( H).

        Raises:
            NotSent: no byte left.
            OutcomeUnknown: bytes left and no confirmation came within the driver's own deadline.
        """
        ...

    async def status(self) -> Status:
        """Ask the device now. Never raises `DriverError`: what could not be learned is `unknown` or `reachable=no`."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class Attended(Protocol):
    """A `Device` that tells by itself how it is."""

    async def attend(self, changed: Callable[[Status], None], looks: AbstractAsyncContextManager[object]) -> None:
        """Until cancelled, beside `deliver` and `status`: keep a connection that is this register's alone, and tell every
        change of status at once, what is heard during a job too. Never raises `DriverError`. Returns at once where the
        connection may not be kept (a network printer that others print on): such a device has to be asked by `status`; a
        trouble in the middle of a job, and its end, are told at once all the same.

        Args:
            changed: must not block.
            looks: entered around each attempt to connect: so many devices that are switched off are looked for at a time.
        """
        ...


@runtime_checkable
class Sensing(Protocol):
    """A `Device` that learns which level of its drawer's switch means "open"."""

    @property
    def open_level(self) -> Literal["high", "low", "unknown"]: ...


# --- transports ------------------------------------------------------------------------------------------------------


class Connection(Protocol):
    """An open byte stream to a device."""

    async def write(self, data: bytes, deadline_s: float) -> None:
        """Hand `data` to the device. Raises `TransportError` with `bytes_left` telling whether any byte got out."""
        ...

    async def read(self, deadline_s: float) -> bytes:
        """At least one byte, at most 4096; `b""` where the peer closed; `TimeoutError` at the deadline."""
        ...

    async def drain(self, deadline_s: float) -> None:
        """Wait until the peer's stack has acknowledged every byte, where the transport can tell (TCP: SIOCOUTQ)."""
        ...


class PortStatus(msgspec.Struct, frozen=True):
    """What a port says of the printer behind it (USB printer class 1.1, GET_PORT_STATUS)."""

    paper_out: bool
    selected: bool
    error: bool


@runtime_checkable
class HasPortStatus(Protocol):
    """A `Connection` that can ask the port, where the printer itself is silent."""

    async def port_status(self, deadline_s: float) -> PortStatus | None:
        """None where the port says nothing believable in time. Raises `TransportError` where the printer is gone."""
        ...


@runtime_checkable
class Perishes(Protocol):
    """A `Connection` whose kernel goes on sending when it has ended."""

    def perishable(self, on: bool) -> None:
        """While `on`, what the device has not acknowledged when this ends, however it ends, never reaches it."""
        ...


class Transport(Protocol):
    """Where a device is. One connection at a time."""

    @property
    def name(self) -> str: ...

    def connect(self, deadline_s: float) -> AbstractAsyncContextManager[Connection]:
        """Open for one job. Raises `TransportError` with `bytes_left=False` where that fails."""
        ...


class TransportError(Exception):
    """`reason` as in `Reason`; `bytes_left` is True as soon as one byte may have reached the device."""

    def __init__(self, reason: Reason, detail: str, *, bytes_left: bool) -> None:
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail
        self.bytes_left = bytes_left


class DeviceGone(TransportError):
    """The device vanished from this machine: it is not another host that has it."""


# --- kitchen displays ---


class DisplaySocket(Protocol):
    """One connected display, as the agent's front door hands it to a display driver (JSON text frames).

    Whatever the web server raises where the display is gone, `send` and the iteration raise `ConnectionError` (the
    iteration may just end).
    """

    async def send(self, text: str) -> None: ...

    def __aiter__(self) -> AsyncIterator[str]: ...


class BoardEvent(msgspec.Struct, frozen=True):
    """What a cook did on a display, at one of its stations. `received`: it acknowledged ticket `job_id`. For the others,
    `job_ids` are the tickets of this display that are meant and `revision` the highest revision among them; `line_id` is set
    where one item is meant. `touch`: the display's name for it, to be told when it is durable."""

    device: str
    check_id: str
    station: str
    kind: Literal["received", "started", "bumped", "recalled", "stop_seen"]
    job_id: str = ""
    line_id: str = ""
    job_ids: tuple[str, ...] = ()
    revision: int = 0
    touch: str = ""


class ShownTicket(msgspec.Struct, frozen=True):
    """A ticket that a display had before the agent was restarted. `stop_seen`: a cook has acknowledged its VOID."""

    document: DisplayDocument
    acked: bool = True
    bumped: bool = False
    stop_seen: bool = False

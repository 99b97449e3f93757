"""A Fresh KDS screen as a `Device`: JSON over TCP 9104.

Confirmed is what the screen answered with the order's own id. An update always says the whole order, line by line under ids
that stay, so what was sent and not answered is simply said again as an update: it can not double anything. The local protocol
tells nothing of bumps and recalls, and can not be asked what is on the screen (docs/kitchen-displays.md).
"""

import asyncio
from collections.abc import Callable

from tillkeeper_drivers.api import BoardEvent, Connection, NotSent, OutcomeUnknown, Ticket, Transport, TransportError
from tillkeeper_drivers.kds import fresh_messages as messages
from tillkeeper_drivers.kds.cards import Entry, Move
from tillkeeper_drivers.kds.foreign import ForeignDisplay
from tillkeeper_drivers.kds.fresh_messages import BadReply
from tillkeeper_drivers.kds.tcp import CONNECT_S, look_at
from tillkeeper_drivers.kds.wire import Look, Refused, Saying, Told

QUIET_S = 0.5
"""After a text that is not the id, and has no end, nothing more is waited for so long."""


class FreshWire:
    """See `wire.Wire`.

    Args:
        device_id: the device's id in the config.
        transport: where it is.
        answer_s: how long a reply may take, in seconds.
    """

    sent_is_shown = True
    evidence = "display answer"

    def __init__(self, device_id: str, transport: Transport, answer_s: float = 15.0) -> None:
        self._id, self._transport, self._answer_s = device_id, transport, answer_s

    def listen(self, told: Told) -> None:
        """A screen tells nothing by itself."""

    def name(self, ticket: Ticket, n: int) -> str:
        return messages.order_id(ticket, n)

    def parts(self, move: Move) -> tuple[str, ...]:
        return ("create",) if move.creates else ("cancel",) if move.ends else ("update",)

    async def say(self, saying: Saying) -> None:
        name = saying.move.card
        if saying.part == "cancel":
            try:
                await self._ask(messages.cancel(name), name)
            except Refused:
                if not saying.repeat:
                    raise
            return
        # What may be there is updated first, what may not be is created first; each falls back on the other.
        updates_first = saying.part == "update" or saying.repeat
        commands = ("update-order", "create-order") if updates_first else ("create-order", "update-order")
        try:
            await self._ask(self._order(commands[0], saying), name)
        except Refused as first:
            try:
                await self._ask(self._order(commands[1], saying), name)
            except Refused:
                raise first from None

    def _order(self, command: str, saying: Saying) -> bytes:
        move, card = saying.move, saying.card
        entries: tuple[Entry, ...] = move.adds
        voided: tuple[Entry, ...] = ()
        before: frozenset[int] = frozenset()
        if card is not None:
            entries = tuple(card.after(move).values())
            voided = (*card.voided, *move.voids)
            if command == "create-order":
                before = frozenset(card.lines)
        return messages.order(command, move.card, saying.ticket, saying.marks, entries, voided, before)

    async def has(self, saying: Saying) -> bool | None:
        """It can not be asked, and need not be: the next try is an update."""
        return False

    async def look(self) -> Look:
        return await look_at(self._transport)

    async def close(self) -> None:
        """Each order has its own connection."""

    async def _ask(self, request: bytes, name: str) -> None:
        left = False
        try:
            async with self._transport.connect(CONNECT_S) as connection:
                await connection.write(request, self._answer_s)
                left = True
                reply = await self._reply(connection, name)
                messages.verdict(reply, name)
        except TransportError as error:
            if left or error.bytes_left:
                raise OutcomeUnknown("show", self._id, error.reason, error.detail, "look at the display") from error
            raise NotSent("show", self._id, error.reason, error.detail, "is the display on?") from error
        except TimeoutError as error:
            detail = f"no whole reply within {self._answer_s:g} s"
            raise OutcomeUnknown("show", self._id, "no_answer", detail, "look at the display") from error
        except BadReply as error:
            raise OutcomeUnknown("show", self._id, "no_answer", f"a strange reply: {error}", "look at the display") from error

    async def _reply(self, connection: Connection, name: str) -> bytes:
        """Up to its end, to a line feed, or to a silence after what can not become the id. Raises TimeoutError, BadReply."""
        data = b""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._answer_s
        quiet_s = min(QUIET_S, self._answer_s / 4)
        while len(data) <= messages.MAX_REPLY:
            ended = bool(data) and not messages.may_go_on(data, name)
            try:
                chunk = await connection.read(min(quiet_s, end - loop.time()) if ended else end - loop.time())
            except TimeoutError:
                if ended and loop.time() < end:
                    return data
                raise
            data += chunk
            if not chunk or (data.strip() and messages.is_whole(data, name)):
                return data
        raise BadReply(f"over {messages.MAX_REPLY} bytes")


def fresh_display(
    device_id: str, transport: Transport, on_event: Callable[[BoardEvent], None], *, answer_s: float = 15.0
) -> ForeignDisplay:
    """A Fresh KDS screen; see `FreshWire` for the arguments."""
    return ForeignDisplay(device_id, FreshWire(device_id, transport, answer_s), on_event)

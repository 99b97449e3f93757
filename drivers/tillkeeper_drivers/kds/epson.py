"""An Epson KDS (KD-IB01, TM-i KDS, TrueOrder) as a `Device`: HTTP JSON to the display, callbacks from it.

Confirmed is what the display answered with error code 0. A request that left and was not answered is asked for by "status"
before it goes out again. Bumps come as callbacks to a listener on the one address that the config names, from the display's
own address alone, and besides by "status" each time the spool looks.
"""

import asyncio
import contextlib
import itertools
import logging
import secrets
from collections.abc import Callable

import httpx

from tillkeeper_drivers.api import BoardEvent, NotSent, OutcomeUnknown, Ticket, Transport, TransportError
from tillkeeper_drivers.kds import epson_messages as messages
from tillkeeper_drivers.kds.cards import Move
from tillkeeper_drivers.kds.epson_listener import Listener, bracketed
from tillkeeper_drivers.kds.epson_messages import BadAnswer, ListedCard
from tillkeeper_drivers.kds.foreign import ForeignDisplay
from tillkeeper_drivers.kds.wire import CardState, Look, Refused, Saying, Told

CONNECT_S = 3.0
LOOK_S = 5.0
"""The longest wait for the answer to a question; an order has its own time."""
SET_AGAIN_S = 600.0
"""Callbacks are asked for anew so often, and after each silence: a display that was restarted may have forgotten them."""
ENTERED_S = 2.0
"""After a lost answer, so long the callback for it may take yet."""
SAID = 200
"""Bytes of a strange answer that go into the log."""
ASK_AGAIN_S = 30.0
"""Where it does not answer that."""

log = logging.getLogger(__name__)


class StrangeAnswer(OutcomeUnknown):
    """The display answered, and nobody knows what it means."""


class EpsonWire:
    """See `foreign.Wire`.

    Args:
        device_id: the device's id in the config.
        host: of the display's web service, or who knows it now; `port` of it.
        callback: address and port of this machine for callbacks, or None: then bumps are only heard by asking.
        answer_s: how long an answer may take, in seconds.
        gate: is connected to before each request, no byte sent: refuses where another device has the display's address.
    """

    sent_is_shown = True
    evidence = "display answer"

    def __init__(
        self,
        device_id: str,
        host: str | Callable[[], str],
        port: int,
        callback: tuple[str, int] | None = None,
        answer_s: float = 15.0,
        gate: Transport | None = None,
    ) -> None:
        self._id, self._host, self._port, self._answer_s = device_id, host, port, answer_s
        self._gate = gate
        self._told: Told | None = None
        self._seq = itertools.count(secrets.randbelow(1_000_000) + 1)
        self._listener = Listener(device_id, *callback, self._heard) if callback is not None else None
        self._set_at = -SET_AGAIN_S
        self._tells_bumps = False
        self._promised = False
        """The display took our callbacks."""
        self._awaited = ("", asyncio.Event())
        """The card that was sent last, and whether the display says that it entered it."""
        self._client = httpx.AsyncClient(
            trust_env=False,
            verify=False,  # noqa: S501 - plain HTTP; without it each display would load the system's certificates
            timeout=httpx.Timeout(answer_s, connect=min(CONNECT_S, answer_s)),
            limits=httpx.Limits(max_connections=2, max_keepalive_connections=0),
            headers={"content-type": "application/json", "accept-encoding": "identity"},
        )

    def listen(self, told: Told) -> None:
        self._told = told

    # --- orders ---

    def name(self, ticket: Ticket, n: int) -> str:
        return messages.check_name(ticket, n)

    def parts(self, move: Move) -> tuple[str, ...]:
        if move.creates:
            return ("new",)
        voids = ("void",) if move.voids or move.changes else ()
        return (*voids, *(("append",) if move.adds or move.changes else ()))

    async def say(self, saying: Saying) -> None:
        """What the display says in a callback that it has entered is shown, whatever became of its answer."""
        seq, self._awaited = next(self._seq), (saying.move.card, asyncio.Event())
        try:
            _body, refused = await self._ask(self._request(saying, seq), seq, "show")
        except OutcomeUnknown:
            if saying.part == "void" or not self._promised or not await self._was_entered():
                raise
            return
        if refused and not (saying.part == "void" and saying.repeat):  # a repeat: it is not there to be voided any more
            raise Refused(refused)
        with contextlib.suppress(NotSent):
            await self._callbacks()

    async def _was_entered(self) -> bool:
        """The callback may come after the answer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(ENTERED_S, self._answer_s)):
                await self._awaited[1].wait()
        return self._awaited[1].is_set()

    def _request(self, saying: Saying, seq: int) -> bytes:
        move = saying.move
        if saying.part == "void":
            numbers = [entry.number for entry in (*move.voids, *(before for before, _now in move.changes))]
            return messages.void(seq, move.card, saying.ticket, None if move.ends else numbers)
        entries = (*(now for _before, now in move.changes), *move.adds)
        if saying.card is None:
            return messages.new(seq, move.card, saying.ticket, saying.marks, entries)
        return messages.append(seq, saying.card, saying.ticket, saying.marks, entries)

    async def has(self, saying: Saying) -> bool | None:
        try:
            cards = await self._cards()
        except StrangeAnswer:
            return None
        except OutcomeUnknown as error:
            raise NotSent("show", self._id, error.reason, error.detail, error.hint) from error
        if cards is None:
            return None
        card = cards.get(saying.move.card)
        if saying.part == "new":
            return True if card is not None else False if self._bumps_are_told else None
        if card is None or not card.numbers:
            return None
        move = saying.move
        if saying.part == "void":
            return not card.numbers & {entry.number for entry in (*move.voids, *(before for before, _now in move.changes))}
        return card.numbers >= {entry.number for entry in (*(now for _before, now in move.changes), *move.adds)}

    # --- the state of the display ---

    async def look(self) -> Look:
        try:
            await self._callbacks()
            cards = await self._cards()
        except NotSent as error:
            self._set_at = -SET_AGAIN_S
            return Look(reachable="no", detail=error.detail, reason=error.reason)
        except OutcomeUnknown as error:
            return Look(reachable="yes", detail=error.detail)
        detail = ""
        if self._listener is not None and not self._listener.port:
            detail = f"bumps are not heard: nothing can listen on {self._listener.wanted}"
        if cards is None:
            return Look("yes", "yes", detail)
        self._tells_bumps = self._tells_bumps or any(card.bumped for card in cards.values())
        states: dict[str, CardState] = {name: "bumped" if card.bumped else "open" for name, card in cards.items()}
        return Look("yes", "yes", detail, states, tells_bumps=self._bumps_are_told)

    @property
    def _bumps_are_told(self) -> bool:
        """Whether a card that the display does not list was certainly not bumped."""
        return self._tells_bumps or self._promised

    async def _cards(self) -> dict[str, ListedCard] | None:
        seq = next(self._seq)
        body, refused = await self._ask(messages.status(seq), seq, "status")
        return None if refused else messages.listed(body)

    # --- HTTP ---

    async def _ask(self, request: bytes, seq: int, operation: str) -> tuple[dict[str, object], str]:
        """The answer, and why it is a refusal. Raises NotSent and OutcomeUnknown as `Device.deliver` does."""
        within_s = self._answer_s if operation == "show" else min(LOOK_S, self._answer_s)
        look = "look at the display"
        try:
            if self._gate is not None:
                async with self._gate.connect(CONNECT_S):
                    pass
            async with asyncio.timeout(min(CONNECT_S, within_s) + within_s):
                status, data = await self._post(request)
        except TransportError as error:
            raise NotSent(operation, self._id, error.reason, error.detail, "is the display on?") from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotSent(operation, self._id, "unreachable", str(error) or "no answer", "is the display on?") from error
        except (TimeoutError, httpx.TimeoutException) as error:
            detail = f"no whole answer within {within_s:g} s"
            raise OutcomeUnknown(operation, self._id, "no_answer", detail, look) from error
        except httpx.HTTPError as error:
            raise OutcomeUnknown(operation, self._id, "lost", str(error) or type(error).__name__, look) from error
        if 300 <= status < 500:
            return {}, f"HTTP {status}"
        try:
            if status != 200:
                raise BadAnswer(f"HTTP {status}")
            verdict, body = messages.answered(data, seq)
        except BadAnswer as error:
            log.warning("display %s: a strange answer, %s: %r", self._id, error, data[:SAID])
            raise StrangeAnswer(operation, self._id, "no_answer", f"a strange answer: {error}", look) from error
        return body, f"error {verdict.code} {verdict.text}".strip() if verdict.code else ""

    async def _post(self, request: bytes) -> tuple[int, bytes]:
        data = bytearray()
        url = f"http://{bracketed(self._where_now())}:{self._port}{messages.PATH}"
        async with self._client.stream("POST", url, content=request) as response:
            async for chunk in response.aiter_raw():
                data += chunk
                if len(data) > messages.MAX_ANSWER:
                    raise httpx.ReadError(f"an answer over {messages.MAX_ANSWER} bytes")
        return response.status_code, bytes(data)

    def _where_now(self) -> str:
        return self._host if isinstance(self._host, str) else self._host()

    # --- callbacks ---

    async def _callbacks(self) -> None:
        """Listen, and see to it that the display knows where. Orders go out whatever becomes of this. Raises NotSent."""
        loop = asyncio.get_running_loop()
        if self._listener is None or loop.time() - self._set_at < SET_AGAIN_S:
            return
        if not await self._listener.open(self._where_now()):
            return
        url = self._listener.url
        self._set_at = loop.time() - SET_AGAIN_S + ASK_AGAIN_S
        promised = []
        for trigger in messages.CALLBACKS:
            seq = next(self._seq)
            try:
                _body, refused = await self._ask(messages.callback(seq, trigger, url), seq, "status")
            except StrangeAnswer:
                continue
            except OutcomeUnknown as error:
                log.warning("display %s does not promise to tell %s: %s", self._id, trigger, error.detail)
                return
            if refused:
                log.warning("display %s will not tell %s: %s", self._id, trigger, refused)
            else:
                promised.append(trigger)
        self._promised = len(promised) == len(messages.CALLBACKS)
        self._set_at = loop.time()

    def _heard(self, callback: messages.Callback) -> None:
        if self._told is not None and callback.trigger == "onbump":
            self._told.bumped(callback.check, callback.number)
        elif self._told is not None and callback.trigger == "onenter":
            if callback.check == self._awaited[0]:
                self._awaited[1].set()
            self._told.entered(callback.check)

    async def close(self) -> None:
        await self._client.aclose()
        if self._listener is not None:
            await self._listener.close()


def epson_display(
    device_id: str,
    host: str | Callable[[], str],
    port: int,
    on_event: Callable[[BoardEvent], None],
    *,
    callback: tuple[str, int] | None = None,
    answer_s: float = 15.0,
    gate: Transport | None = None,
) -> ForeignDisplay:
    """An Epson KDS; see `EpsonWire` for the arguments."""
    return ForeignDisplay(device_id, EpsonWire(device_id, host, port, callback, answer_s, gate), on_event)

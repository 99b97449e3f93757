"""An Epson KDS (KD-IB01, TM-i KDS, TrueOrder) as a `Device`: HTTP JSON to the display, callbacks from it.

Confirmed is what the display answered with error code 0. A request that left and was not answered is asked for by "status"
before it goes out again. Bumps come as callbacks to a listener on the one address that the config names, from the display's
own address alone, and besides by "status" each time the spool looks.
"""

import asyncio
import contextlib
import hmac
import ipaddress
import itertools
import logging
import secrets
import socket
from collections.abc import Callable

import httpx

from tillkeeper_drivers.api import BoardEvent, NotSent, OutcomeUnknown, Ticket, Transport, TransportError
from tillkeeper_drivers.httpd import Answer, Asked, serving
from tillkeeper_drivers.kds import epson_messages as messages
from tillkeeper_drivers.kds.cards import Move
from tillkeeper_drivers.kds.epson_messages import BadAnswer, ListedCard
from tillkeeper_drivers.kds.foreign import ForeignDisplay
from tillkeeper_drivers.kds.wire import CardState, Look, Refused, Saying, Told

CONNECT_S = 3.0
LOOK_S = 5.0
"""The longest wait for the answer to a question; an order has its own time."""
SET_AGAIN_S = 600.0
"""Callbacks are asked for anew so often, and after each silence: a display that was restarted may have forgotten them."""
SAID = 200
"""Bytes of a strange answer that go into the log."""
MAX_STRANGERS = 16
"""Addresses that called and are not the display, named in the log once each."""
ASK_AGAIN_S = 30.0
"""Where it does not answer that."""

log = logging.getLogger(__name__)


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
        self._callback, self._gate = callback, gate
        self._told: Told | None = None
        self._seq = itertools.count(secrets.randbelow(1_000_000) + 1)
        self._secret = secrets.token_urlsafe(12)
        self._peers: frozenset[str] = frozenset()
        self._strangers: set[str] = set()
        self._listener: contextlib.AsyncExitStack | None = None
        self.callback_port = 0
        """Where callbacks are heard; 0 while they are not."""
        self._set_at = -SET_AGAIN_S
        self._tells_bumps = False
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
        seq = next(self._seq)
        _body, refused = await self._ask(self._request(saying, seq), seq, "show")
        if refused and not (saying.part == "void" and saying.repeat):  # a repeat: it is not there to be voided any more
            raise Refused(refused)
        with contextlib.suppress(NotSent):
            await self._callbacks()

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
        if self._callback is not None and not self.callback_port:
            detail = f"bumps are not heard: nothing can listen on {self._callback[0]}:{self._callback[1]}"
        if cards is None:
            return Look("yes", "yes", detail)
        self._tells_bumps = self._tells_bumps or any(card.bumped for card in cards.values())
        states: dict[str, CardState] = {name: "bumped" if card.bumped else "open" for name, card in cards.items()}
        return Look("yes", "yes", detail, states, tells_bumps=self._bumps_are_told)

    @property
    def _bumps_are_told(self) -> bool:
        """Whether a card that the display does not list was certainly not bumped."""
        return self._tells_bumps or bool(self.callback_port)

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
            raise OutcomeUnknown(operation, self._id, "no_answer", f"a strange answer: {error}", look) from error
        return body, f"error {verdict.code} {verdict.text}".strip() if verdict.code else ""

    async def _post(self, request: bytes) -> tuple[int, bytes]:
        data = bytearray()
        url = f"http://{_bracketed(self._where_now())}:{self._port}{messages.PATH}"
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
        if self._callback is None or loop.time() - self._set_at < SET_AGAIN_S:
            return
        if not await self._listen(*self._callback):
            return
        url = f"http://{_bracketed(self._callback[0])}:{self.callback_port}/{self._secret}"
        self._set_at = loop.time() - SET_AGAIN_S + ASK_AGAIN_S
        for trigger in messages.CALLBACKS:
            seq = next(self._seq)
            try:
                _body, refused = await self._ask(messages.callback(seq, trigger, url), seq, "status")
            except OutcomeUnknown as error:
                log.warning("display %s does not promise to tell %s: %s", self._id, trigger, error.detail)
                return
            if refused:
                log.warning("display %s will not tell %s: %s", self._id, trigger, refused)
        self._set_at = loop.time()

    async def _listen(self, host: str, port: int) -> bool:
        """Whether the listener is up."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(self._where_now(), None, type=socket.SOCK_STREAM)
            self._peers = frozenset(str(ipaddress.ip_address(str(entry[4][0]).partition("%")[0])) for entry in found)
            if self._listener is None:
                stack = contextlib.AsyncExitStack()
                admitted = serving(
                    host, port, self._called, admits=self._admits, max_body=messages.MAX_CALLBACK, connections=4
                )
                self.callback_port = await stack.enter_async_context(admitted)
                self._listener = stack
        except OSError as error:
            log.warning("display %s: no callbacks: %s", self._id, error)
        return self._listener is not None

    def _admits(self, peer: str) -> bool:
        address = ipaddress.ip_address(peer.partition("%")[0])
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        admitted = str(mapped or address) in self._peers
        if not admitted and peer not in self._strangers and len(self._strangers) < MAX_STRANGERS:
            self._strangers.add(peer)
            log.warning("display %s: a callback from %s, which is not the display", self._id, peer)
        return admitted

    async def _called(self, asked: Asked) -> Answer:
        if asked.method != "POST" or not hmac.compare_digest(asked.path.encode(), f"/{self._secret}".encode()):
            return Answer(404)
        try:
            callback = messages.heard(asked.body)
        except BadAnswer as error:
            log.warning("display %s: a strange callback: %s", self._id, error)
            return Answer(400)
        if self._told is not None and callback.trigger == "onbump":
            self._told.bumped(callback.check, callback.number)
        elif self._told is not None and callback.trigger == "onenter":
            self._told.entered(callback.check)
        return Answer(200, b"{}")

    async def close(self) -> None:
        await self._client.aclose()
        if self._listener is not None:
            await self._listener.aclose()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


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

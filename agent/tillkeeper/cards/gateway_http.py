"""A payment gateway over HTTP (`docs/gateway-protocol.md`). Every library error is translated here.

Only a well-formed answer about the very id that was asked says anything. Whatever else comes (another status, a page of a
proxy, half a body) says nothing, and the authorisation is unknown: it may have been made.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Literal

import httpx
import msgspec

from tillkeeper import authorities
from tillkeeper.cards.gateway import MAX_REFERENCE, MAX_WORDS, Asked, Heard, Said, harmless
from tillkeeper.config.model import Gateway as GatewayConfig
from tillkeeper.errors import ConfigInvalid

log = logging.getLogger(__name__)

MAX_ANSWER_BYTES = 16_384
QUICK_S = 10.0
"""A query or a reversal needs no guest: it takes no longer than this."""
CONNECT_S = 5.0
_PROBLEM = "application/problem+json"
_UNKNOWN_TYPE = ":unknown_authorisation"
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_encode = msgspec.json.Encoder().encode


class _Answer(msgspec.Struct):
    authorisation_id: str
    state: Literal["approved", "declined", "pending", "reversed", "never_made"]
    amount_minor: int = 0
    reference: str = ""
    label: str = ""
    reason: str = ""


class _Problem(msgspec.Struct):
    type: str = ""
    title: str = ""
    detail: str = ""


_decode = msgspec.json.Decoder(_Answer).decode
_decode_problem = msgspec.json.Decoder(_Problem).decode


class HttpGateway:
    """`token`: gives the shared secret, empty where there is none, or raises ConfigInvalid: then nothing is sent. It goes
    into a header and nowhere else. Redirects are never followed: it would go along. Each call has a connection of its own: one
    that stood idle and broke would leave a payment unknown for nothing."""

    def __init__(self, gateway: GatewayConfig, token: Callable[[], str]) -> None:
        self._url = gateway.url.rstrip("/") + "/v1/authorisations"
        self._timeout_s, self._token = gateway.timeout_s, token
        # Without https no certificates are needed, and loading them costs more than anything else here.
        tls = authorities.context() if self._url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client = httpx.AsyncClient(
            verify=tls,
            trust_env=False,
            follow_redirects=False,
            headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def authorise(self, asked: Asked) -> Said:
        return await self._call("PUT", asked.authorisation_id, "", self._timeout_s, _encode(asked), asked.amount_minor)

    async def query(self, authorisation_id: str, amount_minor: int) -> Said:
        return await self._call("GET", authorisation_id, "", min(QUICK_S, self._timeout_s), amount_minor=amount_minor)

    async def reverse(self, authorisation_id: str) -> Said:
        said = await self._call("POST", authorisation_id, "/reverse", min(QUICK_S, self._timeout_s), b"{}")
        if said.heard in ("reversed", "never_made", "not_reached"):
            return said
        return Said("no_answer", reason=said.reason or f"a reversal was answered {said.heard}")

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _call(
        self, method: str, authorisation_id: str, path: str, within_s: float, body: bytes = b"", amount_minor: int = 0
    ) -> Said:
        """`amount_minor`: that has to be approved; 0 asks nothing of it."""
        url = f"{self._url}/{authorisation_id}{path}"
        timeout = httpx.Timeout(within_s, connect=min(CONNECT_S, within_s))
        try:
            headers = {"Authorization": f"Bearer {token}"} if (token := self._token()) else {}
            asking = self._client.stream(method, url, content=body or None, timeout=timeout, headers=headers)
            async with asyncio.timeout(within_s), asking as response:
                content = await _bounded(response)
        except ConfigInvalid as error:
            log.info("%s: not asked: %s", self._url, error)
            return Said("not_reached", reason="its secret can not be read at this register")
        except _NOTHING_SENT as error:
            log.info("%s: no connection: %r", self._url, error)
            return Said("not_reached", reason="it can not be reached")
        except (TimeoutError, httpx.TimeoutException):
            return Said("no_answer", reason=f"no answer within {within_s:g} s")
        except (httpx.TransportError, httpx.InvalidURL) as error:  # InvalidURL: a redirect to what is no address
            log.info("%s: no whole answer: %r", self._url, error)
            return Said("no_answer", reason="the connection broke before its answer was there")
        if content is None:
            return Said("no_answer", reason=f"an answer of more than {MAX_ANSWER_BYTES} bytes")
        return _heard(method, authorisation_id, response, content, amount_minor)


async def _bounded(response: httpx.Response) -> bytes | None:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            return None
    return bytes(body)


def _heard(method: str, authorisation_id: str, response: httpx.Response, body: bytes, amount_minor: int) -> Said:
    status = response.status_code
    if status != 200:
        return _problem(method, status, response.headers.get("content-type", ""), body)
    try:
        answer = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Said("no_answer", reason="an answer that makes no sense")
    if answer.authorisation_id != authorisation_id:
        return Said("no_answer", reason="an answer about something else")
    words = harmless(answer.reference, MAX_REFERENCE), harmless(answer.label, MAX_WORDS), harmless(answer.reason, MAX_WORDS)
    if answer.state == "approved" and amount_minor and answer.amount_minor != amount_minor:
        return Said("partial", *words)
    return Said(answer.state, *words)


def _problem(method: str, status: int, media: str, body: bytes) -> Said:
    """The gateway's own refusals (RFC 9457) say that nothing was begun; a 5xx, or what is not in its form, says nothing."""
    problem = _Problem()
    own = media.partition(";")[0].strip() == _PROBLEM
    try:
        problem = _decode_problem(body) if own else problem
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        own = False
    words = harmless(problem.detail or problem.title, MAX_WORDS)
    heard: Heard = "no_answer"
    if own and status == 404 and problem.type.endswith(_UNKNOWN_TYPE) and method == "GET":
        heard = "unknown_here"
    elif own and status == 409 and method == "PUT":
        heard = "declined"
    elif own and method == "PUT" and status in (400, 401, 403, 413, 422, 429, 503):
        heard = "not_begun"
    return Said(heard, reason=f"HTTP {status}{': ' if words else ''}{words}")

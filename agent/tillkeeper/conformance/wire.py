"""HTTP as a register speaks it: never a redirect, no compression of answers, a bound on each answer and each wait."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx
import msgspec

from tillkeeper import authorities
from tillkeeper.conformance.model import Broken, Exchange, Skipped
from tillkeeper.contract.envelope import HqAnswer, HqBatch

MAX_ANSWER_BYTES = 1024 * 1024
MAX_READ_BYTES = 16 * 1024 * 1024
"""Of what HQ shows: pages of events may be long."""
MAX_EXCHANGES = 12
"""What a failed check shows; older ones are dropped."""
BUSY = (429, 503)
BUSY_PAUSES_S = (0.25, 0.5, 1.0)
"""A HQ that is busy says so and is asked again, as registers do."""
_SHOWN = 600

_encoder = msgspec.json.Encoder()
_answers = msgspec.json.Decoder(HqAnswer)


class Answer(NamedTuple):
    """`status` 0: none came, `body` says why."""

    status: int
    kind: str
    body: bytes


class Wire:
    """`token`: the register's; `reader_token`: for what HQ shows, empty where the register's own is to be used."""

    def __init__(self, url: str, token: str, reader_token: str = "", timeout_s: float = 10.0) -> None:
        self._url = url.rstrip("/")
        self._token, self._reader_token = token, reader_token
        self.timeout_s = timeout_s
        self.exchanges: list[Exchange] = []
        tls = authorities.context() if self._url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client = httpx.AsyncClient(
            verify=tls, trust_env=False, follow_redirects=False, timeout=timeout_s,
            limits=httpx.Limits(max_connections=32), headers={"Accept-Encoding": "identity"},
        )  # fmt: skip

    async def aclose(self) -> None:
        await self._client.aclose()

    async def send(self, batch: HqBatch) -> HqAnswer:
        """A batch that HQ has to take. Raises Broken: another status than 200, or not an answer to these events."""
        for pause_s in BUSY_PAUSES_S:
            answer = await self.attempt(batch)
            if answer.status not in BUSY:
                break
            await asyncio.sleep(pause_s)
        return self.read(answer, batch)

    async def attempt(self, batch: HqBatch, token: str | None = None) -> Answer:
        """A batch that HQ may refuse."""
        return await self.post(_encoder.encode(batch), token=token, words=describe(batch))

    async def gzipped(self, batch: HqBatch) -> HqAnswer:
        headers = {"Content-Encoding": "gzip"}
        return self.read(await self.post(gzip.compress(_encoder.encode(batch)), headers=headers, words=describe(batch)), batch)

    async def post(
        self,
        content: bytes | AsyncIterator[bytes],
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        path: str = "/v1/events",
        words: str = "",
    ) -> Answer:
        """`token`: None is the register's own, empty none at all."""
        sent = {"Content-Type": "application/json", **(headers or {}), **self._bearer(self._token if token is None else token)}
        packing = f" ({headers['Content-Encoding']})" if headers and "Content-Encoding" in headers else ""
        size = f", {len(content)} bytes" if isinstance(content, bytes) else ""
        described = f"{words or 'a body'}{size}{packing}"
        return await self._exchange("POST", path, described, MAX_ANSWER_BYTES, sent, content=content)

    async def get(self, path: str, **query: Any) -> Any:
        """What HQ shows. Raises Skipped where it does not offer that."""
        headers = self._bearer(self._reader_token or self._token)
        answer = await self._exchange("GET", path, str(httpx.QueryParams(query)), MAX_READ_BYTES, headers, params=query)
        if answer.status in (401, 403, 404, 405, 501):
            raise Skipped(f"GET {path} is not offered with this token (HTTP {answer.status})")
        if answer.status != 200:
            raise Broken(f"GET {path} is answered with HTTP {answer.status}: {shorten(answer.body)}")
        try:
            return msgspec.json.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Broken(f"GET {path} is answered with something else than JSON: {error}") from error

    def read(self, answer: Answer, batch: HqBatch) -> HqAnswer:
        """The answer as a register reads it. Raises Broken."""
        if answer.status != 200:
            came = f"HTTP {answer.status}" if answer.status else "no answer"
            raise Broken(f"a batch that is in order is not taken: {came}: {shorten(answer.body)}")
        try:
            found = _answers.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Broken(f"HTTP 200, but no answer that a register can read: {error}") from error
        seqs = [verdict.seq for verdict in found.verdicts]
        if seqs != [event.seq for event in batch.events]:
            raise Broken(f"there must be one verdict an event, in their order; the seqs are {seqs[:20]}")
        if strange := {verdict.verdict for verdict in found.verdicts} - {"stored", "retryable", "rejected"}:
            raise Broken(f"a verdict is stored, retryable or rejected, not {', '.join(sorted(strange))[:100]}")
        return found

    def _bearer(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"} if token else {}

    async def _exchange(self, method: str, path: str, words: str, bound: int, headers: dict[str, str], **rest: Any) -> Answer:
        try:
            async with (
                asyncio.timeout(self.timeout_s),
                self._client.stream(method, self._url + path, headers=headers, **rest) as response,
            ):
                body = bytearray()
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > bound:
                        break
                answer = Answer(response.status_code, response.headers.get("content-type", ""), bytes(body))
            if len(body) > bound:
                answer = Answer(0, "", f"longer than {bound} bytes: a register does not read on".encode())
        except (TimeoutError, httpx.TimeoutException):
            answer = Answer(0, "", f"no answer within {self.timeout_s:g} s".encode())
        except (httpx.TransportError, httpx.InvalidURL) as error:
            answer = Answer(0, "", (str(error) or type(error).__name__).encode())
        self.exchanges.append(Exchange(f"{method} {path}: {words}", answer.status, shorten(answer.body)))
        del self.exchanges[:-MAX_EXCHANGES]
        return answer


def describe(batch: HqBatch) -> str:
    """What a batch holds, for people: which log, and its first events with the hashes they begin with."""
    log = f"{batch.register}/{batch.incarnation}"
    if not batch.events:
        return f"{log}, no events"
    shown = ", ".join(f"{e.seq} {e.type} v{e.version} {e.hash[:8]}" for e in batch.events[:6])
    more = f" and {len(batch.events) - 6} more" if len(batch.events) > 6 else ""
    return f"{log}: {shown}{more}{', signed' if batch.head is not None else ''}"


def shorten(body: bytes) -> str:
    text = body.decode(errors="replace")
    return text if len(text) <= _SHOWN else text[:_SHOWN] + f"... ({len(body)} bytes)"

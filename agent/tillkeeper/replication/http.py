"""The way to HQ over HTTP (`docs/hq-contract.md`): one POST per exchange, now and then one for the roster. Every
library error is translated here."""

import asyncio
import gzip
import logging
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import httpx
import msgspec

from tillkeeper import clock
from tillkeeper.asking_files import HqAccess
from tillkeeper.contract.envelope import MAX_NUMBER, HqAnswer, HqBatch
from tillkeeper.contract.roster import Roster
from tillkeeper.replication.hq_client import HqClient
from tillkeeper.replication.trouble import SinkTrouble

MAX_ANSWER_BYTES = 1024 * 1024
WORTH_PACKING = 32 * 1024
"""Bytes of a batch. What is just sold goes out as it is, and at once; days of books are a seventh when packed."""
_MAX_SEQ = 2**53
ROSTER_AGAIN_S = 60.0
"""So long HQ is not told the roster again that it did not want, or took and still names another."""

log = logging.getLogger(__name__)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(HqAnswer)


class HttpTransport:
    """`exchange` posts a batch and returns HQ's answer. The whole exchange has `hq.timeout_s` seconds, however slowly HQ drips;
    redirects are never followed, because the token would go with them. `roster`: the store's, None where it has none; HQ is
    told before a batch whenever it has another one. Large batches are packed, until HQ takes one only unpacked."""

    def __init__(self, access: HqAccess, roster: Callable[[], Roster | None] = lambda: None) -> None:
        hq = access.hq
        self._roster = roster
        self._hq_roster = ""
        self._told: tuple[str, float] = ("", 0.0)
        """Digest of the roster that HQ was told last, and when."""
        self._url = hq.url.rstrip("/") + "/v1/events"
        self._roster_url = hq.url.rstrip("/") + "/v1/roster"
        self._timeout_s = hq.timeout_s
        self._packs = True
        self.hq_minus_boot_s: float | None = None
        self._client, self._looking = HqClient(access), HqClient(access, kept=0)

    async def exchange(self, batch: HqBatch) -> HqAnswer:
        """Raises SinkTrouble: there is no answer to rely on; HQ may have stored the batch all the same."""
        await self._tell_roster()
        response, body = await self._post_batch(_encoder.encode(batch))
        answer = self._heard(response, body)
        self._hq_roster = answer.roster
        return answer

    def _heard(self, response: httpx.Response, body: bytes) -> HqAnswer:
        """With the time that it was at HQ."""
        answer = _answer(self._url, response.status_code, body)
        said_s = _date_s(response.headers.get("date", ""))
        self.hq_minus_boot_s = None if said_s is None else said_s - clock.boot_s()
        return answer

    async def look(self, batch: HqBatch, within_s: float) -> HqAnswer:
        """One exchange on a fresh connection, whatever the usual one does. Raises SinkTrouble."""
        response, body = await self._post(self._url, _encoder.encode(batch), by=self._looking, within_s=within_s)
        return self._heard(response, body)

    async def _post_batch(self, content: bytes) -> tuple[httpx.Response, bytes]:
        if not self._packs or len(content) < WORTH_PACKING:
            return await self._post(self._url, content)
        packed = await asyncio.to_thread(gzip.compress, content, 1, mtime=0)
        response, body = await self._post(self._url, packed, {"Content-Encoding": "gzip"})
        if response.status_code in (400, 415):  # it may be the packing
            response, body = await self._post(self._url, content)
            self._packs = response.status_code != 200
        return response, body

    async def _tell_roster(self) -> None:
        """Whether HQ wants it is its own affair: a vendor's may not know rosters, another may pin another authority."""
        roster = self._roster()
        if roster is None or roster.digest in ("", self._hq_roster):
            return
        digest, told_s = self._told
        if digest == roster.digest and clock.boot_s() - told_s < ROSTER_AGAIN_S:
            return
        content = _encoder.encode({"store": roster.store, "statements": roster.statements})
        response, body = await self._post(self._roster_url, content)
        self._told = roster.digest, clock.boot_s()
        if response.status_code != 200:
            log.info("HQ does not take the roster and checks no signatures: HTTP %d: %s", response.status_code, _detail(body))

    async def _post(
        self, url: str, content: bytes, headers: dict[str, str] | None = None, *,
        by: HqClient | None = None, within_s: float | None = None,
    ) -> tuple[httpx.Response, bytes]:  # fmt: skip
        """Raises SinkTrouble."""
        within_s = self._timeout_s if within_s is None else within_s
        return await (by or self._client).post(url, content, within_s=within_s, most_bytes=MAX_ANSWER_BYTES, headers=headers)

    async def aclose(self) -> None:
        await self._client.aclose()
        await self._looking.aclose()


def _date_s(text: str) -> float | None:
    """Unix time of an HTTP date (RFC 9110, 5.6.7), None for anything else."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _answer(url: str, status: int, body: bytes) -> HqAnswer:
    cause = f"HTTP {status}: {_detail(body)}"
    if status == 403 and _problem(body).type.endswith(":no_authority"):
        words = f"HQ takes nothing of other registers ({cause})"
        raise SinkTrouble("credentials_refused", url, words, "add [[stores]] with the store's authority to HQ's credentials")
    if status in (401, 403):
        raise SinkTrouble("credentials_refused", url, f"credentials refused ({cause})", "check hq.token_file")
    if 300 <= status < 400:
        raise SinkTrouble("redirected", url, f"HTTP {status}, which is not followed", "a captive portal, or a wrong hq.url")
    if status in (400, 413, 422):
        raise SinkTrouble("batch_refused", url, cause)
    if status in (429, 503):
        raise SinkTrouble("busy", url, cause)
    if status != 200:
        raise SinkTrouble("server_error", url, cause)
    try:
        answer = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SinkTrouble("garbage", url, f"HTTP 200, but no answer of HQ: {error}", "is this really HQ?") from error
    if not 0 <= answer.held_seq <= _MAX_SEQ or any(not 0 < n.number <= MAX_NUMBER for n in answer.numbers):
        raise SinkTrouble("garbage", url, "numbers out of range")
    return answer


class _Problem(msgspec.Struct):
    type: str = ""
    detail: str = ""
    title: str = ""


def _detail(body: bytes) -> str:
    """What a problem document (RFC 9457) says, or nothing: pages of proxies are no reading."""
    problem = _problem(body)
    return (problem.detail or problem.title or "no details")[:300]


def _problem(body: bytes) -> _Problem:
    try:
        return msgspec.json.decode(body, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Problem()

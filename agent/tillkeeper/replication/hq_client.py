"""Asking HQ over HTTP: how a connection to it is made, and one question with a bound on its time and on its answer."""

import asyncio
import ssl
from functools import cache

import httpx

from tillkeeper import authorities
from tillkeeper.config.model import Hq
from tillkeeper.errors import ConfigInvalid
from tillkeeper.replication.trouble import SinkTrouble

KEPT_S = 4.0
"""Let go of before servers do (Node and uvicorn after 5 s): what is sent while the other end closes is lost."""


def client(hq: Hq, token: str, kept: int = 1, tls: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    """One connection at a time; `kept`: how many of them stay open between two questions; `tls`: what `trust` made. Redirects
    are never followed, because the token would go with them."""
    return httpx.AsyncClient(
        verify=trust(hq) if tls is None else tls,
        trust_env=False,
        follow_redirects=False,
        timeout=hq.timeout_s,
        limits=httpx.Limits(max_connections=1, max_keepalive_connections=kept, keepalive_expiry=KEPT_S),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept-Encoding": "identity"},
    )


@cache
def trust(hq: Hq) -> ssl.SSLContext:
    """Whose certificates are believed, read once for all who ask. Raises: ConfigInvalid: `hq.ca_file` is of no use."""
    if not hq.url.startswith("https:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # no certificates: loading them costs more than anything else here
    try:
        return authorities.context(hq.ca_file)
    except OSError as error:  # an SSLError is one
        raise ConfigInvalid("read", f"hq.ca_file {hq.ca_file}", str(error), "it holds authorities in PEM form") from error


async def post(
    by: httpx.AsyncClient, hq: Hq, url: str, content: bytes, *,
    within_s: float, most_bytes: int, headers: dict[str, str] | None = None,
) -> tuple[httpx.Response, bytes]:  # fmt: skip
    """The answer, whatever its status. The whole exchange has `within_s` seconds, however slowly HQ drips.

    Raises:
        SinkTrouble: `timeout`, `unreachable`, `untrusted`, or `garbage` for more than `most_bytes`. HQ may have done what was
            asked.
    """
    body = bytearray()
    try:
        asking = by.stream("POST", url, content=content, headers=headers)
        async with asyncio.timeout(within_s), asking as response:
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > most_bytes:
                    raise SinkTrouble("garbage", url, f"answer longer than {most_bytes} bytes")
            return response, bytes(body)
    except (TimeoutError, httpx.TimeoutException):
        raise SinkTrouble("timeout", url, f"no answer within {within_s:.3g} s") from None
    except httpx.TransportError as error:
        if (refusal := authorities.refusal(error)) is not None:
            cause, hint = authorities.words(refusal, hq.ca_file, "hq.ca_file")
            raise SinkTrouble("untrusted", url, cause, hint) from error
        raise SinkTrouble("unreachable", url, _said(error)) from error
    except httpx.InvalidURL as error:
        raise SinkTrouble("unreachable", url, f"not a URL: {error}", "check hq.url") from error


def _said(error: BaseException) -> str:
    """Its words, or those of what was behind it: a handshake that fails comes up without any."""
    at: BaseException | None = error
    while at is not None and not str(at):
        at = at.__cause__ or at.__context__
    return type(error).__name__ if at is None else str(at)

"""Asking HQ over HTTP: how a connection to it is made, and one question with a bound on its time and on its answer."""

import asyncio

import httpx

from tillkeeper import authorities
from tillkeeper.asking_files import HqAccess
from tillkeeper.errors import ConfigInvalid
from tillkeeper.replication.trouble import SinkTrouble

KEPT_S = 4.0
"""Let go of before servers do (Node and uvicorn after 5 s): what is sent while the other end closes is lost."""


class HqClient:
    """One connection at a time; `kept`: how many of them stay open between two questions. Redirects are never followed, because
    the token would go with them."""

    def __init__(self, access: HqAccess, kept: int = 1) -> None:
        self._access, self._kept = access, kept
        self._client: httpx.AsyncClient | None = None

    async def post(
        self, url: str, content: bytes, *, within_s: float, most_bytes: int, headers: dict[str, str] | None = None
    ) -> tuple[httpx.Response, bytes]:
        """The answer, whatever its status. The whole exchange has `within_s` seconds, however slowly HQ drips.

        Raises:
            SinkTrouble: `not_prepared`, `timeout`, `unreachable`, `untrusted`, or `garbage` for more than `most_bytes`. But
                for `not_prepared` and `untrusted` HQ may have done what was asked.
        """
        body = bytearray()
        try:
            asking = self._opened().stream("POST", url, content=content, headers=headers)
            async with asyncio.timeout(within_s), asking as response:
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > most_bytes:
                        raise SinkTrouble("garbage", url, f"answer longer than {most_bytes} bytes")
                return response, bytes(body)
        except ConfigInvalid as error:
            raise SinkTrouble("not_prepared", url, f"{error.subject}: {error.cause}", error.hint) from error
        except (TimeoutError, httpx.TimeoutException):
            raise SinkTrouble("timeout", url, f"no answer within {within_s:.3g} s") from None
        except httpx.TransportError as error:
            if (refusal := authorities.refusal(error)) is not None:
                cause, hint = authorities.words(refusal, self._access.hq.ca_file, "hq.ca_file")
                raise SinkTrouble("untrusted", url, cause, hint) from error
            raise SinkTrouble("unreachable", url, _said(error)) from error
        except httpx.InvalidURL as error:
            raise SinkTrouble("unreachable", url, f"not a URL: {error}", "check hq.url") from error

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    def _opened(self) -> httpx.AsyncClient:
        """Made for the first question. Raises: ConfigInvalid: what it takes can not be read."""
        if self._client is None:
            self._client = httpx.AsyncClient(
                verify=self._access.trust(),
                trust_env=False,
                follow_redirects=False,
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=self._kept, keepalive_expiry=KEPT_S),
                headers={
                    "Authorization": f"Bearer {self._access.token()}",
                    "Content-Type": "application/json",
                    "Accept-Encoding": "identity",
                },
                timeout=self._access.hq.timeout_s,
            )
        return self._client


def _said(error: BaseException) -> str:
    """Its words, or those of what was behind it: a handshake that fails comes up without any."""
    at: BaseException | None = error
    while at is not None and not str(at):
        at = at.__cause__ or at.__context__
    return type(error).__name__ if at is None else str(at)

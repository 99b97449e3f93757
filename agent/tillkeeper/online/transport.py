"""The way to HQ for online orders (`docs/hq-contract.md`), on a connection of its own: no batch of books keeps it waiting."""

from urllib.parse import quote

import msgspec

from tillkeeper.asking_files import HqAccess
from tillkeeper.contract.online import OnlineOrdersTaken, TakeOnlineOrders
from tillkeeper.replication.hq_client import HqClient
from tillkeeper.replication.trouble import SinkTrouble

MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""Twenty orders of a hundred lines with notes."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(OnlineOrdersTaken).decode


class OnlineHq:
    def __init__(self, access: HqAccess, store: str) -> None:
        self._url = f"{access.hq.url.rstrip('/')}/v1/stores/{quote(store, safe='')}/online-orders/take"
        self._timeout_s = access.hq.timeout_s
        self._client = HqClient(access)

    async def take(self, asked: TakeOnlineOrders) -> OnlineOrdersTaken | None:
        """None: this HQ hands out no online orders. Raises SinkTrouble: there is no answer to rely on; HQ may have handed
        orders out all the same."""
        answer, body = await self._client.post(self._url, _encode(asked), within_s=self._timeout_s, most_bytes=MAX_ANSWER_BYTES)
        if answer.status_code in (404, 405, 501):
            return None
        if answer.status_code in (401, 403):
            raise SinkTrouble("credentials_refused", self._url, f"HTTP {answer.status_code}", "check hq.token_file")
        if answer.status_code != 200:
            raise SinkTrouble("server_error", self._url, f"HTTP {answer.status_code}")
        try:
            return _decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise SinkTrouble("garbage", self._url, f"HTTP 200, but no answer of HQ: {error}", "is this really HQ?") from error

    async def aclose(self) -> None:
        await self._client.aclose()

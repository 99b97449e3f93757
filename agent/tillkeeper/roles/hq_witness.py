"""HQ as a witness over HTTP (`docs/hq-contract.md`): a connection for each question, for they are rare and no batch of books
may keep them waiting. Redirects are not followed."""

from urllib.parse import quote

import msgspec

from tillkeeper import clock
from tillkeeper.asking_files import HqAccess
from tillkeeper.contract.roles import WitnessAsked, WitnessSaid
from tillkeeper.replication.hq_client import HqClient
from tillkeeper.replication.trouble import SinkTrouble

MAX_ANSWER_BYTES = 64 * 1024
NO_WITNESS_S = 60.0
"""So long an HQ is not asked again that knows no such question."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(WitnessSaid).decode


class HqWitness:
    def __init__(self, access: HqAccess, store: str) -> None:
        self._url = f"{access.hq.url.rstrip('/')}/v1/stores/{quote(store, safe='')}/roles/witness"
        self._timeout_s = access.hq.timeout_s
        self._none_until_s = 0.0
        self._client = HqClient(access, kept=0)

    async def ask(self, asked: WitnessAsked) -> WitnessSaid | None:
        """None: this HQ is no witness. Raises: SinkTrouble."""
        if clock.boot_s() < self._none_until_s:
            return None
        answer, body = await self._client.post(self._url, _encode(asked), within_s=self._timeout_s, most_bytes=MAX_ANSWER_BYTES)
        if answer.status_code in (404, 405, 501):
            self._none_until_s = clock.boot_s() + NO_WITNESS_S
            return None
        if answer.status_code != 200:
            raise SinkTrouble("server_error", self._url, f"HTTP {answer.status_code}")
        try:
            return _decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise SinkTrouble("garbage", self._url, f"HTTP 200, but no answer of HQ: {error}") from error

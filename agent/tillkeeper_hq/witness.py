"""HQ as a witness: has it heard a register that another one says is away?"""

import asyncio
import time
from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tillkeeper.contract.roles import Epoch, WitnessAsked, WitnessSaid
from tillkeeper.contract.witness import judge
from tillkeeper_hq.assignments import highest
from tillkeeper_hq.database import Database
from tillkeeper_hq.elsewhere import Elsewhere
from tillkeeper_hq.requests import Requests, answer
from tillkeeper_hq.sql import Sql

MAX_BODY_BYTES = 16 * 1024
MAX_HEARD = 100_000
"""Registers whose last sign of life is remembered."""
_asked = msgspec.json.Decoder(WitnessAsked)


class Witness:
    def __init__(self, database: Database, requests: Requests) -> None:
        self._database, self._requests = database, requests
        self._elsewhere = Elsewhere(database, self._here_s)
        self._began_s = time.monotonic()
        self._heard: dict[tuple[str, str], float] = {}

    def routes(self) -> list[Route]:
        return [Route("/v1/stores/{store}/roles/witness", self.post_witness, methods=["POST"])]

    def heard(self, store: str, register: str) -> None:
        """A batch or a beat of it came, from itself. The age counts on no wall clock."""
        if (store, register) in self._heard or len(self._heard) < MAX_HEARD:
            self._heard[store, register] = time.monotonic()

    def start(self) -> list[asyncio.Task[None]]:
        """Other processes are answered until these are cancelled."""
        work = {"hq-answer": self._elsewhere.answer(), "hq-roll": self._elsewhere.call_roll()}
        return [asyncio.create_task(one, name=name) for name, one in work.items()]

    async def post_witness(self, request: Request) -> Response:
        what, does = "a question for a witness", "asks for a witness"
        store, asked = await self._requests.of_register(request, _asked, what, MAX_BODY_BYTES, does=does)
        return answer(await self._said(store, asked))

    async def _said(self, store: str, asked: WitnessAsked) -> WitnessSaid:
        said: WitnessSaid = await self._requests.read(partial(self._judged, store=store, asked=asked))
        if said.says != "agrees":
            return said
        if not await self._elsewhere.all_silent(store, asked.away, asked.register):
            return WitnessSaid(says="hears")
        if asked.binding:
            said = await self._requests.change(
                self._database.change, partial(self._judged, store=store, asked=asked, binds=True)
            )
        return said

    def _judged(self, sql: Sql, store: str, asked: WitnessAsked, *, binds: bool = False) -> WitnessSaid:
        agreed = _agreed(sql, store, lock=binds)
        record = highest(sql, store)
        known = record.epoch if record is not None else Epoch()
        says, epoch = judge(asked, "", known, agreed, self._here_s(store, asked.away))
        if says == "agrees" and binds:
            words = "UPDATE role_votes SET counter = $1, decided_by = $2 WHERE store = $3"
            sql.many(words, [(asked.epoch.counter, asked.epoch.register, store)])
        return WitnessSaid(says=says, epoch=epoch, record=record if known > asked.base else None)

    def _here_s(self, store: str, register: str) -> float:
        return time.monotonic() - self._heard.get((store, register), self._began_s)


def _agreed(sql: Sql, store: str, *, lock: bool) -> Epoch:
    """`lock`: nobody else's until the transaction ends."""
    if lock:
        words = (
            "INSERT INTO role_votes (store, counter, decided_by) VALUES ($1, 0, '')"
            " ON CONFLICT (store) DO UPDATE SET counter = role_votes.counter RETURNING counter, decided_by"
        )
    else:
        words = "SELECT counter, decided_by FROM role_votes WHERE store = $1"
    return next((Epoch(int(counter), decided_by) for counter, decided_by in sql.rows(words, store)), Epoch())

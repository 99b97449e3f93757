"""The requests about orders of web shops: the shop's, with the token of an integration, and those of registers."""

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tillkeeper.contract.online import OnlineOrder, TakeOnlineOrders
from tillkeeper_hq import online_rules, online_tables
from tillkeeper_hq.credentials import Caller
from tillkeeper_hq.database import Database
from tillkeeper_hq.problems import Problem
from tillkeeper_hq.sql import Sql

MAX_BODY_BYTES = 128 * 1024
EXPIRE_EVERY_S = 30.0
_orders = msgspec.json.Decoder(OnlineOrder)
_takes = msgspec.json.Decoder(TakeOnlineOrders)

T = TypeVar("T")


class OnlineOrders:
    """`caller`: whose token it is. `body`: of a request, bounded. `change`, `read`: in the database, failures as problems."""

    def __init__(
        self,
        database: Database,
        caller: Callable[[Request], Caller],
        body: Callable[[Request], Awaitable[bytes]],
        change: Callable[..., Awaitable[Any]],
        read: Callable[..., Awaitable[Any]],
    ) -> None:
        self._database, self._caller, self._body, self._change, self._read = database, caller, body, change, read
        self._since_ms = _now_ms()
        """Before it nobody could have been heard."""

    def routes(self) -> list[Route]:
        orders = "/v1/stores/{store}/online-orders"
        return [
            Route(orders, self.post_order, methods=["POST"]),
            Route(f"{orders}/take", self.take_orders, methods=["POST"]),
            Route(f"{orders}/{{order}}", self.get_order, methods=["GET"]),
        ]

    async def post_order(self, request: Request) -> Response:
        store = self._shop(request)
        order = _decoded(_orders, await self._bounded(request), "an order")
        if online_rules.names_a_card(order):
            raise Problem(422, "card_number_in_text", "A text holds a card number", "nothing was stored: send it without")
        try:
            put = partial(online_tables.put, store=store, order=order, now_ms=_now_ms())
            state, is_new = await self._change(self._database.change, put)
        except online_tables.OtherOrder:
            words = f"the id {order.id} was given to another order before"
            raise Problem(409, "other_order", "This id is another order's", words) from None
        except online_tables.TooMany:
            words = f"{online_tables.MAX_OPEN} orders of the store wait for a register or its answer"
            raise Problem(429, "too_many_waiting", "The store does not keep up", words, retry_after_s=30) from None
        return _json(state, 201 if is_new else 200)

    async def get_order(self, request: Request) -> Response:
        store, order = self._shop(request), request.path_params["order"]
        found = await self._read(online_tables.state, store, order, _now_ms())
        if found is None:
            raise Problem(404, "not_found", "No such order", f"store {store}")
        return _json(found)

    async def take_orders(self, request: Request) -> Response:
        caller = self._caller(request)
        if not caller.register:
            raise Problem(403, "forbidden", "Only a register takes orders")
        asked = _decoded(_takes, await self._bounded(request), "a question for orders")
        if (caller.store, caller.register) != (request.path_params["store"], asked.register):
            words = f"it speaks for {caller.store}/{caller.register}"
            raise Problem(403, "not_your_register", "The token is another register's", words)
        take = partial(online_tables.take, store=caller.store, by=asked, now_ms=_now_ms(), since_ms=self._since_ms)
        return _json(await self._change(self._database.change, take))

    def expire(self) -> Callable[[Sql], None]:
        """What is to be done in the database every `EXPIRE_EVERY_S`."""
        return partial(online_tables.expire_all, now_ms=_now_ms())

    def _shop(self, request: Request) -> str:
        """The store, for whoever may give it orders."""
        caller, store = self._caller(request), str(request.path_params["store"])
        if not caller.integration:
            raise Problem(403, "forbidden", "Only an integration gives orders", "see [[integrations]] of HQ's credentials")
        if caller.store != store:
            raise Problem(403, "not_your_store", "The token belongs to another store")
        return store

    async def _bounded(self, request: Request) -> bytes:
        body = await self._body(request)
        if len(body) > MAX_BODY_BYTES:
            raise Problem(413, "too_large", "The body is too large", f"at most {MAX_BODY_BYTES} bytes")
        return body


def _decoded(decoder: "msgspec.json.Decoder[T]", body: bytes, what: str) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, "bad_request", f"The body is not {what}", str(error)) from error


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, {"Cache-Control": "no-store"}, media_type="application/json")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

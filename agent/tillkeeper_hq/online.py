"""The requests about orders of web shops: the shop's, with the token of an integration, and those of registers."""

import time
from collections.abc import Callable
from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tillkeeper.contract.online import OnlineOrder, TakeOnlineOrders
from tillkeeper_hq import online_rules, online_tables
from tillkeeper_hq.database import Database
from tillkeeper_hq.problems import Problem
from tillkeeper_hq.requests import Requests, answer
from tillkeeper_hq.sql import Sql

MAX_BODY_BYTES = 128 * 1024
EXPIRE_EVERY_S = 30.0
_orders = msgspec.json.Decoder(OnlineOrder)
_takes = msgspec.json.Decoder(TakeOnlineOrders)


class OnlineOrders:
    def __init__(self, database: Database, requests: Requests) -> None:
        self._database, self._requests = database, requests
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
        order = await self._requests.decoded(request, _orders, "an order", MAX_BODY_BYTES)
        if online_rules.names_a_card(order):
            raise Problem(422, "card_number_in_text", "A text holds a card number", "nothing was stored: send it without")
        try:
            put = partial(online_tables.put, store=store, order=order, now_ms=_now_ms())
            state, is_new = await self._requests.change(self._database.change, put)
        except online_tables.OtherOrder:
            words = f"the id {order.id} was given to another order before"
            raise Problem(409, "other_order", "This id is another order's", words) from None
        except online_tables.TooMany:
            words = f"{online_tables.MAX_OPEN} orders of the store wait for a register or its answer"
            raise Problem(429, "too_many_waiting", "The store does not keep up", words, retry_after_s=30) from None
        return answer(state, 201 if is_new else 200)

    async def get_order(self, request: Request) -> Response:
        store, order = self._shop(request), request.path_params["order"]
        found = await self._requests.read(online_tables.state, store, order, _now_ms())
        if found is None:
            raise Problem(404, "not_found", "No such order", f"store {store}")
        return answer(found)

    async def take_orders(self, request: Request) -> Response:
        what, does = "a question for orders", "takes orders"
        store, asked = await self._requests.of_register(request, _takes, what, MAX_BODY_BYTES, does=does)
        take = partial(online_tables.take, store=store, by=asked, now_ms=_now_ms(), since_ms=self._since_ms)
        return answer(await self._requests.change(self._database.change, take))

    def expire(self) -> Callable[[Sql], None]:
        """What is to be done in the database every `EXPIRE_EVERY_S`."""
        return partial(online_tables.expire_all, now_ms=_now_ms())

    def _shop(self, request: Request) -> str:
        """The store, for whoever may give it orders."""
        caller, store = self._requests.caller(request), str(request.path_params["store"])
        if not caller.integration:
            raise Problem(403, "forbidden", "Only an integration gives orders", "see [[integrations]] of HQ's credentials")
        if caller.store != store:
            raise Problem(403, "not_your_store", "The token belongs to another store")
        return store


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

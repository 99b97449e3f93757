"""A web shop, HQ's own tables of its orders in memory, and what has to hold of them."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator

import apsw
from tests.simulation.loops import Time
from tests.simulation.shop import EPOCH_MS, ITEMS, STORE

from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import LineAdded
from tillkeeper.contract.online import OnlineLine, OnlineOrder, OnlineOrdersTaken, OnlineOrderState, TakeOnlineOrders
from tillkeeper.contract.placing import read_event
from tillkeeper_hq import online_tables
from tillkeeper_hq.formats import steps

APART_S = 8.0
"""Mean time between two orders."""
AGAIN = 0.1
"""The share of orders that the shop sends a second time: it was not told of the first."""
NOTE = "web "


class Tables:
    """Survives HQ's process. `rows`: see `tillkeeper_hq.sql.Sql`."""

    def __init__(self) -> None:
        self._db = apsw.Connection(":memory:")
        for step in steps(0):
            self._db.execute(step)

    def rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        return self._db.execute(sql, values).fetchall()


class Orders:
    """At HQ. `given`: what the shop was told that HQ has."""

    def __init__(self, time: Time) -> None:
        self._time, self._sql = time, Tables()
        self.given: dict[str, OnlineOrder] = {}

    def _now_ms(self) -> int:
        return EPOCH_MS + int(self._time.now_s * 1000)

    def put(self, order: OnlineOrder) -> None:
        online_tables.put(self._sql, STORE, order, self._now_ms())  # type: ignore[arg-type]
        self.given[order.id] = order

    def take(self, asked: TakeOnlineOrders, since_s: float) -> OnlineOrdersTaken:
        since_ms = EPOCH_MS + int(since_s * 1000)
        return online_tables.take(self._sql, STORE, asked, self._now_ms(), since_ms)  # type: ignore[arg-type]

    def states(self) -> list[OnlineOrderState]:
        """How each stands."""
        found = (online_tables.state(self._sql, STORE, name, self._now_ms()) for name in self.given)  # type: ignore[arg-type]
        return [one for one in found if one is not None]

    def open(self) -> int:
        return sum(one.state in ("waiting", "handed_out") for one in self.states())


class WebShop:
    """Gives HQ orders while it answers. `open`: guests come."""

    def __init__(self, orders: Orders, answers: Callable[[], bool], seed: int) -> None:
        self._orders, self._answers = orders, answers
        self._chance = random.Random(f"{seed} web shop")
        self.open = True

    async def run(self) -> None:
        count = 0
        while self.open:
            await asyncio.sleep(self._chance.expovariate(1.0 / APART_S))
            if not self.open or not self._answers():
                continue
            count += 1
            name = f"w{count}"
            many = self._chance.randint(1, 2)
            items = [(self._chance.choice(ITEMS), self._chance.randint(1, 2)) for _ in range(many)]
            lines = tuple(OnlineLine(item, quantity, note=NOTE + name) for item, quantity in items)
            expires_in_s = self._chance.choice((30, 120, 900))
            order = OnlineOrder(id=name, order_type="takeout", lines=lines, expires_in_s=expires_in_s)
            self._orders.put(order)
            if self._chance.random() < AGAIN:
                self._orders.put(order)


def placements(events: Iterable[Envelope]) -> dict[str, dict[str, bool]]:
    """order -> check that it became -> whether the kitchen was told that it may be a second one."""
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    for envelope in events:
        event = read_event(envelope) if envelope.type == "line_added" else None
        if isinstance(event, LineAdded) and event.note.startswith(NOTE):
            of_it = found[event.note.removeprefix(NOTE)]
            of_it[event.check_id] = of_it.get(event.check_id, True) and event.maybe_fired
    return found


def wrong_orders(states: Collection[OnlineOrderState], events: Collection[Envelope]) -> Iterator[str]:
    """Orders that were placed twice without a mark, or of which the shop was told something else than is in the books."""
    placed = placements(events)
    for one in states:
        checks = placed.get(one.id, {})
        told = {check.check_id for check in one.also_placed} | ({one.check_id} - {""})
        if sum(not marked for marked in checks.values()) > 1:
            yield f"order {one.id} of the web shop was placed {len(checks)} times, and the kitchen was not told"
        if told != checks.keys():
            yield f"order {one.id} of the web shop became {sorted(checks)}, and the shop knows of {sorted(told)}"
        if (one.state == "accepted") != bool(one.check_id):
            yield f"order {one.id} of the web shop is {one.state} as check {one.check_id!r}"

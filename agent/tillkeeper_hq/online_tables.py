"""Orders of web shops in the database. Everything here runs inside a transaction; whoever writes has locked the store's lease
first, and nothing else, so that several processes of HQ wait for each other and never in a circle."""

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from tillkeeper.contract.online import (
    HandedOrder,
    OnlineDone,
    OnlineOrder,
    OnlineOrdersTaken,
    OnlineOrderState,
    OnlinePlaced,
    TakeOnlineOrders,
)
from tillkeeper_hq import assignments
from tillkeeper_hq.online_rules import LEASE_MS, Lease, asked, settled
from tillkeeper_hq.sql import Sql

MAX_OPEN = 500
"""Of one store, waiting or handed out; one more is refused."""
KEEP_MS = 30 * 86_400_000
"""So long a settled order can be asked about, and its id comes to the same order; so long after its time one whose register
never came back is not settled."""
MAX_ROWS = 100
MAX_STORES = 200

_STATE = "SELECT order_id, shop_id, state, received_ms, expires_ms, register, code, reason, doubled FROM online_orders WHERE"


class OtherOrder(Exception):
    """The shop gave this id to another order before."""


class TooMany(Exception):
    """`MAX_OPEN` orders of the store are not settled."""


def lock(sql: Sql, store: str) -> Lease:
    """Nobody else's until the transaction ends."""
    ((*row,),) = sql.rows(
        "INSERT INTO online_leases (store, register, until_ms, counter, decided_by, primary_asked_ms)"
        " VALUES ($1, '', 0, 0, '', 0)"
        " ON CONFLICT (store) DO UPDATE SET register = online_leases.register"
        " RETURNING register, until_ms, counter, decided_by, primary_asked_ms",
        store,
    )
    return Lease(*row)


def put(sql: Sql, store: str, order: OnlineOrder, now_ms: int) -> tuple[OnlineOrderState, bool]:
    """How the order stands, and whether it is new. Raises: OtherOrder, TooMany."""
    lock(sql, store)
    expire(sql, store, now_ms)
    body = msgspec.json.encode(order)
    digest = hashlib.sha256(body).digest()
    found = sql.rows("SELECT digest FROM online_orders WHERE store = $1 AND shop_id = $2", store, order.id)
    if found:
        if bytes(found[0][0]) != digest:
            raise OtherOrder(order.id)
        return _known(sql, store, order.id, now_ms), False
    ((count,),) = sql.rows("SELECT COUNT(*) FROM online_orders WHERE store = $1 AND state IN ('waiting', 'handed_out')", store)
    if count >= MAX_OPEN:
        raise TooMany(store)
    sql.rows(
        "INSERT INTO online_orders (store, shop_id, digest, body, state, received_ms, expires_ms)"
        " VALUES ($1, $2, $3, $4, 'waiting', $5, $6)",
        store, order.id, digest, body.decode(), now_ms, now_ms + order.expires_in_s * 1000,
    )  # fmt: skip
    return _known(sql, store, order.id, now_ms), True


def expire(sql: Sql, store: str, now_ms: int) -> None:
    """What waited for too long, and what was settled long ago. `store` is locked."""
    sql.rows(
        "UPDATE online_orders SET state = 'expired', body = '', settled_ms = $1"
        " WHERE store = $2 AND state = 'waiting' AND expires_ms <= $1",
        now_ms, store,
    )  # fmt: skip
    sql.rows(  # whoever has it may have placed it, and has had its time to say so
        "UPDATE online_orders SET state = 'expired', body = '', settled_ms = $1"
        " WHERE store = $2 AND state = 'handed_out' AND expires_ms <= $3",
        now_ms, store, now_ms - KEEP_MS,
    )  # fmt: skip
    sql.rows(
        "DELETE FROM online_orders WHERE store = $1 AND state IN ('accepted', 'refused', 'expired') AND settled_ms < $2",
        store, now_ms - KEEP_MS,
    )  # fmt: skip


def expire_all(sql: Sql, now_ms: int) -> None:
    """In every store that has something to expire."""
    rows = sql.rows(
        "SELECT DISTINCT store FROM online_orders WHERE (state = 'waiting' AND expires_ms <= $1)"
        " OR (state = 'handed_out' AND expires_ms <= $2) ORDER BY store",
        now_ms, now_ms - KEEP_MS,
    )  # fmt: skip
    for (store,) in rows:
        lock(sql, store)
        expire(sql, store, now_ms)


def state(sql: Sql, store: str, shop_id: str, now_ms: int) -> OnlineOrderState | None:
    rows = sql.rows(f"{_STATE} store = $1 AND shop_id = $2", store, shop_id)
    return _shown(sql, rows[0], now_ms) if rows else None


def stores(sql: Sql) -> list[str]:
    """Those that a shop has ordered from."""
    return [str(store) for (store,) in sql.rows("SELECT DISTINCT store FROM online_orders ORDER BY store LIMIT $1", MAX_STORES)]


def newest(sql: Sql, store: str, now_ms: int) -> list[OnlineOrderState]:
    rows = sql.rows(f"{_STATE} store = $1 ORDER BY order_id DESC LIMIT $2", store, MAX_ROWS)
    return [_shown(sql, row, now_ms) for row in rows]


def take(sql: Sql, store: str, by: TakeOnlineOrders, now_ms: int, since_ms: int) -> OnlineOrdersTaken:
    """What became of a register's orders, and those that it gets."""
    before = lock(sql, store)
    known = assignments.highest(sql, store)
    lease = asked(before, by, known.epoch if known is not None else None, now_ms, since_ms)
    sql.rows(
        "UPDATE online_leases SET register = $1, until_ms = $2, counter = $3, decided_by = $4, primary_asked_ms = $5"
        " WHERE store = $6",
        *lease, store,
    )  # fmt: skip
    sql.rows(
        "INSERT INTO online_registers (store, register, asked_ms) VALUES ($1, $2, $3)"
        " ON CONFLICT (store, register) DO UPDATE SET asked_ms = excluded.asked_ms",
        store, by.register, now_ms,
    )  # fmt: skip
    _settle(sql, store, by.register, by.done, now_ms)
    expire(sql, store, now_ms)
    orders = _own(sql, store, by.register, by.limit, now_ms)
    if lease.holder(now_ms) == by.register:
        orders += _of_silent(sql, store, by.register, by.limit - len(orders), now_ms, since_ms)
        orders += _waiting(sql, store, by.register, by.limit - len(orders), now_ms)
    ((waiting,),) = sql.rows("SELECT COUNT(*) FROM online_orders WHERE store = $1 AND state = 'waiting'", store)
    return OnlineOrdersTaken(holder=lease.holder(now_ms), orders=tuple(orders), waiting=int(waiting))


def _settle(sql: Sql, store: str, register: str, done: Iterable[OnlineDone], now_ms: int) -> None:
    for one in done:
        rows = sql.rows(f"{_STATE} store = $1 AND shop_id = $2", store, one.id)
        if not rows:
            continue
        order_id, _, state, _, expires_ms, holder, *_ = rows[0]
        ((changed,),) = sql.rows(
            "SELECT COUNT(*) FROM online_handed WHERE order_id = $1 AND register = $2 AND outcome = ''", order_id, register
        )
        if not changed:
            continue
        sql.rows(
            "UPDATE online_handed SET outcome = $1, check_id = $2, ticket_code = $3 WHERE order_id = $4 AND register = $5",
            one.outcome, one.check_id, one.ticket_code, order_id, register,
        )  # fmt: skip
        outcomes = dict(sql.rows("SELECT register, outcome FROM online_handed WHERE order_id = $1", order_id))
        after = settled(state, holder, expires_ms <= now_ms, outcomes, one, register)
        if after == state:
            continue
        if after == "waiting":  # nobody has it after all
            sql.rows("DELETE FROM online_handed WHERE order_id = $1", order_id)
            sql.rows("UPDATE online_orders SET state = 'waiting', register = '' WHERE order_id = $1", order_id)
            continue
        code, reason = (one.code, one.reason) if after == "refused" else ("", "")
        sql.rows(
            "UPDATE online_orders SET state = $1, register = $2, code = $3, reason = $4, settled_ms = $5, body = ''"
            " WHERE order_id = $6",
            after, register, code, reason, now_ms, order_id,
        )  # fmt: skip


def _own(sql: Sql, store: str, register: str, limit: int, now_ms: int) -> list[HandedOrder]:
    """Those that the register has and has not told about; those that another has by now, it only tells about."""
    rows = sql.rows(
        "SELECT shop_id, body, doubled, expires_ms, state, online_orders.register FROM online_handed"
        " JOIN online_orders USING (order_id)"
        " WHERE store = $1 AND online_handed.register = $2 AND outcome = '' ORDER BY order_id LIMIT $3",
        store, register, limit,
    )  # fmt: skip
    found = []
    for shop_id, body, doubled, expires_ms, state, holder in rows:
        is_its = state == "handed_out" and holder == register and now_ms < expires_ms
        found.append(_handed(shop_id, body if is_its else "", doubled))
    return found


def _of_silent(sql: Sql, store: str, register: str, limit: int, now_ms: int, since_ms: int) -> list[HandedOrder]:
    """Orders of registers that have been silent for the time of a lease."""
    if now_ms - since_ms < LEASE_MS or limit < 1:
        return []
    rows = sql.rows(
        "SELECT order_id, shop_id, body FROM online_orders LEFT JOIN online_registers"
        " ON online_registers.store = online_orders.store AND online_registers.register = online_orders.register"
        " WHERE online_orders.store = $1 AND state = 'handed_out' AND online_orders.register <> $2 AND expires_ms > $3"
        " AND COALESCE(asked_ms, 0) <= $4 ORDER BY order_id LIMIT $5",
        store, register, now_ms, now_ms - LEASE_MS, limit,
    )  # fmt: skip
    return [_hand_out(sql, order_id, shop_id, body, register, now_ms, doubled=1) for order_id, shop_id, body in rows]


def _waiting(sql: Sql, store: str, register: str, limit: int, now_ms: int) -> list[HandedOrder]:
    if limit < 1:
        return []
    rows = sql.rows(
        "SELECT order_id, shop_id, body, doubled FROM online_orders WHERE store = $1 AND state = 'waiting'"
        " ORDER BY order_id LIMIT $2",
        store, limit,
    )  # fmt: skip
    return [
        _hand_out(sql, order_id, shop_id, body, register, now_ms, doubled=doubled) for order_id, shop_id, body, doubled in rows
    ]


def _hand_out(sql: Sql, order_id: int, shop_id: str, body: str, register: str, now_ms: int, *, doubled: int) -> HandedOrder:
    sql.rows(
        "UPDATE online_orders SET state = 'handed_out', register = $1, doubled = $2 WHERE order_id = $3",
        register, doubled, order_id,
    )  # fmt: skip
    sql.rows(
        "INSERT INTO online_handed (order_id, register, handed_ms) VALUES ($1, $2, $3)"
        " ON CONFLICT (order_id, register) DO UPDATE SET handed_ms = excluded.handed_ms, outcome = ''",
        order_id, register, now_ms,
    )  # fmt: skip
    return _handed(shop_id, body, doubled)


def _handed(shop_id: str, body: str, doubled: int) -> HandedOrder:
    order = msgspec.json.decode(body, type=OnlineOrder) if body else None
    return HandedOrder(id=shop_id, order=order, may_be_doubled=bool(doubled))


def _known(sql: Sql, store: str, shop_id: str, now_ms: int) -> OnlineOrderState:
    found = state(sql, store, shop_id, now_ms)
    if found is None:  # it is there: the caller has seen it or made it in this transaction
        raise LookupError(shop_id)
    return found


def _shown(sql: Sql, row: Any, now_ms: int) -> OnlineOrderState:
    order_id, shop_id, state, received_ms, expires_ms, register, code, reason, doubled = row
    placed = [
        OnlinePlaced(*one)
        for one in sql.rows(
            "SELECT register, check_id, ticket_code FROM online_handed WHERE order_id = $1 AND outcome = 'accepted'"
            " ORDER BY handed_ms, register",
            order_id,
        )
    ]
    stands = next((one for one in placed if state == "accepted" and one.register == register), None)
    return OnlineOrderState(
        id=shop_id,
        state="expired" if state == "waiting" and expires_ms <= now_ms else state,
        received_ms=received_ms,
        expires_ms=expires_ms,
        register=register,
        check_id=stands.check_id if stands else "",
        ticket_code=stands.ticket_code if stands else "",
        code=code,
        reason=reason,
        may_be_doubled=bool(doubled),
        also_placed=tuple(one for one in placed if one is not stands),
    )

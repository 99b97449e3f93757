"""Online orders, which an HQ need not have: what can be seen with a register's token. Nobody's order is taken: `limit` is 0."""

import time
from urllib.parse import quote

import msgspec

from tillkeeper.conformance import clauses
from tillkeeper.conformance.checking import Bench, Checks, same
from tillkeeper.conformance.model import Broken, Skipped
from tillkeeper.conformance.wire import Answer, shorten
from tillkeeper.contract.online import OnlineOrdersTaken, TakeOnlineOrders
from tillkeeper.contract.roles import Epoch

check = Checks()
NOT_OFFERED = (404, 405, 501)
NOT_ALLOWED = (401, 403)


async def _ask(bench: Bench, counter: int, register: str = "") -> Answer:
    """As the primary of a record with this counter. Raises Skipped."""
    name = register or bench.register
    asked = TakeOnlineOrders(register=name, primary=name, epoch=Epoch(counter, name), limit=0)
    path = f"/v1/stores/{quote(bench.store, safe='')}/online-orders/take"
    answer = await bench.wire.post(msgspec.json.encode(asked), path=path, words=f"{name} asks under epoch {counter}")
    if answer.status in NOT_OFFERED:
        raise Skipped(f"this HQ has no online orders (HTTP {answer.status})")
    return answer


def _read(answer: Answer) -> OnlineOrdersTaken:
    if answer.status != 200:
        raise Broken(f"a register's question is answered with HTTP {answer.status}: {shorten(answer.body)}")
    try:
        return msgspec.json.decode(answer.body, type=OnlineOrdersTaken)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Broken(f"HTTP 200, but no answer that a register can read: {error}") from error


HOURS_S, SINCE_S = 3_600, 1_767_225_600
"""Since 2026: an epoch that leaps far above those that an HQ knows need not be believed."""


def _newer() -> int:
    """Not below that of any run before."""
    return int(time.time() - SINCE_S) // HOURS_S


@check("online-primary", clauses.ONLINE_HOLDER)
async def primary(bench: Bench) -> None:
    found = _read(await _ask(bench, _newer()))
    same(found.holder, bench.register, "who holds the lease after the primary asked")
    same(found.orders, (), "orders where none were asked for")


@check("online-older-epoch", clauses.ONLINE_EPOCH)
async def older_epoch(bench: Bench) -> None:
    counter = _newer()
    _read(await _ask(bench, counter))
    found = _read(await _ask(bench, counter - 1))
    if found.holder == bench.register:
        raise Broken("who names an older epoch has the lease all the same")


@check("online-other-register", clauses.OTHERS)
async def other_register(bench: Bench) -> None:
    answer = await _ask(bench, _newer(), bench.name())
    if answer.status not in NOT_ALLOWED:
        raise Broken(f"a question in another register's name is answered with HTTP {answer.status}")

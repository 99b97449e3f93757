"""Before anything else fails: how soon a backup acts when its primary dies, and that a primary that slept is none any more."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec
from tests.lab import breaking
from tests.lab.topology import Lab
from tests.storelab.hq import DatabaseAway, Hq
from tests.storelab.lan import PORTS
from tests.storelab.machine import Machine
from tests.storelab.manager import primary_of, roles_of
from tests.storelab.role_faults import RoleFaults

LOOK_S = 0.03
DEADLINE_S = 90.0
ORDER: dict[str, Any] = {
    "order_type": "takeout", "lines": [{"item_id": "soup-of-the-day", "quantity": 1}], "tenders": [{"tender": "cash"}],
}  # fmt: skip


class DrillStore(Protocol):
    lab: Lab
    machines: dict[str, Machine]
    hq: Hq

    def tell(self, words: str) -> None: ...


class Drilled(msgspec.Struct):
    """Seconds from the SIGKILL until the backup may do what only the primary may, and until what the dead one had alone for
    HQ is there. `woken`: what sleepers said to a close that they were asked for; empty: closed."""

    acted_s: list[float] = []
    relayed_s: list[float] = []
    woken: list[str] = []


async def drill(store: DrillStore, faults: RoleFaults, kills: int, sleeps_s: float) -> Drilled:
    """Nobody sells meanwhile. Raises TimeoutError where the roles do not come to rest."""
    found = Drilled()
    for _ in range(kills):
        primary, backup = await _rested(store)
        acted_s, relayed_s = await _die(store, primary, backup)
        found.acted_s.append(acted_s)
        found.relayed_s.append(relayed_s)
        store.tell(f"drill: {primary.name} killed: {backup.name} acts after {acted_s:.2f} s, at HQ after {relayed_s:.2f} s")
        await primary.start()
    primary, backup = await _rested(store)
    async with primary.turn:
        said = await faults.paused(primary, sleeps_s)
    found.woken.append(said)
    await _rested(store)
    return found


async def _rested(store: DrillStore) -> tuple[Machine, Machine]:
    """Once there is a primary that holds and a backup that is another one."""
    machines: list[Machine] = []

    async def at_rest() -> bool:
        found = await primary_of(store.machines)
        said = await roles_of(found) if found is not None else None
        if found is None or said is None or not said.holds or not said.backup:
            return False
        heard = await roles_of(store.machines[said.backup])
        machines[:] = [found, store.machines[said.backup]]
        return heard is not None and heard.epoch == said.epoch

    await _until("primary and backup", at_rest, 0.2)
    await asyncio.sleep(1.5)  # the backup has answered a renewal
    return machines[0], machines[1]


async def _die(store: DrillStore, primary: Machine, backup: Machine) -> tuple[float, float]:
    """Its own way to HQ is cut right before its last order, which only the others can bring there."""
    cut = breaking.chain("forward", f'iifname "{PORTS[primary.host]}" oifname "{PORTS["router"]}" drop')
    with contextlib.ExitStack() as broken:
        await asyncio.to_thread(broken.enter_context, breaking.rules(store.lab, "switch", "bridge", cut, "drill"))
        key = f"drill-{secrets.token_hex(6)}"
        check_id = ""

        async def ordered() -> bool:
            nonlocal check_id
            answer = await primary.post("/v1/orders", ORDER, key)
            check_id = answer.json()["check_id"] if answer is not None and answer.is_success else ""
            return bool(check_id)

        async def copied() -> bool:
            status = await primary.get("/v1/status")
            return status is not None and not status["only_here"]

        await _until("an order", ordered, 0.2)
        await _until("a second copy of it", copied, LOOK_S)
        async with primary.turn:
            began_s = time.monotonic()
            await primary.kill()
            acted, relayed = await asyncio.gather(_acts(backup, began_s), _at_hq(store.hq, check_id, began_s))
    return acted, relayed


async def _acts(backup: Machine, began_s: float) -> float:
    async def acts() -> bool:
        said = await roles_of(backup)
        return said is not None and said.holds and said.primary == backup.register

    await _until("the backup acts", acts, LOOK_S)
    return time.monotonic() - began_s


async def _at_hq(hq: Hq, check_id: str, began_s: float) -> float:
    async def there() -> bool:
        try:
            return await asyncio.to_thread(hq.has_closed, check_id)
        except DatabaseAway:
            return False

    await _until("its last order is at HQ", there, LOOK_S)
    return time.monotonic() - began_s


async def _until(what: str, true: Callable[[], Awaitable[bool]], look_s: float) -> None:
    till_s = time.monotonic() + DEADLINE_S
    while not await true():
        if time.monotonic() > till_s:
            raise TimeoutError(f"not within {DEADLINE_S:.0f} s: {what}")
        await asyncio.sleep(look_s)

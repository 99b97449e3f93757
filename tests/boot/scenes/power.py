"""Switched on, switched off, and without power."""

import asyncio
import contextlib
from collections.abc import Iterator

from tests.boot.register import AGENT, SOCKET, SOCKET_UNIT, Till, is_so, until
from tests.boot.shop import Shop
from tests.lab import breaking
from tests.lab.topology import Lab

AWAY_S = 20.0
"""Within which a backup acts: 5 s are the goal of promise P1, which the store lab measures."""


async def switched_on_alone(shop: Shop) -> None:
    """Nobody is there, and the cable hangs out: the first order of a POS that was up before the agent is sold and printed."""
    till = shop["r3"]
    await till.power_off()
    with breaking.ports_down(shop.lab, till.name):
        await till.boot()
        await socket_is_there(till)
        key = shop.key()
        said = await till.order(key, patience_s=60.0)  # one request: it waits, and is not refused
        shop.note(key, till.name, said["check_id"], said["totals"]["gross_minor"])
        paper = shop.printers[till.name]
        code = said["ticket_code"]
        await until("a receipt", lambda: is_so(lambda: any(code in slip.text for slip in paper.slips("receipt"))))
        await until("the kitchen's ticket, at the register", lambda: is_so(lambda: key not in shop.unprinted()))
        status = await till.status()
        assert status["mode"] != "online", status["mode"]
        assert status["only_here"] > 0, "nobody else can have it"
    await shop.settled()


async def a_pos_comes_first(shop: Shop) -> None:
    """The socket is there before the agent: an order is taken, and waits until it runs."""
    till = shop["r2"]
    await till.systemctl("stop", SOCKET_UNIT, AGENT)
    await till.systemctl("start", SOCKET_UNIT)
    assert await till.run("systemctl", "is-active", AGENT, check=False) == "inactive\n"
    key = shop.key()
    said = await till.order(key, patience_s=60.0)
    shop.note(key, till.name, said["check_id"], said["totals"]["gross_minor"])
    assert await till.run("systemctl", "is-active", AGENT) == "active\n"
    await shop.settled()


async def the_plug_is_pulled(shop: Shop) -> None:
    """In the middle of sales; what was answered is there after the next power-on, and the rest is asked again."""
    till = shop["r3"]
    async with shop.selling("r1", "r2", "r3"):
        before = len(shop.ledger.sold)
        await until("some sales", lambda: is_so(lambda: len(shop.ledger.sold) >= before + 6))
        await till.power_off()
        await shop.sell("r1")
        await till.boot()
        await till.serves()
    await shop.settled()


async def primary_reboots_in_an_outage(shop: Shop) -> None:
    """P4. The internet is gone, and the primary is rebooted, then without power for a while: the others sell on, one of them is
    primary, and who comes back is its backup. Then the roles are assigned as they were."""
    first, second = shop["r1"], shop["r2"]
    await first.until("its lease", lambda said: said["now"]["holds"] and said["now"]["backup"] == "r2", "/v1/roles")
    with internet_away(shop.lab):
        await first.until("the outage", lambda said: said["mode"] != "online")
        async with shop.selling("r2", "r3"):
            await first.reboot()
            await first.serves()
            await _some_primary(shop)
            holder = await _some_primary(shop)
            other = second if holder is first else first
            await holder.until("a backup", lambda said: said["now"]["backup"] == other.name, "/v1/roles")
            await holder.power_off()
            await other.until(
                "that it acts", lambda said: said["now"]["holds"] and said["now"]["primary"] == other.name, "/v1/roles", AWAY_S
            )
            await other.until("still an outage", lambda said: said["mode"] != "online")
            await shop.sell(other.name)
            await holder.boot()
            await holder.serves()
            await other.until("that who returned is backup", lambda said: said["now"]["backup"] == holder.name, "/v1/roles")
            assert (await holder.get("/v1/roles"))["now"]["primary"] == other.name
    await assigned_as_before(shop)
    await shop.settled()


async def the_whole_store_without_power(shop: Shop) -> None:
    """All three at once while HQ can not be reached; and all three are switched on at once."""
    with internet_away(shop.lab):
        async with shop.selling("r1", "r2", "r3"):
            await asyncio.sleep(1.0)
            await asyncio.gather(*(till.power_off() for till in shop.tills.values()))
            await asyncio.gather(*(till.boot() for till in shop.tills.values()))
            await asyncio.gather(*(till.serves() for till in shop.tills.values()))
        for name in shop.tills:
            await shop.sell(name)
        holder = await _some_primary(shop)
        assert (await holder.status())["mode"] != "online"
    await assigned_as_before(shop)
    await shop.settled()


async def headquarters_die(shop: Shop) -> None:
    """HQ's process is killed, then its machine is without power: sales of all registers arrive once."""
    async with shop.selling("r1", "r2", "r3"):
        await asyncio.to_thread(shop.hq.kill)
        await shop.sell("r1")
        await shop.hq.serves()
        await asyncio.to_thread(shop.hq.machine.power_off)
        await shop.sell("r2")
        await asyncio.to_thread(shop.hq.machine.boot)
        await shop.hq.serves()
        await shop.sell("r3")
    await shop.settled()


# --- what they share ---


async def socket_is_there(till: Till) -> None:
    there = till.machine.seen / SOCKET.lstrip("/")
    await until("the API's socket", lambda: asyncio.to_thread(there.exists), look_s=0.005)


@contextlib.contextmanager
def internet_away(lab: Lab) -> Iterator[None]:
    """The router lets nothing through to the provider."""
    lost = breaking.chain("forward", 'oifname { "wan", "wan2" } drop', 'iifname { "wan", "wan2" } drop')
    with breaking.rules(lab, "router", "inet", lost, "outage"):
        yield


async def _some_primary(shop: Shop) -> Till:
    """The one that may do what only a primary may."""
    found: list[Till] = []

    async def look() -> bool:
        for till in shop.tills.values():
            said = await till.get("/v1/roles")
            if said is not None and said["now"]["holds"] and said["now"]["primary"] == till.name:
                found.append(till)
                return True
        return False

    await until("a primary", look, 120.0, 0.2)
    return found[0]


async def assigned_as_before(shop: Shop) -> None:
    """r1 is primary and r2 its backup, by a manager's word where it came otherwise."""
    await shop["r1"].until("HQ", lambda said: said["mode"] == "online")
    now = (await shop["r1"].get("/v1/roles"))["now"]
    if (now["primary"], now["backup"]) != ("r1", "r2"):
        await shop["r1"].asks("roles", "assign", "--primary", "r1", "--backup", "r2")
    await shop["r1"].until("its role", lambda said: said["now"]["holds"] and said["now"]["backup"] == "r2", "/v1/roles", 120.0)

"""The scenes by name, in the order in which they are played."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from tests.boot import figures
from tests.boot.headquarters import Headquarters
from tests.boot.postgres import OnPostgres
from tests.boot.register import AGENT
from tests.boot.scenes import cut_upgrade, database, package, power, stalls
from tests.boot.shop import Shop

Scene = Callable[[Shop, int], Awaitable[None]]
"""The number: how often what is measured is done."""


def once(scene: Callable[[Shop], Awaitable[None]]) -> Scene:
    return lambda shop, _rounds: scene(shop)


SCENES: dict[str, Scene] = {
    "starts": figures.starts,
    "kills": figures.kills,
    "switched-on-alone": once(power.switched_on_alone),
    "pos-first": once(power.a_pos_comes_first),
    "stalls": figures.stalled,
    "writer-hangs": once(stalls.writer_hangs),
    "prober-stands-still": once(stalls.prober_stands_still),
    "disk-full": lambda shop, rounds: _disk_full(shop, rounds),
    "broken-journal": once(stalls.journal_is_broken),
    "plug-pulled": once(power.the_plug_is_pulled),
    "hq-dies": once(power.headquarters_die),
    "primary-reboots": once(power.primary_reboots_in_an_outage),
    "store-without-power": once(power.the_whole_store_without_power),
    "upgrade": once(package.upgraded_between_sales),
    "package": once(package.life_of_a_package),
    "upgrade-without-power": once(cut_upgrade.without_power),
    "upgrade-without-room": once(cut_upgrade.without_room),
    "postgresql": once(database.postgresql_dies),
}
STORES: dict[type[Headquarters], frozenset[str]] = {OnPostgres: frozenset({"postgresql"})}
"""Scenes of a store of their own, by its HQ; the others share one."""


def by_store(names: Iterable[str]) -> dict[type[Headquarters], list[str]]:
    """The scenes of each store, in the order in which they are played."""
    found: dict[type[Headquarters], list[str]] = {}
    for name in names:
        hq = next((one for one, its in STORES.items() if name in its), Headquarters)
        found.setdefault(hq, []).append(name)
    return found


async def _disk_full(shop: Shop, _rounds: int) -> None:
    """For longer than the watchdog waits."""
    await stalls.disk_full(shop, await watchdog_s(shop) + 2.0)


async def watchdog_s(shop: Shop) -> float:
    """WatchdogSec of the agent's unit."""
    shown = await asyncio.to_thread(shop["r1"].machine.shown, AGENT, "WatchdogUSec")
    return _seconds(shown)


def _seconds(text: str) -> float:
    """A time span as systemctl prints it: "10s", "1min 30s"."""
    units = {"min": 60.0, "ms": 0.001, "s": 1.0}
    parts = text.split()
    return sum(
        float(part.rstrip("minsec")) * next(size for unit, size in units.items() if part.endswith(unit)) for part in parts
    )

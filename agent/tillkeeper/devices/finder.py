"""The live list of devices: what is plugged in, what answers on the network, and where a device went that has moved.

Bounds: a storm of plugging costs at most four looks a second; a device that moved is asked for by one broadcast every five
seconds, and by asking two unknown hosts a second (each may cost three ARP requests, and some switches shut the port of a
register for 15 in a second).
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING

from tillkeeper.devices.locator import Locator, Place
from tillkeeper_drivers.discovery import neighbours, network
from tillkeeper_drivers.discovery.found import Found
from tillkeeper_drivers.discovery.fresh import BEACON_EVERY_S, Screen
from tillkeeper_drivers.discovery.netlink import Neighbour
from tillkeeper_drivers.discovery.network import Heard, Search

if TYPE_CHECKING:
    from tillkeeper_drivers.discovery.udev import Watch

log = logging.getLogger(__name__)

SETTLE_S = 0.03
"""After an event: udev tells of a device, its interface and its node one after the other."""
LOOK_EVERY_S = 0.25
LOOK_ANYWAY_S = 60.0
POLL_S = 2.0
"""Where the kernel's events can not be had."""
SEARCH_EVERY_S = 120.0
FIRST_SEARCH_S = 3.0
SEEK_EVERY_S = (1.0, 2.0, 4.0, 5.0)
TABLE_EVERY_S = (0.1, 0.5)
"""At first, and once it has been missing for longer (a printer that is off over night)."""
LONGER_TURNS = 10
ASK_EVERY_S = 0.5
ASK_ROUND_EVERY_S = 900.0
FORGET_SCREEN_S = 5 * BEACON_EVERY_S
MISSED_SEARCHES = 2
"""A device that did not answer so many searches in a row is not listed any more."""


class Finder:
    """Belongs to one event loop.

    Args:
        locator: the devices of the config.
        profiles: names of the models that there are.
        changed: the list is another now.
        came: told the name of a device that was plugged in, or found again.
        asks: whether the network is asked now and then without a reason, and displays are listened for. One that is missing
            is looked for in any case.
        source: of the kernel's events, see `udev.Watch`.
    """

    def __init__(
        self,
        locator: Locator,
        *,
        profiles: Callable[[], Collection[str]] = tuple,
        changed: Callable[[], None] = lambda: None,
        came: Callable[[str], None] = lambda _name: None,
        asks: bool = True,
        source: str | None = None,
    ) -> None:
        self._locator = locator
        self._profiles = profiles
        self._changed = changed
        self._came = came
        self._asks = asks
        self._source = source
        self._plugged: dict[str, Found] = {}
        self._on_network: dict[str, tuple[Found, int]] = {}
        self._screens: dict[str, tuple[Found, float]] = {}
        self._dirty = asyncio.Event()
        self._missing = asyncio.Event()
        self._searching: asyncio.Future[None] | None = None
        self._in_place: set[str] = set()
        """Devices that could not be connected to and yet answered a search where they should be."""
        self.searched_s: float | None = None
        """The loop's time of the end of the last search."""
        self.looks = 0
        """How often all that is plugged in was looked at."""
        locator.on_missing = self._missing.set

    def found(self) -> tuple[Found, ...]:
        """What is there now, of all buses."""
        network_ones = (one for one, _ in self._on_network.values())
        return (*self._plugged.values(), *network_ones, *(one for one, _ in self._screens.values()))

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._plugging(), name="devices.finder.plugging")
                if self._asks:
                    tasks.create_task(self._searches(), name="devices.finder.searches")
                tasks.create_task(self._seeking(), name="devices.finder.seeking")
        finally:
            if self._searching is not None:
                self._searching.cancel()

    # --- what is plugged in ---

    async def _plugging(self) -> None:
        self._dirty.set()
        watch = await self._watch()
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S if watch is None else LOOK_ANYWAY_S):
                        await self._dirty.wait()
                await asyncio.sleep(SETTLE_S)
                self._dirty.clear()
                await self.look()
                await asyncio.sleep(LOOK_EVERY_S - SETTLE_S)
        finally:
            if watch is not None:
                watch.close()

    async def _watch(self) -> "Watch | None":
        # Slow to import (libudev): beside the loop.
        udev = await asyncio.to_thread(_udev)
        try:
            watch: Watch = udev.Watch(self._dirty.set, self._source)
        except OSError as error:
            log.warning("what is plugged in is looked at every %g s: %s", POLL_S, error)
            return None
        return watch

    async def look(self) -> None:
        """Look at all that is plugged in."""
        self.looks += 1
        there = await asyncio.to_thread(_scan, tuple(self._profiles()))
        before, self._plugged = self._plugged, {found.identity + found.node: found for found in there}
        if before == self._plugged:
            return
        for key, found in self._plugged.items():
            if found.node and before.get(key) != found:
                self._tell_came(found)
        self._changed()

    def _tell_came(self, found: Found) -> None:
        for name in self._locator.devices_of(found):
            self._came(name)

    # --- what answers on the network ---

    async def search(self) -> tuple[Found, ...]:
        """Ask the network now; two seconds, or a little more. Whoever asks meanwhile gets the same answer."""
        if self._searching is None:
            self._searching = asyncio.ensure_future(self._search())
            self._searching.add_done_callback(self._searched)
        await asyncio.shield(self._searching)
        return self.found()

    def _searched(self, _done: "asyncio.Future[None]") -> None:
        self._searching = None

    async def _search(self) -> None:
        heard = await Search().run()
        macs = await network.macs({one.address for one in heard})
        there = {found.identity: found for found in network.found(heard, macs, tuple(self._profiles()))}
        before = self._on_network
        kept = {
            identity: (found, missed + 1)
            for identity, (found, missed) in before.items()
            if identity not in there and missed + 1 < MISSED_SEARCHES
        }
        self._on_network = {**kept, **{identity: (found, 0) for identity, found in there.items()}}
        self.searched_s = asyncio.get_running_loop().time()
        for identity, found in there.items():
            self._seen_at(found)
            if identity not in before:
                self._tell_came(found)
        if {key: found for key, (found, _) in before.items()} != {key: found for key, (found, _) in self._on_network.items()}:
            self._changed()

    def _seen_at(self, found: Found) -> None:
        """A missing device that a search came upon."""
        for place in self._locator.missing():
            if place.mac == found.mac:
                self._is_at(place, found.address.rpartition(":")[0])

    async def _searches(self) -> None:
        beacons = network.Beacons(self._beacon)
        if not beacons.listening:
            log.warning("displays by Fresh KDS are not found: another program listens on their port")
        try:
            await asyncio.sleep(FIRST_SEARCH_S)
            next_s = 0.0
            while True:
                now_s = asyncio.get_running_loop().time()
                if now_s >= next_s:
                    next_s = now_s + SEARCH_EVERY_S
                    await self.search()
                self._forget_screens(now_s)
                await asyncio.sleep(BEACON_EVERY_S)
        finally:
            beacons.close()

    def _beacon(self, screen: Screen) -> None:
        before, now_s = self._screens.get(screen.identifier), asyncio.get_running_loop().time()
        if before is None and len(self._screens) >= 64:
            return
        if before is not None and now_s - before[1] < BEACON_EVERY_S / 2:
            return  # no screen says so more often: a flood, or two of one name
        known = before[0].mac if before is not None and before[0].address.startswith(f"{screen.address}:") else ""
        found = network.screen_found(screen, known or neighbours.mac_of(screen.address))
        self._screens[screen.identifier] = found, now_s
        if before is None or before[0] != found:
            self._tell_came(found)
            self._changed()

    def _forget_screens(self, now_s: float) -> None:
        silent = [key for key, (_, heard_s) in self._screens.items() if now_s - heard_s > FORGET_SCREEN_S]
        for key in silent:
            del self._screens[key]
        if silent:
            self._changed()

    # --- one that is not where it was ---

    async def _seeking(self) -> None:
        loop = asyncio.get_running_loop()
        asked_all_s = -ASK_ROUND_EVERY_S
        while True:
            await self._missing.wait()
            self._missing.clear()
            turn = 0
            asking: Iterator[str] = iter(())
            while missing := self._locator.missing():
                missing = tuple(place for place in missing if place.device not in self._in_place)
                self._in_place.clear()
                if turn == 1 and loop.time() - asked_all_s >= ASK_ROUND_EVERY_S:
                    asked_all_s, asking = loop.time(), self._hosts_around(missing)
                pause_s = SEEK_EVERY_S[min(turn, len(SEEK_EVERY_S) - 1)]
                await self._seek(pause_s, asking, TABLE_EVERY_S[turn > LONGER_TURNS])
                turn += 1

    async def _seek(self, longest_s: float, asking: Iterator[str], table_every_s: float) -> None:
        """One search and, meanwhile, looks at the kernel's table; ends early where nothing is missing any more."""
        loop = asyncio.get_running_loop()
        search = Search()
        searching = asyncio.create_task(search.run(min(longest_s, network.SEARCH_S)))
        end_s, ask_s = loop.time() + longest_s, loop.time()
        try:
            while loop.time() < end_s and (missing := self._locator.missing()):
                self._look_up(missing, await asyncio.to_thread(neighbours.table), search.heard)
                if loop.time() >= ask_s and (host := next(asking, "")):
                    network.poke(host)
                    ask_s = loop.time() + ASK_EVERY_S
                await asyncio.sleep(table_every_s)
        finally:
            searching.cancel()
            with suppress(asyncio.CancelledError):
                await searching

    def _look_up(self, missing: Collection[Place], table: Mapping[str, Neighbour], heard: Iterable[Heard]) -> None:
        """Where a missing MAC is: where one has answered that says so itself or has it by the kernel's word. An entry of the
        kernel's that is old may be its address of yesterday: that host is asked."""
        said: dict[str, str] = {}
        for one in heard:
            said[one.address] = one.mac or said.get(one.address, "")
        for place in missing:
            known = [entry for entry in table.values() if entry.mac == place.mac]
            here = [address for address, mac in said.items() if mac == place.mac and address not in table]
            here += [entry.address for entry in known if entry.address in said]
            here += [entry.address for entry in known if entry.address != place.host and place.is_seen_at(entry)]
            if here:
                self._is_at(place, here[0])
            else:
                for entry in [entry for entry in known if entry.address != place.host][:2]:
                    network.poke(entry.address)

    def _is_at(self, place: Place, address: str) -> None:
        """At another address: from now on. At its own: whether it can be connected to shows soon, and is tried at most once a
        search before its time."""
        if self._locator.is_at(place, address):
            self._changed()
            self._came(place.device)
        elif place.device not in self._in_place:
            self._in_place.add(place.device)
            self._came(place.device)

    def _hosts_around(self, missing: Collection[Place]) -> Iterator[str]:
        own, table = neighbours.own_addresses(), neighbours.table()
        for place in missing:
            if place.host != place.configured:
                yield place.configured
            yield from network.addresses_around(place.configured, own, table)


def _udev() -> ModuleType:
    from tillkeeper_drivers.discovery import udev

    return udev


def _scan(profiles: Collection[str]) -> tuple[Found, ...]:
    from tillkeeper_drivers.discovery import udev

    return udev.scan(profiles)

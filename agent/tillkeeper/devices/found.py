"""What the finder knows, as clients read it. Implements `api.ports.Finding`."""

import asyncio

import msgspec

from tillkeeper.contract.devices import FoundList, FoundView, MovedView
from tillkeeper.devices.finder import Finder
from tillkeeper.devices.locator import Locator
from tillkeeper_drivers.discovery.found import Found


class FoundDesk:
    """On the loop's thread only."""

    def __init__(self, finder: Finder, locator: Locator) -> None:
        self._finder = finder
        self._locator = locator

    def found(self) -> FoundList:
        searched_s = self._finder.searched_s
        return FoundList(
            found=tuple(found_view(found, self._locator.devices_of(found)) for found in self._finder.found()),
            moved=tuple(MovedView(**msgspec.structs.asdict(moved)) for moved in self._locator.moved()),
            searched_age_s=None if searched_s is None else asyncio.get_running_loop().time() - searched_s,
        )

    async def search(self) -> FoundList:
        await self._finder.search()
        return self.found()


def found_view(found: Found, devices: tuple[str, ...] = ()) -> FoundView:
    """`devices`: the configured ones that it is."""
    return FoundView(**msgspec.structs.asdict(found), devices=devices)

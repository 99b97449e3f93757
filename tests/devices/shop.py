"""A spool with the real registry, locator and finder: what a device that comes, goes or moves means for its tickets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec
from tests.spool.world import World, config

from tillkeeper.clock import wall_ms
from tillkeeper.config.model import Device, Station
from tillkeeper.devices.finder import Finder
from tillkeeper.devices.locator import Locator
from tillkeeper.devices.registry import Registry
from tillkeeper.spool.model import Job
from tillkeeper_drivers.api import Device as Driver


class Shop(World):
    """Its devices are printers of the kitchen, each with a station of its name. `told`: how often the list of what is there was
    said to be another; `came`: devices that were plugged in or found again."""

    def __init__(self, source: str | None = None, *, asks: bool = False, **devices: Device) -> None:
        stations = {name: Station(title=name, devices=(name,)) for name in devices}
        super().__init__(msgspec.structs.replace(config(), devices=devices, stations=stations))
        self.locator = Locator(wall_ms)
        self.registry = Registry(self.config, lambda _digests: {}, lambda _event: None, self.locator)
        self.told = 0
        self.came: list[str] = []
        self.finder = Finder(self.locator, changed=self._told, came=self._came, asks=asks, source=source)

    def _told(self) -> None:
        self.told += 1

    def _came(self, name: str) -> None:
        self.came.append(name)
        self.spool.device_came(name)

    def worker_ids(self) -> tuple[str, ...]:
        return self.registry.worker_ids()

    def device(self, worker_id: str) -> Driver:  # type: ignore[override] # the real ones
        return self.registry.device(worker_id)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Shop"]:
        async with self.living():
            finding = asyncio.create_task(self.finder.run())
            try:
                yield self
            finally:
                finding.cancel()
                with suppress(asyncio.CancelledError):
                    await finding
        await self.registry.close()

    async def ticket(self, code: str, device: str) -> Job:
        job = self.job(code, device)
        await self.accept(job)
        return job

    def trouble(self, device: str) -> str:
        return next(one.trouble for one in self.spool.snapshot() if one.device == device)

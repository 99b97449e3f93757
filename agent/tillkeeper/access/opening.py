"""Puts the parts of access together for a running agent. What is wrong with them never keeps it from selling."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from tillkeeper import clock
from tillkeeper.access.certificates import Certificates
from tillkeeper.access.desk import AccessDesk
from tillkeeper.access.parts import AccessParts
from tillkeeper.access.serving import Serving
from tillkeeper.api.limits import ApiLimits
from tillkeeper.contract.base import Event
from tillkeeper.contract.caller import device_terminal
from tillkeeper.journal.records import Batch

if TYPE_CHECKING:
    from tillkeeper.register import Register

log = logging.getLogger(__name__)

AGAIN_S = 5.0


class DeviceAccess:
    """What it needs of the register it asks for when it runs."""

    def __init__(self, register: "Register", secret: str) -> None:
        self._register = register
        config = register.config
        lan = config.lan
        secure = bool(lan.listen) and not lan.insecure_http
        certificates = Certificates(Path(config.data_dir), secret, register.stamp.now_ms) if secure else None
        host, _, port = config.api.listen.rpartition(":")
        loopback = f"http://{host}:{port}" if host and port != "0" else ""
        self.serving = Serving(config, certificates, secret, loopback, lambda: register.announcer.status_changed())
        self.desk = AccessDesk(
            AccessParts(
                config=config,
                approvals=register.people.approvals,
                reach=self.serving,
                setting=register.journal.setting,
                record=self._record,
                now_s=clock.boot_s,
                now_ms=clock.wall_ms,
                new_id=clock.new_id,
            )
        )
        register.people.devices = self._places
        register.together.following.add(self.desk.keeper)

    async def _record(self, events: tuple[Event, ...], settings: Mapping[str, bytes]) -> None:
        register = self._register
        await register.journal.append(Batch(events=tuple(map(register.stamp, events)), settings=dict(settings)))
        register.together.notify()
        register.replication.notify()

    def _places(self) -> frozenset[str]:
        """Paired devices are places where somebody can sign in."""
        return frozenset(map(device_terminal, self.desk.terminals()))

    def start(self, tasks: asyncio.TaskGroup, app: ASGIApp, limits: ApiLimits) -> None:
        """Where [lan] says so; nothing listens on the network otherwise."""
        if self.serving.place is not None:
            tasks.create_task(self._serve(app, limits, self.serving.place), name="access")

    async def _serve(self, app: ASGIApp, limits: ApiLimits, place: tuple[str, int]) -> None:
        while True:
            try:
                await self._serve_once(app, limits, place)
            except Exception:  # whatever it is: tablets wait, the register goes on selling
                log.exception("the way by the network begins again")
                self.serving.listening("it has failed and begins again; the log says why")
            await asyncio.sleep(AGAIN_S)

    async def _serve_once(self, app: ASGIApp, limits: ApiLimits, place: tuple[str, int]) -> None:
        from tillkeeper.api.lan import LanServer  # only where there is a way by the network

        await self.serving.ready()
        names = self._register.config.lan.names
        server = LanServer(app, limits, place, names, self.serving.context, self.serving.listening)
        async with asyncio.TaskGroup() as own:
            own.create_task(server.run(), name="api.lan")
            own.create_task(self.serving.keep(), name="access.certificate")

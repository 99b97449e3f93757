"""What the scenes share: one register that is booted, and what hangs at it."""

import asyncio
import contextlib
import itertools
import json
import shlex
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.boot.installed import REGISTER
from tests.bootvm.image import ADAPTER, NUMBER, RIG, SECOND, Image
from tests.bootvm.machine import Register, Setup, booted, fresh_disk
from tests.bootvm.printer import UsbPrinter, at

from tillkeeper_drivers.simulator.printer import VirtualPrinter
from tillkeeper_drivers.simulator.slips import Slip

SOCKET = "/run/tillkeeper/tillkeeper.sock"
AGENT, PROBER = "tillkeeper.service", "tillkeeper-probe.service"
DATA = "/var/lib/tillkeeper"
MODEL, BAR_MODEL = "tm-t88vi", "tm-t20iii"
NEVER_S = 1e6
CALM_S = 240.0
"""Without hardware help everything takes ten times as long, and more on a busy machine."""


class World:
    """The printers, which have power of their own; the disk; and the machine, which is booted anew after its power was cut."""

    register: Register

    def __init__(self, image: Image, folder: Path) -> None:
        self._image, self._folder = image, folder
        self._disk = fresh_disk(image, folder)
        self._stack = contextlib.AsyncExitStack()
        self._machine = contextlib.AsyncExitStack()
        self._keys = itertools.count(1)
        self.receipts = VirtualPrinter(MODEL, speed_mm_s=0, drawer_closes_s=None, idle_close_s=NEVER_S)
        self.kitchen = VirtualPrinter(MODEL, speed_mm_s=0, drawer_pin=None, idle_close_s=NEVER_S, seed=1)
        self.bar = VirtualPrinter(BAR_MODEL, speed_mm_s=0, drawer_pin=None, idle_close_s=NEVER_S, seed=2)

    async def begin(self) -> None:
        """The printers; no machine yet."""
        for printer in (self.receipts, self.kitchen, self.bar):
            await self._stack.enter_async_context(printer)
        self._cables = (self._folder / "cable-1", self._folder / "cable-2")
        self.receipt_usb: UsbPrinter = await self._stack.enter_async_context(at(self._cables[0], self.receipts, NUMBER))
        self.kitchen_usb: UsbPrinter = await self._stack.enter_async_context(at(self._cables[1], self.kitchen, SECOND))

    async def boot(self, *, rtc: str = "utc", words: str = "") -> None:
        setup = Setup(rtc=rtc, words=words, cables=self._cables)
        self.register = await self._machine.enter_async_context(booted(self._image, self._disk, setup))

    async def cut(self) -> str:
        """The power is gone; what the console said until then."""
        await self.register.cut()
        said = self.register.console_file.read_text(errors="replace")
        await self._machine.aclose()
        return said

    async def end(self) -> None:
        await self._machine.aclose()
        await self._stack.aclose()

    async def plug_serial(self) -> None:
        await self.register.plug("adapter", "usb-serial", self.bar.port, serial=ADAPTER, bus="usb.0", port="3")

    # --- what the register says ---

    async def gets(self, path: str) -> Any:
        return json.loads(await self.register.run(f"/{RIG}/ask {SOCKET} {shlex.quote(path)}"))

    async def sells(self, *items: str, cash: bool = True) -> str:
        """The ticket code of an order that was acknowledged."""
        tenders = [{"tender": "cash"}] if cash else []
        order = {"order_type": "takeout", "lines": [{"item_id": item} for item in items], "tenders": tenders}
        key, body = f"key-{next(self._keys)}", shlex.quote(json.dumps(order))
        answer = await self.register.run(f"/{RIG}/ask {SOCKET} /v1/orders {key} {body}")
        return str(json.loads(answer)["ticket_code"])

    async def jobs(self, device: str) -> list[Any]:
        """Of `device`, oldest first, settled ones too."""
        return [job for job in (await self.gets("/v1/jobs?state=all"))["jobs"] if job["device"] == device]

    async def job(self, device: str, code: str, look: Callable[[Any], bool]) -> Any:
        """The device's document for this ticket code, once `look` says yes to it. Raises AssertionError with what it is."""
        ones: list[Any] = []

        async def there() -> bool:
            ones[:] = [job for job in await self.jobs(device) if job["ticket_code"] == code]
            return bool(ones) and look(ones[-1])

        await self.until(there, lambda: f"{device}: {ones}")
        return ones[-1]

    async def printed(self, printer: VirtualPrinter, count: int) -> list[Slip]:
        """All slips, once there are so many. Raises AssertionError with what the agent says."""
        try:
            return await printer.wait_printed(count, CALM_S)
        except TimeoutError as error:
            raise AssertionError(f"{printer.count} slips, not {count}\n{await self.journal()}") from error

    async def nothing_waits(self, *devices: str) -> None:
        """Until none of their documents is queued or on its way; a held one waits for a person."""
        ones: list[Any] = []

        async def there() -> bool:
            jobs = (await self.gets("/v1/jobs"))["jobs"]
            ones[:] = [job for job in jobs if job["device"] in devices and job["state"] in ("queued", "sending")]
            return not ones

        await self.until(there, lambda: str(ones))

    async def until(self, there: Callable[[], Awaitable[bool]], said: Callable[[], str]) -> None:
        """Each look takes the machine tenths of a second: there is no pause in between."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + CALM_S
        while not await there():
            if loop.time() > until_s:
                raise AssertionError(f"not within {CALM_S:g} s; {said()}\n{await self.journal()}")

    async def serves(self) -> None:
        """Until the agent answers."""
        await self.register.wait_for(f"/{RIG}/ask {SOCKET} /v1/status", CALM_S)

    async def main_pid(self, unit: str) -> int:
        return int(await self.register.run(f"systemctl show -p MainPID --value {unit}"))

    async def ended_s(self, unit: str) -> float:
        """When the program of a `oneshot` ended, in seconds since the kernel's start; 0 where it never ran."""
        said = await self.register.run(f"systemctl show -p ExecMainExitTimestampMonotonic --value {unit}")
        return int(said) / 1e6

    async def under(self, unit: str, program: str, more: str = "", package: str = REGISTER) -> tuple[str, str]:
        """What a program of the rig (and its arguments) says with all that `unit` may and may not, and how it ended."""
        python = f"/usr/lib/{package}/current/bin/python3"
        said = await self.register.run(f"MORE={more} /{RIG}/under {unit} {python} -I /{RIG}/{program}", deadline_s=CALM_S)
        lines = said.strip().splitlines()
        return "\n".join(lines[:-1]), lines[-1]

    async def journal(self) -> str:
        return await self.register.run(f"journalctl -b -u {AGENT} -u {PROBER} --no-pager -n 60", check=False)


def slips_with(printer: VirtualPrinter, code: str) -> list[str]:
    """The texts of all slips with this ticket code, in the order of printing."""
    return [slip.text for slip in printer.printed if code in slip.text]


def once_or_marked(printer: VirtualPrinter, code: str) -> bool:
    """At least once on paper, and what came after the first says that it may be a duplicate."""
    first, *more = slips_with(printer, code) or [""]
    return bool(first) and all("POSSIBLE DUPLICATE" in text for text in more)

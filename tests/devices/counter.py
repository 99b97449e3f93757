"""A whole register in this process on a LAN of namespaces: printers that can be switched off, and a new one that nobody has
configured yet."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from tests.devices.lan import Lan
from tests.till.world import Register, config_in, running

from tillkeeper.config.model import Config, Device, Network
from tillkeeper_drivers.discovery import enpc
from tillkeeper_drivers.simulator.printer import VirtualPrinter


class OnTheLan:
    """A virtual printer at port 9100 of a host. `silent`: it neither takes connections nor answers searches. `searched`: how
    often it was asked who it is; `received`: bytes over all connections."""

    def __init__(self, lan: Lan, host: str, printer: VirtualPrinter) -> None:
        self.lan, self.host, self.printer = lan, host, printer
        self.silent = False
        self.searched = self.received = 0
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def identity(self) -> str:
        return f"mac:{self.lan.mac(self.host)}"

    @property
    def slips(self) -> list[str]:
        return [slip.text for slip in self.printer.printed]

    def off(self) -> None:
        """Nobody is at its address any more."""
        self.silent = True
        for writer in tuple(self._open):
            writer.transport.abort()
        self.lan.move(self.host, "")

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator["OnTheLan"]:
        with ExitStack() as stack:
            door = stack.enter_context(self.lan.socket(self.host, socket.SOCK_STREAM))
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind(("", 9100))
            server = await asyncio.start_server(self._serve, sock=door)
            questions = stack.enter_context(self.lan.socket(self.host, socket.SOCK_DGRAM))
            questions.bind(("", enpc.PORT))
            asyncio.get_running_loop().add_reader(questions, self._answer, questions)
            stack.callback(asyncio.get_running_loop().remove_reader, questions)
            async with self.printer, server:
                try:
                    yield self
                finally:
                    for writer in tuple(self._open):
                        writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.silent:
            writer.transport.abort()
            return
        try:
            inner, outer = await asyncio.open_connection("127.0.0.1", self.printer.port)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, outer}
        with suppress(ConnectionError):
            await asyncio.gather(_pump(reader, outer, self._count), _pump(inner, writer))
        self._open -= {writer, outer}
        for one in (writer, outer):
            one.transport.abort()

    def _count(self, received: int) -> None:
        self.received += received

    def _answer(self, questions: socket.socket) -> None:
        with suppress(BlockingIOError, OSError):
            data, asker = questions.recvfrom(100)
            self.searched += 1
            if data == enpc.query(enpc.BASIC) and not self.silent:
                body = b"\0\5 \2d" + self.printer.model.name.encode().ljust(128, b"\0")
                questions.sendto(b"EPSONq\3\0\0\0\0\0" + len(body).to_bytes(2, "big") + body, asker)


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, told: Callable[[int], None] = lambda _bytes: None
) -> None:
    while data := await reader.read(4096):
        told(len(data))
        writer.write(data)
        await writer.drain()
    with suppress(OSError):
        writer.write_eof()


class Counter:
    """`old`: where the config has the kitchen's printer; `new`: the one from the shelf; `receipt`: on this machine."""

    def __init__(self, config: Config, old: OnTheLan, new: OnTheLan, receipt: VirtualPrinter) -> None:
        self.config, self.old, self.new, self.receipt = config, old, new, receipt
        self.register: Register

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Register]:
        """The agent's own life; again for a restart."""
        async with running(self.config) as self.register:
            yield self.register

    async def order(self, *items: str) -> Any:
        body = {"order_type": "takeout", "lines": [{"item_id": item} for item in items], "tenders": [{"tender": "cash"}]}
        return await self.register.post("/orders", body)

    async def device(self, name: str = "grill") -> Any:
        return next(one for one in (await self.register.get("/devices"))["devices"] if one["device"] == name)

    async def found(self) -> dict[str, Any]:
        """The new printer, as soon as a search has it."""
        for _ in range(5):
            answer = await self.register.post("/devices/search")
            for one in answer["found"]:
                if one["identity"] == self.new.identity:
                    return dict(one)
        raise AssertionError(f"not found: {answer}")

    async def slip(self, device: str = "grill", **more: Any) -> Any:
        found = await self.found()
        return await self.register.post(f"/devices/{device}/replacements", {"found": found["identity"], **more})

    async def confirm(self, slip: Any, **body: Any) -> Any:
        path = f"/devices/{slip['device']}/replacements/{slip['replacement_id']}/confirm"
        status = body.pop("status", 200)
        return await self.register.post(path, body, status=status)


@asynccontextmanager
async def counter(
    lan: Lan,
    folder: Path,
    *,
    old: str = "tm-t88vi",
    new: str = "tm-m30",
    listen: str = "",
    stale_after_s: float = 1800.0,
) -> AsyncIterator[Counter]:
    """Hosts "old" and "new" of `lan`. All stations print on "grill", receipts come out at "receipt"."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(OnTheLan(lan, "old", VirtualPrinter(old, speed_mm_s=0))())
        second = await stack.enter_async_context(OnTheLan(lan, "new", VirtualPrinter(new, speed_mm_s=0))())
        receipt = await stack.enter_async_context(VirtualPrinter("tm-t88vi", speed_mm_s=0, drawer_pin=2))
        config = config_in(folder)
        address = f"{lan.address('old')}:9100"
        kitchen = Device(kind="escpos", address=address, mac=lan.mac("old"), profile=old, confirm_timeout_s=3, bell_pin=5)
        devices = {
            "grill": kitchen,
            "receipt": Device(kind="escpos", address=f"127.0.0.1:{receipt.port}", profile="tm-t88vi"),
            "drawer": Device(kind="drawer", printer="receipt"),
        }
        alone = {"devices": ("grill",), "backup": "", "stale_after_s": stale_after_s}
        stations = {name: replace(one, **alone) for name, one in config.stations.items()}
        config = replace(config, devices=devices, stations=stations, network=Network(watch=False))
        if listen:
            config = replace(config, api=replace(config.api, listen=listen))
        yield Counter(config, first, second, receipt)



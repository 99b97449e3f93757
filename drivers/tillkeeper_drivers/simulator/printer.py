"""A receipt printer on a TCP port (9100 on a real one), with paper, cover, cutter, drawer and faults on command.

    async with VirtualPrinter("tm-t88vi", port=0, speed_mm_s=0) as printer:
        ...                                      # connect to 127.0.0.1, printer.port
        slips = await printer.wait_printed(1, 5)
        print(slips[-1].text)

One connection at a time: a second one is reset, or held unanswered until the first is gone, as the model does.
"""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Coroutine
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self

import msgspec

from tillkeeper_drivers.connections import start_serving, stop_serving
from tillkeeper_drivers.simulator import printer_control
from tillkeeper_drivers.simulator.changes import Changes
from tillkeeper_drivers.simulator.door import Door
from tillkeeper_drivers.simulator.engine import Engine, Outside
from tillkeeper_drivers.simulator.faults import Faults
from tillkeeper_drivers.simulator.mechanism import Mechanism
from tillkeeper_drivers.simulator.models import model
from tillkeeper_drivers.simulator.paper import Paper
from tillkeeper_drivers.simulator.slips import DrawerEvent, Slip, SlipStore
from tillkeeper_drivers.simulator.star.engine import StarEngine

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_READ = 512
_WAITING_CONNECTIONS = 64
_UNSENT_LIMIT = 65_536
_KERNEL_BUFFER = 4096


class VirtualPrinter:
    """See the module.

    Args:
        model_id: one of `models.toml`.
        host, port: where to listen; port 0 takes a free one, see `port`. It stays this printer's own while it is off.
        name: what it is called in state and control.
        directory: where slips and `drawer.log` go; None keeps them in memory only.
        pictures: also write a PNG of each slip.
        speed_mm_s: paper speed; None is the model's own, 0 prints at once.
        buffer_bytes: receive buffer; None is the model's own.
        idle_close_s: None is the model's own.
        drawer_closes_s: seconds after which somebody shuts the drawer; None leaves it open.
        drawer_pin: the connector pin (2 or 5) the drawer hangs on; None where there is no drawer.
        pin_high_when_open: the drawer switch's polarity.
        paper_lines: on the roll; None is a roll that never ends by itself.
        seed: of everything random in its faults.
        keep: slips kept in memory, the oldest are forgotten first.
    """

    def __init__(
        self,
        model_id: str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        name: str = "printer",
        directory: Path | None = None,
        pictures: bool = False,
        speed_mm_s: float | None = None,
        buffer_bytes: int | None = None,
        idle_close_s: float | None = None,
        drawer_closes_s: float | None = 2.0,
        drawer_pin: int | None = 2,
        pin_high_when_open: bool = True,
        paper_lines: int | None = None,
        seed: int = 0,
        keep: int = 1000,
    ) -> None:
        self.model = model(model_id)
        if buffer_bytes is not None:
            self.model = msgspec.structs.replace(self.model, buffer_bytes=buffer_bytes)
        self.name, self.host, self.port = name, host, port
        self.mechanism = Mechanism(self.model, paper_lines=paper_lines, pin_high_when_open=pin_high_when_open)
        self.faults = Faults()
        self.changed = Changes()
        self.rng = Random(seed)  # noqa: S311 - repeatable, not secret
        self.powered = False
        self.store = SlipStore(directory, pictures=pictures, keep=keep)
        kind = Engine if self.model.language == "escpos" else StarEngine
        self._engine = kind(
            model_id, self.model, self.mechanism, self.faults,
            Outside(self._answer, self._slip, self._kicked, self.lose_power), self.changed,
            speed_mm_s=self.model.speed_mm_s if speed_mm_s is None else speed_mm_s,
            serial=f"SIM{seed:07d}", rng=self.rng,
        )  # fmt: skip
        self._idle_close_s = self.model.idle_close_s if idle_close_s is None else idle_close_s
        self._drawer_closes_s, self._drawer_pin = drawer_closes_s, drawer_pin
        self._server: asyncio.Server | None = None
        self._door = Door()
        self._turn = asyncio.Lock()
        self._writer: asyncio.StreamWriter | None = None
        self._waiting = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._stack = contextlib.AsyncExitStack()

    # --- life ---

    async def __aenter__(self) -> Self:
        self._group = await self._stack.enter_async_context(asyncio.TaskGroup())
        self._spawn(self._engine.run())
        self._spawn(self.store.draw())
        try:
            await self.power_on()
        except OSError:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.power_off()
        self._door.let_go()
        for timer in self._timers:
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        # The caller's own error goes on as it is, and not wrapped into a group.
        await self._stack.aclose()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _later(self, delay_s: float, what: Any) -> None:
        self._timers = {timer for timer in self._timers if not timer.cancelled() and timer.when() > self._now()}
        self._timers.add(asyncio.get_running_loop().call_later(delay_s, what))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    async def power_on(self) -> None:
        """Switch on: the port opens, buffers are empty. Raises `OSError` where the port is taken."""
        if self.powered:
            return
        self.port = self._door.hold(self.host, self.port)
        # The protocol number is given because asyncio sets TCP_NODELAY only where it sees it.
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Accepted sockets inherit it: without this the kernel alone would swallow whole tickets.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BUFFER)
            listening.bind((self.host, self.port))
        except OSError:
            listening.close()
            raise
        server = await asyncio.start_server(self._accepted, sock=listening, limit=_READ, start_serving=False)
        self._server = await start_serving(server)
        self.mechanism.unrecoverable = False
        self._engine.switch_on()
        self.powered = True
        self.changed.notify()

    def power_off(self) -> None:
        """Pull the plug: buffers and waiting ids are gone, the connection is reset, half a slip stays in the printer."""
        if self._server is not None:
            stop_serving(self._server)
            self._server = None
        if self._writer is not None:
            _reset(self._writer)
        self._engine.switch_on()
        self.powered = False
        self.changed.notify()

    def lose_power(self) -> None:
        """A power loss, which ends by itself where `faults.power_off_s` says so."""
        self.power_off()
        if self.faults.power_off_s is not None:
            self._later(self.faults.power_off_s, lambda: self._spawn(self.power_on()))

    # --- hands ---

    def set_cover(self, *, open_: bool) -> None:
        self.mechanism.cover_open = open_
        self._engine.poke()

    def load_paper(self, lines: int) -> None:
        """A roll with `lines` lines; 0 takes it out. Printing goes on where it stopped."""
        self.mechanism.load_paper(lines)
        self._engine.poke()

    async def tear(self) -> None:
        """Tear off what hangs out: a slip, where there is ink on it. Returns when it is kept."""
        await self._engine.tear()

    def jam_cutter(self) -> None:
        """The next cut fails: an error, which `DLE ENQ` leaves once `clear_cutter` removed the cause."""
        self.mechanism.cutter_jammed = True

    def clear_cutter(self) -> None:
        self.mechanism.cutter_jammed = False

    def break_down(self) -> None:
        """An unrecoverable error (a burnt head, a broken wire): offline until it is switched off and on again."""
        self.mechanism.unrecoverable = True
        self._engine.poke()

    def set_overheated(self, *, hot: bool) -> None:
        """The head is too hot, or has cooled down."""
        self.mechanism.overheated = hot
        self._engine.poke()

    def set_drawer(self, *, open_: bool) -> None:
        if self.mechanism.drawer_open != open_:
            self.mechanism.drawer_open = open_
            self._note("opened" if open_ else "closed")
        self._engine.poke()

    # --- what it did ---

    @property
    def printed(self) -> list[Slip]:
        """Slips cut so far, oldest first; only the last `keep` of them."""
        return list(self.store.slips)

    @property
    def count(self) -> int:
        """Number of the newest slip."""
        return self.store.last

    @property
    def hanging(self) -> Paper:
        """What is printed and not yet cut."""
        return self._engine.paper

    @property
    def engine(self) -> Engine:
        return self._engine

    @property
    def connected(self) -> bool:
        return self._writer is not None

    async def wait_printed(self, count: int, deadline_s: float) -> list[Slip]:
        """Wait until slip number `count` is cut and kept. Raises `TimeoutError`."""
        kept = self.store.slips
        await self.changed.wait_for(lambda: bool(kept) and kept[-1].number >= count, deadline_s)
        return self.printed

    async def wait_drawer(self, *, open_: bool, deadline_s: float) -> None:
        """Wait until the drawer is open (or shut). Raises `TimeoutError`."""
        await self.changed.wait_for(lambda: self.mechanism.drawer_open == open_, deadline_s)

    async def command(self, request: dict[str, Any]) -> dict[str, Any]:
        """A request of the control socket, see `control`."""
        return await printer_control.command(self, request)

    # --- called by the engine ---

    def _answer(self, data: bytes) -> None:
        sent = self.faults.answer(data, self.rng)
        if self._writer is None or not sent or self._writer.is_closing():
            return
        self._writer.write(sent)
        if self._writer.transport.get_write_buffer_size() > _UNSENT_LIMIT:
            _reset(self._writer)

    async def _slip(self, paper: Paper) -> None:
        await self.store.add(paper)
        self.changed.notify()

    def _kicked(self, pin: int, on_ms: int, command: str) -> None:
        self._note("pulsed", pin, on_ms, command)
        if pin == self._drawer_pin and self.mechanism.kick():
            self._note("opened", pin, on_ms, command)
            if self._drawer_closes_s is not None:
                self._later(self._drawer_closes_s, lambda: self.set_drawer(open_=False))
        self._engine.poke()

    def _note(self, kind: str, pin: int = 0, on_ms: int = 0, command: str = "") -> None:
        self.store.note_drawer(DrawerEvent(time.time_ns() // 1_000_000, kind, pin, on_ms, command))

    # --- connections ---

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        busy = self._turn.locked() and self.model.second_connection == "rst" and not self.faults.silent
        if not self.powered or self.faults.rst_on_connect or busy or self._waiting >= _WAITING_CONNECTIONS:
            _reset(writer)
            return
        # A task that is cancelled before its first step runs no `finally`.
        self._spawn(self._connection(reader, writer)).add_done_callback(lambda _task: writer.transport.abort())

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._waiting += 1
        try:
            async with self._turn:
                if self.powered:
                    await self._serve(reader, writer)
        except ConnectionError:
            pass  # the peer's doing; what it sent before is printed all the same
        finally:
            self._waiting -= 1
            self._writer = None if self._writer is writer else self._writer
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            self.changed.notify()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._engine.greet()
        self.changed.notify()
        if self.faults.babble:
            self._spawn(self._babble(writer))
        left = self.faults.close_after_bytes
        while not writer.is_closing():
            await self.changed.wait_for(lambda: (not self.faults.silent and self._engine.room > 0) or writer.is_closing())
            try:
                async with asyncio.timeout(self._idle_close_s):
                    data = await reader.read(min(_READ, self._engine.room, left or _READ))
            except TimeoutError:
                if self._engine.idle:
                    return
                continue
            if not data:
                return
            # Silence that began while it was reading: the bytes are as good as still on their way.
            await self.changed.wait_for(lambda: not self.faults.silent or writer.is_closing())
            if self.faults.echo:
                writer.write(data)
            else:
                self._engine.receive(data)
            if left is not None:
                left -= len(data)
                if left <= 0:
                    _reset(writer)

    async def _babble(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while self.faults.babble and not writer.is_closing():
                writer.write(self.rng.randbytes(_READ))
                await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST."""
    connection: socket.socket = writer.get_extra_info("socket")
    if not writer.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()

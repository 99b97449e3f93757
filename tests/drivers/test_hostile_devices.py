"""The same hostile ways at the other end of a real connection, for the driver of each family of devices: each document has one
typed end in its time, nothing is believed, nothing grows, and a device beside it goes on."""

import asyncio
import os
import random
import tracemalloc
import tty
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from tests.drivers.kds_tickets import BURGER, ticket

from tillkeeper_drivers.api import Device, Document, DriverError, NotSent, OutcomeUnknown, PrintDocument, Text
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import profile
from tillkeeper_drivers.kds.epson import epson_display
from tillkeeper_drivers.kds.fresh import fresh_display
from tillkeeper_drivers.kds.logic_controls import logic_controls_display
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.simulator.printer import VirtualPrinter
from tillkeeper_drivers.star.printer import StarPrinter
from tillkeeper_drivers.star.profile import profile as star_profile
from tillkeeper_drivers.transport.serial import SerialTransport
from tillkeeper_drivers.transport.tcp import TcpTransport

QUICK = Deadlines(connect=1, write=0.5, confirm=0.4, answer=0.2, maybe=0.1, maybe_confirm=0.3, poll=0.05, pin=0.2, again=0.1)
SLIP = PrintDocument("j", (Text("1 Burger"), Text("no onions")))
TICKETS = (ticket("j1", BURGER), ticket("j1", BURGER), ticket("j2", BURGER, check="c2"))
ANSWER_S = 0.3
MOST_BYTES = 12_000_000
"""Of memory, beside what was there before."""
BOUND_S = 20

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytearray], Awaitable[None]]


async def echoes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, got: bytearray) -> None:
    while data := await reader.read(4096):
        got += data
        writer.write(data)
        await writer.drain()


async def never_reads(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _got: bytearray) -> None:
    await asyncio.sleep(600)


async def drains_a_byte_a_second(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, got: bytearray) -> None:
    while data := await reader.read(1):
        got += data
        await asyncio.sleep(1)


async def closes_after_each_byte(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, got: bytearray) -> None:
    got += await reader.read(1)


async def swallows(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, got: bytearray) -> None:
    while data := await reader.read(4096):
        got += data


async def _talks(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, got: bytearray, portions: Callable[[], bytes], pause_s: float
) -> None:
    listening = asyncio.create_task(swallows(reader, writer, got))
    try:
        while not listening.done():
            writer.write(portions())
            await writer.drain()
            await asyncio.sleep(pause_s)
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await listening


async def babbles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, got: bytearray) -> None:
    noise = random.Random(1)
    await _talks(reader, writer, got, lambda: noise.randbytes(65_536), 0)


async def never_ends_its_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, got: bytearray) -> None:
    await _talks(reader, writer, got, lambda: b"7" * 65_536, 0)


async def says_that_paper_is_fine_for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, got: bytearray) -> None:
    await _talks(reader, writer, got, lambda: b"\x12", 0.01)


async def confirms_for_another(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, got: bytearray) -> None:
    """Every confirmation that there is, each with the id of somebody else."""
    said = b"\x37\x22xxxx\x00\x12\x12\x12\x12\x1b\x1d\x03\x01xx\x00\x00"
    said += b'HTTP/1.1 200 OK\r\ncontent-length: 23\r\n\r\n{"seq":1,"errorcode":0}' + b"check-of-others-1\n"
    await _talks(reader, writer, got, lambda: said, 0.02)


async def speaks_a_byte_at_a_time(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, got: bytearray) -> None:
    noise = random.Random(2)
    await _talks(reader, writer, got, lambda: noise.randbytes(1), 0.03)


async def truncates(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, got: bytearray) -> None:
    """The beginning of an answer to whatever is asked, and then the end."""
    got += await reader.read(4096)
    writer.write(random.Random(len(got)).choice((b"\x37\x22a", b"\x10\x00", b"#\x06", b"HTTP/1.1 200 OK\r\ncont", b'{"se')))
    await writer.drain()


WAYS: tuple[Talk, ...] = (
    echoes, never_reads, drains_a_byte_a_second, closes_after_each_byte, swallows, babbles, never_ends_its_line,
    says_that_paper_is_fine_for_ever, confirms_for_another, speaks_a_byte_at_a_time, truncates,
)  # fmt: skip


@asynccontextmanager
async def hostile(talk: Talk) -> AsyncIterator[tuple[int, bytearray]]:
    """Port, and all that it read."""
    got = bytearray()

    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, TimeoutError):
            await talk(reader, writer, got)
        writer.transport.abort()

    tasks: set[asyncio.Task[None]] = set()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(talks(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(lambda _task: writer.transport.abort())

    server = await asyncio.start_server(accepted, "127.0.0.1", 0, limit=4096)
    try:
        yield server.sockets[0].getsockname()[1], got
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def hostile_on_a_line(talk: Talk) -> AsyncIterator[tuple[str, bytearray]]:
    """The same at the other end of a pseudo-terminal: the port's path, and all that it read."""
    got = bytearray()
    loop = asyncio.get_running_loop()
    device, port = os.openpty()
    tty.setraw(port)
    reader = asyncio.StreamReader(4096)
    hears, _protocol = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(device), "rb", 0)
    )
    says, flow = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(device, "wb", 0))
    writer = asyncio.StreamWriter(says, flow, reader, loop)  # kept: newer Pythons close the line with the last word of it
    task = asyncio.ensure_future(talk(reader, writer, got))
    try:
        yield os.ttyname(port), got
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        hears.close()
        writer.transport.abort()
        os.close(port)
        await asyncio.sleep(0)


def escpos(port: int) -> Device:
    return EscPosPrinter("bad", TcpTransport("127.0.0.1", port), profile("tm-t88vi"), deadlines=QUICK)


def escpos_held(port: int) -> Device:
    return EscPosPrinter("bad", TcpTransport("127.0.0.1", port), profile("tm-t88vi"), deadlines=QUICK, hold=True)


def star_line(port: int) -> Device:
    return StarPrinter("bad", TcpTransport("127.0.0.1", port), star_profile("tsp650ii"), deadlines=QUICK)


def star_prnt_held(port: int) -> Device:
    return StarPrinter("bad", TcpTransport("127.0.0.1", port), star_profile("mc-print3"), deadlines=QUICK, hold=True)


def star_raster(port: int) -> Device:
    return StarPrinter("bad", TcpTransport("127.0.0.1", port), star_profile("tsp100"), deadlines=QUICK)


def epson_kds(port: int) -> Device:
    return epson_display("bad", "127.0.0.1", port, lambda _event: None, answer_s=ANSWER_S)


def fresh_kds(port: int) -> Device:
    return fresh_display("bad", TcpTransport("127.0.0.1", port), lambda _event: None, answer_s=ANSWER_S)


def logic_controls(port: int) -> Device:
    return logic_controls_display("bad", TcpTransport("127.0.0.1", port), lambda _event: None, answer_s=ANSWER_S)


def escpos_on_a_line(path: str) -> Device:
    return EscPosPrinter("bad", SerialTransport(path), profile("tm-t88vi"), deadlines=QUICK, hold=True)


PRINTERS = (escpos, escpos_held, star_line, star_prnt_held, star_raster)
DISPLAYS = (epson_kds, fresh_kds, logic_controls)


async def ends(device: Device, document: Document) -> str:
    try:
        return (await device.deliver(document, b"ab12")).how
    except NotSent:
        return "not sent"
    except OutcomeUnknown:
        return "unknown"


async def against(talk: Talk, made: Callable[[Any], Device], *documents: Document) -> tuple[list[str], bytes, list[str]]:
    """How each tries at the hostile device end, what it read, and what became of six slips of a good one beside it."""
    other_end = hostile_on_a_line if made is escpos_on_a_line else hostile
    async with other_end(talk) as (port, got), VirtualPrinter("tm-t88vi", speed_mm_s=0) as good:
        beside = EscPosPrinter("good", TcpTransport("127.0.0.1", good.port), profile("tm-t88vi"))
        device = made(port)
        attend = getattr(device, "attend", None)
        attending = asyncio.create_task(attend(lambda _status: None, asyncio.Semaphore(1))) if attend else None
        try:
            async with asyncio.timeout(BOUND_S):
                others = asyncio.gather(*(ends(beside, SLIP) for _ in range(6)))
                tries = [await ends(device, document) for document in documents]
                status = await device.status()
                assert status.reachable in ("yes", "no", "unknown")
                return tries, bytes(got), await others
        finally:
            if attending is not None:
                attending.cancel()
                await asyncio.gather(attending, return_exceptions=True)
            close = getattr(device, "close", None)
            if close is not None:
                await close()


@pytest.mark.parametrize("talk", WAYS, ids=lambda talk: talk.__name__)
@pytest.mark.parametrize("made", PRINTERS, ids=lambda made: made.__name__)
def test_a_hostile_printer_confirms_nothing_and_costs_nobody_else_anything(talk: Talk, made: Callable[[int], Device]) -> None:
    how, got, others = asyncio.run(against(talk, made, SLIP, SLIP, SLIP))
    assert set(how) <= {"not sent", "unknown"}
    if set(how) == {"not sent"}:
        assert b"Burger" not in got
    assert others == ["confirmed"] * 6


@pytest.mark.parametrize("talk", WAYS, ids=lambda talk: talk.__name__)
@pytest.mark.parametrize("made", DISPLAYS, ids=lambda made: made.__name__)
def test_a_hostile_display_confirms_nothing_and_costs_nobody_else_anything(talk: Talk, made: Callable[[int], Device]) -> None:
    how, got, others = asyncio.run(against(talk, made, *TICKETS))
    assert "confirmed" not in how
    if made is not logic_controls:  # bytes that its stack took are all that there ever is: "sent"
        assert set(how) <= {"not sent", "unknown"}
    if set(how) == {"not sent"} and made is not epson_kds and talk is not confirms_for_another:
        assert b"Burger" not in got
    assert others == ["confirmed"] * 6


@pytest.mark.parametrize("talk", WAYS, ids=lambda talk: talk.__name__)
def test_a_hostile_printer_on_a_serial_line_is_no_better(talk: Talk) -> None:
    how, got, others = asyncio.run(against(talk, escpos_on_a_line, SLIP, SLIP, SLIP))
    assert set(how) <= {"not sent", "unknown"}
    if set(how) == {"not sent"}:
        assert b"Burger" not in got
    assert others == ["confirmed"] * 6


@pytest.mark.parametrize("made", [*PRINTERS, *DISPLAYS], ids=lambda made: made.__name__)
def test_what_a_device_says_without_end_is_not_kept(made: Callable[[int], Device]) -> None:
    document: Document = SLIP if made in PRINTERS else ticket("j1", BURGER)
    asyncio.run(against(babbles, made, document))  # what is loaded once is no growth
    tracemalloc.start()
    try:
        for talk in (babbles, never_ends_its_line):
            asyncio.run(against(talk, made, document))
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


def test_a_device_that_can_not_be_spoken_to_is_told_by_typed_errors_only() -> None:
    """Nobody at all listens."""

    async def run() -> None:
        async with hostile(swallows) as (port, _got):
            pass
        for made in (*PRINTERS, *DISPLAYS):
            device = made(port)
            with pytest.raises(DriverError) as refused:
                await device.deliver(SLIP if made in PRINTERS else ticket("j1", BURGER), b"ab12")
            assert isinstance(refused.value, NotSent), made.__name__
            close = getattr(device, "close", None)
            if close is not None:
                await close()

    asyncio.run(run())

"""What a serial port with modem lines and a queue can do to us. Run by test_transport_serial.py, see `umock`."""

import asyncio
import errno
import termios
from collections import deque

from tests.drivers.ptys import LineFaults, SerialDevice
from tests.drivers.umock_node import TIOCM_CTS, TIOCM_DSR, TIOCSERGETLSR, Node, failing, main

from tillkeeper_drivers.api import NotSent, PrintDocument, Text, TransportError
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import profile
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.transport.serial import Line, SerialTransport

QUICK = Deadlines(pace=0.1, connect=5, write=0.3, confirm=0.5, answer=0.2, maybe=0.2, maybe_confirm=0.1, poll=0.05, pin=0.3)


def adapter() -> Node:
    return Node("/dev/ttyUSB0", 188)


def silent(_data: bytes) -> bytes:
    return b""


async def fails(work: object) -> TransportError:
    try:
        await work  # type: ignore[misc]
    except TransportError as error:
        return error
    raise AssertionError("nothing was raised")


async def not_sent(work: object) -> NotSent:
    try:
        await work  # type: ignore[misc]
    except NotSent as error:
        return error
    raise AssertionError("it was sent")


async def _a_printer_that_is_off(line: Line, level: int, name: str) -> None:
    node = adapter()
    node.ioctls[termios.TIOCMGET] = lambda: 0
    async with SerialDevice(silent, None, 0, node.ends()) as device:
        transport = SerialTransport(node.path, line)
        async with transport.connect(5) as connection:
            error = await fails(connection.write(b"ticket", 0.2))
            assert (error.reason, error.bytes_left) == ("offline", False)
            assert name in error.detail, error.detail
        printer = EscPosPrinter("bar", transport, profile("generic-58"), deadlines=QUICK)
        refused = await not_sent(printer.deliver(PrintDocument("j", (Text("2 Burger"),)), b"ab12"))
        assert refused.reason == "offline", refused.reason
        assert printer.last_status.trouble() == "offline"
        assert (await printer.status()).trouble() == "offline"
        node.ioctls[termios.TIOCMGET] = lambda: level
        assert (await printer.status()).trouble() is None
        await printer.deliver(PrintDocument("j", (Text("1 Salad"),)), b"ab12")
        assert b"Burger" not in device.received
        assert device.received.count(b"1 Salad") == 1


async def a_printer_that_holds_cts_gets_nothing() -> None:
    await _a_printer_that_is_off(Line(baud=115_200, flow="rts_cts"), TIOCM_CTS, "CTS")


async def a_printer_that_holds_dsr_gets_nothing() -> None:
    await _a_printer_that_is_off(Line(baud=115_200, flow="dsr"), TIOCM_DSR, "DSR")


async def dsr_stops_the_flow_in_the_middle() -> None:
    """The printer's buffer is full after 300 bytes, and free again later; the bytes in the queue count as under way."""
    node = adapter()
    data = bytes(at % 251 for at in range(2000))
    written, stopped_at = 0, 300
    waiting, most_waiting = 0, 0

    def write(portion: bytes) -> None:
        nonlocal written, waiting, most_waiting
        written += len(portion)
        waiting += len(portion)
        most_waiting = max(most_waiting, waiting)

    def outq() -> int:
        nonlocal waiting
        waiting = max(0, waiting - 20)
        return waiting

    node.on_write, node.ioctls[termios.TIOCOUTQ] = write, outq
    node.ioctls[termios.TIOCMGET] = lambda: TIOCM_DSR if written < stopped_at else 0
    async with SerialDevice(silent, LineFaults(split=True), 2, node.ends()) as device:
        async with SerialTransport(node.path, Line(baud=115_200, flow="dsr")).connect(5) as connection:
            writing = asyncio.create_task(connection.write(data, 3))
            await device.took(300)
            await asyncio.sleep(0.1)  # nothing can be waited for: it is that no more comes
            assert 300 <= written < 300 + 64, written
            stopped_at = 10_000
            await writing
            await device.took(len(data))
            stopped_at = 0
            error = await fails(connection.write(b"more", 0.1))
            assert (error.reason, error.bytes_left) == ("stalled", False)
            assert "DSR" in error.detail
        assert bytes(device.received) == data
    assert 32 < most_waiting <= 64, "little waits in the kernel, and the line never idles"
    assert max(node.asked.count(request) for request in set(node.asked)) < 1500, "a busy loop"


async def a_write_is_not_far_ahead_of_a_slow_line() -> None:
    """At 1200 baud a second is 120 bytes."""
    node = adapter()
    waiting = 0

    def outq() -> int:
        nonlocal waiting
        waiting = max(0, waiting - 50)
        return waiting

    def write(portion: bytes) -> None:
        nonlocal waiting
        waiting += len(portion)

    node.on_write, node.ioctls[termios.TIOCOUTQ] = write, outq
    async with SerialDevice(silent, None, 0, node.ends()):
        async with SerialTransport(node.path, Line(baud=1200)).connect(5) as connection:
            await connection.write(bytes(600), 5)
            assert 0 < waiting <= 120, waiting
            waiting = 0
            await connection.write(bytes(100), 5)
            assert waiting == 50, "a short one is not waited for"
        async with SerialTransport(node.path, Line(baud=115_200)).connect(5) as connection:
            waiting = 0
            node.ioctls[termios.TIOCOUTQ] = lambda: 4000
            await connection.write(bytes(4000), 5)
            node.ioctls[termios.TIOCOUTQ] = lambda: 0
        node.ioctls[termios.TIOCOUTQ] = lambda: 4000
        async with SerialTransport(node.path, Line(baud=2400)).connect(5) as connection:
            error = await fails(connection.write(bytes(10), 0.1))
            assert (error.reason, error.bytes_left) == ("stalled", True)
            node.ioctls[termios.TIOCOUTQ] = lambda: 0


async def drain_waits_for_the_queue_and_the_shift_register() -> None:
    node = adapter()
    queue, register = deque([30, 20, 10, 0, 0, 0]), deque([0, 0, 1])
    node.ioctls[termios.TIOCOUTQ] = lambda: queue.popleft() if queue else 0
    node.ioctls[TIOCSERGETLSR] = lambda: register.popleft() if register else 1

    def gone() -> int:
        raise failing(errno.EIO)

    transport = SerialTransport(node.path, Line(baud=115_200))
    async with SerialDevice(silent, None, 0, node.ends()), transport.connect(5) as connection:
        await connection.write(b"ticket", 5)
        await connection.drain(2)
        assert not queue
        assert not register
        node.ioctls[termios.TIOCOUTQ] = lambda: 5
        error = await fails(connection.drain(0.1))
        assert (error.reason, error.bytes_left) == ("stalled", True)
        assert "5 bytes" in error.detail
        del node.ioctls[TIOCSERGETLSR]  # a driver that can not tell
        node.ioctls[termios.TIOCOUTQ] = lambda: 0
        await connection.drain(5)
        node.ioctls[termios.TIOCOUTQ] = gone
        error = await fails(connection.drain(1))
        assert (error.reason, error.bytes_left) == ("lost", True)


async def what_a_failed_job_left_behind_is_thrown_away() -> None:
    node = adapter()
    waiting = 0

    def flush() -> None:
        nonlocal waiting
        waiting = 0

    node.ioctls[termios.TIOCOUTQ], node.ioctls[termios.TCFLSH] = lambda: waiting, flush
    async with SerialDevice(silent, None, 0, node.ends()) as device:
        transport = SerialTransport(node.path, Line(baud=115_200))
        async with transport.connect(5) as connection:
            await connection.write(b"a whole slip", 5)
        assert termios.TCFLSH not in node.asked, "what a good job left behind may be under way yet"
        async with transport.connect(5) as connection:
            waiting = 11
            await connection.write(b"half a slip", 5)
            assert (await fails(connection.drain(0.1))).reason == "stalled"
        assert node.asked[-2:] == [termios.TCFLSH, termios.TIOCNXCL]
        await device.took(23)


if __name__ == "__main__":
    main(globals())

"""What a usblp node can do to us. Run by test_transport_usblp.py, see `umock`."""

import asyncio
import errno
import threading
import time
from collections import deque
from itertools import pairwise

from msgspec.structs import replace
from tests.drivers.fakes import FakePrinter
from tests.drivers.ptys import LineFaults, SerialDevice, printer_on_a_line
from tests.drivers.umock_node import LPGETSTATUS, Node, failing, main

from tillkeeper_drivers.api import Delivery, DriverError, NotSent, PortStatus, PrintDocument, Status, Text, TransportError
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import profile
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.simulator.printer import VirtualPrinter
from tillkeeper_drivers.transport.usblp import UsblpConnection, UsblpTransport

QUICK = Deadlines(pace=0.1, connect=5, write=5, confirm=2, answer=2, maybe=0.05, maybe_confirm=0.1, poll=0.05, pin=0.3)
SLIP = PrintDocument("j", (Text("2 Burger"), Text("no onions")))
ALL_WELL, PAPER_OUT, RESERVED = 0x18, 0x30, 0xFF


def printer_node() -> Node:
    return Node("/dev/usb/lp0", 180)


def silent(_data: bytes) -> bytes:
    return b""


async def fails(work: object) -> tuple[str, bool]:
    try:
        await work  # type: ignore[misc]
    except TransportError as error:
        return error.reason, error.bytes_left
    raise AssertionError("nothing was raised")


async def outcome(printer: EscPosPrinter) -> tuple[str, str]:
    try:
        delivery: Delivery = await printer.deliver(SLIP, b"ab12")
    except DriverError as error:
        return type(error).__name__, error.reason
    return delivery.how, delivery.by


async def refused(printer: EscPosPrinter) -> NotSent:
    try:
        delivery = await printer.deliver(SLIP, b"ab12")
    except NotSent as error:
        return error
    raise AssertionError(delivery)


def driver(node: Node, model: str) -> EscPosPrinter:
    return EscPosPrinter("bar", UsblpTransport(node.path), profile(model), deadlines=QUICK)


async def everything_arrives() -> None:
    node = printer_node()
    data = bytes(range(256)) * 40
    faults = LineFaults(garbage_first=300, split=True)
    async with SerialDevice(lambda portion: portion, faults, 5, node.ends()) as device:
        async with UsblpTransport(node.path).connect(5) as connection:
            writing = asyncio.create_task(connection.write(data, 20))
            heard = b""
            while len(heard) < len(data):
                heard += await connection.read(20)
            await writing
            await connection.drain(5)
        assert heard == bytes(device.received) == data


async def an_attended_printer_whose_paper_only_the_port_knows() -> None:
    """A clone that never answers: while it is idle its port is asked now and then."""
    node, told = printer_node(), asyncio.Queue[Status]()
    state = ALL_WELL
    node.ioctls[LPGETSTATUS] = lambda: state
    limits = Deadlines(connect=5, maybe=0.05, answer=2, idle_poll=0.1)
    printer = EscPosPrinter("bar", UsblpTransport(node.path), profile("generic-58"), deadlines=limits, hold=True)
    async with asyncio.timeout(20), SerialDevice(silent, None, 0, node.ends()):
        attending = asyncio.create_task(printer.attend(told.put_nowait, asyncio.Semaphore(1)))
        assert (await told.get()).trouble() is None
        state = PAPER_OUT
        assert (await told.get()).trouble() == "paper_out"
        state = ALL_WELL
        assert (await told.get()).trouble() is None
        attending.cancel()
        await asyncio.gather(attending, return_exceptions=True)


async def an_attended_printer_that_reports_and_prints_over_one_opening() -> None:
    node, told, peer = printer_node(), asyncio.Queue[Status](), FakePrinter()
    printer = EscPosPrinter("bar", UsblpTransport(node.path), profile("tm-t88vi"), deadlines=QUICK, hold=True)
    async with asyncio.timeout(20), SerialDevice(peer, None, 0, node.ends()) as device:
        attending = asyncio.create_task(printer.attend(told.put_nowait, asyncio.Semaphore(1)))
        assert (await told.get()).trouble() is None
        peer.cover_open = True
        device.say(peer.automatic())
        assert (await told.get()).trouble() == "cover_open"
        peer.cover_open = False
        device.say(peer.automatic())
        assert (await told.get()).trouble() is None
        assert (await printer.deliver(SLIP, b"ab12")).by == "GS ( H"
        assert (await printer.deliver(SLIP, b"ab13")).by == "GS ( H"
        assert peer.asked.count(4) == 1, "asked for all of it once, when it was opened"
        attending.cancel()
        await asyncio.gather(attending, return_exceptions=True)


async def port_status() -> None:
    node = printer_node()
    states: deque[int | OSError] = deque()

    def answer() -> int:
        state = states.popleft()
        if isinstance(state, OSError):
            raise state
        return state

    node.ioctls[LPGETSTATUS] = answer
    async with SerialDevice(silent, None, 0, node.ends()), UsblpTransport(node.path).connect(5) as connection:
        assert isinstance(connection, UsblpConnection)
        expected = {
            ALL_WELL: PortStatus(paper_out=False, selected=True, error=False),
            0x38: PortStatus(paper_out=True, selected=True, error=False),
            0x20: PortStatus(paper_out=True, selected=False, error=True),
            0x00: PortStatus(paper_out=False, selected=False, error=True),
            RESERVED: None,
            0x98: None,
        }
        for state, status in expected.items():
            states.append(state)
            assert await connection.port_status(1) == status, hex(state)
        for number in (errno.EIO, errno.ENOTTY):
            states.append(failing(number))
            assert await connection.port_status(1) is None
        states.append(failing(errno.ENODEV))
        assert await fails(connection.port_status(1)) == ("not_plugged_in", False)


async def a_status_request_that_hangs() -> None:
    """The kernel gives a printer five seconds to answer, and holds up everything on the node meanwhile."""
    node, gate, asked = printer_node(), threading.Event(), threading.Event()

    def hang() -> int:
        asked.set()
        gate.wait(20)
        return ALL_WELL

    node.ioctls[LPGETSTATUS] = hang
    ticks: list[float] = []

    async def tick() -> None:
        while True:
            ticks.append(time.monotonic())
            await asyncio.sleep(0.01)

    async with SerialDevice(silent, None, 0, node.ends()) as device:
        ticker = asyncio.create_task(tick())
        transport = UsblpTransport(node.path)
        start = time.monotonic()
        async with transport.connect(5) as connection:
            assert isinstance(connection, UsblpConnection)
            assert await connection.port_status(0.1) is None
            assert asked.is_set()
            assert await fails(connection.write(b"not now", 0.1)) == ("stalled", False)
            try:
                await connection.read(0.1)
            except TimeoutError:
                pass
            else:
                raise AssertionError("read something")
        assert time.monotonic() - start < 10, "closing waited for it"
        assert await fails(transport.connect(0.1).__aenter__()) == ("unreachable", False)
        longest = max(later - sooner for sooner, later in pairwise(ticks))
        assert longest < 1, f"the loop stood for {longest:g} s"
        gate.set()
        async with transport.connect(2) as connection:
            await connection.write(b"now", 5)
            await device.took(3)
        assert bytes(device.received) == b"now"
        ticker.cancel()


async def one_at_a_time() -> None:
    node = printer_node()
    async with SerialDevice(silent, None, 0, node.ends()) as device:
        async with UsblpTransport(node.path).connect(5) as connection:
            assert await fails(UsblpTransport(node.path).connect(5).__aenter__()) == ("busy", False)
            await connection.write(b"whole", 5)
        async with UsblpTransport(node.path).connect(5) as connection:
            await connection.write(b" again", 5)
            await device.took(11)
        assert bytes(device.received) == b"whole again"


async def no_printer_nodes() -> None:
    for path, reason in (("/dev/null", "unreachable"), ("/dev/usb/lp7", "not_plugged_in")):
        assert await fails(UsblpTransport(path).connect(5).__aenter__()) == (reason, False), path


async def it_vanishes() -> None:
    node = printer_node()
    taken = 0

    def write(data: bytes) -> int:
        nonlocal taken
        if taken >= 8192:
            raise failing(errno.ENODEV)
        taken += len(data)
        return len(data)

    async with SerialDevice(silent, None, 0, node.ends()) as device:
        node.on_write = write
        async with UsblpTransport(node.path).connect(5) as connection:
            assert await fails(connection.write(b"x" * 20_000, 1)) == ("lost", True)
            assert await fails(connection.write(b"y", 1)) == ("lost", False), "of this call none left"
            assert await fails(connection.drain(1)) == ("lost", True)
        async with UsblpTransport(node.path).connect(5) as connection:
            assert await fails(connection.write(b"x", 1)) == ("not_plugged_in", False)
            node.on_read = lambda: (_ for _ in ()).throw(failing(errno.ENODEV))
            device.say(b"!")
            assert await fails(connection.read(5)) == ("not_plugged_in", False)


async def packets_without_bytes_and_failed_transfers() -> None:
    node = printer_node()
    reads = 0
    script: deque[bytes | int] = deque()

    def read() -> bytes | None:
        nonlocal reads
        reads += 1
        if not script:
            return b""
        following = script.popleft()
        if isinstance(following, int):
            raise failing(following)
        return following

    async with SerialDevice(silent, None, 0, node.ends()) as device, UsblpTransport(node.path).connect(5) as connection:
        node.on_read = read
        device.say(b"!")  # from here on there is always something to read
        try:
            await connection.read(0.5)
        except TimeoutError:
            pass
        else:
            raise AssertionError("a packet without bytes is no end and no answer")
        assert reads < 40, f"{reads} reads: a busy loop"
        script += [errno.EIO, errno.EIO, b"answer"]
        assert await connection.read(5) == b"answer"
        script += [errno.EIO, errno.EIO, errno.EIO]
        assert await fails(connection.read(5)) == ("not_plugged_in", False)


async def a_one_way_printer() -> None:
    node = printer_node()
    async with SerialDevice(silent, None, 0, node.ends()) as device:
        node.on_read = lambda: (_ for _ in ()).throw(failing(errno.EINVAL))
        assert await outcome(driver(node, "generic-58")) == ("sent", "none")
        assert b"2 Burger" in device.received


async def drain_waits_for_the_transfer() -> None:
    node = printer_node()
    under_way = threading.Event()

    def write(data: bytes) -> int | None:
        if not data and under_way.is_set():
            raise failing(errno.EAGAIN)
        return None if data else 0

    node.on_write = write
    async with SerialDevice(silent, None, 0, node.ends()), UsblpTransport(node.path).connect(5) as connection:
        await connection.write(b"ticket", 5)
        under_way.set()
        assert await fails(connection.drain(0.2)) == ("stalled", True)
        asyncio.get_running_loop().call_later(0.1, under_way.clear)
        await connection.drain(5)
        assert not under_way.is_set()
        await connection.write(b"the end of it", 5)
        under_way.set()
        asyncio.get_running_loop().call_later(0.2, under_way.clear)
    assert not under_way.is_set(), "closing cuts off what is under way"


async def a_whole_printer() -> None:
    node = printer_node()
    device = VirtualPrinter("tm-t88vi", speed_mm_s=0, idle_close_s=3600)
    async with device, printer_on_a_line(device, node.ends()):
        printer = driver(node, "tm-t88vi")
        assert await outcome(printer) == ("confirmed", "GS ( H")
        assert await outcome(printer) == ("confirmed", "GS ( H")
        slips = await device.wait_printed(2, 5)
        assert [slip.text.count("2 Burger") for slip in slips] == [1, 1]
        await device.command({"fault": "paper_out"})
        assert await outcome(printer) == ("NotSent", "paper_out")


async def one_that_takes_nothing_is_nobody_elses() -> None:
    node = printer_node()
    taken = bytearray()

    def write(data: bytes) -> None:
        if taken:
            raise failing(errno.EAGAIN)
        taken.extend(data)

    limits = replace(QUICK, write=0.2)
    async with SerialDevice(silent, None, 0, node.ends()) as device:
        node.on_write = write
        printer = EscPosPrinter("bar", UsblpTransport(node.path), profile("generic-58"), deadlines=limits)
        error = await refused(printer)
        assert error.reason == "no_answer", error
        assert "switch it off and on" in error.hint, error
        assert "another" not in error.hint, error
        assert b"Burger" not in device.received
        node.on_write = lambda data: None
        assert await outcome(printer) == ("sent", "none")
        assert device.received.count(b"2 Burger") == 1


async def a_silent_printer_without_paper() -> None:
    node = printer_node()
    state = ALL_WELL
    node.ioctls[LPGETSTATUS] = lambda: state
    async with SerialDevice(silent, None, 0, node.ends()) as device:
        printer = driver(node, "generic-58")
        state = PAPER_OUT
        assert await outcome(printer) == ("NotSent", "paper_out")
        assert b"Burger" not in device.received
        assert (await printer.status()).paper_out == "yes"
        state = ALL_WELL
        assert (await printer.status()).paper_out == "unknown", "good news is not believed"
        state = RESERVED
        assert await outcome(printer) == ("sent", "none"), "what can not be is not believed"
        assert device.received.count(b"2 Burger") == 1


async def paper_that_ends_while_a_silent_printer_prints() -> None:
    node = printer_node()
    printing, asked, refilled_after = False, 0, 0

    def write(data: bytes) -> None:
        nonlocal printing
        printing = printing or b"Burger" in data

    def answer() -> int:
        nonlocal asked
        if not printing:
            return ALL_WELL
        asked += 1
        return ALL_WELL if refilled_after and asked > refilled_after else PAPER_OUT

    node.on_write, node.ioctls[LPGETSTATUS] = write, answer
    async with SerialDevice(silent, None, 0, node.ends()):
        assert await outcome(driver(node, "generic-58")) == ("OutcomeUnknown", "paper_out")
        printing, asked, refilled_after = False, 0, 3
        assert await outcome(driver(node, "generic-58")) == ("sent", "none")
        assert asked > refilled_after, "it went on only once the paper was in"


async def a_printer_that_answers_is_asked_itself() -> None:
    node = printer_node()
    node.ioctls[LPGETSTATUS] = lambda: PAPER_OUT
    async with SerialDevice(FakePrinter(), LineFaults(split=True), 1, node.ends()):
        assert await outcome(driver(node, "tm-t88vi")) == ("confirmed", "GS ( H")
    assert LPGETSTATUS not in node.asked


if __name__ == "__main__":
    main(globals())

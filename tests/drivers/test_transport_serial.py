"""Serial ports on pseudo-terminals, in front of devices that stall, hang up, babble or are somebody else's."""

import asyncio
import os
import termios
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drivers import umock
from tests.drivers.fakes import FakePrinter
from tests.drivers.ptys import LineFaults, SerialDevice, printer_on_a_line

from tillkeeper_drivers.api import (
    Delivery,
    DriverError,
    NotSent,
    OutcomeUnknown,
    PrintDocument,
    PulseDocument,
    Text,
    TransportError,
)
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import profile
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.simulator.printer import VirtualPrinter
from tillkeeper_drivers.transport.node import Blocking, NodeConnection
from tillkeeper_drivers.transport.serial import BAUDS, Flow, Line, SerialTransport, attributes

QUICK = Deadlines(pace=0.1, connect=5, write=3, confirm=1.5, answer=1, maybe=0.05, maybe_confirm=0.2, poll=0.05, pin=0.5)
FAST = Line(baud=230_400)
EVERY_BYTE = bytes(range(256))


def silent(_data: bytes) -> bytes:
    return b""


def echo(data: bytes) -> bytes:
    return data


async def fails(work: Coroutine[Any, Any, object]) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await work
    return caught.value


async def open_fails(path: str, line: Line | None = None) -> TransportError:
    with pytest.raises(TransportError) as caught:
        async with SerialTransport(path, line).connect(5):
            pass
    assert not caught.value.bytes_left
    assert path in caught.value.detail
    return caught.value


def no_thread_stays() -> bool:
    ours = [thread for thread in threading.enumerate() if thread.name == "device-node"]
    for thread in ours:
        thread.join(2)
    return not any(thread.is_alive() for thread in ours)


# --- bytes ---


def test_every_byte_value_travels_both_ways_untouched() -> None:
    async def run() -> None:
        async with SerialDevice(echo) as device, SerialTransport(device.path, FAST).connect(5) as connection:
            await connection.write(EVERY_BYTE * 8, 5)
            await connection.drain(5)
            heard = b""
            while len(heard) < 2048:
                heard += await connection.read(5)
            assert bytes(device.received) == heard == EVERY_BYTE * 8

    asyncio.run(run())


@settings(max_examples=25, deadline=None)
@given(said=st.binary(max_size=1500), written=st.lists(st.binary(max_size=700), max_size=6), seed=st.integers(0, 2**32))
def test_portions_do_not_matter(said: bytes, written: list[bytes], seed: int) -> None:
    async def run() -> None:
        whole = b"".join(written)
        answers = {len(whole): said}
        taken = 0

        def peer(data: bytes) -> bytes:
            nonlocal taken
            taken += len(data)
            return answers.pop(taken, b"")

        async with SerialDevice(peer, LineFaults(split=True), seed) as device:
            async with SerialTransport(device.path, FAST).connect(5) as connection:
                for portion in written:
                    await connection.write(portion, 5)
                heard = b""
                while whole and len(heard) < len(said):
                    heard += await connection.read(5)
                await device.took(len(whole))
            assert bytes(device.received) == whole
            assert heard == (said if whole else b"")

    asyncio.run(run())


def test_what_was_said_before_the_job_is_not_heard() -> None:
    async def run() -> bytes:
        async with (
            SerialDevice(lambda _data: b"answer", LineFaults(garbage_first=500), seed=3) as device,
            SerialTransport(device.path, FAST).connect(5) as connection,
        ):
            await connection.write(b"?", 5)
            return await connection.read(5)

    assert asyncio.run(run()) == b"answer"


# --- deadlines ---


async def ticks(counted: list[float]) -> None:
    while True:
        counted.append(time.monotonic())
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("faults", [LineFaults(never_reads=True), LineFaults(bytes_per_s=1)], ids=["never reads", "1 byte/s"])
def test_a_device_that_does_not_take_its_bytes_stalls_the_write_and_nobody_else(faults: LineFaults) -> None:
    async def run() -> None:
        async with SerialDevice(silent, faults) as device:
            counted: list[float] = []
            ticker = asyncio.create_task(ticks(counted))
            start = time.monotonic()
            async with SerialTransport(device.path, FAST).connect(5) as connection:
                error = await fails(connection.write(b"x" * 20_000, 0.3))
            took = time.monotonic() - start
            ticker.cancel()
            assert (error.reason, error.bytes_left) == ("stalled", True)
            line_s = 20_000 * 10 / 230_400
            assert 0.3 + line_s <= took < 0.3 + line_s + 3
            assert max(later - sooner for sooner, later in pairwise(counted)) < 0.8, "the loop stood"

    asyncio.run(run())
    assert no_thread_stays()


def test_a_slow_line_is_given_the_time_that_its_bytes_need() -> None:
    """The pseudo-terminal does not pace, the device does: 3000 bytes at 1200 baud are 25 s."""

    async def run() -> None:
        async with SerialDevice(silent, LineFaults(bytes_per_s=9000)) as device:
            async with SerialTransport(device.path, Line(baud=1200)).connect(5) as connection:
                await connection.write(b"x" * 12_000, 0.1)  # 9.7 kB fit the pseudo-terminal
            await device.took(12_000, 10)

    asyncio.run(run())


def test_reading_keeps_its_deadline() -> None:
    async def run() -> None:
        async with SerialDevice(silent) as device, SerialTransport(device.path).connect(5) as connection:
            with pytest.raises(TimeoutError):
                await connection.read(0.05)
            device.say(b"late")
            assert await connection.read(5) == b"late"

    asyncio.run(run())


def test_an_answer_that_came_in_time_is_read_however_late_the_program_looks() -> None:
    async def run() -> bytes:
        async with SerialDevice(silent) as device, SerialTransport(device.path).connect(5) as connection:

            def answer_and_stand_still() -> None:
                device.say(b"well")
                time.sleep(0.1)

            asyncio.get_running_loop().call_soon(answer_and_stand_still)
            return await connection.read(0.05)

    assert asyncio.run(run()) == b"well"


def test_a_call_on_the_node_that_ended_in_time_takes_no_answer_away_however_late_the_program_looks() -> None:
    gate = threading.Event()

    class CallIsOn(SerialTransport):
        def _made(self, fd: int) -> NodeConnection:
            self._blocking.start(gate.wait)
            return super()._made(fd)

    async def run() -> bytes:
        async with SerialDevice(silent) as device, CallIsOn(device.path).connect(5) as connection:

            def answer_end_and_stand_still() -> None:
                device.say(b"well")
                gate.set()
                time.sleep(0.1)

            asyncio.get_running_loop().call_soon(answer_end_and_stand_still)
            return await connection.read(0.05)

    assert asyncio.run(run()) == b"well"
    assert no_thread_stays()


def test_the_printer_says_stop_with_xoff_and_go_on_with_xon() -> None:
    async def run() -> None:
        async with SerialDevice(silent) as device:
            line = Line(baud=230_400, flow="xon_xoff")
            async with SerialTransport(device.path, line).connect(5) as connection:
                device.say(b"\x13!")
                assert await connection.read(5) == b"!", "flow control is no answer"
                error = await fails(connection.write(b"held", 0.1))
                assert (error.reason, error.bytes_left) == ("stalled", False)
                device.say(b"\x11")
                await connection.write(b"flows", 5)
                await device.took(5)
            assert bytes(device.received) == b"flows"

    asyncio.run(run())


# --- the node ---


def test_an_adapter_pulled_in_the_middle_is_lost_with_bytes_left() -> None:
    async def run() -> None:
        async with (
            SerialDevice(silent, LineFaults(hang_up_after=1000)) as device,
            SerialTransport(device.path, FAST).connect(5) as connection,
        ):
            error = await fails(connection.write(b"x" * 60_000, 1))
            assert (error.reason, error.bytes_left) == ("lost", True)
            error = await fails(connection.read(5))
            assert (error.reason, error.bytes_left) == ("lost", True)
            error = await fails(connection.drain(1))
            assert (error.reason, error.bytes_left) == ("lost", True)
            error = await fails(connection.write(b"y", 1))
            assert (error.reason, error.bytes_left) == ("lost", False), "of this call none left"

    asyncio.run(run())


def test_an_adapter_pulled_before_the_first_byte_left_nothing() -> None:
    async def run() -> None:
        async with SerialDevice(silent) as device, SerialTransport(device.path).connect(5) as connection:
            waiting = asyncio.create_task(fails(connection.read(5)))
            await asyncio.sleep(0)
            device.hang_up()
            error = await waiting
            assert (error.reason, error.bytes_left) == ("not_plugged_in", False)
            error = await fails(connection.write(b"x", 1))
            assert (error.reason, error.bytes_left) == ("not_plugged_in", False)

    asyncio.run(run())


def test_nodes_that_are_none(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"not to be written to")

    async def run() -> None:
        error = await open_fails("/dev/serial/by-id/usb-nobody")
        assert error.reason == "not_plugged_in"
        assert "not there" in error.detail
        error = await open_fails(str(file))
        assert (error.reason, "no device" in error.detail) == ("unreachable", True)
        error = await open_fails("/dev/null")
        assert (error.reason, "no serial port" in error.detail) == ("unreachable", True)

    asyncio.run(run())
    assert file.read_bytes() == b"not to be written to"
    assert no_thread_stays()


def test_a_port_that_can_not_do_the_parity_is_not_used_with_another() -> None:
    async def run() -> None:
        async with SerialDevice(silent) as device:
            error = await open_fails(device.path, Line(parity="even"))
            assert (error.reason, "9600 8E1" in error.detail) == ("unreachable", True)
            error = await open_fails(device.path, Line(flow="dsr"))
            assert (error.reason, "DSR" in error.detail) == ("unreachable", True)

    asyncio.run(run())


@pytest.mark.parametrize("flow", ["none", "rts_cts", "xon_xoff"])
@pytest.mark.parametrize("baud", BAUDS)
def test_the_port_is_set_as_the_printer_is(baud: Any, flow: Flow) -> None:
    async def run() -> None:
        async with SerialDevice(silent) as device:
            async with SerialTransport(device.path, Line(baud=baud, stop_bits=2, flow=flow)).connect(5):
                iflag, oflag, cflag, lflag, *_rest = termios.tcgetattr(device._port)
                assert device.settings() == (baud, "8N2", flow == "rts_cts")
            assert oflag == lflag == 0, "nothing is translated or echoed"
            assert bool(iflag & termios.IXON) == (flow == "xon_xoff")
            assert not cflag & termios.HUPCL, "DTR drops at the close: some printers reset"

    asyncio.run(run())


PARITY = {"none": 0, "even": termios.PARENB, "odd": termios.PARENB | termios.PARODD}


@pytest.mark.parametrize("data_bits", [7, 8])
@pytest.mark.parametrize("parity", sorted(PARITY))
def test_parity_and_data_bits_are_asked_for(parity: Any, data_bits: Any) -> None:
    """A pseudo-terminal knows neither: what is asked of the driver is all that can be seen here (termios(3))."""
    line = Line(parity=parity, data_bits=data_bits)
    iflag, _oflag, cflag, *_rest = attributes([0, 0, 0, 0, 0, 0, [b"\0"] * 32], line)
    assert cflag & (termios.PARENB | termios.PARODD) == PARITY[parity]
    assert cflag & termios.CSIZE == {7: termios.CS7, 8: termios.CS8}[data_bits]
    assert bool(iflag & termios.IGNPAR and iflag & termios.INPCK) == (parity != "none"), "a damaged byte is no answer"
    assert line.byte_s() * 9600 == 2 + data_bits + (parity != "none")


def open_nodes(path: str) -> int:
    """How many descriptors of this process lead to `path`."""
    found = 0
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            found += os.readlink(f"/proc/self/fd/{name}") == path
    return found


class LatePort(SerialTransport):
    """A port whose driver takes its time to open."""

    gate = threading.Event()

    def _check(self) -> None:
        self.gate.wait(10)


def test_a_port_that_opens_too_late_is_closed_again_and_can_be_opened_later() -> None:
    async def run() -> None:
        async with SerialDevice(silent) as device:
            own, transport = open_nodes(device.path), LatePort(device.path, FAST)
            for _ in range(3):
                with pytest.raises(TransportError, match=r"not open within 0\.05 s") as caught:
                    async with transport.connect(0.05):
                        pass
                assert (caught.value.reason, caught.value.bytes_left) == ("unreachable", False)
            transport.gate.set()
            async with transport.connect(2) as connection:
                assert open_nodes(device.path) == own + 1
                await connection.write(b"now", 5)
                await device.took(3)
            assert no_thread_stays()
            assert open_nodes(device.path) == own

    asyncio.run(run())


# --- one at a time ---


@contextmanager
def without_privileges() -> Iterator[None]:
    """As a user who is not root: root may open what is not his."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_nobody_else_prints_into_a_job() -> None:
    async def run() -> None:
        async with SerialDevice(silent) as device:
            os.chmod(device.path, 0o666)
            async with SerialTransport(device.path, FAST).connect(5) as connection:
                error = await open_fails(device.path)
                assert error.reason == "busy"
                assert f"(pid {os.getpid()})" in error.detail, "it says who"
                with without_privileges():
                    with pytest.raises(OSError, match="busy"):  # a program that asks nobody
                        os.open(device.path, os.O_RDWR | os.O_NOCTTY)
                    error = await open_fails(device.path)
                    assert error.reason == "busy"
                await connection.write(b"whole", 5)
                await device.took(5)
            async with SerialTransport(device.path, FAST).connect(5) as connection:
                await connection.write(b" again", 5)
                await device.took(11)
            assert bytes(device.received) == b"whole again"

    asyncio.run(run())


def test_a_port_that_is_not_allowed_names_the_group() -> None:
    async def run() -> None:
        async with SerialDevice(silent) as device:
            os.chmod(device.path, 0)
            with without_privileges():
                error = await open_fails(device.path)
            assert (error.reason, "group 'dialout'" in error.detail) == ("no_permission", True)

    asyncio.run(run())


def test_a_call_that_outlives_its_deadline_ends_by_itself_and_the_next_one_waits_for_it() -> None:
    async def run() -> None:
        blocking, gate, order, late = Blocking(), threading.Event(), [], threading.Event()

        def stuck() -> int:
            gate.wait(10)
            order.append("stuck")
            return 7

        results: list[int] = []

        def take(result: int) -> None:
            results.append(result)
            late.set()

        with pytest.raises(TimeoutError):
            await blocking.run(stuck, 0.05, late=take)
        with pytest.raises(TimeoutError):
            await blocking.run(lambda: order.append("never begun"), 0.05)
        next_one = asyncio.create_task(blocking.run(lambda: order.append("next"), 5))
        await asyncio.sleep(0.05)
        assert order == []
        gate.set()
        await next_one
        assert late.wait(5)
        assert (order, results) == (["stuck", "next"], [7])
        with pytest.raises(ZeroDivisionError):
            await blocking.run(lambda: 1 // 0, 1)

    asyncio.run(run())


# --- a whole printer on the line ---

SLIP = PrintDocument("j", tuple(Text(f"line {n}") for n in range(20)))


def driver(line: SerialDevice, model: str) -> EscPosPrinter:
    return EscPosPrinter("bar", SerialTransport(line.path, FAST), profile(model), pin_use={2: "drawer"}, deadlines=QUICK)


EVIDENCE = {"tm-t88vi": "GS ( H", "tm-m30": "GS ( H", "tm-t88iii": "GS r", "tm-u220": "GS r"}


@pytest.mark.parametrize("model", sorted(EVIDENCE))
def test_a_printer_on_a_serial_line_prints_each_slip_once_and_says_so(model: str) -> None:
    async def run() -> None:
        async with VirtualPrinter(model, speed_mm_s=0, idle_close_s=3600) as device, printer_on_a_line(device) as line:
            printer = driver(line, model)
            for count in (1, 2):
                delivery = await printer.deliver(SLIP, b"ab1" + bytes([48 + count]))
                assert delivery.by == EVIDENCE[model]
                slips = await device.wait_printed(count, 5)
                assert [slip.text.count("line 19") for slip in slips] == [1] * count
            assert (await printer.status()).paper_out == "no"

    asyncio.run(run())


def test_a_drawer_on_a_serial_printer_opens_and_its_pin_confirms() -> None:
    async def run() -> Delivery:
        async with VirtualPrinter("tm-t88vi", speed_mm_s=0, idle_close_s=3600, drawer_closes_s=None) as device:
            async with printer_on_a_line(device) as line:
                delivery = await driver(line, "tm-t88vi").deliver(PulseDocument("j", 2, 50), b"ab12")
            assert device.mechanism.drawer_open
            return delivery

    assert asyncio.run(run()).by == "drawer pin"


TROUBLES: list[tuple[dict[str, object], type[DriverError], str]] = [
    ({"fault": "cover_open"}, NotSent, "cover_open"),
    ({"fault": "paper_out"}, NotSent, "paper_out"),
    ({"faults": {"silent": True}}, NotSent, "no_answer"),
    ({"fault": "paper_out", "after_lines": 5}, OutcomeUnknown, "paper_out"),
    ({"fault": "power_loss", "after_lines": 5}, OutcomeUnknown, "lost"),
]


@pytest.mark.parametrize(("fault", "kind", "reason"), TROUBLES)
def test_troubles_on_a_serial_line_are_told_apart(fault: dict[str, object], kind: type[DriverError], reason: str) -> None:
    async def run() -> None:
        async with VirtualPrinter("tm-t88vi", speed_mm_s=0, idle_close_s=3600) as device, printer_on_a_line(device) as line:
            await device.command(dict(fault))
            with pytest.raises(kind) as caught:
                await driver(line, "tm-t88vi").deliver(SLIP, b"ab12")
            assert caught.value.reason == reason

    asyncio.run(run())


def test_garbage_and_answers_in_pieces_confirm_no_less_and_nothing_false() -> None:
    async def run(seed: int) -> Delivery:
        faults = LineFaults(garbage_first=200, split=True)
        async with SerialDevice(FakePrinter(), faults, seed) as device:
            return await driver(device, "tm-t88vi").deliver(SLIP, b"ab12")

    assert {asyncio.run(run(seed)).by for seed in range(5)} == {"GS ( H"}


@pytest.mark.parametrize("after", [1, 3])
def test_an_adapter_pulled_before_the_document_is_not_a_busy_printer(after: int) -> None:
    async def run() -> None:
        async with SerialDevice(silent, LineFaults(hang_up_after=after)) as device:
            printer = driver(device, "tm-t88vi")
            with pytest.raises(NotSent) as caught:
                await printer.deliver(SLIP, b"ab12")
            assert caught.value.reason == "not_plugged_in"
            assert printer.last_status.trouble() == "not_plugged_in"

    asyncio.run(run())


def test_a_port_that_is_gone_is_not_sent_and_known_as_not_plugged_in() -> None:
    async def run() -> None:
        printer = EscPosPrinter("bar", SerialTransport("/dev/serial/by-id/none"), profile("tm-t88vi"), deadlines=QUICK)
        with pytest.raises(NotSent) as caught:
            await printer.deliver(SLIP, b"ab12")
        assert caught.value.reason == "not_plugged_in"
        assert (await printer.status()).reachable == "no"

    asyncio.run(run())


# --- modem lines and queues, which a pseudo-terminal has not: `umock_serial` has the scenarios, one process each ---


@pytest.mark.parametrize("scenario", umock.scenarios("umock_serial"))
def test_a_serial_port_with_modem_lines(scenario: str) -> None:
    umock.run("umock_serial", scenario)

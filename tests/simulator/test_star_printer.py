"""A virtual Star printer on its port: what it says, when it says it, and what it holds back."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tillkeeper_drivers.simulator.models import models
from tillkeeper_drivers.simulator.printer import VirtualPrinter

STAR = [key for key, one in models().items() if one.language != "escpos"]
HEALTHY = bytes.fromhex("2386000000000000000000")
DEADLINE_S = 5

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def on(scene: Callable[[VirtualPrinter, Line], Awaitable[None]], key: str = "tsp650ii", *, speed_mm_s: float = 0) -> None:
    async def run() -> None:
        async with asyncio.timeout(30), VirtualPrinter(key, speed_mm_s=speed_mm_s, drawer_closes_s=None) as printer:
            line = await asyncio.open_connection("127.0.0.1", printer.port)
            try:
                await scene(printer, line)
            finally:
                line[1].close()
                await asyncio.wait({asyncio.ensure_future(line[1].wait_closed())})

    asyncio.run(run())


async def frame(line: Line) -> bytes:
    return await asyncio.wait_for(line[0].readexactly(len(HEALTHY)), DEADLINE_S)


async def nothing(line: Line) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(line[0].read(1), 0.1)


def counted(status: bytes) -> int:
    return (status[7] >> 1) & 7 | (status[7] >> 5) << 3


@pytest.mark.parametrize("key", STAR)
def test_it_says_how_it_is_to_who_connects_and_at_each_change(key: str) -> None:
    async def scene(printer: VirtualPrinter, line: Line) -> None:
        assert await frame(line) == HEALTHY
        printer.set_cover(open_=True)
        assert (await frame(line))[2] == 0x28
        printer.set_cover(open_=False)
        assert (await frame(line))[2] == 0
        printer.load_paper(0)
        assert (await frame(line))[5] & 0x08
        printer.load_paper(5_000)
        assert not (await frame(line))[5] & 0x08
        printer.set_drawer(open_=True)
        assert (await frame(line))[2] == 0x04
        printer.break_down()
        assert (await frame(line))[3] == 0x20

    on(scene, key)


@pytest.mark.parametrize("key", STAR)
def test_an_etb_is_counted_once_all_before_it_is_on_paper(key: str) -> None:
    async def scene(printer: VirtualPrinter, line: Line) -> None:
        await frame(line)
        line[1].write(b"\x1b*rA" + b"b\x01\x00\xff" * 60 + b"\x1b*rB" if key == "tsp100" else b"one\ntwo\nthree\n")
        line[1].write(b"\x17")
        status = await frame(line)
        assert (counted(status), status[2]) == (1, 0x02)
        assert printer.engine.idle
        line[1].write(b"\x17" * 33)
        last = [await frame(line) for _ in range(33)][-1]
        assert counted(last) == 2
        line[1].write(b"\x1b\x1eE0\x1b\x06\x01")
        await nothing_but_zero(line)

    async def nothing_but_zero(line: Line) -> None:
        # The reset tells nobody; what is asked for in real time may be answered before it.
        while counted(await frame(line)):
            line[1].write(b"\x1b\x06\x01")

    on(scene, key)


def test_while_it_can_not_print_it_counts_nothing_and_kicks_no_drawer_but_answers_in_real_time() -> None:
    async def scene(printer: VirtualPrinter, line: Line) -> None:
        await frame(line)
        printer.load_paper(0)
        await frame(line)
        line[1].write(b"held\n\x07\x17")
        await nothing(line)
        assert not printer.mechanism.drawer_open
        line[1].write(b"\x1b\x06\x01")
        assert (await frame(line))[5] == 0x0C
        line[1].write(b"\x1c")
        await printer.wait_drawer(open_=True, deadline_s=DEADLINE_S)
        assert (await frame(line))[2] & 0x04
        printer.load_paper(5_000)
        statuses = [await frame(line)]
        while not counted(statuses[-1]):
            statuses.append(await frame(line))
        assert "held" in printer.hanging.as_text()

    on(scene)


def test_the_print_end_comes_with_the_number_of_the_document() -> None:
    async def scene(printer: VirtualPrinter, line: Line) -> None:
        await frame(line)
        for what, number, expected in ((1, b"AB", 1), (1, b"AC", 2), (0, b"\x00\x07", 2), (2, b"\0\0", None), (1, b"AD", 1)):
            line[1].write(b"x\n\x1b\x1d\x03" + bytes((what,)) + number)
            if expected is not None:
                answer = await asyncio.wait_for(line[0].readexactly(8), DEADLINE_S)
                assert answer == b"\x1b\x1d\x03" + bytes((what,)) + number + bytes((expected, 0))

    on(scene, "mc-print3")


def test_a_power_loss_forgets_the_buffer_and_the_counter() -> None:
    async def scene(printer: VirtualPrinter, line: Line) -> None:
        await frame(line)
        line[1].write(b"\x17\x17")
        assert [counted(await frame(line)) for _ in range(2)] == [1, 2]
        printer.set_cover(open_=True)
        await frame(line)
        line[1].write(b"lost\n\x17\x1b\x06\x01")
        assert counted(await frame(line)) == 2
        assert not printer.engine.idle
        printer.power_off()
        printer.set_cover(open_=False)
        await printer.power_on()
        reader, writer = await asyncio.open_connection("127.0.0.1", printer.port)
        assert counted(await frame((reader, writer))) == 0
        assert printer.engine.idle
        writer.close()
        await writer.wait_closed()

    on(scene)


async def refused(port: int) -> bool:
    """Whether a connection is ended without a byte: reset before it could be used, or after."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return True
    try:
        return await reader.read(1) == b""
    except ConnectionError:
        return True
    finally:
        writer.close()


def test_automatic_status_can_be_switched_off_and_a_second_computer_is_refused() -> None:
    async def scene(printer: VirtualPrinter, line: Line) -> None:
        await frame(line)
        line[1].write(b"\x1b\x1ea0")
        await printer.changed.wait_for(lambda: not printer.engine.asb_mask, DEADLINE_S)
        printer.set_cover(open_=True)
        await nothing(line)
        assert await refused(printer.port)

    on(scene)

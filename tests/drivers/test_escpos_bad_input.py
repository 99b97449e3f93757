"""Devices that say what they should not: nothing of it confirms, nothing of it hangs or costs the others."""

import asyncio
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drivers.fakes import FakePrinter
from tests.drivers.wire import SLIP, Attended, Wire
from tests.spool.virtual import run_virtual

from tillkeeper_drivers.api import Delivery, DriverError, NotSent, OutcomeUnknown, PrintDocument, Text
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import load_profiles, profile
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.simulator.printer import VirtualPrinter
from tillkeeper_drivers.transport.memory import Faults, MemoryTransport
from tillkeeper_drivers.transport.tcp import TcpTransport

QUICK = Deadlines(pace=0.1, connect=1, write=0.5, confirm=0.4, answer=0.2, maybe=0.1, maybe_confirm=0.3, poll=0.05, pin=0.2)
LONG = PrintDocument("j", tuple(Text(f'7"{n} Burger') for n in range(60)))


def outcome(peer: Callable[[bytes], bytes], model: str, faults: Faults | None = None, seed: int = 0) -> tuple[str, bytes]:
    """How a delivery ends, and what had been taken by then. In virtual time."""
    transport = MemoryTransport(peer, faults, seed)
    printer = EscPosPrinter("bar", transport, profile(model))

    async def scenario() -> str:
        try:
            delivery: Delivery = await printer.deliver(LONG, b"ab12")
        except DriverError as error:
            return type(error).__name__
        return delivery.by

    return run_virtual(scenario()), bytes(transport.received)


@pytest.mark.parametrize("model", sorted(load_profiles()))
@pytest.mark.parametrize("faults", [Faults(), Faults(split_reads=True, split_writes=True, delay_s=0.05)])
def test_a_line_that_sends_back_what_it_gets_gets_no_document(model: str, faults: Faults) -> None:
    how, received = outcome(lambda data: data, model, faults)
    assert how == "NotSent" or (how == "none" and profile(model).real_time_status == "no")
    assert b"Burger" not in received or how == "none"


def test_a_line_that_is_looped_in_the_middle_of_a_document_confirms_nothing() -> None:
    honest = FakePrinter(token=False, paper=False, asb=False)

    def peer(data: bytes) -> bytes:
        return data if b"Burger" in data or honest.silent else honest(data)

    for model in ("tm-t88iii", "tm-t88vi"):
        assert outcome(peer, model)[0] == "OutcomeUnknown"


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("model", ["tm-t88vi", "tm-t88iii"])
def test_noise_around_true_status_confirms_nothing(model: str, seed: int) -> None:
    """Garbage from the moment the document begins; before it all is well."""
    noise, honest = random.Random(seed), FakePrinter(token=False, paper=False, asb=False)

    def peer(data: bytes) -> bytes:
        answer = honest(data)
        return noise.randbytes(64) + b"\xff" if b"Burger" in data else answer

    how, _received = outcome(peer, model)
    assert how in ("OutcomeUnknown", "GS r")
    if how == "GS r":
        assert noise_began_with_an_answer(seed)


def noise_began_with_an_answer(seed: int) -> bool:
    """One byte proves little: noise that begins with just that byte can not be told from a printer."""
    first = next(byte for byte in random.Random(seed).randbytes(64) if byte not in (0x11, 0x13))
    return first & 0xF0 == 0


def test_an_answer_that_an_earlier_document_was_owed_confirms_no_later_one() -> None:
    owed = 0
    busy = True
    honest = FakePrinter(token=False, paper=False, asb=False)

    def peer(data: bytes) -> bytes:
        nonlocal owed
        asked = data.count(b"\x1dr\x01")
        if asked and busy:
            owed += asked
            return honest(data.replace(b"\x1dr\x01", b""))
        late = b"\x00" * (owed if asked else 0)
        owed -= len(late)
        return honest(data.replace(b"\x1dr\x01", b"")) + late + b"\x00" * asked

    transport = MemoryTransport(peer)
    printer = EscPosPrinter("bar", transport, profile("tm-t88iii"))

    async def scenario() -> None:
        nonlocal busy
        with pytest.raises(OutcomeUnknown):
            await printer.deliver(SLIP, b"ab12")
        before = len(transport.received)
        with pytest.raises(NotSent) as refused:
            await printer.deliver(SLIP, b"ab13")
        assert refused.value.reason == "no_answer"
        assert b"Burger" not in transport.received[before:]
        busy = False
        assert (await printer.deliver(SLIP, b"ab14")).by == "GS r"
        assert owed == 0, "all that was owed had come before the document left"

    run_virtual(scenario())


def test_a_printer_that_forgot_what_it_owed_is_printed_to_again() -> None:
    honest = FakePrinter(token=False, asb=False)
    transport = MemoryTransport(honest)
    printer = EscPosPrinter("bar", transport, profile("tm-t88iii"))

    async def scenario() -> None:
        honest.on_document = lambda: setattr(honest, "answers_paper", False)
        with pytest.raises(OutcomeUnknown):
            await printer.deliver(SLIP, b"ab12")
        honest.on_document = lambda: None
        honest.answers_paper = True  # switched off and on: nothing is owed any more
        assert (await printer.deliver(SLIP, b"ab13")).by == "GS r"

    run_virtual(scenario())


def test_a_late_id_of_an_earlier_document_confirms_no_later_one() -> None:
    async def scenario() -> None:
        peer = FakePrinter(token=False)
        async with Attended(Wire(peer)).attending() as device:
            await device.next()
            with pytest.raises(OutcomeUnknown):
                await device.printer.deliver(SLIP, b"aaaa")
            later = asyncio.create_task(device.printer.deliver(SLIP, b"bbbb"))
            await asyncio.sleep(1)
            device.wire.says(b"\x37\x22aaaa\x00")
            await asyncio.sleep(1)
            assert not later.done()
            device.wire.says(b"\x37\x22bbbb\x00")
            assert (await later).how == "confirmed"

    run_virtual(scenario())


@pytest.mark.parametrize("fault", ["echo", "babble", "truncate", "garbage", "silent", "close_each_byte", "rst"])
@pytest.mark.parametrize("hold", [True, False])
def test_no_fault_of_the_other_side_confirms_or_hangs(fault: str, *, hold: bool) -> None:
    async def scenario() -> str:
        async with asyncio.timeout(30), VirtualPrinter("tm-t88vi", speed_mm_s=0, seed=3) as device:
            await device.command({"fault": fault})
            printer = EscPosPrinter(
                "bar", TcpTransport("127.0.0.1", device.port), profile("tm-t88vi"), deadlines=QUICK, hold=hold
            )
            attending = asyncio.create_task(printer.attend(lambda status: None, asyncio.Semaphore(2)))
            try:
                return (await printer.deliver(SLIP, b"ab12")).by
            except DriverError as error:
                return type(error).__name__
            finally:
                attending.cancel()
                await asyncio.gather(attending, return_exceptions=True)

    assert asyncio.run(scenario()) in ("NotSent", "OutcomeUnknown")


def test_after_a_fault_the_attended_printer_is_well_again() -> None:
    async def scenario() -> None:
        async with asyncio.timeout(60), VirtualPrinter("tm-t88vi", speed_mm_s=0, seed=5) as device:
            printer = EscPosPrinter(
                "bar", TcpTransport("127.0.0.1", device.port), profile("tm-t88vi"), deadlines=QUICK, hold=True
            )
            attending = asyncio.create_task(printer.attend(lambda status: None, asyncio.Semaphore(2)))
            for fault in ("echo", "babble", "truncate", "garbage", "silent", "close_each_byte", "rst"):
                await device.command({"power": "off"})
                await device.command({"fault": fault, "power": "on"})
                with pytest.raises(DriverError):
                    await printer.deliver(SLIP, b"ab12")
                await device.command({"power": "off"})
                await device.command({"fault": "none", "power": "on"})
                assert (await printer.deliver(SLIP, b"ab13")).how == "confirmed", fault
            attending.cancel()
            await asyncio.gather(attending, return_exceptions=True)

    asyncio.run(scenario())


@pytest.mark.parametrize("hold", [True, False])
def test_a_printer_that_drains_a_byte_a_second_has_an_end(*, hold: bool) -> None:
    async def scenario() -> None:
        async with asyncio.timeout(30), VirtualPrinter("tm-t88vi", speed_mm_s=0, buffer_bytes=64) as device:
            await device.command({"faults": {"drain_bytes_per_s": 1}})
            printer = EscPosPrinter(
                "bar", TcpTransport("127.0.0.1", device.port), profile("tm-t88vi"), deadlines=QUICK, hold=hold
            )
            attending = asyncio.create_task(printer.attend(lambda status: None, asyncio.Semaphore(2)))
            with pytest.raises(OutcomeUnknown):
                await printer.deliver(LONG, b"ab12")
            attending.cancel()
            await asyncio.gather(attending, return_exceptions=True)

    asyncio.run(scenario())


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(load_profiles())),
    st.lists(st.binary(max_size=12), min_size=1, max_size=12),
    st.booleans(),
    st.integers(0, 99),
)
def test_whatever_a_device_says_a_document_has_one_honest_end(
    model: str, says: list[bytes], hold: bool, seed: int
) -> None:
    """Answers made of frames, blocks, bits and noise, in any order, to whatever is sent."""
    chance = random.Random(seed)
    pieces = [*says, b"\x12", b"\x10\x00\x00\x00", b"\x18\x00\x0c\x00", b"\x37\x22aaaa\x00", b"\x3b\x31\x00", b"\x13", b"\x11"]

    def peer(data: bytes) -> bytes:
        return b"".join(chance.choices(pieces, k=chance.randint(0, 3)))

    transport = MemoryTransport(peer, Faults(split_reads=True), seed)
    printer = EscPosPrinter("bar", transport, profile(model), deadlines=QUICK, hold=hold)
    told: list[str | None] = []

    async def scenario() -> str:
        attending = asyncio.create_task(printer.attend(lambda status: told.append(status.trouble()), asyncio.Semaphore(1)))
        await asyncio.sleep(1)
        try:
            async with asyncio.timeout(60):
                return (await printer.deliver(SLIP, b"zz~~")).by
        except NotSent:
            assert b"Burger" not in transport.received
            return "not sent"
        except OutcomeUnknown:
            return "unknown"
        finally:
            attending.cancel()
            await asyncio.gather(attending, return_exceptions=True)

    how = run_virtual(scenario())
    if profile(model).process_id:
        assert how in ("not sent", "unknown"), "nobody said that this document is done"

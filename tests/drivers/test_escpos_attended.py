"""A printer that is this register's alone: it tells by itself, and one connection stands. In virtual time."""

import asyncio

import pytest
from tests.drivers.fakes import FakePrinter
from tests.drivers.wire import POWER_ON, SLIP, Attended, Wire
from tests.spool.virtual import run_virtual

from tillkeeper_drivers.api import NotSent, OutcomeUnknown, PulseDocument, Status, TransportError
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.transport.memory import Faults

GONE = TransportError("not_plugged_in", "no such node", bytes_left=False)
TAKEN = TransportError("busy", "in use; open in ModemManager (pid 7)", bytes_left=False)


def test_what_changes_is_told_at_once_and_the_connection_stands() -> None:
    async def scenario() -> None:
        async with Attended(Wire(FakePrinter())).attending() as device:
            await device.next()
            assert device.last.online == "yes"
            await asyncio.sleep(120)
            before = asyncio.get_running_loop().time()
            device.wire.changes(cover_open=True)
            assert (await device.next()).trouble() == "cover_open"
            assert asyncio.get_running_loop().time() - before < 0.01
            device.wire.changes(cover_open=False)
            assert (await device.next()).trouble() is None
            assert (await device.printer.deliver(SLIP, b"ab12")).by == "GS ( H"
            assert (await device.printer.deliver(SLIP, b"ab13")).by == "GS ( H"
            assert len(device.wire.tries) == 1

    run_virtual(scenario())


def test_nothing_is_told_twice() -> None:
    async def scenario() -> None:
        async with Attended(Wire(FakePrinter())).attending() as device:
            await device.next()
            for _ in range(5):
                device.wire.changes()
            await asyncio.sleep(60)
            assert device.troubles() == ["well"]

    run_virtual(scenario())


def test_what_is_heard_during_a_job_is_told_too() -> None:
    async def scenario() -> None:
        peer = FakePrinter()
        async with Attended(Wire(peer)).attending() as device:
            await device.next()
            peer.on_document = lambda: setattr(peer, "paper_out", True)
            job = asyncio.create_task(device.printer.deliver(SLIP, b"ab12"))
            assert (await device.next()).trouble() == "paper_out"
            assert not job.done()
            with pytest.raises(OutcomeUnknown):
                await job

    run_virtual(scenario())


def test_neither_a_refusal_nor_an_unknown_outcome_costs_the_connection() -> None:
    async def scenario() -> None:
        async with Attended(Wire(FakePrinter())).attending() as device:
            await device.next()
            device.wire.changes(cover_open=True)
            with pytest.raises(NotSent):
                await device.printer.deliver(SLIP, b"ab12")
            device.wire.changes(cover_open=False)
            device.wire.peer.answers_token = False
            with pytest.raises(OutcomeUnknown):
                await device.printer.deliver(SLIP, b"ab13")
            device.wire.peer.answers_token = True
            assert (await device.printer.deliver(SLIP, b"ab14")).how == "confirmed"
            assert len(device.wire.tries) == 1

    run_virtual(scenario())


def test_one_that_others_print_on_is_not_kept() -> None:
    async def scenario() -> None:
        device = Attended(Wire(FakePrinter()), hold=False)
        async with asyncio.timeout(1):
            await device.printer.attend(lambda status: None, asyncio.Semaphore(2))
        assert not device.wire.tries
        await device.printer.deliver(SLIP, b"ab12")
        assert not device.wire.is_open

    run_virtual(scenario())


def test_one_without_automatic_status_is_asked_each_second() -> None:
    async def scenario() -> None:
        peer = FakePrinter(token=False, asb=False)
        async with Attended(Wire(peer), "generic-80").attending() as device:
            await device.next()
            peer.cover_open = True
            before = asyncio.get_running_loop().time()
            assert (await device.next()).trouble() == "cover_open"
            assert asyncio.get_running_loop().time() - before <= 1.1
            assert len(device.wire.tries) == 1

    run_virtual(scenario())


def test_a_printer_that_ends_what_is_idle_is_opened_again_without_alarm() -> None:
    async def scenario() -> None:
        async with Attended(Wire(FakePrinter())).attending() as device:
            await device.next()
            for _ in range(3):
                await asyncio.sleep(90)
                device.wire.hangs_up()
                await asyncio.sleep(0.1)
                assert device.wire.is_open
            assert device.troubles() == ["well"]
            assert (await device.printer.deliver(SLIP, b"ab12")).how == "confirmed"

    run_virtual(scenario())


def test_one_that_always_hangs_up_is_tried_seldom() -> None:
    async def scenario() -> None:
        wire = Wire(FakePrinter(), Faults(close_after=1))
        async with Attended(wire).attending() as device:
            await asyncio.sleep(60)
            assert 10 <= len(wire.tries) <= 30
            assert "well" not in device.troubles()

    run_virtual(scenario())


def test_a_document_for_a_connection_that_died_unnoticed_takes_a_new_one() -> None:
    async def scenario() -> None:
        async with Attended(Wire(FakePrinter())).attending() as device:
            await device.next()
            device.wire.hangs_up()
            assert (await device.printer.deliver(SLIP, b"ab12")).how == "confirmed"

    run_virtual(scenario())


@pytest.mark.parametrize(("error", "trouble"), [(GONE, "not_plugged_in"), (TAKEN, "busy")])
def test_one_that_can_not_be_opened_is_told_and_tried_again_and_again(error: TransportError, trouble: str) -> None:
    async def scenario() -> None:
        wire = Wire(FakePrinter())
        wire.away = error
        async with Attended(wire).attending() as device:
            assert (await device.next()).trouble() == trouble
            assert error.detail in device.last.detail
            await asyncio.sleep(60)
            assert device.troubles() == [trouble]
            assert 10 <= len(wire.tries) <= 30, "neither given up nor fought for"
            wire.away = None
            assert (await device.next(Deadlines().again + 0.5)).trouble() is None

    run_virtual(scenario())


def test_a_ticket_does_not_wait_for_the_next_try() -> None:
    async def scenario() -> None:
        wire = Wire(FakePrinter())
        wire.away = GONE
        async with Attended(wire).attending() as device:
            await asyncio.sleep(60)
            with pytest.raises(NotSent) as refused:
                await device.printer.deliver(SLIP, b"ab12")
            assert refused.value.reason == "not_plugged_in"
            wire.away = None
            before = asyncio.get_running_loop().time()
            assert (await device.printer.deliver(SLIP, b"ab12")).how == "confirmed"
            assert asyncio.get_running_loop().time() - before < 0.1
            assert device.wire.is_open, "and what the job opened stands"
            assert (await device.next(0.1)).trouble() is None

    run_virtual(scenario())


def test_one_that_falls_silent_is_told_and_so_is_its_return() -> None:
    async def scenario() -> None:
        peer = FakePrinter()
        async with Attended(Wire(peer)).attending() as device:
            await device.next()
            peer.silent = True  # switched off behind a serial line, which stays
            before = asyncio.get_running_loop().time()
            assert (await device.next()).trouble() == "no_answer"
            assert asyncio.get_running_loop().time() - before <= Deadlines().beat + Deadlines().answer + 0.1
            peer.silent = False
            assert (await device.next()).trouble() is None

    run_virtual(scenario())


def automatic_on(device: Attended) -> int:
    """How often the driver has turned automatic status on."""
    return bytes(device.wire.inner.received).count(b"\x1da\x0f")


def test_reports_are_turned_on_again_after_a_power_on_and_after_a_reconnect() -> None:
    async def scenario() -> None:
        async with Attended(Wire(FakePrinter())).attending() as device:
            await device.next()
            assert automatic_on(device) == 1
            device.wire.says(POWER_ON)
            await asyncio.sleep(Deadlines().beat + 1)
            assert automatic_on(device) == 2
            device.wire.hangs_up()
            await asyncio.sleep(1)
            assert automatic_on(device) == 3

    run_virtual(scenario())


def test_a_report_that_should_have_come_and_did_not_is_asked_for() -> None:
    async def scenario() -> None:
        peer = FakePrinter()
        async with Attended(Wire(peer)).attending() as device:
            await device.next()
            peer.cover_open = True  # and not a word: somebody switched reports off
            assert (await device.next(Deadlines().beat + 1)).trouble() == "cover_open"
            peer.cover_open = False
            assert (await device.next(Deadlines().beat + 1)).trouble() is None
            await asyncio.sleep(1)
            assert automatic_on(device) == 2

    run_virtual(scenario())


def test_a_power_on_in_the_middle_of_a_document_is_known_at_once() -> None:
    async def scenario() -> None:
        async with Attended(Wire(FakePrinter(token=False))).attending() as device:
            await device.next()
            job = asyncio.create_task(device.printer.deliver(SLIP, b"ab12"))
            await asyncio.sleep(1)
            device.wire.says(POWER_ON)
            async with asyncio.timeout(0.1):
                with pytest.raises(OutcomeUnknown) as unknown:
                    await job
            assert unknown.value.reason == "lost"
            device.wire.peer.answers_token = True
            assert (await device.printer.deliver(SLIP, b"ab13")).how == "confirmed"

    run_virtual(scenario())


def test_status_asked_for_does_not_disturb_what_stands() -> None:
    async def scenario() -> None:
        async with Attended(Wire(FakePrinter())).attending() as device:
            await device.next()
            device.wire.peer.paper_out = True
            assert (await device.printer.status()).trouble() == "paper_out"
            assert device.last.trouble() == "paper_out"
            assert len(device.wire.tries) == 1

    run_virtual(scenario())


def test_the_drawer_tells_when_it_is_opened_and_shut() -> None:
    async def scenario() -> None:
        peer = FakePrinter()
        peer.drawer_moves = True
        async with Attended(Wire(peer)).attending() as device:
            await device.next()
            assert (await device.printer.deliver(PulseDocument("k"), b"ab12")).by == "drawer pin"
            assert device.last.drawer_pin_high == "yes"
            device.wire.changes(pin_high=False)
            assert (await device.next()).drawer_pin_high == "no"

    run_virtual(scenario())


def test_the_line_is_let_go_when_nobody_attends_any_more() -> None:
    async def scenario() -> None:
        device = Attended(Wire(FakePrinter()))
        async with device.attending():
            await device.next()
            assert device.wire.is_open
        assert not device.wire.is_open
        await device.printer.deliver(SLIP, b"ab12")
        assert not device.wire.is_open

    run_virtual(scenario())


def test_devices_that_are_away_are_looked_for_a_few_at_a_time() -> None:
    class Slow(Wire):
        now = 0
        most = 0

        async def _hesitate(self) -> None:
            Slow.now += 1
            Slow.most = max(Slow.most, Slow.now)
            await asyncio.sleep(3)
            Slow.now -= 1
            raise TransportError("unreachable", "switched off", bytes_left=False)

        def connect(self, deadline_s: float):  # type: ignore[no-untyped-def]
            hesitate = self._hesitate

            class Opening:
                async def __aenter__(self) -> None:
                    await hesitate()

                async def __aexit__(self, *_error: object) -> None:
                    """Never reached."""

            return Opening()

    async def scenario() -> None:
        looks = asyncio.Semaphore(2)
        told: list[Status] = []
        devices = [Attended(Slow(FakePrinter())) for _ in range(8)]
        tasks = [asyncio.create_task(device.printer.attend(told.append, looks)) for device in devices]
        await asyncio.sleep(60)
        assert Slow.most == 2
        assert len(told) == len(devices), "none is forgotten, and each is told once"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run_virtual(scenario())

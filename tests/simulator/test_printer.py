"""The virtual printer from the outside: sockets, bytes written after the manual, answers and paper."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tillkeeper_drivers.simulator.printer import VirtualPrinter

DEADLINE_S = 10
CUT = b"\x1dVB\x00"
ID = b"\x1d(H\x06\x0000"


class Host:
    """The other end of the wire."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def get(self, count: int) -> bytes:
        async with asyncio.timeout(DEADLINE_S):
            return await self._reader.readexactly(count)

    async def ask(self, data: bytes, count: int = 1) -> bytes:
        self.send(data)
        return await self.get(count)

    async def rest(self) -> bytes:
        """Everything until the printer closes; raises `ConnectionResetError` where it resets."""
        async with asyncio.timeout(DEADLINE_S):
            return await self._reader.read()

    async def silent_for(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._reader.readexactly(1)
        except TimeoutError:
            return True
        return False


@contextlib.asynccontextmanager
async def host(printer: VirtualPrinter) -> AsyncIterator[Host]:
    reader, writer = await asyncio.open_connection("127.0.0.1", printer.port)
    try:
        yield Host(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def with_printer(model: str, test: Callable[[VirtualPrinter], Awaitable[None]], **options: object) -> None:
    async def run() -> None:
        async with asyncio.timeout(30), VirtualPrinter(model, **{"speed_mm_s": 0, **options}) as printer:  # type: ignore[arg-type]
            await test(printer)

    asyncio.run(run())


def test_a_ticket_is_printed_cut_kept_and_then_confirmed(tmp_path: Path) -> None:
    async def test(printer: VirtualPrinter) -> None:
        async with host(printer) as h:
            assert await h.ask(b"\x1b@1 SOUP\n" + CUT + ID + b"a~ 9", 7) == b"\x37\x22a~ 9\x00"
            assert "1 SOUP" in (tmp_path / "slip-0001.txt").read_text()
            assert [slip.number for slip in printer.printed] == [1]
        await printer.store.drawn()
        assert (tmp_path / "slip-0001.png").read_bytes().startswith(b"\x89PNG")

    with_printer("tm-t88vi", test, directory=tmp_path, pictures=True)


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    async def test(printer: VirtualPrinter) -> None:
        before = printer.count
        async with host(printer) as h:
            h.send(b"x\n" + CUT)
            await printer.wait_printed(before + 1, DEADLINE_S)

    with_printer("tm-t88vi", test, directory=tmp_path)
    with_printer("tm-t88vi", test, directory=tmp_path)
    assert sorted(path.name for path in tmp_path.glob("slip-*")) == ["slip-0001.txt", "slip-0002.txt"]


def test_dle_eot_tells_the_truth_about_paper_cover_and_cutter() -> None:
    async def test(printer: VirtualPrinter) -> None:
        async with host(printer) as h:
            status = [await h.ask(b"\x10\x04" + bytes([n])) for n in (1, 2, 3, 4)]
            assert status == [b"\x12"] * 4
            printer.set_cover(open_=True)
            assert await h.ask(b"\x10\x04\x01") == b"\x1a"
            assert await h.ask(b"\x10\x04\x02") == b"\x16"
            printer.set_cover(open_=False)
            printer.load_paper(50)
            assert await h.ask(b"\x10\x04\x04") == b"\x1e"
            printer.load_paper(0)
            assert await h.ask(b"\x10\x04\x04") == b"\x7e"
            assert await h.ask(b"\x10\x04\x02") == b"\x32"
            await printer.command({"lie": True})
            assert await h.ask(b"\x10\x04\x02") == b"\x12"

    with_printer("tm-t88vi", test)


def test_paper_out_in_the_middle_holds_the_ticket_and_a_new_roll_finishes_it() -> None:
    async def test(printer: VirtualPrinter) -> None:
        async with host(printer) as h:
            h.send(b"".join(b"line %d\n" % n for n in range(8)) + CUT + ID + b"0001")
            await printer.changed.wait_for(lambda: printer.mechanism.paper_out, DEADLINE_S)
            assert await h.ask(b"\x10\x04\x01") == b"\x1a"
            assert printer.count == 0
            printer.load_paper(500)
            assert await h.get(7) == b"\x37\x220001\x00"
            assert [line for line in printer.printed[0].text.splitlines() if line.startswith("line")] == [
                f"line {n}" for n in range(8)
            ]

    with_printer("tm-t88vi", test, paper_lines=3)


def test_an_open_cover_holds_everything_the_drawer_too_until_it_is_closed() -> None:
    async def test(printer: VirtualPrinter) -> None:
        printer.set_cover(open_=True)
        async with host(printer) as h:
            h.send(b"\x1bp\x00\x32\xc8soup\n" + CUT)
            assert await h.ask(b"\x10\x04\x02") == b"\x16"
            assert not printer.mechanism.drawer_open
            # DLE DC4 acts at once, offline or not.
            h.send(b"\x10\x14\x01\x00\x01")
            await printer.wait_drawer(open_=True, deadline_s=DEADLINE_S)
            assert printer.store.drawer[0].command == "DLE DC4"
            assert printer.count == 0
            printer.set_cover(open_=False)
            await printer.wait_printed(1, DEADLINE_S)

    with_printer("tm-t88vi", test)


def test_a_cutter_jam_is_an_error_until_the_cause_is_gone_and_dle_enq_comes() -> None:
    async def test(printer: VirtualPrinter) -> None:
        printer.jam_cutter()
        async with host(printer) as h:
            h.send(b"soup\n" + CUT + ID + b"0001")
            await printer.changed.wait_for(lambda: printer.mechanism.cutter_error, DEADLINE_S)
            assert await h.ask(b"\x10\x04\x03") == b"\x1a"
            printer.clear_cutter()
            assert await h.ask(b"\x10\x05\x01", 7) == b"\x37\x220001\x00"

    with_printer("tm-t88vi", test)


def test_dle_enq_2_drops_the_ticket_and_its_id_without_a_word() -> None:
    async def test(printer: VirtualPrinter) -> None:
        printer.jam_cutter()
        async with host(printer) as h:
            h.send(b"soup\n" + CUT + ID + b"0001")
            await printer.changed.wait_for(lambda: printer.mechanism.cutter_error, DEADLINE_S)
            printer.clear_cutter()
            assert await h.ask(b"\x10\x05\x02" + ID + b"0002", 7) == b"\x37\x220002\x00"
            assert printer.count == 0

    with_printer("tm-t88vi", test)


def test_asb_reports_changes_and_looks_as_the_manual_says() -> None:
    async def test(printer: VirtualPrinter) -> None:
        async with host(printer) as h:
            assert await h.ask(b"\x1da\x0f", 4) == b"\x10\x00\x00\x00"
            printer.set_cover(open_=True)
            assert await h.get(4) == b"\x38\x00\x00\x00"
            printer.set_cover(open_=False)
            assert await h.get(4) == b"\x10\x00\x00\x00"
            printer.load_paper(0)
            assert await h.get(4) == b"\x18\x00\x0f\x00"

    with_printer("tm-t88vi", test)


def test_a_model_that_reports_by_itself_greets_and_esc_at_keeps_its_default() -> None:
    async def test(printer: VirtualPrinter) -> None:
        async with host(printer) as h:
            assert await h.get(4) == b"\x10\x00\x00\x00"
            h.send(b"\x1da\x00\x1b@x\n")
            await printer.changed.wait_for(lambda: bool(printer.hanging.lines), DEADLINE_S)
            printer.set_drawer(open_=True)
            assert await h.get(4) == b"\x14\x00\x00\x00"

    with_printer("tm-m30", test)


def test_gs_r_answers_in_its_turn_and_the_impact_printer_knows_no_process_id() -> None:
    async def test(printer: VirtualPrinter) -> None:
        async with host(printer) as h:
            assert await h.get(4) == b"\x10\x00\x00\x00"
            assert await h.ask(b"soup\n" + CUT + ID + b"0001" + b"\x1dr1", 1) == b"\x00"
            assert printer.count == 1

    with_printer("tm-u220", test)


def test_a_drawer_pulse_opens_it_the_pin_shows_it_and_somebody_shuts_it(tmp_path: Path) -> None:
    async def test(printer: VirtualPrinter) -> None:
        async with host(printer) as h:
            h.send(b"\x1bp\x00\x19\x64")
            await printer.wait_drawer(open_=True, deadline_s=DEADLINE_S)
            assert await h.ask(b"\x10\x04\x01") == b"\x16"
            await printer.wait_drawer(open_=False, deadline_s=DEADLINE_S)
            assert await h.ask(b"\x10\x04\x01") == b"\x12"
            h.send(b"\x1bp\x01\x19\x64\x1dr2")
            assert await h.get(1) == b"\x00", "the other pin has no drawer"
        kinds = [(event.kind, event.pin, event.on_ms) for event in printer.store.drawer]
        assert kinds == [("pulsed", 2, 50), ("opened", 2, 50), ("closed", 0, 0), ("pulsed", 5, 50)]
        assert len((tmp_path / "drawer.log").read_text().splitlines()) == 4

    with_printer("tm-t88vi", test, drawer_closes_s=0.2, directory=tmp_path)


def test_a_second_connection_is_reset_or_waits_its_turn() -> None:
    async def reset(printer: VirtualPrinter) -> None:
        async with host(printer) as first, host(printer) as second:
            assert await first.ask(b"\x10\x04\x01") == b"\x12"
            with pytest.raises(ConnectionResetError):
                await second.rest()

    async def waits(printer: VirtualPrinter) -> None:
        async with contextlib.AsyncExitStack() as stack:
            async with host(printer) as first:
                assert await first.ask(b"\x10\x04\x01") == b"\x12"
                second = await stack.enter_async_context(host(printer))
                assert await first.ask(b"\x10\x04\x01") == b"\x12"
                second.send(b"\x10\x04\x01")
                assert await second.silent_for(0.1)
            assert await second.get(1) == b"\x12"

    with_printer("tm-t88vi", reset)
    with_printer("tm-t20iii", waits)


def test_a_full_buffer_stops_taking_bytes_and_paper_lets_them_in_again() -> None:
    async def test(printer: VirtualPrinter) -> None:
        printer.load_paper(0)
        async with host(printer) as h:
            total = 12_000_000
            h.send(b"x" * 39 + b"\n")
            for _ in range(total // 40_000):
                h.send((b"y" * 39 + b"\n") * 1000)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await h.writer.drain()
            assert printer.engine.room == 0
            assert h.writer.transport.get_write_buffer_size() > 0  # type: ignore[attr-defined]
            printer.load_paper(300)
            await printer.changed.wait_for(lambda: len(printer.hanging.lines) >= 300, DEADLINE_S)
            h.writer.transport.abort()

    with_printer("tm-t88vi", test)


def test_printing_takes_its_time_and_the_confirmation_waits_for_it() -> None:
    async def test(printer: VirtualPrinter) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        async with host(printer) as h:
            assert await h.ask(b"x\n" * 20 + ID + b"0001", 7)
        # 20 lines of 30 dots at 7.09 dots a millimetre are 85 mm.
        assert loop.time() - started > 0.2

    with_printer("tm-t88vi", test, speed_mm_s=400.0)


def test_a_power_loss_resets_and_forgets_but_paper_stays_where_it_was() -> None:
    async def test(printer: VirtualPrinter) -> None:
        await printer.command({"fault": "power_loss", "after_lines": 2})
        async with host(printer) as h:
            h.send(b"one\ntwo\nthree\n" + CUT + ID + b"0001")
            with pytest.raises(ConnectionResetError):
                await h.rest()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", printer.port)
        await printer.power_on()
        async with host(printer) as h:
            assert await h.ask(b"four\n" + CUT + ID + b"0002", 7) == b"\x37\x220002\x00"
        assert printer.printed[0].text.split()[:3] == ["one", "two", "four"]

    with_printer("tm-t88vi", test)


def test_faults_on_the_wire() -> None:
    async def test(printer: VirtualPrinter) -> None:
        await printer.command({"fault": "rst"})
        async with host(printer) as h:
            with pytest.raises(ConnectionResetError):
                await h.rest()
        await printer.command({"fault": "none"})
        await printer.command({"fault": "silent"})
        async with host(printer) as h:
            h.send(b"\x10\x04\x01")
            assert await h.silent_for(0.1)
            await printer.command({"fault": "none"})
            assert await h.get(1) == b"\x12"
        await printer.changed.wait_for(lambda: not printer.connected, DEADLINE_S)
        await printer.command({"fault": "close_each_byte"})
        async with host(printer) as h:
            h.send(b"\x10\x04")
            with pytest.raises(ConnectionError):
                await h.rest()

    with_printer("tm-t88vi", test)


def test_lies_on_the_wire_are_repeatable() -> None:
    answers: list[bytes] = []

    async def test(printer: VirtualPrinter) -> None:
        await printer.command({"fault": "wrong_id"})
        async with host(printer) as h:
            wrong = await h.ask(b"x\n" + CUT + ID + b"0001", 7)
            assert wrong[:2] + wrong[6:] == b"\x37\x22\x00"
            assert wrong[2:6] != b"0001"
            await printer.command({"faults": {"wrong_id": False, "garbage": True}})
            answers.append(wrong + await h.ask(b"\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04", 4))
            await printer.command({"faults": {"garbage": False, "mute": True}})
            h.send(b"\x10\x04\x01")
            assert await h.silent_for(0.05)

    with_printer("tm-t88vi", test, seed=7)
    with_printer("tm-t88vi", test, seed=7)
    assert answers[0] == answers[1]


def test_an_idle_connection_is_closed_in_order() -> None:
    async def test(printer: VirtualPrinter) -> None:
        async with host(printer) as h:
            assert await h.rest() == b""

    with_printer("tm-t88vi", test, idle_close_s=0.05)


def test_real_time_commands_act_inside_graphics_too() -> None:
    async def test(printer: VirtualPrinter) -> None:
        async with host(printer) as h:
            assert await h.ask(b"\x1dv0\x00\x01\x00\x03\x00\x10\x04\x01") == b"\x12"
            await printer.changed.wait_for(lambda: bool(printer.hanging.lines), DEADLINE_S)
            assert printer.hanging.lines[0].graphics is not None

    with_printer("tm-t88vi", test)


def test_an_unrecoverable_error_lasts_until_it_is_switched_off_and_on() -> None:
    async def test(printer: VirtualPrinter) -> None:
        await printer.command({"fault": "unrecoverable"})
        async with host(printer) as h:
            assert await h.ask(b"\x10\x04\x03\x10\x05\x01\x10\x04\x01", 2) == b"\x32\x1a"
        await printer.command({"power": "off"})
        await printer.command({"power": "on"})
        async with host(printer) as h:
            assert await h.ask(b"\x10\x04\x01") == b"\x12"

    with_printer("tm-t88vi", test)


def test_what_hangs_out_is_torn_off_on_command() -> None:
    async def test(printer: VirtualPrinter) -> None:
        await printer.command({"tear": True})
        assert printer.count == 0, "nothing hangs out"
        async with host(printer) as h:
            h.send(b"\x1b@1 SOUP\n")
            await printer.changed.wait_for(lambda: bool(printer.hanging.lines), DEADLINE_S)
            await printer.command({"tear": True})
            (slip,) = await printer.wait_printed(1, DEADLINE_S)
            assert "1 SOUP" in slip.text
            assert "tear" in slip.text
            h.send(b"2 SALAD\n")
            await printer.changed.wait_for(lambda: bool(printer.hanging.lines), DEADLINE_S)
            assert "SOUP" not in printer.hanging.as_text()

    with_printer("generic-58", test)

"""What a virtual printer says by itself, and what is wrong with a line, from the outside: bytes as the manuals have them."""

import pytest
from tests.simulator.test_printer import Host, host, with_printer

from tillkeeper_drivers.simulator.printer import VirtualPrinter

CUT = b"\x1dVB\x00"
ID = b"\x1d(H\x06\x0000"


def test_a_head_that_is_too_hot_is_bit_6_and_holds_the_paper_until_it_is_cool() -> None:
    async def test(printer: VirtualPrinter) -> None:
        async with host(printer) as h:
            assert await h.ask(b"\x1da\x0f", 4) == b"\x10\x00\x00\x00"
            await printer.command({"head": "hot"})
            assert await h.get(4) == b"\x18\x40\x00\x00"
            assert [await h.ask(b"\x10\x04" + bytes([n])) for n in (1, 2, 3, 4)] == [b"\x1a", b"\x52", b"\x52", b"\x12"]
            h.send(b"soup\n" + CUT + ID + b"0001")
            assert await h.silent_for(0.1)
            await printer.command({"head": "cool"})
            assert await h.get(4) == b"\x10\x00\x00\x00"
            assert await h.get(7) == b"\x37\x220001\x00"

    with_printer("tm-t88vi", test)


@pytest.mark.parametrize(
    ("mask", "told"),
    [
        (0x01, {"drawer"}),
        (0x02, {"cover", "paper", "cutter"}),
        (0x04, {"cutter"}),
        (0x08, {"paper"}),
        (0x0F, {"drawer", "cover", "paper", "cutter"}),
    ],
)
def test_the_mask_of_gs_a_says_what_is_reported(mask: int, told: set[str]) -> None:
    async def happens(printer: VirtualPrinter, h: Host, what: str) -> bool:
        """Whether it is reported when that happens; then all is as before."""
        if what == "drawer":
            printer.set_drawer(open_=True)
        elif what == "cover":
            printer.set_cover(open_=True)
        elif what == "paper":
            printer.load_paper(0)
        else:
            printer.mechanism.cutter_error = True
            printer.set_cover(open_=False)
        reported = not await h.silent_for(0.05)
        if reported:
            await h.get(3)
        printer.mechanism.cutter_error = False
        printer.set_drawer(open_=False)
        printer.set_cover(open_=False)
        printer.load_paper(5000)
        while not await h.silent_for(0.05):
            await h.get(3)
        return reported

    async def test(printer: VirtualPrinter) -> None:
        async with host(printer) as h:
            assert len(await h.ask(b"\x1da" + bytes([mask]), 4)) == 4, "the present state at once"
            assert {what for what in ("drawer", "cover", "paper", "cutter") if await happens(printer, h, what)} == told

    with_printer("tm-t88vi", test, drawer_closes_s=None)


def test_a_looped_line_sends_back_what_it_gets_and_prints_nothing() -> None:
    async def test(printer: VirtualPrinter) -> None:
        await printer.command({"fault": "echo"})
        async with host(printer) as h:
            sent = b"\x10\x04\x01soup\n" + CUT + ID + b"0001"
            assert await h.ask(sent, len(sent)) == sent
        assert printer.count == 0
        assert not printer.hanging.lines

    with_printer("tm-t88vi", test)


def test_answers_that_lack_their_end() -> None:
    async def test(printer: VirtualPrinter) -> None:
        await printer.command({"fault": "truncate"})
        async with host(printer) as h:
            assert await h.ask(b"x\n" + ID + b"0001\x1da\x0f", 6 + 3) == b"\x37\x220001\x10\x00\x00"
            h.send(b"\x10\x04\x01")
            assert await h.silent_for(0.05)

    with_printer("tm-t88vi", test)


def test_a_printer_that_talks_without_end_prints_beside_it() -> None:
    async def test(printer: VirtualPrinter) -> None:
        await printer.command({"fault": "babble"})
        async with host(printer) as h:
            h.send(b"soup\n" + CUT)
            assert len(await h.get(100_000)) == 100_000
            await printer.wait_printed(1, 5)

    with_printer("tm-t88vi", test)

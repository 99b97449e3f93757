"""Our driver in front of a device that never answers; what came is read by `npos`, a parser from npm that others wrote."""

import asyncio

import pytest
from msgspec.structs import replace
from tests.peers.documents import NAMES, document
from tests.peers.peer import QUICK, Peer, bare, meant, npos

from tillkeeper_drivers.api import Delivery, NotSent, PrintDocument, PulseDocument, Qr, Text
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import Profile, profile
from tillkeeper_drivers.transport.tcp import TcpTransport

SILENT = "generic-58"
"""A clone of which it is not known whether it answers anything."""
PAGES = dict(profile(SILENT).code_pages)


SHORT = replace(QUICK, maybe=0.3, maybe_confirm=0.5)
CUTTING = replace(profile("generic-80"), real_time_status="unknown")


def driver(peer: Peer, model: Profile | None = None) -> EscPosPrinter:
    transport = TcpTransport("127.0.0.1", peer.port)
    return EscPosPrinter("bar", transport, model or profile(SILENT), pin_use={2: "drawer"}, deadlines=SHORT)


def text_of(commands: list[list[str]]) -> str:
    """The text by the code page that the last ESC t named."""
    page, parts = "cp437", []
    for name, data in commands:
        raw = bytes.fromhex(data)
        if name == "ESC t":
            page = PAGES[raw[2]]
        elif name == "TEXT":
            parts.append(raw.decode(page))
    return "".join(parts)


def test_every_document_is_read_as_it_was_meant_and_nothing_is_believed_of_a_silent_device() -> None:
    async def run() -> None:
        async with npos() as peer:
            for done, name in enumerate(NAMES, 1):
                printer = driver(peer)
                delivery = await printer.deliver(_without_qr(document(name)), b"ab%02d" % done)
                assert (delivery.how, delivery.by) == ("sent", "none"), name
                assert printer.last_status.paper_out == "unknown"
                assert printer.last_status.online == "unknown"
                (*_, read) = await peer.wait("commands", done)
                assert read["error"] is None, read
                assert bare(text_of(read["commands"])) == meant(_without_qr(document(name)), profile(SILENT).columns), name
                assert not [command for command in read["commands"] if command[0] == "ESC p"]

    asyncio.run(run())


def test_a_cut_a_kick_and_a_qr_code_are_seen_as_such() -> None:
    async def run() -> tuple[Delivery, list[str], list[str]]:
        async with npos() as peer:
            cutting = driver(peer, CUTTING)
            await cutting.deliver(PrintDocument("qr", (Text("2 Burger"), Qr("https://shop.example/r/1"))), b"ab12")
            kick = await cutting.deliver(PulseDocument("kick", 2, 100), b"ab13")
            slip, pulse = await peer.wait("commands", 2)
            return kick, [name for name, _ in slip["commands"]], [data for name, data in pulse["commands"] if name == "ESC p"]

    kick, slip, pulses = asyncio.run(run())
    assert slip.count("GS V") == 1
    assert "GS (k" in slip
    assert slip.index("GS (k") < slip.index("GS V")
    assert pulses == ["1b700032c8"]  # pin 2, 50 x 2 ms on, 200 x 2 ms off
    assert (kick.how, kick.by) == ("sent", "none")


def test_silence_is_unknown_and_a_model_that_has_to_answer_gets_no_byte() -> None:
    async def run() -> None:
        async with npos() as peer:
            status = await driver(peer).status()
            assert (status.paper_out, status.cover_open, status.online) == ("unknown", "unknown", "unknown")
            with pytest.raises(NotSent) as refused:
                await driver(peer, profile("tm-t88vi")).deliver(PrintDocument("slip", (Text("2 Burger"),)), b"ab12")
            assert refused.value.reason == "no_answer"
            for read in await peer.wait("commands", 2):
                assert "TEXT" not in [name for name, _ in read["commands"]]

    asyncio.run(run())


def _without_qr(made: PrintDocument) -> PrintDocument:
    """Its rules do without a code's data: another test sends one."""
    return PrintDocument(made.job_id, tuple(block for block in made.blocks if not isinstance(block, Qr)), made.cut, made.bell)

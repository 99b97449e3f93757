"""Our driver in front of a printer that somebody else wrote from the same manuals: `emupos`, from PyPI."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext, suppress

import pytest
from msgspec.structs import replace
from tests.peers.documents import NAMES, SCRIPTS, document, script
from tests.peers.peer import QUICK, Peer, bare, emupos, meant

from tillkeeper_drivers.api import Delivery, NotSent, OutcomeUnknown, PrintDocument, PulseDocument, Qr, Status, Text
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import profile
from tillkeeper_drivers.transport.tcp import TcpTransport

COLUMNS = 48
NO_FN_48 = replace(profile("tm-t20iii"), process_id=False)
"""The model that it plays, less the one thing that it does not: GS ( H."""
ITS_PAGES = (0, 2, 16, 17, 18, 19)
"""Of ESC t, that its own table of this model has; it lacks the Windows page 46 that we would take for Cyrillic."""


def driver(peer: Peer, model: str = "", *, hold: bool = False) -> EscPosPrinter:
    chosen = profile(model) if model else NO_FN_48
    chosen = replace(chosen, code_pages={n: page for n, page in chosen.code_pages.items() if n in ITS_PAGES})
    transport = TcpTransport("127.0.0.1", peer.port)
    return EscPosPrinter("bar", transport, chosen, pin_use={2: "drawer"}, deadlines=QUICK, hold=hold)


def unknown(peer: Peer) -> list[object]:
    """What it could not read, or has no letters for."""
    return [told["data"] for told in peer.all("event") if told["event"].endswith(("unknown", "unsupported"))]


def test_every_document_of_a_store_is_read_as_it_was_meant() -> None:
    async def run() -> None:
        async with emupos() as peer:
            printer = driver(peer)
            for done, name in enumerate(NAMES, 1):
                delivery = await printer.deliver(document(name), b"ab%02d" % done)
                assert (delivery.how, delivery.by) == ("confirmed", "GS r"), name
                receipt = (await peer.wait("receipt", done))[-1]
                assert bare(receipt["receipt"]) == meant(document(name), COLUMNS), name
                assert receipt["boundary"] == "cut", name
            assert len(peer.all("receipt")) == len(NAMES)
            assert unknown(peer) == []
            assert not [told for told in peer.all("event") if told["event"].startswith("drawer")]

    asyncio.run(run())


def test_a_changed_order_names_what_it_adds_changes_and_voids() -> None:
    async def run() -> str:
        async with emupos() as peer:
            await driver(peer).deliver(document("change_slip"), b"ab12")
            return str((await peer.wait("receipt"))[0]["receipt"])

    text = asyncio.run(run())
    assert "VOID" in text
    assert "CHANGED" in text


def test_names_in_several_scripts_are_read_by_their_code_pages() -> None:
    async def run() -> None:
        async with emupos() as peer:
            for done, name in enumerate(SCRIPTS, 1):
                await driver(peer).deliver(script(name), b"ab%02d" % done)
                (*_, receipt) = await peer.wait("receipt", done)
                read = bare(receipt["receipt"])
                if name == "commands in a name":
                    assert read == bare("evil @p2È V name end"), read
                else:
                    assert read == bare(SCRIPTS[name] + "end"), name
            assert unknown(peer) == []
            assert not [told for told in peer.all("event") if told["event"].startswith("drawer")]

    asyncio.run(run())


def test_a_kick_opens_its_drawer_and_its_pin_says_so() -> None:
    async def run() -> tuple[Delivery, Status, list[str], int]:
        async with emupos() as peer:
            printer = driver(peer)
            delivery = await printer.deliver(PulseDocument("kick", 2, 100), b"ab12")
            status = await printer.status()
            return delivery, status, [told["event"] for told in peer.all("event")], len(peer.all("receipt"))

    delivery, status, events, receipts = asyncio.run(run())
    assert events == ["drawer.opened"]
    assert (delivery.how, delivery.by) == ("confirmed", "drawer pin")
    assert status.drawer_pin_high == "yes"
    assert receipts == 0


FAULTS = {"paper-out": "paper_out", "cover-open": "cover_open", "offline": "offline"}


@pytest.mark.parametrize(("fault", "reason"), FAULTS.items())
def test_what_stops_it_is_named_before_a_byte_leaves_and_it_prints_afterwards(fault: str, reason: str) -> None:
    slip = PrintDocument("slip", (Text("2 Burger"),))

    async def run() -> None:
        async with emupos() as peer:
            printer = driver(peer)
            await peer.tell(fault=fault, on=True)
            assert (await printer.status()).trouble() == reason
            with pytest.raises(NotSent) as refused:
                await printer.deliver(slip, b"ab12")
            assert refused.value.reason == reason
            await peer.tell(fault=fault, on=False)
            assert peer.all("receipt") == []
            assert (await printer.deliver(slip, b"ab13")).how == "confirmed"
            assert [told["receipt"] for told in await peer.wait("receipt")] == ["2 Burger\n"]

    asyncio.run(run())


def test_a_confirmation_that_never_comes_is_an_unknown_outcome_and_no_hang() -> None:
    """The model knows GS ( H, its double does not: what was printed is never called confirmed, nor is it called lost."""

    async def run() -> None:
        async with emupos() as peer:
            async with asyncio.timeout(60):
                with pytest.raises(OutcomeUnknown):
                    await driver(peer, "tm-t20iii").deliver(PrintDocument("slip", (Text("2 Burger"),)), b"ab12")
            assert [told["receipt"] for told in await peer.wait("receipt")] == ["2 Burger\n"]

    asyncio.run(run())


def test_paper_that_runs_out_and_a_cover_are_told_by_itself_over_a_kept_connection() -> None:
    async def run() -> None:
        async with emupos() as peer:
            printer = driver(peer, hold=True)
            told: asyncio.Queue[Status] = asyncio.Queue()
            looks: AbstractAsyncContextManager[object] = nullcontext()
            attending = asyncio.create_task(printer.attend(told.put_nowait, looks))
            try:
                async with asyncio.timeout(30):
                    await _until(told, lambda status: status.online == "yes" and status.paper_near_end == "no")
                    for fault, field in (("paper-near-end", "paper_near_end"), ("cover-open", "cover_open")):
                        await peer.tell(fault=fault, on=True)
                        await _until(told, lambda status, field=field: getattr(status, field) == "yes")
                        await peer.tell(fault=fault, on=False)
                        await _until(told, lambda status, field=field: getattr(status, field) == "no")
            finally:
                attending.cancel()
                with suppress(asyncio.CancelledError):
                    await attending

    asyncio.run(run())


def test_a_qr_code_carries_its_data_whole() -> None:
    data = "https://shop.example/r/1?a=2&b=%C3%A9" + "x" * 200

    async def run() -> str:
        async with emupos() as peer:
            await driver(peer).deliver(PrintDocument("qr", (Text("before"), Qr(data), Text("after"))), b"ab12")
            return str((await peer.wait("receipt"))[0]["receipt"])

    assert bare(asyncio.run(run())) == bare(f"before[qr {data}]after")


async def _until(told: asyncio.Queue[Status], fits: object) -> None:
    assert callable(fits)
    while not fits(await told.get()):
        pass

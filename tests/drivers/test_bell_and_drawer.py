"""What hangs on the pins: a bell that rings for a ticket, a drawer that opened, stayed shut, or can not tell."""

import asyncio

import pytest
from tests.drivers.fakes import FakePrinter
from tests.drivers.test_escpos_printer import KICK, QUICK, TOKEN, Bench
from tests.drivers.test_star_printer import QUICK as STAR_QUICK

from tillkeeper_drivers.api import STUCK, Delivery, NotSent, PrintDocument, PulseDocument, Text
from tillkeeper_drivers.drawer import SPACING, PinPolarity
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import profile
from tillkeeper_drivers.printing.printer import BELL_MS
from tillkeeper_drivers.printing.settings import PinUse
from tillkeeper_drivers.simulator.printer import VirtualPrinter
from tillkeeper_drivers.star.printer import StarPrinter
from tillkeeper_drivers.star.profile import profile as star_profile
from tillkeeper_drivers.transport.memory import MemoryTransport
from tillkeeper_drivers.transport.tcp import TcpTransport

TICKET = PrintDocument("t-1", (Text("2 Burger"),), bell=True)


def printer(pins: dict[int, PinUse], peer: FakePrinter | None = None) -> tuple[EscPosPrinter, MemoryTransport]:
    transport = MemoryTransport(peer or FakePrinter())
    return EscPosPrinter("grill", transport, profile("tm-t88vi"), pin_use=pins, deadlines=QUICK), transport


@pytest.mark.parametrize(("pins", "kick"), [({5: "bell"}, b"\x1bp\x01"), ({2: "bell", 5: "drawer"}, b"\x1bp\x00")])
def test_a_ticket_rings_the_bell_once_and_before_its_first_line(pins: dict[int, PinUse], kick: bytes) -> None:
    made, transport = printer(pins)
    assert asyncio.run(made.deliver(TICKET, TOKEN)).how == "confirmed"
    assert transport.received.count(b"\x1bp") == 1
    assert 0 < transport.received.index(kick) < transport.received.index(b"2 Burger")


@pytest.mark.parametrize("pins", [{2: "drawer"}, {}, {2: "drawer", 5: "none"}])
def test_where_no_bell_hangs_nothing_is_kicked(pins: dict[int, PinUse]) -> None:
    made, transport = printer(pins)
    assert asyncio.run(made.deliver(TICKET, TOKEN)).how == "confirmed"
    assert b"\x1bp" not in transport.received


def test_a_receipt_rings_no_bell() -> None:
    made, transport = printer({5: "bell"})
    asyncio.run(made.deliver(PrintDocument("r-1", (Text("Total 5.00"),)), TOKEN))
    assert b"\x1bp" not in transport.received


def test_a_kick_never_reaches_the_bell() -> None:
    made, transport = printer({5: "bell"})
    with pytest.raises(NotSent, match="bell"):
        asyncio.run(made.deliver(PulseDocument("p", pin=5), TOKEN))
    assert b"\x1bp" not in transport.received


def test_bells_and_drawers_of_one_printer_keep_their_distance() -> None:
    """The coils share one driver: five times the on-time, whoever kicks."""

    async def scenario() -> tuple[float, float]:
        made, _transport = printer({2: "drawer", 5: "bell"})
        loop = asyncio.get_running_loop()
        start = loop.time()
        await made.deliver(TICKET, TOKEN)
        await made.deliver(KICK, TOKEN)
        between = loop.time() - start
        await made.deliver(TICKET, TOKEN)
        return between, loop.time() - start

    first, second = asyncio.run(scenario())
    assert first >= SPACING * BELL_MS / 1000
    assert second >= SPACING * (BELL_MS + KICK.on_ms) / 1000


def test_a_virtual_printer_hears_its_bell_and_its_drawer_stays_shut() -> None:
    async def scenario() -> None:
        virtual = VirtualPrinter("tm-t88vi")
        async with virtual:
            made = EscPosPrinter(
                "grill", TcpTransport(virtual.host, virtual.port), profile("tm-t88vi"), pin_use={2: "drawer", 5: "bell"},
                deadlines=QUICK,
            )  # fmt: skip
            await made.deliver(TICKET, TOKEN)
            pulsed = [(event.pin, event.on_ms) for event in virtual.store.drawer if event.kind == "pulsed"]
            assert pulsed == [(5, BELL_MS)]
            assert not virtual.mechanism.drawer_open

    asyncio.run(scenario())


def test_a_star_rings_too() -> None:
    async def scenario() -> None:
        async with VirtualPrinter("mc-print3") as virtual:
            transport = TcpTransport(virtual.host, virtual.port)
            made = StarPrinter("bar", transport, star_profile("mc-print3"), {2: "bell"}, STAR_QUICK)
            await made.deliver(TICKET, TOKEN)
            assert [event.pin for event in virtual.store.drawer if event.kind == "pulsed"] == [2]

    asyncio.run(scenario())


# --- the drawer ---


def kicked(*, polarity: PinPolarity, moves: bool, known: bool = True) -> Delivery:
    bench = Bench("tm-t88vi" if known else "tm-u220", FakePrinter(token=known, paper=known))
    bench.peer.drawer_moves = moves
    bench.printer.polarity = polarity
    return bench.deliver(KICK)


def test_a_drawer_whose_switch_says_shut_and_goes_on_saying_so_is_stuck() -> None:
    assert (kicked(polarity=PinPolarity.told("high"), moves=False).by) == STUCK


def test_a_switch_that_never_moved_may_be_none() -> None:
    assert kicked(polarity=PinPolarity(), moves=False).by == "none"


def test_one_that_stood_open_is_not_stuck() -> None:
    assert kicked(polarity=PinPolarity.told("low"), moves=False).by == "none"


def test_one_that_moves_is_confirmed_and_what_a_person_has_set_holds() -> None:
    assert kicked(polarity=PinPolarity.told("high"), moves=True).by == "drawer pin"
    assert PinPolarity.told("low").after_kick("no", "yes").open_level == "low"

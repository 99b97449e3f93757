import asyncio
from dataclasses import dataclass

import msgspec
import pytest
from tests.drivers.fakes import FakePrinter
from tests.drivers.wire import Wire
from tests.spool.virtual import run_virtual

from tillkeeper_drivers.api import (
    Attended,
    DisplayDocument,
    NotSent,
    OutcomeUnknown,
    PrintDocument,
    Status,
    Ticket,
    TicketItem,
    TransportError,
)
from tillkeeper_drivers.kds.escpos_text import EscPosTextDisplay
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.transport.memory import Faults, MemoryTransport

QUICK = Deadlines(pace=0.1, maybe=0.02, maybe_confirm=0.03)
ITEM = TicketItem("l1", 2, "Crème brûlée", modifiers=("no sugar", "spoon: two"), note="allergy\x1bp!", seat=3)
TICKET = Ticket("c1", "B-037", 2, "grill", "TAKEOUT", (ITEM,), 0, "19:04", table="12", rush=True, check_number=7)


@dataclass
class Shown:
    lines: list[str]
    raw: bytes


def show(ticket: Ticket, marks: tuple[str, ...] = ()) -> Shown:
    transport = MemoryTransport(FakePrinter(token=False, paper=False, realtime=False, asb=False))
    device = EscPosTextDisplay("expo", transport, deadlines=QUICK)
    assert asyncio.run(device.deliver(DisplayDocument("j", ticket, marks), b"ab12")).how == "sent"
    raw = bytes(transport.received)
    text = raw.replace(b"\x1bE\x01", b"").replace(b"\x1bE\x00", b"")
    start = text.index(b"\x1b@") + 2
    return Shown(text[start : text.index(b"\x1dV")].decode("ascii").splitlines(), raw)


def test_the_ticket_as_ascii_lines_ending_in_a_cut() -> None:
    shown = show(TICKET, ("POSSIBLE DUPLICATE",))
    assert shown.lines == [
        "TAKEOUT",
        "*** POSSIBLE DUPLICATE ***",
        "RUSH",
        "B-037 #7 revision 2",
        "Table 12",
        "grill 19:04",
        "-" * 40,
        "2 Creme brulee",
        "  no sugar",
        "  spoon: two",
        "  seat 3",
        "  * allergyp!",
    ]
    assert shown.raw.count(b"\x1dV\x42\x00") == 1


def test_a_void_repeats_the_item_to_the_letter() -> None:
    added = show(TICKET).lines
    voided = show(msgspec.structs.replace(TICKET, items=(msgspec.structs.replace(ITEM, action="void"),))).lines
    at = added.index("2 Creme brulee")
    assert voided[voided.index("VOID") + 1 :] == added[at:]


def test_a_change_says_what_the_kitchen_was_told_before() -> None:
    item = msgspec.structs.replace(ITEM, action="modify", quantity=3, previous_quantity=2)
    lines = show(msgspec.structs.replace(TICKET, items=(item,))).lines
    assert lines[lines.index("CHANGED (was 2)") + 1] == "3 Creme brulee"


def test_it_takes_tickets_only() -> None:
    device = EscPosTextDisplay("expo", MemoryTransport(bytes), deadlines=QUICK)
    assert not device.accepts(PrintDocument("j", ()))
    with pytest.raises(NotSent):
        asyncio.run(device.deliver(PrintDocument("j", ()), b"ab12"))


def test_a_connection_lost_within_the_ticket_is_an_unknown_outcome() -> None:
    peer = FakePrinter(token=False, paper=False, realtime=False, asb=False)
    device = EscPosTextDisplay("expo", MemoryTransport(peer, Faults(reset_after=20)), deadlines=QUICK)
    with pytest.raises(OutcomeUnknown):
        asyncio.run(device.deliver(DisplayDocument("j", TICKET), b"ab12"))


def test_one_that_is_this_registers_alone_tells_by_itself_also_after_it_was_pulled() -> None:
    async def scenario() -> list[str]:
        wire = Wire(FakePrinter(token=False, asb=False))
        device = EscPosTextDisplay("expo", wire, hold=True)
        assert isinstance(device, Attended)
        told: asyncio.Queue[Status] = asyncio.Queue()
        task = asyncio.create_task(device.attend(told.put_nowait, asyncio.Semaphore(1)))
        found = [(await told.get()).trouble() or "well"]
        assert (await device.deliver(DisplayDocument("j", TICKET), b"ab12")).by == "GS r"
        assert len(wire.tries) == 1, "over the connection that stands"
        wire.away = TransportError("not_plugged_in", "no such node", bytes_left=False)
        wire.hangs_up()
        found.append((await told.get()).trouble() or "well")
        wire.away = None
        found.append((await told.get()).trouble() or "well")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return found

    assert run_virtual(scenario()) == ["well", "not_plugged_in", "well"]


def test_one_that_others_write_to_as_well_is_asked_instead() -> None:
    device = EscPosTextDisplay("expo", Wire(FakePrinter()))
    asyncio.run(device.attend(lambda _status: None, asyncio.Semaphore(1)))

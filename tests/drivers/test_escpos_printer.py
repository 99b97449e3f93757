"""A printer seen from the spool, in front of devices that misbehave."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drivers.fakes import FakePrinter
from tests.spool.virtual import run_virtual

from tillkeeper_drivers.api import (
    Delivery,
    DisplayDocument,
    Document,
    DriverError,
    NotSent,
    OutcomeUnknown,
    PrintDocument,
    PulseDocument,
    Text,
    Ticket,
)
from tillkeeper_drivers.escpos.encoder import encode
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import profile
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.transport.memory import Faults, MemoryTransport

TOKEN = b"ab12"
SLIP = PrintDocument("job-1", (Text("2 Burger"), Text("no onions")))
KICK = PulseDocument("job-2", pin=2, on_ms=20)
QUICK = Deadlines(
    connect=1, write=0.5, confirm=0.4, answer=0.2, maybe=0.03, maybe_confirm=0.08, pace=0.1, poll=0.03, pin=0.15
)
PREFLIGHT = 6  # bytes: DLE EOT 1 and 4


class Bench:
    """A printer of `model` in front of `peer`."""

    def __init__(
        self, model: str, peer: FakePrinter, faults: Faults | None = None, seed: int = 0, deadlines: Deadlines = QUICK
    ) -> None:
        self.peer = peer
        self.transport = MemoryTransport(peer, faults, seed)
        self.printer = EscPosPrinter(
            "bar", self.transport, profile(model), pin_use={2: "drawer", 5: "bell"}, deadlines=deadlines
        )

    def deliver(self, document: Document = SLIP) -> Delivery:
        return asyncio.run(self.printer.deliver(document, TOKEN))

    def fails(self, kind: type[DriverError], document: Document = SLIP) -> DriverError:
        with pytest.raises(kind) as caught:
            self.deliver(document)
        assert caught.value.device == "bar"
        return caught.value


def clone() -> FakePrinter:
    return FakePrinter(token=False, paper=False, asb=False)


# --- the ladder ---


def test_the_process_id_confirms() -> None:
    bench = Bench("tm-t88vi", FakePrinter())
    delivery = bench.deliver()
    assert (delivery.how, delivery.by) == ("confirmed", "GS ( H")
    assert delivery.first_byte_ms is not None
    assert delivery.first_byte_ms >= 0
    assert bench.transport.received.endswith(encode(SLIP, profile("tm-t88vi"), TOKEN))


def test_gs_r_confirms_where_there_are_no_process_ids() -> None:
    delivery = Bench("tm-t88iii", FakePrinter(token=False)).deliver()
    assert (delivery.how, delivery.by) == ("confirmed", "GS r")


def test_gs_r_confirms_on_a_clone_that_turns_out_to_know_it() -> None:
    bench = Bench("generic-80", FakePrinter(token=False, asb=False))
    assert bench.deliver().by == "GS r"
    bench.peer.answers_paper = False
    assert bench.fails(OutcomeUnknown).reason == "no_answer"


def test_a_clone_without_gs_r_ends_as_sent_with_a_clean_status() -> None:
    delivery = Bench("generic-80", clone()).deliver()
    assert (delivery.how, delivery.by) == ("sent", "DLE EOT")


def test_an_impact_printer_is_asked_in_its_turn() -> None:
    delivery = Bench("tm-u220", FakePrinter(token=False)).deliver()
    assert (delivery.how, delivery.by) == ("confirmed", "GS r")


def test_a_clone_that_left_out_gs_r_once_is_not_waited_for_so_long_again() -> None:
    bench = Bench("generic-80", clone(), deadlines=Deadlines(maybe=0.01, maybe_confirm=0.5, poll=0.05, pace=0.1))

    async def run() -> float:
        loop = asyncio.get_running_loop()
        await bench.printer.deliver(SLIP, TOKEN)
        start = loop.time()
        await bench.printer.deliver(SLIP, TOKEN)
        return loop.time() - start

    assert asyncio.run(run()) < 0.5


def test_a_confirmation_ends_the_wait_for_a_status_answer_that_never_comes() -> None:
    peer = FakePrinter()
    peer.holds_token = True
    bench = Bench("tm-t88vi", peer, deadlines=Deadlines(answer=30, confirm=60, poll=0.01))

    async def run() -> Delivery:
        async with asyncio.timeout(10):
            return await bench.printer.deliver(SLIP, TOKEN)

    assert asyncio.run(run()).by == "GS ( H"


def test_a_mute_clone_ends_as_sent_by_nothing() -> None:
    delivery = Bench("generic-58", FakePrinter(token=False, paper=False, realtime=False, asb=False)).deliver()
    assert (delivery.how, delivery.by) == ("sent", "none")


def test_status_frames_full_of_zeros_do_not_confirm() -> None:
    # TM-T88III: its automatic status looks like answers to GS r; the answer itself never comes
    bench = Bench("tm-t88iii", FakePrinter(token=False, paper=False), Faults(split_reads=True))
    assert bench.fails(OutcomeUnknown).reason == "no_answer"


def test_another_jobs_process_id_does_not_confirm() -> None:
    peer = FakePrinter(token=False)
    peer.before_token = b"\x37\x22zz99\x00"
    assert Bench("tm-t88vi", peer).fails(OutcomeUnknown).reason == "no_answer"


def test_another_jobs_process_id_before_ones_own_is_passed_over() -> None:
    peer = FakePrinter()
    peer.before_token = b"\x37\x22zz99\x00\xff\xfe\x5f???\x00"
    assert Bench("tm-t88vi", peer).deliver().how == "confirmed"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["tm-t88vi", "tm-t88iii", "generic-80"]))
def test_portions_and_delays_change_nothing(seed: int, model: str) -> None:
    bench = Bench(model, FakePrinter(), Faults(split_reads=True, split_writes=True, delay_s=0.002), seed)
    assert bench.deliver().how == "confirmed"


# --- nothing left: a retry is safe ---


@pytest.mark.parametrize(
    ("faults", "reason"),
    [(Faults(refuse=True), "unreachable"), (Faults(reset_on_connect=True), "busy"), (Faults(reset_after=1), "busy")],
)
def test_a_connection_that_breaks_before_the_document(faults: Faults, reason: str) -> None:
    bench = Bench("tm-t88vi", FakePrinter(), faults)
    assert bench.fails(NotSent).reason == reason
    assert b"Burger" not in bench.transport.received


def test_a_silent_device_that_can_answer_gets_no_document() -> None:
    bench = Bench("tm-t88vi", FakePrinter())
    bench.peer.silent = True
    error = bench.fails(NotSent)
    assert error.reason == "no_answer"
    assert error.hint
    assert b"Burger" not in bench.transport.received


@pytest.mark.parametrize(
    ("state", "reason"), [({"cover_open": True}, "cover_open"), ({"paper_out": True}, "paper_out")]
)
@pytest.mark.parametrize("model", ["tm-t88vi", "tm-u220", "generic-80", "generic-58"])
def test_a_printer_in_trouble_gets_no_document(model: str, state: dict[str, bool], reason: str) -> None:
    bench = Bench(model, FakePrinter())
    vars(bench.peer).update(state)
    assert bench.fails(NotSent).reason == reason
    assert b"Burger" not in bench.transport.received
    bench.peer.cover_open = bench.peer.paper_out = False
    assert bench.deliver().how == "confirmed"


def test_a_clone_that_answered_once_is_not_printed_to_when_silent() -> None:
    bench = Bench("generic-58", clone())
    assert bench.deliver().by == "DLE EOT"
    bench.peer.silent = True
    assert bench.fails(NotSent).reason == "no_answer"


def test_documents_it_can_not_do() -> None:
    bench = Bench("tm-t88vi", FakePrinter())
    ticket = DisplayDocument("j", Ticket("c", "B-1", 1, "grill", "TAKEOUT", (), 0))
    assert not bench.printer.accepts(ticket)
    assert bench.printer.accepts(SLIP)
    assert bench.printer.accepts(KICK)
    assert bench.fails(NotSent, ticket).reason == "unsupported"
    assert bench.fails(NotSent, PrintDocument("j", (Text("x", width=99),))).reason == "bad_document"
    assert bench.transport.connections == 0


def test_a_device_that_leaves_just_before_the_document_got_none_of_it() -> None:
    bench = Bench("tm-t88vi", FakePrinter(), Faults(close_after=PREFLIGHT))
    assert bench.fails(NotSent).reason == "unreachable"
    assert len(bench.transport.received) == PREFLIGHT


# --- bytes left: the outcome is unknown ---


def test_a_connection_lost_at_any_byte_of_the_document_is_an_unknown_outcome() -> None:
    size = len(encode(SLIP, profile("tm-t88vi"), TOKEN))
    for at in range(1, size, 7):
        for faults in (Faults(reset_after=PREFLIGHT + at), Faults(close_after=PREFLIGHT + at)):
            bench = Bench("tm-t88vi", FakePrinter(), faults)
            assert bench.fails(OutcomeUnknown).reason == "lost", (at, faults)


@pytest.mark.parametrize("model", ["tm-u220", "generic-80", "generic-58"])
def test_models_that_can_not_confirm_still_notice_a_lost_connection(model: str) -> None:
    bench = Bench(model, FakePrinter(token=False, paper=False, asb=False), Faults(reset_after=20))
    assert bench.fails(OutcomeUnknown).reason == "lost"


def test_an_orderly_end_after_the_confirmation_is_a_confirmation() -> None:
    size = PREFLIGHT + len(encode(SLIP, profile("tm-t88vi"), TOKEN))
    assert Bench("tm-t88vi", FakePrinter(), Faults(close_after=size)).deliver().how == "confirmed"


def test_a_mute_clone_that_closes_after_taking_all_counts_as_sent() -> None:
    peer = FakePrinter(token=False, paper=False, realtime=False, asb=False)
    size = 3 + len(encode(SLIP, profile("generic-58"), TOKEN))
    assert Bench("generic-58", peer, Faults(close_after=size)).deliver().how == "sent"
    assert Bench("generic-58", peer, Faults(close_after=size - 1)).fails(OutcomeUnknown).reason == "lost"


def test_a_device_that_stops_reading_is_stalled() -> None:
    for model in ("tm-t88vi", "generic-80"):
        bench = Bench(model, FakePrinter(paper=False), Faults(reads_at_most=20))
        assert bench.fails(OutcomeUnknown).reason == "stalled"


def test_a_device_that_stops_reading_is_believed_when_it_says_why() -> None:
    peer = FakePrinter(token=False, paper=False)
    peer.on_realtime = lambda n: setattr(peer, "cover_open", n == 4)  # opened once the driver has looked
    assert Bench("tm-u220", peer, Faults(reads_at_most=20)).fails(OutcomeUnknown).reason == "cover_open"


def test_paper_that_ends_while_printing_is_named() -> None:
    peer = FakePrinter()
    peer.on_document = lambda: setattr(peer, "paper_out", True)
    bench = Bench("tm-t88vi", peer)
    assert bench.fails(OutcomeUnknown).reason == "paper_out"
    assert bench.printer.last_status.paper_out == "yes"


def test_trouble_on_a_model_that_can_not_confirm_is_waited_for_and_then_named() -> None:
    peer = FakePrinter(token=False, paper=False)
    bench = Bench("generic-80", peer)
    peer.on_document = lambda: setattr(peer, "cover_open", True)
    assert bench.fails(OutcomeUnknown).reason == "cover_open"


def test_a_cover_closed_in_time_ends_as_sent() -> None:
    peer = clone()
    looks = []

    def look(n: int) -> None:
        looks.append((n, peer.cover_open))
        if n == 4 and peer.cover_open:
            peer.on_document = lambda: None
            peer.cover_open = False  # a person closes it after the device has told of it

    peer.on_document = lambda: setattr(peer, "cover_open", True)
    peer.on_realtime = look
    assert Bench("generic-80", peer).deliver().by == "DLE EOT"
    assert (1, True) in looks


def outcome_of(bench: Bench) -> str:
    try:
        return bench.deliver().how
    except DriverError as error:
        return type(error).__name__


def test_lost_answers_never_confirm_and_never_hang() -> None:
    hasty = Deadlines(confirm=0.06, answer=0.02, poll=0.01)
    outcomes = set()
    for seed in range(30):
        bench = Bench("tm-t88vi", FakePrinter(), Faults(lose=0.5), seed, hasty)
        outcome = outcome_of(bench)
        outcomes.add(outcome)
        assert (b"Burger" in bench.transport.received) == (outcome != "NotSent")
    assert outcomes == {"confirmed", "NotSent", "OutcomeUnknown"}


# --- the drawer ---


def test_a_pin_that_moves_confirms_the_kick_and_teaches_polarity() -> None:
    bench = Bench("tm-t88vi", FakePrinter())
    bench.peer.drawer_moves = True
    delivery = bench.deliver(KICK)
    assert (delivery.how, delivery.by) == ("confirmed", "drawer pin")
    assert bench.peer.pulses == [b"\x00\x0a\x28"]
    assert bench.printer.polarity.open_level == "high"


def test_a_pin_that_stays_is_sent_and_not_repeated() -> None:
    bench = Bench("tm-t88vi", FakePrinter())
    delivery = bench.deliver(KICK)
    assert (delivery.how, delivery.by) == ("sent", "none")
    assert len(bench.peer.pulses) == 1


def test_a_model_that_does_not_tell_its_pin() -> None:
    bench = Bench("generic-58", FakePrinter(token=False, paper=False, realtime=False, asb=False))
    assert bench.deliver(KICK).by == "none"


@pytest.mark.parametrize("pin", [5, 7])
def test_a_kick_to_a_bell_or_to_nothing_is_refused(pin: int) -> None:
    bench = Bench("tm-t88vi", FakePrinter())
    assert bench.fails(NotSent, PulseDocument("j", pin)).reason == "unsupported"  # type: ignore[arg-type]
    assert bench.transport.connections == 0


def test_a_pulse_longer_than_the_coil_takes_is_refused() -> None:
    assert Bench("tm-t88vi", FakePrinter()).fails(NotSent, PulseDocument("j", 2, 5000)).reason == "bad_document"


def test_a_printer_with_its_cover_open_gets_no_kick_that_would_fire_later() -> None:
    bench = Bench("tm-t88vi", FakePrinter())
    bench.peer.cover_open = True
    assert bench.fails(NotSent, KICK).reason == "cover_open"
    assert bench.peer.pulses == []


def test_a_kick_whose_connection_broke_is_unknown() -> None:
    bench = Bench("tm-t88vi", FakePrinter(), Faults(reset_after=PREFLIGHT + 2))
    assert bench.fails(OutcomeUnknown, KICK).reason == "lost"


def test_kicks_keep_their_distance() -> None:
    bench = Bench("tm-t88vi", FakePrinter())
    bench.peer.drawer_moves = True

    async def run() -> float:
        loop = asyncio.get_running_loop()
        start = loop.time()
        await bench.printer.deliver(KICK, TOKEN)
        await bench.printer.deliver(KICK, TOKEN)
        return loop.time() - start

    assert asyncio.run(run()) >= 5 * KICK.on_ms / 1000


def test_a_printer_that_is_long_in_answering_gets_no_kick() -> None:
    """On virtual time: each answer comes in time, and all of them too late for a drawer."""
    peer = FakePrinter()
    bench = Bench("tm-t88vi", peer, deadlines=Deadlines(connect=4, answer=4))

    async def run() -> None:
        loop = asyncio.get_running_loop()
        peer.on_realtime = lambda _n: setattr(loop, "now_s", loop.time() + 3)
        with pytest.raises(NotSent, match="does not open late"):
            await bench.printer.deliver(KICK, TOKEN)

    run_virtual(run())
    assert not peer.pulses


# --- status ---


def test_status_asks_all_four_questions() -> None:
    bench = Bench("tm-t88vi", FakePrinter())
    bench.peer.paper_out = True
    status = asyncio.run(bench.printer.status())
    assert bench.peer.asked == [1, 2, 3, 4]
    assert (status.reachable, status.online, status.paper_out, status.cover_open) == ("yes", "no", "yes", "no")
    assert status.trouble() == "paper_out"


@pytest.mark.parametrize(
    ("faults", "reachable"), [(Faults(refuse=True), "no"), (Faults(reset_on_connect=True), "yes"), (Faults(), "yes")]
)
def test_silence_and_broken_connections_leave_status_unknown(faults: Faults, reachable: str) -> None:
    bench = Bench("tm-t88vi", FakePrinter(), faults)
    bench.peer.silent = True
    status = asyncio.run(bench.printer.status())
    assert (status.reachable, status.online, status.paper_out) == (reachable, "unknown", "unknown")


def test_status_during_a_job_opens_no_second_connection() -> None:
    peer = FakePrinter(token=False)
    bench = Bench("tm-t88vi", peer)
    inside = asyncio.Event()
    signal: Callable[[], None] = inside.set
    peer.on_document = signal

    async def run() -> int:
        job = asyncio.create_task(bench.printer.deliver(SLIP, TOKEN))
        async with asyncio.timeout(5):
            await inside.wait()
        await bench.printer.status()
        count = bench.transport.connections
        with pytest.raises(OutcomeUnknown):
            await job
        return count

    assert asyncio.run(run()) == 1

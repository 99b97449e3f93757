"""A Star printer on USB or a serial line: plain statuses, none by itself until it is told to, answers in pieces."""

import asyncio

import pytest

from tillkeeper_drivers.api import Delivery, NotSent, OutcomeUnknown, PrintDocument, PulseDocument, Text
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.simulator.star.grammar import Splitter
from tillkeeper_drivers.star.printer import StarPrinter
from tillkeeper_drivers.star.profile import profile
from tillkeeper_drivers.transport.memory import Faults, MemoryTransport

QUICK = Deadlines(pace=0.1, connect=1, write=1, confirm=0.4, answer=0.3, maybe=0.1, poll=0.05, pin=0.3)
SLIP = PrintDocument("j", (Text("Table 4"), Text("2 x Burger")))


class Peer:
    """Written from the Line Mode manual's appendix. Attributes may be set at any time."""

    def __init__(self, *, document: bool = False) -> None:
        self._document = document
        self._splitter = Splitter()
        self.automatic = self.cover_open = self.pin_high = self.overflows = False
        self.counter = self.statuses = 0
        self.answers_etb = True
        self.text = b""
        self.kicks = 0

    def status(self) -> bytes:
        self.statuses += 1
        first = (0x28 if self.cover_open else 0) | (0x04 if self.pin_high else 0)
        third = 0x40 if self.overflows and self.text else 0
        return bytes((0x23, 0x06, first, 0, third, 0, 0, (self.counter & 7) << 1 | (self.counter >> 3) << 5, 0))

    def __call__(self, data: bytes) -> bytes:
        answer = b""
        for token in self._splitter.feed(data):
            if token.data == b"\x1b\x06\x01":
                answer += self.status()
            elif token.data[:3] == b"\x1b\x1ea":
                self.automatic = bool(token.data[3] & 1)
            elif token.data[:3] == b"\x1b\x1eE":
                self.counter = 0
            elif token.data == b"\x17" and self.answers_etb:
                self.counter = (self.counter + 1) % 32
                answer += self.status() if self.automatic else b""
            elif token.data[:3] == b"\x1b\x1d\x03" and self._document:
                answer += token.data + b"\x01\x00"
            elif token.data == b"\x07":
                self.kicks += 1
                self.pin_high = True
                answer += self.status() if self.automatic else b""
            elif token.kind == "text":
                self.text += token.data
                if self.overflows:
                    answer += self.status()
        return answer


def deliver(peer: Peer, model: str, faults: Faults | None = None, seed: int = 0, times: int = 1) -> list[Delivery]:
    async def run() -> list[Delivery]:
        printer = StarPrinter("bar", MemoryTransport(peer, faults, seed), profile(model), {2: "drawer"}, QUICK)
        return [await printer.deliver(SLIP, b"ab%02d" % n) for n in range(times)]

    return asyncio.run(run())


@pytest.mark.parametrize("model", ["tsp650ii", "mc-print3"])
def test_it_is_asked_once_then_reports_and_confirms(model: str) -> None:
    peer = Peer(document=model == "mc-print3")
    (delivery,) = deliver(peer, model)
    assert (delivery.how, delivery.by) == ("confirmed", "ESC GS ETX" if model == "mc-print3" else "Star ETB")
    assert peer.text == b"Table 42 x Burger"
    assert peer.automatic


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("model", ["tsp650ii", "mc-print3"])
def test_answers_in_pieces_and_late_confirm_the_same(model: str, seed: int) -> None:
    peer = Peer(document=model == "mc-print3")
    faults = Faults(split_reads=True, split_writes=True, delay_s=0.02)
    assert {delivery.how for delivery in deliver(peer, model, faults, seed, times=5)} == {"confirmed"}


def test_a_counter_that_never_counts_gets_no_document() -> None:
    peer = Peer()
    peer.answers_etb = False
    with pytest.raises(NotSent) as refused:
        deliver(peer, "tsp650ii")
    assert refused.value.reason == "busy"
    assert peer.text == b""


def test_silence_after_the_document_is_an_unknown_outcome_and_one_before_it_is_none() -> None:
    with pytest.raises(NotSent) as before:
        deliver(Peer(), "tsp650ii", Faults(lose=1.0))
    assert before.value.reason == "no_answer"
    for left in (40, 60):
        with pytest.raises(OutcomeUnknown):
            deliver(Peer(), "tsp650ii", Faults(reads_at_most=left))


def test_lost_answers_never_confirm_what_did_not_come() -> None:
    for seed in range(12):
        peer = Peer()
        try:
            (delivery,) = deliver(peer, "tsp650ii", Faults(lose=0.5), seed)
        except NotSent:
            assert peer.text == b""
        except OutcomeUnknown:
            continue
        else:
            assert delivery.how == "confirmed"
            assert peer.text == b"Table 42 x Burger"


def test_a_buffer_that_overflowed_is_no_document() -> None:
    peer = Peer()
    peer.overflows = True
    with pytest.raises(OutcomeUnknown, match="overflowed") as lost:
        deliver(peer, "tsp650ii")
    assert lost.value.reason == "lost"


def test_a_kick_is_seen_at_the_switch() -> None:
    async def run(peer: Peer) -> list[Delivery]:
        printer = StarPrinter("bar", MemoryTransport(peer), profile("tsp650ii"), {2: "drawer"}, QUICK)
        return [await printer.deliver(PulseDocument("j", 2, 20), b"ab%02d" % n) for n in range(2)]

    peer = Peer()
    first, second = asyncio.run(run(peer))
    assert (first.by, second.by) == ("drawer pin", "none")
    assert peer.kicks == 2


def test_the_second_drawer_s_kicks_are_as_far_apart_as_its_fixed_pulse_asks() -> None:
    async def run(on_ms: int) -> float:
        printer = StarPrinter("bar", MemoryTransport(Peer()), profile("tsp650ii"), {5: "drawer"}, QUICK)
        started = asyncio.get_running_loop().time()
        for n in range(2):
            await printer.deliver(PulseDocument("j", 5, on_ms), b"ab%02d" % n)
        return asyncio.get_running_loop().time() - started

    assert asyncio.run(run(20)) >= 5 * 0.2

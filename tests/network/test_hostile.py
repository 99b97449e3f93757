"""Floods of hostile bytes through the codecs into the engine: no wrong verdict, nothing that grows, no death.

The store is `virtual_wire`'s, on a virtual clock. Its own answers come as facts; what the enemy sends comes as bytes, is read
by the codecs and becomes a fact only where a shell would make one: an answer whose identifiers are those of an open question,
an ARP claim, an authentic beacon.
"""

import gc
import math
import random
import struct
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.network.test_beacon_codec import STATES
from tests.network.virtual_wire import OWN, OWN_MAC, ROUTER, ROUTER_MAC, START_S, Wire, setup_of

from tillkeeper.network import beacon, dns, frames, http, icmp, nd
from tillkeeper.network.model import (
    Address,
    AddressesSeen,
    ArpSeen,
    BeaconSeen,
    Fact,
    HostSeen,
    LinkSeen,
    NeighbourSeen,
    NotSent,
    PeerState,
    Replied,
    ResolversSeen,
    RoutesSeen,
    Stalled,
    UplinkSeen,
    Wifi,
)

KEY = b"the key of this store, 32 bytes."
PER_TURN, TURN_S = 60, 0.05
Maker = Callable[[random.Random], bytes]


class Ears:
    """Reads what the enemy sends, as a shell does."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.acceptor = beacon.Acceptor(KEY, wire.setup.register)
        self.facts = 0

    def hear(self, data: bytes) -> None:
        """As a frame, an ICMP packet, a beacon, an answer of DNS and of HTTP: whatever reads it."""
        wire = self.wire
        if (arp := frames.parse_arp(data)) is not None:
            wire.arp(arp.sender_address, arp.sender_mac, is_reply=arp.is_reply, target=arp.target_address)
            self.facts += 1
        nd.parse_frame(data)
        for answer in (icmp.parse(data[14:]), icmp.parse6(data[54:], "fd00::1")):
            if isinstance(answer, icmp.EchoReply):
                self._answered(answer.source, answer.identifier, answer.sequence, "reply")
            elif answer is not None:
                self._answered(answer.quoted.destination, answer.quoted.identifier, answer.quoted.sequence, "unreachable")
        if (state := self.acceptor.take(data[42:], wire.now_s)) is not None:
            wire.tell(BeaconSeen(at_s=wire.now_s, interface="eth0", mac="02:00:00:00:00:20", state=state))
            self.facts += 1
        dns.parse(data[42:], self._open("dns"), "hq.example", "A")
        http.parse_head(data[54:])

    def _open(self, way: str) -> int:
        """The identifier of the last question of this kind: scattered, as a shell's chance would."""
        number = next((probe.number for _, probe in reversed(self.wire.probes[-50:]) if probe.way == way), 0)
        return number * 40_503 & 0xFFFF

    def _answered(self, address: str, identifier: int, sequence: int, answer: str) -> None:
        for _, probe in self.wire.probes[-50:]:
            scattered = probe.number * 2_654_435_761
            if (address, identifier, sequence) == (probe.target.address, scattered & 0xFFFF, scattered >> 16 & 0xFFFF):
                now_s = self.wire.now_s
                self.wire.tell(Replied(number=probe.number, at_s=now_s, rtt_ms=1, answer=answer, address=address))  # type: ignore[arg-type]
                self.facts += 1


def ipv4(protocol: int, payload: bytes, source: str = ROUTER) -> bytes:
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0)
    addresses = b"".join(bytes(map(int, text.split("."))) for text in (source, OWN))
    link = bytes.fromhex((OWN_MAC + ROUTER_MAC).replace(":", "")) + b"\x08\0"
    return link + header + addresses + payload


def signed(message: bytes) -> bytes:
    return message[:2] + icmp.checksum(message[:2] + b"\0\0" + message[4:]).to_bytes(2, "big") + message[4:]


def udp(port: int, payload: bytes) -> bytes:
    return ipv4(17, struct.pack("!HHHH", port, port, 8 + len(payload), 0) + payload)


def claims(chance: random.Random) -> bytes:
    """Of hosts that are not there, neither the gateway nor this register."""
    return frames.arp_request(f"02:00:66:00:00:{chance.randrange(256):02x}", f"192.168.1.{chance.randrange(100, 250)}", OWN)


def stumps(chance: random.Random) -> bytes:
    whole = frames.arp_request(ROUTER_MAC, ROUTER, OWN)
    return whole[: chance.randrange(42)] if chance.random() < 0.5 else whole[:14] + chance.randbytes(chance.randrange(80))


def replies(chance: random.Random) -> bytes:
    """Echo replies of the router's to nobody's question."""
    return ipv4(
        1, signed(struct.pack("!BBHHH", 0, 0, 0, chance.randrange(65_536), chance.randrange(65_536)) + chance.randbytes(8))
    )


def errors(chance: random.Random) -> bytes:
    """The router says that all is unreachable, and quotes what we never sent, or nonsense."""
    target = chance.choice((b"\x01\x01\x01\x01", b"\x08\x08\x08\x08", chance.randbytes(4)))
    inner = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 36, 1, 0, 1, chance.choice((1, 6, 17, 47)), 0, bytes((192, 168, 1, 10)), target
    )
    quoted = inner + chance.choice((b"\x08\0", chance.randbytes(2))) + chance.randbytes(6)
    cut = quoted[: chance.choice((len(quoted), chance.randrange(len(quoted))))]
    return ipv4(1, signed(struct.pack("!BBHI", chance.choice((3, 11)), chance.randrange(16), 0, 0) + cut))


def forged_beacons(chance: random.Random) -> bytes:
    whole = beacon.seal(_state("till9", chance.randrange(2**30)), KEY)
    choice = chance.randrange(4)
    if choice == 0:
        return udp(7467, beacon.seal(_state("till9", 5), KEY[::-1]))
    if choice == 1:
        return udp(7467, beacon.head(KEY) + chance.randbytes(chance.randrange(1000)))
    if choice == 2:
        return udp(7467, beacon.seal(_state("front", chance.randrange(2**30)), KEY))
    return udp(7467, whole[:24] + bytes((whole[24] ^ 1,)) + whole[25:])


def forged_answers(chance: random.Random) -> bytes:
    """Of the resolver, to an identifier that was guessed, with pointers into themselves."""
    question = dns.query(chance.randrange(65_536), "hq.example", "A")
    return udp(53, question[:2] + b"\x81\x80\0\1\xff\xff\0\0\0\0" + question[12:] + b"\xc0\x0c" * chance.randrange(400))


def advertisements(chance: random.Random) -> bytes:
    whole = nd.solicitation(ROUTER_MAC, "fe80::1", "fe80::10")
    return whole[:54] + bytes((chance.randrange(133, 137),)) + whole[55 : chance.randrange(56, 90)] + chance.randbytes(8)


def noise(chance: random.Random) -> bytes:
    return chance.randbytes(chance.randrange(1500))


KINDS: tuple[Maker, ...] = (claims, stumps, replies, errors, forged_beacons, forged_answers, advertisements, noise)


def _state(register: str, sequence: int, run: int = 1 << 40) -> PeerState:
    return PeerState(
        register=register, session=run, sequence=sequence, address="192.168.1.29", columns={"gateway": "no", "carrier": "yes"},
        phase="confirmed", faults=("router_dead", "router_cable"),
    )  # fmt: skip


def drench(wire: Wire, ears: Ears, makers: tuple[Maker, ...], seconds: float, seed: int = 5) -> None:
    chance = random.Random(seed)
    made = [maker(chance) for maker in makers for _ in range(300)]
    chance.shuffle(made)
    for turn in range(round(seconds / TURN_S)):
        wire.run(TURN_S)
        for n in range(PER_TURN):
            ears.hear(made[(turn * PER_TURN + n) % len(made)])


def calm(*, peers: int = 2) -> tuple[Wire, Ears]:
    wire = Wire(setup_of(), peers=peers).start()
    wire.run(15)
    assert wire.report.verdict.phase == "fine", "or this test tests nothing"
    return wire, Ears(wire)


@pytest.mark.parametrize("maker", KINDS, ids=lambda maker: maker.__name__)
def test_a_flood_on_a_healthy_network_changes_no_verdict(maker: Maker) -> None:
    wire, ears = calm()
    before = len(wire.reports)
    drench(wire, ears, (maker,), 8)
    assert {report.verdict.phase for report in wire.reports[before:]} == {"fine"}
    assert {report.verdict.also for report in wire.reports[before:]} == {()}
    assert ears.facts > 0 or maker is not claims, "or this test tests nothing"
    assert ears.facts == 0 or maker is claims, "nothing else may become a fact"


@pytest.mark.parametrize("maker", KINDS, ids=lambda maker: maker.__name__)
def test_a_flood_neither_hides_a_dead_router_nor_names_another_fault(maker: Maker) -> None:
    wire, ears = calm()
    quiet, _ = calm()
    for one in (wire, quiet):
        one.cut.add("router")
        one.run(0.2)
    before = len(wire.reports)
    drench(wire, ears, (maker,), 6)
    quiet.run(6)
    assert quiet.report.verdict.phase == "confirmed"
    assert "router_dead" in quiet.report.verdict.faults
    assert wire.report.verdict == quiet.report.verdict, "the same, in the same moment"
    confirmed = {report.verdict.faults for report in wire.reports[before:] if report.verdict.phase == "confirmed"}
    assert confirmed <= {report.verdict.faults for report in quiet.reports}


def test_whoever_speaks_for_the_gateway_is_named_and_nothing_else_is() -> None:
    """Gratuitous ARP of the gateway's address from a stranger, again and again, while the router answers."""
    wire, ears = calm()
    before = len(wire.reports)
    drench(wire, ears, (lambda _: frames.arp_request("02:00:66:00:00:66", ROUTER, ROUTER),), 6)
    verdicts = {(report.verdict.phase, report.verdict.faults) for report in wire.reports[before:]}
    assert wire.report.verdict.faults == ("gateway_spoofed",)
    assert verdicts <= {("fine", ()), ("suspect", ("gateway_spoofed",)), ("confirmed", ("gateway_spoofed",))}
    wire.run(25)
    assert wire.report.verdict.phase == "fine", "it is over when it is over"


def test_strangers_without_number_who_speak_for_the_gateway_are_not_taken_for_an_outage() -> None:
    wire, ears = calm()
    before = len(wire.reports)

    def spoof(chance: random.Random) -> bytes:
        return frames.arp_request(f"02:00:66:00:{chance.randrange(256):02x}:{chance.randrange(256):02x}", ROUTER, ROUTER)

    drench(wire, ears, (spoof,), 6)
    assert {fault for report in wire.reports[before:] for fault in report.verdict.faults} <= {
        "gateway_spoofed",
        "gateway_replaced",
    }


def test_the_enemy_makes_the_register_send_no_more_arp_than_it_may() -> None:
    wire, ears = calm()

    def spoof(chance: random.Random) -> bytes:
        return frames.arp_request(f"02:00:66:00:00:{chance.randrange(256):02x}", chance.choice((ROUTER, OWN)), ROUTER)

    began = len(wire.probes)
    drench(wire, ears, (spoof, claims), 10)
    sent_s = [at_s for at_s, probe in wire.probes[began:] if probe.way in ("arp", "nd")]
    busiest = max(sum(1 for other_s in sent_s if at_s <= other_s < at_s + 1.0) for at_s in sent_s)
    assert busiest <= 8


def test_recorded_beacons_make_no_register_live_on() -> None:
    wire, ears = calm(peers=0)
    recorded = []
    for sequence in range(20):
        data = udp(7467, beacon.seal(_state("till7", sequence), KEY))
        recorded.append(data)
        ears.hear(data)
        wire.run(1.0)
    assert [peer.register for peer in wire.report.evidence.peers] == ["till7"]
    for _ in range(30):
        for data in recorded:
            ears.hear(data)
        wire.run(0.5)
    assert wire.report.evidence.peers == ()
    assert ears.acceptor.refused["replayed"] == 600


def test_a_long_flood_leaves_no_memory_behind() -> None:
    wire, ears = calm()
    drench(wire, ears, KINDS, 4, seed=1)

    def forget() -> None:
        """The test's own records."""
        del wire.reports[:-1], wire.probes[:-50], wire.beacons[:]

    forget()
    gc.collect()
    tracemalloc.start()
    try:
        drench(wire, ears, KINDS, 2, seed=2)
        forget()
        gc.collect()
        first = tracemalloc.get_traced_memory()[0]
        drench(wire, ears, KINDS, 12, seed=3)
        forget()
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - first
    finally:
        tracemalloc.stop()
    assert grown < 256 * 1024


# --- facts that a broken shell, kernel or peer could tell ---

ODD_TIMES = st.sampled_from((0.0, START_S, START_S + 1, 1e300, -1e300, math.inf, -math.inf, math.nan)) | st.floats(-10, 2e4)
ODD_TEXTS = st.sampled_from(
    ("", "eth0", ROUTER, OWN, "::", "fe80::1%eth0", "999.1.1.1", "\0", "x" * 5000, "ф", ROUTER_MAC, OWN_MAC)
)
ODD_FLOATS = st.floats() | st.sampled_from((0.0, -1.0, 1e308))
NUMBERS = st.integers(-5, 400) | st.just(2**70)
TRIS = st.sampled_from(("yes", "no", "unknown"))
ADDRESSES = st.builds(Address, family=st.sampled_from(("ipv4", "ipv6")), address=ODD_TEXTS, prefix=st.integers(-1, 200))
FACTS: st.SearchStrategy[Fact] = st.one_of(
    st.builds(
        Replied, number=NUMBERS, at_s=ODD_TIMES, rtt_ms=ODD_FLOATS, mac=ODD_TEXTS, address=ODD_TEXTS, detail=ODD_TEXTS,
        clock_ahead_s=ODD_FLOATS | st.none(),
        answer=st.sampled_from(("reply", "refused", "unreachable", "redirected", "wrong")),
    ),
    st.builds(NotSent, number=NUMBERS, at_s=ODD_TIMES, error=st.sampled_from(("EHOSTUNREACH", "ENOBUFS", "", "x"))),
    st.builds(LinkSeen, at_s=ODD_TIMES, interface=ODD_TEXTS, carrier=TRIS, admin_up=st.booleans(), mac=ODD_TEXTS,
              wireless=st.booleans(), gone=st.booleans()),
    st.builds(AddressesSeen, at_s=ODD_TIMES, interface=ODD_TEXTS, addresses=st.lists(ADDRESSES, max_size=5).map(tuple)),
    st.builds(RoutesSeen, at_s=ODD_TIMES, interface=ODD_TEXTS,
              gateways=st.dictionaries(st.sampled_from(("ipv4", "ipv6")), ODD_TEXTS)),
    st.builds(NeighbourSeen, at_s=ODD_TIMES, interface=ODD_TEXTS, address=ODD_TEXTS, mac=ODD_TEXTS),
    st.builds(ArpSeen, at_s=ODD_TIMES, interface=ODD_TEXTS, sender_address=ODD_TEXTS, sender_mac=ODD_TEXTS,
              target_address=ODD_TEXTS, is_reply=st.booleans()),
    st.builds(ResolversSeen, at_s=ODD_TIMES, addresses=st.lists(ODD_TEXTS, max_size=5).map(tuple),
              cached=st.dictionaries(ODD_TEXTS, st.lists(ODD_TEXTS, max_size=3).map(tuple), max_size=3)),
    st.builds(UplinkSeen, at_s=ODD_TIMES, ok_at_s=ODD_TIMES | st.none(), failed_at_s=ODD_TIMES | st.none(), trouble=ODD_TEXTS,
              beat_s=ODD_FLOATS),
    st.builds(HostSeen, at_s=ODD_TIMES, interface=ODD_TEXTS, rx_packets_per_s=ODD_FLOATS, tx_packets_per_s=ODD_FLOATS,
              cpu_percent=ODD_FLOATS, wifi=st.builds(Wifi, associated=TRIS, signal_dbm=ODD_FLOATS | st.none()) | st.none()),
    st.builds(Stalled, from_s=ODD_TIMES, to_s=ODD_TIMES),
    st.builds(BeaconSeen, at_s=ODD_TIMES, interface=ODD_TEXTS, mac=ODD_TEXTS, state=STATES),
)  # fmt: skip


@given(st.lists(st.tuples(st.lists(FACTS, max_size=4), st.sampled_from((0.02, 0.1, 0.4, 3.0))), max_size=12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_no_fact_makes_the_engine_raise_or_stand_still(story: list[tuple[list[Fact], float]]) -> None:
    wire = Wire(setup_of(), peers=1).start()
    wire.run(2)
    for facts, pause_s in story:
        for fact in facts:
            wire.tell(fact)
        assert START_S <= wire.engine.next_at_s() < wire.now_s + 1.0
        wire.run(pause_s)
    wire.start()
    wire.run(4)
    assert math.isfinite(wire.report.at_s)
    assert wire.report.at_s > wire.now_s - 2.0

"""Any facts in any order, floods, and rubbish: the engine never raises, never grows, never spins."""

import gc
import random
import tracemalloc

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.network.virtual_wire import OWN, ROUTER, START_S, Wire, setup_of, targets

from tillkeeper.network.engine import Engine
from tillkeeper.network.model import (
    Address,
    AddressesSeen,
    ArpSeen,
    BeaconSeen,
    DevicesSeen,
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
    Target,
    UplinkSeen,
    Wifi,
)

times = st.floats(allow_nan=True, allow_infinity=True) | st.floats(START_S - 5, START_S + 60)
texts = st.sampled_from(["", ROUTER, OWN, "10.0.0.1", "fe80::1", "2001:db8::10", "nonsense", "169.254.1.1", "1.1.1.1", "\x00é"])
macs = st.sampled_from(["", "02:00:00:00:00:01", "02:00:00:00:00:66", "00:00:5e:00:01:01", "ff:ff:ff:ff:ff:ff", "zz"])
numbers = st.integers(0, 60)
families = st.sampled_from(["ipv4", "ipv6"])
tri = st.sampled_from(["yes", "no", "unknown"])
floats = st.floats(allow_nan=True, allow_infinity=True)
addresses = st.builds(Address, family=families, address=texts, prefix=st.integers(-1, 200))
peers = st.builds(
    PeerState, register=texts, session=numbers, sequence=numbers, address=texts,
    phase=st.sampled_from(["fine", "suspect", "confirmed"]),
    columns=st.dictionaries(st.sampled_from(["carrier", "gateway", "anycast"]), tri, max_size=3),
    faults=st.lists(st.sampled_from(["router_dead", "what"]), max_size=2).map(tuple), gateway_mac=macs,
)  # fmt: skip
devices = st.builds(
    Target, name=texts.map("printer:{}".format), role=st.sampled_from(["printer", "display", "hq"]), family=families,
    address=texts, ways=st.sampled_from([("echo", "arp"), ("echo", "nd"), ()]),
)  # fmt: skip
facts = st.one_of(
    st.builds(
        Replied, number=numbers, at_s=times, rtt_ms=floats, mac=macs, address=texts, detail=texts,
        answer=st.sampled_from(["reply", "refused", "unreachable", "redirected", "wrong"]), clock_ahead_s=st.none() | floats,
    ),
    st.builds(NotSent, number=numbers, at_s=times, error=st.sampled_from(["EHOSTUNREACH", "ENETDOWN", "EPERM", "?"])),
    st.builds(
        LinkSeen, at_s=times, interface=texts, carrier=tri, admin_up=st.booleans(), mac=macs, wireless=st.booleans(),
        gone=st.booleans(),
    ),
    st.builds(AddressesSeen, at_s=times, interface=texts, addresses=st.lists(addresses, max_size=4).map(tuple)),
    st.builds(RoutesSeen, at_s=times, interface=texts, gateways=st.dictionaries(families, texts, max_size=2)),
    st.builds(NeighbourSeen, at_s=times, interface=texts, address=texts, mac=macs),
    st.builds(
        ArpSeen, at_s=times, interface=texts, sender_address=texts, sender_mac=macs, target_address=texts,
        is_reply=st.booleans(),
    ),
    st.builds(
        ResolversSeen, at_s=times, addresses=st.lists(texts, max_size=3).map(tuple),
        cached=st.dictionaries(texts, st.lists(texts, max_size=2).map(tuple), max_size=3),
    ),
    st.builds(
        UplinkSeen, at_s=times, ok_at_s=st.none() | times, failed_at_s=st.none() | times, beat_s=floats,
        trouble=st.sampled_from(["", "timeout", "redirected", "garbage", "server_error", "what"]),
    ),
    st.builds(
        HostSeen, at_s=times, interface=texts, rx_packets_per_s=floats, tx_packets_per_s=floats, cpu_percent=floats,
        wifi=st.none() | st.builds(Wifi, associated=tri, signal_dbm=st.none() | floats),
    ),
    st.builds(Stalled, from_s=times, to_s=times),
    st.builds(BeaconSeen, at_s=times, interface=texts, mac=macs, state=peers),
    st.builds(DevicesSeen, at_s=times, targets=st.lists(devices, max_size=3).map(tuple)),
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(st.tuples(facts, st.sampled_from([0.0, 0.01, 0.1, 0.3, 2.0])), max_size=60), st.booleans())
def test_any_facts_in_any_order_never_raise_and_never_spin(story: list[tuple[Fact, float]], both: bool) -> None:
    setup = setup_of(families=("ipv4", "ipv6") if both else ("ipv4",), targets=targets(family6=both), beacons=True)
    engine, now_s = Engine(setup, START_S), START_S
    engine.take(LinkSeen(at_s=now_s, interface="eth0", carrier="yes", admin_up=True, mac="02:00:00:00:00:10"))
    for fact, wait_s in story:
        engine.take(fact)
        now_s += wait_s
        engine.step(now_s)
        assert now_s < engine.next_at_s() <= now_s + 0.2 or engine.next_at_s() == now_s
    steps, begun_s = 0, now_s
    while now_s < begun_s + 1.0:
        now_s = max(now_s, engine.next_at_s())
        engine.step(now_s)
        steps += 1
        assert steps <= 200


def flood(engine: Engine, now_s: float, number: int) -> list[Fact]:
    chance = random.Random(number)
    mac = ":".join(f"{chance.randrange(256):02x}" for _ in range(6))
    address = f"192.168.1.{chance.randrange(256)}"
    state = PeerState(register=f"x{number}", session=1, sequence=number, address=address, columns={}, phase="suspect")
    return [
        ArpSeen(at_s=now_s, interface="eth0", sender_address=ROUTER, sender_mac=mac, target_address=OWN, is_reply=True),
        ArpSeen(at_s=now_s, interface="eth0", sender_address=OWN, sender_mac=mac, target_address=OWN, is_reply=False),
        NeighbourSeen(at_s=now_s, interface="eth0", address=ROUTER, mac=mac),
        BeaconSeen(at_s=now_s, interface="eth0", mac=mac, state=state),
        ResolversSeen(at_s=now_s, addresses=(address,), cached={f"h{number}.example": (address,) * 50}),
        Replied(number=number, at_s=now_s, rtt_ms=1.0, answer="unreachable", address=address, detail="x" * 5_000),
        UplinkSeen(at_s=now_s, ok_at_s=None, failed_at_s=now_s, trouble="x" * 100),
    ]


def test_floods_of_facts_keep_memory_and_the_number_of_questions_bounded() -> None:
    wire = Wire(setup_of(), peers=2).start()
    wire.run(5.0)
    engine = wire.engine
    sizes = []
    tracemalloc.start()
    for turn in range(6):
        for number in range(1_500):
            for fact in flood(engine, wire.now_s, turn * 1_500 + number):
                engine.take(fact)
            if number % 50 == 0:
                wire.now_s = max(wire.now_s, engine.next_at_s())
                assert len(engine.step(wire.now_s).probes) <= 40
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes[-1] - sizes[1] < 300_000
    wire.run(3.0)
    assert len(engine.known.peers) <= 64


def test_a_day_of_calm_and_loss_does_not_grow() -> None:
    wire = Wire(setup_of(), peers=2).start()
    wire.run(60.0)
    wire.loss = {"lan": 0.05}
    sizes = []
    tracemalloc.start()
    for _ in range(4):
        wire.run(60.0)
        wire.probes.clear()
        wire.reports.clear()
        wire.beacons.clear()
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes[-1] - sizes[1] < 150_000

"""What is learned of each way of asking: which works, how long it takes, when it is tried again."""

import pytest
from tests.network.virtual_wire import ROUTER, START_S, Wire, setup_of

from tillkeeper.network.capabilities import LAN_MIN_MS, LAN_MOST_MS, WAN_MOST_MS, Path
from tillkeeper.network.model import Target


def path_of(*, wan: bool = False) -> Path:
    return Path(Target(name="x", role="anycast", family="ipv4", address="1.1.1.1", ways=("echo",), wan=wan), "echo", "", 0.0)


def asked(wire: Wire, name: str, way: str, since_s: float = START_S) -> int:
    return sum(1 for at_s, probe in wire.probes if at_s >= since_s and probe.target.name == name and probe.way == way)


def test_a_gateway_that_drops_echoes_is_watched_by_its_time_exceeded_and_not_taken_for_dead() -> None:
    wire = Wire(setup_of(), peers=1)
    wire.dropped_ways = {("router", "echo")}
    wire.start()
    wire.run(30.0)
    assert wire.report.verdict.phase == "fine"
    assert {report.verdict.faults for report in wire.reports} == {()}
    assert wire.column("router") == "yes"
    assert asked(wire, "gateway:hop", "hop", START_S + 10) >= 10
    assert asked(wire, "gateway", "echo", START_S + 10) <= 3
    wire.cut = {"router"}
    assert wire.run(6.0, lambda report: report.verdict.phase == "confirmed") is not None
    assert "router_dead" in wire.report.verdict.faults


def test_time_exceeded_is_never_asked_for_faster_than_routers_allow() -> None:
    wire = Wire(setup_of(), peers=1)
    wire.dropped_ways = {("router", "echo"), ("hop2", "echo")}
    wire.start()
    wire.run(10.0)
    wire.cut = {"internet"}
    wire.run(20.0)
    for name in ("gateway:hop", "hop2"):
        times = [at_s for at_s, probe in wire.probes if probe.target.name == name]
        for begun_s in times:
            assert sum(1 for at_s in times if begun_s <= at_s < begun_s + 10.0) <= 4 + 0.8 * 10 + 1


def test_a_second_hop_that_answers_echoes_is_asked_by_them() -> None:
    wire = Wire(setup_of()).start()
    wire.run(15.0)
    assert wire.report.evidence.columns["hop2"].detail == wire.hop2
    direct = [probe for _, probe in wire.probes if probe.target.name == "hop2:direct"]
    assert {probe.target.address for probe in direct} == {wire.hop2}


def test_anycast_that_answers_no_echo_is_asked_otherwise() -> None:
    wire = Wire(setup_of()).start()
    wire.dropped_ways = {("anycast", "echo")}
    wire.run(40.0)
    assert wire.column("anycast") == "yes"
    assert wire.report.verdict.phase == "fine"


@pytest.mark.parametrize("answer", ["refused"])
def test_a_refused_connection_shows_a_living_host(answer: str) -> None:
    wire = Wire(setup_of()).start()
    wire.dropped_ways = {("anycast", "echo"), ("anycast", "dns")}
    wire.answers["anycast"] = answer  # type: ignore[assignment]
    wire.run(40.0)
    assert wire.column("anycast") == "yes"


def test_time_outs_follow_what_was_learned_within_their_bounds() -> None:
    near = path_of()
    for _ in range(30):
        near.answered += 1
        near.took(0.4)
    assert near.timeout_ms() == LAN_MIN_MS
    for _ in range(30):
        near.took(60.0)
    assert LAN_MIN_MS < near.timeout_ms() <= LAN_MOST_MS
    far = path_of(wan=True)
    assert far.timeout_ms() == WAN_MOST_MS
    for _ in range(50):
        far.answered += 1
        far.took(900.0)
    assert far.timeout_ms() == WAN_MOST_MS


def test_a_slow_spell_is_not_learned_as_usual_and_a_quick_answer_is_at_once() -> None:
    path = path_of()
    for _ in range(30):
        path.answered += 1
        path.took(10.0)
    for _ in range(100):
        path.answered += 1
        path.took(200.0)
    assert path.usual_ms is not None
    assert path.usual_ms < 12.0
    first = path_of()
    first.took(500.0)
    for _ in range(7):
        first.answered += 1
        first.took(10.0)
    assert first.usual_ms is not None
    assert first.usual_ms < 50.0


def test_targets_that_were_learned_are_asked_in_time_and_reported() -> None:
    wire = Wire(setup_of(), peers=3).start()
    wire.run(20.0)
    states = {(state.name, state.way): state for state in wire.report.targets}
    gateway = states["gateway", "echo"]
    assert gateway.works == "yes"
    assert gateway.address == ROUTER
    assert 0 < gateway.answered <= gateway.sent
    assert states["gateway", "arp"].mac
    assert gateway.run == 0
    assert gateway.answered_s is not None
    assert 0 <= wire.report.at_s - gateway.answered_s < 1
    wire.cut = {"router"}
    wire.run(6.0)
    cut = next(state for state in wire.report.targets if (state.name, state.way) == ("gateway", "echo"))
    assert cut.run >= 3
    assert cut.answered_s is not None
    assert wire.report.at_s - cut.answered_s > 4
    assert sum(1 for name, _ in states if name.startswith("peer:")) == 4  # two peers, two ways each

"""The virtual network shows, for each fault, the row that the table in docs/network.md gives it."""

import pytest
from tests.netsim.fake import AskingEngine
from tests.netsim.faults import BY_NAME
from tests.netsim.simulation import Simulation
from tests.netsim.store import ATTACKER_MAC, NEW_GATEWAY_MAC, TWIN_MAC, Store

from tillkeeper.network.model import ArpSeen, BeaconSeen, LinkSeen, Replied

COLUMNS = ("C", "B", "Ag", "As", "Ap", "R", "T2", "X", "D", "D'", "H", "S")
# "-": follows from a 0 to its left, "*": either. D and D' stand for what is learned there, SERVFAIL is no answer.
TABLE = {
    "cable": "0 - - - - - - - - - - -",
    "switch without power": "0 - - - - - - - - - - -",
    "own port": "1 0 0 0 0 - - - - - - -",
    "switch hung": "1 0 0 0 0 - - - - - - -",
    "NIC receive dead": "1 0 0 0 0 - - - - - - -",
    "NIC transmit dead": "1 1 0 0 0 - - - - - - -",
    "router dead": "1 1 0 1 1 0 - - - - - -",
    "cable router-switch": "1 1 0 1 1 0 - - - - - -",
    "router hung": "1 1 1 1 1 0 - - - - - -",
    "router forwards nothing": "1 1 1 1 1 1 0 0 - - - -",
    "modem": "1 1 1 1 1 1 0 0 - - - -",
    "ISP access": "1 1 1 1 1 1 0 0 - - - -",
    "ISP upstream": "1 1 1 1 1 1 1 0 - - - -",
    "own resolver": "1 1 1 1 1 1 1 1 0 1 * *",
    "own resolver says SERVFAIL": "1 1 1 1 1 1 1 1 0 1 * *",
    "DNS blocked": "1 1 1 1 1 1 1 1 0 0 * *",
    "captive portal, echo blocked": "1 1 1 1 1 1 1 0 * * redirected 0",
    "captive portal, echo free": "1 1 1 1 1 1 1 1 * * redirected 0",
    "HQ silent": "1 1 1 1 1 1 1 1 1 1 1 0",
    "HQ refuses connections": "1 1 1 1 1 1 1 1 1 1 1 0",
    "path to HQ silent": "1 1 1 1 1 1 1 1 1 1 1 0",
    "path to HQ says unreachable": "1 1 1 1 1 1 1 1 1 1 1 0",
}
BEGAN_S, SEEN_S = 3.0, 6.0


def _row(engine: AskingEngine, from_s: float) -> dict[str, str]:
    """Which columns were answered after `from_s`."""

    def answers(*names: str) -> set[str]:
        """Those that count as one; an echo alone is no DNS answer."""
        return {one.answer for name in names for one in engine.replies[name] if one.at_s > from_s}

    def yes(*names: str) -> str:
        return "1" if "reply" in answers(*names) else "0"

    links = [fact for fact in engine.heard if isinstance(fact, LinkSeen)]
    beacons = [fact for fact in engine.heard if isinstance(fact, BeaconSeen) and fact.at_s > from_s]
    portal = answers("portal/http")
    return {
        "C": "1" if links[-1].carrier == "yes" else "0",
        "B": "1" if beacons else "0",
        "Ag": yes("gateway:ipv4/arp"),
        "As": yes("switch/arp"),
        "Ap": yes("peer:1:ipv4/arp", "printer:grill/arp"),
        "R": yes("gateway:ipv4/echo"),
        "T2": yes("hop2:ipv4/hop"),
        "X": yes("anycast:1.1.1.1/echo"),
        "D": yes("resolver:ipv4/dns"),
        "D'": yes("other:ipv4/dns"),
        "H": "1" if portal == {"reply"} else "redirected" if portal == {"redirected"} else "0",
        "S": yes("hq/tls"),
    }


@pytest.mark.parametrize("name", TABLE)
def test_each_fault_shows_the_row_of_the_table_and_heals(name: str) -> None:
    fault = BY_NAME[name]
    sim = Simulation(Store(registers=3, managed=True), AskingEngine, seed=7)
    engine = sim.machines[0].engine
    assert isinstance(engine, AskingEngine)
    offset_s = sim.machines[0].offset_s
    sim.run(BEGAN_S)
    healthy = dict.fromkeys(COLUMNS, "1")
    assert _row(engine, 0.0) == healthy
    fault.begin(sim)
    sim.run(SEEN_S)
    row = _row(engine, offset_s + BEGAN_S + 0.5)
    expected = dict(zip(COLUMNS, TABLE[name].split(), strict=True))
    hidden = {"-": "0"}
    for column, wanted in expected.items():
        if wanted != "*":
            assert row[column] == hidden.get(wanted, wanted), (column, row)
    fault.end(sim)
    sim.run(SEEN_S + 3.0)
    assert _row(engine, offset_s + SEEN_S + 0.5) == healthy


def test_two_owners_of_an_address_both_answer() -> None:
    sim = Simulation(Store(), AskingEngine, seed=3)
    engine = sim.machines[0].engine
    assert isinstance(engine, AskingEngine)
    sim.run(2.0)
    assert engine.replies["self:ipv4/arp"] == []
    sim.world.mode("twin0")
    sim.world.mode("spoofed")
    sim.run(4.0)
    assert {one.mac for one in engine.replies["self:ipv4/arp"]} == {TWIN_MAC}
    assert ATTACKER_MAC in {fact.sender_mac for fact in engine.heard if isinstance(fact, ArpSeen)}


def test_a_replaced_gateway_answers_under_its_new_mac_only() -> None:
    sim = Simulation(Store(), AskingEngine, seed=3)
    engine = sim.machines[0].engine
    assert isinstance(engine, AskingEngine)
    sim.run(2.0)
    BY_NAME["gateway replaced"].begin(sim)
    sim.run(4.0)
    late = [one.mac for one in engine.replies["gateway:ipv4/arp"] if one.at_s > sim.machines[0].offset_s + 2.2]
    assert set(late) == {NEW_GATEWAY_MAC}


@pytest.mark.parametrize(
    ("part", "touched", "clean"),
    [
        ("cable0", ("gateway:ipv4/echo", "printer:grill/echo"), ()),
        ("router_cable", ("gateway:ipv4/echo", "anycast:1.1.1.1/echo"), ("printer:grill/echo",)),
        ("access", ("hop2:ipv4/hop", "anycast:1.1.1.1/echo"), ("gateway:ipv4/echo",)),
        ("upstream", ("anycast:1.1.1.1/echo",), ("hop2:ipv4/hop", "gateway:ipv4/echo")),
    ],
)
def test_loss_begins_at_its_layer_and_has_the_share_that_was_asked_for(
    part: str, touched: tuple[str, ...], clean: tuple[str, ...]
) -> None:
    sim = Simulation(Store(icmp_limit=False), AskingEngine, seed=11)
    engine = sim.machines[0].engine
    assert isinstance(engine, AskingEngine)
    sim.world.lose(part, 0.2)
    sim.run(200.0)
    for name in touched:
        answered = sum(1 for one in engine.replies[name] if isinstance(one, Replied)) / engine.sent[name]
        assert 0.77 < answered < 0.83, name
    for name in clean:
        assert len(engine.replies[name]) >= engine.sent[name] - 3, name


def test_a_stalled_process_gets_late_what_the_kernel_kept_and_a_sleeping_machine_nothing() -> None:
    sim = Simulation(Store(registers=2), AskingEngine, seed=5)
    engine = sim.machines[0].engine
    assert isinstance(engine, AskingEngine)
    sim.run(2.0)
    heard = len(engine.heard)
    sim.stall(0, 1.0)
    sim.run(2.9)
    assert len(engine.heard) == heard
    sim.run(3.1)
    kept = [fact for fact in engine.heard[heard:] if isinstance(fact, BeaconSeen)]
    assert kept
    assert all(fact.at_s < sim.machines[0].offset_s + 3.1 for fact in kept)
    heard = len(engine.heard)
    sim.suspend(0, 5.0)
    sim.run(8.0)
    assert not [fact for fact in engine.heard[heard:] if isinstance(fact, BeaconSeen)]
    sim.run(14.0)
    assert [fact for fact in engine.heard[heard:] if isinstance(fact, BeaconSeen)]


def test_the_same_seed_gives_the_same_day() -> None:
    def day(seed: int) -> list[int]:
        sim = Simulation(Store(registers=2), AskingEngine, seed=seed)
        sim.world.lose("cable0", 0.3)
        sim.run(5.0)
        return [len(machine.engine.facts) for machine in sim.machines]  # type: ignore[attr-defined]

    assert day(1) == day(1)
    assert day(1) != day(2)

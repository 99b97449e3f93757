"""Two other devices with one address: a laptop with the printer's. Through the engine, on a virtual clock."""

from itertools import pairwise

import pytest
from tests.network.virtual_wire import ROUTER_MAC, START_S, Wire, setup_of, targets

from tillkeeper.config.network import Links
from tillkeeper.network.model import Target
from tillkeeper.network.twins import EVERY_S, HELD_TIMES, MOST, Twins
from tillkeeper.network.words import say

PRINTER, PRINTER_MAC, LAPTOP_MAC = "192.168.1.50", "02:00:00:00:01:50", "02:00:00:00:66:66"


def store(**changes: object) -> Wire:
    wire = Wire(setup_of(**changes), peers=2).start()
    wire.run(20.0)
    return wire


def told(wire: Wire) -> list[str]:
    return [code for code in wire.report.verdict.also if code.startswith("duplicate_device")]


def test_a_laptop_with_the_printers_address_is_named_and_forgotten_when_it_leaves() -> None:
    wire = store()
    wire.macs[PRINTER] = [PRINTER_MAC, LAPTOP_MAC]
    assert wire.run(3 * EVERY_S, lambda report: "duplicate_device:0" in report.verdict.also) is not None
    assert wire.report.verdict.phase == "fine"
    words = say(wire.report.verdict, wire.report.evidence, Links(), "front")
    assert PRINTER_MAC in words.also[0].text
    assert LAPTOP_MAC in words.also[0].text
    assert '"0"' in words.also[0].text
    wire.macs[PRINTER] = [PRINTER_MAC]
    assert wire.run(4 * EVERY_S, lambda report: not report.verdict.also) is not None


def test_what_others_say_of_themselves_counts_where_only_the_known_one_answers() -> None:
    wire = store()
    for _ in range(3):  # as a laptop does that looks for its router: its requests name its address
        wire.arp(PRINTER, LAPTOP_MAC)
        wire.run(EVERY_S + 5.0)
    assert told(wire) == ["duplicate_device:0"]


def test_a_printer_that_was_replaced_is_no_twin() -> None:
    wire = store()
    wire.macs[PRINTER] = [LAPTOP_MAC]
    wire.run(5 * EVERY_S)
    assert not any("duplicate_device:0" in report.verdict.also for report in wire.reports)


def test_a_router_that_answers_for_others_is_no_twin() -> None:
    wire = store()
    wire.macs[PRINTER] = [PRINTER_MAC, ROUTER_MAC]
    wire.run(5 * EVERY_S)
    assert not any("duplicate_device:0" in report.verdict.also for report in wire.reports)


def test_strangers_that_never_speak_twice_are_no_twins() -> None:
    twins, target = Twins(), targets()[0]
    twins.due(target, 0.0)
    for number in range(200):
        twins.saw(PRINTER, f"02:00:00:00:{number // 256:02x}:{number % 256:02x}", number / 10)
    assert list(twins.seen(20.0)) == []


@pytest.mark.parametrize("gap_s", [EVERY_S, HELD_TIMES * EVERY_S + 1.0])
def test_two_that_spoke_long_apart_are_no_twins(gap_s: float) -> None:
    twins = Twins()
    twins.due(targets()[0], 0.0)
    for turn, mac in enumerate((PRINTER_MAC, LAPTOP_MAC, PRINTER_MAC)):
        twins.saw(PRINTER, mac, turn * gap_s)
    assert bool(list(twins.seen(2 * gap_s))) == (gap_s == EVERY_S)


def test_asking_everybody_costs_no_printer_more_and_stays_rare() -> None:
    wire = Wire(setup_of(registers=2, position=1), peers=2).start()
    wire.macs[PRINTER] = [PRINTER_MAC, LAPTOP_MAC]
    wire.run(200.0)
    asked = [at_s for at_s, probe in wire.probes if probe.target.name == "printer:0" and at_s > START_S + 15.0]
    everybody = [
        at_s for at_s, probe in wire.probes if probe.target.address == PRINTER and probe.way == "arp" and not probe.mac
    ]
    assert 5 <= len(everybody) <= 20
    closest_s = min(later - earlier for earlier, later in pairwise(asked))
    assert closest_s > 0.45  # a share of 2 a second


def test_only_what_is_configured_is_watched_and_no_more_than_can_be_kept() -> None:
    twins = Twins()
    for number in range(MOST * 2):
        target = Target(name=f"printer:{number}", role="printer", family="ipv4", address=f"10.0.{number}.1", ways=("arp",))
        twins.due(target, 0.0)
    twins.saw("10.9.9.9", PRINTER_MAC, 0.0)
    assert sum(twins.due(targets()[0], 1e9) for _ in range(3)) == 0

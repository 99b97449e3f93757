"""What a day costs others: ARP of a register, questions to a printer, bytes of the store behind the router.

`quiet`: nothing happens. `bad`: every quarter of an hour a fault of the catalogue, in turn, for one to three minutes. Bytes are
counted by the simulator, by kind of question (`counting.BYTES`), and scaled to 24 hours.
"""

import random
from typing import NamedTuple

from tests.bench.rows import Row, figure
from tests.netsim.counting import most_within
from tests.netsim.faults import ALL
from tests.netsim.simulation import MakeEngine, Simulation
from tests.netsim.singles import hash_of
from tests.netsim.store import Store

from tillkeeper.network.setup import ARP_PER_S, WAN_BYTES_PER_DAY, WAN_BYTES_PER_DAY_METERED

STORES = {
    "1 register": Store(),
    "1 register, no uplink": Store(uplink=False),
    "1 register, metered": Store(metered=True),
    "1 register, metered, no uplink": Store(metered=True, uplink=False),
    "3 registers": Store(registers=3),
    "3 registers, no uplink": Store(registers=3, uplink=False),
    "8 registers": Store(registers=8),
    "8 registers, metered": Store(registers=8, metered=True),
}
DAY_S = 86_400.0
SHUT_AT = 15
EVERY_S = 900.0
Task = tuple[str, str, float]
"""Day, store, hours."""


class Cost(NamedTuple):
    day: str
    store: str
    hours: float
    arp: int
    arp_with_kernel: int
    printer_in_1_s: int
    printer_in_10_s: int
    wan_bytes_a_day: float
    engine_bytes_a_day: float
    probes_per_s: float
    steps_per_s: float


def tasks(hours: float) -> list[Task]:
    return [(day, store, hours / (8 if "8" in store else 1)) for day in ("quiet", "bad") for store in STORES]


def play(task: Task, make: MakeEngine) -> Cost:
    day, name, hours = task
    store, seconds = STORES[name], hours * 3600.0
    sim = Simulation(store, make, seed=hash_of(task))
    for machine in sim.machines:
        machine.counts.keep_devices = True
    if day == "bad":
        _bad(sim, random.Random(hash_of(task) + 1), seconds)
    sim.run(seconds)
    asked: dict[str, list[float]] = {}
    for machine in sim.machines:
        for at_s, device in machine.counts.devices:
            asked.setdefault(device, []).append(at_s)
    return Cost(
        day, name, hours,
        max(machine.counts.arp.most for machine in sim.machines),
        max(machine.counts.arp_with_kernel.most for machine in sim.machines),
        max((most_within(times, 1.0) for times in asked.values()), default=0),
        max((most_within(times, 10.0) for times in asked.values()), default=0),
        sum(machine.counts.wan_bytes for machine in sim.machines) * DAY_S / seconds,
        sum(machine.last.wan_bytes for machine in sim.machines if machine.last) * DAY_S / seconds,
        sum(machine.counts.probes for machine in sim.machines) / seconds / store.registers,
        sum(machine.steps for machine in sim.machines) / seconds / store.registers,
    )  # fmt: skip


def _bad(sim: Simulation, chance: random.Random, seconds: float) -> None:
    faults = [fault for fault in ALL if fault.suits(sim.store)]
    chance.shuffle(faults)
    at_s, turn = 120.0, 0
    while at_s + 200.0 < seconds:
        fault = faults[turn % len(faults)]
        sim.at(at_s, lambda fault=fault: fault.begin(sim))  # type: ignore[misc]
        sim.at(at_s + chance.uniform(60.0, 180.0), lambda fault=fault: fault.end(sim))  # type: ignore[misc]
        at_s, turn = at_s + EVERY_S, turn + 1


def rows(costs: list[Cost]) -> list[Row]:
    found: list[Row] = []
    for cost in costs:
        where = f"sim: {cost.day} day, {cost.store}"
        allowed = WAN_BYTES_PER_DAY_METERED if "metered" in cost.store else WAN_BYTES_PER_DAY
        note = f"{cost.hours:g} h, {cost.probes_per_s:.3g} probes/s, {cost.steps_per_s:.3g} steps/s a register"
        found += [
            figure(f"{where}: ARP in any second", float(cost.arp), "", float(ARP_PER_S), note),
            figure(f"{where}: with the kernel's own ARP", float(cost.arp_with_kernel), "", SHUT_AT - 1.0),
            figure(f"{where}: questions to one printer in any 10 s", float(cost.printer_in_10_s), "", 20.0,
                   f"most in one second: {cost.printer_in_1_s}"),
            figure(f"{where}: WAN of the store a day", cost.wan_bytes_a_day / 1e6, "MB", allowed / 1e6,
                   f"counted by the engines: {cost.engine_bytes_a_day / 1e6:.3g} MB"),
        ]  # fmt: skip
    return found

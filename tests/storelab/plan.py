"""Which faults befall the store, and when. Pure: everything follows from the seed and the length of the run."""

import random
from collections.abc import Iterator

import msgspec
from tests.storelab.lan import names

REGISTERS = names(3)
SETTLING_S = 3.0
"""Nothing breaks before: every register has sold once."""
NETWORK = {
    "cable": ("cable out", "port hung"),
    "switch": ("switch off", "slow lan"),
    "wan": ("wan down", "modem off", "wan lossy", "wan slow"),
    "one way": ("one way",),
}
PROCESSES = ("agent killed", "agent stopped", "register paused")
HQ = ("hq one killed", "hq both killed", "hq paused", "database stopped", "database killed")
ROLES = ("primary killed", "primary rebooted", "both killed", "partition", "primary paused")
"""What befalls whoever is primary at that moment, and the line between the registers."""
DISKS = ("restored", "re-imaged", "cloned", "disk lost")
"""Once each in a run."""
REST_S = {"cable": 55.0, "switch": 110.0, "wan": 45.0, "one way": 60.0, "process": 60.0, "hq": 50.0, "roles": 45.0}
"""How long a part is well between two faults, on average. With every part's faults of about 10 s, a third of the time of a
register's way to the others or to HQ is broken."""
SHORTEST_S, LONGEST_S = 1.0, 30.0
PAUSED_S = 60.0
"""So long a primary stands still, in a run that is long enough."""


class Planned(msgspec.Struct, frozen=True, order=True):
    """`at_s` from the beginning of the run. `target`: a register, a pair `r1>r2`, or empty. `before_s`: how much older the copy
    is that is put back. `lasts_s`: until it is well again, or until the register is switched on again."""

    at_s: float
    kind: str
    target: str = ""
    lasts_s: float = 0.0
    before_s: float = 0.0

    def words(self) -> str:
        older = f", a copy of {self.before_s:.0f} s before" if self.before_s else ""
        return f"{self.at_s:6.1f} s {' '.join(filter(None, (self.kind, self.target)))}, {self.lasts_s:.1f} s{older}"


def plan(seed: int, seconds: float, registers: tuple[str, ...] = REGISTERS) -> tuple[Planned, ...]:
    """Faults of all kinds, many at a time, in the order of their beginning; the last is over before `seconds`."""
    chance = random.Random(seed)
    found = [*_disks(chance, seconds, registers)]
    pairs = [f"{one}>{other}" for one in registers for other in registers if one != other]
    for register in registers:
        found += _parts(chance, seconds, "cable", NETWORK["cable"], register)
        found += _parts(chance, seconds, "process", PROCESSES, register)
    found += _parts(chance, seconds, "wan", NETWORK["wan"])
    for one in _parts(chance, seconds, "switch", NETWORK["switch"]):
        found.append(msgspec.structs.replace(one, target=_target(chance, one.kind, registers)))
    found += [
        msgspec.structs.replace(one, target=chance.choice(pairs))
        for _ in range(2)
        for one in _parts(chance, seconds, "one way", NETWORK["one way"])
    ]
    found += _parts(chance, seconds, "hq", HQ)
    found += [_paused(one, seconds) for one in _parts(chance, seconds, "roles", ROLES)]
    return tuple(sorted(found))


def one_of_each(seed: int, seconds: float, registers: tuple[str, ...] = REGISTERS) -> tuple[Planned, ...]:
    """Every kind once, in a random order, overlapping a little: for a run of about a minute."""
    chance = random.Random(seed)
    kinds = [kind for kinds in NETWORK.values() for kind in kinds] + [*PROCESSES, *HQ, *ROLES]
    chance.shuffle(kinds)
    step_s = (seconds - 2 * SETTLING_S) / (len(kinds) + 1)
    found = [
        Planned(SETTLING_S + number * step_s, kind, _target(chance, kind, registers), (3.2 if kind in ROLES else 1.6) * step_s)
        for number, kind in enumerate(kinds)
    ]
    return tuple(sorted([*found, *_disks(chance, seconds, registers)]))


def _paused(planned: Planned, seconds: float) -> Planned:
    """A primary stands still for a minute, wherever that ends within the run."""
    if planned.kind != "primary paused" or planned.at_s + PAUSED_S > seconds:
        return planned
    return msgspec.structs.replace(planned, lasts_s=PAUSED_S)


def _target(chance: random.Random, kind: str, registers: tuple[str, ...]) -> str:
    if kind == "one way":
        return ">".join(chance.sample(registers, 2))
    return chance.choice(registers) if kind in (*NETWORK["cable"], *PROCESSES, "slow lan") else ""


def _disks(chance: random.Random, seconds: float, registers: tuple[str, ...]) -> Iterator[Planned]:
    """The registers are dealt out, so that not all of it happens to one."""
    victims = chance.sample(registers, len(registers))
    for number, kind in enumerate(DISKS):
        at_s = chance.uniform(0.2, 0.75) * seconds
        before_s = round(chance.uniform(0.1, 0.9) * (at_s - SETTLING_S), 1) if kind == "restored" else 0.0
        down_s = 0.0 if kind == "cloned" else round(min(chance.uniform(1.0, 20.0), seconds / 12), 1)
        yield Planned(round(at_s, 1), kind, victims[number % len(victims)], down_s, before_s)


def _parts(chance: random.Random, seconds: float, part: str, kinds: tuple[str, ...], target: str = "") -> Iterator[Planned]:
    at_s = SETTLING_S + chance.expovariate(1 / REST_S[part])
    while at_s < seconds - SHORTEST_S:
        lasts_s = min(LONGEST_S, SHORTEST_S + chance.expovariate(1 / 9.0), seconds - at_s)
        yield Planned(round(at_s, 1), chance.choice(kinds), target, round(lasts_s, 1))
        at_s += lasts_s + 1.0 + chance.expovariate(1 / REST_S[part])

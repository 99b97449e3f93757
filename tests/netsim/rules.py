"""What others do, over the same network: a ping to one target, and a banner when HQ has not answered for a while.

`PingRule` on the gateway counts the very packets that the prober sent; nobody asks an anycast address ten times a second all
day, so that one sends its own over the same lossy parts.
"""

from tests.netsim import store as s
from tests.netsim.simulation import Machine, Simulation

from tillkeeper.network.model import Probe, Target

BANNER_S = 40.0


class PingRule:
    """Says "down" after `misses` in a row at one question in `period_s`; up again with the first answer."""

    def __init__(self, name: str, period_s: float, misses: int = 3) -> None:
        self.name, self._period_s, self._misses = name, period_s, misses
        self._next_s, self._run = 0.0, 0
        self.alarms: list[float] = []

    def asked(self, at_s: float, answered: bool) -> None:
        if at_s < self._next_s - 0.01:
            return
        self._next_s = max(self._next_s + self._period_s, at_s + self._period_s / 2)
        self._run = 0 if answered else self._run + 1
        if self._run == self._misses:
            self.alarms.append(at_s)


class Banner:
    """ "Offline" when HQ last answered more than 40 s ago; it names nothing."""

    def __init__(self) -> None:
        self.name = "banner after 40 s"
        self.alarms: list[float] = []
        self._shown = False

    def looked(self, at_s: float, machine: Machine) -> None:
        silent = machine.ok_at_s is not None and at_s + machine.offset_s - machine.ok_at_s > BANNER_S
        if silent and not self._shown:
            self.alarms.append(at_s)
        self._shown = silent


class Rules:
    """All comparisons for register 0 of a simulation."""

    def __init__(self, sim: Simulation) -> None:
        self.gateway = [
            PingRule("ping to the gateway, 3 misses at 10 Hz", 0.1),
            PingRule("ping to the gateway, 3 misses at 1 Hz", 1.0),
        ]
        self.anycast = [
            PingRule("ping to an anycast address, 3 misses at 10 Hz", 0.1),
            PingRule("ping to an anycast address, 3 misses at 1 Hz", 1.0),
        ]
        self.banner = Banner()
        self._sim = sim
        target = Target(name="ping", role="anycast", family="ipv4", address=s.ANYCAST["ipv4"][0], ways=("echo",), wan=True)
        self._probe = Probe(number=0, target=target, way="echo", timeout_ms=1000)
        sim.listeners.append(self._on_probe)
        sim.at(0.5, self._ping)

    def all(self) -> list[PingRule | Banner]:
        return [*self.gateway, *self.anycast, self.banner]

    def _on_probe(self, at_s: float, index: int, probe: Probe, answered: bool) -> None:
        if index == 0 and probe.target.role == "gateway" and probe.way == "echo":
            for rule in self.gateway:
                rule.asked(at_s, answered)

    def _ping(self) -> None:
        sim = self._sim
        fates = sim.world.fate(0, self._probe).fates
        answered = bool(fates) and not fates[0].error and fates[0].answer == "reply" and sim.random.random() < fates[0].survives
        for rule in self.anycast:
            rule.asked(sim.now_s, answered)
        self.banner.looked(sim.now_s, sim.machines[0])
        sim.at(sim.now_s + 0.1, self._ping)

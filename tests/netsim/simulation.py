"""Registers with the real engine on a virtual clock. Nothing here sleeps: an event at a time, taken from a heap."""

import random
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Protocol

from tests.netsim import seen
from tests.netsim import store as s
from tests.netsim.counting import Counts
from tests.netsim.world import World

from tillkeeper.network.model import (
    Address,
    AddressesSeen,
    ArpSeen,
    Fact,
    LinkSeen,
    NeighbourSeen,
    NotSent,
    PeerState,
    Probe,
    Replied,
    Report,
    ResolversSeen,
    RoutesSeen,
    Stalled,
    Step,
    UplinkSeen,
    Verdict,
)
from tillkeeper.network.setup import Setup

FORGOTTEN_S = 2.0
"""The shell forgets a probe so long after its timeout."""
ICMP_BURST = 6.0
KEPT_WHILE_STALLED = 2_000
"""Facts that the kernel's buffers keep for a process that does not run."""


class EngineLike(Protocol):
    def take(self, fact: Fact) -> None: ...
    def step(self, now_s: float) -> Step: ...
    def next_at_s(self) -> float: ...


MakeEngine = Callable[[Setup, float], EngineLike]


class Machine:
    """One register: an engine, its own boot clock, and what it said when."""

    def __init__(self, index: int, engine: EngineLike, offset_s: float, phase_s: float, setup: Setup) -> None:
        self.index, self.engine, self.offset_s, self.phase_s, self.setup = index, engine, offset_s, phase_s, setup
        self.due_s = 0.0
        self.stalled_until_s = 0.0
        self.held: list[Fact] = []
        self.said: list[tuple[float, Verdict]] = []
        self.last: Report | None = None
        self.reports: list[Report] | None = None
        """Set it to a list to keep them all."""
        self.counts = Counts()
        self.macs: dict[str, str] = {}
        self.ok_at_s: float | None = None
        self.failed_at_s: float | None = None
        self.trouble = ""
        self.steps = 0


class Simulation:
    """`run` goes on to a time; `at` plans a change of the world. `listeners` are told of every question and its fate."""

    def __init__(self, store: s.Store, make: MakeEngine, seed: int) -> None:
        self.store, self.world, self.seed = store, World(store), seed
        self.random = random.Random(seed)
        self.now_s = 0.0
        self.listeners: list[Callable[[float, int, Probe, bool], None]] = []
        self.taken_over: dict[int, tuple[Address, str]] = {}
        """Registers that have another IPv4 address and gateway than the usual ones."""
        self.lag_s = 0.0
        """A loaded machine: every step comes so much later in the mean."""
        self._heap: list[tuple[float, int, int, object]] = []
        self._order = 0
        self._errors: dict[tuple[int, str], tuple[float, float]] = {}
        self.machines: list[Machine] = []
        self.told: list[tuple[float, str]] = []
        for index in range(store.registers):
            offset_s = self.random.uniform(10.0, 90_000.0)
            setup = s.setup_of(store, index, session=self.random.getrandbits(40))
            phase_s = self.random.random()
            machine = Machine(index, make(setup, offset_s + phase_s), offset_s, phase_s, setup)
            self.machines.append(machine)
            self._push(phase_s, -1, lambda m=machine: self._begin(m))

    # --- time ---

    def _push(self, at_s: float, index: int, what: object) -> None:
        self._order += 1
        heappush(self._heap, (at_s, self._order, index, what))

    def at(self, at_s: float, call: Callable[[], None], name: str = "") -> None:
        """`name`: it is an event that is told afterwards."""
        if name:
            self.told.append((at_s, name))
        self._push(at_s, -1, call)

    def run(self, until_s: float) -> None:
        heap, machines = self._heap, self.machines
        while heap and heap[0][0] <= until_s:
            at_s, _, index, what = heappop(heap)
            self.now_s = at_s
            if index < 0:
                what()  # type: ignore[operator]
                continue
            machine = machines[index]
            if what is not None:
                self._deliver(machine, what)  # type: ignore[arg-type]
            elif machine.due_s == at_s:
                if machine.stalled_until_s > at_s:
                    self._tick_at(machine, machine.stalled_until_s)
                else:
                    self._step(machine)
        self.now_s = until_s

    def _tick_at(self, machine: Machine, at_s: float) -> None:
        machine.due_s = at_s
        self._push(at_s, machine.index, None)

    # --- the shell of one register ---

    def _begin(self, machine: Machine) -> None:
        self.kernel_says_link(machine.index)
        self.kernel_says_addresses(machine.index)
        families = self.store.families
        resolver = s.GATEWAY if self.store.resolver == "router" else s.ISP_RESOLVER
        own = tuple((s.HOP1 if self.store.resolver == "router" and one == "ipv6" else resolver)[one] for one in families)
        cached = {s.HQ_HOST: tuple(s.HQ[one] for one in families), s.PORTAL_HOST: tuple(s.PORTAL[one] for one in families)}
        self._deliver(machine, ResolversSeen(at_s=self.now_s + machine.offset_s, addresses=own, cached=cached))
        self._every(machine, 1.0, self._host)
        if self.store.uplink:
            self._every(machine, 1.0, self._beat)
        self._step(machine)

    def _every(self, machine: Machine, period_s: float, call: Callable[[Machine], None]) -> None:
        call(machine)
        self._push(self.now_s + period_s, -1, lambda: self._every(machine, period_s, call))

    def _deliver(self, machine: Machine, fact: Fact) -> None:
        if machine.stalled_until_s > self.now_s:
            if f"asleep{machine.index}" not in self.world.down and len(machine.held) < KEPT_WHILE_STALLED:
                machine.held.append(fact)
            return
        machine.engine.take(fact)
        if isinstance(fact, Replied):
            urgent = bool(fact.mac) and self._other_mac(machine, fact.address, fact.mac)
        elif isinstance(fact, ArpSeen):
            urgent = self._other_mac(machine, fact.sender_address, fact.sender_mac)
        else:
            urgent = isinstance(fact, (LinkSeen, AddressesSeen, RoutesSeen, NeighbourSeen, Stalled)) and bool(machine.due_s)
        if urgent:
            self._step(machine)

    def _other_mac(self, machine: Machine, address: str, mac: str) -> bool:
        before = machine.macs.get(address)
        machine.macs[address] = mac
        return before is not None and before != mac

    def _step(self, machine: Machine) -> None:
        now_s = self.now_s
        step = machine.engine.step(now_s + machine.offset_s)
        machine.steps += 1
        if step.probes:
            for probe in step.probes:
                self._ask(machine, probe)
        if step.beacon is not None:
            self._broadcast(machine, step.beacon)
        if step.report is not None:
            self._heard_report(machine, step.report)
        next_s = max(machine.engine.next_at_s() - machine.offset_s, now_s + 0.0005)
        if self.lag_s:
            next_s += min(self.random.expovariate(1.0 / self.lag_s), 1.0)
        self._tick_at(machine, next_s)

    def _heard_report(self, machine: Machine, report: Report) -> None:
        verdict, before = report.verdict, machine.last.verdict if machine.last else None
        if before is None or (verdict.phase, verdict.faults, verdict.also) != (before.phase, before.faults, before.also):
            machine.said.append((self.now_s, verdict))
        machine.last = report
        if machine.reports is not None:
            machine.reports.append(report)

    def _ask(self, machine: Machine, probe: Probe) -> None:
        now_s, chance = self.now_s, self.random.random
        outcome = self.world.fate(machine.index, probe)
        machine.counts.sent(now_s, probe, outcome.unresolved)
        first = True
        for fate in outcome.fates:
            if fate.error:
                refused = NotSent(number=probe.number, at_s=now_s + machine.offset_s, error=fate.error)
                self._push(now_s, machine.index, refused)
                return
            if fate.survives < 1.0 and chance() >= fate.survives:
                continue
            if (probe.way == "hop" or fate.answer == "unreachable") and not self._spared(machine.index, fate.address):
                continue
            rtt_ms = fate.rtt_ms * (0.85 + 0.3 * chance())
            if chance() < 0.001:
                rtt_ms += 150.0 * chance()  # now and then a router has something better to do
            if rtt_ms > probe.timeout_ms + FORGOTTEN_S * 1000.0:
                continue
            at_s = now_s + rtt_ms / 1000.0
            fact: Fact
            if first:
                fact = Replied(number=probe.number, at_s=at_s + machine.offset_s, rtt_ms=rtt_ms, answer=fate.answer,  # type: ignore[arg-type]
                               mac=fate.mac, address=fate.address, detail=fate.detail)  # fmt: skip
            else:
                fact = ArpSeen(at_s=at_s + machine.offset_s, interface="eth0", sender_address=fate.address, is_reply=True,
                               sender_mac=fate.mac, target_address=probe.sender)  # fmt: skip
            first = False
            self._push(at_s, machine.index, fact)
        for listener in self.listeners:
            listener(now_s, machine.index, probe, not first)

    def _spared(self, index: int, router: str) -> bool:
        """Whether a router still sends this register an ICMP error: a bucket of six, one more a second."""
        if not self.store.icmp_limit:
            return True
        tokens, at_s = self._errors.get((index, router), (ICMP_BURST, self.now_s))
        tokens = min(ICMP_BURST, tokens + self.now_s - at_s)
        self._errors[index, router] = (tokens - 1.0 if tokens >= 1.0 else tokens, self.now_s)
        return tokens >= 1.0

    def _broadcast(self, machine: Machine, state: PeerState) -> None:
        machine.counts.beacons += 1
        for other in self.machines:
            if other is machine:
                continue
            likely = self.world.heard(machine.index, other.index)
            if likely and self.random.random() < likely and f"wrong_subnet{other.index}" not in self.world.modes:
                at_s = self.now_s + 0.0004
                self._push(at_s, other.index, seen.beacon(state, machine.index, at_s + other.offset_s))

    def _beat(self, machine: Machine) -> None:
        """The agent's own link: one exchange a second over one connection, three tries of TCP within its time of 3 s."""
        if machine.stalled_until_s > self.now_s:
            return
        sent_s, likely = self.now_s, self.world.hq_survival(machine.index)
        tries = 1 + next((n for n in range(3) if self.random.random() < likely), 3)
        ok = tries <= 3 and not self.world.modes & {"hq_refuses"}
        told_s = sent_s + (0.03 if tries == 1 else 0.25 * (2.0 ** (tries - 1))) if tries <= 3 else sent_s + 3.0

        def tell() -> None:
            if ok:
                machine.ok_at_s, machine.trouble = sent_s + machine.offset_s, ""
            else:
                machine.failed_at_s = told_s + machine.offset_s
                machine.trouble = "credentials_refused" if tries <= 3 else "timeout"
            uplink = UplinkSeen(
                at_s=told_s + machine.offset_s,
                ok_at_s=machine.ok_at_s,
                failed_at_s=machine.failed_at_s,
                trouble=machine.trouble,
            )
            self._deliver(machine, uplink)

        self._push(told_s, -1, tell)

    def _host(self, machine: Machine) -> None:
        if machine.stalled_until_s > self.now_s:
            return
        self._deliver(machine, seen.host(self.world, machine.index, self.now_s + machine.offset_s, self.random))

    # --- what the kernel says of the state that the world has now ---

    def kernel_says_link(self, index: int) -> None:
        machine = self.machines[index]
        self._deliver(machine, seen.link(self.world, index, self.now_s + machine.offset_s))

    def kernel_says_addresses(self, index: int) -> None:
        machine = self.machines[index]
        for fact in seen.addresses(self.world, index, self.now_s + machine.offset_s, self.taken_over.get(index)):
            self._deliver(machine, fact)

    def announced(self, address: str, mac: str) -> None:
        """A gratuitous ARP that everybody hears, and what the kernel makes of it."""
        for machine in self.machines:
            if self.world.heard(machine.index, machine.index):
                for fact in seen.announcement(address, mac, self.now_s + machine.offset_s):
                    self._deliver(machine, fact)

    # --- pauses ---

    def stall(self, index: int, for_s: float, told: bool = True) -> None:
        """The process does not run; the machine does. `told`: the shell noticed and says so before it reads on."""
        machine = self.machines[index]
        began_s, until_s = self.now_s, self.now_s + for_s
        machine.stalled_until_s = until_s

        def resume() -> None:
            machine.stalled_until_s = 0.0
            held, machine.held = machine.held, []
            if told:
                machine.engine.take(Stalled(from_s=began_s + machine.offset_s, to_s=until_s + machine.offset_s))
            for fact in held:
                machine.engine.take(fact)
            self._step(machine)

        self._push(until_s, -1, resume)

    def suspend(self, index: int, for_s: float) -> None:
        """The whole machine sleeps, its clock goes on, the interface comes back two seconds after it."""
        part = f"asleep{index}"
        self.world.break_(part)
        self.stall(index, for_s)

        def wake() -> None:
            self.world.mend(part)
            self.world.break_(f"cable{index}")
            self.kernel_says_link(index)

        def linked() -> None:
            self.world.mend(f"cable{index}")
            self.kernel_says_link(index)

        self._push(self.now_s + for_s, -1, wake)
        self._push(self.now_s + for_s + 2.0, -1, linked)

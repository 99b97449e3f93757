"""One run: a store, HQ and what befalls them, all decided by one seed. In the end all is mended and has to converge."""

import hashlib
import random
from collections import Counter

import msgspec
from tests.simulation import faults
from tests.simulation.bank import Bank
from tests.simulation.closing import Said
from tests.simulation.converged import missing
from tests.simulation.disk import Platter
from tests.simulation.hq import Hq
from tests.simulation.loops import MachineLoop, Time
from tests.simulation.net import Net
from tests.simulation.online import WebShop
from tests.simulation.oracle import Oracle
from tests.simulation.register import Machine
from tests.simulation.shop import STORE
from tests.simulation.till import Habits
from tests.support.keys import AUTHORITY

from tillkeeper.contract.roster import Admitted, Roster, Signed
from tillkeeper.trust.admitting import signed
from tillkeeper.trust.keys import KeyPair

NAMES = ("a", "b", "c", "d")
LOOK_EVERY_S = 5.0
FORGETTING = frozenset({"lost_disk", "restored", "clone"})
CONVERGE_S = 300.0
"""After the last fault is mended all must agree within this time. Held back the longest is a log that a sink was asked about
in vain (30 s), then tickets behind a printer that is out (60 s each)."""


CALM_S, REST_S = 40.0, 40.0
"""So long after everything has converged no event is sent any more; it is watched for as long."""


BOOKS_S = 1.0
"""In this time a register has read the books of all days."""


ALONE_S = 60.0
"""Once a second machine of one name is off, the other one has to be heard again within this time."""


class Outcome(msgspec.Struct):
    """`violation`: empty where all held. `converged_s`: from the mending to the moment in which nobody lacked anything.
    `digest`: of all that was on every disk in the end, and of every line of the trace."""

    seed: int
    kinds: tuple[str, ...]
    violation: str
    virtual_s: float
    converged_s: float
    steps: int
    counts: dict[str, int]
    faults: dict[str, int]
    digest: str
    trace: tuple[str, ...]


class World:
    """Made of a seed. `minutes`: how long faults last."""

    def __init__(self, seed: int, minutes: float | None = None, kinds: tuple[str, ...] | None = None) -> None:
        self.seed = seed
        self.chance = random.Random(f"{seed} world")
        self.time = Time(self._fell_over)
        self.oracle = Oracle(self.time)
        self.nature = MachineLoop(self.time, "nature")
        self.net = Net(self.nature, seed)
        self.minutes = minutes if minutes is not None else self.chance.uniform(2.0, 6.0)
        self.kinds = kinds if kinds is not None else faults.pick(self.chance)
        self.done: Counter[str] = Counter()
        self.mending = False
        self._lineages = 0
        self.roster = Roster(STORE, AUTHORITY.key)
        self.hq = Hq(self.time, self.net, seed, lambda: self.roster)
        self.hq.promised = self.oracle.promised
        self.shop = WebShop(self.hq.orders, lambda: self.hq.up and not self.hq.full, seed)
        self.bank = self.oracle.bank = Bank(seed)
        self.order = NAMES[: self.chance.choice((1, 2, 3, 3, 3, 4))]
        self.habits = Habits(apart_s=self.chance.uniform(0.5, 6.0))
        if "poison" in self.kinds:
            self.habits.poison = 0.05
        if "printer" in self.kinds:
            self.habits.printer_out = 0.05
        self.oracle.forgetful = bool(FORGETTING & set(self.kinds))
        self.oracle.cloned = "clone" in self.kinds
        self.oracle.counts["alone"] = int(len(self.order) == 1)
        platters = [self.platter(name) for name in self.order]
        for platter in platters:
            platter.statements = self.roster.statements
        self.machines = [self.machine(platter.register, platter) for platter in platters]
        self.snapshots: dict[str, Platter] = {}

    def _fell_over(self, name: str, words: str) -> None:
        self.oracle.fail("agent", f"{name} fell over: {words}")

    def lineage(self) -> int:
        self._lineages += 1
        return self._lineages

    def platter(self, register: str) -> Platter:
        """A new disk whose register has just joined the store: with a key of its own."""
        lineage = self.lineage()
        pair = KeyPair(hashlib.sha256(f"{self.seed} key {lineage}".encode()).digest())
        term = self.roster.next_term(register)
        statement: Signed = signed(AUTHORITY, Admitted(store=STORE, register=register, key=pair.key, term=term))
        self.roster = self.roster.merged([statement]).roster
        return Platter(register, lineage, pair, self.roster.statements)

    def machine(self, name: str, platter: Platter) -> Machine:
        one = Machine(name, platter, self.time, self.net, self.hq, self.bank, self.order, self.habits, self.seed, self.oracle)
        self.oracle.machines.append(one)
        return one

    def replace(self, one: Machine, platter: Platter) -> None:
        """Another disk in a machine that is off."""
        old, one.platter = one.platter, platter
        one.pending.clear()
        self.oracle.disk_gone(old, self.hq.shelf)

    def run(self) -> Outcome:
        converged_s = 0.0
        about = f"{len(self.order)} registers, {self.minutes:.1f} min, {' '.join(self.kinds)}"
        self.oracle.say("world", f"seed {self.seed}: {about}")
        for one in self.machines:
            one.start()
        self.nature.start(faults.befall(self), "faults")
        self.nature.start(self.shop.run(), "web shop")
        self._until(self.minutes * 60)
        if not self.time.stopped:
            faults.mend(self)
            converged_s = self._converge(self.time.now_s)
        if not self.time.stopped:
            self.oracle.judge(self.hq.shelf, self._said())
            self.oracle.judge_orders(self.hq)
        for one in list(self.oracle.machines):
            one.kill(power=True)
        self.hq.kill()
        self.nature.kill()
        digest = hashlib.sha256(self.oracle.state(self.hq.shelf).encode()).hexdigest()
        oracle = self.oracle
        return Outcome(
            self.seed, self.kinds, oracle.violation, self.time.now_s, converged_s, self.time.steps, dict(oracle.counts),
            dict(self.done), digest, tuple(oracle.trace),
        )  # fmt: skip

    def _said(self) -> dict[str, Said]:
        """Of the days, by each machine."""
        asked = {one.name: one.loop.create_task(one.day.said()) for one in self.oracle.machines if one.day is not None}
        self._until(self.time.now_s + BOOKS_S)
        return {} if self.time.stopped else {name: task.result() for name, task in asked.items()}

    def _until(self, end_s: float) -> None:
        while self.time.now_s < end_s and not self.time.stopped:
            self.time.run(min(end_s, self.time.now_s + LOOK_EVERY_S))
            self.oracle.look(self.hq.shelf, self.roster)

    def _converge(self, healed_s: float) -> float:
        """Cashiers have stopped, everything else goes on."""
        self._agree(healed_s + CONVERGE_S)
        converged_s = self.time.now_s - healed_s
        faults.remove_clones(self)
        self._agree(self.time.now_s + ALONE_S)
        self._until(self.time.now_s + CALM_S)
        asked = self.hq.asked
        self._until(self.time.now_s + REST_S)
        if self.hq.asked > asked:
            self.oracle.fail("rest", f"HQ got events {self.hq.asked - asked} times in {REST_S:g} s in which nothing happened")
        return converged_s

    def _agree(self, till_s: float) -> None:
        while not self.time.stopped and (words := missing(self.oracle, self.hq)):
            if self.time.now_s > till_s:
                self.oracle.fail("I17", f"not converged: {words}")
            self._until(self.time.now_s + 1.0)


def play(seed: int, minutes: float | None = None, kinds: tuple[str, ...] | None = None) -> Outcome:
    return World(seed, minutes, kinds).run()

"""The prober at work: wait, read what came, let the engine step, send what it wants. One thread.

Times that this process did not run (SIGSTOP, no CPU, suspend) are told to the engine before anything that waited meanwhile.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from tillkeeper.network.hysteresis import phase_to_show
from tillkeeper.network.model import (
    AddressesSeen,
    ArpSeen,
    Fact,
    LinkSeen,
    NeighbourSeen,
    Replied,
    Report,
    RoutesSeen,
    Stalled,
    Step,
)
from tillkeeper.network.prober import clock, setup
from tillkeeper.network.prober.agent_link import AgentLink
from tillkeeper.network.prober.devices import Devices
from tillkeeper.network.prober.host import Host
from tillkeeper.network.prober.log import log
from tillkeeper.network.prober.poller import Poller, Ready
from tillkeeper.network.prober.senders import Senders
from tillkeeper.network.prober.setup import Plan
from tillkeeper.network.prober.watch import LOOK_AGAIN_S, LOOK_EVERY_S, Watch
from tillkeeper.network.setup import Setup
from tillkeeper.network.wire import DiagnoseEnded, DiagnoseStep, Hello, Reported
from tillkeeper_systemd import notify as sd_notify

Printing = Literal["", "changes", "all"]
LATE_S = 0.05
"""Half a tick of the engine: its open questions may have been answered, or not even been sent, while nobody looked."""
STEP_S = 0.005
"""Between two steps, unless something changed: an engine that wants one at once again and again does not take the CPU."""
SUSPENDED_S = 0.01
SECOND_S = 1.0
_MOST_PAIRS = 512
_AT_ONCE = (LinkSeen, AddressesSeen, RoutesSeen, NeighbourSeen, Stalled)


class Steps(Protocol):
    """What the loop wants of an engine (`engine.Engine`)."""

    def take(self, fact: Fact) -> None: ...
    def step(self, now_s: float) -> Step: ...
    def next_at_s(self) -> float: ...


class Prober:
    """Args:
    make: the engine, from its setup and the time.
    agent: connect to the agent's socket.
    printing: reports as JSON lines on standard output, besides. A reader that stops reading stops the prober.
    """

    def __init__(
        self, plan: Plan, make: Callable[[Setup, float], Steps], *, version: str, agent: bool = True, printing: Printing = ""
    ) -> None:
        self._version, self._printing = version, printing
        self._now_s = clock.boot_s()
        self._slept_s = clock.slept_s()
        self._engine = make(plan.setup, self._now_s)
        self._hurry = True
        self._pairs: set[tuple[str, str]] = set()
        self._verdict: tuple[object, ...] = ()
        self._stopping = False
        self._host = Host()
        self._second_s = self._looked_s = self._stepped_s = 0.0
        self._watchdog_s, self._alive_s = sd_notify.watchdog_s(), 0.0
        self._encoder = msgspec.json.Encoder()
        self._poller = Poller()
        self._watch = Watch(self._poller, self._tell, self._chosen, pinned=plan.setup.interface)
        self._senders = Senders(plan, self._poller, self._tell, self._watch, self._diagnosed)
        self._devices = Devices(plan.devices, self._tell)
        self._key_file = None if plan.key else plan.key_file
        self._unkeyed = ""
        self._link: AgentLink | None = None
        if agent:
            hear = self._devices.hear
            self._link = AgentLink(plan.socket, self._poller, self._tell, self._hello, self._senders.diagnose, hear)
        self._look_for_key()

    def run(self) -> int | None:
        """Until SIGTERM or SIGINT: None; or until another prober has this one's place: the id of its process."""
        handlers = {number: signal.signal(number, self.stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._watch.resync(self._now_s)
            if self._printing:
                self._print(self._hello())
            sd_notify.notify(READY="1")
            self._now_s = clock.boot_s()
            while not self._stopping and self._taken_by() is None:
                self._turn()
            return self._taken_by()
        finally:
            if self._taken_by() is None:
                sd_notify.notify(STOPPING="1")
            for number, handler in handlers.items():
                signal.signal(number, handler)
            self.close()

    def _taken_by(self) -> int | None:
        return None if self._link is None else self._link.occupied_by

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
        self._senders.close()
        self._watch.close()
        self._poller.close()

    def stop(self, *_: object) -> None:
        """At the end of the turn. Also a signal handler."""
        self._stopping = True

    # --- one turn ---

    def _turn(self) -> None:
        planned_s = min(self._step_at_s(), self._poller.next_at_s(), self._watch.next_at_s(), self._second_s)
        if self._link is not None:
            planned_s = min(planned_s, self._link.next_at_s())
        ready = self._wait(planned_s)
        now_s = self._now_s
        for callback in ready:
            callback()
        self._poller.wake(now_s)
        self._watch.resync(now_s)
        if self._link is not None:
            self._link.tick(now_s)
        if now_s >= self._second_s:
            self._every_second(now_s)
        now_s = clock.boot_s()
        if self._hurry or now_s >= self._step_at_s():
            self._senders.drain()
            now_s = clock.boot_s()
            self._hurry, self._stepped_s = False, now_s
            self._carry_out(self._engine.step(now_s), now_s)

    def _step_at_s(self) -> float:
        return max(self._engine.next_at_s(), self._stepped_s + STEP_S)

    def _wait(self, until_s: float) -> list[Ready]:
        """Until something can be read, at most until `until_s`. Wakings in between are for the carrier alone, and cost next to
        nothing; where this process is awake anyway, it is looked at as well."""
        now_s = clock.boot_s()
        while True:
            before_s = self._now_s
            planned_s = min(until_s, self._looked_s + LOOK_EVERY_S)
            ready = self._poller.wait(planned_s - now_s)
            self._now_s = now_s = clock.boot_s()
            late = now_s > max(planned_s, before_s) + LATE_S
            if now_s >= self._looked_s + LOOK_AGAIN_S:
                self._looked_s = now_s
                self._watch.look(now_s)
            if ready or late or self._hurry or now_s >= until_s:
                self._notice_stall(before_s, planned_s, now_s)
                return ready

    def _notice_stall(self, before_s: float, planned_s: float, now_s: float) -> None:
        """Late by more than half a tick, or the machine was suspended."""
        slept_s = clock.slept_s()
        if suspended := slept_s - self._slept_s > SUSPENDED_S:
            self._slept_s = slept_s
        if suspended or now_s > max(planned_s, before_s) + LATE_S:
            if suspended or now_s - before_s > SECOND_S:
                log("stalled", for_s=round(now_s - before_s, 3), suspended=suspended)
            self._tell(Stalled(from_s=before_s, to_s=now_s, suspended=suspended))

    def _every_second(self, now_s: float) -> None:
        self._second_s = now_s + SECOND_S
        self._senders.tick(now_s)
        self._devices.tick(now_s)
        if self._key_file is not None:
            self._look_for_key()
        # A storm has to be seen before what it silences is: so not less often than this.
        seen = self._host.look(self._watch.interface, now_s)
        if seen is not None:
            self._tell(seen)
        if self._watchdog_s is not None and now_s >= self._alive_s:
            self._alive_s = now_s + self._watchdog_s - SECOND_S
            sd_notify.notify(WATCHDOG="1")

    def _look_for_key(self) -> None:
        """Without its key it watches alone; whoever puts it there need not start anything."""
        if self._key_file is None:
            return
        key, trouble = setup.read_key(self._key_file)
        if trouble == self._unkeyed and not key:
            return
        self._unkeyed = trouble
        if key:
            self._key_file = None
            self._senders.keyed(key)
            log("beacon_key_read")
        else:
            log("beacon_key_missing", why=trouble)
        if self._link is not None:
            self._link.greet_anew(self._now_s)

    def _carry_out(self, step: Step, now_s: float) -> None:
        for probe in step.probes:
            self._senders.ask(probe, now_s)
        if step.beacon is not None:
            self._senders.beacon(step.beacon)
        if step.report is not None:
            self._report(step.report)

    def _report(self, report: Report) -> None:
        if self._link is not None:
            self._link.send(report)
        verdict = report.verdict
        phase = phase_to_show(verdict.phase, report.evidence.states())
        said = (phase, verdict.faults, verdict.also)
        if said != self._verdict:
            self._verdict = said
            log("verdict_changed", phase=phase, faults=verdict.faults, also=verdict.also, at_s=round(report.at_s, 3))
            sd_notify.notify(STATUS=" ".join((phase, *verdict.faults)))
        elif self._printing == "changes":
            return
        if self._printing:
            self._print(Reported(report=report))

    def _diagnosed(self, step: DiagnoseStep | DiagnoseEnded) -> None:
        if self._link is not None:
            self._link.send_step(step)

    # --- facts ---

    def _tell(self, fact: Fact) -> None:
        self._engine.take(fact)
        if isinstance(fact, _AT_ONCE):
            self._hurry = True
            if isinstance(fact, AddressesSeen | RoutesSeen):
                self._senders.moved()
        elif isinstance(fact, ArpSeen):
            self._compare(fact.sender_address, fact.sender_mac)
        elif isinstance(fact, Replied) and fact.mac:
            self._compare("", fact.mac)

    def _compare(self, address: str, mac: str) -> None:
        """Who claims an address for the first time is looked at at once."""
        if (address, mac) not in self._pairs:
            if len(self._pairs) >= _MOST_PAIRS:
                self._pairs.clear()
            self._pairs.add((address, mac))
            self._hurry = True

    def _chosen(self, interface: str, index: int, mac: str) -> None:
        self._pairs.clear()
        self._senders.bind(interface, index, mac)

    # --- words ---

    def _hello(self) -> Hello:
        trouble = self._senders.trouble
        return Hello(
            version=self._version, pid=os.getpid(), interface=self._watch.interface, raw=not trouble, trouble=trouble,
            takes_devices=True, unkeyed=self._unkeyed,
        )  # fmt: skip

    def _print(self, message: Hello | Reported) -> None:
        sys.stdout.buffer.write(self._encoder.encode(message) + b"\n")
        sys.stdout.buffer.flush()

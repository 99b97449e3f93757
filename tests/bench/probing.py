"""What the prober costs: 1,000 echoes a second through its shell, and itself at rest in a store where all is well."""

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec
from tests.bench import rows
from tests.bench.world import ROOT
from tests.network.small_store import HQ_NAME, Prober, Server, config, small_store

from tillkeeper.network.model import Fact, Probe, Replied, Step, Target, UplinkSeen
from tillkeeper.network.prober import clock, loop, setup
from tillkeeper.network.setup import Setup
from tillkeeper.network.wire import Uplink

RATE, TICK_S = 1000, 0.01
LOADED_S, STEADY_S, WARM_S = 10.0, 30.0, 8.0
FAST, STEADY, MEMORY = "prober, 1,000 probes/s", "prober, steady", "prober, resident memory"
GOALS = {FAST: 5.0, STEADY: 1.0, MEMORY: 25.0}
UNITS = {FAST: "% of a core", STEADY: "% of a core", MEMORY: "MiB"}


def measure(folder: Path) -> list[rows.Row]:
    """Nothing where no namespaces are to be had."""
    if os.geteuid() != 0:
        return [rows.missing(name, UNITS[name], goal, "namespaces need root") for name, goal in GOALS.items()]
    with small_store() as store, Server(store):
        loaded = _loaded(store.space("reg"), folder)
        (folder / "key").write_text("5a" * 32)
        file = config(folder, {"network": {"key_file": "key"}, "hq": {"url": f"http://{HQ_NAME}"}})
        with Agent(folder / "probe.sock"), Prober(store, file, "--uplink", "agent") as prober:
            prober.wait(lambda seen: seen.report.evidence.columns["anycast"].state == "yes")
            time.sleep(WARM_S)
            cpu_s, began_s, sent = prober.cpu_s(), time.monotonic(), prober.reports[-1].report.probes_sent
            time.sleep(STEADY_S)
            passed_s = time.monotonic() - began_s
            steady = 100 * (prober.cpu_s() - cpu_s) / passed_s
            rate = (prober.reports[-1].report.probes_sent - sent) / passed_s
            memory = resident_mib(prober.process.pid)
    return [
        rows.figure(FAST, loaded[0], UNITS[FAST], GOALS[FAST], f"{loaded[1]:.0f} echoes/s answered, of {loaded[2]:.0f} sent"),
        rows.figure(STEADY, steady, UNITS[STEADY], GOALS[STEADY], f"over {STEADY_S:g} s, {rate:.0f} probes/s"),
        rows.figure(MEMORY, memory, UNITS[MEMORY], GOALS[MEMORY], "with beacons"),
    ]


class Agent(threading.Thread):
    """Takes the prober's reports and says once a second that HQ has answered."""

    def __init__(self, path: Path) -> None:
        super().__init__(name="agent")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self._listener.settimeout(30.0)

    def run(self) -> None:
        client, _ = self._listener.accept()
        with client, contextlib.suppress(OSError):  # the end of the prober
            while client.recv(2**18):
                now_s = clock.boot_s()
                seen = UplinkSeen(at_s=now_s, ok_at_s=now_s - 0.01, failed_at_s=None)
                client.sendall(msgspec.json.encode(Uplink(seen=seen)) + b"\n")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.join()
        self._listener.close()


def resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _loaded(space: str, folder: Path) -> tuple[float, float, float]:
    """CPU in percent, answers and questions a second."""
    file = config(folder)
    done = subprocess.run(
        ["ip", "netns", "exec", space, sys.executable, "-m", "tests.bench.probing", str(file)],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    cpu, answered, sent = map(float, done.stdout.split())
    return cpu, answered, sent


class Paced:
    """In the place of an engine: `RATE` echoes a second over the namespace's loopback, `TICK_S` apart, and nothing else. The
    kernel answers within the prober's own time; a wire would not."""

    def __init__(self, _setup: Setup, now_s: float) -> None:
        hosts = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
        self._targets = itertools.cycle(
            Target(name=host, role="anycast", family="ipv4", address=host, ways=("echo",)) for host in hosts
        )
        self._numbers = itertools.count()
        self._next_s = now_s + 0.5
        self._from: tuple[float, float] | None = None
        self.sent = self.answered = 0
        self.cpu_percent = 0.0
        self.stop: Callable[[], None] = _nothing

    def take(self, fact: Fact) -> None:
        self.answered += isinstance(fact, Replied)

    def next_at_s(self) -> float:
        return self._next_s

    def step(self, now_s: float) -> Step:
        if now_s < self._next_s:
            return Step()
        self._next_s = max(self._next_s + TICK_S, now_s)
        cpu_s = time.process_time()
        if self._from is None:
            self._from = (now_s, cpu_s)
        elif now_s - self._from[0] >= LOADED_S:
            self.cpu_percent = 100 * (cpu_s - self._from[1]) / (now_s - self._from[0])
            self.stop()
        probes = tuple(
            Probe(number=next(self._numbers), target=next(self._targets), way="echo", timeout_ms=500)
            for _ in range(int(RATE * TICK_S))
        )
        self.sent += len(probes)
        return Step(probes=probes)


def _nothing() -> None:
    """Until there is something to stop."""


def main() -> int:
    engines: list[Paced] = []

    def make(given: Setup, now_s: float) -> Paced:
        engines.append(Paced(given, now_s))
        return engines[-1]

    prober = loop.Prober(setup.read(Path(sys.argv[1]), uplink=False), make, version="bench", agent=False)
    engines[0].stop = prober.stop
    prober.run()
    print(engines[0].cpu_percent, engines[0].answered / LOADED_S, engines[0].sent / LOADED_S)
    return 0


if __name__ == "__main__":
    sys.exit(main())

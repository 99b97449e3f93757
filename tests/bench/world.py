"""Agents and sinks as processes, and the orders that are rung on them."""

import contextlib
import json
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
from tests.bench.client import Client
from tests.support.toml import dumps, merged

from tillkeeper.config.embedded import example_toml

ROOT = Path(__file__).resolve().parents[2]
READY_S = 30.0
PRINTERS = ("receipt", "grill", "bar")
TOKEN = "bench-token-of-thirty-two-letters"

TYPICAL: dict[str, Any] = {
    "order_type": "dine_in",
    "table": "12",
    "covers": 3,
    "lines": [
        {
            "item_id": "burger",
            "quantity": 2,
            "modifiers": [{"modifier_id": name} for name in ("medium-rare", "bacon", "no-onion", "with-fries")],
            "seat": 1,
        },
        {"item_id": "sirloin", "modifiers": [{"modifier_id": name} for name in ("medium", "with-salad")], "seat": 2},
        {"item_id": "souvlaki", "modifiers": [{"modifier_id": name} for name in ("no-tomato", "no-side")], "seat": 3},
        {"item_id": "cola", "modifiers": [{"modifier_id": "extra-ice"}], "seat": 1},
        {"item_id": "mint-tea", "seat": 2, "note": "no sugar"},
    ],
    "tenders": [{"tender": "cash", "tendered_minor": 20000}],
}
"""Five lines with modifiers, paid in cash: a grill ticket, a bar ticket, a drawer pulse and a receipt follow from it."""


class Sinks:
    """See `sinks.py`. `documents`: (port index, CLOCK_MONOTONIC ns of the first byte), in the order of arrival."""

    def __init__(self, count: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.sinks", str(count)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.ports: list[int] = json.loads(self._process.stdout.readline())
        self.documents: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            index, at_ns = line.split()
            self.documents.put((int(index), int(at_ns)))

    def forget(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self.documents.get_nowait()

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()


@contextlib.contextmanager
def sinks(count: int) -> Iterator[Sinks]:
    made = Sinks(count)
    try:
        yield made
    finally:
        made.close()


class Agent:
    """The register's agent as `tillkeeper run --config` in a process of its own. `within`: a command to start it by, as
    `ip netns exec NAME`."""

    def __init__(
        self, folder: Path, changes: Mapping[str, Any], data: Path | None = None, within: tuple[str, ...] = ()
    ) -> None:
        self._within = within
        folder.mkdir(parents=True, exist_ok=True)
        self.data = data or folder / "data"
        self.socket = folder / "till.sock"
        self.address = ("127.0.0.1", 0)
        self._ready = folder / "ready.json"
        self._log = folder / "agent.log"
        self.config = folder / "store.toml"
        (folder / "api-token").write_text(TOKEN + "\n", "ascii")
        (folder / "api-token").chmod(0o600)
        own = {
            "data_dir": str(self.data),
            "api": {"listen": "127.0.0.1:0", "socket": str(self.socket), "token_file": str(folder / "api-token")},
        }
        whole = merged(merged(tomllib.loads(example_toml()), changes), own)
        self.config.write_text(dumps(whole), "utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> int:
        """Start it; CLOCK_MONOTONIC in ns right before."""
        self._ready.unlink(missing_ok=True)
        program = Path(sys.executable).parent / "tillkeeper"
        command = [*self._within, str(program), "run", "--config", str(self.config), "--ready-file", str(self._ready)]
        with self._log.open("ab") as said:
            began_ns = time.monotonic_ns()
            self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        return began_ns

    def wait_ready(self) -> int:
        """CLOCK_MONOTONIC in ns when its ready file stood. Raises AssertionError where it ends or takes too long."""
        assert self._process is not None
        till = time.monotonic() + READY_S
        while not self._ready.exists():
            ended = self._process.poll()
            assert ended is None, f"the agent ended with {ended}: {self._log.read_text()[-3000:]}"
            assert time.monotonic() < till, "the agent is not ready"
            time.sleep(0.0005)
        ready_ns = time.monotonic_ns()
        host, port = json.loads(self._ready.read_text("utf-8"))["url"].removeprefix("http://").split(":")
        self.address = (host, int(port))
        return ready_ns

    def start(self) -> None:
        self.launch()
        self.wait_ready()

    def rss_mib(self) -> float:
        assert self._process is not None
        return float(psutil.Process(self._process.pid).memory_info().rss) / 2**20

    def cpu_s(self) -> float:
        """Processor time of all its threads so far, to the nanosecond (the first field of each one's `schedstat`)."""
        assert self._process is not None
        threads = Path(f"/proc/{self._process.pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text("ascii").split()[0]) for thread in threads) / 1e9

    def stop(self) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                os.kill(self._process.pid, signal.SIGTERM)
            self._process.wait(30)

    def kill(self) -> float:
        """SIGKILL; CLOCK_MONOTONIC in seconds right before."""
        assert self._process is not None
        at_s = time.monotonic()
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait(30)
        return at_s

    def local(self) -> Client:
        return Client(self.socket)

    def loopback(self) -> Client:
        return Client(self.address, TOKEN)


@contextlib.contextmanager
def agent(folder: Path, changes: Mapping[str, Any], data: Path | None = None) -> Iterator[Agent]:
    """A running agent; a journal in `data` is kept."""
    made = Agent(folder, changes, data)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def three_printers(ports: list[int], *, drawer: bool) -> dict[str, Any]:
    """The example's printers on these ports, its kitchen display left out (nobody would answer for it).

    Args:
        drawer: cash opens it. A coil takes two kicks a second, and receipts wait behind kicks: many orders in a row pile up.
    """
    addresses = {name: {"address": f"127.0.0.1:{port}"} for name, port in zip(PRINTERS, ports, strict=True)}
    return {
        "devices": {**addresses, "kitchen": None},
        "stations": {"cold": {"devices": ["grill"], "backup": None}, "grill": {"backup": None}},
        "tenders": {"cash": {"opens_drawer": drawer}},
    }


def settle(till: Agent, deadline_s: float = 60.0) -> None:
    """Until no job waits for its device. (One that a bench cut short has left held waits for a person, in a kept journal.)"""
    end_s = time.monotonic() + deadline_s
    with till.local() as client:
        while any(job["state"] != "held" for job in client.get("/v1/jobs?limit=100")["jobs"]):
            assert time.monotonic() < end_s, "jobs are left"
            time.sleep(0.05)


def orders(seed: int) -> Iterator[dict[str, Any]]:
    """The orders of the store's own day, again and again, shuffled; paid as in the day."""
    lines = (ROOT / "hw-fixtures/store/day.jsonl").read_text("utf-8").splitlines()
    day = [order for line in lines if (order := json.loads(line).get("place"))]
    chance = random.Random(seed)
    while True:
        chance.shuffle(day)
        for order in day:
            yield {name: value for name, value in order.items() if name != "type"}

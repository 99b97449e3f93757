"""A shop's LAN with a chain of routers behind it, in namespaces, for the deep diagnosis: made by a test, gone when it ends.

    register --- switch --- router (10.9.0.1) --- provider (10.9.1.2) --- HQ (198.51.100.10, hop 3)
                   |
            stray, thief (nobody yet)
"""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from tests.support.prerequisites import need

from tillkeeper.network.assignment import Assignment
from tillkeeper.network.model import Address
from tillkeeper.network.wire import DiagnoseEnded, DiagnoseStep

COMMAND = (sys.executable, "-I", "-m", "tillkeeper.network.deep")
EAGER = ("nice", "-n", "-10")
"""It yields to all others (`nice` 10), and got a tenth of what tests beside it get: less than it needs until its alarm.
So it is as they are."""
HQ, HQ6, HQ_NAME, HQ_ADDRESS = "198.51.100.10", "fd09:99::10", "hq.example.net", "198.51.100.10"
REGISTER, REGISTER6, ROUTER, ROUTER6, STRAY = "10.9.0.10", "fd09::10", "10.9.0.1", "fd09::1", "10.9.0.66"
REGISTER_MAC, ROUTER_MAC, STRAY_MAC = "02:09:00:00:00:10", "02:09:00:00:00:01", "00:26:ab:00:00:66"
"""The stray one's maker is Seiko Epson, by the IEEE's list."""
THIEF_MAC = "02:09:00:00:00:99"
LAN = {
    "register": (REGISTER_MAC, "p1"), "router": (ROUTER_MAC, "p2"), "stray": (STRAY_MAC, "p3"), "thief": (THIEF_MAC, "p4"),
}  # fmt: skip
"""Name: MAC of its eth0, and the switch's port."""
SETTLE_S = 10.0
_numbers = itertools.count()

ASSIGNMENT = Assignment(
    request="R1",
    interface="eth0",
    addresses=(
        Address(family="ipv4", address=REGISTER, prefix=24),
        Address(family="ipv6", address=REGISTER6, prefix=64),
    ),
    gateways={"ipv4": ROUTER, "ipv6": ROUTER6},
    hq=HQ,
    anycast=HQ6,
    resolvers=(ROUTER,),
    other_resolvers=(HQ,),
    name=HQ_NAME,
)


class World:
    def __init__(self, prefix: str, folder: Path) -> None:
        self.prefix, self.folder = prefix, folder
        self._children: list[subprocess.Popen[bytes]] = []

    def space(self, name: str) -> str:
        return f"{self.prefix}{name}"

    def ip(self, name: str, *lines: str) -> None:
        text = "\n".join(lines) + "\n"
        done = subprocess.run(
            ["ip", "-n", self.space(name), "-batch", "-"], input=text, capture_output=True, text=True, timeout=20, check=False
        )
        assert done.returncode == 0, f"{text}{done.stderr}"

    def nft(self, name: str, text: str) -> None:
        subprocess.run(self.within(name, "nft", "-f", "-"), input=text, text=True, timeout=20, check=True)

    def within(self, name: str, *command: str) -> list[str]:
        return ["ip", "netns", "exec", self.space(name), *command]

    def forward(self, name: str) -> None:
        """Makes a router of it."""
        write = "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"
        subprocess.run(self.within(name, "sh", "-ec", write), check=True, timeout=20)

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            self.within(name, *command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._children.append(child)
        return child

    def dnsmasq(self, name: str, *options: str, port: int = 53) -> None:
        """Starts one and waits until it listens. `options`: without the dashes."""
        pid = self.folder / f"{name}.pid"
        rest = ["no-resolv", "no-hosts", "no-ping", f"port={port}", "user=root", "leasefile-ro", f"pid-file={pid}"]
        given = [f"--{each}" for each in [*rest, *options]]
        self.start(name, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", *given)
        until(pid.exists, "dnsmasq listens")

    def answers(self, name: str, address: str) -> bool:
        command = self.within(name, "ping", "-n", "-q", "-c", "1", "-W", "1", address)
        return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0

    def close(self) -> None:
        for child in self._children:
            child.kill()
            child.wait()
        listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True, timeout=20).stdout
        for line in listed.splitlines():
            if line.startswith(self.prefix):
                subprocess.run(["ip", "netns", "delete", line.split()[0]], check=False, timeout=20)


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + SETTLE_S
    while not true():
        assert time.monotonic() < end, f"not within {SETTLE_S} s: {what}"
        time.sleep(0.02)


@contextlib.contextmanager
def world(folder: Path) -> Iterator[World]:
    need("ip", "nft", "dnsmasq", "ping", root=True)
    made = World(f"tkd{os.getpid()}x{next(_numbers)}-", folder)
    try:
        _build(made)
        yield made
    finally:
        made.close()


def _build(made: World) -> None:
    for name in ("switch", *LAN, "provider", "hq"):
        subprocess.run(["ip", "netns", "add", made.space(name)], check=True, timeout=20)
        made.ip(name, "link set lo up")
    made.ip("switch", "link add br0 type bridge", "link set br0 up")
    for name, (mac, port) in LAN.items():
        made.ip(name, f"link add eth0 address {mac} type veth peer name {port} netns {made.space('switch')}")
        made.ip(name, "link set eth0 up")
        made.ip("switch", f"link set {port} master br0", f"link set {port} up")
    made.ip("router", f"link add wan type veth peer name lan netns {made.space('provider')}", "link set wan up")
    made.ip("provider", f"link add wan type veth peer name eth0 netns {made.space('hq')}", "link set lan up", "link set wan up")
    made.ip("hq", "link set eth0 up")
    for name in ("router", "provider"):
        made.forward(name)
    made.ip("register", *_both("eth0", f"{REGISTER}/24", f"{REGISTER6}/64", ROUTER, ROUTER6))
    made.ip("router", *_both("eth0", f"{ROUTER}/24", f"{ROUTER6}/64"))
    made.ip("router", *_both("wan", "10.9.1.1/24", "fd09:1::1/64", "10.9.1.2", "fd09:1::2"))
    made.ip(
        "provider",
        *_both("lan", "10.9.1.2/24", "fd09:1::2/64", "10.9.1.1", "fd09:1::1"),
        *_both("wan", "10.9.2.1/24", "fd09:2::1/64"),
        f"route add {HQ}/32 via 10.9.2.2",
        f"route add {HQ6}/128 via fd09:2::2",
    )
    made.ip("hq", *_both("eth0", "10.9.2.2/24", "fd09:2::2/64", "10.9.2.1", "fd09:2::1"))
    made.ip("hq", *_both("lo", f"{HQ}/32", f"{HQ6}/128"))
    until(lambda: made.answers("register", HQ) and made.answers("register", HQ6), "the way to HQ is open")


def _both(interface: str, ipv4: str, ipv6: str, via4: str = "", via6: str = "") -> list[str]:
    lines = [f"address add {ipv4} dev {interface}", f"address add {ipv6} dev {interface} nodad"]
    return lines + ([f"route add default via {via4}", f"route add default via {via6}"] if via4 else [])


class Heard:
    """What the child said, in order."""

    def __init__(self, said: list[DiagnoseStep | DiagnoseEnded]) -> None:
        self.said = said
        self.steps = [each for each in said if isinstance(each, DiagnoseStep)]
        self.ended = [each for each in said if isinstance(each, DiagnoseEnded)]

    def last(self, check: str) -> DiagnoseStep:
        return [step for step in self.steps if step.check == check][-1]

    def __str__(self) -> str:
        return "\n".join(f"{each.check} {each.state}: {each.words} {each.result}" for each in self.steps)


TRIES = 3


def _played(made: World, assignment: Assignment, *wrapper: str, name: str) -> tuple[int, list[bytes]]:
    child = subprocess.Popen(made.within(name, *EAGER, *wrapper, *COMMAND), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    with child, child.stdin, child.stdout:
        try:
            child.stdin.write(msgspec.json.encode(assignment) + b"\n")
            child.stdin.flush()
            lines = child.stdout.read().splitlines()
            return child.wait(timeout=5), lines
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)


def diagnose(made: World, assignment: Assignment, *wrapper: str, name: str = "register") -> Heard:
    """Runs the child as the prober does, to its end. Again where its alarm ended it: the machine was busy for longer."""
    for _ in range(TRIES):
        if assignment.pcap:
            Path(assignment.pcap).unlink(missing_ok=True)  # of the try before
        code, lines = _played(made, assignment, *wrapper, name=name)
        if code != -signal.SIGALRM:
            break
    assert code == 0, lines
    decode = msgspec.json.Decoder(DiagnoseStep | DiagnoseEnded).decode
    return Heard([decode(line) for line in lines])

"""A register, a neighbour and a router on one switch, in namespaces that the test makes; the router plays the internet as well.

    register 10.77.0.2, fd77::2     neighbour 10.77.0.3     router 10.77.0.1, fd77::1, behind it 198.51.100.1 and .2
"""

import contextlib
import itertools
import json
import os
import queue
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec
from tests.lab.spaces import ETC, inside, ip, remove, settings
from tests.support.prerequisites import need
from tests.support.toml import dumps, merged

from tillkeeper.network.wire import FromProber, Hello, Reported

REGISTER, NEIGHBOUR, ROUTER = "10.77.0.2", "10.77.0.3", "10.77.0.1"
REGISTER_MAC, NEIGHBOUR_MAC, ROUTER_MAC = (f"02:00:77:00:00:0{number}" for number in (2, 3, 1))
ANYCAST = ("198.51.100.1", "198.51.100.2")
ANYCAST_6, LINK_LOCAL = "2001:db8:53::53", "fe80::1"
HQ_NAME = "hq.small.example"
PROBER_S = 20.0
_NUMBERS = itertools.count()
_HOSTS = {"reg": ("2", REGISTER_MAC), "nb": ("3", NEIGHBOUR_MAC), "rt": ("1", ROUTER_MAC)}


class Store:
    """`space("reg")`, `space("nb")`, `space("rt")`, `space("sw")`: the switch's ports are named after the hosts."""

    def __init__(self) -> None:
        self._name = f"tk{os.getpid()}s{next(_NUMBERS)}"

    def space(self, host: str) -> str:
        return f"{self._name}-{host}"

    @property
    def spaces(self) -> list[str]:
        return [self.space(host) for host in (*_HOSTS, "sw")]

    def build(self) -> None:
        ip("", *(f"netns add {space}" for space in self.spaces))
        for space in self.spaces:
            settings(space, {"ipv6/conf/default/accept_dad": 0, "ipv6/conf/default/dad_transmits": 0})
        switch = self.space("sw")
        ip("", *(f"link add {host} netns {switch} type veth peer name eth0 netns {self.space(host)}" for host in _HOSTS))
        ip(
            self.space("sw"), "link add br0 type bridge forward_delay 0 stp_state 0", "link set br0 up",
            *(line for host in _HOSTS for line in (f"link set {host} master br0", f"link set {host} up")),
        )  # fmt: skip
        for host, (number, mac) in _HOSTS.items():
            ip(
                self.space(host), "link set lo up", f"link set eth0 address {mac}", "link set eth0 up",
                f"addr add 10.77.0.{number}/24 broadcast + dev eth0", f"addr add fd77::{number}/64 dev eth0 nodad",
            )  # fmt: skip
        ip(self.space("rt"), *(f"addr add {address}/32 dev lo" for address in ANYCAST))
        ip(self.space("rt"), f"addr add {ANYCAST_6}/128 dev lo nodad", f"addr add {LINK_LOCAL}/64 dev eth0 nodad")
        settings(self.space("rt"), {"ipv4/ip_forward": 1, "ipv4/icmp_ratemask": 0, "ipv6/conf/all/forwarding": 1})
        for host in ("reg", "nb"):
            ip(self.space(host), f"route add default via {ROUTER}", f"route add default via {LINK_LOCAL} dev eth0")
        self.resolvers(ROUTER)

    def resolvers(self, *addresses: str) -> None:
        """Written in place: it is bound over /etc/resolv.conf of the register's processes."""
        folder = ETC / self.space("reg")
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "resolv.conf").open("w") as file:
            file.write("".join(f"nameserver {address}\n" for address in addresses))

    def remove(self) -> None:
        remove(self.spaces)


@contextlib.contextmanager
def small_store() -> Iterator[Store]:
    need("ip", "nft")
    store = Store()
    try:
        store.build()
        yield store
    finally:
        store.remove()


class Server(threading.Thread):
    """Answers in the router: names (every one is `ANYCAST[1]`), HTTP 204, HQ's health. `status`, `rcode`: to misbehave."""

    def __init__(self, store: Store) -> None:
        super().__init__(name="router's servers")
        self.status, self.rcode = 204, 0
        self.head = b""
        self.requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.asked: queue.SimpleQueue[str] = queue.SimpleQueue()
        with inside(store.space("rt")):
            self._names = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in (ROUTER, *ANYCAST)]
            for sock, address in zip(self._names, (ROUTER, *ANYCAST), strict=True):
                sock.bind((address, 53))
            self._web = socket.create_server(("0.0.0.0", 80))
        self._wake, self._waker = socket.socketpair()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._waker.send(b"x")
        self.join()
        for sock in (*self._names, self._web, self._wake, self._waker):
            sock.close()

    def run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for sock in (*self._names, self._web, self._wake):
                selector.register(sock, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select() if isinstance(key.fileobj, socket.socket)}
                if self._wake in ready:
                    return
                for sock in ready.intersection(self._names):
                    self._resolve(sock, *sock.recvfrom(2048))
                if self._web in ready:
                    self._page()

    def _resolve(self, sock: socket.socket, query: bytes, sender: tuple[str, int]) -> None:
        at = 12
        labels = []
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        self.asked.put(".".join(labels))
        question, record = query[12 : at + 5], query[at + 1 : at + 3]
        rest = b"\xc0\x0c\0\1\0\1\0\0\0\x1e\0\4" + socket.inet_aton(ANYCAST[1]) if record == b"\0\1" and not self.rcode else b""
        head = query[:2] + bytes((0x81, 0x80 | self.rcode)) + b"\0\1" + (b"\0\1" if rest else b"\0\0") + b"\0\0\0\0"
        sock.sendto(head + question + rest, sender)

    def _page(self) -> None:
        client, _ = self._web.accept()
        with client, contextlib.suppress(OSError):
            client.settimeout(2.0)
            self.requests.put(client.recv(4096))
            client.sendall(self.head or b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % self.status)


def config(folder: Path, changes: dict[str, Any] | None = None) -> Path:
    """A register's file with what the prober reads of it."""
    network = {
        "anycast": list(ANYCAST),
        "portal_url": f"http://{ANYCAST[0]}/generate_204",
        "socket": "probe.sock",
        "families": ["ipv4"],
    }
    base = {"this_register": "front", "data_dir": ".", "registers": {"front": {"letter": "A"}}, "network": network}
    file = folder / "register.toml"
    file.write_text(dumps(merged(base, changes or {})), "utf-8")
    return file


class Prober:
    """`tillkeeper probe` as a process in the register. `messages`: all that it printed, decoded."""

    def __init__(
        self, store: Store, file: Path, *options: str, prefix: Sequence[str] = (), host: str = "reg"
    ) -> None:
        self._log = file.with_suffix(".log").open("a+")
        command = ["ip", "netns", "exec", store.space(host), *prefix, sys.executable, "-m", "tillkeeper", "probe"]
        command += ["--config", str(file), "--print", "all", *(options or ("--uplink", "none"))]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log)
        self.messages: list[FromProber] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, name="reads the prober")
        self._reader.start()

    def _read(self) -> None:
        decoder: msgspec.json.Decoder[FromProber] = msgspec.json.Decoder(FromProber)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message = decoder.decode(line)
            with self._news:
                self.messages.append(message)
                self._news.notify_all()

    def wait(self, good: Callable[[Reported], bool], within_s: float = PROBER_S, *, since: int = 0) -> Reported:
        """The first report from index `since` on that is `good`."""
        till_s = time.monotonic() + within_s
        at = since
        with self._news:
            while True:
                for message in self.messages[at:]:
                    if isinstance(message, Reported) and good(message):
                        return message
                at = len(self.messages)
                left_s = till_s - time.monotonic()
                assert left_s > 0, f"not within {within_s:g} s; last: {self.messages[-1:]}\n{self.said()}"
                assert self.process.poll() is None, f"it ended with {self.process.returncode}\n{self.said()}"
                self._news.wait(min(left_s, 0.5))

    def phase(self, phase: str, *faults: str, within_s: float = PROBER_S, since: int = 0) -> Reported:
        """The first report with this phase that names at least `faults`."""
        return self.wait(
            lambda seen: (seen.report.verdict.phase == phase and set(faults) <= set(seen.report.verdict.faults)),
            within_s, since=since,
        )  # fmt: skip

    @property
    def hello(self) -> Hello:
        self.wait(lambda _seen: True)
        first = self.messages[0]
        assert isinstance(first, Hello)
        return first

    @property
    def reports(self) -> list[Reported]:
        with self._news:
            return [message for message in self.messages if isinstance(message, Reported)]

    @property
    def count(self) -> int:
        with self._news:
            return len(self.messages)

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def said(self) -> str:
        self._log.seek(0)
        return self._log.read()[-6000:]

    def events(self) -> list[dict[str, Any]]:
        """What it logged."""
        self._log.seek(0)
        return [json.loads(line) for line in self._log if line.startswith("{")]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        try:
            self.process.wait(PROBER_S)
        finally:
            self.process.kill()
            self._reader.join()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self._log.close()

"""A small LAN of namespaces: a register, a switch, printers and strangers. Everything is named with this process's pid and goes
away at the end."""

import asyncio
import os
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest
from tests.lab.spaces import NAMED, LabTrouble, inside, ip, now_s, remove, settings, shown

from tillkeeper_drivers.discovery import enpc

NET = "192.0.2"
READY_S = 10.0


def mac(number: int) -> str:
    """Of the host `number` (1-99)."""
    return f"02:00:5e:10:00:{number:02d}"


class Lan:
    """`hosts`: names; each gets the address NET.(10 + its place), the register NET.1."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = hosts
        self._prefix = f"tkdev{os.getpid()}"

    def space(self, host: str) -> str:
        return f"{self._prefix}-{host}"

    def address(self, host: str) -> str:
        return f"{NET}.{10 + self.hosts.index(host)}"

    def mac(self, host: str) -> str:
        return mac(10 + self.hosts.index(host))

    @property
    def _spaces(self) -> list[str]:
        return [self.space(name) for name in ("register", "switch", *self.hosts)]

    def build(self) -> None:
        ip("", *(f"netns add {space}" for space in self._spaces))
        switch = self.space("switch")
        for space in self._spaces:
            settings(space, {"ipv6/conf/default/disable_ipv6": 1})
        cables = [
            f"link add p{number} netns {switch} type veth peer name eth0 netns {self.space(host)}"
            for number, host in enumerate(("register", *self.hosts))
        ]
        ip("", *cables)
        ports = [f"p{number}" for number in range(len(cables))]
        ip(switch, "link add br0 type bridge forward_delay 0 stp_state 0", "link set br0 up")
        ip(switch, *(f"link set {port} master br0" for port in ports), *(f"link set {port} up" for port in ports))
        ip(self.space("register"), "link set lo up", f"link set eth0 address {mac(1)}", "link set eth0 up",
           f"addr add {NET}.1/24 broadcast + dev eth0")  # fmt: skip
        for host in self.hosts:
            ip(self.space(host), "link set lo up", f"link set eth0 address {self.mac(host)}", "link set eth0 up")
            self.move(host, self.address(host))
        until_s = now_s() + READY_S
        while any("LOWER_UP" not in shown(self.space(host), "-o", "link", "show", "dev", "eth0") for host in self.hosts):
            if now_s() > until_s:
                raise LabTrouble("the switch does not forward")

    def move(self, host: str, address: str) -> None:
        """The host has this address from now on, and no other; empty: none at all."""
        lines = ["addr flush dev eth0"]
        ip(self.space(host), *lines, *([f"addr add {address}/24 broadcast + dev eth0"] if address else []))

    def destroy(self) -> None:
        remove(self._spaces)

    def socket(self, host: str, kind: socket.SocketKind) -> socket.socket:
        with inside(self.space(host)):
            return socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK)


@contextmanager
def lan(*hosts: str) -> Iterator[Lan]:
    """A LAN; what runs in here runs on its register. Fails in CI where namespaces can not be made, is skipped elsewhere."""
    made = Lan(*hosts)
    _sweep()
    try:
        if os.geteuid():
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("network namespaces need root")
        made.build()
        with inside(made.space("register")):
            yield made
    finally:
        if not os.geteuid():
            made.destroy()


def _sweep() -> None:
    """What killed runs left behind."""
    there = [path.name for path in NAMED.iterdir()] if NAMED.is_dir() else []
    owners = {name: re.match(r"tkdev(\d+)-", name) for name in there}
    remove([name for name, owner in owners.items() if owner and not Path("/proc", owner[1]).exists()])


class NetPrinter:
    """A mute printer at port 9100 of a host; answers ENPC where it has a `model`. `received`: all bytes of all connections."""

    def __init__(self, lan: Lan, host: str, model: str = "") -> None:
        self._lan, self._host, self._model = lan, host, model
        self.received = bytearray()
        self.connections = 0
        self.asked = 0
        self._open: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator["NetPrinter"]:
        with ExitStack() as stack:
            door = stack.enter_context(self._lan.socket(self._host, socket.SOCK_STREAM))
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind(("", 9100))
            server = await asyncio.start_server(self._serve, sock=door)
            if self._model:
                questions = stack.enter_context(self._lan.socket(self._host, socket.SOCK_DGRAM))
                questions.bind(("", enpc.PORT))
                loop = asyncio.get_running_loop()
                loop.add_reader(questions, self._answer, questions)
                stack.callback(loop.remove_reader, questions)
            async with server:
                try:
                    yield self
                finally:
                    for writer in tuple(self._open):
                        writer.transport.abort()  # a register that has no way to us can not be told

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        try:
            with suppress(ConnectionError):
                while data := await reader.read(4096):
                    self.received += data
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    def _answer(self, questions: socket.socket) -> None:
        with suppress(BlockingIOError, OSError):
            data, asker = questions.recvfrom(100)
            if data == enpc.query(enpc.BASIC):
                self.asked += 1
                body = b"\0\5 \2d" + self._model.encode().ljust(128, b"\0")
                questions.sendto(b"EPSONq\3\0\0\0\0\0" + len(body).to_bytes(2, "big") + body, asker)

"""Parts of the prober that need no privilege: resolv.conf, the agent's socket, Wi-Fi, systemd, exchanges on loopback."""

import contextlib
import os
import select
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.support.ports import free_port
from tests.support.prerequisites import need

from tillkeeper.network.model import (
    Evidence,
    Fact,
    NotSent,
    Probe,
    Replied,
    Report,
    ResolversSeen,
    Target,
    UplinkSeen,
    Verdict,
    Way,
)
from tillkeeper.network.prober import clock, standby
from tillkeeper.network.prober.agent_link import AgentLink
from tillkeeper.network.prober.host import wireless
from tillkeeper.network.prober.poller import Poller
from tillkeeper.network.prober.resolv import MAX_BYTES, RETRY_S, Names, parse
from tillkeeper.network.prober.wan import MOST_OPEN, Wan
from tillkeeper.network.wire import MAX_LINE, Diagnose, DiagnoseStep, FromProber, Hello, Occupied, Reported, Uplink
from tillkeeper_systemd import notify as sd_notify


@pytest.fixture
def poller() -> Iterator[Poller]:
    made = Poller()
    yield made
    made.close()


def turn(poller: Poller, done: Callable[[], object], within_s: float = 5.0) -> None:
    """Turns of the loop until `done`."""
    till_s = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < till_s, "not in time"
        for ready in poller.wait(0.02):
            ready()
        poller.wake(clock.boot_s())


# --- resolv.conf ---


def test_resolv_conf_as_people_write_it() -> None:
    text = "# mine\nsearch lan\nnameserver 10.0.0.1 # first\n nameserver\tfe80::1%eth0\nnameserver bogus\nnameserver\n"
    assert parse(text + "nameserver 10.0.0.1\nnameserver 9.9.9.9\nnameserver 8.8.8.8\n") == ("10.0.0.1", "fe80::1", "9.9.9.9")


def test_a_changed_resolv_conf_is_told_once(tmp_path: Path) -> None:
    file, seen = tmp_path / "resolv.conf", list[Fact]()
    names = Names(file, [], ("ipv4",), seen.append)
    names.refresh(1.0)
    assert seen == [], "it is not there yet"
    file.write_text("nameserver 10.0.0.1\n")
    names.refresh(2.0)
    names.refresh(3.0)
    fresh = tmp_path / "fresh"
    fresh.write_text("nameserver 10.0.0.2\n")
    fresh.rename(file)
    names.refresh(4.0)
    file.unlink()
    os.mkfifo(file)  # nobody ever writes to it
    names.refresh(5.0)
    assert [fact.addresses for fact in seen if isinstance(fact, ResolversSeen)] == [("10.0.0.1",), ("10.0.0.2",), ()]


def test_only_the_beginning_of_a_huge_resolv_conf_is_read(tmp_path: Path) -> None:
    file, seen = tmp_path / "resolv.conf", list[Fact]()
    file.write_text("nameserver 10.0.0.1\n" + "#" * MAX_BYTES + "\nnameserver 10.0.0.2\n")
    Names(file, [], ("ipv4",), seen.append).refresh(1.0)
    assert isinstance(seen[0], ResolversSeen)
    assert seen[0].addresses == ("10.0.0.1",)


def test_names_are_asked_again_until_they_are_known_and_remembered_when_resolvers_fail(tmp_path: Path) -> None:
    file, seen = tmp_path / "resolv.conf", list[Fact]()
    names = Names(file, ["hq.example"], ("ipv4", "ipv6"), seen.append)
    file.write_text("nameserver 10.0.0.1\nnameserver 10.0.0.2\n")
    names.refresh(0.0)
    assert names.due(0.0) == [("10.0.0.1", "hq.example", "A"), ("10.0.0.1", "hq.example", "AAAA")]
    assert names.due(1.0) == []
    assert [resolver for resolver, _, _ in names.due(RETRY_S)] == ["10.0.0.2", "10.0.0.2"], "the other one, next time"
    names.learn("hq.example", "A", ("203.0.113.2", "203.0.113.1"), 6.0)
    names.learn("other.example", "A", ("203.0.113.9",), 6.0)
    last = seen[-1]
    assert isinstance(last, ResolversSeen)
    assert last.cached == {"hq.example": ("203.0.113.1", "203.0.113.2")}
    assert [record for _, _, record in names.due(12.0)] == ["AAAA"]
    file.write_text("")
    names.refresh(13.0)
    assert names.address("hq.example", "ipv4") == "203.0.113.1", "that is what it is kept for"


# --- Wi-Fi ---

HEAD = "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n"
FACE = " face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (" wlan0: 0000   54.  -56.  -256        0      0      0     17      3        0\n", (True, -56.0, 17)),
        (" wlan0: 0000   0.  -256.  -256        0      0      0      0      0        0\n", (False, None, 0)),
        (" wlan0: 0000   54.  200.  0        0      0      0     1      0        0\n", (True, None, 1)),
        (" wlan1: 0000   54.  -56.  -256        0      0      0     17      3        0\n", None),
        (" wlan0: 0000   5x.  -56.  -256        0      0      0     17      3        0\n", None),
        (" wlan0: 0000\n", None),
    ],
)
def test_wireless_figures(line: str, expected: tuple[bool, float | None, int] | None) -> None:
    assert wireless(HEAD + FACE + line, "wlan0") == expected


# --- systemd ---


def test_systemd_hears_what_it_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not sd_notify.notify(READY="1")
    for address, bound in ((str(tmp_path / "n"), str(tmp_path / "n")), (f"@tk-{os.getpid()}", f"\0tk-{os.getpid()}")):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(bound)
            monkeypatch.setenv("NOTIFY_SOCKET", address)
            assert sd_notify.notify(READY="1", STATUS="two\nlines")
            assert manager.recv(4096) == b"READY=1\nSTATUS=two lines"
    assert not sd_notify.notify(READY="1"), "the manager has gone"


def test_the_watchdog_is_fed_twice_in_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "10000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert sd_notify.watchdog_s() == 5.0
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert sd_notify.watchdog_s() is None
    monkeypatch.delenv("WATCHDOG_PID")
    monkeypatch.setenv("WATCHDOG_USEC", "soon")
    assert sd_notify.watchdog_s() is None


# --- the agent's socket ---


class FakeAgent:
    """Listens as the agent does."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self._listener.settimeout(5.0)

    def accept(self) -> socket.socket:
        client, _ = self._listener.accept()
        client.settimeout(5.0)
        return client

    def close(self) -> None:
        self._listener.close()


def report(number: int, weight: int = 0) -> Report:
    evidence = Evidence(at_s=float(number), interface="e" * weight, columns={})
    return Report(at_s=float(number), verdict=Verdict(phase="fine"), evidence=evidence)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[FakeAgent]:
    made = FakeAgent(tmp_path / "probe.sock")
    yield made
    made.close()


def link_to(path: Path, poller: Poller, told: list[Fact], asked: list[Diagnose]) -> AgentLink:
    hello = Hello(version="1", pid=1, interface="eth0", raw=True)
    return AgentLink(path, poller, told.append, lambda: hello, asked.append, lambda _devices: None)


def test_an_agent_that_restarts_is_found_again(tmp_path: Path, poller: Poller, agent: FakeAgent) -> None:
    path, told, asked = tmp_path / "probe.sock", list[Fact](), list[Diagnose]()
    link = link_to(path, poller, told, asked)
    decoder = msgspec.json.Decoder(FromProber)
    seen = UplinkSeen(at_s=1.0, ok_at_s=0.5, failed_at_s=None)
    link.tick(0.0)
    with agent.accept() as first, first.makefile("rb") as lines:
        link.send(report(7))
        assert isinstance(decoder.decode(lines.readline()), Hello)
        said = decoder.decode(lines.readline())
        assert isinstance(said, Reported)
        assert said.report.at_s == 7.0
        first.sendall(msgspec.json.encode(Uplink(seen=seen)) + b"\n" + msgspec.json.encode(Diagnose(request="R1"))[:9])
        turn(poller, lambda: told)
        first.sendall(msgspec.json.encode(Diagnose(request="R1"))[9:] + b"\n")
        turn(poller, lambda: asked)
    turn(poller, lambda: not link.connected)
    assert told == [seen]
    assert asked[0].request == "R1"
    agent.close()
    link.tick(0.5)
    assert not link.connected, "it waits a second"
    link.tick(1.0)
    assert not link.connected, "nobody is there"
    again = FakeAgent(path)
    try:
        link.tick(2.0)
        with again.accept() as second, second.makefile("rb") as lines:
            assert isinstance(decoder.decode(lines.readline()), Hello)
    finally:
        link.close()
        again.close()


def test_one_that_another_stands_in_the_way_of_says_so_and_does_not_come_back(
    tmp_path: Path, poller: Poller, agent: FakeAgent, capsys: pytest.CaptureFixture[str]
) -> None:
    for finds_it_by in ("reading", "writing"):
        link = link_to(tmp_path / "probe.sock", poller, [], [])
        link.tick(0.0)
        with agent.accept() as client:
            client.sendall(msgspec.json.encode(Occupied(pid=4711)) + b"\n")
        if finds_it_by == "writing":
            link.send(report(1))
        else:
            turn(poller, lambda gone=link: not gone.connected)
        assert link.occupied_by == 4711
        assert "another prober (process 4711)" in capsys.readouterr().err
        link.tick(1e6)
        assert not link.connected, finds_it_by
        link.close()


def test_one_that_waits_has_the_place_once_the_agent_does_not_refuse_it(
    tmp_path: Path, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standby, "AGAIN_S", 0.02)
    answers = [Occupied(pid=1), Occupied(pid=2), None, Uplink(seen=UplinkSeen(at_s=1.0, ok_at_s=1.0, failed_at_s=None))]
    asked: list[str] = []

    def serve() -> None:
        for answer in answers:
            with agent.accept() as client, client.makefile("rb") as lines:
                asked.append(msgspec.json.decode(lines.readline(), type=Hello).version)
                if answer is not None:
                    client.sendall(msgspec.json.encode(answer) + b"\n")

    serving = threading.Thread(target=serve)
    serving.start()
    try:
        assert standby.wait_for_place(tmp_path / "probe.sock", "9", 1)
    finally:
        serving.join(20.0)
    assert asked == ["9"] * len(answers)  # nor has it one whose connection just ends


def test_one_that_waits_is_ended_by_a_signal_though_there_is_no_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standby, "AGAIN_S", 0.02)
    ending = threading.Timer(0.3, signal.pthread_kill, (threading.main_thread().ident, signal.SIGTERM))
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    ending.start()
    try:
        assert not standby.wait_for_place(tmp_path / "nobody.sock", "9", 1)
    finally:
        ending.join()
        signal.signal(signal.SIGTERM, before)


def test_an_agent_that_can_not_be_reached_is_named_with_path_and_reason(
    tmp_path: Path, poller: Poller, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "probe.sock"
    link = link_to(path, poller, [], [])
    for second in range(3):
        link.tick(float(second))
    (line,) = capsys.readouterr().err.splitlines()
    said = msgspec.json.decode(line)
    assert said["event"] == "agent_lost"
    for words in (str(path), "the agent does not run", "ENOENT"):
        assert words in said["why"]
    path.touch()
    link.tick(5.0)
    assert "ECONNREFUSED" in capsys.readouterr().err
    link.close()


def test_a_prober_that_is_switched_off_opens_nothing_and_stays_until_it_is_ended(tmp_path: Path) -> None:
    file = tmp_path / "tillkeeper.toml"
    file.write_text('this_register = "front"\nregisters.front = { letter = "A" }\nnetwork.watch = false\n', encoding="utf-8")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "n"))
        manager.settimeout(20.0)
        settings = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "n"), "WATCHDOG_USEC": "200000"}
        settings.pop("WATCHDOG_PID", None)
        command = [sys.executable, "-m", "tillkeeper", "probe", "--config", str(file)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=settings)
        try:
            ready = manager.recv(4096).decode()
            assert ready.startswith("READY=1\nSTATUS=not watching")
            assert manager.recv(4096) == b"WATCHDOG=1"
            sockets = ["all that it had when it said so"]
            till_s = time.monotonic() + 20.0
            while sockets:  # but the one that it just told the manager by
                assert time.monotonic() < till_s, sockets
                files = Path(f"/proc/{process.pid}/fd")
                with contextlib.suppress(FileNotFoundError):
                    sockets = [entry.name for entry in files.iterdir() if os.readlink(entry).startswith("socket:")]
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
            process.communicate()
    assert process.returncode == 0
    assert "watch = false" in said


def test_an_agent_that_does_not_read_gets_the_newest(tmp_path: Path, poller: Poller, agent: FakeAgent) -> None:
    link = link_to(tmp_path / "probe.sock", poller, [], [])
    link.tick(0.0)
    with agent.accept() as client:
        for number in range(2000):
            link.send(report(number, weight=2000))
        link.send_step(DiagnoseStep(request="R", check="link", state="done", words="w"))
        client.setblocking(False)
        taken = bytearray()

        def newest() -> bool:
            with contextlib.suppress(BlockingIOError):
                taken.extend(client.recv(65_536))
            return taken.endswith(b"\n") and b'{"type":"report","report":{"at_s":1999.0' in taken

        turn(poller, newest)
        decoder = msgspec.json.Decoder(FromProber)
        seen = [decoder.decode(line) for line in taken.splitlines()]
        reports = [message.report.at_s for message in seen if isinstance(message, Reported)]
        assert len(reports) < 500, "what nobody took is gone"
        assert reports == sorted(reports)
        assert sum(isinstance(message, DiagnoseStep) for message in seen) == 1
    link.close()


@pytest.mark.parametrize("line", [b"nonsense\n", b'{"type":"hello"}\n', b"x" * (MAX_LINE + 2), b"\xff\xfe\n"])
def test_an_agent_that_talks_nonsense_is_left(tmp_path: Path, poller: Poller, agent: FakeAgent, line: bytes) -> None:
    told, asked = list[Fact](), list[Diagnose]()
    link = link_to(tmp_path / "probe.sock", poller, told, asked)
    link.tick(0.0)
    with agent.accept() as client:
        client.settimeout(0.0)
        left = line

        def gone() -> bool:
            nonlocal left
            with contextlib.suppress(BlockingIOError, BrokenPipeError):
                left = left[client.send(left) :] if left else left
            return not link.connected

        turn(poller, gone)
    assert told == []
    assert asked == []


# --- exchanges on loopback ---


class Exchanges:
    def __init__(self, poller: Poller) -> None:
        self.poller, self.told = poller, list[Fact]()
        self.names = Names(Path("/nonexistent"), ["hq.example"], ("ipv4",), self.told.append)
        self.wan = Wan(poller, self.told.append, self.names)

    def ask(self, way: Way, port: int, *, role: str = "hq", host: str = "hq.example", timeout_ms: int = 2000) -> None:
        target = msgspec.convert(
            {"name": "t", "role": role, "family": "ipv4", "address": "127.0.0.1", "ways": [way], "host": host, "port": port,
             "path": "/check"}, Target,
        )  # fmt: skip
        self.wan.ask(Probe(number=1, target=target, way=way, timeout_ms=timeout_ms), "127.0.0.1", 0, clock.boot_s())

    def answer(self) -> Fact:
        turn(self.poller, lambda: self.told)
        assert self.wan.open == 0, "every socket is closed with its answer"
        return self.told.pop()


def serve(poller: Poller, answer: bytes, *, split: int = 0) -> socket.socket:
    """Answers the first connection with `answer`, in pieces of `split` bytes, and closes it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accepted() -> None:
        client, _ = listener.accept()
        poller.remove(listener)

        def asked() -> None:
            client.recv(4096)
            poller.remove(client)
            for at in range(0, len(answer), split or len(answer) or 1):
                client.sendall(answer[at : at + (split or len(answer))])
            client.close()

        poller.add(client, asked)

    poller.add(listener, accepted)
    return listener


@pytest.mark.parametrize(
    ("role", "head", "expected"),
    [
        ("portal", "204 No Content", ("reply", "")),
        ("portal", "200 OK\r\nContent-Length: 0", ("reply", "")),
        ("portal", "200 OK\r\nContent-Length: 5", ("redirected", "HTTP 200")),
        ("portal", "302 Found\r\nLocation: http://login.example/", ("redirected", "http://login.example/")),
        ("portal", "511 Network Authentication Required", ("redirected", "HTTP 511")),
        ("portal", "500 Oops", ("wrong", "HTTP 500")),
        ("hq", "200 OK", ("reply", "")),
        ("hq", "401 Who", ("reply", "")),
        ("hq", "302 Found\r\nLocation: http://login.example/", ("redirected", "http://login.example/")),
        ("hq", "503 Later", ("wrong", "HTTP 503")),
    ],
)
@pytest.mark.parametrize("split", [0, 1])
def test_http_answers(poller: Poller, role: str, head: str, expected: tuple[str, str], split: int) -> None:
    exchanges = Exchanges(poller)
    with serve(poller, f"HTTP/1.1 {head}\r\n\r\nhello".encode(), split=split) as listener:
        exchanges.ask("http", listener.getsockname()[1], role=role)
        found = exchanges.answer()
    assert isinstance(found, Replied)
    assert (found.answer, found.detail) == expected


@pytest.mark.parametrize("answer", [b"", b"\0" * 20_000, b"SSH-2.0-x\r\n", b"HTTP/1.1 204 X\r\n" + b"a: b\r\n" * 5_000])
def test_what_is_no_http_is_a_wrong_answer(poller: Poller, answer: bytes) -> None:
    exchanges = Exchanges(poller)
    with serve(poller, answer) as listener:
        exchanges.ask("http", listener.getsockname()[1], role="portal")
        found = exchanges.answer()
    assert isinstance(found, Replied)
    assert found.answer in ("wrong", "refused")


def test_a_clock_that_is_wrong_shows_in_the_date(poller: Poller) -> None:
    exchanges = Exchanges(poller)
    with serve(poller, b"HTTP/1.1 204 X\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n") as listener:
        exchanges.ask("http", listener.getsockname()[1], role="portal")
        found = exchanges.answer()
    assert isinstance(found, Replied)
    assert found.clock_ahead_s is not None
    assert abs(found.clock_ahead_s - (time.time() - 784_111_777)) < 5


def test_connections_refused_and_taken(poller: Poller) -> None:
    exchanges = Exchanges(poller)
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        exchanges.ask("tcp", port)
        taken = exchanges.answer()
    exchanges.ask("tcp", port)
    refused = exchanges.answer()
    assert isinstance(taken, Replied)
    assert isinstance(refused, Replied)
    assert (taken.answer, refused.answer) == ("reply", "refused")


def test_a_server_that_drips_or_is_silent_is_left_in_time(poller: Poller) -> None:
    exchanges = Exchanges(poller)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for _ in range(3):
            exchanges.ask("http", silent.getsockname()[1], timeout_ms=50)
        assert exchanges.wan.open == 3
        exchanges.wan.sweep(clock.boot_s() + 0.06)
        assert exchanges.wan.open == 3, "late is not lost"
        exchanges.wan.sweep(clock.boot_s() + 2.1)
        assert exchanges.wan.open == 0
    assert exchanges.told == []


def test_open_sockets_are_bounded(poller: Poller) -> None:
    exchanges = Exchanges(poller)
    with socket.create_server(("127.0.0.1", 0), backlog=MOST_OPEN + 8) as silent:
        for _ in range(MOST_OPEN + 1):
            exchanges.ask("http", silent.getsockname()[1])
        assert exchanges.wan.open == MOST_OPEN
        refused = [fact for fact in exchanges.told if isinstance(fact, NotSent)]
        assert [fact.error for fact in refused] == ["EMFILE"]
        exchanges.wan.close()
        assert exchanges.wan.open == 0


# --- DNS ---


def dns_server(poller: Poller, answer: Callable[[bytes], list[bytes]]) -> socket.socket:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def asked() -> None:
        query, sender = server.recvfrom(2048)
        for datagram in answer(query):
            server.sendto(datagram, sender)

    poller.add(server, asked)
    return server


def response(query: bytes, code: int = 0, address: str = "203.0.113.7") -> bytes:
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x1e\0\4" + socket.inet_aton(address) if not code else b""
    counts = struct.pack("!HHHH", 1, bool(record), 0, 0)
    return query[:2] + bytes((0x81, 0x80 | code)) + counts + query[12:] + record


def flipped(data: bytes) -> bytes:
    return bytes((data[0] ^ 1,)) + data[1:]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda query: [response(query)], ("reply", "203.0.113.7")),
        (lambda query: [response(query, 3)], ("reply", "")),
        (lambda query: [response(query, 2)], ("wrong", "SERVFAIL")),
        (lambda query: [response(query, 5)], ("wrong", "REFUSED")),
        (lambda query: [b"", b"x", flipped(response(query)), response(query)], ("reply", "203.0.113.7")),
        (lambda query: [os.urandom(40) for _ in range(20)], ("wrong", "answers that fit no question")),
    ],
)
def test_dns_answers(poller: Poller, answer: Callable[[bytes], list[bytes]], expected: tuple[str, str]) -> None:
    exchanges = Exchanges(poller)
    with dns_server(poller, answer) as server:
        exchanges.ask("dns", server.getsockname()[1], role="resolver")
        turn(poller, lambda: any(isinstance(fact, Replied) for fact in exchanges.told))
        poller.remove(server)
    found = next(fact for fact in exchanges.told if isinstance(fact, Replied))
    assert (found.answer, found.detail) == expected
    if expected == ("reply", "203.0.113.7"):
        assert exchanges.names.address("hq.example", "ipv4") == "203.0.113.7", "a resolver's answer is kept"
    assert exchanges.wan.open == 0


def test_a_resolver_that_is_not_there_is_refused_at_once(poller: Poller) -> None:
    exchanges = Exchanges(poller)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        held.connect(("127.0.0.1", 9))  # it hears nobody else: to others the port is closed, and nobody is given it
        exchanges.ask("dns", held.getsockname()[1], role="resolver")
        found = exchanges.answer()
    assert isinstance(found, Replied)
    assert found.answer == "refused"


# --- TLS ---

TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Of hq.small.example, signed by itself."""
    need("openssl", root=False)
    folder = tmp_path_factory.mktemp("tls")
    chain, key = folder / "chain.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=x", "-addext",
         "subjectAltName=DNS:hq.small.example,DNS:*.wild.example,IP:127.0.0.1", "-keyout", key, "-out", chain],
        check=True, capture_output=True,
    )  # fmt: skip
    return chain, key


@pytest.mark.parametrize(
    ("host", "newest", "oldest", "expected"),
    [
        ("hq.small.example", TLS_1_3, TLS_1_2, ("reply", "")),
        ("HQ.small.example", TLS_1_2, TLS_1_2, ("reply", "")),
        ("hq.small.example", TLS_1_3, TLS_1_3, ("reply", "")),
        ("till.wild.example", TLS_1_3, TLS_1_2, ("reply", "")),
        ("a.till.wild.example", TLS_1_3, TLS_1_2, ("wrong", "hq.small.example, *.wild.example")),
        ("127.0.0.1", TLS_1_3, TLS_1_2, ("reply", "")),
        ("127.0.0.2", TLS_1_3, TLS_1_2, ("wrong", "certificate of hq.small.example")),
        ("other.example", TLS_1_3, TLS_1_2, ("wrong", "certificate of hq.small.example")),
    ],
)
def test_tls_answers(
    poller: Poller, certificate: tuple[Path, Path], host: str, newest: ssl.TLSVersion, oldest: ssl.TLSVersion,
    expected: tuple[str, str],
) -> None:  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    context.minimum_version, context.maximum_version = oldest, newest
    named: list[str | None] = []
    context.sni_callback = lambda _sock, name, _context: named.append(name)
    found = shake(poller, Exchanges(poller), context, host)
    assert found.answer == expected[0], found
    assert expected[1] in found.detail
    if oldest == TLS_1_2:  # else it refuses before it looks at the name
        assert named in ([None] if host.startswith("127.") else [host],)


def test_a_certificate_out_of_its_time_is_said_so(
    poller: Poller, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    for ahead_s, word in ((7 * 86_400, "has expired"), (-7 * 86_400, "not yet valid")):
        monkeypatch.setattr(clock, "wall_s", lambda ahead_s=ahead_s: time.time() + ahead_s)
        assert word in shake(poller, Exchanges(poller), context, "hq.small.example").detail


def shake(poller: Poller, exchanges: Exchanges, context: ssl.SSLContext, host: str) -> Replied:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        exchanges.ask("tls", listener.getsockname()[1], host=host)
        client, _ = listener.accept()
        client.setblocking(False)
        with context.wrap_socket(client, server_side=True, do_handshake_on_connect=False) as tls:

            def shaken() -> list[Fact]:
                with contextlib.suppress(ssl.SSLError, OSError):
                    tls.do_handshake()
                return exchanges.told

            turn(poller, shaken)
    found = exchanges.told.pop()
    assert isinstance(found, Replied)
    assert exchanges.wan.open == 0
    return found


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"\x15\3\1\0\2\2\x70", b"\x16\3\3\0", b"\x16\3\3\0\4\1\0\0\0"]
)
def test_who_speaks_no_tls_is_a_wrong_answer(poller: Poller, answer: bytes) -> None:
    exchanges = Exchanges(poller)
    with serve(poller, answer) as listener:
        exchanges.ask("tls", listener.getsockname()[1])
        found = exchanges.answer()
    assert isinstance(found, Replied)
    assert found.answer == "wrong"


def test_two_thousand_questions_leave_no_descriptor_behind(poller: Poller) -> None:
    exchanges = Exchanges(poller)
    with (
        socket.create_server(("127.0.0.1", 0), backlog=64) as silent,
        dns_server(poller, lambda query: [response(query)] if query[0] & 1 else []) as names,
        socket.socket() as free,
    ):
        free.bind(("127.0.0.1", 0))
        before = len(os.listdir("/proc/self/fd"))
        asked: list[tuple[Way, socket.socket]] = [
            ("tcp", silent), ("tcp", free), ("http", silent), ("http", free), ("dns", names), ("dns", free),
        ]  # fmt: skip
        away: tuple[Way, Way] = ("tcp", "dns")
        for round_ in range(250):
            for way, sock in asked:
                exchanges.ask(way, sock.getsockname()[1], role="resolver", timeout_ms=1)
            for way in away:
                target = Target(name="t", role="hq", family="ipv6", address="2001:db8::1", ways=(), host="x.example", port=9)
                probe = Probe(number=round_, target=target, way=way, timeout_ms=1)
                exchanges.wan.ask(probe, "2001:db8::1", 0, clock.boot_s())
            for ready in poller.wait(0.0):
                ready()
            if round_ % 8 == 7:
                exchanges.wan.sweep(clock.boot_s() + 3.0)
                while select.select([silent], [], [], 0)[0]:
                    silent.accept()[0].close()
        exchanges.wan.sweep(clock.boot_s() + 3.0)
        assert exchanges.wan.open == 0
        assert len(os.listdir("/proc/self/fd")) == before
        poller.remove(names)
    assert {"reply", "refused"} <= {fact.answer for fact in exchanges.told if isinstance(fact, Replied)}
    assert len(exchanges.told) > 1000

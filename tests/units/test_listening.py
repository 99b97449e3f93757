"""Sockets that systemd made: taken by name, waited at, kept over restarts, and never touched."""

import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.support.ports import free_port
from tests.units.manager import Manager, manager
from tests.units.till import ASK_S, Till

from tillkeeper.api.sockets import BindFailed, given_sockets
from tillkeeper_systemd import listening

# --- the protocol ---


def test_nothing_is_taken_that_is_for_another_process() -> None:
    environment = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "api", "HOME": "/"}
    assert listening.take(environment) == []
    assert environment == {"HOME": "/"}, "a child would take them for its own"
    assert listening.take({}) == []


def test_a_number_that_is_none_is_an_error() -> None:
    with pytest.raises(listening.ListeningInvalid, match="LISTEN_FDS"):
        listening.take({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "some"})


TAKES = """
import os, sys
from tillkeeper_systemd import listening
try:
    taken = listening.take()
except listening.ListeningInvalid as error:
    print("invalid", error, sum(os.path.exists(f"/proc/self/fd/{3 + at}") for at in range(int(sys.argv[1]))))
else:
    for name, one in taken:
        print(name, one.family.name, one.getsockname(), os.get_inheritable(one.fileno()))
print("LISTEN_FDS" in os.environ, listening.take())
"""


def taken(tmp_path: Path, *made: socket.socket, names: str = "", count: int | None = None) -> list[str]:
    """What a process of its own takes of file descriptors 3 and so on; where it can not, and how many of them are open then."""
    high = [fcntl.fcntl(one, fcntl.F_DUPFD, 60) for one in made]
    moves = "".join(f"exec {3 + at}<&{number} {number}<&-; " for at, number in enumerate(high))
    environment = dict(os.environ) | {"LISTEN_FDS": str(len(high) if count is None else count), "LISTEN_FDNAMES": names}
    try:
        done = subprocess.run(
            ["bash", "-c", moves + 'export LISTEN_PID=$$; exec "$@"', "bash", sys.executable, "-c", TAKES, str(len(high))],
            env=environment, pass_fds=high, capture_output=True, text=True, check=True, timeout=ASK_S,
        )  # fmt: skip
    finally:
        for number in high:
            os.close(number)
    return done.stdout.splitlines()


def test_sockets_are_taken_once_with_their_names(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as one, socket.create_server(("127.0.0.1", 0)) as other:
        one.bind(str(path))
        one.listen()
        said = taken(tmp_path, one, other, names="api")
        address = other.getsockname()
    assert said == [f"api AF_UNIX {path} False", f"unknown AF_INET {address} False", "False []"]


def test_what_is_no_listening_stream_socket_is_an_error_and_those_beside_it_are_closed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as good, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        said = taken(tmp_path, good, datagrams, good)
        assert said[0] == "invalid file descriptor 4 is no listening stream socket 1", "open is the one that may be another's"
        said = taken(tmp_path, good, good, count=200)
    assert said[0] == "invalid file descriptor 5 is no socket: Bad file descriptor 0"


# --- whose they are ---


def test_only_the_port_of_the_configuration_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as good:
        port = good.getsockname()[1]
        for listen in (f"127.0.0.1:{port}", f"localhost:{port}", "127.0.0.1:0"):
            assert given_sockets([("api-tcp", good)], listen) == (good,)
        for listen in ("", f"127.0.0.1:{port + 1}", "127.0.0.1"):
            copy = good.dup()
            with pytest.raises(BindFailed, match="`listen` in"):
                given_sockets([("api-tcp", copy)], listen)
            assert copy.fileno() == -1, "left open"


def test_a_socket_on_the_lan_or_of_another_name_is_refused() -> None:
    anywhere = socket.create_server(("0.0.0.0", 0))
    with pytest.raises(BindFailed):
        given_sockets([("api-tcp", anywhere)], f"127.0.0.1:{anywhere.getsockname()[1]}")
    with pytest.raises(BindFailed, match="no use for"):
        given_sockets([("http", socket.create_server(("127.0.0.1", 0)))], "127.0.0.1:0")


# --- the agent ---


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Manager]:
    with manager(tmp_path) as made:
        yield made


def test_whoever_comes_before_the_agent_waits_and_is_served_also_over_its_restarts(tmp_path: Path, held: Manager) -> None:
    till = Till(tmp_path, held)
    file = held.listen_unix("api", till.socket)
    before = till.socket.stat()
    early = socket.socket(socket.AF_UNIX)
    early.settimeout(ASK_S)
    early.connect(str(till.socket))
    early.sendall(b"GET /v1/status HTTP/1.1\r\nHost: till\r\nConnection: close\r\n\r\n")
    till.start()
    with early:
        assert early.recv(64).startswith(b"HTTP/1.1 200")
    held.ready()
    with till.client() as client:
        assert client.get("/v1/status").json()["selling"]
    held.signal(signal.SIGKILL)
    held.wait()
    with socket.socket(socket.AF_UNIX) as between:
        between.settimeout(ASK_S)
        between.connect(str(till.socket))  # not refused
        between.sendall(b"GET /v1/status HTTP/1.1\r\nHost: till\r\nConnection: close\r\n\r\n")
        till.start()
        assert between.recv(64).startswith(b"HTTP/1.1 200")
    held.signal(signal.SIGTERM)
    assert held.wait() == 0, held.said()
    after = till.socket.stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode), "the file is systemd's"
    assert stat.S_IMODE(after.st_mode) == 0o640
    with socket.socket(socket.AF_UNIX) as late:
        late.connect(str(till.socket))  # the agent is away, and the socket listens still
    assert file.fileno() > 0


def test_a_port_that_systemd_made_is_served_beside_a_socket_of_our_own(tmp_path: Path, held: Manager) -> None:
    port = held.listen_tcp("api").getsockname()[1]
    till = Till(tmp_path, held, changes={"api": {"listen": f"127.0.0.1:{port}"}})
    till.start()
    held.ready()
    assert httpx.get(f"http://127.0.0.1:{port}/v1/status", timeout=ASK_S, trust_env=False).status_code == 401
    with till.client() as client:
        assert client.get("/v1/status").status_code == 200
    held.signal(signal.SIGTERM)
    assert held.wait() == 0, held.said()
    assert not till.socket.exists(), "its own socket goes with it"
    with socket.create_connection(("127.0.0.1", port), ASK_S):
        pass


def test_a_port_that_the_configuration_does_not_name_is_a_typed_error(tmp_path: Path, held: Manager) -> None:
    port = held.listen_tcp("api-tcp").getsockname()[1]
    till = Till(tmp_path, held, changes={"api": {"listen": f"127.0.0.1:{free_port()}"}})
    till.start()
    assert held.wait() == 2, held.said()
    assert f"listen 127.0.0.1:{port}" in held.said()
    assert not any(told.get("READY") for told in held.hears())

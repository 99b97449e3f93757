"""Strangers who connect and say nothing, or never come to an end: registers are served all the same."""

import asyncio
import contextlib
import socket
import ssl
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from tests.hq.world import READER, Hq, Log, credentials, running, token

from tillkeeper_hq import connections
from tillkeeper_hq.connections import HANDSHAKES_OF_ONE, HEAD_S
from tillkeeper_hq.credentials import load
from tillkeeper_hq.server import MAX_CONNECTIONS, serving
from tillkeeper_hq.sqlite import SqliteBackend

WAIT_S = HEAD_S + 30
HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: hq\r\nX-"
NO_BODY = b"POST /login HTTP/1.1\r\nHost: hq\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\n"


def stranger(hq: Hq) -> socket.socket:
    parts = urlsplit(hq.url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=WAIT_S)


def is_closed(wire: socket.socket) -> bool:
    """Waits. What was answered before does not matter."""
    try:
        while wire.recv(65536):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("said", [HALF_A_HEAD, NO_BODY])
def test_more_silent_connections_than_places_keep_no_register_out(tmp_path: Path, said: bytes) -> None:
    with running(tmp_path) as hq, contextlib.ExitStack() as wires:
        for number in range(MAX_CONNECTIONS + 50):
            wire = wires.enter_context(stranger(hq))
            if number % 2 or said is NO_BODY:
                wire.sendall(said)
        log = Log()
        log.sale("c1", 1190)
        assert hq.send(log.batch()).held_seq == 3


def test_half_a_head_is_not_waited_for(tmp_path: Path) -> None:
    with running(tmp_path) as hq:
        with stranger(hq) as silent, stranger(hq) as half, stranger(hq) as answered:
            half.sendall(b"POST /v1/events HTTP/1.1\r\nHost: hq\r\nX-")
            answered.sendall(b"GET /healthz HTTP/1.1\r\nHost: hq\r\n\r\nGET /heal")
            assert [is_closed(one) for one in (silent, half, answered)] == [True, True, True]
        log = Log()
        log.sale("c1", 1190)
        assert hq.send(log.batch()).held_seq == 3


@pytest.fixture
def tls(tmp_path: Path) -> tuple[str, ...]:
    """HQ's options."""
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=hq"]
    names = ["-days", "2", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run([*command, *names], check=True, capture_output=True)
    return "--tls-cert", certificate, "--tls-key", key


def test_connections_of_one_address_that_begin_no_handshake_are_few_and_short(tmp_path: Path, tls: tuple[str, ...]) -> None:
    trust = ssl.create_default_context(cafile=tls[1])
    log = Log()
    log.sale("c1", 1190)
    with running(tmp_path, *tls) as hq, contextlib.ExitStack() as wires:
        before = hq.open_files()
        silent = [wires.enter_context(stranger(hq)) for _ in range(3 * HANDSHAKES_OF_ONE)]
        elsewhere = httpx.HTTPTransport(verify=trust, local_address="127.0.0.2")
        client = wires.enter_context(httpx.Client(transport=elsewhere, timeout=WAIT_S))
        headers = {"Authorization": f"Bearer {token('till-1')}"}
        answer = client.post(f"{hq.url}/v1/events", content=msgspec.json.encode(log.batch()), headers=headers)
        # All that came before it were let in, or not.
        assert answer.json()["held_seq"] == 3
        assert hq.open_files() - before < 2 * HANDSHAKES_OF_ONE
        assert all(is_closed(one) for one in silent)


def test_who_reads_slowly_gets_the_whole_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the kernel takes, and in more time than a silent connection has."""
    monkeypatch.setattr(connections, "HEAD_S", 2.0)
    log = Log()
    for _ in range(32):
        log.raw("of_a_later_release", f'{{"a":"{"x" * 250_000}"}}')
    head = f"GET /v1/events?register=till-1&incarnation=inc-1 HTTP/1.1\r\nHost: hq\r\nAuthorization: Bearer {READER}\r\n\r\n"

    async def scene() -> tuple[int, int]:
        async with serving(SqliteBackend(tmp_path / "hq"), load(credentials(tmp_path))) as url, httpx.AsyncClient() as client:
            headers = {"Authorization": f"Bearer {token('till-1')}"}
            for first in (1, 17):
                sent = msgspec.json.encode(log.batch(first, first + 15))
                assert (await client.post(f"{url}/v1/events", content=sent, headers=headers, timeout=60)).status_code == 200
            parts = urlsplit(url)
            wire = socket.socket()
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            wire.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(wire, (parts.hostname, parts.port))
            reader, writer = await asyncio.open_connection(sock=wire, limit=65_536)
            writer.write(head.encode())
            said = await reader.readuntil(b"\r\n\r\n")
            wanted = next(int(line[15:]) for line in said.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            got = 0
            while piece := await reader.read(100_000):
                got += len(piece)
                if got == wanted:
                    break
                await asyncio.sleep(len(piece) / 1_500_000)
            writer.close()
            return got, wanted

    got, wanted = asyncio.run(scene())
    assert wanted > 8_000_000
    assert got == wanted

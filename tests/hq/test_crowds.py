"""Strangers who connect and say nothing, or never come to an end: registers are served all the same."""

import contextlib
import socket
from pathlib import Path
from urllib.parse import urlsplit

from tests.hq.world import Hq, Log, running

from tillkeeper_hq.connections import HEAD_S
from tillkeeper_hq.server import MAX_CONNECTIONS

WAIT_S = HEAD_S + 30


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


def test_more_silent_connections_than_places_keep_no_register_out(tmp_path: Path) -> None:
    with running(tmp_path) as hq, contextlib.ExitStack() as wires:
        for number in range(MAX_CONNECTIONS + 50):
            wire = wires.enter_context(stranger(hq))
            if number % 2:
                wire.sendall(b"GET / HTTP/1.1\r\nHost: hq\r\nX-")
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

"""The smallest HTTP/1.1 client there is: what is measured is the agent, not a client library."""

import json
import socket
import time
import uuid
from pathlib import Path
from typing import Any, Self

ANSWER_S = 20.0


class Client:
    """One connection that stays open.

    Args:
        where: the agent's unix socket, or its (host, port) together with the API's token.
    """

    def __init__(self, where: Path | tuple[str, int], token: str = "") -> None:
        if isinstance(where, Path):
            self._sock = socket.socket(socket.AF_UNIX)
            self._sock.settimeout(ANSWER_S)
            self._sock.connect(str(where))
            host = "till"
        else:
            self._sock = socket.create_connection(where, ANSWER_S)
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            host = f"{where[0]}:{where[1]}"
        self._head = f"Host: {host}\r\n" + (f"Authorization: Bearer {token}\r\n" if token else "")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def order(self, body: bytes) -> tuple[int, int]:
        """POST an order under a new key. CLOCK_MONOTONIC in ns right before the first byte left and after the last arrived.

        Raises AssertionError unless it was accepted.
        """
        began_ns, ended_ns, _ = self.place(body)
        return began_ns, ended_ns

    def place(self, body: bytes) -> tuple[int, int, bytes]:
        """As `order`, with the answer."""
        request = post(self._head, "/v1/orders", body)
        began_ns = time.monotonic_ns()
        status, answer = self._ask(request)
        ended_ns = time.monotonic_ns()
        assert status in (200, 201), f"{status} {answer[:500]!r}"
        return began_ns, ended_ns, answer

    def ask_post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """POST under a new key: the status and the answer, whatever they are."""
        return self._ask(post(self._head, path, body))

    def post(self, path: str, body: bytes) -> Any:
        status, answer = self.ask_post(path, body)
        assert status in (200, 201), f"{status} {answer[:500]!r}"
        return json.loads(answer)

    def get(self, path: str) -> Any:
        status, answer = self._ask(f"GET {path} HTTP/1.1\r\n{self._head}\r\n".encode())
        assert status == 200, f"{status} {answer[:500]!r}"
        return json.loads(answer)

    def _ask(self, request: bytes) -> tuple[int, bytes]:
        self._sock.sendall(request)
        got = self._sock.recv(65_536)
        while (missing := left_of_answer(got)) != 0:
            more = self._sock.recv(65_536 if missing < 0 else missing)
            assert more, "the agent closed the connection"
            got += more
        head, _, answer = got.partition(b"\r\n\r\n")
        return int(head[9:12]), answer


def post(head: str, path: str, body: bytes) -> bytes:
    """The bytes of a request with a new idempotency key; `head`: the header lines that do not change."""
    lines = f"POST {path} HTTP/1.1\r\n{head}Idempotency-Key: bench-{uuid.uuid4()}\r\n"
    return f"{lines}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def left_of_answer(got: bytes) -> int:
    """How many bytes of the answer are still to come; -1 while its head is not complete."""
    end = got.find(b"\r\n\r\n")
    if end < 0:
        return -1
    head = got[:end].lower()
    at = head.index(b"content-length:") + len(b"content-length:")
    return end + 4 + int(head[at:].split(b"\r\n", 1)[0]) - len(got)

"""Printers that cost nothing: a process of its own that answers as much ESC/POS as a confirmed delivery needs.

Answers `DLE EOT n` and `GS ( H` function 48, and lets each kick move the drawer's switch (Epson ESC/POS reference, by command
name). It lays out and keeps nothing, so a latency measured against it is the agent's. Every document is told on standard
output, the moment its first byte (of `ESC @`) was received: `<port index> <CLOCK_MONOTONIC ns>`.

    python -m tests.bench.sinks COUNT      prints the ports as JSON, then one line a document
"""

import json
import re
import selectors
import socket
import sys
import time

READ = 65_536
_WORDS = re.compile(rb"\x10\x04([\x01-\x04])|\x1d\(H\x06\x0000(.{4})|(\x1bp[\x00\x01]..)|(\x1b@)", re.DOTALL)
_LONGEST = 11
_HEALTHY = 0x12  # the fixed bits of every answer to DLE EOT
_PIN_HIGH = 0x04  # DLE EOT 1, bit 2


class Sink:
    """One printer. `pin` is the level of its drawer's switch."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.pin = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.listener.setblocking(False)

    def hear(self, data: bytes) -> tuple[bytes, int, int]:
        """(answers, documents begun, bytes after the last word that was understood)."""
        answers, begun, end = bytearray(), 0, 0
        for word in _WORDS.finditer(data):
            end = word.end()
            if word[1]:
                answers.append(_HEALTHY | (self.pin if word[1] == b"\x01" else 0))
            elif word[2]:
                answers += b"\x37\x22" + word[2] + b"\x00"
            elif word[3]:
                self.pin ^= _PIN_HIGH
            else:
                begun += 1
        return bytes(answers), begun, end


class Peer:
    def __init__(self, sink: Sink, sock: socket.socket) -> None:
        self.sink, self.sock = sink, sock
        self.tail = b""

    def serve(self) -> bool:
        """False once the peer has closed."""
        try:
            got = self.sock.recv(READ)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        now_ns = time.monotonic_ns()
        if not got:
            return False
        data = self.tail + got
        answers, begun, end = self.sink.hear(data)
        self.tail = data[max(end, len(data) - _LONGEST) :]
        if answers:
            self.sock.send(answers)
        for _ in range(begun):
            sys.stdout.write(f"{self.sink.index} {now_ns}\n")
        if begun:
            sys.stdout.flush()
        return True


def main() -> None:
    sinks = [Sink(index) for index in range(int(sys.argv[1]))]
    print(json.dumps([sink.listener.getsockname()[1] for sink in sinks]), flush=True)
    with selectors.DefaultSelector() as selector:
        for sink in sinks:
            selector.register(sink.listener, selectors.EVENT_READ, sink)
        selector.register(sys.stdin, selectors.EVENT_READ, None)
        while True:
            for key, _ in selector.select():
                if key.data is None:  # the bench has ended
                    return
                if isinstance(key.data, Sink):
                    sock, _ = key.data.listener.accept()
                    sock.setblocking(False)
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    selector.register(sock, selectors.EVENT_READ, Peer(key.data, sock))
                elif not key.data.serve():
                    selector.unregister(key.data.sock)
                    key.data.sock.close()


if __name__ == "__main__":
    main()

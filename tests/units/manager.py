"""What systemd does for a service, done by a test: sockets that it holds, the notify socket, the watchdog's figure."""

import contextlib
import fcntl
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

START_S = 60.0
HIGH_FD = 50
_TAKE = 'export LISTEN_PID=$$; exec "$@"'
"""LISTEN_PID is the pid of what is started, which nobody knows beforehand."""


class Manager:
    """Starts one service at a time. `told`: every datagram of all of them, as a dict."""

    def __init__(self, folder: Path) -> None:
        self.told: list[dict[str, str]] = []
        self.log = folder / "service.log"
        self._address = folder / "notify"
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(str(self._address))
        self._notify.setblocking(False)
        self._sockets: list[tuple[str, socket.socket]] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._since = 0

    def listen_unix(self, name: str, path: Path) -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.bind(str(path))
        path.chmod(0o640)  # no mode of ours, so that a change is seen
        return self._listening(name, made)

    def listen_tcp(self, name: str, host: str = "127.0.0.1", port: int = 0) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        return self._listening(name, made)

    def _listening(self, name: str, made: socket.socket) -> socket.socket:
        made.listen(128)
        self._sockets.append((name, made))
        return made

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> int:
        """`python -m ARGUMENTS`; its pid."""
        assert self._process is None or self._process.poll() is not None, "the one before runs still"
        self._since = len(self.hears())
        high = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, HIGH_FD) for _, one in self._sockets]
        moves = "".join(f"exec {3 + at}<&{number} {number}<&-; " for at, number in enumerate(high))
        given = {
            "LISTEN_FDS": str(len(high)),
            "LISTEN_FDNAMES": ":".join(name for name, _ in self._sockets),
        } if high else {}  # fmt: skip
        try:
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    ["bash", "-c", moves + _TAKE, "bash", sys.executable, "-m", *arguments],
                    env=dict(os.environ) | {"NOTIFY_SOCKET": str(self._address)} | given | dict(environment or {}),
                    pass_fds=high, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                )  # fmt: skip
        finally:
            for number in high:
                os.close(number)
        return self._process.pid

    def hears(self) -> list[dict[str, str]]:
        """All that was told so far."""
        with contextlib.suppress(BlockingIOError):
            while True:
                lines = self._notify.recv(4096).decode().splitlines()
                self.told.append(dict(line.partition("=")[::2] for line in lines))
        return self.told

    def wait_for(self, what: str, look: Callable[[dict[str, str]], object], since: int = 0) -> dict[str, str]:
        """The first datagram from number `since` on that `look` takes. AssertionError after a minute, or once it has ended."""
        until_s = time.monotonic() + START_S
        while True:
            ended = self.ended()
            for told in self.hears()[since:]:
                if look(told):
                    return told
            if ended is not None or time.monotonic() > until_s:
                raise AssertionError(f"{what}: not told ({ended}): {self.told}\n{self.said()}")
            time.sleep(0.01)

    def ready(self) -> None:
        """Until the service that was started last says READY=1."""
        self.wait_for("READY=1", lambda told: told.get("READY") == "1", self._since)

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")[-40_000:]

    def ended(self) -> int | None:
        return None if self._process is None else self._process.poll()

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        """The exit code of what was started last."""
        assert self._process is not None
        return self._process.wait(START_S)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for _, one in self._sockets:
            one.close()
        self._notify.close()


@contextlib.contextmanager
def manager(folder: Path) -> Iterator[Manager]:
    made = Manager(folder)
    try:
        yield made
    finally:
        made.close()

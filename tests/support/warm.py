"""Processes of a module whose imports are done already: forked off a nursery, of which each process of pytest has one a module.

    process = warm.start("tillkeeper_hq", ("run", "--listen", "127.0.0.1:0"), said=log)

They are what `python -m MODULE ARGUMENTS` is: processes with arguments, an environment, a folder, signals and an end of their
own. They are spared the import of some 800 modules each, which takes more of a processor than most of what tests have them do.
Tests of the start itself start cold, by `subprocess`.

Run as a program (`python -P warm.py MODULE DOOR`) this file is the nursery.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any, NamedTuple

MODULES = {
    "tillkeeper": (
        *("tillkeeper.cli.run", "tillkeeper_drivers.escpos.printer", "tillkeeper_drivers.discovery.udev"),
        *("uvicorn", "httpx", "httpcore", "anyio.streams.tls", "escpos.printer"),
    ),
    "tillkeeper_hq": ("tillkeeper_hq.server", "tillkeeper_hq.options", "tillkeeper_hq.users.cli", "uvicorn"),
}
"""Module that can be started here -> what is imported once for all its processes."""
MAX_ASKED = 1 << 17
HERE = Path(__file__).resolve()
NETWORK = "/proc/thread-self/ns/net"
_HOME = os.readlink(NETWORK)


class Child:
    """As much of `subprocess.Popen` as tests use.

    Args:
        ended: what the nursery says of it: its process id, and how it ended.
    """

    def __init__(self, args: Sequence[str], ended: socket.socket, stdout: IO[str] | None) -> None:
        self.args, self.stdout = args, stdout
        self.returncode: int | None = None
        self._ended, self._waiting = ended, threading.Lock()
        self.pid = int(ended.recv(MAX_ASKED))

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Also while another thread does."""
        if not self._waiting.acquire(timeout=-1 if timeout is None else timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        try:
            if self.returncode is None:
                if not select.select([self._ended], [], [], timeout)[0]:
                    raise subprocess.TimeoutExpired(self.args, timeout or 0)
                self.returncode = int(self._ended.recv(MAX_ASKED))
                self._ended.close()
        finally:
            self._waiting.release()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def is_possible() -> bool:
    """Not where a test has entered a network of its own: who is forked off is in the nursery's."""
    return os.readlink(NETWORK) == _HOME


def start(module: str, arguments: Sequence[str], said: IO[Any] | None = None) -> Child:
    """`said`: where its standard output and error go; None: output is its `stdout`, errors go where ours go."""
    with contextlib.ExitStack() as stack:
        stdout = None
        if said is None:
            reading, writing = os.pipe()
            stdout, said = os.fdopen(reading, "r"), stack.enter_context(os.fdopen(writing, "w"))
        ended, tell = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        stack.enter_context(tell)
        asked = Asked([module, *arguments], os.getcwd(), dict(os.environ))
        errors = 2 if stdout is not None else said.fileno()
        socket.send_fds(_nursery(module), [json.dumps(asked).encode()], [said.fileno(), errors, tell.fileno()])
    return Child([sys.executable, "-m", *asked.argv], ended, stdout)


@cache
def _nursery(module: str) -> socket.socket:
    door, inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with inside:
        command = [sys.executable, "-P", str(HERE), module, str(inside.fileno())]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[inside.fileno()])

    def end() -> None:
        door.close()
        process.wait()

    atexit.register(end)
    return door


# --- the nursery ---


class Asked(NamedTuple):
    argv: list[str]
    cwd: str
    environ: dict[str, str]


class Nursery:
    """`_running`: descriptor of a process -> its id, and who waits for it. `_ended`: who was told how it ended -> its id. Until
    he has closed his line it is a zombie, as the child of a `Popen` is, and nobody else gets its number."""

    def __init__(self, door: socket.socket) -> None:
        self._door = door
        self._running: dict[int, tuple[int, socket.socket]] = {}
        self._ended: dict[socket.socket, int] = {}

    def serve(self) -> Asked | None:
        """Until the door is closed: None. In each child: what it was asked for."""
        while True:
            for ready in select.select([self._door, *self._running, *self._ended], [], [])[0]:
                if isinstance(ready, int):
                    self._tell_end(ready)
                elif ready is not self._door:
                    os.waitpid(self._ended.pop(ready), 0)
                    ready.close()
                else:
                    words, handles, _, _ = socket.recv_fds(self._door, MAX_ASKED, 3)
                    if not words:
                        return None
                    if self._fork(handles):
                        return Asked(*json.loads(words))
                    break  # what was ready may have been closed

    def _fork(self, handles: list[int]) -> bool:
        """Is this the child? `handles`: its output, its errors, who waits for it."""
        if pid := os.fork():
            tell = socket.socket(fileno=handles.pop())
            _say(tell, pid)
            self._running[os.pidfd_open(pid)] = (pid, tell)
        else:
            os.dup2(handles[0], 1)
            os.dup2(handles[1], 2)
            self._close()
        for handle in handles:
            os.close(handle)
        return not pid

    def _tell_end(self, descriptor: int) -> None:
        pid, tell = self._running.pop(descriptor)
        os.close(descriptor)
        how = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert how is not None
        _say(tell, how.si_status if how.si_code == os.CLD_EXITED else -how.si_status)
        self._ended[tell] = pid

    def _close(self) -> None:
        self._door.close()
        for descriptor in self._running:
            os.close(descriptor)
        for line in (*self._ended, *(tell for _, tell in self._running.values())):
            line.close()


def _say(whom: socket.socket, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
        whom.send(str(number).encode())


def become(asked: Asked) -> None:
    os.chdir(asked.cwd)
    os.environ.clear()
    os.environ.update(asked.environ)
    time.tzset()
    sys.argv = asked.argv
    runpy.run_module(asked.argv[0], run_name="__main__", alter_sys=True)


def main(module: str, door: str) -> None:
    for name in MODULES[module]:
        importlib.import_module(name)
    gc.freeze()
    asked = Nursery(socket.socket(fileno=int(door))).serve()
    if asked is not None:
        become(asked)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A prober that does not watch: it is switched off (`watch = false`), or another one watches already. It sends nothing to the
network, and stays, for a service that ends is started again and again."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tillkeeper.network.prober.log import log
from tillkeeper.network.wire import MAX_LINE, FromAgent, Hello, Occupied
from tillkeeper_systemd import notify as sd_notify

WORDS = "not watching: `watch = false` in [network]"
AGAIN_S = 5.0
ANSWER_S = 1.0
"""The agent says at once that the place is taken; who hears nothing for so long has it."""
_ENDS = frozenset((signal.SIGTERM, signal.SIGINT))
_LONG_S = 3600.0


def stand_by() -> None:
    """Until SIGTERM or SIGINT; systemd's watchdog is fed meanwhile."""
    with _ended_by_signals():
        log("switched_off", why=WORDS)
        sd_notify.notify(READY="1", STATUS=WORDS)
        while signal.sigtimedwait(_ENDS, sd_notify.watchdog_s() or _LONG_S) is None:
            sd_notify.notify(WATCHDOG="1")
        sd_notify.notify(STOPPING="1")


def wait_for_place(path: Path, version: str, taken_by: int) -> bool:
    """Until the agent at `path` has room for a prober: True; or SIGTERM or SIGINT: False."""
    with _ended_by_signals():
        words = f"waiting: another prober (process {taken_by}) watches"
        log("waiting", why=words)
        sd_notify.notify(STATUS=words)
        while signal.sigtimedwait(_ENDS, min(AGAIN_S, sd_notify.watchdog_s() or AGAIN_S)) is None:
            sd_notify.notify(WATCHDOG="1")
            if _is_free(path, version):
                log("waited", why="the other prober has gone")
                return True
        sd_notify.notify(STOPPING="1")
        return False


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _is_free(path: Path, version: str) -> bool:
    """Whether the agent takes our hello. An agent that is not there takes nobody's."""
    hello = Hello(version=version, pid=os.getpid(), interface="", raw=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as sock:
        sock.settimeout(ANSWER_S)
        try:
            sock.connect(os.fspath(path))
            sock.sendall(msgspec.json.encode(hello) + b"\n")
            line = sock.recv(MAX_LINE)
        except TimeoutError:
            return True
        except OSError:
            return False
    try:
        return bool(line) and not isinstance(msgspec.json.decode(line.partition(b"\n")[0], type=FromAgent), Occupied)
    except msgspec.MsgspecError:
        return False

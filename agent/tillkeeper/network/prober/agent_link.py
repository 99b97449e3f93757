"""The prober's end of the agent's socket (`wire`): connects every second, never waits, drops old reports for new ones.

One that another prober stands in the way of does not come back by itself: it is to watch no more (`standby.wait_for_place`).
"""

import contextlib
import errno
import os
import socket
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from tillkeeper.network.model import Fact, Report
from tillkeeper.network.prober.log import log
from tillkeeper.network.prober.poller import Poller
from tillkeeper.network.wire import (
    MAX_LINE,
    Devices,
    Diagnose,
    DiagnoseEnded,
    DiagnoseStep,
    FromAgent,
    Hello,
    Occupied,
    Reported,
    Uplink,
)

AGAIN_S = 1.0
_WORDS = {
    "EACCES": "this user may not reach it: network.socket must lie where both the agent's and the prober's user reach it",
    "ENOENT": "nothing is there: the agent does not run, or its network.socket is another",
    "ECONNREFUSED": "nobody listens: the agent does not run",
}
"""Why it can not be connected to, where the errno's own words do not say what to do."""
MOST_STEPS = 64
_READ = 65_536
_READS_PER_TURN = 4


class AgentLink:
    """Args:
    hello: makes the first line of each connection.
    diagnose: somebody wants to know more.
    devices: where the agent's devices are, as it says.
    """

    def __init__(
        self, path: Path, poller: Poller, tell: Callable[[Fact], None], hello: Callable[[], Hello],
        diagnose: Callable[[Diagnose], None], devices: Callable[[Mapping[str, str]], None],
    ) -> None:  # fmt: skip
        self._path, self._poller, self._tell, self._hello, self._diagnose = path, poller, tell, hello, diagnose
        self._devices = devices
        self._sock: socket.socket | None = None
        self._in = b""
        self._out = b""
        self._report: Report | None = None
        self._steps: deque[DiagnoseStep | DiagnoseEnded] = deque(maxlen=MOST_STEPS)
        self._encoder = msgspec.json.Encoder()
        self._decoder: msgspec.json.Decoder[FromAgent] = msgspec.json.Decoder(FromAgent)
        self._try_at_s = float("-inf")
        self.occupied_by: int | None = None
        """The process of the prober that has our place."""
        self._trouble = ""

    @property
    def connected(self) -> bool:
        return self._sock is not None

    def next_at_s(self) -> float:
        return float("inf") if self._sock is not None else self._try_at_s

    def tick(self, now_s: float) -> None:
        """Connect where it is time to."""
        if self._sock is not None or now_s < self._try_at_s:
            return
        self._try_at_s = now_s + AGAIN_S
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            sock.connect(os.fspath(self._path))
        except OSError as error:  # EAGAIN: its backlog is full
            sock.close()
            name = errno.errorcode.get(error.errno or 0, "EIO")
            words = _WORDS.get(name) or error.strerror or str(error)
            self._say(f"{os.fspath(self._path)}: {words} ({name})")
            return
        self._sock, self._in, self._out = sock, b"", self._line(self._hello())
        self._poller.add(sock, self._read)
        self._say("")
        self._flush()

    def send(self, report: Report) -> None:
        """Takes the place of a report that still waits."""
        if self._sock is not None:
            self._report = report
            self._flush()

    def send_step(self, step: DiagnoseStep | DiagnoseEnded) -> None:
        """In order, none left out unless `MOST_STEPS` wait."""
        if self._sock is not None:
            self._steps.append(step)
            self._flush()

    def greet_anew(self, now_s: float) -> None:
        """What the hello said is over: it is said in a connection of its own, once the agent has seen this one's end."""
        if self._sock is not None:
            self.close()
            self._try_at_s = now_s + AGAIN_S

    def close(self) -> None:
        if self._sock is not None:
            self._poller.remove(self._sock)
            self._sock.close()
        self._sock, self._report = None, None
        self._steps.clear()

    def _line(self, message: msgspec.Struct) -> bytes:
        return self._encoder.encode(message) + b"\n"

    def _next(self) -> bytes:
        if self._steps:
            return self._line(self._steps.popleft())
        if self._report is not None:
            report, self._report = self._report, None
            return self._line(Reported(report=report))
        return b""

    def _flush(self) -> None:
        """Write as much as fits; the rest when there is room again."""
        while self._sock is not None and (self._out or self._steps or self._report is not None):
            self._out = self._out or self._next()
            try:
                self._out = self._out[self._sock.send(self._out) :]
            except BlockingIOError:
                # One callback a socket: while it is full, what the agent says waits as well. It is read again soon.
                self._poller.add(self._sock, self._writable, write=True)
                return
            except OSError as error:
                self._read()  # what was said before it closed is still to be had
                if self._sock is not None:
                    self._lost(errno.errorcode.get(error.errno or 0, "EIO"))

    def _writable(self) -> None:
        if self._sock is not None:
            self._poller.add(self._sock, self._read)
            self._flush()

    def _read(self) -> None:
        for _ in range(_READS_PER_TURN):
            if self._sock is None:
                return
            try:
                data = self._sock.recv(_READ)
            except BlockingIOError:
                return
            except OSError as error:
                self._lost(errno.errorcode.get(error.errno or 0, "EIO"))
                return
            if not data:
                self._lost("closed")
                return
            *lines, self._in = (self._in + data).split(b"\n")
            if len(self._in) > MAX_LINE:
                self._lost("a line that is too long")
                return
            for line in lines:
                if self._sock is not None:
                    self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            message = self._decoder.decode(line)
        except msgspec.MsgspecError as error:
            self._lost(f"a line that is no message: {error}"[:200])
            return
        if isinstance(message, Uplink):
            self._tell(message.seen)
        elif isinstance(message, Devices):
            self._devices(message.addresses)
        elif isinstance(message, Occupied):
            self.occupied_by, self._try_at_s = message.pid, float("inf")
            words = f"another prober (process {message.pid}) watches already: one is enough, end one of the two"
            self._lost(f"{words}; this one waits for its end and asks nothing meanwhile")
        else:
            self._diagnose(message)

    def _lost(self, why: str) -> None:
        with contextlib.suppress(OSError):
            self.close()
        self._say(why)

    def _say(self, trouble: str) -> None:
        """Said once, until it is another one."""
        if trouble != self._trouble:
            self._trouble = trouble
            log("agent_lost" if trouble else "agent_connected", **({"why": trouble} if trouble else {}))

"""Starts the child that diagnoses in depth, passes on what it says, and ends it. It reads what anybody on the LAN sent, so
what it says is bounded and checked as a stranger's."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from tillkeeper.network.assignment import Assignment
from tillkeeper.network.wire import Diagnose, DiagnoseEnded, DiagnoseStep

COMMAND = (sys.executable, "-I", "-m", "tillkeeper.network.deep")
LIMIT_S = 30.0
MOST_STEPS, MOST_LINE, MOST_BYTES = 60, 16 * 1024, 256 * 1024
READ_BYTES, READS = 16 * 1024, 4
"""At a time: the fast rounds go on meanwhile."""
CAPTURES_KEPT = 4
NAME = "tillkeeper-diagnosis"
"""How their names begin; what else is in the folder is left alone."""
MOST_WORDS, MOST_TROUBLE = 400, 200

Said = DiagnoseStep | DiagnoseEnded
_decode = msgspec.json.Decoder(Said).decode


class Watch(Protocol):
    """`poller.Poller`."""

    def add(self, source: int, ready: Callable[[], None]) -> None: ...
    def remove(self, source: int) -> None: ...


class _Child:
    """One that runs. `open`: checks that have begun and not ended."""

    def __init__(
        self, request: str, process: subprocess.Popen[bytes], pipes: tuple[int, int, int], began_s: float, pcap: str
    ) -> None:
        self.request, self.process, self.began_s, self.pcap = request, process, began_s, pcap
        self.input, self.output, self.errors = pipes
        self.rest = b""
        self.steps = self.bytes = 0
        self.open: dict[str, None] = {}
        self.finished = False
        self.ended_output = False
        self.trouble = ""


class Diagnoses:
    """One at a time; every `start` is followed by exactly one `DiagnoseEnded`.

    Args:
        send: to the agent; must not wait.
        captures: the folder that captures are written to; None: a wish for one is refused in words.
        command, limit_s: other ones are for tests.
    """

    def __init__(
        self,
        poller: Watch,
        send: Callable[[Said], None],
        captures: Path | None = None,
        *,
        command: tuple[str, ...] = COMMAND,
        limit_s: float = LIMIT_S,
    ) -> None:
        self._poller, self._send, self._captures = poller, send, captures
        self._command, self._limit_s = command, limit_s
        self._child: _Child | None = None

    @property
    def busy(self) -> bool:
        return self._child is not None

    def start(self, request: Diagnose, assignment: Assignment, now_s: float) -> None:
        """Begins, or says at once why not."""
        if self._child is not None:
            self._refuse(request, "another diagnosis is running")
            return
        pcap = ""
        if request.pcap:
            if self._captures is None:
                self._step(request.request, "capture", "there is no folder for captures")
            else:
                _prune(self._captures)
                stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
                pcap = str(self._captures / f"{NAME}-{stamp}-{time.monotonic_ns() % 10**6:06}.pcap")
        order = msgspec.json.encode(msgspec.structs.replace(assignment, request=request.request, pcap=pcap)) + b"\n"
        try:
            self._child = child = _started(self._command, request.request, now_s, pcap)
        except OSError as error:
            self._refuse(request, f"the diagnosis cannot be started: {error.strerror}")
            return
        # A pipe takes 64 KiB at once; it stays open, for its end tells the child that nobody waits any more.
        with contextlib.suppress(BrokenPipeError):
            os.write(child.input, order)
        self._poller.add(child.output, self._read)

    def tick(self, now_s: float) -> None:
        """Ends what takes too long, and reaps what has ended. At least once a second."""
        child = self._child
        if child is None:
            return
        if now_s - child.began_s > self._limit_s:
            self._kill(child, f"ended after {self._limit_s:g} s, before it was through")
        if child.process.poll() is None:
            return
        if not child.ended_output and not child.trouble:
            self._read()
        if child.ended_output or child.trouble:
            self._finish(child, now_s)

    def close(self) -> None:
        """Ends a running one without another word."""
        if (child := self._child) is not None:
            self._kill(child, "the prober stops")
            child.process.wait()
            self._release(child)

    def _read(self) -> None:
        child = self._child
        if child is None or child.ended_output:
            return
        for _ in range(READS):
            try:
                data = os.read(child.output, READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                # It goes within a moment; `tick` reaps it, or ends it where it stays.
                child.ended_output = True
                self._poller.remove(child.output)
                return
            self._take(child, data)
            if child.trouble:
                return

    def _take(self, child: _Child, data: bytes) -> None:
        child.bytes += len(data)
        *lines, child.rest = (child.rest + data).split(b"\n")
        if child.bytes > MOST_BYTES or len(child.rest) > MOST_LINE or any(len(line) > MOST_LINE for line in lines):
            self._kill(child, "it said more than it may")
            return
        for line in lines:
            try:
                said = _decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                self._kill(child, "what it said makes no sense")
                return
            child.steps += 1
            if said.request != child.request or child.steps > MOST_STEPS:
                self._kill(child, "it said what nobody asked for")
                return
            if isinstance(said, DiagnoseEnded):
                child.finished = True
            else:
                self._pass_on(child, said)

    def _pass_on(self, child: _Child, said: DiagnoseStep) -> None:
        if said.state == "running":
            child.open[said.check] = None
        else:
            child.open.pop(said.check, None)
        self._send(msgspec.structs.replace(said, words=said.words[:MOST_WORDS]))

    def _kill(self, child: _Child, trouble: str) -> None:
        if child.trouble:
            return
        child.trouble = trouble
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)

    def _finish(self, child: _Child, now_s: float) -> None:
        status = child.process.returncode
        trouble = child.trouble
        if not trouble and not (child.finished and status == 0):
            how = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
            trouble = f"the diagnosis broke off ({how}{_last_line(child.errors)})"
        self._release(child)
        for check in child.open:
            self._step(child.request, check, trouble or "it was not finished")
        kept = child.pcap if child.pcap and Path(child.pcap).is_file() else ""
        took_s = round(max(0.0, now_s - child.began_s), 3)
        self._send(DiagnoseEnded(request=child.request, took_s=took_s, trouble=trouble, pcap=kept))

    def _release(self, child: _Child) -> None:
        self._poller.remove(child.output)
        for pipe in (child.input, child.output, child.errors):
            os.close(pipe)
        self._child = None

    def _refuse(self, request: Diagnose, trouble: str) -> None:
        self._send(DiagnoseEnded(request=request.request, took_s=0.0, trouble=trouble))

    def _step(self, request: str, check: str, trouble: str) -> None:
        self._send(DiagnoseStep(request=request, check=check, state="failed", words=f"Failed: {trouble}"))


def _started(command: tuple[str, ...], request: str, now_s: float, pcap: str) -> _Child:
    """Raises OSError."""
    theirs_in, ours_in = os.pipe()
    ours_out, theirs_out = os.pipe()
    ours_errors, theirs_errors = os.pipe()
    ours = (ours_in, ours_out, ours_errors)
    try:
        # A session of its own: a signal for the prober's group is not for it, and all of it can be ended at once.
        process = subprocess.Popen(
            command, stdin=theirs_in, stdout=theirs_out, stderr=theirs_errors, start_new_session=True
        )  # fmt: skip
    except OSError:
        for pipe in ours:
            os.close(pipe)
        raise
    finally:
        for pipe in (theirs_in, theirs_out, theirs_errors):
            os.close(pipe)
    os.set_blocking(ours_out, False)
    os.set_blocking(ours_errors, False)
    return _Child(request, process, ours, now_s, pcap)


def _last_line(errors: int) -> str:
    """What it complained of last. It has ended, so a pipe's 64 KiB are all that there is: whoever says more has to wait."""
    try:
        lines = os.read(errors, 65_536).decode("utf-8", "replace").split("\n")
    except BlockingIOError:
        return ""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {last[:MOST_TROUBLE]}" if last.isprintable() and last else ""


def _prune(folder: Path) -> None:
    """Leaves room for one more of the captures that are kept. Names sort by time."""
    for old in sorted(folder.glob(f"{NAME}-*.pcap"))[: -(CAPTURES_KEPT - 1)]:
        with contextlib.suppress(OSError):
            old.unlink()

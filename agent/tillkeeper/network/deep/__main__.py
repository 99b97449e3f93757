"""`python -m tillkeeper.network.deep`: reads an assignment, says what it finds, one JSON line at a time."""

import contextlib
import logging
import os
import resource
import signal
import sys
import time

import msgspec

from tillkeeper.network.assignment import CAPTURE_BYTES, MAX_LINE, Assignment
from tillkeeper.network.deep.check import Abandoned, Plain, State, Tell
from tillkeeper.network.wire import DiagnoseEnded, DiagnoseStep

MOST_BYTES = 600 * 1024 * 1024
"""Of address space: what the checks need is a tenth of it."""
GRACE_S = 4.0
"""After the limit the kernel ends this process, whatever it is stuck in."""


def main() -> int:
    started_s = time.monotonic()
    try:
        assignment = msgspec.json.decode(_line(0), type=Assignment)
    except msgspec.MsgspecError as error:
        print(f"not an assignment: {error}", file=sys.stderr)
        return 2
    signal.setitimer(signal.ITIMER_REAL, assignment.limit_s + GRACE_S)
    _be_modest()
    say = _Say(assignment.request)
    try:
        pcap = _diagnose(assignment, say.step, started_s + assignment.limit_s)
    except Abandoned:
        return 3
    say.write(DiagnoseEnded(request=assignment.request, took_s=round(time.monotonic() - started_s, 3), pcap=pcap))
    return 0


def _be_modest() -> None:
    """Less of the machine than the kernel would give; a unit's system call filter may refuse that (EPERM), having bounds of
    its own."""
    with contextlib.suppress(OSError):
        os.nice(10)
    for limit, most in ((resource.RLIMIT_FSIZE, CAPTURE_BYTES), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_AS, MOST_BYTES)):
        with contextlib.suppress(OSError):
            resource.setrlimit(limit, (most, most))


class _Say:
    def __init__(self, request: str) -> None:
        self._request = request

    def step(self, check: str, state: State, words: str, result: dict[str, Plain]) -> None:
        self.write(DiagnoseStep(request=self._request, check=check, state=state, words=words, result=result))

    def write(self, message: DiagnoseStep | DiagnoseEnded) -> None:
        os.write(1, msgspec.json.encode(message) + b"\n")


def _line(source: int) -> bytes:
    """What stands before the first line break. What follows is not read: it tells whether somebody still waits."""
    data = b""
    while not data.endswith(b"\n") and len(data) < MAX_LINE:
        more = os.read(source, MAX_LINE - len(data))
        if not more:
            break
        data += more
    return data


def _diagnose(assignment: Assignment, tell: Tell, end_s: float) -> str:
    # Only now, for scapy costs a quarter of a second and 30 MB; its own routing tables would cost more and are not asked: the
    # kernel routes what is sent.
    from scapy.config import conf

    conf.route_autoload = conf.route6_autoload = False
    logging.getLogger("scapy").setLevel(logging.CRITICAL)
    from tillkeeper.network.deep.diagnosis import diagnose

    return diagnose(assignment, tell, end_s)


if __name__ == "__main__":
    sys.exit(main())

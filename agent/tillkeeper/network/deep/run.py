"""The loop of a deep diagnosis: one thread, all checks at once, each told what is heard and polled until it is through."""

import os
import select
import socket
from collections.abc import Callable

from tillkeeper.network.deep.check import Abandoned, Check, Outcome, Skip, Tell
from tillkeeper.network.deep.line import Line
from tillkeeper.network.deep.pcap import Capture

TICK_S = 0.03


class Run:
    """`asked_by`: a file descriptor that reads as ended when nobody waits for the answer any more."""

    def __init__(
        self, line: Line | None, capture: Capture | None, asked_by: int, tell: Tell, clock: Callable[[], float]
    ) -> None:
        self._line, self._capture, self._asked_by = line, capture, asked_by
        self._tell, self._clock = tell, clock
        self._open: list[Check] = []

    def until_done(self, checks: list[Check], end_s: float) -> None:
        """Returns once all have ended, at `end_s` at the latest. Raises `Abandoned`."""
        for check in checks:
            self._begin(check)
        while self._open:
            self._wait()
            self._hear()
            self._poll(last=self._clock() >= end_s)
        if self._capture is not None:
            self._capture.drain()

    def _begin(self, check: Check) -> None:
        try:
            check.begin(self._clock())
        except Skip as reason:
            self._tell(check.name, "skipped", f"Left out: {reason}", {})
        except OSError as error:
            self._tell(check.name, "failed", refused(error), {})
        else:
            self._tell(check.name, "running", check.doing, {})
            self._open.append(check)

    def _wait(self) -> None:
        watched: list[int | socket.socket | Capture] = [self._asked_by]
        if self._line is not None:
            watched += self._line.readers()
        if self._capture is not None:
            watched.append(self._capture)
        ready, _, _ = select.select(watched, [], [], TICK_S)
        if self._asked_by in ready and not os.read(self._asked_by, 512):
            raise Abandoned
        if self._capture is not None and self._capture in ready:
            self._capture.drain()

    def _hear(self) -> None:
        if self._line is None:
            return
        for heard, at_s in self._line.hear():
            for check in self._open:
                check.take(heard, at_s)

    def _poll(self, *, last: bool) -> None:
        still = []
        for check in self._open:
            outcome = self._outcome(check, last=last)
            if outcome is None and not last:
                still.append(check)
            elif outcome is None:
                self._tell(check.name, "failed", "Not finished in time", {})
            else:
                self._tell(check.name, outcome.state, outcome.words, outcome.found.plain() if outcome.found else {})
        # Who asked first comes last next time: nobody uses up the allowance of ARP.
        self._open = still[1:] + still[:1]

    def _outcome(self, check: Check, *, last: bool) -> Outcome | None:
        try:
            return check.poll(self._clock(), last=last)
        except OSError as error:
            return Outcome(state="failed", words=refused(error))


def refused(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "No permission to send and hear packets: the prober needs CAP_NET_RAW (its systemd unit gives it)"
    return f"The kernel refused: {error.strerror or error}"

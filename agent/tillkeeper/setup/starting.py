"""The register itself: its units are started, its agent is started again between two sales, and it is asked what works."""

import sys
import time
from collections.abc import Callable
from typing import Any

from tillkeeper.cli import restart
from tillkeeper.cli.client import Client
from tillkeeper.cli.exits import ApiProblem, Unreachable
from tillkeeper.setup import ending, units
from tillkeeper.setup.dialogue import say

SERVES_S, EARLY_S, SETTLES_S, QUIET_S = 60.0, 5.0, 20.0, 60.0
"""How long the agent may take to answer, a device that does not answer to do so after all, what has said nothing to say
something, and a quiet moment to come."""
LOOK_S = 0.25

Tell = Callable[[str], None]


class Progress:
    """A line for each thing that is waited for, with a dot a second."""

    def __init__(self) -> None:
        self._shown, self._dot_s = "", 0.0

    def waits(self, text: str) -> None:
        now_s = time.monotonic()
        if text != self._shown:
            sys.stdout.write(("\n" if self._shown else "") + f"  {text} ")
            self._shown, self._dot_s = text, now_s
        elif now_s - self._dot_s >= 1:
            sys.stdout.write(".")
            self._dot_s = now_s
        sys.stdout.flush()

    def ends(self) -> None:
        if self._shown:
            say("")


def start(socket: str, *, again: bool, by: str, tell: Tell) -> tuple[str, str]:
    """Start what is installed; what reads a changed configuration (`again`) is started again, an agent that sells between two
    sales.

    Args:
        socket: of the agent that may run.

    Returns:
        What went wrong, and why the agent goes on with what it had, each in words or empty.
    """
    found = units.installed()
    if not found:
        return "the units are not installed", ""
    asks = again and units.runs(units.AGENT)
    failed = units.run(units.commands(found, again=(units.PROBER,) if asks else units.AGAIN if again else ()), tell)
    if failed or not asks:
        return failed, ""
    try:
        return "", between_sales(socket, by)
    except (ApiProblem, Unreachable) as error:
        tell(f"the agent is started again at once, for it does not wait for a moment between two sales: {error}")
        return units.run([["systemctl", "restart", units.AGENT]], tell), ""


def between_sales(socket: str, by: str, within_s: float = QUIET_S) -> str:
    """Ask the agent to start again at the next quiet moment. Why it has not come to that `within_s`, in words; empty once
    another agent answers. Raises: ApiProblem, Unreachable."""
    progress, words = Progress(), f"waiting for a moment between two sales to start the agent again ({within_s:g} s at most)"
    try:
        with Client(socket=socket) as client:
            wanted = restart.between_sales(client, by, within_s, lambda: progress.waits(words))
    finally:
        progress.ends()
    return "" if wanted is None else "; ".join(wanted["reasons"]) or "it has not ended yet"


def served(client: Client) -> dict[str, Any]:
    """The agent's status, once it answers and all that it looks after is well, or had its time to be. Raises: Unreachable."""
    progress = Progress()
    try:
        status, since_s = _answered(client, progress), time.monotonic()
        while waits := ending.awaited(status, early=time.monotonic() - since_s < EARLY_S):
            progress.waits(f"waiting for {', '.join(waits)} ({SETTLES_S:g} s at most)")
            if time.monotonic() - since_s > SETTLES_S:
                break
            time.sleep(LOOK_S)
            status = client.get("/v1/status")
        return status
    finally:
        progress.ends()


def _answered(client: Client, progress: Progress) -> dict[str, Any]:
    until_s = time.monotonic() + SERVES_S
    while True:
        progress.waits(f"waiting for the agent ({SERVES_S:g} s at most)")
        try:
            status: dict[str, Any] = client.get("/v1/status")
        except (Unreachable, ApiProblem):
            if time.monotonic() > until_s:
                raise
        else:
            return status
        time.sleep(LOOK_S)

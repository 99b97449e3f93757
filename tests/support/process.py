"""A process of our own that tells by a file when it is ready."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support import warm

END_S = 20.0
LOOK_S = 0.01
is_warm = False
"""Start them as `warm.py` does. tests/conftest.py says so; `make bench` and `make kill-loop` start them as shops do."""


class NotReady(Exception):
    """The process ended, or said nothing in time; the message carries the end of what it wrote to standard error."""


class Process:
    """`python -m MODULE ARGUMENTS`; what it says goes to `log`, its addresses (JSON) to `ready`.

    Args:
        prefix: a command to run it in (`unshare`, `prlimit`).
    """

    def __init__(self, module: str, arguments: Sequence[str], *, ready: Path, log: Path, prefix: Sequence[str] = ()) -> None:
        ready.unlink(missing_ok=True)
        self._ready, self._log = ready, log
        with log.open("ab") as said:
            self._process: subprocess.Popen[bytes] | warm.Child
            if is_warm and not prefix and warm.is_possible():
                self._process = warm.start(module, arguments, said)
            else:
                command = [*prefix, sys.executable, "-m", module, *arguments]
                self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    async def wait_ready(self, deadline_s: float) -> dict[str, Any]:
        """What it wrote into the ready file. Raises `NotReady`."""
        till = asyncio.get_running_loop().time() + deadline_s
        while not self._ready.exists():
            if self.returncode is not None or asyncio.get_running_loop().time() > till:
                state = "is silent" if self.returncode is None else f"ended with {self.returncode}"
                raise NotReady(f"{self._process.args!r}: {state}\n{self.said()}")
            await asyncio.sleep(LOOK_S)
        addresses: dict[str, Any] = json.loads(self._ready.read_text("utf-8"))
        return addresses

    def said(self) -> str:
        """The end of its log."""
        return self._log.read_text("utf-8", "replace")[-8_000:]

    async def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM, and its exit code. Raises TimeoutError where it does not end."""
        return await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> int:
        if self._process.poll() is None:
            os.kill(self._process.pid, how)
        try:
            return await asyncio.to_thread(self._process.wait, END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise TimeoutError(f"{self._process.args!r} did not end within {END_S:g} s\n{self.said()}") from None

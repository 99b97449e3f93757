"""A peer as a process that tells, a JSON object a line, what it was sent; and what we meant to send it."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.support.prerequisites import need

from tillkeeper_drivers.api import Columns, PrintDocument, Qr, Rule, Text
from tillkeeper_drivers.printing.settings import Deadlines

HERE = Path(__file__).parent
HOME = HERE.parents[1] / ".venv" / "peers"
"""The peers' own environment; `make test` installs it from requirements/peers.txt and tests/peers/package-lock.json."""
START_S, TELL_S = 40.0, 15.0
QUICK = Deadlines(pace=0.1, connect=5, write=5, confirm=2, answer=5, maybe=1, maybe_confirm=2, poll=0.2, pin=2)


class Peer:
    """`heard`: everything it told, oldest first."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._told = asyncio.Condition()
        self.heard: list[dict[str, Any]] = []
        self.port = 0

    async def listen(self) -> None:
        """Until it ends."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            async with self._told:
                self.heard.append(json.loads(line))
                self._told.notify_all()

    async def wait(self, key: str, count: int = 1, deadline_s: float = TELL_S) -> list[dict[str, Any]]:
        """The first `count` things told that have `key`. TimeoutError, with what was told, where they do not come."""
        try:
            async with asyncio.timeout(deadline_s), self._told:
                await self._told.wait_for(lambda: len(self.all(key)) >= count)
        except TimeoutError:
            raise TimeoutError(f"no {count} of {key} in {self.heard}") from None
        return self.all(key)[:count]

    def all(self, key: str) -> list[dict[str, Any]]:
        return [told for told in self.heard if key in told]

    async def tell(self, **request: Any) -> None:
        """Ask it for something, and wait until it is done."""
        assert self._process.stdin is not None
        before = len(self.all("done"))
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        await self.wait("done", before + 1)


@asynccontextmanager
async def _peer(command: Sequence[str]) -> AsyncIterator[Peer]:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20
    )
    peer = Peer(process)
    listening = asyncio.create_task(peer.listen())
    try:
        peer.port = (await peer.wait("port", deadline_s=START_S))[0]["port"]
        yield peer
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        assert process.stdin is not None
        process.stdin.close()
        await listening
        await process.wait()


def emupos(profile: str = "epson-tm-t20iii") -> Any:
    """A printer of `emupos`: it answers as its profile says."""
    python = HOME / "bin" / "python"
    need(str(python), root=False)
    return _peer((str(python), str(HERE / "emupos_printer.py"), profile))


def npos() -> Any:
    """A device that never answers, and reads what came with `npos`."""
    beside = HOME.parent / "bin" / "node"
    node = shutil.which("node") or (str(beside) if beside.exists() else "node")
    need(node, root=False)
    if not (HOME / "node" / "node_modules").is_dir():
        pytest.fail("npos is not installed: make test does it")
    return _peer((node, str(HERE / "npos_reader.cjs"), str(HOME / "node")))


def meant(document: PrintDocument, columns: int) -> str:
    """Everything that is to be read on the paper, in order, without white space: what wraps or is aligned stays equal."""
    parts = []
    for block in document.blocks:
        if isinstance(block, Text):
            parts.append(block.text)
        elif isinstance(block, Columns):
            parts.append(block.left + block.right)
        elif isinstance(block, Rule):
            parts.append(block.character * columns)
        elif isinstance(block, Qr):
            parts.append(f"[qr {block.data}]")
    return bare("".join(parts))


def bare(text: str) -> str:
    return re.sub(r"\s+", "", text)

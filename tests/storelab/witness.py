"""Writes down what is on a disk when it goes: only what no other disk had at that moment may be missing in the end."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path

from tests.storelab.disks import Disk, read
from tests.storelab.evidence import Event
from tests.storelab.hq import DatabaseAway, Hq
from tests.storelab.machine import Machine


class Witness:
    """`gone`, `buried`, `copied`: as of `evidence.Evidence`."""

    def __init__(self, machines: Mapping[str, Machine], hq: Callable[[], Hq]) -> None:
        self._machines, self._hq = machines, hq
        self.gone: dict[str, float] = {}
        self.buried: dict[str, Event] = {}
        self.copied: set[str] = set()

    async def disk_goes(self, machine: Machine, left: Path | None = None) -> int:
        """The agent is dead. `left`: the older copy that takes its place. How many events are on no other disk."""
        return await asyncio.to_thread(self._disk_goes, machine, left)

    def _disk_goes(self, machine: Machine, left: Path | None) -> int:
        doomed = read(machine.data).all
        others = set(read(left).all) if left is not None else set()
        for one in self._machines.values():
            if one is not machine:
                others |= read(one.data).all.keys()
        with suppress(DatabaseAway):  # what only HQ has then is not missing in the end
            others |= self._hq().hashes()
        lost = doomed.keys() - others
        self.gone |= dict.fromkeys(lost, time.monotonic())
        self.buried |= doomed
        return len(lost)

    async def disk_copied(self, copy: Path) -> None:
        """Tickets that wait on a copied disk come out of either, and neither can know of the other."""
        self.copied |= await asyncio.to_thread(waiting, copy)


def waiting(data: Path) -> set[str]:
    """Keys of the sales with tickets that are not settled."""
    with closing(sqlite3.connect(f"file:{data / 'journal.db'}?mode=ro", uri=True)) as db:
        checks = {check for (check,) in db.execute("SELECT check_id FROM jobs WHERE settled = 0")}
        bodies = [json.loads(body) for (body,) in db.execute("SELECT body FROM events WHERE type = 'line_added'")]
    return {body["note"] for body in bodies if body["check_id"] in checks and body.get("note")}


def disks(machines: Mapping[str, Machine]) -> dict[str, Disk]:
    """Of all machines. Blocking."""
    return {name: read(machine.data) for name, machine in machines.items() if machine.data.exists()}

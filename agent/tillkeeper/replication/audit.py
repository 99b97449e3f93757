"""Whether HQ has the same branch of the logs that are held here for others.

How far HQ holds a log does not tell: a clone or a restored copy may have written another branch of it, and whoever wrote the
one that is held here may be gone. So HQ is shown the last signed event of each log whose end has changed; where it has another
one in that place the log is forked, and goes to HQ from here whatever its author says.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping

from tillkeeper.contract.envelope import EventVerdict, HqAnswer, HqBatch
from tillkeeper.errors import StorageRefused
from tillkeeper.replication.cursors import Cursor, proved
from tillkeeper.replication.model import LogId, Mark
from tillkeeper.replication.outgoing import Logs
from tillkeeper.replication.trouble import SinkTrouble

log = logging.getLogger(__name__)

LOOK_EVERY_S = 30.0
MAX_ASKED = 50
"""Logs in one look; those that were not looked at for the longest time come first."""
_REFUSALS = ("batch_refused", "credentials_refused")


class Audit:
    """`held`: as `Holdings.marks`. `logs`: the library. `relayed`: logs that go to HQ from here already. `to_hq`: raises
    SinkTrouble. `forked`: logs of which HQ has another branch."""

    def __init__(
        self,
        store: str,
        held: Callable[[], Mapping[LogId, Mark]],
        logs: Logs,
        relayed: Callable[[], Collection[LogId]],
        to_hq: Callable[[HqBatch], Awaitable[HqAnswer]],
    ) -> None:
        self._store, self._held, self._logs, self._relayed, self._to_hq = store, held, logs, relayed, to_hq
        self._seen: dict[LogId, tuple[int, str]] = {}
        """Up to where HQ was seen to have it, or not to want it; in the order in which they were looked at."""
        self.forked: frozenset[LogId] = frozenset()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except (SinkTrouble, StorageRefused) as trouble:
                log.debug("what HQ has is not compared now: %s", trouble)

    async def look(self) -> None:
        """Raises: SinkTrouble, StorageUnreadable; the rest is looked at the next time."""
        held, relayed = self._held(), self._relayed()
        self._seen = {name: seen for name, seen in self._seen.items() if name in held}
        known = {*relayed, *self.forked, *(name for name, mark in held.items() if mark.breaks)}
        changed = held.keys() - known - {name for name, mark in held.items() if self._seen.get(name) == (mark.seq, mark.hash)}
        order = {name: at for at, name in enumerate(self._seen, 1)}
        for name in sorted(changed, key=lambda one: (order.get(one, 0), one))[:MAX_ASKED]:
            same = await self._has_same(name, held[name].seq)
            self._seen.pop(name, None)
            self._seen[name] = (held[name].seq, held[name].hash)
            if not same:
                log.error("HQ has another branch of log %s of register %s: this one goes there too", *reversed(name))
                self.forked |= {name}

    async def _has_same(self, name: LogId, upto: int) -> bool:
        """What HQ has not yet it gets from the author, or from who relays it."""
        for _ in range(2):
            head = self._logs.head_for(name, upto)
            events = self._logs.events(name, head.seq - 1, 1) if head is not None else []
            if head is None or not events:
                return True  # nobody would believe it from here
            try:
                answer = await self._to_hq(HqBatch(self._store, *name, tuple(events), head))
            except SinkTrouble as trouble:
                if trouble.code in _REFUSALS:
                    return True
                raise
            said = answer.verdicts or (EventVerdict(head.seq, "stored" if head.seq <= answer.held_seq else "retryable"),)
            shown = proved(Cursor(branch="unknown"), head.seq, HqAnswer(answer.held_seq, said))
            if not shown.stuck:
                return shown.cursor.branch == "same"
            upto = min(upto - 1, answer.held_seq)
        return True

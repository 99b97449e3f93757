"""Faults put into the agent on purpose: each has to be found within a few runs, else the checker sees nothing."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from tests.simulation import disk
from tests.simulation.disk import Held, MemoryJournal

from tillkeeper.contract.envelope import Envelope, EventVerdict, HqAnswer, HqBatch
from tillkeeper.contract.placing import FORKED
from tillkeeper.journal.records import Batch
from tillkeeper.replication import link
from tillkeeper.replication.audit import Audit
from tillkeeper.replication.conflicts import Conflicts
from tillkeeper.replication.link import SinkLink
from tillkeeper.replication.peers.desk import PeersDesk


@contextmanager
def _instead(owner: Any, name: str, what: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, what)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _answers_before_the_sync() -> Any:
    """The journal tells the till that a sale is safe, and syncs it then."""
    write = MemoryJournal.write

    async def early(self: MemoryJournal, group: list[Any]) -> None:
        later = []
        for work, future in group:
            if isinstance(work, Batch) and work.command is not None:
                seq = self.last_seq + len(work.events)
                disk._settle(future, disk.Appended(seq, self.head_hash, self.incarnation))
                later.append((work, asyncio.get_running_loop().create_future()))
            else:
                later.append((work, future))
        await write(self, later)

    return _instead(MemoryJournal, "write", early)


def _peer_answers_before_the_sync() -> Any:
    """A register says that it holds what it is about to write; a power cut takes it."""
    take = Held.take

    async def early(self: Held, batch: HqBatch, now_ms: int, last_accepted: int | None = None) -> HqAnswer:
        mark = self.marks().get(disk.LogId(batch.register, batch.incarnation))
        held = mark.seq if mark is not None else 0
        if type(self) is not Held or not batch.events or batch.events[0].seq > held + 1:
            return await take(self, batch, now_ms, last_accepted)
        writing = asyncio.get_running_loop().create_task(_after(5.0, lambda: take(self, batch, now_ms, last_accepted)))
        writing.add_done_callback(lambda done: done.cancelled() or done.exception())
        return HqAnswer(batch.events[-1].seq, tuple(EventVerdict(event.seq, "stored") for event in batch.events))

    return _instead(Held, "take", early)


async def _after(delay_s: float, what: Callable[[], Any]) -> Any:
    await asyncio.sleep(delay_s)
    return await what()


def _drops_forks() -> Any:
    """What has the place of another event is answered as stored and kept nowhere."""
    place = Held._place

    def dropping(self: Held, log: Any, envelope: Envelope, now_ms: int, last_accepted: int | None) -> EventVerdict:
        count = len(self._asides)
        seen = dict(self._seen)
        verdict = place(self, log, envelope, now_ms, last_accepted)
        if verdict.reason != FORKED:
            return verdict
        del self._asides[count:]
        self._seen = seen
        return EventVerdict(envelope.seq, "stored")

    return _instead(Held, "_place", dropping)


def _moves_by_held() -> Any:
    """The cursor of an own log goes by what the sink says it holds: numbers in an answer that was lost never come."""
    answered = link.cursors.answered

    def by_held(*args: Any, **kwargs: Any) -> Any:
        found = answered(*args, **kwargs)
        return msgspec.structs.replace(found, cursor=msgspec.structs.replace(found.cursor, acked=found.cursor.held))

    return _instead(link.cursors, "answered", by_held)


def _never_relays() -> Any:
    """What is held for a register that lost its disk stays where it is."""

    def nothing(_self: PeersDesk, *_args: Any) -> None:
        return

    return _instead(PeersDesk, "_relays", nothing)


def _trusts_held_seq() -> Any:
    """A relay goes by how far HQ says it holds a log, whichever branch that is; nobody compares."""
    answered = link.cursors.answered

    def trusting(cursor: Any, *args: Any, others: bool = False) -> Any:
        found = answered(cursor, *args, others=others)
        if not others or not found.cursor.held:
            return found
        after = msgspec.structs.replace(found.cursor, acked=found.cursor.held, branch="same")
        return msgspec.structs.replace(found, cursor=after)

    @contextmanager
    def both() -> Iterator[None]:
        held = _instead(link.cursors, "answered", trusting)
        with held, _instead(Audit, "look", _nothing), _instead(SinkLink, "_fork", _skip):
            yield

    return both()


async def _nothing(*_args: Any) -> None:
    return


def _skip(*_args: Any) -> None:
    return


def _keeps_conflicts_to_itself() -> Any:
    """What lost its place to another event is kept, and HQ is not told."""
    return _instead(Conflicts, "tell", _nothing)


MUTATIONS: dict[str, tuple[Callable[[], Any], tuple[str, ...], int]] = {
    "answers_before_the_sync": (_answers_before_the_sync, ("kill",), 1),
    "peer_answers_before_the_sync": (_peer_answers_before_the_sync, ("power", "lost_disk", "wan"), 1),
    "drops_forks": (_drops_forks, ("clone",), 1),
    "moves_by_held": (_moves_by_held, ("hq_answers", "kill", "power"), 1),
    "never_relays": (_never_relays, ("lost_disk", "wan"), 1),
    "trusts_held_seq": (_trusts_held_seq, ("restored", "wan", "power", "cut"), 1),
    "keeps_conflicts_to_itself": (_keeps_conflicts_to_itself, ("restored", "island", "hq_down", "wan"), 28),
}
"""Name -> what puts it in, the kinds of faults under which it shows, and the first seed that is tried."""

"""Faults put into the agent on purpose: each has to be found within a few runs, else the checker sees nothing."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from tests.simulation import disk, printing
from tests.simulation.disk import Held, MemoryJournal

from tillkeeper.across import elsewhere
from tillkeeper.across.strands import Standing, Strand, standing_of
from tillkeeper.cards import paying
from tillkeeper.cards.gateway import Said
from tillkeeper.contract.envelope import Envelope, EventVerdict, HqAnswer, HqBatch
from tillkeeper.contract.placing import FORKED
from tillkeeper.day.ended import Ended
from tillkeeper.day.members import DayMembers
from tillkeeper.journal.records import Batch
from tillkeeper.replication import link
from tillkeeper.replication.audit import Audit
from tillkeeper.replication.conflicts import Conflicts
from tillkeeper.replication.library import Library
from tillkeeper.replication.link import SinkLink
from tillkeeper.replication.peers.desk import PeersDesk
from tillkeeper.replication.peers.regaining import Regaining
from tillkeeper.replication.recall import Recall
from tillkeeper.roles import keeper, lease
from tillkeeper.sales import authorisations, context
from tillkeeper.sales import merge as merging
from tillkeeper.sales.stock import Stock
from tillkeeper.spool import jobs as steps
from tillkeeper_hq import online_tables


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


def _keeps_a_lease_that_ended() -> Any:
    """The primary goes by its own word for a minute."""
    renewed = lease.renewed
    return _instead(lease, "renewed", lambda times, sent_s: renewed(times, sent_s + 60.0))


def _promotes_itself_unasked() -> Any:
    """The backup takes over as soon as the primary is silent, whatever the witnesses say."""

    def yes(*_args: Any, **_kwargs: Any) -> tuple[bool, str]:
        return True, ""

    return _instead(lease, "verdict", yes)


def _obeys_anybody() -> Any:
    """Work under a lower epoch is done like any other."""
    return _instead(keeper, "passage", lambda _highest, _epoch: "open")


def _drops_payments() -> Any:
    """What the other side took is not in the merged check."""
    return _instead(merging._Merge, "_payments", lambda self: self.ours.payments)


def _closes_over_anything() -> Any:
    """The day is closed although a register's tail is not held here, or by nobody else."""
    look = DayMembers.look

    def blind(self: DayMembers, day: str, told: Any = None) -> Any:
        held = look(self, day, told)
        return tuple(msgspec.structs.replace(one, state="held", blocks=False, missing=0) for one in held)

    return _instead(DayMembers, "look", blind)


def _asks_nobody_about_lost_logs() -> Any:
    """A log that ended with its disk had what others hold of it, and no more: the close waits for nobody's word."""
    return _instead(Ended, "is_lost", lambda *_args: False)


def _counts_what_is_rejected() -> Any:
    """What is in quarantine and has its place in a log is followed and added up like any other event there."""
    return _instead(Library, "rejected", lambda *_args: frozenset())


def _takes_silence_for_no() -> Any:
    """A gateway that does not answer has declined."""
    hear = paying._hear

    def hasty(change: Any, one: Any, said: Said, *, fresh: bool) -> None:
        hear(change, one, Said("declined") if said.heard == "no_answer" else said, fresh=fresh)

    return _instead(paying, "_hear", hasty)


def _takes_silence_for_yes() -> Any:
    """A gateway that does not answer has approved."""
    hear = paying._hear

    def hasty(change: Any, one: Any, said: Said, *, fresh: bool) -> None:
        hear(change, one, Said("approved") if said.heard == "no_answer" else said, fresh=fresh)

    return _instead(paying, "_hear", hasty)


def _freezes_nothing() -> Any:
    """A check can be paid and closed while it is not known whether a card was charged for it."""

    @contextmanager
    def both() -> Iterator[None]:
        with _instead(authorisations, "frozen", lambda _check: ()), _instead(context, "frozen", lambda _check: ()):
            yield

    return both()


def _forgets_its_past() -> Any:
    """A register takes nothing of what others hold of its own lost logs."""

    async def deaf(self: Regaining, batch: HqBatch, final: int | None) -> HqAnswer:
        return self._later(batch, "own")

    return _instead(Regaining, "take", deaf)


def _goes_by_its_own_lost_word() -> Any:
    """A check that was handed to a register comes back to its new disk only where the giver's log is heard before its own."""

    def first_heard(strands: Collection[Strand], to: str) -> Standing | None:
        standing = standing_of(strands)
        return None if standing is None or standing.own or standing.register != to else standing

    return _instead(elsewhere, "given", first_heard)


def _takes_an_older_copy_for_the_truth() -> Any:
    """A restored copy neither listens to what others tell of what it did, nor doubts what waits in it."""

    @contextmanager
    def both() -> Iterator[None]:
        learns = _instead(Recall, "learn", lambda _self, _batches: None)
        with learns, _instead(printing, "seen", lambda row: steps.decode(row.body)):
            yield

    return both()


def _hands_out_twice_unmarked() -> Any:
    """An order of the web shop goes to a second register as if no other had had it."""
    hand_out = online_tables._hand_out

    def unmarked(*args: Any, doubled: int) -> Any:
        return hand_out(*args, doubled=0)

    return _instead(online_tables, "_hand_out", unmarked)


def _goes_by_the_last_word_heard() -> Any:
    """Of what registers say is left counts what comes last, whenever it was said."""
    replace = msgspec.structs.replace

    def last(self: Stock, subject: Any, word: Any) -> Stock:
        return self if self.words.get(subject) == word else replace(self, words={**self.words, subject: word})

    return _instead(Stock, "_said", last)


MUTATIONS: dict[str, tuple[Callable[[], Any], tuple[str, ...], int]] = {
    "answers_before_the_sync": (_answers_before_the_sync, ("kill",), 1),
    "peer_answers_before_the_sync": (_peer_answers_before_the_sync, ("power", "lost_disk", "wan"), 1),
    "drops_forks": (_drops_forks, ("clone",), 37),
    "moves_by_held": (_moves_by_held, ("hq_answers", "kill", "power"), 1),
    "forgets_its_past": (_forgets_its_past, ("lost_disk",), 1),
    "never_relays": (_never_relays, ("lost_disk", "wan"), 1),
    "trusts_held_seq": (_trusts_held_seq, ("clone", "restored", "hq_down", "island"), 8),
    "keeps_a_lease_that_ended": (_keeps_a_lease_that_ended, ("island", "cut", "one_way"), 1),
    "promotes_itself_unasked": (_promotes_itself_unasked, ("cut", "one_way"), 8),
    "obeys_anybody": (_obeys_anybody, ("island", "pause", "cut", "one_way"), 1),
    "drops_payments": (_drops_payments, ("cut", "one_way", "island", "kill"), 6),
    "closes_over_anything": (_closes_over_anything, ("island", "cut", "slow_disk"), 11),
    "asks_nobody_about_lost_logs": (_asks_nobody_about_lost_logs, ("lost_disk", "island", "cut"), 8),
    "counts_what_is_rejected": (_counts_what_is_rejected, ("clone", "restored", "island"), 6),
    "takes_silence_for_no": (_takes_silence_for_no, (), 5),
    "takes_silence_for_yes": (_takes_silence_for_yes, (), 1),
    "freezes_nothing": (_freezes_nothing, ("wan", "lossy"), 10),
    "goes_by_its_own_lost_word": (_goes_by_its_own_lost_word, ("lost_disk", "kill"), 9),
    "takes_an_older_copy_for_the_truth": (_takes_an_older_copy_for_the_truth, ("restored", "printer"), 2),
    "hands_out_twice_unmarked": (_hands_out_twice_unmarked, ("slow_disk", "pause", "hq_answers", "island"), 7),
    "goes_by_the_last_word_heard": (_goes_by_the_last_word_heard, ("cut", "island"), 3),
    "keeps_conflicts_to_itself": (_keeps_conflicts_to_itself, ("restored", "island", "hq_down", "wan"), 30),
}
"""Name -> what puts it in, the kinds of faults under which it shows, and the first seed that is tried: one that finds it,
for now."""

"""Holdings in memory, by the same placing as the ones on the disk: for the simulation, and to compare the two."""

import hashlib
from collections.abc import Awaitable, Callable, Collection

import msgspec

from tillkeeper.contract.chain import personal_digest
from tillkeeper.contract.envelope import Envelope, EventVerdict, HqAnswer, HqBatch, SignedHead
from tillkeeper.contract.placing import BROKEN, Held, Kept, place
from tillkeeper.contract.privacy import erasures
from tillkeeper.errors import Refused, StorageRefused
from tillkeeper.replication.model import HeldAside, LogId, Mark, breaks_after


class _Log:
    def __init__(self) -> None:
        self.held = Held()
        self.rows: list[tuple[Envelope, str]] = []
        """What has each place, with the reason where it was rejected."""
        self.heads: dict[int, SignedHead] = {}
        self.breaks = ""
        self._mark: tuple[Held, int, str, Mark] | None = None

    def mark(self, name: LogId) -> Mark:
        """The same one as long as nothing changes."""
        known = self._mark
        if known is None or known[0] is not self.held or known[1] != len(self.heads) or known[2] != self.breaks:
            newest = self.heads[max(self.heads)] if self.heads else None
            mark = Mark(*name, self.held.held_seq, self.held.head_hash, newest, self.breaks)
            self._mark = known = (self.held, len(self.heads), self.breaks, mark)
        return known[3]


async def _at_once() -> None:
    return


class MemoryHoldings:
    """`sync`: awaited before a batch counts (a slow or failing disk raises StorageRefused there); what waits in it when the
    register dies was never taken. `lose` is the loss of the disk."""

    def __init__(self, store: str, sync: Callable[[], Awaitable[None]] = _at_once) -> None:
        self.store, self.sync = store, sync
        self.learned: Callable[[tuple[str, ...]], None] = lambda _digests: None
        self.lose()

    def lose(self) -> None:
        self._logs: dict[LogId, _Log] = {}
        self._asides: list[HeldAside] = []
        self._seen: dict[bytes, int] = {}
        self._erased: set[str] = set()

    @property
    def alarms(self) -> tuple[str, ...]:
        found = dict.fromkeys(LogId(aside.envelope.register, aside.envelope.incarnation) for aside in self._asides)
        return tuple(f"events of {log} are in quarantine" for log in found)

    def marks(self) -> dict[LogId, Mark]:
        return {name: log.mark(name) for name, log in self._logs.items()}

    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]:
        found = self._logs.get(log)
        return [self._shown(envelope) for envelope, _ in found.rows[after_seq : after_seq + limit]] if found else []

    def rejected(self, log: LogId, after_seq: int, last_seq: int) -> frozenset[int]:
        found = self._logs.get(log)
        rows = found.rows[after_seq:last_seq] if found else []
        return frozenset(envelope.seq for envelope, reason in rows if reason)

    def signed_up_to(self, log: LogId, at_most_seq: int) -> SignedHead | None:
        heads = self._logs[log].heads if log in self._logs else {}
        return heads[seq] if (seq := max((s for s in heads if s <= at_most_seq), default=0)) else None

    def quarantined(self, after: int, limit: int) -> list[HeldAside]:
        found = self._asides[after : after + limit]
        return [msgspec.structs.replace(aside, envelope=self._shown(aside.envelope)) for aside in found]

    async def erase(self, digests: Collection[str]) -> int:
        await self.sync()
        here = {d for log in self._logs.values() for envelope, _ in log.rows for d in self._shown(envelope).personal}
        here |= {d for aside in self._asides for d in self._shown(aside.envelope).personal}
        self._erased |= set(digests)
        return len(here & set(digests))

    def erased(self, after: str, limit: int) -> list[str]:
        return sorted(digest for digest in self._erased if digest > after)[:limit]

    def _shown(self, envelope: Envelope) -> Envelope:
        if not envelope.personal:
            return envelope
        texts = {d: (s, t) for d, (s, t) in envelope.personal.items() if d not in self._erased and personal_digest(s, t) == d}
        return msgspec.structs.replace(envelope, personal=texts)

    async def take(self, batch: HqBatch, now_ms: int, last_accepted: int | None = None) -> HqAnswer:
        names = (batch.store, batch.register, batch.incarnation)
        if batch.store != self.store or any((e.store, e.register, e.incarnation) != names for e in batch.events):
            raise Refused("bad_identity", "take", "a batch", "it is of another store or log")
        name = LogId(batch.register, batch.incarnation)
        if not batch.events:
            return HqAnswer(self._logs[name].held.held_seq if name in self._logs else 0, (), (), now_ms)
        await self.sync()
        log = self._logs.setdefault(name, _Log())
        verdicts = tuple(self._place(log, envelope, now_ms, last_accepted) for envelope in batch.events)
        if batch.head is not None:
            self._keep_head(log, batch.head, batch.events[-1])
        return HqAnswer(log.held.held_seq, verdicts, (), now_ms)

    def _keep_head(self, log: _Log, head: SignedHead, last: Envelope) -> None:
        kept, at = _kept(log, head.seq), self._seen.get(content_of(last))
        if kept is not None and kept.hash == head.hash:
            log.heads.setdefault(head.seq, head)
        elif at is not None and self._asides[at].head is None and (head.seq, head.hash) == (last.seq, last.hash):
            self._asides[at] = msgspec.structs.replace(self._asides[at], head=head)

    def _place(self, log: _Log, envelope: Envelope, now_ms: int, last_accepted: int | None) -> EventVerdict:
        placed = place(log.held, envelope, lambda seq: _kept(log, seq), last_accepted)
        if placed.keeps == "both" and placed.reason == BROKEN:
            log.breaks = breaks_after(log.breaks, envelope.seq, log.held.head_hash, content_of(envelope))
        log.held = placed.held
        if placed.keeps in ("log", "both"):
            log.rows.append((envelope, placed.reason))
        if placed.keeps == "log" and (digests := erasures(placed.event)):
            self._erased |= set(digests)
            self.learned(digests)
        if placed.keeps in ("quarantine", "both") and (digest := content_of(envelope)) not in self._seen:
            self._seen[digest] = len(self._asides)
            n, in_log = len(self._asides) + 1, placed.keeps == "both"
            self._asides.append(HeldAside(n, placed.reason, placed.detail[:500], now_ms, envelope, in_log))
        return EventVerdict(envelope.seq, placed.verdict, placed.reason)


def content_of(envelope: Envelope) -> bytes:
    """What it is told apart by in quarantine."""
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(envelope, personal={}))).digest()


def _kept(log: _Log, seq: int) -> Kept | None:
    if not 0 < seq <= len(log.rows):
        return None
    envelope, reason = log.rows[seq - 1]
    return Kept(envelope.hash, reason)


class RefusingDisk:
    """A `sync` that refuses while `refuses`."""

    refuses = False

    async def __call__(self) -> None:
        if self.refuses:
            raise StorageRefused("write", "held logs", "the disk is full")

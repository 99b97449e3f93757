"""What a register has lost of its own logs, told by those who hold it: the newest events that it says it does not have."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from tillkeeper.contract.ed25519 import verify
from tillkeeper.contract.envelope import Envelope, HqBatch
from tillkeeper.contract.signing import HeadRefused, check_head
from tillkeeper.replication.model import LogId, Mark
from tillkeeper.replication.outgoing import Logs
from tillkeeper.replication.peers.wire import Hello

MOST_EVENTS = 500
"""The last hundred orders: what a client still asks for, and what a kitchen still waits for."""
MOST_BYTES = 384 * 1024
"""Of bodies and texts; a frame takes 1 MiB, and the marks and adoptions beside them up to half of that."""
MOST_LOGS = 20


def lost_by(hello: Hello, store: str, heads: Mapping[LogId, Mark], logs: Logs) -> tuple[HqBatch, ...]:
    """As `lost_beyond`, of whoever says `hello` and the marks in it."""
    return lost_beyond(hello.register, {mark.log: mark for mark in hello.marks}, store, heads, logs)


def lost_beyond(
    register: str, theirs: Mapping[LogId, Mark], store: str, heads: Mapping[LogId, Mark], logs: Logs
) -> tuple[HqBatch, ...]:
    """Of the newest logs of a register, what is held beyond the marks `theirs`; each batch ends where its author signed.
    Blocking, some ms. Raises: StorageUnreadable."""
    found: list[tuple[int, HqBatch]] = []
    for mark in sorted((heads[name] for name in heads if name.register == register), key=lambda one: one.log)[-MOST_LOGS:]:
        known = theirs.get(mark.log)
        after = known.seq if known is not None else 0
        if known is not None and after == mark.seq and known.hash != mark.hash:
            after = 0  # a fork: where it begins is not known here
        head = logs.head_for(mark.log, mark.seq) if after < mark.seq else None
        if head is None or head.seq <= after:
            continue
        first = max(after, head.seq - MOST_EVENTS)
        events = _newest(logs.events(mark.log, first, head.seq - first), MOST_EVENTS, MOST_BYTES)
        if events and events[-1].seq == head.seq:
            found.append((events[-1].at_ms, HqBatch(store, *mark.log, events, head)))
    return _within(batch for _, batch in sorted(found, key=lambda one: -one[0]))


def _within(batches: Iterable[HqBatch]) -> tuple[HqBatch, ...]:
    """As much as fits, of the newest log first."""
    kept: list[HqBatch] = []
    room, size = MOST_EVENTS, MOST_BYTES
    for batch in batches:
        events = _newest(batch.events, room, size)
        if not events:
            break
        kept.append(HqBatch(batch.store, batch.register, batch.incarnation, events, batch.head))
        room -= len(events)
        size -= sum(map(_size, events))
    return tuple(kept)


def _newest(events: Sequence[Envelope], most: int, most_bytes: int) -> tuple[Envelope, ...]:
    size = count = 0
    for event in reversed(events[-most:] if most > 0 else ()):
        size += _size(event)
        if size > most_bytes:
            break
        count += 1
    return tuple(events[len(events) - count :])


def _size(event: Envelope) -> int:
    return len(event.body.encode()) + sum(len(text.encode()) for _salt, text in event.personal.values())


def own_of(batches: Iterable[HqBatch], store: str, register: str, keys: frozenset[str]) -> tuple[HqBatch, ...]:
    """Those that this register wrote: its own signature leads back to each of their events. All else is passed over."""
    own = []
    for batch in islice(batches, MOST_LOGS):  # each costs the check of a signature
        if (batch.store, batch.register) != (store, register) or not 0 < len(batch.events) <= MOST_EVENTS:
            continue
        whose = (batch.store, batch.register, batch.incarnation)
        if any((event.store, event.register, event.incarnation) != whose for event in batch.events):
            continue
        try:
            own.append(check_head(batch, keys, verify, relayed=True))
        except HeadRefused:
            continue
    return tuple(own)

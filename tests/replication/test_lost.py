"""What a greeting tells of what was lost fits into a frame, whatever was sold in whatever script."""

import random

from tillkeeper.contract.envelope import Envelope, HqBatch, SignedHead
from tillkeeper.replication.model import LogId, Mark
from tillkeeper.replication.peers.adopted import MAX_PROVEN
from tillkeeper.replication.peers.lost import MOST_BYTES, lost_by
from tillkeeper.replication.peers.wire import HEADER, MAX_FRAME, MAX_MARKS, Hello, decode, encode, frame_length

CHANCE = random.Random(6)


def digest() -> str:
    return CHANCE.randbytes(32).hex()


def script(count: int) -> str:
    """Characters of three bytes that no packing makes small."""
    return "".join(chr(CHANCE.randrange(0x4E00, 0x9FFF)) for _ in range(count))


class Logs:
    """Three logs of one register: in each a hundred orders with much to read, half of it texts about guests."""

    def __init__(self) -> None:
        names = (LogId("a", f"01JD{n}") for n in range(3))
        self.told = {name: [self._event(name, seq) for seq in range(1, 101)] for name in names}

    def _event(self, name: LogId, seq: int) -> Envelope:
        personal = {digest(): (CHANCE.randbytes(16).hex(), script(1_500))}
        return Envelope("s", *name, seq, "line_added", 1, "2026-11-22", seq, script(1_500), digest(), digest(), personal)

    def heads(self) -> dict[LogId, Mark]:
        return {name: Mark(*name, len(events), events[-1].hash) for name, events in self.told.items()}

    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]:
        return self.told[log][after_seq : after_seq + limit]

    def head_for(self, log: LogId, up_to_seq: int) -> SignedHead | None:
        event = self.told[log][up_to_seq - 1]
        return SignedHead("s", *log, up_to_seq, event.hash, digest(), digest() * 2)


def test_a_greeting_with_all_that_it_may_have_fits_into_a_frame() -> None:
    logs = Logs()
    lost = lost_by(Hello("s", "a", "i", "1", "1"), "s", logs.heads(), logs)
    events = [event for batch in lost for event in batch.events]
    size = sum(len(event.body.encode()) + sum(len(text.encode()) for _, text in event.personal.values()) for event in events)
    assert MOST_BYTES * 0.9 < size <= MOST_BYTES, "as much as there is room for, and no more"
    assert events[-1].seq == 100
    heads = [SignedHead("s", "b", digest(), n, digest(), digest(), digest() * 2) for n in range(MAX_MARKS)]
    marks = tuple(Mark("b", head.incarnation, head.seq, head.hash, head, digest()) for head in heads)
    rerouted = ("document_rerouted", 1, "2026-11-22", 1)
    moved = [Envelope("s", "b", "i", n, *rerouted, digest() * 4, digest(), digest()) for n in range(MAX_PROVEN)]
    adoptions = tuple(HqBatch("s", "b", "i", (event,), heads[0]) for event in moved)
    hello = Hello("s", "b", "i", "1", "1", marks=marks, adoptions=adoptions, lost=lost)
    frame = encode(hello)
    length, flag = frame_length(frame[: HEADER.size])
    assert length < MAX_FRAME
    assert decode(flag, frame[HEADER.size :]) == hello

"""A register tells HQ how far its own logs go: of others' logs it says nothing, and an older HQ is not disturbed."""

import asyncio
from collections.abc import Mapping

import msgspec
import pytest

from tillkeeper.config.model import Store
from tillkeeper.contract.envelope import Author, Envelope, HqAnswer, HqBatch, SignedHead
from tillkeeper.replication.hq import Telling
from tillkeeper.replication.model import LogId
from tillkeeper.replication.recheck import Flight

OWN, OLD, OTHERS = LogId("till-1", "now"), LogId("till-1", "before"), LogId("till-2", "theirs")
STORE = Store(id="corner", name="Corner", timezone="Europe/Berlin", currency="JPY", minor_digits=0)


class Heads:
    """What a link sends: two own logs and one that it relays."""

    own = OWN

    def heads(self) -> Mapping[LogId, int]:
        return {OWN: 12, OLD: 40, OTHERS: 7}

    def events(self, _log: LogId, _after_seq: int, _limit: int) -> list[Envelope]:
        return []

    def head_for(self, _log: LogId, _up_to_seq: int) -> SignedHead | None:
        return None


class Line:
    def __init__(self) -> None:
        self.sent: list[HqBatch] = []

    async def exchange(self, batch: HqBatch) -> HqAnswer:
        self.sent.append(batch)
        return HqAnswer(0)

    async def aclose(self) -> None: ...


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (OWN, Author(12, "JPY", 0, "Europe/Berlin")),
        (OLD, Author(40, "JPY", 0, "Europe/Berlin")),
        (OTHERS, None),
        (LogId("till-1", "not known"), None),
    ],
)
def test_only_the_author_says_how_far_a_log_goes(log: LogId, said: Author | None) -> None:
    line = Line()
    asyncio.run(Telling(line, Heads(), STORE, Flight(), lambda: 0.0).exchange(HqBatch("corner", *log)))
    (sent,) = line.sent
    assert sent == HqBatch("corner", *log, author=said)


def test_who_does_not_know_the_field_reads_the_batch() -> None:
    class Before(msgspec.Struct, frozen=True):
        store: str
        register: str
        incarnation: str
        events: tuple[Envelope, ...] = ()
        head: SignedHead | None = None

    written = msgspec.json.encode(HqBatch("corner", *OWN, author=Author(12)))
    assert msgspec.json.decode(written, type=Before) == Before("corner", *OWN)
    assert msgspec.json.decode(msgspec.json.encode(Before("corner", *OWN)), type=HqBatch) == HqBatch("corner", *OWN)

"""A journal in memory, a till that takes numbers, and an HQ at the end of a bad line."""

import asyncio
import random
from collections.abc import Callable, Sequence

import msgspec

from tillkeeper.contract.envelope import Envelope, EventVerdict, HqAnswer, HqBatch, NumberAssigned, SignedHead
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.records import Appended, Batch
from tillkeeper.replication.model import LogId
from tillkeeper.replication.trouble import SinkTrouble

STORE, REGISTER = "corner", "till-1"


def event(incarnation: str, seq: int, text: str = "") -> Envelope:
    """Every third one opens a check."""
    kind = "check_opened" if seq % 3 == 1 else "odd"
    mark = f"{incarnation}-{seq}{text}"
    return Envelope(STORE, REGISTER, incarnation, seq, kind, 1, "2026-11-21", 0, mark, f"{incarnation}-{seq - 1}{text}", mark)


class MemoryLogs:
    """Stands for the journal: logs, settings, and appends that fail while `refuses`."""

    incarnation = "now"
    register = REGISTER
    head_hash = ""
    own = LogId(REGISTER, "now")

    def __init__(self, own: int = 0, **old: int) -> None:
        self.rows = {name: [event(name, n) for n in range(1, count + 1)] for name, count in old.items()}
        self.rows["now"] = [event("now", n) for n in range(1, own + 1)]
        self.settings: dict[str, bytes] = {}
        self.refuses = False
        self.appends = 0

    def sell(self, count: int = 1) -> None:
        self.rows["now"] += [event("now", len(self.rows["now"]) + 1 + n) for n in range(count)]

    @property
    def last_seq(self) -> int:
        return len(self.rows["now"])

    def heads(self) -> dict[LogId, int]:
        return {LogId(REGISTER, name): len(rows) for name, rows in self.rows.items()}

    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]:
        return self.rows[log.incarnation][after_seq : after_seq + limit]

    def head_for(self, _log: LogId, _up_to_seq: int) -> SignedHead | None:
        return None

    def is_others(self, log: LogId) -> bool:
        return log.register != REGISTER

    def is_forked(self, _log: LogId) -> bool:
        return False

    def setting(self, name: str) -> bytes | None:
        return self.settings.get(name)

    async def append(self, batch: Batch) -> Appended:
        await asyncio.sleep(0)
        if self.refuses:
            raise StorageRefused("append", "journal", "disk full")
        self.appends += 1
        self.settings |= batch.settings
        return Appended(self.last_seq, "", self.incarnation)


class MemoryTill:
    """Keeps the first number of each check, and the cursor with it - or neither."""

    def __init__(self, journal: MemoryLogs) -> None:
        self.journal = journal
        self.numbers: dict[str, int] = {}

    async def numbers_assigned(self, numbers: Sequence[NumberAssigned], settings: dict[str, bytes]) -> None:
        await self.journal.append(Batch(settings=settings))
        for one in numbers:
            self.numbers.setdefault(one.check_id, one.number)


class HonestHq:
    """The contract in its shortest form. Counts how often each event took effect."""

    def __init__(self) -> None:
        self.logs: dict[str, list[str]] = {}
        self.effects: dict[str, int] = {}
        self.numbers: dict[str, int] = {}
        self.poison: set[str] = set()

    def take(self, batch: HqBatch) -> HqAnswer:
        held = self.logs.setdefault(batch.incarnation, [])
        verdicts, numbers = [], []
        for one in batch.events:
            if one.seq > len(held) + 1:
                verdicts.append(EventVerdict(one.seq, "retryable", "gap"))
                continue
            if one.seq == len(held) + 1:
                held.append(one.hash)
                self.effects[one.hash] = self.effects.get(one.hash, 0) + 1
            good = held[one.seq - 1] == one.hash and one.hash not in self.poison
            verdicts.append(EventVerdict(one.seq, "stored") if good else EventVerdict(one.seq, "rejected", "poison"))
            if good and one.type == "check_opened":
                numbers.append(NumberAssigned(one.body, self.numbers.setdefault(one.body, len(self.numbers) + 1)))
        return HqAnswer(len(held), tuple(verdicts), tuple(numbers))


class BadLine:
    """An `HqTransport` that loses, doubles and delays by chance. `bad` of 0 is a good line.

    A delayed batch reaches HQ later, after others: that is how an old copy arrives out of order."""

    def __init__(self, hq: HonestHq, seed: int = 0, bad: float = 0.0) -> None:
        self.hq = hq
        self.bad = bad
        self.chance = random.Random(seed)
        self.late: list[HqBatch] = []
        self.sent: list[HqBatch] = []
        self.answered = asyncio.Event()
        self.is_closed = False
        self.says: Callable[[HqBatch], HqAnswer] | None = None
        self.hq_minus_boot_s: float | None = None

    async def exchange(self, batch: HqBatch) -> HqAnswer:
        await asyncio.sleep(0)
        self.sent.append(batch)
        # Through the wire form, so that nothing shared in memory helps.
        batch = msgspec.json.decode(msgspec.json.encode(batch), type=HqBatch)
        try:
            return self._exchange(batch)
        finally:
            self.answered.set()

    def _exchange(self, batch: HqBatch) -> HqAnswer:
        if self.says is not None:
            return self.says(batch)
        if self.late and self.chance.random() < 0.5:
            self.hq.take(self.late.pop(self.chance.randrange(len(self.late))))
        fate = self.chance.random() if self.bad else 1.0
        if fate < self.bad / 4:
            raise SinkTrouble("unreachable", "hq", "the request was lost")
        if fate < self.bad / 2:
            self.late.append(batch)
            raise SinkTrouble("timeout", "hq", "the request is stuck somewhere")
        answer = self.hq.take(batch)
        if fate < self.bad * 3 / 4:
            raise SinkTrouble("timeout", "hq", "the answer was lost")
        if fate < self.bad:
            return self.hq.take(batch)
        return answer

    async def aclose(self) -> None:
        self.is_closed = True

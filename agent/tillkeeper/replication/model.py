"""What the rooms of replication share: names of logs, marks, and what holds the logs of others."""

import hashlib
from collections.abc import Callable, Collection
from typing import NamedTuple, Protocol

import msgspec

from tillkeeper.contract.envelope import Envelope, HqAnswer, HqBatch, SignedHead


class LogId(NamedTuple):
    """A log of this store: what one register wrote in one incarnation."""

    register: str
    incarnation: str


class Mark(msgspec.Struct, frozen=True):
    """How far somebody holds a log: without a gap up to `seq`, whose event has `hash`. `head`: the furthest place that the
    author signed, at or before `seq`; None where none is known. `breaks`: digest over the places in it that do not continue the
    log (`breaks_after`), empty where it is whole: a hash vouches for what is before it back to such a place only. Whoever has
    the same `seq`, `hash` and `breaks` has the same events."""

    register: str
    incarnation: str
    seq: int
    hash: str
    head: SignedHead | None = None
    breaks: str = ""

    @property
    def log(self) -> LogId:
        return LogId(self.register, self.incarnation)


def breaks_after(breaks: str, seq: int, before: str, content: bytes) -> str:
    """`breaks` of a log with one more: the event `seq`, whose envelope has the SHA-256 `content`, follows one with the hash
    `before` that it does not name, or has not the hash that it says."""
    return hashlib.sha256(f"{breaks}\n{seq}\n{before}\n{content.hex()}\n".encode()).hexdigest()


class HeldAside(msgspec.Struct, frozen=True):
    """An event in quarantine, as it came. `n` rises with the order of arrival. `in_log`: it has its place in the log too (a
    broken chain, a body that can not be read), else another event has that place (a fork). `head`: the
    author's signature over it, where another event has its place."""

    n: int
    reason: str
    detail: str
    received_ms: int
    envelope: Envelope
    in_log: bool
    head: SignedHead | None = None


class Holdings(Protocol):
    """The logs of others that this register holds."""

    @property
    def alarms(self) -> tuple[str, ...]:
        """What a person should know: a file that was set aside, logs in conflict."""

    def marks(self) -> dict[LogId, Mark]:
        """From memory; only what is durable. No I/O."""

    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]:
        """As `Journal.events`; rejected ones are in their place (`rejected`). Raises: StorageUnreadable."""

    def rejected(self, log: LogId, after_seq: int, last_seq: int) -> frozenset[int]:
        """Places behind `after_seq`, up to `last_seq`, whose event is in quarantine too: nobody who follows the log counts it,
        as HQ does not. Raises: StorageUnreadable."""

    def signed_up_to(self, log: LogId, at_most_seq: int) -> SignedHead | None:
        """The furthest signed place not beyond `at_most_seq`. Raises: StorageUnreadable."""

    async def take(self, batch: HqBatch, now_ms: int, last_accepted: int | None = None) -> HqAnswer:
        """Answered once it is durable. The caller has checked the signature (`signing.check_head`); `last_accepted` as in
        `placing.place`. `now_ms`: wall clock, for stamps.

        Raises:
            Refused: `bad_identity`, `too_large`, `too_many_logs`; sending it again does not help.
            StorageRefused, Overloaded: nothing of it counts; sending it again is safe.
        """

    learned: Callable[[tuple[str, ...]], None]
    """Called with the digests of an event that erases, once they are erased here."""

    def erased(self, after: str, limit: int) -> list[str]:
        """Digests of texts that were erased, in their order, behind `after`. Raises: StorageUnreadable."""

    def quarantined(self, after: int, limit: int) -> list[HeldAside]:
        """Behind `n` = `after`, oldest first. Raises: StorageUnreadable."""

    async def erase(self, digests: Collection[str]) -> int:
        """Delete personal texts for good, and those that come in later too; how many there were. Raises: as `take`."""

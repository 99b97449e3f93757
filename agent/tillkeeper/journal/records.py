"""What goes into the journal in one transaction, and what comes out. The `Journal` itself is in `journal/journal.py`."""

import msgspec

from tillkeeper.contract.base import Event


class NewEvent(msgspec.Struct, frozen=True):
    """An event on its way in: the writer gives it `seq` and its place in the chain."""

    event: Event
    business_day: str
    at_ms: int


class KeptCommand(msgspec.Struct, frozen=True):
    """An idempotency key with the SHA-256 of the command it came with and the answer it got (JSON)."""

    key: str
    body_sha256: bytes
    result: bytes
    at_ms: int


class KeptAnswer(msgspec.Struct, frozen=True):
    """What a command came to that this register accepted before it lost its journal: its key came back with its events. The
    command itself is known only where a digest of it was kept beside them (`body_sha256`, else empty)."""

    key_sha256: bytes
    result: bytes
    at_ms: int
    body_sha256: bytes = b""


class PersonalText(msgspec.Struct, frozen=True):
    """`digest` = SHA-256(salt || text) in hex."""

    digest: str
    salt: str
    text: str


class CheckRow(msgspec.Struct, frozen=True):
    """The fold of a check as kept in its table: `body` is the JSON of `sales.model.Check`, the rest is what it is found by.
    `next_fire_at_ms`: the earliest timed fire that waits, else None. The writer adds `last_seq`, the seq of the batch's last
    event: a check is synced once HQ holds the log up to there."""

    check_id: str
    ticket_code: str
    business_day: str
    state: str
    opened_at_ms: int
    body: bytes
    number: int | None = None
    next_fire_at_ms: int | None = None


class JobRow(msgspec.Struct, frozen=True):
    """A spool job: `body` is the JSON of `spool.model.Job`. `settled` jobs are not loaded at start. `doubtful`, when read: it
    waited already in an older copy of the journal, so nobody here knows whether it was done since."""

    job_id: str
    device: str
    state: str
    created_at_ms: int
    settled: bool
    body: bytes
    check_id: str = ""
    doubtful: bool = False


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """One atomic change: all of it is durable, or none of it. `settings` are small named values (cursors, counters), never a
    text that a person typed, unless an event of this batch or before holds it. `catalogues`: version -> snapshot. `answers`:
    of keys that are not known yet. `erase`:
    digests of personal texts that go with it; `Journal.erase` takes them out of the file's log too. A batch with a `command`
    is a sale: it is refused while the disk is full, when the others may still use the reserve."""

    events: tuple[NewEvent, ...] = ()
    checks: tuple[CheckRow, ...] = ()
    jobs: tuple[JobRow, ...] = ()
    command: KeptCommand | None = None
    personal: tuple[PersonalText, ...] = ()
    erase: tuple[str, ...] = ()
    settings: dict[str, bytes] = {}
    answers: tuple[KeptAnswer, ...] = ()
    catalogues: dict[str, bytes] = {}


class Appended(msgspec.Struct, frozen=True):
    """`last_seq` and `head_hash` of the own log, `incarnation`, after this batch. By the time it is read, another log may have
    begun."""

    last_seq: int
    head_hash: str
    incarnation: str = ""


class StoredCheck(msgspec.Struct, frozen=True):
    """A check as found. HQ knows all of it once it holds log `incarnation` up to `last_seq`, and all of the logs `older`, in
    which the check was opened or went on."""

    row: CheckRow
    last_seq: int
    incarnation: str
    older: tuple[str, ...] = ()


class LogInfo(msgspec.Struct, frozen=True):
    """One log of this file. `last_seq` is also the number of its events."""

    store: str
    register: str
    incarnation: str
    began_at_ms: int
    last_seq: int
    head_hash: str
    current: bool

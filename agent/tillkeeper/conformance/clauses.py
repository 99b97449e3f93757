"""The sentences of `docs/hq-contract.md` that checks rest on, word for word (a test compares them with the page)."""

from typing import NamedTuple


class Clause(NamedTuple):
    """`name`: the number of the duty, or the part of the page."""

    name: str
    sentence: str


DURABLE = Clause("1", "`stored` means that a power cut now loses nothing.")
ONCE = Clause("2", "Same identity, same hash: `stored`, and nothing else happens.")
ONCE_REJECTED = Clause("2", "Where that event was rejected, the answer is the same again")
FORKS = Clause("3", "Keep both, show it, answer `rejected` with `forked_log`.")
GAPS = Clause("4", "`seq` beyond `held_seq + 1`: `retryable`; nothing is kept.")
CHAIN_HASH = Clause("5", '`hash` must be SHA-256 of `prev_hash "\\n" header body`')
CHAIN_PREV = Clause(
    "5", "`prev_hash` that of the event before, 64 zeros for the first. Otherwise quarantine, `rejected` with `broken_chain`."
)
CHAIN_BYTES = Clause("5", "It is hashed, so keep those bytes; never parse and print it again.")
POISON = Clause("6", "A known type and version whose body does not fit: quarantine, `rejected` with `undecodable`.")
POISON_ALONE = Clause("6", "It delays no other event.")
UNKNOWN = Clause("7", "A type or version that HQ does not know is `stored` byte for byte.")
HELD = Clause("8", "is up to where the log is held without a gap, *rejected events included*")
HELD_MOVES = Clause("8", "their place is taken, the cursor moves on.")
LOGS = Clause("8", "A log is what a register wrote in one incarnation")
NUMBER = Clause("9", "A `check_opened` that is stored gets one number (1 to 999,999,999,999) per check and store")
NUMBER_REUSE = Clause("9", "never used again.")
NUMBER_AGAIN = Clause("9", "`numbers` each time the event is sent")
NUMBER_PAPER = Clause("9", "that number wins over a new one, unless another check has it by now.")
PERSONAL = Clause("10", "are kept beside the events")
PERSONAL_ERASED = Clause("10", "so that they can be erased while the chain holds.")
PERSONAL_GONE = Clause("10", "A `personal_data_erased` that is `stored` erases the texts of its store whose digests it names.")
PERSONAL_LATE = Clause("10", "One of them that comes later is not kept")
PERSONAL_REJECTED = Clause("10", "Rejected ones erase nothing.")
BEAT = Clause("beat", "An empty `events` is the beat")
TIME = Clause("answer", '"hq_time_ms": 1795310000123')
ANSWER = Clause("answer", "What an HQ must do, event by event:")
SIZES = Clause("limits", "the register sends up to 500 events and 512 KiB, reads answers up to 1 MiB")
TOO_LARGE = Clause("limits", "halves its batch, down to one event; says so")
GZIP = Clause("limits", "gzip welcome (`Content-Encoding: gzip`)")
UNKNOWN_FIELDS = Clause("requests", "Unknown fields are to be ignored by both sides.")
TOKEN = Clause("requests", "Every request but `/healthz` and `/openapi.json` carries `Authorization: Bearer <token>`.")
OTHERS = Clause("requests", "A register's token speaks for one `(store, register)`.")
IDENTITY = Clause("requests", "the identity of an event is `(store, register, incarnation, seq)`")
PROBLEMS = Clause("requests", "Whatever is not done is answered with problem details (RFC 9457)")
SENDERS = Clause("beat", "the register asks about once a second whether HQ is there, and takes card payments only while it is.")
PARALLEL = Clause("2", "A verdict must not depend on how often an event was sent.")
HEADS = Clause("heads", "such a batch is believed by its signature only")
RELAY_BEAT = Clause("heads", "An empty one asks how far the log is held.")
ONLINE_HOLDER = Clause("online", "The primary has it while it asks")
ONLINE_EPOCH = Clause("online", "Who names an older epoch than the highest that HQ has heard")
LEFT = Clause("heads", "What comes behind it under the key that left takes its place and is `rejected` with `after_leaving`.")
WITNESS_HEARS = Clause(
    "witness", "`hears`, where a batch or a beat of that register itself (no relay) came within the last 3.5 s"
)

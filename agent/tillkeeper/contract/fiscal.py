"""The seam to a fiscal signer: what is signed, and the events that say so.

Some countries want every receipt signed by a certified device or service. Tillkeeper has no such certification and brings no
signer; this is where one is connected. What is signed are events of a register's own log, each once and in their order: sales,
voids, refunds and closed days. Selling never waits for it: a signature that could not be had is noted, and made up for later.
"""

import msgspec

from tillkeeper.contract.base import Event


class FiscalRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a signer gets: one event, byte for byte. `hash`: SHA-256 in hex, which names all events before it as well.
    `counter`: rises by one with each record of this register, over all its logs."""

    store: str
    register: str
    incarnation: str
    seq: int
    type: str
    business_day: str
    at_ms: int
    body: str
    hash: str
    counter: int


class FiscalSigned(Event, frozen=True):
    """The signature of the record `counter`, which is the event `seq` of log `incarnation`. `late`: it could not be had at
    once, and the failure is in the log too."""

    counter: int
    incarnation: str
    seq: int
    signer: str
    signature: str
    late: bool = False


class FiscalSigningFailed(Event, frozen=True):
    """From this record on nothing is signed until the signer answers again; then all is, in order. Noted once a failure."""

    counter: int
    incarnation: str
    seq: int
    signer: str
    cause: str

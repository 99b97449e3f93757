"""What two registers say to each other about a device that is wired to one of them (docs/devices-wired.md). Pure.

Bodies are JSON of these structs. `work.do` brings an attempt, `work.state` asks after it and speaks for it, `work.status` asks
how the device is.
"""

from typing import Final, Literal, get_args

import msgspec

from tillkeeper.contract.bodies import reader
from tillkeeper.contract.roles import Epoch
from tillkeeper.contract.values import DocumentClass
from tillkeeper_drivers.api import Document, Reason, Status

DO: Final = "work.do"
STATE: Final = "work.state"
STATUS: Final = "work.status"

WORD_S: Final = 3.0
"""So old may the word of the register be whose job it is when the first byte leaves: CLOCK_BOOTTIME of the other one."""
GIVE_UP_S: Final = WORD_S * 1.01 + 1.97
"""So long that register waits for an answer before it goes by its own rules: by then no attempt of it can begin any more,
also where the two clocks differ by one in a hundred."""
MAX_DOCUMENT: Final = 256 * 1024
"""Bytes of one document: a receipt of a thousand lines takes a third of it. An `Ask` carries twice as much."""

How = Literal[
    "accepted",  # durable there, and it has not begun
    "begun",
    "sent",
    "confirmed",
    "unconfirmed",  # bytes left, and nobody confirmed them
    "not_begun",  # no byte left, and none will
    "unknown",  # nothing is known of it there: it may have been done
]


class Do(msgspec.Struct, frozen=True, omit_defaults=True):
    """One attempt. `origin`, `attempt`: as of `spool.model.WiredData`. `epoch`: of the store's roles, as they count at
    the sender. `marked`: the document says of itself that it may be on paper already. `document`: JSON."""

    device: str
    origin: str
    attempt: str
    epoch: Epoch
    document_class: DocumentClass
    document: msgspec.Raw
    marked: bool = False
    training: bool = False


class Ask(msgspec.Struct, frozen=True, omit_defaults=True):
    """After an attempt. `stamp`: of the last answer about it; with it the sender says that it still waits. `recall`: if it has
    not begun it is not to begin any more."""

    device: str
    origin: str
    attempt: str
    stamp: int = 0
    recall: bool = False


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of an attempt so far. `reason`: why it did not begin, or is not confirmed; `detail` in words. `evidence`: as
    in `Delivery.by`. `stamp`: to be said back."""

    how: How
    reason: Reason | None = None
    detail: str = ""
    evidence: str = ""
    stamp: int = 0


class AskStatus(msgspec.Struct, frozen=True):
    device: str


class StatusTold(msgspec.Struct, frozen=True, omit_defaults=True):
    """As the register that drives the device last heard of it; `status` None: not since its start. `refuses`: why it has been
    taking no documents for some time, whatever it says about itself. `open_level`: as `Sensing`."""

    status: Status | None = None
    refuses: Reason | None = None
    open_level: Literal["high", "low", "unknown"] = "unknown"


def reason_of(words: str) -> Reason | None:
    """What a row says of why, where it is one of the reasons that drivers give."""
    return next((reason for reason in get_args(Reason) if reason == words), None)


encode = msgspec.json.Encoder().encode
decode_do = reader(Do)
decode_ask = reader(Ask)
decode_told = reader(Told)
decode_ask_status = reader(AskStatus)
decode_status = reader(StatusTold)
decode_document: "msgspec.json.Decoder[Document]" = msgspec.json.Decoder(Document)

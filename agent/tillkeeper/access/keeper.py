"""The paired devices of the store, durable and as heard from the other registers. A follower of all logs."""

import logging
from collections.abc import Callable, Mapping

import msgspec

from tillkeeper.access import book as books
from tillkeeper.access.book import Book, Device
from tillkeeper.contract.base import Event
from tillkeeper.contract.envelope import Envelope

log = logging.getLogger(__name__)

SETTING = "paired_devices"


class DeviceKeeper:
    """What this register does itself is in a setting of the batch that says it, so that it holds whatever happens next; what
    others did comes by following their logs (`replication/following.py`), and counts from when it is heard.

    Args:
        setting: a durable setting.
        ended: called with the ids of devices that have just ended.
    """

    name = "paired_devices"
    kinds: frozenset[str] | None = books.KINDS

    def __init__(self, setting: Callable[[str], bytes | None], ended: Callable[[frozenset[str]], None]) -> None:
        self._ended = ended
        self.book = Book()
        try:
            self.book = books.decode(setting(SETTING) or b"{}")
        except msgspec.DecodeError as error:
            log.error("which devices are paired can not be read; what the logs say of it is heard again: %s", error)

    def device(self, token: bytes) -> Device | None:
        """Whose token it is."""
        return self.book.of_token(token)

    def settings(self, after: Book) -> Mapping[str, bytes]:
        """For the batch that turns the book into `after`."""
        return {SETTING: books.encode(after)}

    def become(self, after: Book) -> None:
        """What is durable now. What was heard meanwhile stays."""
        before, self.book = self.book, self.book.joined(after)
        if gone := frozenset(before.devices) - frozenset(self.book.devices):
            self._ended(gone)

    # --- what all registers say ---

    def take(self, envelope: Envelope, event: Event) -> None:
        """Also of this register: whatever it knows already is nothing new."""
        self.become(self.book.heard(event, envelope.register, envelope.at_ms))

    def dump(self) -> bytes:
        return books.encode(self.book)

    def load(self, state: bytes) -> None:
        """Raises: msgspec.DecodeError."""
        self.become(books.decode(state))

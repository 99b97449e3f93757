"""The authorisations of this register that are not settled for good, as the journal has them.

Each has a slot: a small setting of its own, written in the batch of the event that changes it. So two that change at a time do
not know of each other, and what is in the slots after a crash is exactly what the events before it say.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import msgspec

from tillkeeper.errors import Refused
from tillkeeper.sales.authorisations import settled_for_good
from tillkeeper.sales.model import Authorisation

log = logging.getLogger(__name__)

SLOTS = 256
"""More unsettled ones at a time are a gateway that is not there: further calls are refused until some are settled."""
SETTING = "authorisation."

_decode = msgspec.json.Decoder(Authorisation).decode
_encode = msgspec.json.Encoder().encode


class Unsettled:
    """`open`: by id, oldest first."""

    def __init__(self, setting: Callable[[str], bytes | None]) -> None:
        self.open: dict[str, Authorisation] = {}
        self._slots: dict[str, int] = {}
        found = []
        for slot in range(SLOTS):
            if stored := setting(f"{SETTING}{slot}"):
                try:
                    found.append((_decode(stored), slot))
                except msgspec.DecodeError as error:
                    log.error("what was asked of a gateway can not be read in slot %d: %s", slot, error)
                    self._slots[f"?{slot}"] = slot
        for one, slot in sorted(found, key=lambda pair: pair[0].asked_at_ms):
            self.open[one.authorisation_id] = one
            self._slots[one.authorisation_id] = slot

    @contextmanager
    def changing(self, changed: Iterable[Authorisation]) -> Iterator[dict[str, bytes]]:
        """Yields the settings for the batch that changes them. It is durable when the block ends; of one that is not, cancelled
        ones too, the new have no slot.

        Raises:
            Refused: `too_many_unsettled`.
        """
        changed = tuple(changed)
        try:
            yield self._settings(changed)
        except BaseException:  # whatever it is, a cancellation too: let go of the slots, then pass it on
            for one in changed:
                if one.authorisation_id not in self.open:
                    self._slots.pop(one.authorisation_id, None)
            raise
        for one in changed:
            if settled_for_good(one):
                self.forget(one.authorisation_id)
            else:
                self.open[one.authorisation_id] = one

    def _settings(self, changed: Iterable[Authorisation]) -> dict[str, bytes]:
        settings: dict[str, bytes] = {}
        for one in changed:
            slot = self._slots.get(one.authorisation_id)
            if slot is None:
                if settled_for_good(one):
                    continue
                slot = self._slots[one.authorisation_id] = self._free(one)
            settings[f"{SETTING}{slot}"] = b"" if settled_for_good(one) else _encode(one)
        return settings

    def let_go(self, name: str) -> dict[str, bytes]:
        """For the batch after which another register sees to it, or nothing is to be done; `forget` follows."""
        return {f"{SETTING}{self._slots[name]}": b""} if name in self._slots else {}

    def forget(self, name: str) -> None:
        self.open.pop(name, None)
        self._slots.pop(name, None)

    def _free(self, one: Authorisation) -> int:
        taken = set(self._slots.values())
        slot = next((slot for slot in range(SLOTS) if slot not in taken), None)
        if slot is None:
            cause = f"{SLOTS} payments wait for their gateways already"
            raise Refused("too_many_unsettled", "authorise", one.tender, cause, "see why no gateway answers")
        return slot

    def of_key(self, key_sha256: str) -> tuple[Authorisation, ...]:
        """Those of one command, in the order in which they were asked."""
        return tuple(sorted((one for one in self.open.values() if one.key_sha256 == key_sha256), key=lambda one: one.index))

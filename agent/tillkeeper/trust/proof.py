"""How a register that joins and the one that admits it prove to each other that they have the same code. Pure.

The code's secret never travels. Each side sends HMAC-SHA256 (RFC 2104) under it, over its role and all that makes this
conversation this one: store, register, the authority's key, the keys of both sides and a number from each. The admitting
side's key is that of the certificate which TLS has checked, so whoever stands in between has another one, and what was heard
once fits no second conversation.
"""

import hashlib
import hmac
from typing import Literal

import msgspec

Side = Literal["joining", "admitting"]
NONCE_BYTES = 16


class Transcript(msgspec.Struct, frozen=True, kw_only=True):
    """Keys in hex. `said`: the admitting side's nonce, `answered`: the other's."""

    store: str
    register: str
    authority: str
    admitting: str
    joining: str
    said: bytes
    answered: bytes

    def text(self, side: Side) -> bytes:
        """Raises ValueError for a line break in a field."""
        fields = (side, self.store, self.register, self.authority, self.admitting, self.joining)
        text = "\n".join(("tillkeeper-join-1", *fields, self.said.hex(), self.answered.hex(), ""))
        if text.count("\n") != len(fields) + 3:
            raise ValueError("a field holds a line break")
        return text.encode()


def prove(secret: bytes, side: Side, transcript: Transcript) -> bytes:
    """32 bytes. Raises ValueError as `Transcript.text`."""
    return hmac.digest(secret, transcript.text(side), hashlib.sha256)


def is_proven(secret: bytes, side: Side, transcript: Transcript, proof: bytes) -> bool:
    """In a time that does not depend on where it differs."""
    return hmac.compare_digest(prove(secret, side, transcript), proof)

"""Signed ends of logs: a hash chain alone does not prove who wrote it. Pure; the cryptography comes in as a callable.

A signature (Ed25519, RFC 8032 section 5.1) stands over bytes that can be written by hand:

    "tillkeeper-head-1\\n" store "\\n" register "\\n" incarnation "\\n" seq "\\n" hash "\\n"

It vouches for the event `seq` and, through the chain, for all before it. Whoever relays a log ends each batch at such a place.
"""

from collections.abc import Callable, Collection

import msgspec

from tillkeeper.contract.chain import ChainBroken, verify
from tillkeeper.contract.envelope import HqBatch, SignedHead

Sign = Callable[[bytes], str]
"""Bytes to sign -> signature in hex."""
Verify = Callable[[str, bytes, str], bool]
"""Public key in hex, bytes, signature in hex -> whether it is that key's. Never raises, whatever it is given."""

UNSIGNED = "unsigned"
BAD_SIGNATURE = "bad_signature"
NOT_COVERED = "not_covered"


class HeadRefused(Exception):
    """The batch can not be taken as it is; `code` is `unsigned`, `bad_signature` or `not_covered`."""

    def __init__(self, code: str, cause: str) -> None:
        super().__init__(cause)
        self.code = code
        self.cause = cause


def head_bytes(store: str, register: str, incarnation: str, seq: int, event_hash: str) -> bytes:
    """What is signed. Raises: ValueError: a field contains a line break, which would make two different heads one."""
    fields = (store, register, incarnation, str(seq), event_hash)
    text = "\n".join(("tillkeeper-head-1", *fields, ""))
    if text.count("\n") != len(fields) + 1:
        raise ValueError("a field of a head contains a line break")
    return text.encode()


def sign_head(store: str, register: str, incarnation: str, seq: int, event_hash: str, key: str, sign: Sign) -> SignedHead:
    """`key`: the public key, in hex, that belongs to `sign`. Raises: ValueError as `head_bytes`."""
    signature = sign(head_bytes(store, register, incarnation, seq, event_hash))
    return SignedHead(store, register, incarnation, seq, event_hash, key, signature)


def is_signed(head: SignedHead, keys: Collection[str], verify_signature: Verify) -> bool:
    """Whether one of `keys` signed it."""
    if head.key not in keys:
        return False
    try:
        signed = head_bytes(head.store, head.register, head.incarnation, head.seq, head.hash)
    except ValueError:
        return False
    return verify_signature(head.key, signed, head.signature)


def check_head(batch: HqBatch, keys: Collection[str], verify_signature: Verify, *, relayed: bool) -> HqBatch:
    """The batch as it may be taken. `keys`: those that the roster has for `batch.register`, also of before it left and came
    again. Where there are none the author's own batches are taken without a signature, and one that nobody can check is
    dropped. `relayed`: whoever sends it is not its author.

    What is relayed must be covered: the chain leads from the signature back to the first event of the batch, and each one's
    content fits. Else a relay could put something else under the hash that the author's event has.

    Raises:
        HeadRefused: no signature where one is needed, or one that does not hold.
    """
    head = batch.head
    if not batch.events:
        return msgspec.structs.replace(batch, head=None) if head is not None else batch
    if head is None or not keys:
        if keys or relayed:
            who = f"register {batch.register[:64]}"
            cause = f"it is not signed, and {who} has a key in this store; if that is lost, {who} has to join the store again"
            raise HeadRefused(UNSIGNED, cause if keys else f"no key of {who} is known")
        return msgspec.structs.replace(batch, head=None) if head is not None else batch
    last = batch.events[-1]
    place = (batch.store, batch.register, batch.incarnation, last.seq, last.hash)
    if (head.store, head.register, head.incarnation, head.seq, head.hash) != place:
        raise HeadRefused(BAD_SIGNATURE, f"its signature is over event {head.seq}, its last event is {last.seq} or another")
    if not is_signed(head, keys, verify_signature):
        raise HeadRefused(BAD_SIGNATURE, f"the signature over event {head.seq} is not by a key of this register")
    if relayed:
        try:
            verify(batch.events, batch.events[0].prev_hash)
        except ChainBroken as broken:
            raise HeadRefused(NOT_COVERED, f"the signature does not cover the batch: {broken}") from broken
    return batch

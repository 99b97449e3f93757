"""What is said where a register joins or recovers, in the frames of the peers' wire: length (u32, big endian), a flag that is 0
here, and one message as MessagePack. The admitting side speaks first."""

import asyncio
import struct
from typing import Annotated

import msgspec
from msgspec import Meta

from tillkeeper.contract.base import Id
from tillkeeper.contract.roster import MAX_ADMITTED, MAX_LEFT, Key, Seq, Signature, Signed

HEADER = struct.Struct(">IB")
MAX_SENT = 1024 * 1024
MAX_ASKED = 64 * 1024
"""What the admitting side reads at most: a few statements."""

MAX_STAFF = 256 * 1024
"""Of a roster of people: more than a thousand of them take."""

MAX_FINALS = 4096
"""Logs of one register that are told of: the newest, as their ids are in the order of time."""

Nonce = Annotated[bytes, Meta(min_length=16, max_length=16)]
Proof = Annotated[bytes, Meta(min_length=32, max_length=32)]
Certificate = Annotated[bytes, Meta(max_length=4096)]
Text = Annotated[str, Meta(max_length=300)]


class Welcome(msgspec.Struct, frozen=True, tag="trust_welcome"):
    """First of all. `authority`: its certificate (DER)."""

    store: Id
    register: Id
    authority: Certificate
    nonce: Nonce


class Ask(msgspec.Struct, frozen=True, tag="trust_ask"):
    """To join. `signature`: over `proof`, by the key that is to be admitted."""

    store: Id
    register: Id
    key: Key
    nonce: Nonce
    proof: Proof
    signature: Signature


class Done(msgspec.Struct, frozen=True, tag="trust_done"):
    """Admitted. `proof`: that the admitting side has the code too. `certificate` (DER), the roster, what PINs are keyed with,
    the beacon key (hex; empty where the admitting side can not read it), the authority's secret where it may admit, and the
    people (`people.roster`; empty where nobody signs in there, and from an older version)."""

    proof: Proof
    certificate: Certificate
    statements: Annotated[tuple[Signed, ...], Meta(max_length=MAX_ADMITTED + MAX_LEFT)]
    store_secret: Annotated[str, Meta(max_length=200)]
    beacon_key: Annotated[str, Meta(max_length=200)] = ""
    authority_secret: Annotated[bytes, Meta(max_length=64)] = b""
    by: Annotated[str, Meta(max_length=300)] = ""
    staff: Annotated[bytes, Meta(max_length=MAX_STAFF)] = b""


class Fetch(msgspec.Struct, frozen=True, tag="trust_fetch"):
    """From whoever has the authority's key and a certificate by it: what is known of the store, and of this register."""

    register: Id


class Told(msgspec.Struct, frozen=True, tag="trust_told"):
    """`finals`: incarnation -> the last event of it that somebody holds, of the register that was asked for. Secrets only for a
    member."""

    statements: Annotated[tuple[Signed, ...], Meta(max_length=MAX_ADMITTED + MAX_LEFT)]
    finals: Annotated[dict[Id, Seq], Meta(max_length=MAX_FINALS)] = {}
    store_secret: Annotated[str, Meta(max_length=200)] = ""
    beacon_key: Annotated[str, Meta(max_length=200)] = ""


class Announce(msgspec.Struct, frozen=True, tag="trust_announce"):
    """New statements; answered by `Told`."""

    statements: Annotated[tuple[Signed, ...], Meta(max_length=64)]
    register: Id


class Refusal(msgspec.Struct, frozen=True, tag="trust_refused", omit_defaults=True):
    """The last message. `code`: one of `trouble.Kind`."""

    code: Annotated[str, Meta(max_length=40)]
    cause: Text = ""
    hint: Text = ""
    tries_left: Annotated[int, Meta(ge=0, le=100)] | None = None


Message = Welcome | Ask | Done | Fetch | Told | Announce | Refusal

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Message)


class Garbled(Exception):
    """These bytes are no message of this conversation."""


class Ended(Garbled):
    """The other side has closed the connection."""


def encode(message: Message) -> bytes:
    """A whole frame."""
    payload = _encoder.encode(message)
    return HEADER.pack(len(payload), 0) + payload


def decode(payload: bytes) -> Message:
    """Raises `Garbled`."""
    try:
        message: Message = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Garbled(str(error)[:200]) from error
    return message


async def receive(reader: asyncio.StreamReader, at_most: int) -> Message:
    """The next message. Waits for as long as the caller lets it.

    Raises:
        Garbled: it is none, or larger than `at_most` bytes; `Ended` where the connection was closed.
        OSError: the connection broke.
    """
    try:
        length, flag = HEADER.unpack(await reader.readexactly(HEADER.size))
        if flag or not 0 < length <= at_most:
            raise Garbled(f"a frame of {length} bytes, flag {flag}")
        return decode(await reader.readexactly(length))
    except asyncio.IncompleteReadError as error:
        raise Ended("the connection ended") from error

"""What registers of a store say to each other, and its bytes. Pure.

A frame is a length (unsigned, 32 bits, big endian: bytes of the payload), a flag (0 plain, 1 deflated, RFC 1950) and the
payload: one message as a MessagePack map whose key `type` names it. A message of an unknown type is passed over and unknown
fields are ignored, so that a newer register can talk to an older one.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from tillkeeper.contract.envelope import HqAnswer, HqBatch
from tillkeeper.contract.roster import Signed
from tillkeeper.contract.values import MAX_NAME
from tillkeeper.replication.model import Mark

PROTOCOL: Final = 1
OLDEST: Final = 1
"""The oldest protocol that this agent still speaks."""
HEADER = struct.Struct(">IB")
MAX_FRAME = 1024 * 1024
MAX_UNPACKED = 8 * 1024 * 1024
MAX_MARKS = 500
"""In one message: each takes about 500 bytes, and more where names are long."""
MAX_WORD = 4 * MAX_NAME
"""Characters of any name, hash or signature: what is remembered of a register or said back to it has a bound."""
PLAIN, DEFLATED = 0, 1
_WORTH_PACKING = 1_024


class Hello(msgspec.Struct, frozen=True, tag="hello", omit_defaults=True):
    """The first message of either side. `protocol`, `oldest`: the newest and oldest that the sender speaks. `session`: made
    anew at each start of the agent. `incarnation`: of the log that the sender writes. `marks`: what it has and holds.
    `asks_only`: the sender wants to know the marks and will push nothing. `roster_digest`: of its roster. `admission`: by which
    statements the sender is a member, for one that has not heard of it yet. `adoptions`: what the sender's log says of jobs of
    the receiver that it has adopted while that was away (`adopted.py`). `lost`: the newest events of the receiver's logs
    that it says it does not have (`lost.py`)."""

    store: str
    register: str
    incarnation: str
    session: str
    version: str
    protocol: int = PROTOCOL
    oldest: int = OLDEST
    marks: tuple[Mark, ...] = ()
    roster_digest: str = ""
    admission: tuple[Signed, ...] = ()
    asks_only: bool = False
    adoptions: tuple[HqBatch, ...] = ()
    hq: bool = False
    heard: tuple[str, ...] = ()
    lost: tuple[HqBatch, ...] = ()


class Push(msgspec.Struct, frozen=True, tag="push", omit_defaults=True):
    """Events, as HQ gets them; answered by `Answer`."""

    batch: HqBatch


class Answer(msgspec.Struct, frozen=True, tag="answer", omit_defaults=True):
    """To the oldest `Push` that is not answered yet. `refused`: the batch as a whole was not taken, in words; then `answer`
    means nothing."""

    register: str
    incarnation: str
    answer: HqAnswer
    refused: str = ""


class Roster(msgspec.Struct, frozen=True, tag="roster", omit_defaults=True):
    """Statements of the store's roster; whoever gets them adds what it does not know and can verify."""

    statements: tuple[Signed, ...]
    digest: str = ""


class Beat(msgspec.Struct, frozen=True, tag="beat", omit_defaults=True):
    """Once a second. `marks`: those that changed. `hq`: whether the sender reaches HQ. `heard`: the registers that it hears.
    `roster_digest`: as in `Hello`."""

    marks: tuple[Mark, ...] = ()
    hq: bool = False
    heard: tuple[str, ...] = ()
    roster_digest: str = ""


class Rival(msgspec.Struct, frozen=True, tag="rival", omit_defaults=True):
    """To the first of two live sessions of one register: another machine that says it is you was refused."""

    session: str
    address: str = ""


class Ask(msgspec.Struct, frozen=True, tag="ask", omit_defaults=True):
    """A question of one room to the same room of the other register; `n` is the sender's own count of its questions. `body`: as
    the room has it. Answered by `Said` with the same `n`, in whatever order."""

    n: int
    topic: str
    body: bytes = b""


class Said(msgspec.Struct, frozen=True, tag="said", omit_defaults=True):
    """The answer to an `Ask`. `code`: why there is none (`unknown_topic`, `busy`, or the room's own), with words in `detail`
    and `hint`; empty: `body` is it."""

    n: int
    body: bytes = b""
    code: str = ""
    detail: str = ""
    hint: str = ""


class Refused(msgspec.Struct, frozen=True, tag="refused", omit_defaults=True):
    """The last message: why the sender closes."""

    code: str
    detail: str = ""
    hint: str = ""


Message = Hello | Push | Answer | Roster | Beat | Rival | Ask | Said | Refused
_TAGS = frozenset(str(kind.__struct_config__.tag) for kind in (Hello, Push, Answer, Roster, Beat, Rival, Ask, Said, Refused))


class _Tagged(msgspec.Struct):
    type: str


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)
_tag_decoder = msgspec.msgpack.Decoder(_Tagged)


class Malformed(Exception):
    """These bytes are no frame of ours: the sender is told nothing, the connection is closed."""


def encode(message: Message) -> bytes:
    """The whole frame. Raises: Malformed: it would be larger than a frame may be."""
    payload, flag = _encoder.encode(message), PLAIN
    if len(payload) > MAX_UNPACKED:
        raise Malformed(f"{len(payload)} bytes are more than a message may have")
    if len(payload) >= _WORTH_PACKING:
        packed = zlib.compress(payload, 1)
        if len(packed) < len(payload):
            payload, flag = packed, DEFLATED
    if len(payload) > MAX_FRAME:
        raise Malformed(f"{len(payload)} bytes are more than a frame may have")
    return HEADER.pack(len(payload), flag) + payload


def frame_length(header: bytes) -> tuple[int, int]:
    """(bytes of the payload, flag) of the five bytes that a frame begins with. Raises: Malformed."""
    length, flag = HEADER.unpack(header)
    if not 0 < length <= MAX_FRAME:
        raise Malformed(f"a frame of {length} bytes")
    if flag not in (PLAIN, DEFLATED):
        raise Malformed(f"flag {flag} is not known")
    return length, flag


def decode(flag: int, payload: bytes) -> Message | None:
    """The message, None where its type is unknown. Raises: Malformed."""
    if flag == DEFLATED:
        payload = _unpacked(payload)
    try:
        message = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        try:
            tag = _tag_decoder.decode(payload).type
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Malformed(str(error)) from None
        if tag in _TAGS:
            raise Malformed(f"{tag}: {error}") from error
        return None
    if isinstance(message, (Hello, Beat)) and len(message.marks) > MAX_MARKS:
        raise Malformed(f"{len(message.marks)} marks in one message")
    if any(len(word) > MAX_WORD for word in _words(message)):
        raise Malformed(f"a name of more than {MAX_WORD} characters")
    return message


def _words(message: Message) -> Iterator[str]:
    """What is kept for as long as a register is known, or goes back to it."""
    match message:
        case Hello(store, register, incarnation, session, version):
            yield from (store, register, incarnation, session, version)
            yield from message.heard
            yield from _words_of_marks(message.marks)
        case Push(batch):
            yield from (batch.store, batch.register, batch.incarnation)
        case Beat(marks):
            yield from message.heard
            yield from _words_of_marks(marks)
        case Ask(topic=topic):
            yield topic
        case Said(code=code, detail=detail, hint=hint):
            yield from (code, detail, hint)


def _words_of_marks(marks: Iterable[Mark]) -> Iterator[str]:
    for mark in marks:
        yield from (mark.register, mark.incarnation, mark.hash, mark.breaks)
        if (head := mark.head) is not None:
            yield from (head.store, head.register, head.incarnation, head.hash, head.key, head.signature)


def _unpacked(payload: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(payload, MAX_UNPACKED)
    except zlib.error as error:
        raise Malformed(str(error)) from error
    if not unpacker.eof or unpacker.unused_data:
        raise Malformed(f"not whole within {MAX_UNPACKED} bytes, or more than one")
    return found


def speaks(hello: Hello) -> int:
    """The protocol that both sides speak, 0 for none."""
    newest = min(hello.protocol, PROTOCOL)
    return newest if newest >= max(hello.oldest, OLDEST) else 0

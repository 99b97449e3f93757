"""Questions to a resolver over UDP, and their answers (RFC 1035). Pure; strictly bounded, whatever comes."""

import struct
from typing import Literal

import msgspec

from tillkeeper.network.addresses import ipv4_text, ipv6_text

Record = Literal["A", "AAAA", "NS"]
MOST_RECORDS = 64
"""Of an answer that are looked at; more make it not whole."""
_TYPES: dict[Record, int] = {"A": 1, "AAAA": 28, "NS": 2}
_CNAME, _IN = 5, 1
_HEADER = struct.Struct("!6H")
_QUESTION = struct.Struct("!HH")
_RECORD = struct.Struct("!HHIH")
_RESPONSE, _AUTHORITATIVE, _TRUNCATED, _RECURSION_DESIRED, _RECURSION = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080
_OPCODE = 0x7800
_POINTER = 0xC0
_MOST_NAME, _MOST_LABEL = 255, 63
_MOST_STEPS = 192
"""Labels and pointers of one name: a name of 127 labels, and more pointers than any server writes."""


class Response(msgspec.Struct, frozen=True):
    """`code`: 0 no error, 2 server failure, 3 no such name, 5 refused (RFC 1035, 4.1.1). `addresses`: of the name and of what
    it is an alias for, in the order of the answer, none twice. `whole`: not cut and not garbled. `recursion`: it offers to
    ask others. `records`: how many answers it counts."""

    code: int
    addresses: tuple[str, ...]
    whole: bool
    recursion: bool
    authoritative: bool
    records: int


def query(identifier: int, name: str, record: Record = "A") -> bytes:
    """One question with recursion desired (RFC 1035, 4.1). `name`: ASCII (IDNs in their xn-- form); "" and "." are the root.
    Raises ValueError for a name or an identifier that does not fit."""
    if not 0 <= identifier <= 0xFFFF:
        raise ValueError(f"an identifier has 16 bits: {identifier}")
    return _HEADER.pack(identifier, _RECURSION_DESIRED, 1, 0, 0, 0) + _encoded(name) + _QUESTION.pack(_TYPES[record], _IN)


def _encoded(name: str) -> bytes:
    try:
        labels = [label.encode("ascii") for label in name.rstrip(".").split(".")] if name.strip(".") else []
    except UnicodeEncodeError:
        raise ValueError(f"a name is ASCII on the wire: {name!r}") from None
    if not all(0 < len(label) <= _MOST_LABEL for label in labels):
        raise ValueError(f"a label has 1 to {_MOST_LABEL} bytes: {name!r}")
    data = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    if len(data) > _MOST_NAME:
        raise ValueError(f"a name has at most {_MOST_NAME} bytes: {name!r}")
    return data


def parse(data: bytes, identifier: int, name: str, record: Record) -> Response | None:
    """The answer to `query(identifier, name, record)`. None where it is no response, has another identifier or another
    question (RFC 5452, 9.1: both must match, as well as address and port, which the caller's socket sees to). What is wrong
    after the question makes it not `whole`. An error may come without the question (some servers answer FORMERR so). Takes at
    most `MOST_RECORDS` records; names may only point backwards, so nothing loops (RFC 1035, 4.1.4)."""
    if len(data) < _HEADER.size:
        return None
    found, flags, questions, answers, _, _ = _HEADER.unpack_from(data)
    code = flags & 0x000F
    if found != identifier or not flags & _RESPONSE or flags & _OPCODE:
        return None
    recursion, authoritative = bool(flags & _RECURSION), bool(flags & _AUTHORITATIVE)
    if questions == 0 and code and len(data) == _HEADER.size:
        return Response(code, (), True, recursion, authoritative, 0)
    question = _name(data, _HEADER.size)
    if questions != 1 or question is None or len(data) < question[1] + _QUESTION.size:
        return None
    asked, at = question
    if asked != _encoded(name).lower() or _QUESTION.unpack_from(data, at) != (_TYPES[record], _IN):
        return None
    addresses, complete = _addresses(data, at + _QUESTION.size, answers, asked, _TYPES[record])
    whole = complete and not flags & _TRUNCATED
    return Response(code, addresses, whole, recursion, authoritative, answers)


def _addresses(data: bytes, at: int, answers: int, asked: bytes, wanted: int) -> tuple[tuple[str, ...], bool]:
    """Addresses of `asked` and its aliases, and whether all answers could be read. Aliases come before what they stand for,
    as every resolver orders them (RFC 1034, 4.3.2)."""
    names = {asked}
    found: dict[str, None] = {}
    for _ in range(min(answers, MOST_RECORDS)):
        owner = _name(data, at)
        if owner is None or len(data) < owner[1] + _RECORD.size:
            return tuple(found), False
        kind, network, _, size = _RECORD.unpack_from(data, owner[1])
        start = owner[1] + _RECORD.size
        at = start + size
        if at > len(data):
            return tuple(found), False
        if network != _IN or owner[0] not in names:
            continue
        if kind == _CNAME:
            alias = _name(data, start)
            if alias is None or alias[1] != at:
                return tuple(found), False
            names.add(alias[0])
        elif kind == wanted and (kind, size) == (1, 4):
            found[ipv4_text(data[start:at])] = None
        elif kind == wanted and (kind, size) == (28, 16):
            found[ipv6_text(data[start:at])] = None
        elif kind == wanted != _TYPES["NS"]:
            return tuple(found), False
    return tuple(found), answers <= MOST_RECORDS


def _name(data: bytes, at: int) -> tuple[bytes, int] | None:
    """The name at `at`, lower case in its uncompressed form, and where it ends. Each pointer must lead to before all that
    was read of this name so far."""
    parts: list[bytes] = []
    size, end, earliest = 1, 0, at
    for _ in range(_MOST_STEPS):
        if at >= len(data):
            return None
        length = data[at]
        if length == 0:
            return b"".join(parts) + b"\0", end or at + 1
        if length & _POINTER == _POINTER:
            if at + 2 > len(data):
                return None
            end = end or at + 2
            at = int.from_bytes(data[at : at + 2], "big") & 0x3FFF
            if at >= earliest:
                return None
            earliest = at
            continue
        size += length + 1
        if length > _MOST_LABEL or size > _MOST_NAME or at + 1 + length > len(data):
            return None
        parts.append(data[at : at + 1 + length].lower())
        at += 1 + length
    return None

"""One question to the multicast group of mDNS, and what printers answer. Pure.

RFC 6762 5.1 and 6.7: a question from another port than 5353 is a one-shot legacy query, answered by unicast to that port.
RFC 6763: services; the TXT keys of printers ("ty", "usb_MFG", "usb_MDL", "product") are from Apple's Bonjour Printing
Specification 1.2.1, 9. Message format and name compression: RFC 1035, 4.1.
"""

import struct
from collections.abc import Iterator

import msgspec

GROUP, PORT = "224.0.0.251", 5353
SERVICES: dict[str, int] = {"_pdl-datastream._tcp.local": 9100, "_printer._tcp.local": 515, "_ipp._tcp.local": 631}
"""What is asked for, best first: raw printing, LPD, IPP."""
MAX_ANSWER = 9000
"""RFC 6762, 17."""

_HEADER = struct.Struct(">HHHHHH")
_FIXED = struct.Struct(">HHIH")
_A, _PTR, _TXT, _AAAA, _SRV, _IN = 1, 12, 16, 28, 33, 1
_MOST_RECORDS, _MOST_TEXTS = 256, 64
_MOST_NAME = 255
"""Bytes of a name (RFC 1035, 2.3.4)."""
_MOST_STEPS = 4096
"""Labels and pointers in all names of a message: names are short, and pointers let a small message say the longest of them
again and again."""
_ANSWER = 0x8000


class Service(msgspec.Struct, frozen=True):
    """`name`: of the instance ("EPSON TM-m30"); `kind`: one of `SERVICES`. `port` is the kind's own where none was said."""

    name: str
    kind: str
    port: int
    maker: str = ""
    model: str = ""


class _Record(msgspec.Struct, frozen=True):
    name: str
    kind: int
    at: int
    size: int


def query(identifier: int = 0) -> bytes:
    """One message that asks for all `SERVICES`."""
    questions = b"".join(_name(name) + struct.pack(">HH", _PTR, _IN) for name in SERVICES)
    return _HEADER.pack(identifier, 0, len(SERVICES), 0, 0, 0) + questions


def parse(data: bytes) -> tuple[Service, ...]:
    """The printing services of an answer, raw printing first; none where it is no answer, or one of other things."""
    if not _HEADER.size <= len(data) <= MAX_ANSWER:
        return ()
    _identifier, flags, questions, *counts = _HEADER.unpack_from(data)
    if not flags & _ANSWER:
        return ()
    names = _Names(data)
    try:
        records = list(_records(data, names, questions, min(sum(counts), _MOST_RECORDS)))
        return tuple(_services(data, names, records))
    except (IndexError, ValueError, struct.error):  # cut short, or a name that leads in circles
        return ()


def _services(data: bytes, names: "_Names", records: list[_Record]) -> Iterator[Service]:
    ports = {
        record.name.lower(): struct.unpack_from(">H", data, record.at + 4)[0] for record in records if record.kind == _SRV
    }
    texts = {record.name.lower(): _texts(data, record) for record in records if record.kind == _TXT}
    for kind, usual in SERVICES.items():
        for record in records:
            if record.kind == _PTR and record.name.lower() == kind:
                instance = names.read(record.at)[0]
                keys = texts.get(instance.lower(), {})
                maker, model = keys.get("usb_mfg", ""), keys.get("usb_mdl", "")
                model = model or keys.get("ty", "") or keys.get("product", "").strip("()")
                title = instance[: -len(kind) - 1] if instance.lower().endswith("." + kind) else instance
                yield Service(title, kind, ports.get(instance.lower()) or usual, maker, model)


def _records(data: bytes, names: "_Names", questions: int, count: int) -> Iterator[_Record]:
    at = _HEADER.size
    for _ in range(min(questions, _MOST_RECORDS)):
        at = names.read(at)[1] + 4
    for _ in range(count):
        if at >= len(data):
            return
        name, at = names.read(at)
        kind, _class, _ttl, size = _FIXED.unpack_from(data, at)
        at += _FIXED.size
        if at + size > len(data):
            raise ValueError("cut short")
        yield _Record(name, kind, at, size)
        at += size


def _texts(data: bytes, record: _Record) -> dict[str, str]:
    """Keys in small letters; the first of each counts (RFC 6763, 6.4)."""
    found: dict[str, str] = {}
    at, end = record.at, record.at + record.size
    for _ in range(_MOST_TEXTS):
        if at >= end:
            break
        size = data[at]
        key, _, value = data[at + 1 : min(end, at + 1 + size)].partition(b"=")
        found.setdefault(_clean(key).lower(), _clean(value))
        at += 1 + size
    return found


class _Names:
    """The names of one message (RFC 1035, 4.1.4)."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = _MOST_STEPS

    def read(self, at: int) -> tuple[str, int]:
        """The name at `at`, and where what follows it begins. Raises ValueError for one that is too long, or never ends."""
        data, labels, length, after = self._data, list[str](), 0, -1
        while self._left > 0:
            self._left -= 1
            size = data[at]
            if size == 0:
                return ".".join(labels), at + 1 if after < 0 else after
            if size & 0xC0 == 0xC0:
                after = at + 2 if after < 0 else after
                at = (size & 0x3F) << 8 | data[at + 1]
                continue
            length += 1 + size
            if size & 0xC0 or length > _MOST_NAME:
                raise ValueError("a label of a kind that is not used, or a name that is too long")
            labels.append(_clean(data[at + 1 : at + 1 + size]))
            at += 1 + size
        raise ValueError("names without an end")


def _name(text: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def _clean(data: bytes) -> str:
    return "".join(character for character in data.decode("utf-8", "replace") if character.isprintable())

"""The beginning of a TLS 1.2 handshake (RFC 5246), as far as it is in the clear: hello out, certificate or alert in. Pure.

The prober only wants to know whether HQ's endpoint answers, and not somebody else in its place. Version 1.2 is offered because
its certificate comes unencrypted, so neither cryptography nor the 6 MiB of the ssl module are needed; a server that only speaks
1.3 refuses with an alert, which is an answer too. Nothing is ever sent over such a connection: whom to trust is checked by the
agent, with a real handshake.
"""

import datetime
import ipaddress
from collections.abc import Iterator

import msgspec

from tillkeeper.network.model import Answer

MAX_BYTES = 64 * 1024
"""Of an answer; certificate chains have 3 to 8 KiB."""
RANDOM_BYTES = 32
MOST_NAMES = 512
_HANDSHAKE, _ALERT = 22, 21
_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE, _SERVER_DONE = 1, 2, 11, 14
_MAX_RECORD = (1 << 14) + 2048
UNRECOGNIZED_NAME = 112
_CIPHERS = bytes.fromhex("c02bc02fc02cc030cca9cca8c009c013c00ac014009c009d002f003500ff")
"""ECDHE and RSA with AES-GCM, ChaCha20 and AES-CBC (RFC 5289, 7905, 8422), and the renegotiation signal (RFC 5746)."""
_SUBJECT_ALT_NAME = b"\x55\x1d\x11"
_UTC = datetime.UTC


class Seen(msgspec.Struct, frozen=True):
    """What the other end showed. `speaks`: it is TLS at all. `alert`: its description (RFC 8446, 6), or None. `names`,
    `addresses`: of the certificate (RFC 5280, 4.2.1.6); `begins_s`, `ends_s`: its validity, seconds of Unix time, or None."""

    speaks: bool
    alert: int | None = None
    names: tuple[str, ...] = ()
    addresses: tuple[bytes, ...] = ()
    begins_s: float | None = None
    ends_s: float | None = None
    certificate: bool = False


def client_hello(host: str, chance: bytes) -> bytes:
    """`chance`: `RANDOM_BYTES` of it. The host's name goes along (RFC 6066, 3) unless it is an address."""
    extensions = _extension(10, bytes.fromhex("0006001d00170018")) + _extension(11, b"\1\0")
    extensions += _extension(13, bytes.fromhex("001004030503060308040805080604010501")) + _extension(23, b"")
    if not _packed(host):
        name = host.encode("ascii")
        extensions += _extension(0, _sized(b"\0" + _sized(name, 2), 2))
    body = b"\3\3" + chance[:RANDOM_BYTES] + b"\0" + _sized(_CIPHERS, 2) + b"\1\0" + _sized(extensions, 2)
    return b"\x16\3\1" + _sized(bytes((_CLIENT_HELLO,)) + _sized(body, 3), 2)


def parse(data: bytes) -> Seen | None:
    """What `data`, the beginning of the answer, shows; None: more has to be read first."""
    at, flight = 0, b""
    while len(data) - at >= 5:
        kind, size = data[at], int.from_bytes(data[at + 3 : at + 5], "big")
        if kind not in (_HANDSHAKE, _ALERT) or data[at + 1] != 3 or not 0 < size <= _MAX_RECORD:
            return Seen(bool(at))
        record = data[at + 5 : at + 5 + size]
        if kind == _ALERT and len(record) >= 2:
            return Seen(True, alert=record[1])
        flight += record
        if len(record) < size:
            break
        at += 5 + size
    if data[:1] and (data[0] not in (_HANDSHAKE, _ALERT) or data[1:2] not in (b"", b"\3")):
        return Seen(False)
    return _shown(flight)


def meaning(seen: Seen, host: str, now_s: float) -> tuple[Answer, str]:
    """The answer, and why it is wrong where it is. `now_s`: own wall clock, seconds of Unix time."""
    if not seen.speaks:
        return "wrong", "no TLS"
    if seen.alert is not None:
        return ("wrong", "it does not know this name") if seen.alert == UNRECOGNIZED_NAME else ("reply", "")
    if not seen.certificate:
        return "reply", ""
    if not _fits(seen, host):
        return "wrong", f"certificate of {', '.join(seen.names[:3]) or 'nobody'}"
    if seen.ends_s is not None and now_s > seen.ends_s:
        return "wrong", "certificate has expired"
    if seen.begins_s is not None and now_s < seen.begins_s:
        return "wrong", "certificate is not yet valid"
    return "reply", ""


def _extension(kind: int, body: bytes) -> bytes:
    return kind.to_bytes(2, "big") + _sized(body, 2)


def _sized(body: bytes, size: int) -> bytes:
    return len(body).to_bytes(size, "big") + body


def _shown(flight: bytes) -> Seen | None:
    """The handshake messages, whole or not."""
    at = 0
    while len(flight) - at >= 4:
        kind, size = flight[at], int.from_bytes(flight[at + 1 : at + 4], "big")
        if (at == 0) != (kind == _SERVER_HELLO) or size > MAX_BYTES:
            return Seen(False)
        if len(flight) - at - 4 < size:
            return None
        body = flight[at + 4 : at + 4 + size]
        if kind == _CERTIFICATE:
            first = int.from_bytes(body[3:6], "big")
            return _certificate(body[6 : 6 + first])
        if kind == _SERVER_DONE:
            return Seen(True)
        at += 4 + size
    return None


# --- certificates (RFC 5280, X.690) ---


def _certificate(der: bytes) -> Seen:
    begins_s = ends_s = None
    names: list[str] = []
    addresses: list[bytes] = []
    outer = next(_items(der, 0, len(der)), None)
    inner = next(_items(der, *outer[1:]), None) if outer is not None else None
    parts = list(_items(der, *inner[1:])) if inner is not None else []
    # [0] version, serial, algorithm, issuer, validity, subject, key, ... [3] extensions
    rest = parts[1:] if parts and parts[0][0] == 0xA0 else parts
    if len(rest) > 3 and rest[3][0] == 0x30:
        times = [_time_s(tag, der[start:end]) for tag, start, end in _items(der, *rest[3][1:])]
        if len(times) == 2:
            begins_s, ends_s = times
    for tag, value in _alternative_names(der, rest):
        if tag == 0x82 and value.isascii():
            names.append(value.decode("ascii").lower())
        elif tag == 0x87:
            addresses.append(value)
    return Seen(
        True, names=tuple(names[:MOST_NAMES]), addresses=tuple(addresses[:MOST_NAMES]), begins_s=begins_s, ends_s=ends_s,
        certificate=True,
    )  # fmt: skip


def _alternative_names(der: bytes, parts: list[tuple[int, int, int]]) -> Iterator[tuple[int, bytes]]:
    holder = next((part for part in parts if part[0] == 0xA3), None)
    extensions = next(_items(der, *holder[1:]), None) if holder is not None else None
    for _, start, end in _items(der, *extensions[1:]) if extensions is not None else ():
        fields = list(_items(der, start, end))
        if len(fields) >= 2 and der[fields[0][1] : fields[0][2]] == _SUBJECT_ALT_NAME:
            for _, inner, until in _items(der, *fields[-1][1:]):
                yield from ((tag, der[at:stop]) for tag, at, stop in _items(der, inner, until))
            return


def _items(der: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(tag, start, end) of the values side by side between `at` and `end`; ends at the first whose length lies."""
    while end - at >= 2:
        tag, size = der[at], der[at + 1]
        at += 2
        if size & 0x80:
            count = size & 0x7F
            if not 1 <= count <= 3 or end - at < count:
                return
            size = int.from_bytes(der[at : at + count], "big")
            at += count
        if size > end - at:
            return
        yield tag, at, at + size
        at += size


def _time_s(tag: int, text: bytes) -> float | None:
    """UTCTime (two digits of the year: 1950 to 2049) or GeneralizedTime, both in UTC (RFC 5280, 4.1.2.5)."""
    digits = text[:-1].decode("ascii", "replace")
    if tag == 0x17 and len(digits) == 12:
        digits = ("19" if digits >= "50" else "20") + digits
    if len(digits) != 14 or not digits.isascii() or not digits.isdigit() or text[-1:] != b"Z":
        return None
    month, day, hour, minute, second = (int(digits[start : start + 2]) for start in range(4, 14, 2))
    try:
        return datetime.datetime(int(digits[:4]), month, day, hour, minute, second, tzinfo=_UTC).timestamp()
    except ValueError:
        return None


def _fits(seen: Seen, host: str) -> bool:
    """RFC 9525, 6.3: a star stands for exactly the first label."""
    packed = _packed(host)
    if packed:
        return packed in seen.addresses
    host = host.lower().rstrip(".")
    return any(name == host or (name.startswith("*.") and name[1:] == host[host.find(".") :]) for name in seen.names)


def _packed(host: str) -> bytes:
    try:
        return ipaddress.ip_address(host).packed
    except ValueError:
        return b""

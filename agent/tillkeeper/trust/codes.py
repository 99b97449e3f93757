"""Codes that people read, print and type: join codes and recovery codes. Pure.

Crockford's base 32 in groups of five: four digits and a check digit. The check digit finds every wrong digit and every two
neighbours that changed places, and says in which group; the last group ends in a digest of the whole. Letters that look like
digits are taken for them, small letters for large ones; dashes and spaces do not count.
"""

import hashlib
import ipaddress
from collections.abc import Callable

import msgspec

from tillkeeper.trust.trouble import TrustTrouble

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
FINGERPRINT_BYTES, SECRET_BYTES, RECOVERY_BYTES = 12, 6, 16
DEFAULT_PORT = 7468
MAX_HOST = 64
MAX_TEXT = 400

_VALUE = {digit: at for at, digit in enumerate(DIGITS)} | {"O": 0, "I": 1, "L": 1}
_GROUP_BITS = 20
_LEAST_CHECK_BITS = 12
_HEAD = 1 + FINGERPRINT_BYTES + SECRET_BYTES
_IPV4, _IPV4_PORT, _IPV6, _NAME = 0, 1, 2, 3


class JoinCode(msgspec.Struct, frozen=True):
    """Where to join, whom to believe there, and what to prove. `fingerprint`: `certificates.fingerprint` of the authority."""

    fingerprint: bytes
    secret: bytes
    host: str
    port: int


def join_code(code: JoinCode) -> str:
    """Raises ValueError for a host name that is none or longer than 64 characters."""
    port = code.port.to_bytes(2, "big")
    try:
        address = ipaddress.ip_address(code.host)
    except ValueError:
        name = code.host.encode("ascii")
        if not 0 < len(name) <= MAX_HOST or not _is_name(code.host):
            raise ValueError(f"{code.host!r} is no host") from None
        kind, where = _NAME, bytes((len(name),)) + name + port
    else:
        kind, where = _IPV6, address.packed + port
        if address.version == 4:
            kind, where = (_IPV4, address.packed) if code.port == DEFAULT_PORT else (_IPV4_PORT, address.packed + port)
    return _written("join", bytes((kind,)) + code.fingerprint + code.secret + where)


def read_join_code(text: str) -> JoinCode:
    """Raises `TrustTrouble` (mistyped_code): nobody was asked, and it counts as no try."""
    payload = _read("join", text, _join_bytes)
    kind, where = payload[0], payload[_HEAD:]
    port = DEFAULT_PORT if kind == _IPV4 else int.from_bytes(where[-2:], "big")
    try:
        host = (
            where[1:-2].decode("ascii") if kind == _NAME else str(ipaddress.ip_address(where if kind == _IPV4 else where[:-2]))
        )
    except ValueError:
        raise _mistyped("join", "it leads nowhere") from None
    if not port or (kind == _NAME and not _is_name(host)):
        raise _mistyped("join", "it leads nowhere")
    return JoinCode(payload[1 : 1 + FINGERPRINT_BYTES], payload[1 + FINGERPRINT_BYTES : _HEAD], host, port)


def recovery_code(secret: bytes) -> str:
    """`secret`: `keys.RECOVERY_BYTES` bytes."""
    return _written("recovery", secret)


def read_recovery_code(text: str) -> bytes:
    """Raises `TrustTrouble` (mistyped_code)."""
    return _read("recovery", text, lambda _start: RECOVERY_BYTES)


def _is_name(host: str) -> bool:
    return all(character.isascii() and (character.isalnum() or character in ".-_") for character in host)


def _join_bytes(start: bytes) -> int:
    """How long the payload is that begins so; 0 where it is none."""
    if not start or len(start) <= _HEAD:
        return 0
    lengths = {_IPV4: 4, _IPV4_PORT: 6, _IPV6: 18, _NAME: start[_HEAD] + 3}
    return _HEAD + lengths[start[0]] if start[0] in lengths else 0


# --- digits ---


def _written(kind: str, payload: bytes) -> str:
    size = 8 * len(payload)
    groups = -(-(size + _LEAST_CHECK_BITS) // _GROUP_BITS)
    rest = groups * _GROUP_BITS - size
    number = int.from_bytes(payload, "big") << rest | _digest(kind, payload, rest)
    words = []
    for at in range(groups):
        bits = number >> (groups - 1 - at) * _GROUP_BITS
        values = [bits >> shift & 31 for shift in (15, 10, 5, 0)]
        words.append("".join(DIGITS[value] for value in (*values, _check(at, values))))
    return "-".join(words)


def _read(kind: str, text: str, length: Callable[[bytes], int]) -> bytes:
    plain = [character for character in text.upper()[:MAX_TEXT] if character not in "- \t\r\n"]
    unknown = [character for character in plain if character not in _VALUE]
    if unknown:
        raise _mistyped(kind, f"{unknown[0]!r} is in no code")
    groups = [[_VALUE[character] for character in plain[at : at + 5]] for at in range(0, len(plain), 5)]
    wrong = [str(at + 1) for at, group in enumerate(groups) if len(group) == 5 and _check(at, group[:4]) != group[4]]
    if wrong:
        several = f"groups {', '.join(wrong[:-1])} and {wrong[-1]} are" if len(wrong) > 1 else f"group {wrong[0]} is"
        raise _mistyped(kind, f"{several} mistyped")
    if not groups or len(groups[-1]) != 5:
        raise _mistyped(kind, "something is missing at its end" if groups else "it is empty")
    number = 0
    for group in groups:
        for value in group[:4]:
            number = number << 5 | value
    size = len(groups) * _GROUP_BITS
    start = (number >> size % 8).to_bytes(size // 8, "big")
    payload = start[: length(start)]
    rest = size - 8 * len(payload)
    fits = payload and len(payload) == length(start) and _LEAST_CHECK_BITS <= rest < _LEAST_CHECK_BITS + _GROUP_BITS
    if not fits or number & ((1 << rest) - 1) != _digest(kind, payload, rest):
        raise _mistyped(kind, f"it is no {kind} code, or some of it is missing")
    return payload


def _digest(kind: str, payload: bytes, bits: int) -> int:
    return int.from_bytes(hashlib.sha256(kind.encode() + b"\n" + payload).digest()[:4], "big") >> 32 - bits


def _check(place: int, values: list[int]) -> int:
    """Over GF(32): each digit times another power of 2, and the place of the group."""
    check, weight = 0, 1
    for value in (*values, place & 31):
        weight = _times(weight, 2)
        check ^= _times(value, weight)
    return check


def _times(a: int, b: int) -> int:
    """In GF(2^5) modulo x^5 + x^2 + 1."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 32:
            a ^= 0b100101
        b >>= 1
    return product


def _mistyped(kind: str, cause: str) -> TrustTrouble:
    return TrustTrouble("mistyped_code", "read", f"{kind} code", cause, "compare it group by group; it was used for nothing")

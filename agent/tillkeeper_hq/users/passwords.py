"""Passwords: scrypt (RFC 7914) with a salt each. A password is never stored, logged or put into an error."""

import base64
import binascii
import hashlib
import hmac
import unicodedata

from tillkeeper_hq.users.model import UserRefused

LEAST, MOST = 12, 256
"""Characters."""
SALT_BYTES = 16
_LOG_N, _R, _P = 15, 8, 1
"""Costs: 32 MiB and about 90 ms on the build machine."""
_MOST_LOG_N = 18
_MEMORY = 2 * 128 * _R * 2**_MOST_LOG_N


def check(password: str, name: str) -> None:
    """Raises UserRefused: too short, too long, or the user's own name."""
    if not LEAST <= len(password) <= MOST:
        raise UserRefused(f"a password has {LEAST} to {MOST} characters")
    if name in password.casefold() and len(name) * 2 >= len(password):
        raise UserRefused("the password is little more than the name")
    if len(set(password)) < 4:
        raise UserRefused("the password has fewer than four different characters")


def hashed(password: str, salt: bytes) -> str:
    """As it is kept: costs, salt and digest. `salt`: `SALT_BYTES` by chance."""
    return _written(_LOG_N, salt, _digest(password, salt, _LOG_N))


def matches(password: str, kept: str) -> bool:
    """Whether it is that one. False, in the same time, where `kept` is empty: nobody has that name."""
    parts = kept.split("$")
    try:
        log_n, salt, known = int(parts[1]), base64.b64decode(parts[2]), base64.b64decode(parts[3])
    except (IndexError, ValueError, binascii.Error):
        log_n, salt, known = _LOG_N, bytes(SALT_BYTES), b""
    return hmac.compare_digest(known, _digest(password, salt, max(1, min(log_n, _MOST_LOG_N))))


def _digest(password: str, salt: bytes, log_n: int) -> bytes:
    # One form for one text: an "é" is typed as one character or as two, depending on the machine (RFC 8265, 4.2).
    text = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=salt, n=2**log_n, r=_R, p=_P, maxmem=_MEMORY, dklen=32)


def _written(log_n: int, salt: bytes, digest: bytes) -> str:
    return "$".join(("scrypt", str(log_n), base64.b64encode(salt).decode(), base64.b64encode(digest).decode()))

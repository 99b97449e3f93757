"""Sessions: a random token in the browser, its SHA-256 here. Pure."""

import hashlib
import hmac

IDLE_MS = 60 * 60 * 1000
LONGEST_MS = 12 * 60 * 60 * 1000
USED_EVERY_MS = 60 * 1000
"""Use is written down so often at most."""
MOST_OF_ONE = 20
"""Sessions of one user; the one that was not used for longest ends."""
MAX_TOKEN = 128


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def form_key(token: str) -> str:
    """What a form of this session carries: whoever cannot read its pages cannot know it."""
    return hmac.digest(token.encode("utf-8", "surrogatepass"), b"tillkeeper-hq form", "sha256").hex()


def is_form_key(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), form_key(token).encode())


def is_alive(began_ms: int, used_ms: int, now_ms: int) -> bool:
    """A clock that goes back by more than a minute ends it too."""
    return began_ms - 60_000 <= now_ms < began_ms + LONGEST_MS and now_ms < used_ms + IDLE_MS

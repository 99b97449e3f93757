"""The code of a pairing: what is in the QR code, and may be typed. Pure but for chance.

Twelve characters of Crockford's base 32, 60 bits. Wrong tries do not end it, or any stranger could; who guesses is slowed down
(`api/pace.py`), and the odds are in docs/security.md.
"""

import hashlib
import hmac
import secrets

from tillkeeper.contract.access import PairingBody

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH, GROUP = 12, 4
CODE_S = 600.0
NOTED = 10
"""So many refusals of one code are journaled: whoever guesses fills no disk."""
AGAIN_S = 60.0
"""So long after it was redeemed the same device is answered again: the answer may have been lost."""
_LOOKS_LIKE = str.maketrans({"O": "0", "I": "1", "L": "1"})


def new_code() -> str:
    """As people read it: K7QM-2XPD-9R4T."""
    digits = "".join(secrets.choice(DIGITS) for _ in range(LENGTH))
    return "-".join(digits[at : at + GROUP] for at in range(0, LENGTH, GROUP))


def plain(code: str) -> str:
    """Without what does not count: dashes, spaces, capitals, letters that look like digits."""
    return "".join(code.upper().split()).replace("-", "").translate(_LOOKS_LIKE)


def _digest(code: str) -> bytes:
    return hashlib.sha256(plain(code).encode()).digest()


class OpenPairing:
    """One code that is open, in memory alone: a restart ends it. Times are seconds of the boot clock."""

    def __init__(self, asked: PairingBody, code: str, by: str, now_s: float) -> None:
        self.asked, self.by = asked, by
        self._digest = _digest(code)
        self.ends_s = now_s + CODE_S
        self.refused = 0
        """How often somebody did not get in with it, or without it."""
        self.device_id = self.token_sha256 = ""
        """Of who redeemed it."""

    def fits(self, code: str) -> bool:
        """In a time that does not depend on where two codes differ."""
        return hmac.compare_digest(_digest(code), self._digest)

    def refuse(self) -> bool:
        """Whether it is to be journaled."""
        self.refused += 1
        return self.refused <= NOTED

    def used(self, device_id: str, token_sha256: str, now_s: float) -> None:
        self.device_id, self.token_sha256 = device_id, token_sha256
        self.ends_s = min(self.ends_s, now_s + AGAIN_S)

"""Key pairs (Ed25519, RFC 8032)."""

import base64
import hashlib
import secrets
from typing import Protocol

SEED_BYTES = 32
RECOVERY_BYTES = 16
"""Of the secret that the store's authority is made of: as much as Ed25519 withstands, and short enough to be typed."""

_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")
"""What comes before the seed in a private key file (RFC 8410, section 7)."""


class Signer(Protocol):
    """Signs for a register. `key`: its public key in hex."""

    @property
    def key(self) -> str: ...

    def sign(self, data: bytes) -> str:
        """The signature in hex."""
        ...


class KeyPair:
    """Never shows its secret by accident: it has no text of its own, and what is written is asked for by name."""

    __slots__ = ("_secret", "_seed", "key")

    def __init__(self, seed: bytes) -> None:
        """Raises ValueError where `seed` has not 32 bytes."""
        from nacl import bindings  # only where a store has keys

        if len(seed) != SEED_BYTES:
            raise ValueError(f"a seed has {SEED_BYTES} bytes")
        public, self._secret = bindings.crypto_sign_seed_keypair(seed)
        self._seed = seed
        self.key = public.hex()

    @classmethod
    def generate(cls) -> "KeyPair":
        return cls(secrets.token_bytes(SEED_BYTES))

    def sign(self, data: bytes) -> str:
        from nacl import bindings

        return bindings.crypto_sign(data, self._secret)[:64].hex()

    def pem(self) -> bytes:
        """The private key as OpenSSL reads it: PKCS #8 (RFC 5958) in PEM."""
        return b"-----BEGIN PRIVATE KEY-----\n%b\n-----END PRIVATE KEY-----\n" % base64.b64encode(_PKCS8 + self._seed)

    @classmethod
    def from_pem(cls, pem: bytes) -> "KeyPair":
        """Raises ValueError for anything but what `pem` writes."""
        lines = pem.split()
        if len(lines) != 7 or lines[:3] != [b"-----BEGIN", b"PRIVATE", b"KEY-----"]:
            raise ValueError("no private key")
        der = base64.b64decode(lines[3], validate=True)
        if not der.startswith(_PKCS8):
            raise ValueError("no private key of Ed25519")
        return cls(der[len(_PKCS8) :])


def authority_pair(recovery: bytes) -> KeyPair:
    """The store's authority, from the secret that its recovery code holds."""
    return KeyPair(hashlib.blake2b(recovery, digest_size=SEED_BYTES, person=b"tillkeeper.auth").digest())

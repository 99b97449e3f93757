"""Certificates (X.509, RFC 5280) with Ed25519 keys (RFC 8410): the authority's own, and those it gives to registers. Pure.

TLS wants certificates; what they say is nothing that the roster does not say. The same key gets the same certificate,
byte for byte. They never end (RFC 5280, 4.1.2.5): nobody looks at dates, for a register without a clock must sell too.
"""

import base64
import hashlib

from tillkeeper.trust import der
from tillkeeper.trust.keys import KeyPair

_ED25519 = der.sequence(der.value(der.OID, bytes.fromhex("2b6570")))
_SPKI_BITS = 33
_BEGIN = der.value(0x17, b"700101000000Z")
_END = der.value(0x18, b"99991231235959Z")
_ORGANISATION, _COMMON_NAME = bytes.fromhex("55040a"), bytes.fromhex("550403")
_SUBJECT_KEY, _KEY_USAGE, _BASIC, _AUTHORITY_KEY = (bytes.fromhex(text) for text in ("551d0e", "551d0f", "551d13", "551d23"))
AUTHORITY = "store authority"


def authority_certificate(authority: KeyPair, store: str) -> bytes:
    """Of the authority, by itself: it may sign registers and nothing that signs. DER."""
    constraints = der.sequence(der.TRUE, der.value(der.INTEGER, b"\x00"))
    extensions = (
        _extension(_BASIC, constraints, critical=True),
        _extension(_KEY_USAGE, der.value(der.BITS, b"\x02\x04"), critical=True),  # keyCertSign
        _extension(_SUBJECT_KEY, der.value(der.OCTETS, _key_id(authority.key))),
    )
    return _certificate(authority, store, AUTHORITY, authority.key, extensions)


def register_certificate(authority: KeyPair, store: str, register: str, key: str) -> bytes:
    """Of a register whose public key is `key` (hex), for both ends of a connection. DER."""
    extensions = (
        _extension(_KEY_USAGE, der.value(der.BITS, b"\x07\x80"), critical=True),  # digitalSignature
        _extension(_SUBJECT_KEY, der.value(der.OCTETS, _key_id(key))),
        _extension(_AUTHORITY_KEY, der.sequence(der.value(0x80, _key_id(authority.key)))),
    )
    return _certificate(authority, store, register, key, extensions)


def public_key(certificate: bytes) -> str:
    """The Ed25519 key of a certificate (DER), in hex. Raises ValueError where it holds none."""
    try:
        ((_, whole),) = der.parts(certificate)
        (_, signed), *_ = der.parts(whole)
        _version, _serial, _algorithm, _issuer, _dates, _subject, (_, spki), *_ = der.parts(signed)
        (_, algorithm), (kind, bits) = der.parts(spki)
    except ValueError as error:
        raise ValueError("no certificate that is known here") from error
    if der.value(der.SEQUENCE, algorithm) != _ED25519 or kind != der.BITS or len(bits) != _SPKI_BITS or bits[0]:
        raise ValueError("its key is none of Ed25519")
    return bits[1:].hex()


def pem(certificate: bytes) -> str:
    """RFC 7468."""
    text = base64.b64encode(certificate).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""))


def fingerprint(authority: str, store: str) -> bytes:
    """What a join code says of an authority's key (hex): 12 bytes."""
    return hashlib.sha256(f"tillkeeper-authority-1\n{store}\n{authority}\n".encode()).digest()[:12]


def _certificate(authority: KeyPair, store: str, name: str, key: str, extensions: tuple[bytes, ...]) -> bytes:
    serial = b"\x01" + hashlib.sha256(f"{store}\n{name}\n{key}\n{authority.key}\n".encode()).digest()[:15]
    signed = der.sequence(
        der.value(0xA0, der.value(der.INTEGER, b"\x02")),
        der.value(der.INTEGER, serial),
        _ED25519,
        _name(store, AUTHORITY),
        der.sequence(_BEGIN, _END),
        _name(store, name),
        der.sequence(_ED25519, der.value(der.BITS, b"\x00" + bytes.fromhex(key))),
        der.value(0xA3, der.sequence(*extensions)),
    )
    signature = bytes.fromhex(authority.sign(signed))
    return der.sequence(signed, _ED25519, der.value(der.BITS, b"\x00" + signature))


def _name(store: str, name: str) -> bytes:
    pairs = ((_ORGANISATION, store), (_COMMON_NAME, name))
    return der.sequence(
        *(
            der.value(der.SET, der.sequence(der.value(der.OID, kind), der.value(der.UTF8, text.encode())))
            for kind, text in pairs
        )
    )


def _extension(kind: bytes, content: bytes, *, critical: bool = False) -> bytes:
    return der.sequence(der.value(der.OID, kind), der.TRUE if critical else b"", der.value(der.OCTETS, content))


def _key_id(key: str) -> bytes:
    return hashlib.sha256(bytes.fromhex(key)).digest()[:20]

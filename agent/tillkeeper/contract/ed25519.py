"""Whether a signature holds: Ed25519 (RFC 8032) as libsodium checks it, which refuses keys of small order and forms that are
not the shortest."""

KEY_BYTES, SIGNATURE_BYTES = 32, 64


def verify(key: str, data: bytes, signature: str) -> bool:
    """`key` and `signature` in hex. False for whatever is none, never an error."""
    from nacl import bindings, exceptions  # only where a store has keys

    try:
        public, signed = bytes.fromhex(key), bytes.fromhex(signature)
    except ValueError:
        return False
    if len(public) != KEY_BYTES or len(signed) != SIGNATURE_BYTES:
        return False
    try:
        bindings.crypto_sign_open(signed + data, public)
    except exceptions.BadSignatureError:
        return False
    return True

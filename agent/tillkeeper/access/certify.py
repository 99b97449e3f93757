"""Makes a register's certificate: reads an `Order` from standard input, answers `Made`. A process of its own, so that the 12
MiB that `cryptography` takes are not the agent's for as long as it runs.
"""

import sys

import msgspec

from tillkeeper.access.wanted import Made, Order


def make(order: Order) -> Made:
    """A new key each time."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    from tillkeeper.trust.web_authority import authority_certificate, authority_key, register_certificate

    wanted = order.wanted
    signing = authority_key(order.store_secret, wanted.store)
    authority = authority_certificate(signing, wanted.store, wanted.names)
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = register_certificate(
        (signing, authority),
        key,
        (wanted.store, wanted.register),
        wanted.addresses,
        wanted.names,
        (order.begins_ms, order.ends_ms),
    )
    pem = serialization.Encoding.PEM
    own = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Made(
        authority=authority.public_bytes(pem).decode(),
        fingerprint=authority.fingerprint(hashes.SHA256()).hex(),
        leaf=(own + leaf.public_bytes(pem)).decode(),
    )


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdout.buffer.write(msgspec.json.encode(make(order)))


if __name__ == "__main__":
    main()

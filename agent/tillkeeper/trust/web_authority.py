"""The store's web authority: what tablets trust, so that they can load pages from a register by HTTPS (RFC 5280). Pure.

Its key is made of the store's secret, which every register of the store has, so it is the same at each and needs no handing on.
It can speak for private addresses and the store's own names alone (critical name constraints). Imports `cryptography`, which
takes 12 MiB: only `access/certify.py`, a process that ends, imports this.
"""

import datetime
import hashlib
import hmac
import ipaddress
from collections.abc import Iterable, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tillkeeper.config.lan import PRIVATE

SUFFIXES = ("home.arpa", "internal", "lan", "local")
"""Names that belong to nobody on the internet (RFC 8375, ICANN 2024-07-29, RFC 6762; `lan` by custom): always permitted."""
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group of P-256 (SP 800-186, 3.2.1.3)."""
_BEGIN = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
_END = datetime.datetime(2049, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)


def authority_key(store_secret: str, store: str) -> ec.EllipticCurvePrivateKey:
    """HKDF (RFC 5869) with SHA-384 of the store's secret, reduced to a scalar: 384 bits for a group of 256, so no bias is left
    (FIPS 186-5, A.2.1)."""
    chosen = hmac.digest(b"tillkeeper web authority 1", store_secret.encode(), "sha384")
    stretched = hmac.digest(chosen, store.encode() + b"\x01", "sha384")
    return ec.derive_private_key(int.from_bytes(stretched, "big") % (_ORDER - 1) + 1, ec.SECP256R1())


def permitted_names(names: Iterable[str]) -> tuple[str, ...]:
    """What the authority may speak for: the private suffixes, and those of `names` that lie elsewhere."""
    own = {name for name in names if not any(name == one or name.endswith("." + one) for one in SUFFIXES)}
    return (*SUFFIXES, *sorted(own))


def authority_certificate(key: ec.EllipticCurvePrivateKey, store: str, names: Sequence[str]) -> x509.Certificate:
    """The authority's own: byte for byte the same at every register (RFC 6979), so that its fingerprint can be compared."""
    name = _name(store, f"Tillkeeper {store}"[:64])
    permitted = permitted_names(names)
    serial = hashlib.sha256(f"{store}\n{permitted}\n".encode() + _public(key)).digest()[:15]
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(b"\x01" + serial, "big"))
        .not_valid_before(_BEGIN)
        .not_valid_after(_END)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.NameConstraints([*map(x509.DNSName, permitted), *map(x509.IPAddress, PRIVATE)], None), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    )


def register_certificate(
    authority: tuple[ec.EllipticCurvePrivateKey, x509.Certificate],
    key: ec.EllipticCurvePrivateKey,
    place: tuple[str, str],
    addresses: Sequence[str],
    names: Sequence[str],
    valid_ms: tuple[int, int],
) -> x509.Certificate:
    """Of a register, for its addresses and names. `place`: store and register; no name of the
    subject looks like a DNS name, for OpenSSL would hold that against the constraints (NAME_CONSTRAINTS_check_CN). `valid_ms`:
    from when to when."""
    signing, issuer = authority
    begin, end = (datetime.datetime.fromtimestamp(at_ms // 1000, datetime.UTC) for at_ms in valid_ms)
    spoken: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
    spoken += map(x509.DNSName, names)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(place[0], f"Register {place[1]}"[:64]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName(spoken), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
        .sign(signing, hashes.SHA256())
    )


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _name(organisation: str, name: str) -> x509.Name:
    pairs = ((NameOID.ORGANIZATION_NAME, organisation), (NameOID.COMMON_NAME, name))
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in pairs])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )

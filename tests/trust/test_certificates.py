"""Certificates as OpenSSL reads them, which is not us."""

import base64
import ssl
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.prerequisites import need
from tests.trust.world import STORE, pair

from tillkeeper.trust.certificates import authority_certificate, fingerprint, pem, public_key, register_certificate
from tillkeeper.trust.keys import KeyPair

AUTHORITY, OTHER, BAR = pair(1), pair(2), pair(3)
CERTIFICATE = register_certificate(AUTHORITY, STORE, "bar", BAR.key)


def openssl(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    need("openssl", root=False)
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, text=True, check=False)


def test_openssl_finds_them_sound_by_its_strictest_rules(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text(pem(authority_certificate(AUTHORITY, STORE)))
    (tmp_path / "other.crt").write_text(pem(authority_certificate(OTHER, STORE)))
    (tmp_path / "bar.crt").write_text(pem(CERTIFICATE))
    for purpose in ("sslserver", "sslclient"):
        strict = ("verify", "-x509_strict", "-check_ss_sig", "-purpose", purpose)
        good = openssl(*strict, "-CAfile", str(tmp_path / "ca.crt"), str(tmp_path / "bar.crt"))
        assert good.returncode == 0, good.stderr
        foreign = openssl(*strict, "-CAfile", str(tmp_path / "other.crt"), str(tmp_path / "bar.crt"))
        assert foreign.returncode != 0
        assert "unable to get local issuer" in foreign.stderr or "signature" in foreign.stderr


def test_they_say_who_and_never_end() -> None:
    shown = openssl("x509", "-noout", "-subject", "-issuer", "-dates", "-ext", "keyUsage", given=pem(CERTIFICATE)).stdout
    assert f"subject=O = {STORE}, CN = bar" in shown
    assert f"issuer=O = {STORE}, CN = store authority" in shown
    assert "notAfter=Dec 31 23:59:59 9999 GMT" in shown
    assert "Digital Signature" in shown


def test_a_register_can_not_sign_for_others(tmp_path: Path) -> None:
    """A certificate that a mere member has signed leads nowhere, though its own is the authority's."""
    (tmp_path / "ca.crt").write_text(pem(authority_certificate(AUTHORITY, STORE)))
    (tmp_path / "between.crt").write_text(pem(CERTIFICATE))
    (tmp_path / "made.crt").write_text(pem(register_certificate(BAR, STORE, "lane", pair(4).key)))
    files = ("-CAfile", str(tmp_path / "ca.crt"), "-untrusted", str(tmp_path / "between.crt"), str(tmp_path / "made.crt"))
    assert openssl("verify", *files).returncode != 0


def test_openssl_reads_the_private_key() -> None:
    text = openssl("pkey", "-noout", "-text", given=BAR.pem().decode()).stdout
    assert bytes.fromhex(text.partition("pub:")[2].replace(":", "").strip()).hex() == BAR.key
    assert KeyPair.from_pem(BAR.pem()).key == BAR.key


@pytest.mark.parametrize(
    "wrong", [b"", b"no key", BAR.pem()[:40], BAR.pem().replace(b"PRIVATE", b"PUBLIC"), b"-----BEGIN " * 9]
)
def test_what_is_no_private_key_is_none(wrong: bytes) -> None:
    with pytest.raises(ValueError, match=r"key|seed|base64"):
        KeyPair.from_pem(wrong)


def test_the_same_key_gets_the_same_certificate() -> None:
    assert register_certificate(AUTHORITY, STORE, "bar", BAR.key) == CERTIFICATE
    assert ssl.PEM_cert_to_DER_cert(pem(CERTIFICATE)) == CERTIFICATE
    assert public_key(CERTIFICATE) == BAR.key
    assert public_key(authority_certificate(AUTHORITY, STORE)) == AUTHORITY.key


def test_the_fingerprint_is_of_key_and_store() -> None:
    assert len({fingerprint(AUTHORITY.key, STORE), fingerprint(OTHER.key, STORE), fingerprint(AUTHORITY.key, "store-2")}) == 3


@given(st.data())
def test_a_mangled_certificate_has_a_key_or_none_but_breaks_nothing(data: st.DataObject) -> None:
    mangled = bytearray(CERTIFICATE)
    for _ in range(data.draw(st.integers(1, 4))):
        mangled[data.draw(st.integers(0, len(mangled) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(mangled[: data.draw(st.integers(0, len(mangled)))])
    for one in (bytes(mangled), cut):
        try:
            assert len(bytes.fromhex(public_key(one))) == 32
        except ValueError:
            continue


def test_a_key_of_another_kind_is_none() -> None:
    """A certificate on P-256, made by OpenSSL."""
    made = openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", "/dev/null", "-subj", "/CN=x",
    ).stdout  # fmt: skip
    with pytest.raises(ValueError, match="Ed25519"):
        public_key(base64.b64decode("".join(made.splitlines()[1:-1])))

"""The store's web authority, judged by OpenSSL: who it speaks for, for how long, and that it is the same at each register."""

import subprocess
from pathlib import Path

import msgspec
import pytest
from tests.support.prerequisites import need

from tillkeeper.access.certificates import Certificates, NoCertificate
from tillkeeper.access.certify import make
from tillkeeper.access.wanted import AFTER_MS, BEFORE_MS, DAY_MS, RENEW_MS, Kept, Made, Order, Wanted, is_due, validity

SECRET = "s" * 43
NOW_MS = 1_795_000_000_000
WANTED = Wanted(store="store-1", register="front", secret_id="1", addresses=("192.168.1.11",), names=())


def made(secret: str = SECRET, **changes: object) -> Made:
    begins_ms, ends_ms = validity(NOW_MS)
    wanted = msgspec.structs.replace(WANTED, **changes)
    return make(Order(store_secret=secret, wanted=wanted, begins_ms=begins_ms, ends_ms=ends_ms))


def judged(folder: Path, found: Made, *arguments: str) -> str:
    """What `openssl verify` says, by its strictest rules and at the time of the test."""
    need("openssl", root=False)
    (folder / "authority.pem").write_text(found.authority)
    (folder / "leaf.pem").write_text(found.leaf)
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-attime", str(NOW_MS // 1000), *arguments]
    command += ["-CAfile", str(folder / "authority.pem"), str(folder / "leaf.pem")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_openssl_takes_a_register_at_its_private_address(tmp_path: Path) -> None:
    assert "OK" in judged(tmp_path, made(), "-verify_ip", "192.168.1.11")
    assert "OK" in judged(tmp_path, made(addresses=("fd00::11",)), "-verify_ip", "fd00::11")
    assert "mismatch" in judged(tmp_path, made(), "-verify_ip", "192.168.1.12")


def test_it_speaks_for_no_address_of_the_internet(tmp_path: Path) -> None:
    for address in ("8.8.8.8", "127.0.0.1", "172.32.0.1", "2001:db8::1"):
        assert "permitted subtree violation" in judged(tmp_path, made(addresses=(address,)))


def test_it_speaks_for_the_configured_names_and_private_ones_alone(tmp_path: Path) -> None:
    good = made(names=("front.grill.example", "front.lan"))
    assert "OK" in judged(tmp_path, good, "-verify_hostname", "front.grill.example")
    assert "OK" in judged(tmp_path, good, "-verify_hostname", "front.lan")
    # A register whose disk was stolen makes a certificate for a bank, under the authority that devices trust.
    other = made(names=("bank.example",))
    forged = msgspec.structs.replace(other, authority=made().authority)
    assert "permitted subtree violation" in judged(tmp_path, forged)


def test_it_is_no_authority_for_authorities_and_for_servers_alone(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_text(made().authority)
    text = subprocess.run(
        ["openssl", "x509", "-in", str(tmp_path / "a.pem"), "-noout", "-text"], capture_output=True, text=True, check=True
    ).stdout
    assert "CA:TRUE, pathlen:0" in text
    assert "Name Constraints: critical" in text
    assert "prime256v1" in text
    assert "TLS Web Server Authentication" in text


def test_every_register_of_the_store_makes_the_same_authority() -> None:
    front, side = made(), made(register="side", addresses=("192.168.1.12",))
    assert front.authority == side.authority
    assert front.fingerprint == side.fingerprint
    assert front.leaf != side.leaf
    assert made().leaf != front.leaf, "each certificate has a key of its own"
    assert made(secret="o" * 43).fingerprint != front.fingerprint
    assert made(store="store-2").fingerprint != front.fingerprint


def test_a_certificate_holds_for_397_days_and_begins_a_month_ago() -> None:
    begins_ms, ends_ms = validity(NOW_MS)
    assert ends_ms - begins_ms == 397 * DAY_MS == BEFORE_MS + AFTER_MS
    assert begins_ms == NOW_MS - 30 * DAY_MS


def kept(**changes: object) -> Kept:
    begins_ms, ends_ms = validity(NOW_MS)
    found = Kept(wanted=WANTED, begins_ms=begins_ms, ends_ms=ends_ms, authority="", fingerprint="", pem_sha256="")
    return msgspec.structs.replace(found, **changes)


@pytest.mark.parametrize(
    ("now_ms", "due"),
    [
        (NOW_MS, False),
        (NOW_MS + AFTER_MS - RENEW_MS - 1, False),
        (NOW_MS + AFTER_MS - RENEW_MS, True),
        (NOW_MS + AFTER_MS + 1, True),
        (NOW_MS - BEFORE_MS - 1, True),  # it was made while the clock was ahead
        (0, True),
    ],
)
def test_it_is_renewed_in_time_and_where_the_clock_was_wrong(now_ms: int, due: bool) -> None:
    assert is_due(kept(), WANTED, now_ms) is due


def test_it_is_made_anew_where_it_says_something_else() -> None:
    for changes in ({"store": "x"}, {"register": "x"}, {"secret_id": "2"}, {"names": ("a.lan",)}, {"addresses": ("10.0.0.1",)}):
        assert is_due(kept(), msgspec.structs.replace(WANTED, **changes), NOW_MS), changes
    assert not is_due(kept(), msgspec.structs.replace(WANTED, addresses=()), NOW_MS), "a cable that is out makes none"
    assert is_due(None, WANTED, NOW_MS)


async def _look(certificates: Certificates) -> Kept:
    await certificates.look(WANTED)
    assert certificates.kept is not None
    return certificates.kept


def test_it_is_kept_over_restarts_and_closed_to_others(tmp_path: Path) -> None:
    import asyncio

    first = asyncio.run(_look(Certificates(tmp_path, SECRET, lambda: NOW_MS)))
    leaf = tmp_path / "web/register.pem"
    assert leaf.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "web").stat().st_mode & 0o777 == 0o700
    assert SECRET not in (tmp_path / "web/certificate.json").read_text() + leaf.read_text()
    assert asyncio.run(_look(Certificates(tmp_path, SECRET, lambda: NOW_MS))) == first
    leaf.write_text("damaged")
    again = asyncio.run(_look(Certificates(tmp_path, SECRET, lambda: NOW_MS)))
    assert again.pem_sha256 != first.pem_sha256
    assert again.fingerprint == first.fingerprint, "devices trust the authority: they see nothing of it"


def test_without_the_secret_there_is_none_and_it_says_why(tmp_path: Path) -> None:
    import asyncio

    with pytest.raises(NoCertificate) as refused:
        asyncio.run(_look(Certificates(tmp_path, "", lambda: NOW_MS)))
    assert "secret" in str(refused.value)

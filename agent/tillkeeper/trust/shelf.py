"""The folder `trust` in the data folder of a register: what is in it, how it is read and written.

roster.json     what the register knows of the store; it is written last, so where it is the others are too
register.key    its private key            register.crt   its certificate
authority.crt   the authority's            authority.key  the authority's secret, only where `may_admit`
"""

import ssl
from pathlib import Path
from typing import Literal

import msgspec

from tillkeeper.contract.roster import Roster, Signed
from tillkeeper.trust import files
from tillkeeper.trust.certificates import pem, public_key
from tillkeeper.trust.keys import RECOVERY_BYTES, KeyPair, authority_pair
from tillkeeper.trust.trouble import TrustTrouble

FOLDER = "trust"
ROSTER, KEY, CERTIFICATE = "roster.json", "register.key", "register.crt"
AUTHORITY_CERTIFICATE, AUTHORITY_KEY = "authority.crt", "authority.key"

Act = Literal["created", "joined", "recovered"]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """`roster.json`. `act`: how this register came to its key; `by` whom, and `at` which register."""

    version: Literal[1] = 1
    store: str
    register: str
    authority: str
    act: Act
    by: str = ""
    at: str = ""
    statements: tuple[Signed, ...] = ()


_decoder = msgspec.json.Decoder(Kept)


class Shelf:
    """Blocking; every method may raise `TrustTrouble` (file_rights, broken_keys), those that write `StorageRefused` too."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / FOLDER

    def path(self, name: str) -> Path:
        return self.folder / name

    def kept(self) -> Kept | None:
        raw = files.read(self.path(ROSTER))
        if raw is None:
            return None
        try:
            return _decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _broken(ROSTER, str(error)) from error

    def roster(self, kept: Kept) -> Roster:
        """Every signature is checked again: who can write the file can not write statements."""
        merge = Roster(kept.store, kept.authority).merged(kept.statements)
        if merge.refused:
            raise _broken(ROSTER, f"{len(merge.refused)} of its statements are not the authority's")
        return merge.roster

    def key(self) -> KeyPair | None:
        raw = files.read(self.path(KEY))
        if raw is None:
            return None
        try:
            return KeyPair.from_pem(raw)
        except ValueError as error:
            raise _broken(KEY, str(error)) from error

    def draft_key(self) -> KeyPair:
        """The register's own key, made where there is none yet."""
        if (pair := self.key()) is not None:
            return pair
        files.make_folder(self.folder)
        pair = KeyPair.generate()
        files.write(self.path(KEY), pair.pem())
        return pair

    def drop_key(self) -> None:
        """The next one is a new one. What the register knew of the store goes first."""
        try:
            for name in (ROSTER, KEY):
                self.path(name).unlink(missing_ok=True)
        except OSError as error:
            raise TrustTrouble("file_rights", "remove", str(self.folder), error.strerror or "not permitted") from error

    def authority_secret(self) -> bytes | None:
        raw = files.read(self.path(AUTHORITY_KEY))
        if raw is None:
            return None
        try:
            secret = bytes.fromhex(raw.decode("ascii").strip())
        except ValueError:
            secret = b""
        if len(secret) != RECOVERY_BYTES:
            raise _broken(AUTHORITY_KEY, "it holds no secret")
        return secret

    def authority(self, expected: str) -> KeyPair | None:
        """The store's authority, where its key is kept here."""
        if (secret := self.authority_secret()) is None:
            return None
        pair = authority_pair(secret)
        if pair.key != expected:
            raise _broken(AUTHORITY_KEY, "it is the key of another authority")
        return pair

    def keep(self, kept: Kept) -> None:
        files.write(self.path(ROSTER), msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")

    def keep_authority(self, secret: bytes) -> None:
        files.write(self.path(AUTHORITY_KEY), secret.hex().encode() + b"\n")

    def drop_authority(self) -> None:
        try:
            self.path(AUTHORITY_KEY).unlink(missing_ok=True)
        except OSError as error:
            raise TrustTrouble("file_rights", "remove", AUTHORITY_KEY, error.strerror or "not permitted") from error

    def keep_certificates(self, own: bytes, authority: bytes) -> None:
        """Both as DER."""
        files.write(self.path(CERTIFICATE), pem(own).encode())
        files.write(self.path(AUTHORITY_CERTIFICATE), pem(authority).encode())

    def authority_certificate(self, expected: str) -> bytes:
        """DER. `expected`: the authority's key."""
        raw = files.read(self.path(AUTHORITY_CERTIFICATE))
        if raw is None:
            raise _broken(AUTHORITY_CERTIFICATE, "it is not there")
        try:
            certificate = ssl.PEM_cert_to_DER_cert(raw.decode("ascii"))
            found = public_key(certificate)
        except ValueError as error:
            raise _broken(AUTHORITY_CERTIFICATE, str(error)) from error
        if found != expected:
            raise _broken(AUTHORITY_CERTIFICATE, "it is the certificate of another authority")
        return certificate


def _broken(name: str, cause: str) -> TrustTrouble:
    hint = "restore the folder `trust` from a backup, or remove it and join again with a new code"
    return TrustTrouble("broken_keys", "read", f"{FOLDER}/{name}", cause, hint)

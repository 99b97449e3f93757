"""The roster: who works here. The file that `tillkeeper staff` writes, and what is adopted from it, have the same form."""

import hashlib
import hmac
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillkeeper.contract.base import Id, ShortText
from tillkeeper.contract.caller import Permission
from tillkeeper.errors import ConfigInvalid
from tillkeeper.people.roles import permissions_of, practises, roles

MAX_BYTES = 1_000_000
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]

SECRET_FILE = "store-secret"  # noqa: S105 - the name of a file
"""In the data folder: what PINs are keyed with."""


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`pin`: `pins.digest` of it."""

    employee: Id
    name: ShortText
    roles: Annotated[tuple[str, ...], Meta(min_length=1, max_length=8)]
    pin: Digest

    @property
    def permissions(self) -> frozenset[Permission]:
        return permissions_of(self.roles)

    @property
    def practises(self) -> bool:
        return practises(self.roles)


class Roster(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`secret_id`: of the store secret that the PINs were digested with. `hash`: how, with its costs (`pins.digest`)."""

    version: Literal[1] = 1
    store: str
    secret_id: str
    hash: Literal["scrypt-16384-8-1"] = "scrypt-16384-8-1"
    members: Annotated[tuple[Member, ...], Meta(max_length=1_000)] = ()
    changed_by: ShortText = ""
    """Who wrote it last, as `tillkeeper staff` saw it; whoever may write the file may write this."""

    def get(self, employee: str) -> Member | None:
        return next((member for member in self.members if member.employee == employee), None)

    def whose(self, digest: str) -> Member | None:
        """Whose PIN has this digest; every member is compared, so that the time tells nothing."""
        found = [member for member in self.members if hmac.compare_digest(member.pin, digest)]
        return found[0] if found else None

    def sha256(self) -> str:
        """Of names and roles: what the journal says was in force. PINs and their digests are no part of it."""
        said = [(member.employee, member.name, sorted(member.roles)) for member in self.members]
        return hashlib.sha256(msgspec.json.encode(sorted(said))).hexdigest()


_decoder = msgspec.json.Decoder(Roster)


def encode(roster: Roster) -> bytes:
    return msgspec.json.format(msgspec.json.encode(roster), indent=1) + b"\n"


def decode(raw: bytes, store: str, file: str) -> Roster:
    """A roster of this store.

    Raises:
        ConfigInvalid: it is none; what is wrong is said without quoting it.
    """
    if len(raw) > MAX_BYTES:
        raise ConfigInvalid("read", file, f"it is larger than {MAX_BYTES} bytes")
    try:
        roster = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigInvalid("read", file, f"it is no roster: {error}", "`tillkeeper staff` writes it") from error
    employees = [member.employee for member in roster.members]
    unknown = sorted({role for member in roster.members for role in member.roles} - roles().keys())
    cause = ""
    if roster.store != store:
        cause = f"it is the roster of store {roster.store[:64]!r}"
    elif unknown:
        cause = f"there is no role {unknown[0][:64]!r}"
    elif len(set(employees)) < len(employees):
        cause = "an employee is listed twice"
    elif len({member.pin for member in roster.members}) < len(employees):
        cause = "two people have the same PIN"
    if cause:
        raise ConfigInvalid("read", file, cause, "`tillkeeper staff` writes it")
    return roster

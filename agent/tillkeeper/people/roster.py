"""The roster: who works here. The file that `tillkeeper staff` writes, and what is adopted from it, have the same form."""

import hashlib
import hmac
from collections import Counter
from functools import cached_property
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillkeeper.contract.base import Id, ShortText
from tillkeeper.contract.caller import Permission
from tillkeeper.errors import ConfigInvalid
from tillkeeper.people.roles import permissions_of, practises, roles

MAX_BYTES = 512 * 1024
"""Of the file; what registers tell each other is shorter, so whatever may be in a file can be told (`asking.MAX_BODY`)."""
MAX_PEOPLE = 1_000
MAX_TERM, MAX_STAMP = 1_000_000, 9_999_999_999_999
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
Term = Annotated[int, Meta(ge=1, le=MAX_TERM)]
Stamp = Annotated[int, Meta(ge=0, le=MAX_STAMP)]

SECRET_FILE = "store-secret"  # noqa: S105 - the name of a file
"""In the data folder: what PINs are keyed with."""


class Word(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was said last of a person. `term`: which time they are on the roster, counted from 1. `stamp`: the wall clock of who
    said it, in ms; of a change at least one more than that of what it changes. `by`: who said it, as `tillkeeper staff` saw it;
    whoever may write the file may write this."""

    employee: Id
    term: Term = 1
    stamp: Stamp = 0
    by: ShortText = ""


class Removed(Word, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Taken off the roster, which ends the term."""


class Member(Word, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """On the roster. `pin`: `pins.digest` of it. A `stamp` of 0: written by an earlier version, which knew no stamps; such a
    member is this register's alone (`people/merging.py`)."""

    name: ShortText
    roles: Annotated[tuple[str, ...], Meta(min_length=1, max_length=8)]
    pin: Digest

    @property
    def permissions(self) -> frozenset[Permission]:
        return permissions_of(self.roles)

    @property
    def practises(self) -> bool:
        return practises(self.roles)


class Roster(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """`secret_id`: of the store secret that the PINs were digested with. `hash`: how, with its costs (`pins.digest`)."""

    version: Literal[1, 2] = 2
    store: str
    secret_id: str
    hash: Literal["scrypt-16384-8-1"] = "scrypt-16384-8-1"
    members: Annotated[tuple[Member, ...], Meta(max_length=MAX_PEOPLE)] = ()
    removed: Annotated[tuple[Removed, ...], Meta(max_length=MAX_PEOPLE)] = ()
    changed_by: ShortText = ""
    """Who wrote it last, in a file of version 1."""

    @property
    def words(self) -> tuple[Member | Removed, ...]:
        return (*self.members, *self.removed)

    @property
    def newest(self) -> Word | None:
        """What was said last of anybody; None where everything is of an earlier version."""
        return max((word for word in self.words if word.stamp), key=lambda word: word.stamp, default=None)

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hex of all that registers share; empty where there is nothing yet. Without the store's secret it tells
        nothing of a PIN, for it is made of digests that are keyed with that."""
        shared = sorted((word for word in self.words if word.stamp), key=lambda word: word.employee)
        return hashlib.sha256(msgspec.json.encode(shared)).hexdigest() if shared else ""

    @property
    def list_version(self) -> str:
        """As people see it; empty where there is nothing to share yet."""
        return self.digest[:8]

    def newest_against(self, before: "Roster | None") -> Word | None:
        """What was said last of anybody of whom something else was known before; None where that is nobody."""
        known = frozenset(before.words) if before is not None else frozenset[Word]()
        return max((word for word in self.words if word not in known), key=lambda word: word.stamp, default=None)

    def get(self, employee: str) -> Member | None:
        return next((member for member in self.members if member.employee == employee), None)

    def whose(self, digest: str) -> Member | None:
        """Whose PIN has this digest; every member is compared, so that the time tells nothing. One that two people have, who
        got it at two registers that did not hear each other, is nobody's: who signs in with it could be either."""
        found = [member for member in self.members if hmac.compare_digest(member.pin, digest)]
        return found[0] if len(found) == 1 else None

    def alike(self) -> tuple[str, ...]:
        """Employees whose PIN somebody else has too."""
        pins = Counter(member.pin for member in self.members)
        return tuple(member.employee for member in self.members if pins[member.pin] > 1)

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
    check(roster, store, file)
    return roster


def check(roster: Roster, store: str, file: str) -> None:
    """Raises:
    ConfigInvalid: it is another store's, or contradicts itself.
    """
    employees = [word.employee for word in roster.words]
    unknown = sorted({role for member in roster.members for role in member.roles} - roles().keys())
    cause = ""
    if roster.store != store:
        cause = f"it is the roster of store {roster.store[:64]!r}"
    elif unknown:
        cause = f"there is no role {unknown[0][:64]!r}"
    elif len(set(employees)) < len(employees):
        cause = "an employee is listed twice"
    elif max(len(roster.members), len(roster.removed)) > MAX_PEOPLE:
        cause = f"it has more than {MAX_PEOPLE} people"
    elif len(encode(roster)) > MAX_BYTES:
        cause = f"it is larger than {MAX_BYTES} bytes"
    if cause:
        raise ConfigInvalid("read", file, cause, "`tillkeeper staff` writes it")

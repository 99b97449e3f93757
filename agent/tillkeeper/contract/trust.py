"""Who belongs to the store, as the journal and the API say it: events, views and requests of one room.

Codes are in answers and requests only. They are never journaled, logged or kept with an idempotency key.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from tillkeeper.contract.base import Event, Id, ShortText, View

# --- events ---


class StoreKeysTaken(Event, frozen=True):
    """This register has `key` from now on. `act`: created (the store's authority too), joined, recovered. `at`: the register
    that admitted it."""

    act: str
    register: str
    key: str
    authority: str
    by: str = ""
    at: str = ""


class JoinCodeOpened(Event, frozen=True):
    """For ten minutes whoever has the code may join as `register`. `replaces`: it had a key, which ends by that."""

    register: str
    may_admit: bool = False
    replaces: bool = False
    by: str = ""


class JoinRefused(Event, frozen=True):
    """Somebody at `address` had a wrong code, or the right one for another register."""

    register: str
    address: str
    cause: str
    tries_left: int


class RegisterAdmitted(Event, frozen=True):
    """`key` speaks for `register`, and was asked for from `address`. `replaced`: its keys that have ended."""

    register: str
    key: str
    term: int
    may_admit: bool = False
    replaced: tuple[str, ...] = ()
    address: str = ""
    by: str = ""


class RegisterLeft(Event, frozen=True):
    """`keys` speak for nobody any more. `finals`: incarnation -> the last event that counts; where a register lets itself go
    this event counts too."""

    register: str
    keys: tuple[str, ...]
    finals: dict[str, int] = {}
    by: str = ""


# --- requests ---


class CodeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`register`: who is to join. `replace`: it has a key, which is to end: its disk is lost. `may_admit`: it is given the
    authority's key too. `address`: of this register, "host" or "host:port", where the configuration does not say."""

    register: Id
    may_admit: bool = False
    replace: bool = False
    address: ShortText = ""
    by: ShortText = ""


class LeaveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`recovery_code`: where this register does not keep the authority's key."""

    register: Id
    recovery_code: Annotated[str, Meta(max_length=200)] = ""
    by: ShortText = ""


# --- views ---


class CodeView(View, frozen=True):
    """The code itself, once."""

    code: str
    register: str
    address: str
    expires_s: float
    tries: int
    replaces: bool


class OpenCodeView(View, frozen=True):
    """`used`: the register has joined with it; the same one is answered again until it ends, should its answer be lost."""

    register: str
    expires_s: float
    tries_left: int
    used: bool = False


class MemberView(View, frozen=True):
    register: str
    key: str
    may_admit: bool


class LeftView(View, frozen=True):
    register: str
    key: str
    finals: dict[str, int]


class StoreView(View, frozen=True):
    """`joined`: whether this register has keys of a store; without them it works alone. `member`: whether its key still
    counts. `authority` and `key` are public keys. `may_admit`: the authority's key is kept here. `digest`: of the roster; two
    registers with the same one know the same. `trouble`: why keys that are there can not be used. `waiting`: registers of the
    configuration that do not belong to the store, or not yet. `restart`: there are other keys on the disk than those that the
    agent uses: it is to be started again."""

    store: str
    register: str
    joined: bool
    member: bool = False
    may_admit: bool = False
    authority: str = ""
    key: str = ""
    digest: str = ""
    members: tuple[MemberView, ...] = ()
    left: tuple[LeftView, ...] = ()
    code: OpenCodeView | None = None
    trouble: str = ""
    waiting: tuple[str, ...] = ()
    restart: bool = False

"""Users and roles. Pure."""

import unicodedata
from enum import IntEnum

import msgspec

MAX_NAME = 64
MAX_STORES = 500


class Role(IntEnum):
    """Each may do what the ones before may. VIEWER: read. MANAGER: note what was looked at. OWNER: users, all stores."""

    VIEWER = 1
    MANAGER = 2
    OWNER = 3

    @property
    def word(self) -> str:
        return self.name.lower()


ROLES = {role.word: role for role in Role}


class UserRefused(Exception):
    """The message says in words why not."""


class User(msgspec.Struct, frozen=True):
    """`stores`: those that the user may see; empty: all."""

    user_id: int
    name: str
    role: Role
    stores: tuple[str, ...] = ()
    must_change: bool = False
    disabled: bool = False
    created_ms: int = 0

    def may_see(self, store: str) -> bool:
        return not self.stores or store in self.stores

    def may(self, role: Role) -> bool:
        return self.role >= role


def tidy_name(text: str) -> str:
    """As it is kept: one form for one name, whatever keyboard it was typed on. Raises UserRefused."""
    name = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    if not 1 <= len(name) <= MAX_NAME:
        raise UserRefused(f"a name has 1 to {MAX_NAME} characters")
    if not all(one.isalnum() or one in " .-_@" for one in name):
        raise UserRefused("a name is made of letters, digits, space and . - _ @")
    return name


def tidy_stores(stores: list[str], role: Role) -> tuple[str, ...]:
    """Raises UserRefused."""
    tidy = tuple(sorted({store.strip() for store in stores if store.strip()}))
    if tidy and role is Role.OWNER:
        raise UserRefused("an owner sees all stores")
    if len(tidy) > MAX_STORES or any(len(store) > MAX_NAME for store in tidy):
        raise UserRefused(f"at most {MAX_STORES} stores, each of at most {MAX_NAME} characters")
    return tidy

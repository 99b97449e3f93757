"""Roles as data: `roles.toml`."""

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources

import msgspec

from tillkeeper.contract.caller import Permission


class Role(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`training`: whoever has it practises, whatever else they are."""

    permissions: frozenset[Permission]
    training: bool = False


@cache
def roles() -> dict[str, Role]:
    """All roles by name."""
    text = resources.files("tillkeeper.people").joinpath("roles.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Role])


def permissions_of(names: Iterable[str]) -> frozenset[Permission]:
    """What a person with these roles may do; a name that is no role adds nothing."""
    known = roles()
    return frozenset(permission for name in names if name in known for permission in known[name].permissions)


def practises(names: Iterable[str]) -> bool:
    """Whether a person with these roles always starts in training."""
    known = roles()
    return any(known[name].training for name in names if name in known)

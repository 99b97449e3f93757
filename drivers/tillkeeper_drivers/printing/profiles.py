"""Printer models as data files: one TOML table for each, whatever the command set."""

import tomllib
from collections.abc import Callable
from importlib import resources
from typing import TypeVar

import msgspec

P = TypeVar("P", bound=msgspec.Struct)

_OF_ONE_MODEL = ("read", "copied")
"""Keys that `like` does not take over: on which page of this very model's manual something stands."""


class ProfileError(ValueError):
    """A profile is unknown or its data contradict themselves; the message names it and what is wrong."""


def shipped(package: str) -> str:
    """The text of the models that come with a driver."""
    return resources.files(package).joinpath("profiles.toml").read_text(encoding="utf-8")


def parse(text: str, kind: type[P], check: Callable[[P], None]) -> dict[str, P]:
    """Profiles from TOML: one table each, its key is the profile's name. `like`: the table above that it takes the rest from.
    `check`: what types can not say; raises ProfileError.

    Raises:
        ProfileError: not TOML, an unknown or missing key, a wrong type, or by `check`.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"profiles: not TOML: {error}") from error
    profiles: dict[str, P] = {}
    for name, given in tables.items():
        if not isinstance(given, dict):
            raise ProfileError(f"profile {name}: expected a table")
        table = dict(given)
        like = table.pop("like", None)
        if like is not None:
            if like not in profiles:
                raise ProfileError(f"profile {name}: there is no profile {like!r} above it")
            taken = {key: value for key, value in tables[like].items() if key not in _OF_ONE_MODEL}
            table = tables[name] = {**taken, **table}
        try:
            # strict=False: the keys of a TOML table are strings, page numbers are not.
            found = msgspec.convert({**table, "name": name}, kind, strict=False)
        except msgspec.ValidationError as error:
            raise ProfileError(f"profile {name}: {error}") from error
        check(found)
        profiles[name] = found
    return profiles

"""What comes with the package, by name: layouts, languages, countries. Imports nothing of the agent: the config asks it."""

import tomllib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

SUFFIX = ".toml"


def _folder() -> Traversable:
    return resources.files("tillkeeper.layouts")


@cache
def builtin_layouts() -> frozenset[str]:
    return _stems("builtin")


@cache
def languages() -> frozenset[str]:
    """Tags of the language files: "de", "de-CH"."""
    return _stems("words")


@cache
def country_tables() -> dict[str, Any]:
    """`countries.toml` as it stands."""
    return tomllib.loads(_folder().joinpath("countries.toml").read_text("utf-8"))


def countries() -> frozenset[str]:
    return frozenset(country_tables())


def own_layouts(folder: Path) -> frozenset[str]:
    """Names of the layouts in a store's own folder. Raises OSError: it can not be read."""
    return frozenset(path.stem for path in folder.iterdir() if path.suffix == SUFFIX and not path.name.startswith("."))


def builtin_text(name: str) -> str:
    """A built-in layout's TOML."""
    return _folder().joinpath("builtin", name + SUFFIX).read_text("utf-8")


def language_text(tag: str) -> str:
    """A language file's TOML."""
    return _folder().joinpath("words", tag + SUFFIX).read_text("utf-8")


def _stems(folder: str) -> frozenset[str]:
    return frozenset(
        entry.name.removesuffix(SUFFIX) for entry in _folder().joinpath(folder).iterdir() if entry.name.endswith(SUFFIX)
    )

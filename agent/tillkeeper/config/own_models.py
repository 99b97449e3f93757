"""Printer models of the store's own: ESC/POS profiles as `tillkeeper devices pair --export` writes them, in one file or in a
folder of them (`[models] own`)."""

import functools
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from tillkeeper.config.lines import scan
from tillkeeper.file_problem import nearest
from tillkeeper.plain_file import open_plain
from tillkeeper_drivers.escpos.profile import Features, Profile, load_profiles, parse_profiles
from tillkeeper_drivers.printing.profiles import ProfileError

MOST_FILES = 32
MOST_BYTES = 64 * 1024
"""Of one file; a profile has about one KB."""
MOST_MODELS = 100
HINT = "`tillkeeper devices pair --export FILE` writes one as it has to be"


class Models(NamedTuple):
    """`problems`: one line for each file that can not be used; the models of the others are `found`."""

    found: Mapping[str, Profile]
    problems: tuple[str, ...]


def read(place: Path) -> Models:
    """The models in the file or folder `place`. `like` may name one of ours, or one that stands before it. Blocking."""
    found: dict[str, Profile] = {}
    problems: list[str] = []
    above = resources.files("tillkeeper_drivers").joinpath("escpos/profiles.toml").read_text("utf-8")
    try:
        files = sorted(one for one in place.iterdir() if _is_one(one.name)) if place.is_dir() else [place]
    except OSError as error:
        files, problems = [], [f"{place} can not be read: {error.strerror}"]
    if len(files) > MOST_FILES:
        problems.append(f"{place} has {len(files)} files; the most is {MOST_FILES}")
    for file in files[:MOST_FILES]:
        try:
            text = _text(file)
            tables = tomllib.loads(text)
            names = tables.keys()
            if strays := [name for name, table in tables.items() if not isinstance(table, dict)]:
                raise ProfileError(f"profile {strays[0]}: expected a table")
            if taken := sorted(names & (load_profiles().keys() | found.keys())):
                raise ProfileError(f"there is a model {', '.join(map(repr, taken))} already: call it otherwise")
            if wrong := _unknown_key(text, tables):
                raise ProfileError(wrong)
            if not names:
                raise ProfileError("has no model in it")
            if len(found) + len(names) > MOST_MODELS:
                raise ProfileError(f"with its models there are {len(found) + len(names)}; the most is {MOST_MODELS}")
            made = parse_profiles(f"{above}\n{text}")
        except (OSError, ValueError, RecursionError) as error:
            problems.append(f"{file.name}: {_words(error)}")
            continue
        above = f"{above}\n{text}"
        found |= {name: made[name] for name in names}
    return Models(found, tuple(problems))


def _is_one(name: str) -> bool:
    return name.endswith(".toml") and not name.startswith(".")


def _unknown_key(text: str, tables: dict[str, Any]) -> str:
    """The first key that no model has, with its line and the nearest right one; empty where there is none."""
    profile = [key for key in Profile.__struct_fields__ if key != "name"] + ["like"]
    for name, table in tables.items():
        features = table.get("features")
        for keys, right, path in (
            (table, profile, (name,)),
            (features if isinstance(features, dict) else (), Features.__struct_fields__, (name, "features")),
        ):
            for key in keys:
                if key in right:
                    continue
                near = nearest(key, right)
                meant = f" (did you mean {near!r}?)" if near else ""
                return f"line {scan(text).of((*path, key))}: {'.'.join((*path, key))}: unknown key {key!r}{meant}"
    return ""


def _text(file: Path) -> str:
    with open_plain(file) as opened:
        data = opened.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ProfileError(f"has more than {MOST_BYTES // 1024} KB")
    return data.decode("utf-8")


def _words(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8 text"
    if isinstance(error, tomllib.TOMLDecodeError):
        return f"is not TOML: {error}"
    return f"can not be read: {error.strerror}" if isinstance(error, OSError) else str(error)


@functools.lru_cache(maxsize=8)
def read_once(place: str) -> Models:
    """As `read`, of `Config.models.own`, empty for none: what was found first holds until this process ends."""
    return read(Path(place)) if place else Models({}, ())


@functools.lru_cache(maxsize=8)
def escpos(place: str) -> Mapping[str, Profile]:
    """All ESC/POS models by name: ours, and those that could be read at `place`; see `read_once`."""
    return load_profiles() | dict(read_once(place).found)

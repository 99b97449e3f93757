"""Tables as the text of a configuration: a new one with comments, or changes in one that people have edited. Pure.

A text that is there is edited with tomlkit, which leaves comments, order and spelling of all else alone; what came out is read
back with tomllib and must hold exactly the wanted changes, whatever tomlkit does with an odd file.
"""

import copy
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from tillkeeper.errors import ConfigInvalid

Path = tuple[str, ...]
Table = dict[str, Any]
GONE = object()
"""In place of a value: it is taken out."""

HEAD = """\
# Written by `tillkeeper setup`. Change it here or with `tillkeeper setup`, which keeps your lines and comments; then
# `tillkeeper config check` this file and start the agent and the prober again. All keys: `tillkeeper config example`.
"""
WORDS = {
    "this_register": "which of [registers] this machine is",
    "data_dir": "journal, keys and tokens",
}
TITLES = {
    "store": "",
    "taxes": "Rates, and which of them an item of a tax category takes.",
    "registers": "The letter begins the ticket codes.",
    "devices": "Printers, screens and drawers; `tillkeeper devices discover` lists what is there.",
    "stations": "Where work is done: each of a station's devices gets every ticket of it.",
    "routing": "What goes to which station; the rest goes to `default`.",
    "tenders": "Cash needs no network. A card needs a [gateways] of its own and is refused without.",
    "catalogue": "",
    "staff": "Who signs in: `tillkeeper staff`.",
    "hq": "",
    "roles": "",
    "replication": "The store's registers keep copies of each other's books.",
    "api": "",
    "lan": "Pages on the store's own network.",
    "pages": "The other registers, for a tablet that shows the kitchen's tickets.",
    "network": "What the prober watches, and the words for whoever is sent to a cable.",
}
SHARED = frozenset({"pages"})
"""Tables of which setup knows a part: they do not go with it."""
EXAMPLE_MENU = "AN EXAMPLE: the menu that comes with Tillkeeper, nobody's real one. Replace it before you sell."


def fresh(tables: Table) -> str:
    """The text of a configuration that is not there yet."""
    lines = [HEAD.rstrip("\n"), ""]
    for key, value in tables.items():
        if not isinstance(value, dict):
            lines.append(_aligned(f"{key} = {value_text(value)}", WORDS.get(key, "")))
    for key, value in tables.items():
        if isinstance(value, dict):
            title = TITLES.get(key, "")
            if key == "catalogue" and value.get("file") == "builtin":
                title = EXAMPLE_MENU
            lines += ["", *([f"# {title}"] if title else []), *sections((key,), value)]
    return "\n".join(lines) + "\n"


def sections(path: Path, table: Table) -> list[str]:
    """With its own header where it has values of its own, or nothing at all; then its tables."""
    plain = {key: value for key, value in table.items() if not isinstance(value, dict) or _inline(key)}
    inner = {key: value for key, value in table.items() if key not in plain}
    parts: list[list[str]] = []
    if plain or not inner:
        parts.append(
            [f"[{'.'.join(map(_key, path))}]", *(f"{_key(key)} = {value_text(value)}" for key, value in plain.items())]
        )
    parts += [sections((*path, key), value) for key, value in inner.items()]
    return [line for at, part in enumerate(parts) for line in (*([""] if at else []), *part)]


def _inline(key: str) -> bool:
    return key == "by_order_type"


def _aligned(text: str, words: str) -> str:
    return f"{text:<34}# {words}" if words else text


def _key(key: str) -> str:
    import tomlkit

    return str(tomlkit.key(key).as_string())


def value_text(value: Any) -> str:
    import tomlkit

    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {value_text(item)}" for key, item in value.items()) + " }"
    return str(tomlkit.item(value).as_string())


# --- changes ---


def changes(before: Table, after: Table) -> list[tuple[Path, Any]]:
    """What has to be set or taken out (`GONE`) to make `after` of `before`, in order. Lists are values."""
    return list(_changes(before, after, ()))


def _changes(before: Table, after: Table, path: Path) -> Iterator[tuple[Path, Any]]:
    for key, value in before.items():
        if key not in after and key in SHARED and not path:
            yield from (((key, one), GONE) for one in value)
        elif key not in after:
            yield (*path, key), GONE
    for key, value in after.items():
        old = before.get(key)
        if isinstance(value, dict):
            yield from _changes(old if isinstance(old, dict) else {}, value, (*path, key))
            if not value and key not in before:
                yield (*path, key), {}
        elif key not in before or old != value:
            yield (*path, key), value


def edited(text: str, wanted: list[tuple[Path, Any]], file: str) -> str:
    """`text` with the changes in it; the very same text where there are none.

    Raises:
        ConfigInvalid: the changes can not be made in this text.
    """
    if not wanted:
        return text
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        for path, value in wanted:
            _apply(document, path, value, new=tomlkit.table)
        made = tomlkit.dumps(document)
        expected = copy.deepcopy(tomllib.loads(text))
        for path, value in wanted:
            _apply(expected, path, value, new=dict)
        if tomllib.loads(made) == expected:
            return made
        cause = "its form is too unusual to be changed by a program"
    except (TOMLKitError, tomllib.TOMLDecodeError, TypeError, KeyError, ValueError) as error:
        cause = f"it can not be changed by a program: {error}"
    raise ConfigInvalid("edit", file, cause, "change it by hand; `tillkeeper config check` says whether it is right")


def _apply(document: Any, path: Path, value: Any, *, new: Any) -> None:
    table = above = document
    for key in path[:-1]:
        if key not in table:
            if value is GONE:
                return
            table[key] = new()
        above, table = table, table[key]
        if not isinstance(table, Mapping):
            raise TypeError(f"{'.'.join(path)} is no table there")
    if value is GONE:
        if path[-1] in table:
            del table[path[-1]]
            if not table and len(path) > 1:  # tomlkit would write nothing of a table that had no header of its own
                above[path[-2]] = new()
    else:
        table[path[-1]] = new() if value == {} else value

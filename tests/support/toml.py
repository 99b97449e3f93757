"""Writes TOML, as far as a configuration needs it."""

import json
from collections.abc import Mapping
from typing import Any


def dumps(table: Mapping[str, Any]) -> str:
    """Nested mappings of texts, numbers, truth values and lists of these. Raises ValueError for anything else."""
    return "\n".join(_table(table, ()))


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, table by table; a change to None removes the key."""
    return _without_none(both(base, changes))


def both(first: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Any]:
    """The changes that come to `first` and `then` one after the other: what they remove is still to be removed."""
    whole = dict(first)
    for key, value in then.items():
        before = whole.get(key)
        whole[key] = both(before if isinstance(before, Mapping) else {}, value) if isinstance(value, Mapping) else value
    return whole


def _without_none(table: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, Mapping) else value for key, value in table.items() if value is not None
    }


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    plain = [f"{json.dumps(key)} = {_value(value)}" for key, value in table.items() if not isinstance(value, Mapping)]
    head = [f"[{'.'.join(map(json.dumps, path))}]"] if path else []
    inner = [line for key, value in table.items() if isinstance(value, Mapping) for line in _table(value, (*path, key))]
    return [*head, *plain, *inner]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    raise ValueError(f"{value!r} has no place in a configuration")

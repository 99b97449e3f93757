"""Writes TOML, as far as a configuration needs it."""

import json
from collections.abc import Mapping
from typing import Any


def dumps(table: Mapping[str, Any]) -> str:
    """Nested mappings of texts, numbers, truth values and lists of these. Raises ValueError for anything else."""
    return "\n".join(_table(table, ()))


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, table by table; a change to None removes the key."""
    whole = dict(base)
    for key, value in changes.items():
        if value is None:
            whole.pop(key, None)
        elif isinstance(value, Mapping):
            before = whole.get(key)
            whole[key] = merged(before if isinstance(before, Mapping) else {}, value)
        else:
            whole[key] = value
    return whole


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

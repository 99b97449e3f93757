"""Reads a catalogue file and reports everything that is wrong with it at once, each with its line."""

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Collection
from typing import Any, TypeVar

import msgspec

from tillkeeper.errors import ConfigInvalid
from tillkeeper.file_problem import Problem, nearest
from tillkeeper.sales.catalogue_model import (
    Catalogue,
    CatalogueCategory,
    CatalogueDiscount,
    Content,
    Entry,
    Item,
    ModifierGroup,
)
from tillkeeper.sales.money import ppm

__all__ = ["Catalogue", "parse_catalogue"]

MAX_BYTES = 16 * 1024 * 1024
MAX_ENTRIES = {"categories": 1_000, "groups": 10_000, "items": 50_000, "discounts": 1_000}
MAX_MODIFIERS = 500
MAX_PROBLEMS = 200

E = TypeVar("E", bound=Entry)


class _Reader:
    """Collects problems while it reads one file."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.lines: dict[str, list[int]] = {}
        if not name.endswith(".json"):
            for number, line in enumerate(text.splitlines(), 1):
                if header := re.match(r"\s*\[\[\s*(\w+)\s*\]\]", line):
                    self.lines.setdefault(header[1], []).append(number)

    def report(self, where: str, what: str, near: str = "", *, table: str = "", index: int = -1) -> None:
        lines = self.lines.get(table, [])
        line = lines[index] if 0 <= index < len(lines) else 0
        self.problems.append(Problem(self.name, line, where, what, near))

    def entries(self, raw: dict[str, Any], table: str, kind: type[E]) -> list[tuple[int, E]]:
        """The well-formed entries of one table with their place in it; the others are reported."""
        listed = raw.get(table, [])
        if not isinstance(listed, list):
            self.report(table, f"has to be a list of tables: [[{table}]]")
            return []
        if len(listed) > MAX_ENTRIES[table]:
            self.report(table, f"{len(listed)} entries; at most {MAX_ENTRIES[table]} are taken")
            return []
        found: list[tuple[int, E]] = []
        for index, value in enumerate(listed):
            where = self.where(table, index, value)
            try:
                entry = msgspec.convert(value, kind)
            except msgspec.ValidationError as error:
                text = str(error)
                unknown = re.search(r"unknown field `(.*?)`", text)
                near = nearest(unknown[1], kind.__struct_fields__) if unknown else ""
                self.report(where, text, near, table=table, index=index)
            else:
                self.check_texts(entry, where, table, index)
                found.append((index, entry))
        for name, times in Counter(entry.id for _, entry in found).items():
            if times > 1:
                last = max(index for index, entry in found if entry.id == name)
                self.report(f"{table}.{name}", f"this id stands {times} times", table=table, index=last)
        return found

    @staticmethod
    def where(table: str, index: int, value: object) -> str:
        name = value.get("id") if isinstance(value, dict) else None
        return f"{table}.{name}" if isinstance(name, str) else f"{table}[{index}]"

    def check_texts(self, entry: Entry, where: str, table: str, index: int) -> None:
        for field in ("name", "kitchen_name"):
            if has_control_characters(getattr(entry, field, "")):
                self.report(where, f"{field} holds control characters", table=table, index=index)


def has_control_characters(text: str) -> bool:
    """Whether a text holds a character that could be a command to a device; line break and tab do not count."""
    return any(unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t" for character in text)


def _check_group(reader: _Reader, group: ModifierGroup, index: int) -> None:
    where = f"groups.{group.id}"
    for modifier_id, times in Counter(modifier.id for modifier in group.modifiers).items():
        if times > 1:
            reader.report(where, f"modifier {modifier_id} stands {times} times", table="groups", index=index)
    for modifier in group.modifiers:
        reader.check_texts(modifier, f"{where}.{modifier.id}", "groups", index)
    if len(group.modifiers) > MAX_MODIFIERS:
        what = f"{len(group.modifiers)} modifiers; at most {MAX_MODIFIERS} are taken"
        reader.report(where, what, table="groups", index=index)
    if group.max is not None and group.max < group.min:
        reader.report(where, f"max = {group.max} is less than min = {group.min}", table="groups", index=index)
    if group.min and not group.modifiers:
        reader.report(where, "needs a pick but has no modifiers", table="groups", index=index)


def _check_item(
    reader: _Reader,
    item: Item,
    index: int,
    groups: dict[str, ModifierGroup],
    categories: Collection[str],
    taxes: Collection[str] | None,
) -> None:
    where = f"items.{item.id}"

    def dangling(what: str, name: str, known: Collection[str]) -> None:
        near = nearest(name, known)
        reader.report(where, f"{what} {name!r} does not exist", near, table="items", index=index)

    if item.category not in categories:
        dangling("category", item.category, categories)
    if taxes is not None and item.tax not in taxes:
        dangling("tax category", item.tax, taxes)
    owner: dict[str, str] = {}
    for name, times in Counter(item.modifier_groups).items():
        if name not in groups:
            dangling("modifier group", name, groups)
            continue
        if times > 1:
            reader.report(where, f"modifier group {name} stands {times} times", table="items", index=index)
        for modifier_id in {modifier.id for modifier in groups[name].modifiers}:
            if modifier_id in owner:
                what = f"modifier {modifier_id} stands in two of its groups, {owner[modifier_id]} and {name}"
                reader.report(where, what, table="items", index=index)
            owner[modifier_id] = name


def _check_discount(reader: _Reader, discount: CatalogueDiscount, index: int) -> None:
    where = f"discounts.{discount.id}"
    if (discount.percent is not None) + (discount.amount_minor is not None) + discount.open != 1:
        reader.report(where, "needs exactly one of percent, amount_minor and open", table="discounts", index=index)
    if discount.percent is not None:
        try:
            if ppm(discount.percent) == 0:
                reader.report(where, "percent is 0", table="discounts", index=index)
        except ValueError as error:
            reader.report(where, f"percent: {error}", table="discounts", index=index)


def parse_catalogue(data: bytes, name: str, tax_categories: Collection[str] | None = None) -> Catalogue:
    """A catalogue from the bytes of its file: TOML, or JSON where `name` ends with ".json". `tax_categories`: those of the
    configuration, checked where given.

    Raises:
        ConfigInvalid: `extra["problems"]` is a tuple of `Problem`: all of them, up to 200.
    """
    raw, text = _decode(data, name)
    reader = _Reader(name, text)
    for key in raw:
        if key not in Content.__struct_fields__:
            near = nearest(key, Content.__struct_fields__)
            reader.report(key, "this table is not known", near, table=key, index=0)
    categories = reader.entries(raw, "categories", CatalogueCategory)
    groups = reader.entries(raw, "groups", ModifierGroup)
    items = reader.entries(raw, "items", Item)
    discounts = reader.entries(raw, "discounts", CatalogueDiscount)
    for index, group in groups:
        _check_group(reader, group, index)
    group_by_id = {group.id: group for _, group in groups}
    category_ids = {category.id for _, category in categories}
    for index, item in items:
        _check_item(reader, item, index, group_by_id, category_ids, tax_categories)
    for index, discount in discounts:
        _check_discount(reader, discount, index)
    if not items and not reader.problems:
        reader.report("items", "a catalogue needs at least one item")
    if reader.problems:
        raise _invalid(name, tuple(sorted(reader.problems, key=lambda problem: problem.line)))
    return Catalogue(
        Content(
            categories=tuple(entry for _, entry in categories),
            groups=tuple(entry for _, entry in groups),
            items=tuple(entry for _, entry in items),
            discounts=tuple(entry for _, entry in discounts),
        )
    )


def _decode(data: bytes, name: str) -> tuple[dict[str, Any], str]:
    def bad(what: str, line: int = 0) -> ConfigInvalid:
        return _invalid(name, (Problem(name, line, "", what),))

    if len(data) > MAX_BYTES:
        raise bad(f"{len(data)} bytes; at most {MAX_BYTES} are read")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise bad("is not UTF-8", data.count(b"\n", 0, error.start) + 1) from None
    try:
        raw = msgspec.json.decode(data) if name.endswith(".json") else tomllib.loads(text)
    except msgspec.DecodeError as error:
        raise bad(f"is not JSON: {error}") from None
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"at line (\d+)", str(error))
        raise bad(f"is not TOML: {error}", int(where[1]) if where else 0) from None
    except RecursionError:
        raise bad("is nested too deeply") from None
    if not isinstance(raw, dict):
        raise bad("has to be one object with items")
    return raw, text


def _invalid(name: str, problems: tuple[Problem, ...]) -> ConfigInvalid:
    first = problems[0]
    cause = f"{len(problems)} problems, the first: {first}" if len(problems) > 1 else str(first)
    return ConfigInvalid("read catalogue", name, cause, "", problems=problems[:MAX_PROBLEMS])

"""docs/setup.md: its file of answers is one, and has every key that there is."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from tillkeeper.setup import answers, text
from tillkeeper.setup.answers import Answers
from tillkeeper.setup.tables import Places, tables

PAGE = Path(__file__).resolve().parents[2] / "docs/setup.md"


def example() -> str:
    (block,) = re.findall(r"```toml\n(version = .*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return str(block)


def test_the_answers_of_the_documentation_make_a_configuration() -> None:
    said = answers.read(example(), "docs/setup.md", Answers())
    made = tables(said, Places(menu="menu.toml", token_file="hq-token"))
    assert tomllib.loads(text.fresh(made)) == made
    assert made["taxes"]["categories"]["food"]["by_order_type"]["takeout"] == "tax-7"


def test_every_key_is_explained() -> None:
    shown = tomllib.loads(example()) | {"displays": []}
    assert "`displays = [" in PAGE.read_text("utf-8")
    assert not missing(shown, msgspec.structs.fields(Answers), "")


def missing(shown: dict[str, Any], fields: tuple[msgspec.structs.FieldInfo, ...], path: str) -> list[str]:
    """Keys of the structs that are not shown; of named things the first one shows them. [links] is the configuration's."""
    found = []
    for field in fields:
        here = f"{path}{field.name}"
        if field.name not in shown:
            found.append(here)
            continue
        inner, value = field.type, shown[field.name]
        if getattr(inner, "__origin__", None) is dict:
            inner, value = inner.__args__[1], next(iter(value.values()))
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            found += missing(value, () if field.name in ("links", "serial") else msgspec.structs.fields(inner), f"{here}.")
    return found

"""The path -> line scanner against tomllib and against a writer of TOML that knows its own lines."""

import math
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tillkeeper.config.lines import Path, scan

TEXT = """\
title = "one" # [not.a.table]
list = [
  1, # first
  [2,
   3],
]
"quoted = key".'b.c' = 1979-05-27 07:32:00 # a date with a space
text = \"\"\"
[also.not]
key = 1 \\\"\"\" \"\"\"\"\"
literal = '''
[nor.this]
'''''
inline = { a = { b = 1 }, c.d = [ { e = 2 } ] }

[a.b]
x = 1
[a]
y.z = 2
[[fleet]]
name = "one"
[[fleet.crew]]
[[fleet.crew]]
n = 5
[fleet.extra]
k = 1
[[fleet]]
[[fleet.crew]]
last = true"""

EXPECTED: dict[Path, int] = {
    ("title",): 1,
    ("list",): 2,
    ("list", 0): 3,
    ("list", 1): 4,
    ("list", 1, 1): 5,
    ("quoted = key", "b.c"): 7,
    ("text",): 8,
    ("literal",): 11,
    ("inline", "a", "b"): 14,
    ("inline", "c", "d", 0, "e"): 14,
    ("a",): 18,
    ("a", "b"): 16,
    ("a", "b", "x"): 17,
    ("a", "y", "z"): 19,
    ("fleet",): 20,
    ("fleet", 0, "name"): 21,
    ("fleet", 0, "crew", 1): 23,
    ("fleet", 0, "crew", 1, "n"): 24,
    ("fleet", 0, "extra", "k"): 26,
    ("fleet", 1): 27,
    ("fleet", 1, "crew", 0, "last"): 29,
}


@pytest.mark.parametrize(("path", "line"), EXPECTED.items())
def test_line_of_each_kind_of_key(path: Path, line: int) -> None:
    tomllib.loads(TEXT)
    assert scan(TEXT).of(path) == line


def test_unknown_path_has_the_line_of_what_is_around_it() -> None:
    lines = scan(TEXT)
    assert lines.of(("a", "b", "missing", "deeper")) == 16
    assert lines.of(("nowhere",)) == 1
    assert lines.of(()) == 1


# --- a writer that knows its lines ---

KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5),
    st.sampled_from(["a.b", "[x]", "#", '"', "'", "=", ""]),
)
TRAPS = st.sampled_from(["[t]", "#", '"""', "'''", "a\nb", '"\n[x]\n', "\\"])
TEXTS = st.one_of(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8), TRAPS)
SCALARS = st.one_of(TEXTS, st.integers(-99, 99), st.booleans(), st.floats(allow_nan=False, width=16))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
TABLE = st.dictionaries(KEYS, VALUES, max_size=3)
TABLES = st.dictionaries(KEYS, VALUES | TABLE | st.lists(TABLE, min_size=1, max_size=3), max_size=5)


def plain(character: str) -> bool:
    return ord(character) >= 32 and ord(character) != 127


def escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if plain(character) else f"\\u{ord(character):04x}"


def is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and all(isinstance(i, dict) for i in value))


class Writer:
    """Writes nested dicts as TOML in styles that `draw` chooses, and notes the line of each path."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.out = ""
        self.lines: dict[Path, int] = {}

    def line(self) -> int:
        return self.out.count("\n") + 1

    def filler(self) -> str:
        return str(self.draw(st.sampled_from(["", "\n", "# [c] = 'x\n", "  \n\n"])))

    def quoted(self, text: str, multi: bool) -> str:
        basic = "".join(escaped(character) for character in text)
        styles = ["basic"]
        if "'" not in text and all(plain(character) for character in text):
            styles.append("literal")
        if multi:
            styles.append("multi")
            if "'''" not in text and not text.endswith("'") and all(c == "\n" or plain(c) for c in text):
                styles.append("multi_literal")
        style = self.draw(st.sampled_from(styles))
        if style == "literal":
            return f"'{text}'"
        if style == "multi":
            broken = "".join(c if c == "\n" else escaped(c) for c in text)
            return f'"""\n{broken}"""'
        if style == "multi_literal":
            return f"'''\n{text}'''"
        return f'"{basic}"'

    def key(self, key: str) -> str:
        bare = key and all(c.isascii() and (c.isalnum() or c in "_-") for c in key)
        return key if bare and self.draw(st.booleans()) else self.quoted(key, multi=False)

    def value(self, value: Any, path: Path) -> None:
        if isinstance(value, list):
            self.out += "["
            for index, item in enumerate(value):
                self.out += self.filler()
                self.lines[*path, index] = self.line()
                self.value(item, (*path, index))
                self.out += self.filler() + ","
            self.out += self.filler() + "]"
        elif isinstance(value, dict):
            self.out += "{"
            for index, (key, item) in enumerate(value.items()):
                self.out += "," if index else ""
                self.pair(key, item, path)
            self.out += "}"
        elif isinstance(value, str):
            self.out += self.quoted(value, multi=True)
        else:
            self.out += str(value).lower() if not isinstance(value, float) or math.isfinite(value) else repr(value)

    def pair(self, key: str, value: Any, path: Path) -> None:
        self.lines[*path, key] = self.line()
        self.out += f"{self.key(key)} = "
        self.value(value, (*path, key))

    def table(self, document: dict[str, Any]) -> None:
        chosen = {key for key, value in document.items() if is_table(value) and self.draw(st.booleans())}
        for key, value in document.items():
            if key not in chosen:
                self.out += self.filler()
                self.pair(key, value, ())
                self.out += " # end\n"
        for key in chosen:
            for index, value in enumerate(document[key]) if isinstance(document[key], list) else [(None, document[key])]:
                self.out += self.filler()
                self.lines.setdefault((key,), self.line())
                path: Path = (key,) if index is None else (key, index)
                self.lines[path] = self.line()
                name = self.key(key)
                self.out += f"[{name}]\n" if index is None else f"[[ {name} ]]\n"
                for inner, item in value.items():
                    self.pair(inner, item, path)
                    self.out += "\n"


@settings(max_examples=300, deadline=None)
@given(document=TABLES, data=st.data())
def test_scanner_agrees_with_tomllib_on_generated_files(document: dict[str, Any], data: st.DataObject) -> None:
    writer = Writer(data.draw)
    writer.table(document)
    assert tomllib.loads(writer.out) == document
    assert scan(writer.out).known() == writer.lines

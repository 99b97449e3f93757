"""Where in a TOML text each key stands. tomllib forgets lines, and an error without its line is half an error.

The text must be valid TOML 1.0 (tomllib has read it already): the scanner only keeps count, it checks nothing.
"""

import re
import tomllib

Path = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\n#]*")
_SPACE = re.compile(r"[ \t]*")
_FILLER = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:\\.|(?!""").)*"""(?:"{0,2})'  # a multi-line string may end in one or two quotes of its own
    r"|'''(?:(?!''').)*'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_SYNTAX_LINE = re.compile(r"\(at line (\d+), column \d+\)")


class Lines:
    """Lines (from 1) by path: `("devices", "grill", "profile")`, list items by their index."""

    def __init__(self, by_path: dict[Path, int]) -> None:
        self._by_path = by_path

    def of(self, path: Path) -> int:
        """The line of `path`, or of the nearest table around it that has one; 1 for the file as a whole."""
        while path:
            if (line := self._by_path.get(path)) is not None:
                return line
            path = path[:-1]
        return 1

    def known(self) -> dict[Path, int]:
        return dict(self._by_path)


def scan(text: str) -> Lines:
    """Walk over `text` once. A table has the line of its own header, else of the first key or header that made it."""
    return Lines(_Scanner(text).run())


def syntax_line(text: str, error: tomllib.TOMLDecodeError) -> int:
    """The line that tomllib complains about; the last one where it complains about the end of the text."""
    found = _SYNTAX_LINE.search(str(error))
    return int(found[1]) if found else text.rstrip("\n").count("\n") + 1


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.found: dict[Path, int] = {}
        self.tables: dict[Path, int] = {}
        """Arrays of tables: path -> how many so far."""

    def run(self) -> dict[Path, int]:
        table: Path = ()
        self._skip(_FILLER)
        while self.at < len(self.text):
            if self.text.startswith("[[", self.at):
                table = self._header(2)
            elif self.text[self.at] == "[":
                table = self._header(1)
            else:
                self._pair(table)
            self._skip(_FILLER)
        return self.found

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        taken = match[0] if match else ""
        self.at += len(taken)
        self.line += taken.count("\n")
        return taken

    def _header(self, brackets: int) -> Path:
        line = self.line
        self.at += brackets
        keys = self._key()
        self.at += brackets
        path: Path = ()
        for key in keys[:-1]:
            path = self._into(path, key, line)
        path = (*path, keys[-1])
        if brackets == 1:
            self.found[path] = line
            return path
        index = self.tables.get(path, 0)
        self.tables[path] = index + 1
        self.found.setdefault(path, line)
        self.found[*path, index] = line
        return (*path, index)

    def _into(self, path: Path, key: str, line: int) -> Path:
        """One step down: into the table, or into the newest table of an array of tables."""
        path = (*path, key)
        self.found.setdefault(path, line)
        return (*path, self.tables[path] - 1) if path in self.tables else path

    def _key(self) -> list[str]:
        parts: list[str] = []
        while True:
            self._skip(_SPACE)
            if self.text[self.at] in "\"'":
                parts.append(str(tomllib.loads("key = " + self._skip(_STRING))["key"]))
            elif bare := self._skip(_BARE_KEY):
                parts.append(bare)
            else:
                raise ValueError(f"no key on line {self.line}: the text is not TOML")
            self._skip(_SPACE)
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def _pair(self, table: Path) -> None:
        line = self.line
        path = table
        for key in self._key():
            path = (*path, key)
            self.found.setdefault(path, line)
        self.at += 1  # the equals sign
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip(_SPACE)
        match self.text[self.at]:
            case '"' | "'":
                self._skip(_STRING)
            case "[":
                self._inside("]", path)
            case "{":
                self._inside("}", path)
            case _:
                self._skip(_SCALAR)

    def _inside(self, closing: str, path: Path) -> None:
        """An array or an inline table."""
        self.at += 1
        index = 0
        self._skip(_FILLER)
        while self.text[self.at] != closing:
            if closing == "]":
                self.found[*path, index] = self.line
                self._value((*path, index))
            else:
                self._pair(path)
            index += 1
            self._skip(_FILLER)
            if self.text[self.at] == ",":
                self.at += 1
                self._skip(_FILLER)
        self.at += 1

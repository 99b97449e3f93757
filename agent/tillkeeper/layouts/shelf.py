"""The layouts of a store: those of its own folder before those that come with the package, each checked to the last element."""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from tillkeeper.config import lines
from tillkeeper.config.load import check_form
from tillkeeper.config.model import Config
from tillkeeper.errors import ConfigInvalid
from tillkeeper.file_problem import Problem, nearest
from tillkeeper.layouts import copies, names, rules
from tillkeeper.layouts.language import FALLBACK, language, own_words
from tillkeeper.layouts.model import DOCUMENTS, RECEIPTS, DocumentName, Layout
from tillkeeper.plain_file import open_plain

MAX_BYTES = 100_000
MAX_LINE = 2_000
"""In characters. The time that `tomllib` takes for a dotted key grows with the square of its length."""

Chosen = dict[tuple[DocumentName, str], Layout]
"""By document and station; the station is empty for the store's own choice."""


@dataclass(frozen=True)
class Usable:
    """What can be printed by: where one of the store's own is of no use, the document takes that of the package. `own`: the
    names in the store's folder. `problems`: of its files; `missing`: settings that name a layout which there is not;
    `unlisted`: why nobody knows what is in the folder, or empty."""

    layouts: Chosen
    own: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    missing: tuple[tuple[lines.Path, str], ...] = ()
    unlisted: str = ""

    def words(self, folder: str) -> tuple[Problem, ...]:
        """All that is wrong, what settings say as of the whole folder."""
        whole = [Problem(folder, 0, "", self.unlisted)] if self.unlisted else []
        named = (Problem(folder, 0, ".".join(map(str, path)), f"no layout {name!r}") for path, name in self.missing)
        return (*whole, *named, *self.problems)


def usable(config: Config) -> Usable:
    """Which layout each document takes, at each station that has its own; every file of the store's folder is read, used or
    not. Blocking."""
    own, problems, unlisted = _own(config.layouts.folder)
    made: Chosen = {}
    missing: list[tuple[lines.Path, str]] = []
    for key, path, name in _wanted(config):
        layout = own.get(name)
        if name not in own and name in names.builtin_layouts():
            layout = builtin(name)
        elif name not in own:
            missing.append((path, name))
        if layout is not None and (why := _unfit(config, key[0], layout)):
            problems.append(Problem(_file(config.layouts.folder, name), 1, *why))
            layout = None
        if layout is not None:
            made[key] = layout
        elif not key[1]:
            made[key] = builtin(key[0])
    return Usable(made, frozenset(own), tuple(problems), tuple(missing), unlisted)


def chosen(config: Config) -> Chosen:
    """As `usable`, for whoever is to see what is wrong.

    Raises:
        ConfigInvalid: with `extra["problems"]`, of all layout files at once.
    """
    found = usable(config)
    if problems := found.words(config.layouts.folder):
        count, hint = len(problems), "`tillkeeper config check` lists them"
        cause = f"{count} problem{'s' if count != 1 else ''}, the first: {problems[0]}"
        raise ConfigInvalid("read layouts", config.layouts.folder, cause, hint, problems=problems)
    return found.layouts


def parse(text: str, *, file: str) -> tuple[Layout | None, tuple[Problem, ...]]:
    """A layout from its TOML, or everything that is wrong with it, by line."""
    text = text.replace("\r\n", "\n")
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > MAX_LINE:
            return None, (Problem(file, number, "", f"a line of {len(line)} characters; the most is {MAX_LINE}"),)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, (Problem(file, lines.syntax_line(text, error), "", str(error).partition(" (at ")[0]),)
    except RecursionError:
        return None, (Problem(file, 1, "", "is nested too deeply"),)
    found: list[Problem] = []
    where: lines.Lines | None = None

    def report(path: lines.Path, what: str, wrong: str = "", right: Iterable[str] = ()) -> None:
        nonlocal where
        where = where or lines.scan(text)
        problem = Problem(file, where.of(path), ".".join(map(str, path)), what, nearest(wrong, right))
        if problem not in found:
            found.append(problem)

    check_form(table, Layout, (), report)
    if found:
        return None, tuple(sorted(found, key=lambda problem: problem.line))
    layout = msgspec.convert(table, Layout)
    rules.check(layout, english(), report)
    return (None if found else layout), tuple(sorted(found, key=lambda problem: problem.line))


@cache
def builtin(name: str) -> Layout:
    """A layout of the package, not checked again: a test does it. Raises KeyError: there is none of this name."""
    if name not in names.builtin_layouts():
        raise KeyError(name)
    return msgspec.convert(tomllib.loads(names.builtin_text(name)), Layout)


@cache
def english() -> dict[str, str]:
    """All words there are, by key."""
    return own_words(names.language_text(FALLBACK))


def _wanted(config: Config) -> Iterator[tuple[tuple[DocumentName, str], lines.Path, str]]:
    """By document and station: the setting, and the name that it says."""
    for document in DOCUMENTS:
        yield (document, ""), ("layouts", "use", document), config.layouts.use.get(document, document)
    for station, settings in config.stations.items():
        for document, name in settings.layouts.items():
            yield (document, station), ("stations", station, "layouts", document), name


def _own(folder: str) -> tuple[dict[str, Layout | None], list[Problem], str]:
    """The layouts of the store's folder, None for a broken one; what is wrong with them; why they can not be listed."""
    made: dict[str, Layout | None] = {}
    problems: list[Problem] = []
    try:
        found = sorted(names.own_layouts(Path(folder))) if folder else []
    except OSError as error:
        return made, problems, f"can not be read: {error.strerror}"
    for name in found:
        file = _file(folder, name)
        text, problem = _read(Path(file))
        if problem:
            made[name] = None
            problems.append(Problem(file, 0, "", problem))
            continue
        made[name], wrong = parse(text, file=file)
        problems += wrong
    return made, problems, ""


def _file(folder: str, name: str) -> str:
    return str(Path(folder) / (name + names.SUFFIX))


def _read(path: Path) -> tuple[str, str]:
    """The text, or what is wrong with the file."""
    try:
        with open_plain(path) as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        return "", f"can not be read: {error.strerror}"
    if len(raw) > MAX_BYTES:
        return "", f"is larger than {MAX_BYTES} bytes"
    try:
        return raw.decode("utf-8"), ""
    except UnicodeDecodeError:
        return "", "is not UTF-8 text"


def _unfit(config: Config, document: DocumentName, layout: Layout) -> tuple[str, str] | None:
    """Which part of it is why it can not be taken for this document, and why. A country that wants the original's time on
    copies gets no receipt without it."""
    if layout.document != document:
        return "document", f"is a layout of a {layout.document}, chosen for a {document}"
    if document in RECEIPTS and copies.rule(config).original_time:
        for field in rules.fields_always_printed(layout, ("original_date", "original_time"), english()):
            wanted = f"a copy in {config.store.country} carries the time of its original"
            return "elements", f"{wanted}: {{{field}}} is missing"
    return None


def read_languages(config: Config) -> None:
    """Those that this store prints, now, so that the first ticket does not wait for it."""
    for tag in {config.store.language, *(station.language for station in config.stations.values())}:
        language(tag or FALLBACK)

"""The layouts of a store: those of its own folder before those that come with the package, each checked to the last element."""

import tomllib
from collections.abc import Iterable, Iterator
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


def chosen(config: Config) -> Chosen:
    """Which layout each document takes, at each station that has its own.

    Raises:
        ConfigInvalid: with `extra["problems"]`, of all layout files at once.
    """
    made, problems = _chosen(config)
    if problems:
        count, hint = len(problems), "`tillkeeper config check` lists them"
        cause = f"{count} problem{'s' if count != 1 else ''}, the first: {problems[0]}"
        raise ConfigInvalid("read layouts", config.layouts.folder, cause, hint, problems=problems)
    return made


def problems_of(config: Config) -> tuple[Problem, ...]:
    """What is wrong with the layouts of this config; every file of the store's folder is read, used or not."""
    return _chosen(config)[1]


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


def _chosen(config: Config) -> tuple[Chosen, tuple[Problem, ...]]:
    own, problems = _own(config.layouts.folder)
    made: Chosen = {}
    for key, name in _wanted(config):
        layout = own.get(name)
        if layout is None and name not in own and name in names.builtin_layouts():
            layout = builtin(name)
        if layout is None:
            if name not in own:
                problems.append(Problem(config.layouts.folder, 0, name, f"there is no layout {name!r}"))
            continue
        if layout.document != key[0]:
            what = f"is a layout of a {layout.document}, chosen for a {key[0]}"
            problems.append(Problem(_file(config.layouts.folder, name), 1, "document", what))
        made[key] = layout
    problems += _copy_problems(config, made)
    return made, tuple(problems)


def _wanted(config: Config) -> Iterator[tuple[tuple[DocumentName, str], str]]:
    for document in DOCUMENTS:
        yield (document, ""), config.layouts.use.get(document, document)
    for station, settings in config.stations.items():
        for document, name in settings.layouts.items():
            yield (document, station), name


def _own(folder: str) -> tuple[dict[str, Layout | None], list[Problem]]:
    """The layouts of the store's folder, None for a broken one."""
    made: dict[str, Layout | None] = {}
    problems: list[Problem] = []
    for name in sorted(names.own_layouts(Path(folder))) if folder else ():
        file = _file(folder, name)
        text, problem = _read(Path(file))
        if problem:
            made[name] = None
            problems.append(Problem(file, 0, "", problem))
            continue
        made[name], found = parse(text, file=file)
        problems += found
    return made, problems


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


def _copy_problems(config: Config, made: Chosen) -> Iterator[Problem]:
    """A country that wants the original's time on copies gets no receipt without it."""
    if not copies.rule(config).original_time:
        return
    for (document, _station), layout in made.items():
        if document not in RECEIPTS:
            continue
        for field in rules.fields_always_printed(layout, ("original_date", "original_time"), english()):
            file = _file(config.layouts.folder, config.layouts.use.get(document, document))
            what = f"a copy in {config.store.country} carries the time of its original: {{{field}}} is missing"
            yield Problem(file, 1, "elements", what)


def read_languages(config: Config) -> None:
    """Those that this store prints, now, so that the first ticket does not wait for it."""
    for tag in {config.store.language, *(station.language for station in config.stations.values())}:
        language(tag or FALLBACK)

"""Read the configuration: every error at once, each with its file, its line and the nearest right word.

Only the file itself is judged here, whoever loads it: at a power-on nobody is there, so no file beside it - a logo, a printer
model, a layout, the catalogue, a secret - keeps a register from starting. Those are judged by `beside.problems`, which
`tillkeeper config check` and setup ask as well.

`parse` first checks the form (types, ranges, unknown keys) against the structs of `model`, then hands the raw tables to
`rules`, which checks that names point at something; a broken form does not hide a dangling name.
"""

import datetime
import tomllib
import types
import typing
from collections.abc import Collection, Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from tillkeeper.config import lines, rules
from tillkeeper.config.model import Config
from tillkeeper.config.raw import Report
from tillkeeper.errors import ConfigInvalid
from tillkeeper.file_problem import Problem, nearest
from tillkeeper.plain_file import open_plain
from tillkeeper_systemd import credentials

BUILTIN = "builtin"
"""As `catalogue.file`: the menu that comes with the package."""

_MAX_BYTES = 1_000_000
_WORDS: dict[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
    datetime.datetime: "a date and time",
    datetime.date: "a date",
    datetime.time: "a time",
}


def load(path: Path, *, profiles: Collection[str] | None = None) -> Config:
    """The configuration in the file `path`, with every path in it made absolute.

    Args:
        profiles: the printer profiles that exist; None takes those that come with the drivers.

    Raises:
        ConfigInvalid: with `extra["problems"]`, a tuple of `Problem` in the order of their lines.
    """
    try:
        with open_plain(path) as file:
            raw = file.read(_MAX_BYTES + 1)
        text = raw.decode("utf-8")
    except FileNotFoundError as error:
        raise _invalid([Problem(str(path), 0, "", "there is no such file")], str(path)) from error
    except OSError as error:
        raise _invalid([Problem(str(path), 0, "", f"can not be read: {error.strerror}")], str(path)) from error
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _invalid([Problem(str(path), line, "", "is not UTF-8 text")], str(path)) from error
    if len(raw) > _MAX_BYTES:
        raise _invalid([Problem(str(path), 0, "", f"is larger than {_MAX_BYTES} bytes")], str(path))
    return parse(text, file=str(path), folder=path.resolve().parent, profiles=profiles)


def parse(text: str, *, file: str, folder: Path, profiles: Collection[str] | None = None) -> Config:
    """The configuration in `text`. `file` is its name in messages, `folder` what relative paths start from.

    Raises:
        ConfigInvalid: as `load` does.
    """
    text = text.replace("\r\n", "\n")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what = str(error).partition(" (at ")[0]
        raise _invalid([Problem(file, lines.syntax_line(text, error), "", what)], file) from error
    except RecursionError as error:
        raise _invalid([Problem(file, 1, "", "is nested too deeply")], file) from error
    where = lines.scan(text)
    problems: list[Problem] = []

    def report(path: lines.Path, what: str, wrong: str = "", right: Iterable[str] = ()) -> None:
        dotted = ".".join(str(part) for part in path)
        problem = Problem(file, where.of(path), dotted, what, nearest(wrong, right))
        if problem not in problems:
            problems.append(problem)

    check_form(document, Config, (), report)
    known = known_profiles() if profiles is None else frozenset(profiles)
    rules.check(document, known, report, star_profiles())
    if problems:
        raise _invalid(sorted(problems, key=lambda problem: problem.line), file)
    return _absolute(msgspec.convert(document, Config), folder)


def known_profiles() -> frozenset[str]:
    """The printer models that the ESC/POS driver knows: read as data, the driver itself is not imported."""
    data = resources.files("tillkeeper_drivers").joinpath("escpos/profiles.toml").read_text("utf-8")
    return frozenset(tomllib.loads(data))


def star_profiles() -> frozenset[str]:
    """The printer models that the Star driver knows, read the same way."""
    data = resources.files("tillkeeper_drivers").joinpath("star/profiles.toml").read_text("utf-8")
    return frozenset(tomllib.loads(data))


def builtin_menu() -> Path:
    """The catalogue that comes with the package: the project's own menu."""
    return Path(str(resources.files("tillkeeper.config").joinpath("menu.toml")))


def _invalid(problems: list[Problem], file: str) -> ConfigInvalid:
    count = len(problems)
    cause = f"{count} problem{'s' if count != 1 else ''}, the first: {problems[0]}"
    return ConfigInvalid("read config", file, cause, "`tillkeeper config check` lists them all", problems=tuple(problems))


# --- form ---


def check_form(value: Any, kind: Any, path: lines.Path, report: Report) -> None:
    """Report whatever in `value` does not fit the type `kind` (structs of `msgspec`), all the way down."""
    origin = typing.get_origin(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if not isinstance(value, dict):
            report(path, f"should be a table, not {_word(value)}")
        else:
            _check_struct(value, kind, path, report)
    elif origin is dict:
        if not isinstance(value, dict):
            report(path, f"should be a table, not {_word(value)}")
            return
        key_kind, value_kind = typing.get_args(kind)
        for key, item in value.items():
            _check_leaf(key, key_kind, (*path, key), report)
            check_form(item, value_kind, (*path, key), report)
    elif origin is tuple:
        if not isinstance(value, list):
            report(path, f"should be a list, not {_word(value)}")
            return
        for index, item in enumerate(value):
            check_form(item, typing.get_args(kind)[0], (*path, index), report)
    else:
        _check_leaf(value, kind, path, report)


def _check_struct(value: dict[str, Any], kind: type[msgspec.Struct], path: lines.Path, report: Report) -> None:
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    missing = [name for name, field in fields.items() if field.required and name not in value]
    for key, item in value.items():
        if key in fields:
            check_form(item, fields[key].type, (*path, key), report)
            continue
        free = [name for name in fields if name not in value]
        report((*path, key), f"unknown key {key!r}", key, missing + free)
    for name in missing:
        report(path, f"{name!r} is missing")


def _check_leaf(value: Any, kind: Any, path: lines.Path, report: Report) -> None:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        options = [option for option in _options(kind) if isinstance(option, str)]
        if isinstance(value, str) and options:
            report(path, f"{value!r} is none of {', '.join(options)}", value, options)
        else:
            report(path, _reworded(str(error), value))


def _options(kind: Any) -> tuple[Any, ...]:
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return tuple(option for part in typing.get_args(kind) for option in _options(part))
    return typing.get_args(kind) if typing.get_origin(kind) is typing.Literal else ()


def _reworded(message: str, value: Any) -> str:
    """msgspec's message in the words of a TOML file."""
    message = message.partition(" - at ")[0]
    if message.startswith("Expected `") and ", got `" in message:
        expected = message.removeprefix("Expected `").partition("`")[0]
        if ", got `" in message and not any(sign in expected for sign in "<>="):
            names = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "null": ""}
            wanted = [names.get(part.strip(), part.strip()) for part in expected.split("|")]
            return f"should be {' or '.join(word for word in wanted if word)}, not {_word(value)}"
    if message.startswith("Invalid enum value"):
        return f"{value!r} is not one of the values that are allowed here"
    return f"{value!r} is out of range or has the wrong form: " + message[0].lower() + message[1:]


def _word(value: Any) -> str:
    return _WORDS.get(type(value), type(value).__name__)


# --- paths ---


def _absolute(config: Config, folder: Path) -> Config:
    """Every path absolute: sockets and the API's tokens within `data_dir`, the others from the file's folder."""
    data = folder / Path(config.data_dir).expanduser()
    api, hq, network = config.api, config.hq, config.network
    menu = builtin_menu() if config.catalogue.file == BUILTIN else folder / Path(config.catalogue.file).expanduser()
    return msgspec.structs.replace(
        config,
        data_dir=str(data),
        store=msgspec.structs.replace(config.store, logo=_within(folder, config.store.logo)),
        catalogue=msgspec.structs.replace(config.catalogue, file=str(menu)),
        api=msgspec.structs.replace(
            api,
            socket=str(data / api.socket),
            token_file=_within(data, api.token_file),
            page_token_file=_within(data, api.page_token_file),
        ),
        staff=msgspec.structs.replace(config.staff, file=_within(folder, config.staff.file)),
        gateways={
            name: msgspec.structs.replace(one, token_file=_within(folder, one.token_file))
            for name, one in config.gateways.items()
        },
        hq=msgspec.structs.replace(hq, token_file=_within(folder, hq.token_file), ca_file=_within(folder, hq.ca_file)),
        layouts=msgspec.structs.replace(config.layouts, folder=_within(folder, config.layouts.folder)),
        models=msgspec.structs.replace(config.models, own=_within(folder, config.models.own)),
        network=msgspec.structs.replace(network, socket=str(data / network.socket), key_file=_within(folder, network.key_file)),
    )


def _within(folder: Path, path: str) -> str:
    if credentials.is_credential(path):
        return credentials.located(path)
    return str(folder / Path(path).expanduser()) if path else ""

"""Answers from a file, with the menu and the secrets that it names."""

from collections.abc import Callable
from pathlib import Path

from tillkeeper.config import lines
from tillkeeper.errors import ConfigInvalid
from tillkeeper.file_problem import Problem
from tillkeeper.plain_file import open_plain
from tillkeeper.setup import checks, machine
from tillkeeper.setup.answers import Answers
from tillkeeper.setup.answers import read as read_answers
from tillkeeper.setup.asking import Wrong
from tillkeeper.setup.known import Menu, Secrets
from tillkeeper.setup.plan import Present
from tillkeeper.setup.site import Site

MAX_ANSWERS = 1_000_000


def unattended(file: Path, here: Site, before: Present) -> tuple[Answers, Menu, Secrets]:
    """What the file says over what is there. Raises: ConfigInvalid, OSError."""
    text, start = _text(file), file.resolve().parent
    said = read_answers(text, str(file), before.answers)
    own = () if here.is_image else machine.own_addresses()
    _refuse(file, text, _missing(said, before) + _elsewhere(said, before, own))
    try:
        menu = machine.read_menu(here, said.menu.file, start=start)
    except Wrong as error:
        raise ConfigInvalid("read answers", str(file), f"menu.file: {error}", "docs/setup.md") from error
    unknown = [key for key in menu.taxes if key not in said.taxes.categories]
    why = "'percent' is missing ({} items have it; a rate is never guessed)"
    _refuse(file, text, [(("taxes", "categories", key), why.format(menu.taxes[key])) for key in unknown])
    if here.is_image and said.join.code_file:
        cause = "a register joins where it runs, for its key must be in one place only"
        raise ConfigInvalid("read answers", str(file), f"join.code_file with --root: {cause}")
    return said, menu, _secrets(said, before, start)


def _text(file: Path) -> str:
    with open_plain(file) as opened:
        raw = opened.read(MAX_ANSWERS + 1)
    if len(raw) > MAX_ANSWERS:
        raise ConfigInvalid("read answers", str(file), f"it is larger than {MAX_ANSWERS} bytes")
    try:
        return raw.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ConfigInvalid("read answers", str(file), "it is not UTF-8 text") from error


def _secrets(said: Answers, before: Present, start: Path) -> Secrets:
    secrets = Secrets()
    if said.hq.token_file:
        secrets.hq_token = _secret(said.hq.token_file, "hq.token_file", start, checks.token)
    if said.people.manager and said.people.manager not in before.people:
        secrets.pin = _secret(said.people.pin_file, "people.pin_file", start, checks.pin_of(pin_length(before)))
    if said.join.code_file and not before.joined:
        secrets.join_code = machine.read_secret(said.join.code_file, "join.code_file", start)
    return secrets


Found = list[tuple[tuple[str, ...], str]]
"""Where in the file, and what is wrong there."""


def _refuse(file: Path, text: str, found: Found) -> None:
    """Raises ConfigInvalid where something was found, each with its line."""
    if found:
        where = lines.scan(text)
        problems = tuple(Problem(str(file), where.of(path), ".".join(path), what) for path, what in found)
        shown = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        raise ConfigInvalid("read answers", str(file), f"{shown}; nothing was changed", "docs/setup.md", problems=problems)


def _missing(said: Answers, before: Present) -> Found:
    """Secrets that are needed, are not there yet, and which the file does not name."""
    found: Found = []
    if said.hq.url and not said.hq.token_file and not before.has_token:
        found.append((("hq",), "'token_file' is missing: HQ knows this register by its token"))
    if said.people.manager and said.people.manager not in before.people and not said.people.pin_file:
        found.append((("people",), "'pin_file' is missing: the manager needs a PIN"))
    return found


def _elsewhere(said: Answers, before: Present, own: tuple[str, ...]) -> Found:
    """An address for the pages that is new, and not this machine's."""
    lan = said.pages.lan
    if not lan or lan == before.answers.pages.lan or said.pages.lan_later or not (trouble := checks.foreign(lan, own)):
        return []
    return [(("pages", "lan"), f"{trouble}; where it gets it later say lan_later = true")]


def pin_length(before: Present) -> int:
    return before.config.staff.pin_length if before.config is not None else checks.PIN_LENGTH


def _secret(path: str, setting: str, start: Path, check: Callable[[str], str]) -> str:
    try:
        return check(machine.read_secret(path, setting, start))
    except Wrong as error:
        raise ConfigInvalid("read", setting, str(error)) from error

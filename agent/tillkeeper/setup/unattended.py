"""Answers from a file, with the menu and the secrets that it names."""

from collections.abc import Callable
from pathlib import Path

from tillkeeper.errors import ConfigInvalid
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
    with file.open("rb") as opened:
        raw = opened.read(MAX_ANSWERS + 1)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigInvalid("read answers", str(file), "it is not UTF-8 text") from error
    if len(raw) > MAX_ANSWERS:
        raise ConfigInvalid("read answers", str(file), f"it is larger than {MAX_ANSWERS} bytes")
    said = read_answers(text, str(file), before.answers)
    start = file.resolve().parent
    try:
        menu = machine.read_menu(here, said.menu.file, start=start)
    except Wrong as error:
        raise ConfigInvalid("read answers", str(file), f"menu.file: {error}", "docs/setup.md") from error
    if unknown := [key for key in menu.taxes if key not in said.taxes.categories]:
        problems = tuple(
            f"{file}: taxes.categories.{key}: 'percent' is missing ({menu.taxes[key]} items have it; a rate is never guessed)"
            for key in unknown
        )
        raise ConfigInvalid("read answers", str(file), "a tax rate is missing; nothing was changed", problems=problems)
    if here.is_image and said.join.code_file:
        cause = "a register joins where it runs, for its key must be in one place only"
        raise ConfigInvalid("read answers", str(file), f"join.code_file with --root: {cause}")
    secrets = Secrets()
    if said.hq.token_file:
        secrets.hq_token = _secret(said.hq.token_file, "hq.token_file", start, checks.token)
    if said.people.manager and said.people.manager not in before.people:
        if not said.people.pin_file:
            raise ConfigInvalid("read answers", str(file), "people.pin_file is missing: the manager needs a PIN")
        secrets.pin = _secret(said.people.pin_file, "people.pin_file", start, checks.pin_of(pin_length(before)))
    if said.join.code_file and not before.joined:
        secrets.join_code = machine.read_secret(said.join.code_file, "join.code_file", start)
    return said, menu, secrets


def pin_length(before: Present) -> int:
    return before.config.staff.pin_length if before.config is not None else checks.PIN_LENGTH


def _secret(path: str, setting: str, start: Path, check: Callable[[str], str]) -> str:
    try:
        return check(machine.read_secret(path, setting, start))
    except Wrong as error:
        raise ConfigInvalid("read", setting, str(error)) from error

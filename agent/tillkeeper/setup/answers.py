"""What a technician answers, as data: the form of the file of answers (docs/setup.md), and what is wrong with one. Pure.

Tables and keys are named as in the configuration, as far as it has them. No secret is part of it: `*_file` says where one is
to be read from.
"""

import tomllib
from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from tillkeeper.config import lines
from tillkeeper.config.load import check_form
from tillkeeper.config.model import SerialLine
from tillkeeper.config.network import Links
from tillkeeper.config.section import Section
from tillkeeper.errors import ConfigInvalid
from tillkeeper.file_problem import Problem, nearest
from tillkeeper.setup import checks
from tillkeeper.setup.asking import Wrong

VERSION = 1
EXAMPLE = "example"
"""As `menu.file`: the menu that comes with the package."""


class StoreSaid(Section, frozen=True, omit_defaults=True):
    id: str = ""
    name: str = ""
    timezone: str = ""
    currency: str = ""
    language: str = "en"
    country: str = ""
    receipt_header: tuple[str, ...] = ()


class RegisterSaid(Section, frozen=True, omit_defaults=True):
    """`pages_port`: of its pages on the store's network, as another register knows it; 0: what is there, else this one's."""

    letter: str = ""
    address: str = ""
    receipt_printer: str = ""
    drawer: str = ""
    pages_port: int = 0


class RolesSaid(Section, frozen=True, omit_defaults=True):
    """Of a store with several registers. The primary makes the store's keys, the others join there."""

    primary: str = ""
    backup: str = ""


class MenuSaid(Section, frozen=True, omit_defaults=True):
    """`file`: a catalogue (TOML, JSON), an export of orders (.tsv), or "example"."""

    file: str = ""


class CategorySaid(Section, frozen=True, omit_defaults=True):
    """`takeaway`: the rate of what is not eaten here, where it is another one."""

    percent: str = ""
    takeaway: str = ""


class TaxesSaid(Section, frozen=True, omit_defaults=True):
    name: str = "Tax"
    included: bool = False
    categories: dict[str, CategorySaid] = {}


class PrinterSaid(Section, frozen=True, omit_defaults=True):
    """`register`: the one that it is plugged into, where it is no network printer and there are several."""

    address: str = ""
    model: str = "generic-80"
    mac: str = ""
    register: str = ""
    serial: SerialLine = SerialLine()


class DrawerSaid(Section, frozen=True, omit_defaults=True):
    printer: str = ""
    pin: Literal[2, 5] = 2


class StationSaid(Section, frozen=True, omit_defaults=True):
    """The first station gets what no other one's `categories` name."""

    title: str = ""
    devices: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class HqSaid(Section, frozen=True, omit_defaults=True):
    """`token_file`: the token is copied from its first line; empty: the token that is there stays. `ca_file`: who signed HQ's
    certificate, where that is none of the machine's authorities."""

    url: str = ""
    token_file: str = ""
    ca_file: str = ""


class PagesSaid(Section, frozen=True, omit_defaults=True):
    """`port` of the loopback, 0 for none. `lan`: ADDRESS:PORT on the store's network, empty for none; `lan_later`: this machine
    need not have that address yet."""

    port: int = 8400
    lan: str = ""
    lan_later: bool = False


class PeopleSaid(Section, frozen=True, omit_defaults=True):
    """`manager`: short name of somebody with the role manager; `name`: as pages show it. `sign_in`: people have PINs."""

    sign_in: bool = False
    manager: str = ""
    name: str = ""
    pin_file: str = ""


class JoinSaid(Section, frozen=True, omit_defaults=True):
    code_file: str = ""


class Answers(Section, frozen=True, omit_defaults=True):
    register: str = "front"
    """Which of `registers` this machine is."""
    store: StoreSaid = StoreSaid()
    registers: dict[str, RegisterSaid] = {}
    roles: RolesSaid = RolesSaid()
    menu: MenuSaid = MenuSaid()
    taxes: TaxesSaid = TaxesSaid()
    printers: dict[str, PrinterSaid] = {}
    drawers: dict[str, DrawerSaid] = {}
    displays: tuple[str, ...] = ()
    stations: dict[str, StationSaid] = {}
    hq: HqSaid = HqSaid()
    pages: PagesSaid = PagesSaid()
    people: PeopleSaid = PeopleSaid()
    join: JoinSaid = JoinSaid()
    links: Links = Links()

    @property
    def this(self) -> RegisterSaid:
        return self.registers.get(self.register, RegisterSaid())

    @property
    def primary(self) -> str:
        """Of a store with several registers: the one of the lowest letter, unless another is named."""
        by_letter = sorted(self.registers, key=lambda name: self.registers[name].letter)
        return self.roles.primary if self.roles.primary in self.registers else next(iter(by_letter), self.register)

    @property
    def backup(self) -> str:
        by_letter = sorted(self.registers, key=lambda name: self.registers[name].letter)
        if self.roles.backup in self.registers and self.roles.backup != self.primary:
            return self.roles.backup
        return next((name for name in by_letter if name != self.primary), "")


class _File(Answers, frozen=True, omit_defaults=True):
    version: int = 0


WHOLE = ("registers", "printers", "drawers", "displays", "stations")
"""What a file of answers says of these it says of all of them: those that it leaves out go."""
_SECRETS = ("hq.token_file", "people.pin_file", "join.code_file")


def read(text: str, file: str, before: Answers) -> Answers:
    """`before` with what the file of answers `text` says laid over it.

    Raises:
        ConfigInvalid: with `extra["problems"]`, each with its line, as `config.load` does.
    """
    text = text.replace("\r\n", "\n")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what = str(error).partition(" (at ")[0]
        raise _invalid(file, [Problem(file, lines.syntax_line(text, error), "", what)]) from error
    except RecursionError as error:
        raise _invalid(file, [Problem(file, 1, "", "is nested too deeply")]) from error
    where = lines.scan(text)
    problems: list[Problem] = []

    def report(path: lines.Path, what: str, wrong: str = "", right: Any = ()) -> None:
        dotted = ".".join(str(part) for part in path)
        problems.append(Problem(file, where.of(path), dotted, what, nearest(wrong, right)))

    check_form(document, _File, (), report)
    if not problems and document.get("version") != VERSION:
        said = document.get("version")
        what = "'version' is missing" if said is None else f"version {said} is not known"
        report(("version",), f"{what}: this tillkeeper reads version = {VERSION}")
    if not problems:
        if "registers" in document:  # who leads among registers that are not there any more says nothing
            before = msgspec.structs.replace(before, roles=RolesSaid())
        merged = laid_over(msgspec.to_builtins(before), document)
        merged.pop("version", None)
        answers = msgspec.convert(merged, Answers)
        if answers.people.manager and "sign_in" not in document.get("people", {}):
            answers = msgspec.structs.replace(answers, people=msgspec.structs.replace(answers.people, sign_in=True))
        for path, why in wrong(answers):
            if "is missing" in why or _is_said(document, path):
                report(path, why)
        if not problems:
            return answers
    raise _invalid(file, sorted(problems, key=lambda problem: problem.line))


def _is_said(document: dict[str, Any], path: "Path") -> bool:
    """What is not, holds already, however it was written: the configuration's loader is the judge of that."""
    value: Any = document
    for key in path[:2]:
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True


def laid_over(before: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """What is said counts, key by key; of `WHOLE` table by table."""
    merged = dict(before)
    for key, value in said.items():
        old = merged.get(key)
        merged[key] = laid_over(old, value) if isinstance(value, dict) and isinstance(old, dict) and key not in WHOLE else value
    return merged


def _invalid(file: str, problems: list[Problem]) -> ConfigInvalid:
    shown = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
    return ConfigInvalid("read answers", file, f"{shown}; nothing was changed", "docs/setup.md", problems=tuple(problems))


# --- what each single answer may be ---

Path = tuple[str | int, ...]


def wrong(answers: Answers) -> list[tuple[Path, str]]:
    """Each answer that can not be, with where it stands in a file of answers, and each that is needed and missing. What must
    hold between them is the configuration's matter (`config.rules`)."""
    found: list[tuple[Path, str]] = []
    for path, value, check, needed in _all(answers):
        try:
            if value not in ("", None):
                right = check(str(value))
                if isinstance(right, str) and right != value and check is not checks.percent:
                    found.append((path, f"write it as {right!r}"))
            elif needed:
                found.append((path, f"{path[-1]!r} is missing"))
        except Wrong as error:
            shown = "" if ".".join(map(str, path)) in _SECRETS else f"{value!r}: "
            found.append((path, f"{shown}{error}"))
    for role, name in ("primary", answers.roles.primary), ("backup", answers.roles.backup):
        if name and name not in answers.registers:
            found.append((("roles", role), f"there is no [registers.{name}]"))
    if answers.register not in answers.registers:
        found.append((("register",), f"there is no [registers.{answers.register}]"))
    if answers.people.manager and not answers.people.sign_in:
        found.append((("people", "manager"), "with a manager comes sign_in = true"))
    if not answers.menu.file:
        found.append((("menu",), "'file' is missing: a catalogue, a .tsv export, or \"example\""))
    return found


def _all(said: Answers) -> Iterator[tuple[Path, Any, Callable[[str], object], bool]]:
    """(where, value, check, whether it is needed)."""
    store = said.store
    yield ("register",), said.register, checks.identifier, True
    yield ("store", "id"), store.id, checks.identifier, False
    yield ("store", "name"), store.name, checks.line, True
    yield ("store", "timezone"), store.timezone, checks.timezone, True
    yield ("store", "currency"), store.currency, checks.currency, True
    yield ("store", "language"), store.language, checks.language, True
    yield ("store", "country"), store.country, checks.country, False
    for at, header in enumerate(store.receipt_header):
        yield ("store", "receipt_header", at), header, checks.line, True
    for name, one in said.registers.items():
        yield ("registers", name), name, checks.identifier, True
        yield ("registers", name, "letter"), one.letter, checks.letter, True
        yield ("registers", name, "address"), one.address, str, False
        yield ("registers", name, "pages_port"), one.pages_port, checks.port, False
    yield ("taxes", "name"), said.taxes.name, checks.line, True
    for name, category in said.taxes.categories.items():
        yield ("taxes", "categories", name, "percent"), category.percent, checks.percent, True
        yield ("taxes", "categories", name, "takeaway"), category.takeaway, checks.percent, False
    for name, printer in said.printers.items():
        yield ("printers", name), name, checks.identifier, True
        yield ("printers", name, "address"), printer.address, checks.device, True
        yield ("printers", name, "mac"), printer.mac, checks.mac, False
    for name, station in said.stations.items():
        yield ("stations", name), name, checks.identifier, True
        yield ("stations", name, "title"), station.title, checks.line, False
    yield ("hq", "url"), said.hq.url, checks.url, False
    yield ("hq", "token_file"), said.hq.token_file, checks.secret_file, False
    yield ("hq", "ca_file"), said.hq.ca_file, checks.rooted, False
    yield ("pages", "port"), said.pages.port, checks.port, False
    yield ("pages", "lan"), said.pages.lan, checks.lan, False
    yield ("people", "manager"), said.people.manager, checks.identifier, False
    yield ("people", "name"), said.people.name, checks.line, False
    yield ("people", "pin_file"), said.people.pin_file, checks.secret_file, False
    yield ("join", "code_file"), said.join.code_file, checks.secret_file, False

"""What a set of answers would change on this register: read, built and checked here, written by `doing`."""

import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import asdict, replace

from tillkeeper.config.files import CONFIG
from tillkeeper.config.lan import Lan
from tillkeeper.config.load import BUILTIN, load, parse
from tillkeeper.config.model import Config
from tillkeeper.errors import ConfigInvalid, Refused
from tillkeeper.file_problem import Problem
from tillkeeper.journal.files import JOURNAL_FILE
from tillkeeper.people.roster import SECRET_FILE
from tillkeeper.setup import tablets, text
from tillkeeper.setup.answers import EXAMPLE, Answers
from tillkeeper.setup.disk import File, free_name, is_roots, is_there, read, refused
from tillkeeper.setup.known import Menu, Secrets
from tillkeeper.setup.people import names
from tillkeeper.setup.site import BEACON_KEY, HQ_CA, MENU, TOKEN, Site, as_agent
from tillkeeper.setup.tables import Places, present, store_id, tables
from tillkeeper.trust.shelf import FOLDER, ROSTER

STAND_IN = b"0" * 64 + b"\n"
"""In a secret's place while the configuration is checked: the secret itself is in no file but its own."""


@dataclass(frozen=True)
class Present:
    """What is there. `content` is None on a fresh register. `data`: the agent's data folder."""

    answers: Answers
    places: Places
    content: bytes | None = None
    config: Config | None = None
    data: Path = Path()
    people: tuple[str, ...] = ()
    joined: bool = False

    @property
    def has_token(self) -> bool:
        return bool(self.places.token_file)


@dataclass(frozen=True)
class Plan:
    """`config`: the file, as it will be. `files`: what is new beside it. `data`: the agent's folder, `makes_data`: it is to be
    made. `staff`: the roster, where there is to be one. `manager`: who is added to it. `joins`: a join code is used.
    `store_secret`: is to be made."""

    config: File
    before: bytes | None
    files: tuple[File, ...]
    loaded: Config = field(repr=False)
    data: Path
    staff: Path | None = None
    warnings: tuple[str, ...] = ()
    makes_data: bool = False
    manager: str = ""
    joins: bool = False
    store_secret: bool = False

    @property
    def changes_config(self) -> bool:
        return self.before != self.config.content

    @property
    def changes(self) -> bool:
        return self.needs_restart or bool(self.makes_data or self.manager or self.store_secret)

    @property
    def needs_restart(self) -> bool:
        """What the agent reads when it starts is another. It looks at the roster by itself."""
        return self.changes_config or bool(self.files) or self.joins


def look(site: Site) -> Present:
    """Raises: ConfigInvalid (a configuration is there and has errors), StorageRefused."""
    content = read(site.config)
    if content is None:
        return Present(Answers(), Places(), data=site.data, joined=(site.data / FOLDER / ROSTER).exists())
    config = load(site.config)
    said, places = present(tomllib.loads(content.decode("utf-8").replace("\r\n", "\n")), config)
    staff, data = _staff(site, config), site.placed(config.data_dir)
    people = names(staff, config.store.id) if staff else ()
    return Present(said, places, content, config, data, people, joined=(data / FOLDER / ROSTER).exists())


def _staff(site: Site, config: Config) -> Path | None:
    return site.placed(config.staff.file) if config.staff.file else None


def make(site: Site, before: Present, said: Answers, menu: Menu, secrets: Secrets, new_key: Callable[[], str]) -> Plan:
    """The plan, checked by the agent's own loader. Touches nothing.

    Args:
        new_key: makes a beacon key.

    Raises:
        ConfigInvalid: what the loader says of the configuration that would be written.
        Refused: this machine's journal belongs to another register.
    """
    _same_journal(before, said)
    places, files = _places(site, before, said, menu, secrets, new_key)
    said = replace(said, store=replace(said.store, id=store_id(said)))
    final = _text(before, said, places)
    loaded, warnings = _checked(site, before, said, places, files, final)
    staff, data = _staff(site, loaded), site.placed(loaded.data_dir)
    new = bool(staff and said.people.manager) and said.people.manager not in before.people
    return Plan(
        config=File(site.config.name, final.encode(), **_rights(site)),
        before=before.content,
        files=files,
        loaded=loaded,
        data=data,
        staff=staff,
        warnings=warnings,
        makes_data=not data.is_dir() or is_roots(data, site.agent),
        manager=said.people.manager if new else "",
        joins=bool(secrets.join_code) and not before.joined,
        store_secret=staff is not None and not secrets.join_code and not (data / SECRET_FILE).exists(),
    )


def _rights(site: Site) -> dict[str, Any]:
    """As they are, where there is one: somebody may have chosen them."""
    try:
        facts = os.stat(site.config)
    except OSError:
        return {"mode": 0o644, "ids": (0, 0) if site.agent is not None else None}
    return {"mode": facts.st_mode & 0o777, "ids": (facts.st_uid, facts.st_gid) if site.agent is not None else None}


def _same_journal(before: Present, said: Answers) -> None:
    was = before.answers
    if before.content is None or not (before.data / JOURNAL_FILE).exists():
        return
    if (said.register, store_id(said)) != (was.register, store_id(was)):
        cause = f"its journal is that of register {was.register!r} of store {store_id(was)!r}"
        hint = f"keep these two, or set the old books aside first: {before.data}"
        raise Refused("other_journal", "set up", "this register", cause, hint)


def _text(before: Present, said: Answers, places: Places) -> str:
    after = tables(said, places)
    if before.content is None:
        return text.fresh(after)
    there = before.content.decode("utf-8")
    wanted = text.changes(tables(before.answers, before.places), after)
    return text.edited(there, wanted, CONFIG)


def _places(
    site: Site, before: Present, said: Answers, menu: Menu, secrets: Secrets, new_key: Callable[[], str]
) -> tuple[Places, tuple[File, ...]]:
    """Where menu, token and beacon key are going to be, where other registers' pages are, and the files that are new."""
    agent = None if site.agent is None else (0, site.agent[1])
    both = None if site.agent is None or site.prober is None else (site.agent[0], site.prober[1])
    root = (0, 0) if site.agent is not None else None
    made: list[File] = []

    def put(wanted: str, content: bytes, mode: int, ids: tuple[int, int] | None, words: str) -> str:
        file = File(free_name(site.folder, wanted, content), content, mode, ids, words)
        if not is_there(site.folder, file):
            made.append(file)
        return file.name

    was = before.places
    if menu.file == EXAMPLE:
        place = BUILTIN
    elif before.content is not None and menu.file == before.answers.menu.file:
        place = was.menu
    elif menu.content is not None:
        place = put(
            MENU if not menu.file.endswith(".json") else "menu.json",
            menu.content,
            0o644,
            root,
            f"the menu, {menu.items} items, from {menu.file}",
        )
    else:
        place = _name_in(site.folder, Path(menu.file))
    token = was.token_file if said.hq.url else ""
    if secrets.hq_token and said.hq.url and secrets.hq_token != _first_line(site.folder / token if token else None):
        token = put(TOKEN, secrets.hq_token.encode() + b"\n", 0o640, agent, "the token for HQ, not shown")
    own_ca = was.ca_file if said.hq.url else ""
    if said.hq.url and said.hq.ca_file != before.answers.hq.ca_file:
        own_ca = said.hq.ca_file and put(HQ_CA, _authorities(said.hq.ca_file), 0o644, root, "who signs HQ's certificate")
    key = was.key_file
    if not key and (content := _beacon_key(site, before.data, said, new_key)):
        key = put(BEACON_KEY, content, 0o640, both, "the key of the registers' beacons, not shown")
    lan = before.config.lan if before.config is not None else Lan()
    then, now = (tablets.addresses(one, lan, was.pages) for one in (before.answers, said))
    pages = tablets.named(was.pages, then, now)
    return Places(menu=place, token_file=token, ca_file=own_ca, key_file=key, pages=pages), tuple(made)


def _authorities(file: str) -> bytes:
    if (content := read(Path(file))) is None:
        raise ConfigInvalid("read answers", file, "there is no such file (hq.ca_file)", "authorities in PEM form")
    return content


def _name_in(folder: Path, file: Path) -> str:
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)


def _first_line(file: Path | None) -> str:
    return "" if file is None else (read(file) or b"").split(b"\n", 1)[0].decode("ascii", "replace").strip()


def _beacon_key(site: Site, data: Path, said: Answers, new_key: Callable[[], str]) -> bytes:
    """That which is there, else what joining has brought; the primary of several makes it."""
    if there := read(site.folder / BEACON_KEY):
        return there
    handed = "" if is_roots(data, site.agent) else as_agent(site, lambda: _first_line(data / FOLDER / BEACON_KEY))
    if isinstance(handed, str) and re.fullmatch("[0-9a-fA-F]{64}", handed):
        return handed.encode() + b"\n"
    return new_key().encode() + b"\n" if len(said.registers) > 1 and said.register == said.primary else b""


# --- checked by the loader ---


def _checked(
    site: Site, before: Present, said: Answers, places: Places, files: tuple[File, ...], final: str
) -> tuple[Config, tuple[str, ...]]:
    """The configuration as the agent will understand it, and what it would warn of."""
    from tillkeeper import beside
    from tillkeeper.devices import letters

    with tempfile.TemporaryDirectory(prefix="tillkeeper-setup-") as made:
        staging = Path(made)
        _stage(staging, files)
        new = {one.name for one in files}
        staged = replace(places, **{key: str(staging / name) for key, name in asdict(places).items() if name in new})
        trial = _text(before, said, staged)
        try:
            config = parse(trial, file=CONFIG, folder=site.folder)
            _stage(staging, [File(site.config.name, trial.encode())])
            made_file = staging / site.config.name
            found = beside.problems(made_file, config)
            problems = tuple(replace(one, file=CONFIG) if one.file == str(made_file) else one for one in found)
        except ConfigInvalid as error:
            raise _refused(final, error.extra.get("problems", ()) or (str(error),)) from error
        if problems:
            raise _refused(final, problems)
        warning = letters.warning(config)
    return config, (warning,) if warning else ()


def _stage(folder: Path, files: Iterable[File]) -> None:
    for one in files:
        try:
            (folder / one.name).write_bytes(one.content if one.mode == 0o644 else STAND_IN)
        except OSError as error:
            raise refused(folder, error) from error


def _refused(final: str, problems: Any) -> ConfigInvalid:
    """Each problem, with the line that would have been written."""
    lines = final.split("\n")
    words = []
    for one in problems:
        words.append(str(one))
        if isinstance(one, Problem) and 1 <= one.line <= len(lines) and lines[one.line - 1].strip():
            words.append(f"    {lines[one.line - 1].strip()}")
    cause = "the configuration that these answers make is refused; nothing was changed"
    return ConfigInvalid("set up", CONFIG, cause, "see docs/config.md", problems=tuple(words))

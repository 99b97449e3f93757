"""What a set of answers would change on this register: read, built and checked here, written by `doing`."""

import os
import re
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import asdict, replace

from tillkeeper.config.load import BUILTIN, Problem, load, parse
from tillkeeper.config.model import Config
from tillkeeper.errors import ConfigInvalid, Refused
from tillkeeper.people.roster import SECRET_FILE
from tillkeeper.setup import text
from tillkeeper.setup.answers import EXAMPLE, Answers
from tillkeeper.setup.disk import File, free_name, read
from tillkeeper.setup.known import Menu, Secrets
from tillkeeper.setup.people import names
from tillkeeper.setup.site import BEACON_KEY, CONFIG, MENU, TOKEN, Site, as_agent
from tillkeeper.setup.tables import Places, present, store_id, tables
from tillkeeper.trust.shelf import FOLDER, ROSTER

JOURNAL = "journal.db"
STAND_IN = b"0" * 64 + b"\n"
"""In a secret's place while the configuration is checked: the secret itself is in no file but its own."""


@dataclass(frozen=True)
class Present:
    """What is there. `content` is None on a fresh register."""

    answers: Answers
    places: Places
    content: bytes | None = None
    config: Config | None = None
    people: tuple[str, ...] = ()
    joined: bool = False

    @property
    def has_token(self) -> bool:
        return bool(self.places.token_file)


@dataclass(frozen=True)
class Plan:
    """`config`: the file, as it will be. `files`: what is new beside it. `folder`: the agent's data folder is to be made.
    `manager`: who is added to the roster. `joins`: a join code is used. `store_secret`: is to be made."""

    config: File
    before: bytes | None
    files: tuple[File, ...]
    loaded: Config = field(repr=False)
    warnings: tuple[str, ...] = ()
    folder: bool = False
    manager: str = ""
    joins: bool = False
    store_secret: bool = False

    @property
    def changes_config(self) -> bool:
        return self.before != self.config.content

    @property
    def changes(self) -> bool:
        return self.changes_config or bool(self.files or self.folder or self.manager or self.joins or self.store_secret)


def look(site: Site) -> Present:
    """Raises: ConfigInvalid (a configuration is there and has errors), StorageRefused."""
    content = read(site.config)
    joined = (site.data / FOLDER / ROSTER).exists()
    if content is None:
        return Present(Answers(), Places(), joined=joined)
    config = load(site.config)
    said, places = present(tomllib.loads(content.decode("utf-8").replace("\r\n", "\n")), config, str(site.folder))
    staff = _staff(site, config)
    return Present(said, places, content, config, names(staff, config.store.id) if staff else (), joined)


def _staff(site: Site, config: Config) -> Path | None:
    file = config.staff.file
    if not file:
        return None
    return Path(file) if file.startswith(str(site.folder)) else site.below(file)


def make(site: Site, before: Present, said: Answers, menu: Menu, secrets: Secrets, new_key: Callable[[], str]) -> Plan:
    """The plan, checked by the agent's own loader. Touches nothing.

    Args:
        new_key: makes a beacon key.

    Raises:
        ConfigInvalid: what the loader says of the configuration that would be written.
        Refused: this machine's journal belongs to another register.
    """
    _same_journal(site, before, said)
    places, files = _places(site, before, said, menu, secrets, new_key)
    said = replace(said, store=replace(said.store, id=store_id(said)))
    final = _text(before, said, places)
    loaded, warnings = _checked(site, before, said, places, files, final)
    fresh_roster = bool(said.people.manager) and said.people.manager not in before.people
    return Plan(
        config=File(site.config.name, final.encode(), **_rights(site)),
        before=before.content,
        files=files,
        loaded=loaded,
        warnings=warnings,
        folder=not site.data.is_dir(),
        manager=said.people.manager if fresh_roster else "",
        joins=bool(secrets.join_code) and not before.joined,
        store_secret=bool(loaded.staff.file) and not secrets.join_code and not (site.data / SECRET_FILE).exists(),
    )


def _rights(site: Site) -> dict[str, Any]:
    """As they are, where there is one: somebody may have chosen them."""
    try:
        facts = os.stat(site.config)
    except OSError:
        return {"mode": 0o644, "ids": (0, 0) if site.agent is not None else None}
    return {"mode": facts.st_mode & 0o777, "ids": (facts.st_uid, facts.st_gid) if site.agent is not None else None}


def _same_journal(site: Site, before: Present, said: Answers) -> None:
    was = before.answers
    if before.content is None or not (site.data / JOURNAL).exists():
        return
    if (said.register, store_id(said)) != (was.register, store_id(was)):
        cause = f"its journal is that of register {was.register!r} of store {store_id(was)!r}"
        hint = f"keep these two, or set the old books aside first: {site.data}"
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
    """Where menu, token and beacon key are going to be, and the files that are new."""
    agent, prober = (None if ids is None else (0, ids[1]) for ids in (site.agent, site.prober))
    root = (0, 0) if site.agent is not None else None
    made: list[File] = []

    def put(wanted: str, content: bytes, mode: int, ids: tuple[int, int] | None, words: str) -> str:
        name = free_name(site.folder, wanted, content)
        if read(site.folder / name) is None:
            made.append(File(name, content, mode, ids, words))
        return name

    was = before.places
    if menu.file == EXAMPLE:
        place = BUILTIN
    elif menu.content is not None:
        place = put(
            MENU if not menu.file.endswith(".json") else "menu.json",
            menu.content,
            0o644,
            root,
            f"the menu, {menu.items} items, from {menu.file}",
        )
    else:
        place = was.menu if menu.file == before.answers.menu.file else _name_in(site.folder, Path(menu.file))
    token = was.token_file if said.hq.url else ""
    if secrets.hq_token and said.hq.url:
        token = put(TOKEN, secrets.hq_token.encode() + b"\n", 0o640, agent, "the token for HQ, not shown")
    key = was.key_file
    if not key and (content := _beacon_key(site, said, new_key)):
        key = put(BEACON_KEY, content, 0o640, prober, "the key of the registers' beacons, not shown")
    return Places(menu=place, token_file=token, key_file=key), tuple(made)


def _name_in(folder: Path, file: Path) -> str:
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)


def _beacon_key(site: Site, said: Answers, new_key: Callable[[], str]) -> bytes:
    """That which is there, else what joining has brought; the primary of several makes it."""
    if there := read(site.folder / BEACON_KEY):
        return there
    handed = as_agent(site, lambda: _handed(site))
    if isinstance(handed, str) and re.fullmatch("[0-9a-fA-F]{64}", handed):
        return handed.encode() + b"\n"
    return new_key().encode() + b"\n" if len(said.registers) > 1 and said.register == said.primary else b""


def _handed(site: Site) -> str:
    """By the register at which this one has joined."""
    return (read(site.data / FOLDER / BEACON_KEY) or b"").decode("ascii", "replace").strip()


# --- checked by the loader ---


def _checked(
    site: Site, before: Present, said: Answers, places: Places, files: tuple[File, ...], final: str
) -> tuple[Config, tuple[str, ...]]:
    """The configuration as the agent will understand it, and what it would warn of."""
    from tillkeeper.config.routes import dangling_routes
    from tillkeeper.devices import letters
    from tillkeeper.layouts.shelf import problems_of
    from tillkeeper.sales.catalogue import parse_catalogue

    with tempfile.TemporaryDirectory(prefix="tillkeeper-setup-") as made:
        staging = Path(made)
        for one in files:
            secret = one.mode != 0o644
            (staging / one.name).write_bytes(STAND_IN if secret else one.content)
        new = {one.name for one in files}
        staged = Places(**{key: str(staging / name) if name in new else name for key, name in asdict(places).items()})
        trial = _text(before, said, staged)
        try:
            config = parse(trial, file=CONFIG, folder=site.folder)
            menu = Path(config.catalogue.file)
            catalogue = parse_catalogue(menu.read_bytes(), menu.name, list(config.taxes.categories))
            (staging / "tillkeeper.toml").write_text(trial, "utf-8")
            dangling = dangling_routes(staging / "tillkeeper.toml", config, catalogue)
            problems = (*(replace(one, file=CONFIG) for one in dangling), *problems_of(config))
        except ConfigInvalid as error:
            raise _refused(final, error.extra.get("problems", ()) or (str(error),)) from error
        if problems:
            raise _refused(final, problems)
        warning = letters.warning(config)
    return config, (warning,) if warning else ()


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

"""What is wrong with the files beside a configuration: for whoever looks at it, as `tillkeeper config check` and setup do. A
start asks nothing of this: it reads what it needs, sells without what is of no use, and says so (`file_unread`)."""

from collections.abc import Iterable
from pathlib import Path

from tillkeeper.api import tokens
from tillkeeper.asking_files import AskingFiles
from tillkeeper.config import lines, logo, network_rules, own_models
from tillkeeper.config.load import BUILTIN, star_profiles
from tillkeeper.config.model import Config
from tillkeeper.config.raw import Report
from tillkeeper.config.routes import dangling_routes
from tillkeeper.errors import ConfigInvalid
from tillkeeper.file_problem import Problem, nearest
from tillkeeper.layouts import names, shelf
from tillkeeper.sales.catalogue import Catalogue
from tillkeeper.till.catalogues import read_catalogue
from tillkeeper.token_files import unusable
from tillkeeper_systemd import credentials


def problems(file: Path, config: Config) -> tuple[Problem, ...]:
    """All of them; those that a setting leads to are in `file`, at its line. Blocking."""
    where = lines.scan(file.read_text("utf-8").replace("\r\n", "\n"))
    found: list[Problem] = []

    def report(path: lines.Path, what: str, wrong: str = "", right: Iterable[str] = ()) -> None:
        found.append(Problem(str(file), where.of(path), ".".join(map(str, path)), what, nearest(wrong, right)))

    _asking(config, report)
    _tokens(config, report)
    if trouble := logo.read(config.store.logo).trouble:
        report(("store", "logo"), trouble)
    _models(config, report)
    layouts = shelf.usable(config)
    _layouts(config, layouts, report)
    found.sort(key=lambda problem: problem.line)
    menu, wrong = catalogue(file, config)
    return (*found, *layouts.problems, *wrong, *(dangling_routes(file, config, menu) if menu is not None else ()))


def catalogue(file: Path, config: Config) -> tuple[Catalogue | None, tuple[Problem, ...]]:
    """What is in the catalogue that the configuration in `file` names, or what is wrong with it. Blocking."""
    place = Path(config.catalogue.file)
    try:
        return read_catalogue(place, frozenset(config.taxes.categories)), ()
    except FileNotFoundError:
        right = [path.name for path in place.parent.glob("*.toml")] + [BUILTIN]
        line = lines.scan(file.read_text("utf-8").replace("\r\n", "\n")).of(("catalogue", "file"))
        what = f"no file {place.name!r} in {place.parent}"
        return None, (Problem(str(file), line, "catalogue.file", what, nearest(place.name, right)),)
    except (ConfigInvalid, OSError) as error:
        return None, of_file(error, str(place))


def of_file(error: ConfigInvalid | OSError, file: str) -> tuple[Problem, ...]:
    """What an error says of a file; one that lists nothing is about the whole of it."""
    if isinstance(error, OSError):
        return (Problem(file, 0, "", f"can not be read: {error.strerror or error}"),)
    return tuple(error.extra.get("problems", ())) or (Problem(file, 0, error.subject, error.cause),)


def _asking(config: Config, report: Report) -> None:
    """What it takes to ask HQ, gateways and other probers. Of a credential that this process was not handed only the service
    itself can tell."""
    files = AskingFiles(config)
    files.look()
    for one in files.all:
        if (error := one.trouble) is not None and not credentials.is_credential(one.file):
            report(one.at, error.cause + (f"; {error.hint}" if error.hint else ""))
    key = config.network.key_file
    if key and not credentials.is_credential(key) and (why := network_rules.no_key(Path(key))):
        report(("network", "key_file"), f"{key} {why}; `tillkeeper network key --write FILE` makes one")


def _tokens(config: Config, report: Report) -> None:
    for setting, file in tokens.files(config):
        if why := unusable(file):
            report(("api", setting), why)


def _models(config: Config, report: Report) -> None:
    found = own_models.read(Path(config.models.own)) if config.models.own else own_models.Models({}, ())
    for problem in found.problems:
        report(("models", "own"), problem)
    known = own_models.escpos("").keys() | found.found.keys()
    for name, device in config.devices.items():
        if device.kind != "star" and device.profile and device.profile not in known | star_profiles():
            report(("devices", name, "profile"), f"no profile {device.profile!r}", device.profile, known)


def _layouts(config: Config, found: shelf.Usable, report: Report) -> None:
    if found.unlisted:
        report(("layouts", "folder"), f"{config.layouts.folder} {found.unlisted}")
    for path, name in found.missing:
        report(path, f"no layout {name!r}", name, names.builtin_layouts() | found.own)

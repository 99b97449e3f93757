"""What keeps an agent from starting, of all that can be known beforehand: an agent that sells has the version that comes look.
What is merely wrong, and keeps nobody from selling, is not among it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from tillkeeper import beside
from tillkeeper.api.web import sources
from tillkeeper.config.model import Config
from tillkeeper.day.fiscal import load_signer
from tillkeeper.errors import ConfigInvalid, StorageRefused
from tillkeeper.file_problem import Problem
from tillkeeper.journal import peek
from tillkeeper.journal.files import JOURNAL_FILE
from tillkeeper.till.catalogues import still_good


def refusals(file: Path, config: Config) -> tuple[Problem, ...]:
    """Of a configuration that was loaded from `file`, in whose form and names nothing is wrong."""
    looks: tuple[Callable[[Config], object], ...] = (_pages, _signer)
    return (*_catalogue(file, config), *(problem for look in looks for problem in _found(file, config, look)))


def _found(file: Path, config: Config, look: Callable[[Config], object]) -> Iterator[Problem]:
    try:
        look(config)
    except ConfigInvalid as error:
        yield from beside.of_file(error, str(file))


def _catalogue(file: Path, config: Config) -> tuple[Problem, ...]:
    """A file that is of no use does not matter where one was adopted before."""
    found, problems = beside.catalogue(file, config)
    if found is not None:
        return ()
    try:
        version, stored = peek.catalogue(Path(config.data_dir) / JOURNAL_FILE)
    except StorageRefused:
        version, stored = "", b""
    return problems if still_good(version, stored, frozenset(config.taxes.categories)) is None else ()


def _pages(config: Config) -> None:
    for address in config.pages.registers:
        sources(address)


def _signer(config: Config) -> None:
    if config.fiscal.signer:
        load_signer(config.fiscal.signer, Path(config.data_dir))

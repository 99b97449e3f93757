"""What keeps an agent from starting, of all that can be known beforehand: an agent that sells has the version that comes look.
What is merely wrong, and keeps nobody from selling, is not among it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from tillkeeper.api.web import sources
from tillkeeper.config.model import Config
from tillkeeper.day.fiscal import load_signer
from tillkeeper.errors import ConfigInvalid, StorageRefused
from tillkeeper.file_problem import Problem
from tillkeeper.journal import peek
from tillkeeper.journal.files import JOURNAL_FILE
from tillkeeper.layouts import shelf
from tillkeeper.till.catalogues import read_catalogue, still_good


def refusals(file: Path, config: Config) -> tuple[Problem, ...]:
    """Of a configuration that was loaded from `file`, in whose form and names nothing is wrong."""
    looks: tuple[Callable[[Config], object], ...] = (_catalogue, shelf.chosen, _pages, _signer)
    return tuple(problem for look in looks for problem in _found(file, config, look))


def problems_of(error: ConfigInvalid | OSError, file: str) -> tuple[Problem, ...]:
    """Of an error that lists none of its own it is one of the whole file."""
    if isinstance(error, OSError):
        return (Problem(file, 0, "", f"can not be read: {error.strerror or error}"),)
    return tuple(error.extra.get("problems", ())) or (Problem(file, 0, error.subject, error.cause),)


def _found(file: Path, config: Config, look: Callable[[Config], object]) -> Iterator[Problem]:
    try:
        look(config)
    except ConfigInvalid as error:
        yield from problems_of(error, str(file))


def _catalogue(config: Config) -> None:
    """A file that is of no use does not matter where one was adopted before."""
    taxes = frozenset(config.taxes.categories)
    try:
        read_catalogue(Path(config.catalogue.file), taxes)
    except (ConfigInvalid, OSError) as error:
        try:
            version, stored = peek.catalogue(Path(config.data_dir) / JOURNAL_FILE)
        except StorageRefused:
            version, stored = "", b""
        if still_good(version, stored, taxes) is None:
            problems = problems_of(error, config.catalogue.file)
            raise ConfigInvalid("read catalogue", config.catalogue.file, str(problems[0]), "", problems=problems) from error


def _pages(config: Config) -> None:
    for address in config.pages.registers:
        sources(address)


def _signer(config: Config) -> None:
    if config.fiscal.signer:
        load_signer(config.fiscal.signer, Path(config.data_dir))

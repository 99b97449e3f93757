"""Builds a register and runs it: every part is made here, every task is in one group, and nothing outlives it."""

import logging
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from tillkeeper import clock, drafts
from tillkeeper.access import certificates
from tillkeeper.apart import apart
from tillkeeper.api.server import Bound
from tillkeeper.config.model import Config
from tillkeeper.errors import ConfigInvalid, StorageRefused
from tillkeeper.journal.database import Further
from tillkeeper.journal.files import JOURNAL_FILE
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.numbering import SETTING as CODES_SETTING
from tillkeeper.journal.numbering import TRAINING_BLOCK, TRAINING_SETTING, Codes
from tillkeeper.machine import machine_id
from tillkeeper.register import Register
from tillkeeper.replication.replication import Replication
from tillkeeper.sales.catalogue import Catalogue
from tillkeeper.till.catalogues import Catalogues, adopt, last_adopted, read_catalogue
from tillkeeper.till.codes import CARS, OpeningCodes
from tillkeeper.till.config_seen import note_change
from tillkeeper.till.stamp import Stamp, newest_stamp
from tillkeeper.trust import shelf as trust_shelf
from tillkeeper.trust.opening import open_keys

log = logging.getLogger(__name__)

CODES_FILE = "ticket-codes.json"
TRAINING_CODES_FILE = "training-codes.json"


async def run(
    config: Config,
    started: Callable[[Bound], None] = lambda _bound: None,
    given: tuple[socket.socket, ...] = (),
    file: Path | None = None,
    further: Further = lambda _doing: None,
) -> None:
    """Run the register until cancelled.

    Args:
        started: called when the API accepts connections.
        given: sockets of the API that listen already.
        file: where the next start reads its configuration.
        further: called while the start gets on, from any thread, with what it does.

    Raises:
        ConfigInvalid: the catalogue has errors.
        TillkeeperError: the journal is locked, of another register or too new; the socket can not be bound.
        ExceptionGroup: a task failed.
    """
    data = _made(Path(config.data_dir))
    found = _catalogue_file(config)
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(
            await Journal.open(
                data / JOURNAL_FILE,
                config.store.id,
                config.this_register,
                wall_ms=clock.wall_ms,
                new_id=clock.new_id,
                machine_id=machine_id(),
                further=further,
            )
        )
        drafts.sweep((data, data / trust_shelf.FOLDER, data / certificates.FOLDER), clock.wall_ms() / 1000)
        codes = Codes(data / CODES_FILE, journal.setting(CODES_SETTING))
        stack.callback(codes.close)
        practice = Codes(data / TRAINING_CODES_FILE, journal.setting(TRAINING_SETTING), TRAINING_BLOCK, TRAINING_SETTING)
        stack.callback(practice.close)
        openings = OpeningCodes(config.register.letter, codes, practice, journal.setting(CARS))
        stamp = Stamp(config.store, clock.wall_ms, lambda: newest_stamp(journal))
        keys = await open_keys(config)
        replication = await Replication.open(stack, config, journal, keys[0])  # before the first append
        replication.tell_opened(openings.used_before)
        catalogues = _catalogues(config, journal, found)
        await adopt(journal, catalogues.current, stamp.today(), clock.wall_ms())
        with suppress(StorageRefused):  # a full disk keeps no register from starting; the next start looks again
            await note_change(journal, stamp, config)
        register = Register(config, journal, openings, stamp, catalogues, keys, replication, given, file)
        stack.push_async_callback(lambda: apart(register.registry.close()))
        await apart(register.run(started))


def _catalogue_file(config: Config) -> Catalogue | ConfigInvalid | OSError:
    """The catalogue, or what is wrong with its file."""
    try:
        return read_catalogue(Path(config.catalogue.file), frozenset(config.taxes.categories))
    except (ConfigInvalid, OSError) as error:
        return error


def _catalogues(config: Config, journal: Journal, found: Catalogue | ConfigInvalid | OSError) -> Catalogues:
    """A register whose file is of no use sells by the catalogue that it had before, and says so. Raises ConfigInvalid or
    OSError: it had none."""
    if isinstance(found, Catalogue):
        return Catalogues(journal, found)
    last = last_adopted(journal, frozenset(config.taxes.categories))
    if last is None:
        raise found
    trouble = found.cause if isinstance(found, ConfigInvalid) else found.strerror or str(found)
    log.error("selling by catalogue %s, adopted before: %s", last.version, found)
    return Catalogues(journal, last, trouble)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder

"""Which formats of files a package can read: a package is refused where the machine has newer ones."""

from collections.abc import Mapping
from typing import NamedTuple

from tillkeeper.journal.database import JOURNAL
from tillkeeper.journal.files import HELD_FILE, JOURNAL_FILE
from tillkeeper.replication.held.file import FORMAT as HELD
from tillkeeper_hq.formats import VERSION as HQ


class Known(NamedTuple):
    """file: its name in the data folder. newest: the highest `user_version` that the code of this tree reads."""

    file: str
    newest: int


KNOWN: Mapping[str, tuple[Known, ...]] = {
    "tillkeeper": (Known(JOURNAL_FILE, JOURNAL.version), Known(HELD_FILE, HELD.version)),
    "tillkeeper-hq": (Known("hq.sqlite3", HQ),),
}

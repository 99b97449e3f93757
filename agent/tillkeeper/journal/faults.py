"""How the journal says no. See `tillkeeper.errors` for what every error carries."""

from tillkeeper.errors import Conflict, StorageRefused, TillkeeperError
from tillkeeper.journal.records import KeptCommand


class AlreadyDone(Conflict):
    """The idempotency key was kept by an earlier batch, perhaps a moment ago: nothing was written. `kept` tells with which
    command and which answer."""

    code = "already_done"

    def __init__(self, kept: KeptCommand) -> None:
        super().__init__("append", "command", "its idempotency key has been used", "answer what was answered then")
        self.kept = kept


class BadBatch(TillkeeperError):
    """The batch cannot be stored as it is (a fault of ours); other batches are not affected."""

    code = "bad_batch"
    retry_safe = False


class TooManyRenewals(Conflict):
    """New logs do not cure what asks for them."""

    code = "too_many_renewals"
    retry_safe = False


class JournalLocked(Conflict):
    """Another process works on this journal."""

    code = "journal_locked"


class WrongJournal(TillkeeperError):
    """The file is the journal of another register, or no journal at all: it is left alone."""

    code = "wrong_journal"
    retry_safe = False


class JournalTooNew(TillkeeperError):
    """A newer agent wrote this file: it is left alone."""

    code = "journal_too_new"
    retry_safe = False


class StorageUnreadable(StorageRefused):
    """A read failed. Where the file is damaged, the next start checks all of it."""

    code = "storage_unreadable"
    status = 500

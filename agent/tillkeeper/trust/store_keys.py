"""What a running register trusts: its own key, the roster, and the TLS contexts made of them."""

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec.structs import replace

from tillkeeper.contract.roster import Admitted, Merge, Roster, Signed
from tillkeeper.errors import StorageRefused, TillkeeperError
from tillkeeper.trust import tls
from tillkeeper.trust.certificates import pem
from tillkeeper.trust.keys import KeyPair, Signer
from tillkeeper.trust.shelf import CERTIFICATE, KEY, Kept, Shelf
from tillkeeper.trust.trouble import TrustTrouble

log = logging.getLogger(__name__)


class StoreKeys:
    """Belongs to the event loop. `changed`: called after the roster has grown."""

    def __init__(self, shelf: Shelf, kept: Kept, signer: Signer, server: ssl.SSLContext, client: ssl.SSLContext) -> None:
        """Use `open`. Raises `TrustTrouble` as `Shelf.roster`."""
        self.shelf = shelf
        self.kept = kept
        self.roster: Roster = shelf.roster(kept)
        self.signer = signer
        self.server = server
        self.client = client
        self.changed: list[Callable[[], None]] = []
        self._saving = asyncio.Lock()
        self._saved = self.roster.digest

    @classmethod
    def open(cls, data_dir: Path, store: str, register: str) -> "StoreKeys | None":
        """None where the register has joined no store: then it works alone, as ever. Blocks for some milliseconds.

        Raises:
            TrustTrouble: what is there is of another store or register, damaged, or not ours to read.
        """
        shelf = Shelf(data_dir)
        kept = shelf.kept()
        if kept is None:
            return None
        check_place(kept, store, register)
        pair = shelf.key()
        certificate, key, authority = shelf.path(CERTIFICATE), shelf.path(KEY), pem(shelf.authority_certificate(kept.authority))
        try:
            server = tls.server_context(certificate, key, authority)
            client = tls.client_context(certificate, key, authority)
        except OSError as error:
            pair, cause = None, error.strerror or str(error)
        else:
            cause = "there is no key"
        if pair is None:
            hint = "restore the folder `trust` from a backup, or remove it and join again with a new code"
            raise TrustTrouble("broken_keys", "read", str(shelf.folder), cause, hint)
        return cls(shelf, kept, pair, server, client)

    @property
    def register(self) -> str:
        return self.kept.register

    @property
    def is_member(self) -> bool:
        """Whether this register's own key still speaks for it."""
        return self.roster.admits(self.signer.key) == self.register

    def admission(self) -> tuple[Signed, ...]:
        """What tells others that this register belongs to the store."""
        key = self.signer.key
        return tuple(one for one in self.roster.statements if isinstance(one.statement, Admitted) and one.statement.key == key)

    def authority(self) -> KeyPair | None:
        """The store's authority where its key is kept here; read from the disk each time, so that it is in memory only while
        it signs. Raises `TrustTrouble`."""
        return self.shelf.authority(self.roster.authority)

    async def take(self, statements: Iterable[Signed]) -> Merge:
        """Statements from wherever: those that the authority signed hold from now on, and are on the disk when this returns.

        Raises:
            StorageRefused: they hold all the same until the agent ends, and are written with the next ones.
        """
        merge = self.roster.merged(statements)
        if merge.refused:
            log.warning("%d statements about the store were refused: not signed by its authority", len(merge.refused))
        if merge.added:
            self.roster = merge.roster
            for tell in self.changed:
                tell()
        await self._save()
        return merge

    async def _save(self) -> None:
        async with self._saving:
            roster = self.roster
            if roster.digest == self._saved:
                return
            kept = replace(self.kept, statements=roster.statements)
            try:
                await asyncio.to_thread(self._write, kept)
            except StorageRefused:
                raise
            except TillkeeperError as error:
                raise StorageRefused(error.operation, error.subject, error.cause, error.hint) from error
            self.kept, self._saved = kept, roster.digest

    def _write(self, kept: Kept) -> None:
        """Not over what `tillkeeper store join` has put there meanwhile."""
        pair = self.shelf.key()
        if pair is not None and pair.key != self.signer.key:
            log.warning("this register has another key on its disk: start the agent again")
            return
        self.shelf.keep(kept)


def check_place(kept: Kept, store: str, register: str) -> None:
    """Raises `TrustTrouble` where these keys are not of this store and register."""
    if kept.store != store:
        cause = f"its keys are of store {kept.store[:64]!r}, the configuration says {store!r}"
        raise TrustTrouble("other_store", "use", "keys", cause, "correct `store.id`, or remove the folder `trust` and join")
    if kept.register != register:
        cause = f"its keys are of register {kept.register[:64]!r}, the configuration says {register!r}"
        raise TrustTrouble(
            "other_register",
            "use",
            "keys",
            cause,
            "a copied disk? correct `this_register`, or remove the folder `trust` and join",
        )

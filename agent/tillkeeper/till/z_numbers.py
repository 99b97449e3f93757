"""The last Z number of each drawer, in a small file beside the journal: a journal that was set aside, or restored from an older
copy, gives no number a second time.

A number is kept here before its Z is in the journal. So after a crash between the two the file is one ahead, and the journal is
right; where the file knows more than that, the journal is not the one that was written last.
"""

import os
from pathlib import Path

import msgspec
from msgspec.structs import replace

from tillkeeper.cash.sessions import Drawer
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.files import beside, sync_folder

FILE = "z-numbers.json"


class ZNumbers:
    def __init__(self, path: Path) -> None:
        """`path`: the file; one that is not there or makes no sense knows nothing. Raises: StorageRefused."""
        self._path = path
        self._known: dict[str, int] = {}
        try:
            self._known = msgspec.json.decode(path.read_bytes(), type=dict[str, int])
        except (FileNotFoundError, msgspec.DecodeError):
            pass
        except OSError as error:
            raise StorageRefused("read Z numbers", path.name, str(error), "look at the disk") from error

    def known(self, drawer: str) -> int:
        """The last number that was kept; 0 for none."""
        return self._known.get(drawer, 0)

    def keep(self, drawer: str, number: int) -> None:
        """Before the Z with this number goes to the journal. Syncs a file: call it in a thread. Raises: StorageRefused."""
        known = self._known | {drawer: number}
        fresh = beside(self._path, ".new")
        try:
            with fresh.open("wb") as file:
                file.write(msgspec.json.encode(known))
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(self._path)
            sync_folder(self._path.parent)
        except OSError as error:
            raise StorageRefused("keep a Z number", self._path.name, str(error), "look at the disk's space") from error
        self._known = known

    def over(self, state: dict[str, Drawer]) -> dict[str, Drawer]:
        """The drawers as the journal has them, with the numbers that it does not know."""
        for drawer, number in self._known.items():
            known = state.get(drawer)
            if known is None:
                state[drawer] = Drawer(number=number)
            elif number > known.number + 1:
                state[drawer] = replace(known, number=number)
        return state

"""Ticket codes: the counter behind `B-037`, for each business day, never twice, whatever becomes of the journal.

A small file beside the journal reserves codes in blocks before any of a block is given out. After an orderly stop the count
goes on where it was; after a crash it goes on behind the reserved block, so up to a block of codes is skipped, none repeated.
A journal that was set aside takes nothing away, and a lost reservation file is made good by the journal's own setting.
"""

import contextlib
import os
from pathlib import Path

import msgspec

from tillkeeper.errors import StorageRefused
from tillkeeper.journal.files import beside, sync_folder

BLOCK = 100
DAYS_KEPT = 40
SETTING = "ticket_codes"
TRAINING_SETTING = "training_codes"
TRAINING_BLOCK = 10
LEAP = 1_000
"""Where the reservations cannot be read, counting goes on so far behind what the journal knows."""


class CodeCounter(msgspec.Struct, frozen=True):
    """Pure. `used`: business day -> highest code that may have been given out. `reserved`: day -> highest code that the file
    allows to be given out. `floor`: below what no day may begin."""

    used: dict[str, int] = {}
    reserved: dict[str, int] = {}
    floor: int = 0

    def next(self, business_day: str) -> tuple[int, "CodeCounter"]:
        """The code and the counter after it; where the code is above `reserved`, more must be reserved first."""
        code = max(self.used.get(business_day, 0), self.floor) + 1
        return code, msgspec.structs.replace(self, used=_newest({**self.used, business_day: code}))

    def reserve(self, business_day: str, block: int) -> "CodeCounter":
        """Room for `block` codes behind those used."""
        highest = max(self.used.get(business_day, 0), self.floor) + block
        return msgspec.structs.replace(self, reserved=_newest({**self.reserved, business_day: highest}))

    def needs_more(self, business_day: str) -> bool:
        return max(self.used.get(business_day, 0), self.floor) >= self.reserved.get(business_day, 0)


def recovered(reserved: dict[str, int] | None, setting: dict[str, int]) -> CodeCounter:
    """The counter at a start: for each day behind both what the file reserved and what the journal used. `reserved` None:
    the file is there and cannot be read."""
    known = reserved or {}
    used = {day: max(known.get(day, 0), setting.get(day, 0)) for day in {**setting, **known}}
    if reserved is None:
        used = {day: code + LEAP for day, code in used.items()}
    # What is reserved anew is written together with what is known of the other days.
    return CodeCounter(used=_newest(used), reserved=_newest(used), floor=LEAP if reserved is None else 0)


def _newest(days: dict[str, int]) -> dict[str, int]:
    """At most `DAYS_KEPT` days, the latest by date."""
    return {day: days[day] for day in sorted(days)[-DAYS_KEPT:]}


class Codes:
    """Used in one thread. The journal's lock keeps other processes away from the file."""

    def __init__(self, path: Path, setting: bytes | None, block: int = BLOCK, name: str = SETTING) -> None:
        """`path`: the reservation file; `setting`: `journal.setting(name)`. Raises: StorageRefused."""
        self._path, self._block, self._name = path, block, name
        reserved = _read(path)
        self._counter = recovered(reserved, _decode(setting or b"{}") or {})
        if reserved is None:
            with contextlib.suppress(StorageRefused):  # then the first code says so
                _write(path, self._counter.reserved)

    def next(self, business_day: str) -> int:
        """The next code of that day, from 1. Every `block` calls it syncs a small file. Raises: StorageRefused."""
        if self._counter.needs_more(business_day):
            counter = self._counter.reserve(business_day, self._block)
            _write(self._path, counter.reserved)
            self._counter = counter
        code, self._counter = self._counter.next(business_day)
        return code

    def give_back(self, business_day: str, code: int) -> None:
        """The code was not used after all (the order was refused). Only the newest one can be given back."""
        if self._counter.used.get(business_day) == code:
            used = {**self._counter.used, business_day: code - 1}
            self._counter = msgspec.structs.replace(self._counter, used=used)

    def used_before(self, business_day: str, code: int) -> None:
        """It was given out in a time that the journal does not know: counting goes on behind it."""
        if code > self._counter.used.get(business_day, 0):
            used = _newest({**self._counter.used, business_day: code})
            self._counter = msgspec.structs.replace(self._counter, used=used)

    def setting(self) -> dict[str, bytes]:
        """What goes into `Batch.settings` of the batch that uses the code."""
        return {self._name: msgspec.json.encode(self._counter.used)}

    def close(self) -> None:
        """Give the rest of the blocks back, so that the next start skips nothing. Raises: StorageRefused."""
        _write(self._path, {day: self._counter.used.get(day, 0) for day in self._counter.reserved} | self._counter.used)


def _decode(raw: bytes) -> dict[str, int] | None:
    try:
        return msgspec.json.decode(raw, type=dict[str, int])
    except msgspec.DecodeError:
        return None


def _read(path: Path) -> dict[str, int] | None:
    try:
        return _decode(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageRefused("read ticket codes", path.name, str(error), "look at the disk") from error


def _write(path: Path, reserved: dict[str, int]) -> None:
    fresh = beside(path, ".new")
    try:
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(reserved))
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StorageRefused("reserve ticket codes", path.name, str(error), "look at the disk's space") from error

"""Puts the parts of trust together for a running agent. What is wrong with its keys never keeps it from selling."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from tillkeeper import clock
from tillkeeper.config.model import Config
from tillkeeper.contract.base import Event
from tillkeeper.journal.records import Appended, Batch, NewEvent
from tillkeeper.people.roster import Roster, encode
from tillkeeper.plain_file import open_plain
from tillkeeper.trust.admitting import AdmittingDesk, AdmittingParts
from tillkeeper.trust.desk import TrustDesk, TrustParts
from tillkeeper.trust.store_keys import StoreKeys
from tillkeeper.trust.trouble import TrustTrouble

log = logging.getLogger(__name__)

Finals = Callable[[str], Mapping[str, int]]


class Recorder(Protocol):
    """What trust needs of the journal."""

    async def append(self, batch: Batch) -> Appended: ...

    def setting(self, name: str) -> bytes | None: ...


async def open_keys(config: Config) -> tuple[StoreKeys | None, str]:
    """The register's keys, None where it has none that can be used; and why they can not, in words."""
    try:
        return await asyncio.to_thread(StoreKeys.open, Path(config.data_dir), config.store.id, config.this_register), ""
    except TrustTrouble as trouble:
        log.error("no other register is believed: %s", trouble)
        return None, str(trouble)


NOT_JOINED = (
    "This register has not joined its store: no other register keeps a copy of its books "
    "(`tillkeeper store join`, or `tillkeeper store create` at the first one; then start it again)"
)


class Trust:
    """`keys` and `admitting` are None where the register has joined no store."""

    def __init__(
        self,
        config: Config,
        opened: tuple[StoreKeys | None, str],
        journal: Recorder,
        *,
        stamp: Callable[[Event], NewEvent],
        changed: Callable[[], None],
        finals: Finals,
        store_secret: str,
        staff: Callable[[], Roster | None],
        listening: Callable[[], str],
    ) -> None:
        self.keys, self._trouble = opened
        self._expects_others = bool(config.replication.listen) and len(config.registers) > 1
        self._journal, self._stamp, self._changed = journal, stamp, changed
        self.admitting: AdmittingDesk | None = None
        if self.keys is not None:
            parts = AdmittingParts(
                keys=self.keys,
                now_s=clock.boot_s,
                record=self.record,
                finals=finals,
                store_secret=store_secret,
                beacon_key=lambda: beacon_key(config.network.key_file),
                staff=lambda: b"" if (people := staff()) is None else encode(people),
            )
            self.admitting = AdmittingDesk(parts)
        self.desk = TrustDesk(
            TrustParts(
                config=config,
                keys=self.keys,
                admitting=self.admitting,
                now_s=clock.boot_s,
                setting=journal.setting,
                record=self.record,
                finals=finals,
                listening=listening,
                trouble=self._trouble,
            )
        )

    def alarms(self) -> tuple[str, ...]:
        """What keeps this register apart from the others, in words."""
        if self._trouble:
            return (f"No other register is believed: {self._trouble}",)
        if self.keys is None:
            return (NOT_JOINED,) if self._expects_others else ()
        if self.keys.is_member:
            return ()
        why = "it was let go" if self.keys.roster.has_left(self.keys.signer.key) else "another machine has its place"
        return (f"This register no longer belongs to the store ({why}): nobody takes copies of its books but HQ",)

    def standing(self, register: str) -> str:
        """Why another register does not belong to the store, in words; empty where it does, and where this one does not
        either: then it can not tell."""
        if self.keys is None or not self.keys.is_member or register in self.keys.roster.members:
            return ""
        if self.keys.roster.keys(register):
            return "has left the store"
        return f"has not joined the store yet (`tillkeeper store code {register}`)"

    async def record(self, event: Event, settings: Mapping[str, bytes] | None = None) -> None:
        """Raises `StorageRefused`, `Overloaded`."""
        await self._journal.append(Batch(events=(self._stamp(event),), settings=dict(settings or {})))
        self._changed()


def beacon_key(file: str) -> str:
    """In hex; empty where there is none, or where it is the prober's alone."""
    if not file:
        return ""
    try:
        with open_plain(Path(file)) as opened:
            line = opened.readline(200).strip()
        return bytes.fromhex(line.decode("ascii")).hex()
    except (OSError, ValueError) as error:
        log.info("the beacon key is not handed over: %s", error)
        return ""

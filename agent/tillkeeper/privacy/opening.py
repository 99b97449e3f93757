"""Puts erasing together for one register."""

from collections.abc import Callable, Iterator
from pathlib import Path

from tillkeeper import clock
from tillkeeper.config.model import Config
from tillkeeper.journal.files import HELD_FILE
from tillkeeper.journal.journal import Journal
from tillkeeper.privacy.desk import PrivacyDesk
from tillkeeper.privacy.keeper import Keeper
from tillkeeper.privacy.retention import Clocks
from tillkeeper.replication.replication import Replication
from tillkeeper.till.shelf import Shelf
from tillkeeper.till.stamp import Stamp, newest_stamp


class Privacy:
    """`desk` for the API; `run` is its one task."""

    def __init__(
        self,
        config: Config,
        journal: Journal,
        replication: Replication,
        stamp: Stamp,
        shelf: Shelf,
        changed: Callable[[], None],
    ) -> None:
        self._replication, self._shelf = replication, shelf
        self._newest_ms = newest_stamp(journal)
        self._wall_less_boot_ms = self._offset_ms()
        self._keeper = Keeper(
            journal,
            replication.holdings,
            Path(config.data_dir) / HELD_FILE,
            config.privacy.keep_days,
            stamp=stamp,
            clocks=self._clocks,
            forget=replication.forget,
            changed=changed,
            open_checks=self._of_open_checks,
        )
        self.desk = PrivacyDesk(self._keeper)

    async def run(self) -> None:
        """Until cancelled."""
        await self._keeper.run()

    def _offset_ms(self) -> int:
        return clock.wall_ms() - round(clock.boot_s() * 1000)

    def _clocks(self) -> Clocks:
        link = self._replication.hq
        ahead_s = link.status().hq_minus_boot_s if link is not None else None
        offset_ms = self._offset_ms()
        return Clocks(
            wall_ms=clock.wall_ms(),
            hq_ahead_ms=None if ahead_s is None else round(ahead_s * 1000) - offset_ms,
            newest_ms=self._newest_ms,
            stepped_ms=offset_ms - self._wall_less_boot_ms,
        )

    def _of_open_checks(self) -> Iterator[str]:
        for held in self._shelf.open_checks():
            for personal in (held.check.name, held.check.phone, held.check.note):
                if personal is not None:
                    yield personal.digest

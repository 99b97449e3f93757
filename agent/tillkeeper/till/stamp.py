"""Gives events their wall-clock stamp and business day."""

from tillkeeper.clock import WallClock
from tillkeeper.config.model import Store
from tillkeeper.contract.base import Event
from tillkeeper.journal.records import NewEvent
from tillkeeper.roles.business_day import business_day


class Stamp:
    def __init__(self, store: Store, now_ms: WallClock) -> None:
        self._store = store
        self._now_ms = now_ms

    def today(self) -> str:
        return self.day(self._now_ms())

    def day(self, now_ms: int) -> str:
        return business_day(now_ms, self._store.timezone, self._store.day_cutoff)

    def __call__(self, event: Event) -> NewEvent:
        now_ms = self._now_ms()
        return NewEvent(event, self.day(now_ms), now_ms)

"""The books of one business day of the whole store, folded on demand from the logs that are held here."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from tillkeeper.contract.base import Event
from tillkeeper.contract.day import DayClosed, DayFigures, FrozenSale, OpenCheckLine
from tillkeeper.contract.days import Days, Place
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.figures import DayBooks
from tillkeeper.contract.placing import read_event
from tillkeeper.day.fold import DayFold
from tillkeeper.day.index import FIGURES, DayIndex, KnownClose, Range
from tillkeeper.replication.following import Logs
from tillkeeper.replication.model import LogId

PAGE = 200
"""Events between two looks at what is more urgent."""


@dataclass(frozen=True, kw_only=True)
class BookParts:
    """`due`: what is due on an open check, None where that is not known here. `frozen`: card sales without a final outcome.
    `quarantine`: events in quarantine at HQ, None where it is not reached."""

    logs: Logs
    index: DayIndex
    caught_up: Callable[[], Awaitable[None]]
    due: Callable[[str], int | None] = lambda _check: None
    frozen: Callable[[], list[FrozenSale]] = list
    quarantine: Callable[[], int | None] = lambda: None
    step_aside: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0)


class StoreDays:
    def __init__(self, parts: BookParts) -> None:
        self._ = parts

    async def figures(self, day: str) -> DayFigures:
        """Of all that is held here now, also of a closed day. Raises: StorageUnreadable."""
        await self._.caught_up()
        fold, days = DayFold(day), self._.index.days
        async for envelope, event in self._events(self._.index.ranges(day)):
            if _posted(days, envelope) == day:
                fold.add(envelope, event)
        index = self._.index
        checks = [
            OpenCheckLine(
                check_id=name,
                ticket_code=one.code,
                register=one.register,
                opened_day=one.stamped,
                due_minor=self._.due(name),
            )
            for name, one in index.open_checks(day)
        ]
        return fold.figures(checks, index.open_sessions(day), self._.frozen(), self._.quarantine())

    async def closed(self, known: KnownClose) -> DayClosed | None:
        """The event of a close; None where it can not be read. Raises: StorageUnreadable."""
        at = known.close.at
        for envelope in self._.logs.events(LogId(at.register, at.incarnation), at.seq - 1, 1):
            event = read_event(envelope)
            return event if isinstance(event, DayClosed) else None
        return None

    async def late(self, day: str) -> dict[str, DayBooks]:
        """What is stamped with `day` and booked in another, by that one. Raises: StorageUnreadable."""
        folds: dict[str, DayFold] = {}
        days = self._.index.days
        for one in self._.index.all_ranges():
            if one.stamped != day or days.posted(day, Place(one.register, one.incarnation, one.last)) == day:
                continue
            async for envelope, event in self._events([one]):
                posted = _posted(days, envelope)
                if posted != day:
                    folds.setdefault(posted, DayFold(posted)).add(envelope, event)
        return {posted: fold.books() for posted, fold in sorted(folds.items()) if not fold.is_empty}

    async def _events(self, ranges: list[Range]) -> AsyncIterator[tuple[Envelope, Event]]:
        """What counts, here as at HQ: not what can not be read or booked, nor what is in quarantine."""
        for one in ranges:
            which, after = LogId(one.register, one.incarnation), one.first - 1
            while after < one.last:
                found = self._.logs.events(which, after, min(PAGE, one.last - after))
                if not found:
                    break  # it was set aside since
                rejected = self._.logs.rejected(which, after, found[-1].seq)
                for envelope in found:
                    wanted = envelope.business_day == one.stamped and envelope.type in FIGURES
                    if wanted and envelope.seq not in rejected and (event := read_event(envelope)) is not None:
                        yield envelope, event
                after = found[-1].seq
                await self._.step_aside()


def _posted(days: Days, envelope: Envelope) -> str:
    return days.posted(envelope.business_day, Place(envelope.register, envelope.incarnation, envelope.seq))

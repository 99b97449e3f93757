"""The figures of one business day, folded from its events in any order. Pure."""

from msgspec.structs import replace

from tillkeeper.contract.base import Event
from tillkeeper.contract.books import Account, Books, DayBooks, day_books, post
from tillkeeper.contract.cash import DrawerSessionClosed
from tillkeeper.contract.day import MAX_LISTED, Adjustment, DayFigures, DrawerLine, FrozenSale, OpenCheckLine
from tillkeeper.contract.envelope import Envelope
from tillkeeper.day.pending import Going


class DayFold:
    """`add` every event that is in business day `day`, each once."""

    def __init__(self, day: str) -> None:
        self.day = day
        self._books: Books = {}
        self._drawers: list[DrawerLine] = []

    def add(self, envelope: Envelope, event: Event) -> None:
        """Raises: ValueError where the event can not be booked (`books.postings`)."""
        post(self._books, event, envelope.business_day)
        if isinstance(event, DrawerSessionClosed):
            self._drawers.append(
                DrawerLine(
                    register=envelope.register,
                    drawer=event.drawer,
                    session_id=event.session_id,
                    state="closed",
                    number=event.number,
                    by=event.by,
                    float_minor=event.figures.float_minor,
                    expected_minor=event.figures.expected_minor,
                    counted_minor=event.counted_minor,
                    over_short_minor=event.over_short_minor,
                )
            )

    @property
    def is_empty(self) -> bool:
        return not self._books and not self._drawers

    def books(self, open_checks: int = 0) -> DayBooks:
        """All of the day."""
        merged: Books = {}
        for account, amount in self._books.items():
            into = Account(self.day, account.kind, account.name)
            merged[into] = merged.get(into, 0) + amount
        return replace(day_books(merged, self.day), open_checks=open_checks)

    def adjustments(self) -> tuple[Adjustment, ...]:
        """Of it, what is stamped with another day, oldest first."""
        stamped = sorted({account.business_day for account in self._books} - {self.day})
        return tuple(Adjustment(of=of, figures=self._stamped(of)) for of in stamped)

    def _stamped(self, of: str) -> DayBooks:
        own = {account: amount for account, amount in self._books.items() if account.business_day == of}
        return replace(day_books(own, of), open_checks=0)

    def figures(
        self,
        open_checks: list[OpenCheckLine],
        open_sessions: list[tuple[str, Going]],
        frozen: list[FrozenSale],
        quarantine: int | None,
    ) -> DayFigures:
        """With what goes over into the next day."""
        drawers = sorted(self._drawers, key=lambda one: (one.register, one.drawer, one.number or 0))
        drawers += [_still_open(name, one) for name, one in open_sessions]
        return DayFigures(
            books=self.books(len(open_checks)),
            adjustments=self.adjustments(),
            drawers=tuple(drawers[:MAX_LISTED]),
            open_checks=tuple(open_checks[:MAX_LISTED]),
            open_checks_count=len(open_checks),
            frozen=tuple(frozen[:MAX_LISTED]),
            frozen_count=len(frozen),
            quarantine=quarantine,
        )


def _still_open(session_id: str, one: Going) -> DrawerLine:
    return DrawerLine(
        register=one.register,
        drawer=one.drawer,
        session_id=session_id,
        state="counted" if one.counted else "open",
        by=one.by,
        float_minor=one.float_minor,
    )

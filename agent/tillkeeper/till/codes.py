"""What a check is called when it opens: its ticket code, and its place among the cars. Practice has series of its own."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from tillkeeper.contract.events import CheckOpened
from tillkeeper.contract.values import OrderType
from tillkeeper.journal.numbering import Codes
from tillkeeper.journal.records import NewEvent
from tillkeeper.sales.training import LETTER

CARS = "cars"
"""The name of the setting that holds the order of the cars."""
DAYS_KEPT = 14
MOST_DIGITS = 6


class Opening(NamedTuple):
    """`number`: behind the letter of `ticket_code`. `car`: 0 for what is no drive-through."""

    business_day: str
    training: bool
    number: int
    ticket_code: str
    car: int


class OpeningCodes:
    """Used in one thread, and without an await between `take` and the journal, so that the order of the cars is the order in
    which they were accepted. A car's number is in the batch of its check: after a crash none comes twice. A code reserves its
    block beforehand (`journal.numbering`), for it must not come twice even where the journal is lost."""

    def __init__(self, letter: str, sales: Codes, training: Codes, cars: bytes | None) -> None:
        """`letter`: of this register; `cars`: `journal.setting(CARS)`."""
        self._series = {False: (letter, sales), True: (LETTER, training)}
        self._cars: dict[str, int] = msgspec.json.decode(cars, type=dict[str, int]) if cars else {}

    def take(self, business_day: str, order_type: OrderType, *, training: bool) -> Opening:
        """Raises: StorageRefused."""
        letter, codes = self._series[training]
        number = codes.next(business_day)
        car = 0
        if order_type == "drive_through":
            lane = _lane(business_day, training)
            car = self._cars.get(lane, 0) + 1
            self._cars = _newest({**self._cars, lane: car})
        return Opening(business_day, training, number, f"{letter}-{number:03d}", car)

    def give_back(self, opening: Opening) -> None:
        """No check was opened after all. Only the newest of a series can be given back."""
        self._series[opening.training][1].give_back(opening.business_day, opening.number)
        lane = _lane(opening.business_day, opening.training)
        if opening.car and self._cars.get(lane) == opening.car:
            self._cars = {**self._cars, lane: opening.car - 1}

    def used_before(self, event: CheckOpened, business_day: str) -> None:
        """This register opened it, and does not have it any more: what it was called comes no second time."""
        letter, _, digits = event.ticket_code.partition("-")
        expected, codes = self._series[event.training]
        if letter != expected or not digits.isascii() or not digits.isdecimal() or len(digits) > MOST_DIGITS:
            return
        codes.used_before(business_day, int(digits))
        lane = _lane(business_day, event.training)
        if event.car > self._cars.get(lane, 0):
            self._cars = _newest({**self._cars, lane: event.car})

    def settings(self, events: Iterable[NewEvent]) -> dict[str, bytes]:
        """What goes into the batch of these events."""
        found: dict[str, bytes] = {}
        for new in events:
            if isinstance(new.event, CheckOpened):
                found |= self._series[new.event.training][1].setting()
                if new.event.car:
                    found[CARS] = msgspec.json.encode(self._cars)
        return found


def opening_of(new: NewEvent) -> Opening | None:
    """What `take` gave for this event."""
    event = new.event
    if not isinstance(event, CheckOpened):
        return None
    number = int(event.ticket_code.partition("-")[2])
    return Opening(new.business_day, event.training, number, event.ticket_code, event.car)


def _lane(business_day: str, training: bool) -> str:
    return f"{business_day} {LETTER}" if training else business_day


def _newest(lanes: dict[str, int]) -> dict[str, int]:
    return {lane: lanes[lane] for lane in sorted(lanes)[-DAYS_KEPT:]}

"""What HQ shows, as far as checks read it. A vendor may show it otherwise: then such checks are skipped."""

from typing import Any, TypeVar

import msgspec

from tillkeeper.conformance.logs import Log
from tillkeeper.conformance.model import Skipped
from tillkeeper.conformance.wire import Wire
from tillkeeper.contract.envelope import Envelope

T = TypeVar("T")
MAX_PAGES = 200
_PAGE = 200


class Aside(msgspec.Struct, frozen=True):
    """A row of quarantine."""

    register: str
    incarnation: str
    reason: str
    envelope: Envelope


class _Asides(msgspec.Struct, frozen=True):
    events: tuple[Aside, ...]
    next_after: int | None = None


class _Events(msgspec.Struct, frozen=True):
    events: tuple[Envelope, ...]


class _DayBooks(msgspec.Struct, frozen=True):
    opened: int


class _Day(msgspec.Struct, frozen=True):
    books: _DayBooks


class _Books(msgspec.Struct, frozen=True):
    days: tuple[_Day, ...]


async def events_of(wire: Wire, log: Log) -> tuple[Envelope, ...]:
    """The first events of a log, as HQ shows them. Raises Skipped, Broken."""
    query = {"store": log.store, "register": log.register, "incarnation": log.incarnation}
    return _convert(await wire.get("/v1/events", **query, after=0, limit=_PAGE), _Events).events


async def quarantined(wire: Wire, log: Log) -> list[Aside]:
    """Everything in quarantine that is of this log. Raises Skipped, Broken."""
    after = 0
    rows: list[Aside] = []
    for _ in range(MAX_PAGES):
        page = _convert(await wire.get("/v1/quarantine", store=log.store, after=after), _Asides)
        rows += [row for row in page.events if (row.register, row.incarnation) == (log.register, log.incarnation)]
        if page.next_after is None or page.next_after <= after:
            return rows
        after = page.next_after
    raise Skipped(f"quarantine has more than {MAX_PAGES} pages")


async def opened_checks(wire: Wire, store: str, day: str) -> int:
    """How many checks were opened on a business day. Raises Skipped, Broken."""
    days = _convert(await wire.get("/v1/books", store=store, day=day), _Books).days
    return days[0].books.opened if days else 0


def _convert(found: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise Skipped(f"shown in a form of its own ({error})") from error

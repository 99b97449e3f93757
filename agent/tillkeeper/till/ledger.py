"""This register's own books, folded from its journal and kept up to a sequence number, so asking costs only what is new."""

import asyncio

import msgspec

from tillkeeper.contract.books import Account, Books, DayBooks, day_books, post
from tillkeeper.contract.events import decode_body
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch

PAGE = 500
KEEP_EVERY = 5_000
_SETTING = "ledger"


class _Kept(msgspec.Struct, frozen=True):
    """`upto`: incarnation -> seq that is folded in."""

    upto: dict[str, int]
    accounts: list[tuple[str, str, str, int]]


class Ledger:
    """Not on the way of a sale: it reads what is durable, in pages, and yields to the loop between them."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._books: Books = {}
        self._upto: dict[str, int] = {}
        self._unkept = 0
        self._one_reader = asyncio.Lock()
        if (stored := journal.setting(_SETTING)) is not None:
            kept = msgspec.json.decode(stored, type=_Kept)
            self._upto = dict(kept.upto)
            self._books = {Account(day, kind, name): amount for day, kind, name, amount in kept.accounts}

    async def day(self, business_day: str) -> DayBooks:
        """The books of one day, complete up to the newest durable event."""
        async with self._one_reader:
            await self._catch_up()
            return day_books(self._books, business_day, of_register=True)

    async def _catch_up(self) -> None:
        for log in self._journal.logs():
            while events := self._journal.events(log.incarnation, self._upto.get(log.incarnation, 0), PAGE):
                for envelope in events:
                    event = decode_body(envelope.type, envelope.body.encode())
                    if event is not None:
                        post(self._books, event, envelope.business_day)
                self._upto[log.incarnation] = events[-1].seq
                self._unkept += len(events)
                await asyncio.sleep(0)
        if self._unkept >= KEEP_EVERY:
            kept = _Kept(self._upto, [(a.business_day, a.kind, a.name, amount) for a, amount in self._books.items()])
            await self._journal.append(Batch(settings={_SETTING: msgspec.json.encode(kept)}))
            self._unkept = 0

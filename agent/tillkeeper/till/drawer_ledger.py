"""What the open and counted drawer sessions add up to, folded from the journal as `till/ledger.py` does it for the books.

Not on the way of a sale: it reads what is durable, in pages, when somebody asks, and yields to the loop between them.
"""

import asyncio
from collections.abc import Iterable

import msgspec

from tillkeeper.cash.figures import Sum, Sums, figures, post
from tillkeeper.cash.sessions import Session
from tillkeeper.contract.cash import DrawerFigures, DrawerSessionClosed
from tillkeeper.contract.events import decode_body
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch

PAGE = 500
KEEP_EVERY = 5_000
_SETTING = "drawer_ledger"


class _Kept(msgspec.Struct, frozen=True):
    """`upto`: log -> seq that is folded in."""

    upto: dict[str, int]
    sums: list[tuple[str, str, str, int]]


class DrawerLedger:
    """`currency`: the store's. A counted session gets no more money, so its figures, asked for after the count, are final."""

    def __init__(self, journal: Journal, currency: str) -> None:
        self._journal = journal
        self._currency = currency
        self._sums: Sums = {}
        self._upto: dict[str, int] = {}
        self._unkept = 0
        self._one_reader = asyncio.Lock()
        if (stored := journal.setting(_SETTING)) is not None:
            kept = msgspec.json.decode(stored, type=_Kept)
            self._upto = dict(kept.upto)
            self._sums = {Sum(session, kind, name): amount for session, kind, name, amount in kept.sums}

    async def figures(self, session: Session, live: Iterable[Session]) -> DrawerFigures:
        """Of a session that is not closed, complete up to the newest durable event. `live`: all that are not closed."""
        async with self._one_reader:
            await self._catch_up((session, *live))
            return figures(self._sums, session.session_id, self._currency)

    async def _catch_up(self, live: Iterable[Session]) -> None:
        logs = self._journal.logs()
        for log in logs:
            # What came before the oldest session was opened concerns none of them.
            start = min(session.after.get(log.incarnation, 0) for session in live)
            self._upto[log.incarnation] = max(self._upto.get(log.incarnation, 0), start)
            while events := self._journal.events(log.incarnation, self._upto[log.incarnation], PAGE):
                for envelope in events:
                    if (event := decode_body(envelope.type, envelope.body.encode())) is not None:
                        post(self._sums, event, self._currency)
                    if isinstance(event, DrawerSessionClosed):
                        self._sums = {key: amount for key, amount in self._sums.items() if key.session != event.session_id}
                self._upto[log.incarnation] = events[-1].seq
                self._unkept += len(events)
                await asyncio.sleep(0)
        if self._unkept >= KEEP_EVERY:
            kept = _Kept(self._upto, [(key.session, key.kind, key.name, amount) for key, amount in self._sums.items()])
            await self._journal.append(Batch(settings={_SETTING: msgspec.json.encode(kept)}))
            self._unkept = 0

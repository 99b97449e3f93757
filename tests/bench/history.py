"""Journals with a past: real orders, decided and composed by the real code, of days gone by. Made once and kept in `build/`."""

import asyncio
import hashlib
import shutil
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from tests.bench.world import ROOT, orders

from tillkeeper import clock
from tillkeeper.config.embedded import embedded, embedded_printers
from tillkeeper.contract.base import Event
from tillkeeper.contract.commands import PlaceOrder
from tillkeeper.journal.files import JOURNAL_FILE
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.privacy import make_personal
from tillkeeper.journal.records import Batch, KeptCommand, NewEvent
from tillkeeper.machine import machine_id
from tillkeeper.roles.business_day import business_day
from tillkeeper.sales.context import Context
from tillkeeper.sales.decide import decide
from tillkeeper.spool import jobs as steps
from tillkeeper.spool.jobs import job_row
from tillkeeper.spool.keeping import settled_event
from tillkeeper.spool.model import Job
from tillkeeper.till.catalogues import read_catalogue
from tillkeeper.till.compose import Draft, Moment, compose
from tillkeeper.till.shelf import row

_SQL = resources.files("tillkeeper.journal")
DAY_MS = 86_400_000
ORDERS_A_DAY = 330
AT_ONCE = 256
KEYS_KEPT = 10_000
"""What is left of idempotency keys in a journal that lived through its past (see `prune_commands`)."""


class Ringer:
    """Orders as batches, the way `till.intake` makes them."""

    def __init__(self) -> None:
        self.config = embedded(ROOT, ports=dict.fromkeys(embedded_printers(), 9100))
        self.catalogue = read_catalogue(Path(self.config.catalogue.file), frozenset(self.config.taxes.categories))
        self._rung = 0

    def day(self, now_ms: int) -> str:
        return business_day(now_ms, self.config.store.timezone, self.config.store.day_cutoff)

    def stamp(self, event: Event, now_ms: int) -> NewEvent:
        return NewEvent(event, self.day(now_ms), now_ms)

    def ring(self, order: Mapping[str, Any], now_ms: int, *, settled: bool, keep: bool) -> Batch:
        """One order as one batch.

        Args:
            settled: its documents were printed and confirmed.
            keep: with an idempotency key.
        """
        self._rung += 1
        moment = Moment(self.config, self.day(now_ms), now_ms, clock.new_id)
        context = Context(
            config=self.config,
            catalogue=self.catalogue,
            mode="offline",
            now_ms=now_ms,
            business_day=moment.business_day,
            new_id=clock.new_id,
            make_personal=make_personal,
            ticket_code=f"B-{self._rung % 1_000:03d}",
        )
        draft = compose(decide(msgspec.convert(order, PlaceOrder), None, context), moment, "")
        jobs = tuple(_printed(job, now_ms) if settled else job for job in draft.jobs)
        printed = tuple(self.stamp(settled_event(job, job.evidence), now_ms) for job in jobs if settled)
        assert draft.check is not None
        return Batch(
            events=(*draft.events, *printed),
            checks=(row(draft.check),),
            jobs=tuple(map(job_row, jobs)),
            command=self._kept(draft, now_ms) if keep else None,
            personal=draft.personal,
            settings={"ticket_codes": b'{"2026-01-01":100}'},
        )

    def _kept(self, draft: Draft, now_ms: int) -> KeptCommand:
        answer = msgspec.json.encode(draft.result)
        return KeptCommand(key=f"past-{clock.new_id()}", body_sha256=bytes(32), result=answer, at_ms=now_ms)


def _printed(job: Job, now_ms: int) -> Job:
    return steps.settle(steps.begin(job, "abcd"), "was_confirmed", now_ms, evidence="GS ( H")


def journal_with(events: int, folder: Path) -> Path:
    """A data folder whose journal holds at least so many events; made where there is none of this schema yet."""
    # An order of the day comes to about ten events; only roughly right is enough to spread them over the days.
    days = max(1, events // (10 * ORDERS_A_DAY))
    return _made(f"past-{events}", folder, Past(events, None, days, ORDERS_A_DAY))


def days_of(days: int, orders_a_day: int, folder: Path) -> Path:
    """A data folder whose journal holds exactly `days * orders_a_day` orders; made where there is none of this schema yet."""
    return _made(f"days-{days}-{orders_a_day}", folder, Past(None, days * orders_a_day, days, orders_a_day))


class Past(NamedTuple):
    """Ends after so many events or orders. `days`: before today, with so many orders each."""

    events: int | None
    orders: int | None
    days: int
    orders_a_day: int

    def left(self, rung: int, written: int) -> int:
        """Orders that are still to come, roughly where events are counted."""
        return (self.events - written + 9) // 10 if self.events is not None else (self.orders or 0) - rung


def _made(name: str, folder: Path, past: Past) -> Path:
    schema = sorted((file for file in _SQL.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    form = hashlib.sha256(b"".join(file.read_bytes() for file in schema)).hexdigest()[:8]
    data = folder / f"{name}-{form}"
    if not (data / JOURNAL_FILE).exists():
        making = data.with_name(f"{data.name}.new")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        asyncio.run(_fill(making / JOURNAL_FILE, past))
        making.rename(data)
    return data


async def _fill(path: Path, past: Past) -> None:
    ringer, drawn, rung = Ringer(), orders(seed=past.events or past.orders or 0), 0
    now_ms = clock.wall_ms() - (past.days + 1) * DAY_MS
    config = ringer.config
    async with await Journal.open(
        path, config.store.id, config.this_register, wall_ms=clock.wall_ms, new_id=clock.new_id, machine_id=machine_id()
    ) as journal:
        while (left := past.left(rung, journal.last_seq)) > 0:
            group = []
            for _ in range(AT_ONCE if past.orders is None else min(AT_ONCE, left)):
                now_ms += DAY_MS // past.orders_a_day
                group.append(ringer.ring(next(drawn), now_ms, settled=True, keep=left < KEYS_KEPT))
                rung += 1
            await asyncio.gather(*map(journal.append, group))

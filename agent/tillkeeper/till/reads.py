"""What can be read of the register, as views. Reading never waits for a device, for HQ, or for a sale under way."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import get_args

from msgspec.structs import replace

from tillkeeper.across.here import find, is_here
from tillkeeper.across.taking import Taking, There
from tillkeeper.api.ports import BooksQuery, ChecksQuery, JobsQuery
from tillkeeper.api.present import check_summary, check_view, device_view, drawer_view, job_view, reason_words, wired_view
from tillkeeper.clock import WallClock
from tillkeeper.config.model import Config
from tillkeeper.config.model import Terminal as Place
from tillkeeper.contract.availability import AvailabilityView
from tillkeeper.contract.devices import ReplacedView
from tillkeeper.contract.pages import DisplaySettings, PageSettings, Terminal
from tillkeeper.contract.values import OrderType, Totals
from tillkeeper.contract.views import (
    BooksView,
    CatalogueView,
    CheckPage,
    CheckSummary,
    CheckView,
    DeviceView,
    JobView,
    Mode,
    TaxBook,
    TenderBook,
    Tri,
)
from tillkeeper.errors import NotFound
from tillkeeper.journal.journal import Journal
from tillkeeper.layouts.names import languages
from tillkeeper.sales import availability
from tillkeeper.sales.model import Check
from tillkeeper.sales.pricing import rules_of, totals
from tillkeeper.sales.taxes import included
from tillkeeper.sales.tenders import offered_tenders
from tillkeeper.spool.jobs import decode as decode_job
from tillkeeper.spool.jobs import is_settled
from tillkeeper.spool.model import Job
from tillkeeper.spool.ports import DeviceSnapshot
from tillkeeper.spool.spool import Spool
from tillkeeper.till.availability import StockKeeper
from tillkeeper.till.catalogues import Catalogues
from tillkeeper.till.ledger import Ledger
from tillkeeper.till.offer import offered
from tillkeeper.till.shelf import Held, Shelf, Span, held_of

STRETCH = 200
MOST_ELSEWHERE = 200
MOST_LOOKED_AT = 10_000
"""Checks that one page looks through for those that fit."""


@dataclass(frozen=True, kw_only=True)
class Reads:
    """`held_by_hq`: up to which seq HQ holds a log of this register. `version`: of the agent."""

    config: Config
    journal: Journal
    shelf: Shelf
    spool: Spool
    catalogues: Catalogues
    stock: StockKeeper
    ledger: Ledger
    held_by_hq: Callable[[str], int]
    only_here: Callable[[], int]
    mode: Callable[[], Mode]
    today: Callable[[], str]
    version: str
    now_ms: WallClock
    catalogue_age_s: Callable[[], float | None]
    replaced: Callable[[str], ReplacedView | None] = lambda _device: None
    taking: Taking | None = None

    # --- checks ---

    def check(self, ref: str) -> CheckView:
        check_id = find(self.shelf, self.taking, ref, self.today())
        held = self.shelf.get(check_id)
        there = self.taking.there(check_id) if self.taking is not None and not is_here(self.shelf, check_id) else None
        if there is not None:
            return check_view(there.check, self._totals_of(there.check), there.texts, synced=False, elsewhere=there.where)
        if held is None:
            raise NotFound("find", f"check {ref}", "it is not in this register's journal")
        check = held.check
        digests = [personal.digest for personal in (check.name, check.phone, check.note) if personal is not None]
        return check_view(check, self._totals_of(check), self.journal.personal(digests), synced=self._synced(held))

    async def checks(self, query: ChecksQuery) -> CheckPage:
        """What the journal finds by itself is found in one look; the rest is looked through, a stretch at a time. A look
        that comes to its bound answers a short page, and the next one goes on from there."""
        if query.where == "elsewhere":
            return CheckPage(checks=self._elsewhere(query))
        page = await self._here(query)
        if query.where == "here" or query.before:
            return page
        both = sorted((*page.checks, *self._elsewhere(query)), key=lambda check: check.opened_at_ms, reverse=True)
        return CheckPage(checks=tuple(both), next_before=page.next_before)

    def _elsewhere(self, query: ChecksQuery) -> tuple[CheckSummary, ...]:
        """Open checks of other registers, the newest first, at most `MOST_ELSEWHERE`."""
        if self.taking is None or query.state in ("closed", "voided"):
            return ()
        there = [one for one in self.taking.open_elsewhere() if query.day in (None, one.check.business_day)]
        found = [one for one in there if _wanted(one.check, query)]
        found.sort(key=lambda one: one.check.opened_at_ms, reverse=True)
        return tuple(map(self.there, found[:MOST_ELSEWHERE]))

    def there(self, there: There) -> CheckSummary:
        """Of a check that another register has."""
        return check_summary(there.check, self._totals_of(there.check), there.texts, synced=False, elsewhere=there.where)

    async def _here(self, query: ChecksQuery) -> CheckPage:
        picky = query.awaiting is not None or query.order_type is not None
        stretch = max(query.limit, STRETCH) if picky else query.limit
        state = query.state or ("open" if query.awaiting else None)  # only an open check can await anything
        found: list[Held] = []
        before = query.before or ""
        for _ in range(MOST_LOOKED_AT // stretch):
            stored = self.journal.checks(state=state, business_day=query.day, limit=stretch, before=before)
            for held in map(held_of, stored):
                before = held.check.check_id
                if _wanted(held.check, query) and not held.check.elsewhere:
                    found.append(held)
                if len(found) == query.limit:
                    return CheckPage(checks=self._summaries(found), next_before=before)
            if len(stored) < stretch:
                return CheckPage(checks=self._summaries(found))
            await asyncio.sleep(0)
        return CheckPage(checks=self._summaries(found), next_before=before)

    def availability(self) -> AvailabilityView:
        return availability.view(self.stock.durable, self.catalogues.current)

    def open_checks(self) -> tuple[CheckSummary, ...]:
        return self._summaries(self.shelf.open_checks())

    def summary(self, held: Held) -> CheckSummary:
        return self._summaries([held])[0]

    def _summaries(self, found: Iterable[Held]) -> tuple[CheckSummary, ...]:
        checks = list(found)
        texts = self.journal.personal([held.check.name.digest for held in checks if held.check.name is not None])
        return tuple(self._summary(held, texts) for held in checks)

    def _summary(self, held: Held, texts: Mapping[str, str]) -> CheckSummary:
        return check_summary(held.check, self._totals_of(held.check), texts, synced=self._synced(held))

    def _totals_of(self, check: Check) -> Totals:
        return check.closed_totals or totals(check, rules_of(self.config.store))

    def _synced(self, held: Held) -> bool:
        return self.is_at_hq(held.span)

    def is_at_hq(self, span: Span) -> bool:
        return span.is_held(self.held_by_hq, self.journal.end_of)

    # --- jobs and devices ---

    def job(self, job_id: str) -> JobView:
        waiting = self.spool.find(job_id)
        if waiting is None:
            stored = self.journal.job(job_id)
            if stored is None:
                raise NotFound("find", f"job {job_id}", "this register has no such job")
            waiting = decode_job(stored.body)
        return self._job_view(waiting, self.now_ms())

    def jobs(self, query: JobsQuery) -> tuple[JobView, ...]:
        now_ms = self.now_ms()
        if query.state == "all":
            rows = self.journal.jobs(limit=query.limit)
            return tuple(self._job_view(decode_job(row.body), now_ms) for row in reversed(rows))
        waiting = (job for job in self.spool.waiting(held=query.state == "held") if not is_settled(job.state))
        return tuple(self._job_view(job, now_ms) for job in islice(waiting, query.limit))

    def _job_view(self, job: Job, now_ms: int) -> JobView:
        """One that stands still in the middle of its document says why."""
        made = job_view(job, now_ms)
        device = self.config.devices.get(job.device)
        if job.state != "sending" or device is None:
            return made
        snapshot = self.spool.snapshot_of(device.printer if device.kind == "drawer" else job.device)
        if snapshot is None or snapshot.current_job != job.job_id or snapshot.status is None:
            return made
        return replace(made, reason=reason_words(snapshot.status.trouble() or "") or made.reason)

    def devices(self) -> tuple[DeviceView, ...]:
        return tuple(map(self._device, self.config.devices))

    def device(self, name: str) -> DeviceView | None:
        """None where no such device is configured."""
        return self._device(name) if name in self.config.devices else None

    def drawer_open(self, drawer: str) -> Tri:
        """What the sensor of a drawer says."""
        device = self.config.devices.get(drawer)
        printer = self.spool.snapshot_of(device.printer) if device is not None and device.printer else None
        if device is None or printer is None or printer.status is None:
            return "unknown"
        level = printer.status.drawer_pin_high
        opens = printer.open_level if device.open_level == "learn" else device.open_level
        if "unknown" in (level, opens):
            return "unknown"
        return "yes" if (level == "yes") == (opens == "high") else "no"

    def _device(self, name: str) -> DeviceView:
        device = self.config.devices[name]
        stations = tuple(station for station, entry in self.config.stations.items() if name in entry.devices)
        snapshot = self.spool.snapshot_of(device.printer if device.kind == "drawer" else name)
        if snapshot is None:
            return self._placed(device_view(name, device.kind, None, stations=stations))
        asked_ms = snapshot.status_at_ms
        if device.kind == "drawer":
            return self._placed(self._drawer(name, device.printer, snapshot))
        made = device_view(
            name,
            device.kind,
            snapshot.status,
            asked_age_s=None if asked_ms is None else max(0, self.now_ms() - asked_ms) / 1000,
            queued=snapshot.queued,
            held=snapshot.held,
            stations=stations,
            refuses=snapshot.refuses(self.now_ms()),
            busy=snapshot.busy,
        )
        return self._placed(made)

    def _drawer(self, name: str, printer: str, snapshot: DeviceSnapshot) -> DeviceView:
        """Of its printer's state only what concerns a drawer."""
        asked_ms = snapshot.status_at_ms
        return drawer_view(
            name,
            printer,
            snapshot.status,
            asked_age_s=None if asked_ms is None else max(0, self.now_ms() - asked_ms) / 1000,
            drawer_open=self.drawer_open(name),
            refuses=snapshot.refuses(self.now_ms()),
            stuck=name in snapshot.drawers_stuck,
        )

    def _placed(self, view: DeviceView) -> DeviceView:
        """With where it is, and since when it is not what the configuration says."""
        device = self.config.devices[view.device]
        view = replace(view, address=device.address, profile=device.profile, replaced=self.replaced(view.device))
        return wired_view(view, register) if (register := self.config.wired_to(view.device)) else view

    # --- the store ---

    def pages(self) -> PageSettings:
        config = self.config
        names = tuple(config.terminals) or (config.this_register,)
        displays = {name for name, device in config.devices.items() if device.kind == "display"}
        return PageSettings(
            store=config.store.id,
            store_name=config.store.name,
            register=config.this_register,
            version=self.version,
            currency=config.store.currency,
            minor_digits=config.store.minor_digits,
            timezone=config.store.timezone,
            language=config.store.language,
            country=config.store.country,
            day_cutoff=config.store.day_cutoff,
            fire=config.register.fire or config.fire,
            terminals=tuple(terminal_view(name, config.place(name)) for name in names),
            displays=tuple(
                DisplaySettings(
                    device=device,
                    stations={name: station.title for name, station in config.stations.items() if device in station.devices},
                )
                for device in config.devices
                if device in displays
            ),
            order_types=get_args(OrderType),
            registers=config.pages.registers,
            bump_keys=config.pages.bump_keys,
            ticket_warn_s=config.pages.ticket_warn_s,
            ticket_late_s=config.pages.ticket_late_s,
            languages=tuple(sorted(languages())),
            staff=bool(config.staff.file),
            pin_length=config.staff.pin_length,
            offline_support=config.offline.support,
            cash_session_required=config.cash.session_required,
            hq=bool(config.hq.url),
            tax_included=included(config.taxes),
        )

    # --- catalogue and books ---

    def catalogue(self) -> CatalogueView:
        return offered(self.config, self.catalogues.current, offered_tenders(self.config, self.mode()), self.catalogue_age_s())

    async def books(self, query: BooksQuery) -> BooksView:
        day = query.day or self.today()
        books = await self.ledger.day(day)
        rates = self.config.taxes.rates
        return BooksView(
            business_day=day,
            currency=self.config.store.currency,
            checks_opened=books.opened,
            checks_closed=books.sales,
            checks_voided=books.voids,
            checks_open=books.open_checks,
            gross_minor=books.gross_minor,
            net_minor=books.net_minor,
            tax_minor=books.tax_minor,
            discount_minor=books.discount_minor,
            rounding_minor=books.rounding_minor,
            refund_minor=books.refunded_minor,
            refund_tax_minor=books.refunded_tax_minor,
            no_sales=books.no_sales,
            only_here=self.only_here(),
            taxes=tuple(
                TaxBook(
                    code=code,
                    title=rates[code].name if code in rates else code,
                    net_minor=tax.net_minor,
                    tax_minor=tax.tax_minor,
                )
                for code, tax in books.taxes.items()
            ),
            tenders=tuple(
                TenderBook(
                    tender=name,
                    taken_minor=money.taken_minor,
                    returned_minor=money.returned_minor,
                    refunded_minor=money.refunded_minor,
                )
                for name, money in books.tenders.items()
            ),
        )


def _wanted(check: Check, query: ChecksQuery) -> bool:
    return query.awaiting in (None, bool(check.awaiting)) and query.order_type in (None, check.order_type)


def terminal_view(name: str, place: Place) -> Terminal:
    return Terminal(
        terminal=name,
        title=place.title,
        view=place.view,
        order_type=place.order_type,
        drawer=place.drawer or "",
        receipt_printer=place.receipt_printer or "",
    )

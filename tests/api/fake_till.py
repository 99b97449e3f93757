"""A till in memory that keeps the contract of `tillkeeper.api.ports.Till`, and on demand misbehaves."""

import asyncio
from contextlib import AbstractContextManager

import msgspec
from tests.api.fake_rooms import (
    Echo,
    FakeAccess,
    FakeAfter,
    FakeDays,
    FakeDrawers,
    FakeFinder,
    FakeGreen,
    FakeHours,
    FakeNetwork,
    FakeOnline,
    FakePeople,
    FakePrivacy,
    FakeRoles,
    FakeSetup,
    FakeTrust,
    FakeUpkeep,
)  # fmt: skip

from tillkeeper.api.hub import LiveHub
from tillkeeper.api.ports import (
    BooksQuery,
    ChecksQuery,
    JobsQuery,
    KitchenDoor,
    LiveFeed,
    PreviewQuery,
)
from tillkeeper.contract import commands as c
from tillkeeper.contract import views as v
from tillkeeper.contract.acts import ActNoted
from tillkeeper.contract.authorisations import AuthorisationsView
from tillkeeper.contract.availability import AvailabilityView
from tillkeeper.contract.caller import INTEGRATION, Caller
from tillkeeper.contract.devices import ReplacementBody, ReplacementView
from tillkeeper.contract.live import CheckChanged
from tillkeeper.contract.modes import ModeView
from tillkeeper.contract.pages import PageSettings, PreviewOptions
from tillkeeper.contract.values import Totals
from tillkeeper.diagnostics.facts import CatalogueFacts, Facts, HqFacts, JournalFacts
from tillkeeper.diagnostics.snapshot import status_view
from tillkeeper.errors import Conflict, NotFound, Refused, StorageRefused

ZERO = Totals(
    subtotal_minor=0,
    discount_minor=0,
    net_minor=0,
    tax_minor=0,
    gross_minor=0,
    rounding_minor=0,
    paid_minor=0,
    due_minor=0,
)


def facts(**changes: object) -> Facts:
    base = Facts(
        store="s1",
        register="r1",
        incarnation="i1",
        version="0.1.0",
        at_ms=1_790_000_000_000,
        uptime_s=10.0,
        business_day="2026-11-22",
        mode="online",
        colour="green",
        offline_support=True,
        online_window_s=5.0,
        hq=HqFacts(configured=True, exchange_age_s=0.5),
        journal=JournalFacts(),
        catalogue=CatalogueFacts(version="c1", age_s=60.0),
    )
    if "mode" in changes and "colour" not in changes:
        of_mode = {"online": "green", "offline": "red", "island": "red", "manual_offline": "red"}
        changes["colour"] = of_mode.get(str(changes["mode"]), "grey")
    return msgspec.structs.replace(base, **changes)


def summary(check_id: str, number: int = 0) -> v.CheckSummary:
    return v.CheckSummary(
        check_id=check_id,
        ticket_code=f"B-{number:03}",
        state="open",
        synced=False,
        order_type="dine_in",
        business_day="2026-11-22",
        opened_at_ms=number,
        terminal="r1",
        gross_minor=0,
        due_minor=0,
        lines=0,
    )


def job(job_id: str) -> v.JobView:
    return v.JobView(job_id=job_id, device="grill", document_class="kitchen_ticket", state="held", created_at_ms=1, age_s=1.0)


class FakeTill:
    """`hang`: commands wait for it to be set (None: they do not). `trouble`: item ids that make `execute` fail."""

    def __init__(self, hub: LiveHub | None = None) -> None:
        self.kept: dict[str, tuple[bytes, c.CommandResult]] = {}
        self.executed: list[c.AnyCommand] = []
        self.calls: list[tuple[str, ...]] = []
        self.rows: list[v.CheckSummary] = []
        self.hub = hub or LiveHub()
        self.people = FakePeople()
        self.drawers = FakeDrawers()
        self.network = FakeNetwork()
        self.finder = FakeFinder()
        self.setup = FakeSetup()
        self.trust = FakeTrust()
        self.restarts = FakeUpkeep()
        self.hours, self.day, self.access, self.privacy = FakeHours(), FakeDays(), FakeAccess(), FakePrivacy()
        self.after, self.green, self.online, self.roles = FakeAfter(), FakeGreen(), FakeOnline(), FakeRoles()
        self.authorisations = AuthorisationsView
        self.noted: list[ActNoted] = []
        self.display = Echo()
        self.hang: asyncio.Event | None = None
        self.entered = asyncio.Event()

    async def note_act(self, act: ActNoted) -> None:
        self.noted.append(act)

    async def begin_replacement(
        self, key: str, device: str, asked: ReplacementBody, caller: Caller
    ) -> tuple[ReplacementView, bool]:
        if device != "grill":
            raise NotFound("replace", f"device {device}", "there is none")
        answer = ReplacementView(
            replacement_id="R1", device=device, title="USB printer", address=asked.found, kind="escpos", profile="tm-t88vi",
            number="427", printed="confirmed",
        )  # fmt: skip
        return answer, key in self.kept

    async def execute(self, key: str, command: c.AnyCommand, caller: Caller = INTEGRATION) -> tuple[c.CommandResult, bool]:
        self.entered.set()
        if self.hang is not None:
            await self.hang.wait()
        body = msgspec.json.encode(command)
        if key in self.kept:
            known, result = self.kept[key]
            if known != body:
                raise Conflict("execute", key, "the key came before with another command", "make a new key")
            return result, True
        self._maybe_fail(command)
        result = c.CommandResult(events=1, check_id=getattr(command, "check_id", "") or f"CHK{len(self.kept)}")
        self.kept[key] = body, result
        self.executed.append(command)
        self.rows.insert(0, summary(result.check_id, len(self.kept)))
        self.hub.publish(CheckChanged(check=self.rows[0]))
        return result, False

    def _maybe_fail(self, command: c.AnyCommand) -> None:
        for line in getattr(command, "lines", ()):
            if line.item_id == "boom":
                raise ZeroDivisionError("a secret of the inside: /var/lib/journal.db")
            if line.item_id == "full":
                raise StorageRefused("append", "journal", "the disk is full", "free space")
            if line.item_id == "card":
                more = {"allowed": ["cash"], "status": 200, "data": {1}}
                raise Refused("tender_not_allowed", "pay", "card", "HQ is silent", "take cash", **more)

    async def release_job(self, key: str, job_id: str, by: str) -> tuple[v.JobView, bool]:
        self.calls.append(("release", key, job_id, by))
        return job(job_id), False

    async def release_jobs(self, key: str, by: str, *, training: bool) -> tuple[v.JobPage, bool]:
        self.calls.append(("release all", key, "training" if training else "", by))
        return v.JobPage(jobs=(job("J1"), job("J2"))), False

    async def cancel_job(self, key: str, job_id: str, by: str) -> tuple[v.JobView, bool]:
        self.calls.append(("cancel", key, job_id, by))
        return job(job_id), True

    async def test_slip(self, key: str, device: str, by: str) -> tuple[c.JobRef, bool]:
        self.calls.append(("test", key, device, by))
        return c.JobRef(job_id="J1", document_class="test_slip", device=device), False

    async def check(self, ref: str) -> v.CheckView:
        for row in self.rows:
            if ref in {row.check_id, row.ticket_code}:
                return v.CheckView(
                    check_id=row.check_id,
                    ticket_code=row.ticket_code,
                    state=row.state,
                    synced=row.synced,
                    order_type=row.order_type,
                    business_day=row.business_day,
                    opened_at_ms=row.opened_at_ms,
                    terminal=row.terminal,
                    catalogue_version="c1",
                    totals=ZERO,
                )
        raise NotFound("find", f"check {ref}", "there is none")

    async def checks(self, query: ChecksQuery) -> v.CheckPage:
        ids = [row.check_id for row in self.rows]
        start = ids.index(query.before) + 1 if query.before in ids else 0
        found = [row for row in self.rows[start:] if query.state in {None, row.state} and query.day in {None, row.business_day}]
        page = tuple(found[: query.limit])
        return v.CheckPage(checks=page, next_before=page[-1].check_id if len(page) == query.limit else None)

    async def availability(self) -> AvailabilityView:
        return AvailabilityView(entries=())

    async def job(self, job_id: str) -> v.JobView:
        if job_id != "J1":
            raise NotFound("find", f"job {job_id}", "there is none")
        return job(job_id)

    async def jobs(self, query: JobsQuery) -> tuple[v.JobView, ...]:
        return tuple(job(f"J{number}") for number in range(3))[: query.limit]

    async def devices(self) -> tuple[v.DeviceView, ...]:
        return (v.DeviceView(device="grill", kind="escpos"),)

    async def mode(self) -> ModeView:
        status = await self.status()
        return ModeView(mode=status.mode, dot=status.dot, words="HQ answers", may_switch=True)

    async def status(self) -> v.StatusView:
        return status_view(facts(devices=await self.devices()))

    async def catalogue(self) -> v.CatalogueView:
        return v.CatalogueView(version="c1", sha256="00", currency="EUR", minor_digits=2, age_s=None, items=())

    async def pages(self) -> PageSettings:
        return PageSettings(
            store="s1", store_name="Grill", register="r1", version="0.1.0", currency="EUR", minor_digits=2,
            timezone="Europe/Berlin", language="en", country="DE", languages=("en",), day_cutoff="04:00", fire="on_send",
            terminals=(), displays=(), order_types=(), registers=(), bump_keys={}, ticket_warn_s=300.0, ticket_late_s=600.0,
            staff=False, pin_length=4, offline_support=True, cash_session_required=False, hq=False,
        )  # fmt: skip

    async def books(self, query: BooksQuery) -> v.BooksView:
        return v.BooksView(
            business_day=query.day or "2026-11-22",
            currency="EUR",
            checks_opened=0,
            checks_closed=0,
            checks_voided=0,
            checks_open=0,
            gross_minor=0,
            net_minor=0,
            tax_minor=0,
            discount_minor=0,
            rounding_minor=0,
            refund_minor=0,
            refund_tax_minor=0,
            no_sales=0,
            only_here=0,
        )

    async def preview_options(self) -> PreviewOptions:
        return PreviewOptions(
            documents=("receipt",), stations={"grill": "Grill"}, languages=("de", "en"), columns=(32, 48), language="en"
        )

    async def preview(self, document: str, query: PreviewQuery) -> bytes:
        if document != "receipt":
            raise NotFound("preview", f"document {document}", "there is no document of this name")
        return b"\x89PNG " + msgspec.json.encode(query)

    def subscribe(self) -> AbstractContextManager[LiveFeed]:
        return self.hub.subscribe()

    def kitchen(self, device: str) -> KitchenDoor:
        if device != "pass":
            raise NotFound("find", f"display {device}", "no display of this name is configured")
        return self.display

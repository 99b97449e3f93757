"""A till in memory that keeps the contract of `tillkeeper.api.ports.Till`, and on demand misbehaves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager

import msgspec

from tillkeeper.api.hub import LiveHub
from tillkeeper.api.ports import (
    BooksQuery,
    ChecksQuery,
    DrawerQuery,
    JobsQuery,
    KitchenDoor,
    LiveFeed,
    NetworkHistoryQuery,
    PreviewQuery,
    SessionsQuery,
)
from tillkeeper.contract import commands as c
from tillkeeper.contract import views as v
from tillkeeper.contract.acts import ActNoted
from tillkeeper.contract.availability import AvailabilityView
from tillkeeper.contract.caller import INTEGRATION, PERMISSIONS, Caller, Scope
from tillkeeper.contract.cash import DrawerList, DrawerReport, DrawerSessionList, DrawerSessionView, DrawerView
from tillkeeper.contract.devices import FoundList, FoundView, ProbeBody, ProbeView, ReplacementBody, ReplacementView
from tillkeeper.contract.live import CheckChanged
from tillkeeper.contract.modes import ModeView
from tillkeeper.contract.network import DiagnosisView, NetworkHistory, NetworkView, ProberView
from tillkeeper.contract.pages import PreviewOptions
from tillkeeper.contract.trust import CodeBody, CodeView, LeaveBody, StoreView
from tillkeeper.contract.upkeep import RestartView
from tillkeeper.contract.values import Totals
from tillkeeper.diagnostics.facts import CatalogueFacts, Facts, HqFacts, JournalFacts
from tillkeeper.diagnostics.snapshot import status_view
from tillkeeper.errors import Conflict, NotFound, Refused, StorageRefused
from tillkeeper_drivers.api import DisplaySocket

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


class Echo:
    """A display driver that greets, answers each frame, and leaves when told so."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.left = asyncio.Event()

    async def attach(self, socket: DisplaySocket) -> None:
        await socket.send("hello")
        frames: AsyncIterator[str] = aiter(socket)
        async for frame in frames:
            self.seen.append(frame)
            if frame == "leave":
                break
            if frame == "crash":
                raise ZeroDivisionError("secret inside")
            await socket.send(f"echo {frame}")
        self.left.set()


class FakePeople:
    """Nobody has to sign in; a session is the name of whoever has."""

    def caller(self, scope: Scope, terminal: str, session: str = "", approval: str = "") -> Caller:
        return Caller(scope=scope, terminal=terminal, employee=session, permissions=frozenset(PERMISSIONS))


class FakeDrawers:
    """One drawer, whose session has just been opened."""

    session = DrawerSessionView(
        session_id="S1",
        drawer="drawer",
        state="open",
        opened_at_ms=1,
        opened_by="ana",
        float_minor=10_000,
    )

    def drawers(self) -> DrawerList:
        return DrawerList(drawers=(DrawerView(drawer="drawer", title="Front", session=self.session),))

    async def report(self, drawer: str, query: DrawerQuery, caller: Caller) -> DrawerReport:
        if drawer != "drawer":
            raise NotFound("find", f"drawer {drawer}", "there is none")
        return DrawerReport(kind="x", session=self.session, figures=None, currency="EUR", at_ms=2)

    def closed(self, drawer: str, query: SessionsQuery) -> DrawerSessionList:
        return DrawerSessionList(sessions=())


class FakeNetwork:
    """Nobody watches; a diagnosis runs for ever."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool, str]] = []

    def view(self) -> NetworkView:
        return NetworkView(
            phase="checking",
            headline="No prober has reported yet",
            evidence=(),
            what_to_do=(),
            faults=(),
            also=(),
            since_age_s=None,
            columns=(),
            targets=(),
            peers=(),
            prober=ProberView(state="absent", words="No prober has reported yet"),
        )

    def history(self, query: NetworkHistoryQuery) -> NetworkHistory:
        return NetworkHistory(entries=(), more=query.limit == 1)

    def diagnose(self, key: str, pcap: bool, by: str) -> tuple[DiagnosisView, bool]:
        if any(known != key for known, _, _ in self.asked):
            raise Conflict("diagnose", "network", "a diagnosis is running")
        replayed = bool(self.asked)
        self.asked.append((key, pcap, by))
        return self.diagnosis("D1"), replayed

    def diagnosis(self, diagnosis_id: str) -> DiagnosisView:
        if diagnosis_id != "D1":
            raise NotFound("find", f"diagnosis {diagnosis_id}", "there is none")
        return DiagnosisView(diagnosis_id="D1", state="running", started_at_ms=1, by="")


class FakeFinder:
    """One printer is plugged in; `searches` counts."""

    def __init__(self) -> None:
        self.searches = 0

    def found(self) -> FoundList:
        here = "usb:serial=J8XY"
        printer = FoundView(identity=here, bus="usb", address=here, title="USB printer", devices=("grill",))
        return FoundList(found=(printer,), searched_age_s=0.5 if self.searches else None)

    async def search(self) -> FoundList:
        self.searches += 1
        return self.found()


class FakeSetup:
    """The found printer is an Epson."""

    async def probe(self, device: str, asked: ProbeBody, caller: Caller) -> ProbeView:
        if device != "grill":
            raise NotFound("probe", f"device {device}", "there is none")
        return ProbeView(title="USB printer", address=asked.found, speaks="escpos", maker="EPSON", model="TM-T88VI")


class FakeTrust:
    """A store of one register without keys."""

    def view(self) -> StoreView:
        return StoreView(store="s1", register="r1", joined=False)

    async def open_code(self, asked: CodeBody, caller: Caller) -> CodeView:
        raise Refused("no_store_keys", "admit", f"register {asked.register}", "there are no keys")

    async def leave(self, asked: LeaveBody, caller: Caller) -> StoreView:
        raise NotFound("let go", f"register {asked.register}", "there is none")


class FakeUpkeep:
    """Not under systemd: it can not be restarted."""

    def view(self) -> RestartView:
        return RestartView(version="0.1.0", installed="", wanted=False, by="", reasons=())

    def ask(self, by: str) -> RestartView:
        raise Refused("not_supervised", "restart", "the agent", f"{by} asked, and nothing would start it again")


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

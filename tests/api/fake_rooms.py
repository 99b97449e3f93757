"""The rooms of the till in memory (`fake_till.py`): each keeps its part of `tillkeeper.api.ports`, and says little."""

import asyncio
from collections.abc import AsyncIterator

from tillkeeper.access.trouble import no_code_open
from tillkeeper.api.ports import DrawerQuery, NetworkHistoryQuery, SessionsQuery
from tillkeeper.contract.access import LanView, PairBody, PairedView, PairingBody, PairingsView, PairingView, UnpairBody
from tillkeeper.contract.after import AfterQuery, AfterView, GreenView
from tillkeeper.contract.caller import PERMISSIONS, Caller, Permission, Scope
from tillkeeper.contract.cash import DrawerList, DrawerReport, DrawerSessionList, DrawerSessionView, DrawerView
from tillkeeper.contract.day import ClosedDayList, DayReport, DayStatus
from tillkeeper.contract.devices import FoundList, FoundView, ProbeBody, ProbeView
from tillkeeper.contract.network import DiagnosisView, NetworkHistory, NetworkView, ProberView
from tillkeeper.contract.online import OnlineView
from tillkeeper.contract.people import ApprovalView, SessionView, StaffList, TimeEntriesQuery, TimeEntryList
from tillkeeper.contract.privacy import EraseBody, ErasedTexts, FindBody, FoundTexts
from tillkeeper.contract.roles import Epoch, PreflightView, RolesBrief, RolesView
from tillkeeper.contract.trust import CodeBody, CodeView, LeaveBody, StoreView
from tillkeeper.contract.upkeep import RestartView
from tillkeeper.errors import Conflict, NotFound, Refused
from tillkeeper.people.refusals import PinWrong, SignInNeeded
from tillkeeper_drivers.api import DisplaySocket


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
    """Nobody has to sign in; a session is the name of whoever has. There is no roster, so no PIN is right."""

    def caller(self, scope: Scope, terminal: str, session: str = "", approval: str = "") -> Caller:
        return Caller(scope=scope, terminal=terminal, employee=session, permissions=frozenset(PERMISSIONS))

    async def sign_in(self, pin: str, training: bool, caller: Caller) -> SessionView:
        raise PinWrong("sign in", caller.terminal, 4)

    async def sign_out(self, token: str) -> None:
        return None

    def session(self, token: str) -> SessionView:
        raise SignInNeeded("read", "session")

    async def set_training(self, on: bool, token: str, caller: Caller) -> SessionView:
        raise SignInNeeded("practise", caller.terminal)

    async def approve(self, pin: str, permission: Permission, caller: Caller) -> ApprovalView:
        raise PinWrong("approve", caller.terminal, 4)


class FakeHours:
    """Nobody works here."""

    def staff(self) -> StaffList:
        return StaffList(staff=())

    def time_entries(self, query: TimeEntriesQuery) -> TimeEntryList:
        return TimeEntryList(entries=(), worked=())


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


class FakeDays:
    """The first day: nothing is closed, and nothing can be."""

    async def status(self) -> DayStatus:
        return DayStatus(
            today="2026-11-22",
            day=None,
            open=(),
            primary="r1",
            may_close=True,
            ready=False,
            words="Nothing to close",
            members=(),
        )

    async def days(self, before: str | None, limit: int) -> ClosedDayList:
        return ClosedDayList(days=())

    async def report(self, day: str) -> DayReport:
        raise NotFound("find", f"day {day}", "nothing was sold on it")


class FakeAccess:
    """No device is paired, no code is open, and nothing listens on the network."""

    def view(self, caller: Caller) -> PairingsView:
        return PairingsView(devices=(), lan=LanView())

    def authority(self) -> bytes:
        raise NotFound("get", "certificate", "this register serves no pages by HTTPS")

    async def open(self, asked: PairingBody, caller: Caller) -> PairingView:
        raise Refused("no_address", "pair", f"device {asked.name}", "no device can reach this register")

    async def pair(self, asked: PairBody, address: str) -> PairedView:
        raise no_code_open()

    async def unpair(self, device_id: str, asked: UnpairBody, caller: Caller) -> PairingsView:
        raise NotFound("unpair", f"device {device_id}", "no such device is paired")


class FakePrivacy:
    """No text about anybody is held."""

    async def find(self, asked: FindBody, caller: Caller) -> FoundTexts:
        return FoundTexts(texts=(), more=False, held=0)

    async def erase(self, asked: EraseBody, caller: Caller) -> ErasedTexts:
        return ErasedTexts(digests=len(asked.digests), erased=0)


class FakeAfter:
    """There was no outage."""

    async def view(self, query: AfterQuery) -> AfterView:
        return AfterView(words="Nothing is left", tasks=())


class FakeGreen:
    """This one register, and no HQ."""

    async def view(self) -> GreenView:
        return GreenView(green=True, words="All is well", at_ms=1, registers=())


class FakeOnline:
    """No web shop."""

    def view(self) -> OnlineView:
        return OnlineView(takes=False, words="No orders come from HQ", holder="", waiting=0, asked_s=None, rows=())


class FakeRoles:
    """A store of one register has no roles."""

    async def view(self) -> RolesView:
        now = RolesBrief(role="none", primary="", backup="", absent="", epoch=Epoch(), phase="alone", holds=True, words="")
        return RolesView(register="r1", now=now, cause="", by="", witness="", registers=())

    async def preflight(self) -> PreflightView:
        return PreflightView(register="r1", version="0.1.0", ready=True, findings=())

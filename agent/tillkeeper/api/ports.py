"""What the API needs of the agent. `sales.till` implements it; tests implement it in memory and misbehave.

Every method may raise `TillkeeperError`: it becomes the problem document of the answer. Methods may be cancelled at any
await (a shutdown that took too long): an accepted command then stays accepted, and the client asks again with its key.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from typing import Protocol

from tillkeeper.api.queries import BooksQuery as BooksQuery
from tillkeeper.api.queries import ChecksQuery as ChecksQuery
from tillkeeper.api.queries import DrawerQuery as DrawerQuery
from tillkeeper.api.queries import JobsQuery as JobsQuery
from tillkeeper.api.queries import NetworkHistoryQuery as NetworkHistoryQuery
from tillkeeper.api.queries import PreviewQuery as PreviewQuery
from tillkeeper.api.queries import SessionsQuery as SessionsQuery
from tillkeeper.contract.access import PairBody, PairedView, PairingBody, PairingsView, PairingView, UnpairBody
from tillkeeper.contract.acts import ActNoted
from tillkeeper.contract.after import AfterQuery, AfterView, GreenView
from tillkeeper.contract.authorisations import AuthorisationsView
from tillkeeper.contract.availability import AvailabilityView
from tillkeeper.contract.caller import INTEGRATION, Caller, Permission, Scope
from tillkeeper.contract.cash import DrawerList, DrawerReport, DrawerSessionList
from tillkeeper.contract.commands import AnyCommand, CommandResult, JobRef
from tillkeeper.contract.day import ClosedDayList, DayReport, DayStatus
from tillkeeper.contract.devices import FoundList, ProbeBody, ProbeView, ReplacementBody, ReplacementView
from tillkeeper.contract.modes import ModeView
from tillkeeper.contract.network import DiagnosisView, NetworkHistory, NetworkView
from tillkeeper.contract.online import OnlineView
from tillkeeper.contract.pages import PageSettings, PreviewOptions
from tillkeeper.contract.people import ApprovalView, SessionView, StaffList, TimeEntriesQuery, TimeEntryList
from tillkeeper.contract.privacy import EraseBody, ErasedTexts, FindBody, FoundTexts
from tillkeeper.contract.roles import PreflightView, RolesView
from tillkeeper.contract.trust import CodeBody, CodeView, LeaveBody, StoreView
from tillkeeper.contract.upkeep import RestartView
from tillkeeper.contract.views import (
    BooksView,
    CatalogueView,
    CheckPage,
    CheckView,
    DeviceView,
    JobPage,
    JobView,
    StatusView,
)
from tillkeeper_drivers.api import DisplaySocket


class LiveFeed(Protocol):
    """Changes as JSON text frames, for one client. Iteration ends by `Overrun` where the client was too slow."""

    def __aiter__(self) -> AsyncIterator[str]: ...


class Overrun(Exception):
    """This client's bounded queue is full: what it would see from now on has a hole, so it has to start over."""


class KitchenDoor(Protocol):
    """A display driver's side of a connected display."""

    async def attach(self, socket: DisplaySocket) -> object:
        """Talk to this display until it goes: returns when `socket` ends, closes it by returning (anything)."""
        ...


class People(Protocol):
    """Sign-in. Every method may raise what `till.people.SignInDesk` says."""

    def caller(self, scope: Scope, terminal: str, session: str = "", approval: str = "") -> Caller:
        """Who asks. A session or an approval that opens nothing is as good as none."""
        ...

    async def sign_in(self, pin: str, training: bool, caller: Caller) -> SessionView: ...

    async def sign_out(self, token: str) -> None: ...

    def session(self, token: str) -> SessionView: ...

    async def set_training(self, on: bool, token: str, caller: Caller) -> SessionView: ...

    async def approve(self, pin: str, permission: Permission, caller: Caller) -> ApprovalView: ...


class Hours(Protocol):
    """The time clock."""

    def staff(self) -> StaffList: ...

    def time_entries(self, query: TimeEntriesQuery) -> TimeEntryList: ...


class Drawers(Protocol):
    """Drawer sessions. Raise `NotFound` for a drawer or session that there is not."""

    def drawers(self) -> DrawerList:
        """All drawers, without what only a count may tell."""
        ...

    async def report(self, drawer: str, query: DrawerQuery, caller: Caller) -> DrawerReport: ...

    def closed(self, drawer: str, query: SessionsQuery) -> DrawerSessionList: ...


class Network(Protocol):
    """What the prober says. Never waits for it."""

    def view(self) -> NetworkView: ...

    def history(self, query: NetworkHistoryQuery) -> NetworkHistory: ...

    def diagnose(self, key: str, pcap: bool, by: str) -> tuple[DiagnosisView, bool]:
        """Begin a deep diagnosis. Raises `Conflict` where one is running, or no prober is there to do it."""
        ...

    def diagnosis(self, diagnosis_id: str) -> DiagnosisView:
        """Raises `NotFound`."""
        ...


class Days(Protocol):
    """Business days of the whole store. All raise `StorageRefused` while what is held can not be read."""

    async def status(self) -> DayStatus:
        """What would be closed next, and what that waits for."""
        ...

    async def days(self, before: str | None, limit: int) -> ClosedDayList:
        """Closed ones before that day, newest first."""
        ...

    async def report(self, day: str) -> DayReport:
        """A closed day as it was closed, an open one as it stands. Raises `NotFound`."""
        ...


class Finding(Protocol):
    """What is plugged in and what answers on the network."""

    def found(self) -> FoundList:
        """As known now, without asking."""
        ...

    async def search(self) -> FoundList:
        """Ask the network first: about two seconds. Several that ask at a time share one search."""
        ...


class SettingUp(Protocol):
    """Replacing a device, up to the command that makes it so. Both raise `NotFound` where the device or what was found is not
    there, and `Refused` where it can not take its place or does not answer."""

    async def probe(self, device: str, asked: ProbeBody, caller: Caller) -> ProbeView:
        """Ask what was found who it is: up to 25 s."""
        ...


class Trust(Protocol):
    """Who belongs to the store. Raise `Refused`, `NotFound` and what `trust.trouble` says."""

    def view(self) -> StoreView: ...

    async def open_code(self, asked: CodeBody, caller: Caller) -> CodeView: ...

    async def leave(self, asked: LeaveBody, caller: Caller) -> StoreView: ...


class PairedDevices(Protocol):
    """Paired devices. Raise `Refused`, `NotFound` and what `access.trouble` says."""

    def view(self, caller: Caller) -> PairingsView: ...

    def authority(self) -> bytes:
        """The certificate that devices install (DER)."""
        ...

    async def open(self, asked: PairingBody, caller: Caller) -> PairingView: ...

    async def pair(self, asked: PairBody, address: str) -> PairedView: ...

    async def unpair(self, device_id: str, asked: UnpairBody, caller: Caller) -> PairingsView: ...


class Privacy(Protocol):
    """Texts about persons."""

    async def find(self, asked: FindBody, caller: Caller) -> FoundTexts: ...

    async def erase(self, asked: EraseBody, caller: Caller) -> ErasedTexts: ...


class After(Protocol):
    """What an outage left behind."""

    async def view(self, query: AfterQuery) -> AfterView: ...


class Online(Protocol):
    """Orders of a web shop."""

    def view(self) -> OnlineView: ...


class Green(Protocol):
    """Whether the whole store is well again."""

    async def view(self) -> GreenView:
        """Takes up to a second: the other registers are asked."""
        ...


class Roles(Protocol):
    async def view(self) -> RolesView: ...

    async def preflight(self) -> PreflightView: ...


class Upkeep(Protocol):
    def view(self) -> RestartView: ...
    def ask(self, by: str) -> RestartView: ...


class Till(Protocol):
    """The register, seen from its API."""

    @property
    def people(self) -> People: ...

    @property
    def hours(self) -> Hours: ...

    @property
    def drawers(self) -> Drawers: ...

    @property
    def network(self) -> Network: ...

    @property
    def day(self) -> Days: ...

    @property
    def finder(self) -> Finding: ...

    @property
    def setup(self) -> SettingUp: ...

    @property
    def trust(self) -> Trust: ...

    @property
    def access(self) -> PairedDevices: ...

    @property
    def privacy(self) -> Privacy: ...

    @property
    def roles(self) -> Roles: ...

    @property
    def authorisations(self) -> Callable[[], AuthorisationsView]: ...

    @property
    def after(self) -> After: ...

    @property
    def green(self) -> Green: ...

    @property
    def online(self) -> Online: ...
    @property
    def restarts(self) -> Upkeep: ...

    async def note_act(self, act: ActNoted) -> None:
        """Journal an act that has no event of its own. Raises `StorageRefused`, `Overloaded`."""
        ...

    async def begin_replacement(
        self, key: str, device: str, asked: ReplacementBody, caller: Caller
    ) -> tuple[ReplacementView, bool]:
        """Print a slip with a number on what was found: up to 50 s. Raises as `SettingUp` says."""
        ...

    async def execute(self, key: str, command: AnyCommand, caller: Caller = INTEGRATION) -> tuple[CommandResult, bool]:
        """Decide, store durably, answer. The flag tells that `key` was seen before with the same command and that this is
        the answer of then.

        Raises:
            Conflict: `key` came before with another command.
            Refused, NotFound, StorageRefused, Overloaded: nothing has changed.
        """
        ...

    async def release_job(self, key: str, job_id: str, by: str) -> tuple[JobView, bool]:
        """Let a held job print now. Raises `NotFound`, or `Conflict` where it is not held."""
        ...

    async def release_jobs(self, key: str, by: str, *, training: bool) -> tuple[JobPage, bool]:
        """Let all held tickets of the kitchen print now, in order: those of practice, or the real ones."""
        ...

    async def cancel_job(self, key: str, job_id: str, by: str) -> tuple[JobView, bool]:
        """Never print this job (any more). Raises `NotFound`, or `Conflict` where it is settled or under way."""
        ...

    async def test_slip(self, key: str, device: str, by: str) -> tuple[JobRef, bool]:
        """Print a slip that says which device this is. Raises `NotFound`, `Refused` for a device that prints nothing."""
        ...

    async def check(self, ref: str) -> CheckView:
        """By long id, today's ticket code, or check number. Raises `NotFound`."""
        ...

    async def checks(self, query: ChecksQuery) -> CheckPage:
        """At most `query.limit`, newest first. A page may be short, and even empty, and yet say that there is more."""
        ...

    async def job(self, job_id: str) -> JobView: ...

    async def jobs(self, query: JobsQuery) -> tuple[JobView, ...]:
        """At most `query.limit`, oldest first."""
        ...

    async def devices(self) -> tuple[DeviceView, ...]:
        """What is known, without asking a device."""
        ...

    async def status(self) -> StatusView: ...

    async def mode(self) -> ModeView: ...

    async def catalogue(self) -> CatalogueView: ...

    async def availability(self) -> AvailabilityView: ...

    async def pages(self) -> PageSettings: ...

    async def books(self, query: BooksQuery) -> BooksView: ...

    async def preview_options(self) -> PreviewOptions: ...

    async def preview(self, document: str, query: PreviewQuery) -> bytes:
        """A PNG of the document with made-up content. Raises `NotFound` for what the options do not list, `Overloaded`."""
        ...

    def subscribe(self) -> AbstractContextManager[LiveFeed]:
        """Every change from now on (`api.hub.LiveHub.subscribe`). Raises `Overloaded` where there are too many clients."""
        ...

    def kitchen(self, device: str) -> KitchenDoor:
        """Raises `NotFound` where no display of this name is configured."""
        ...

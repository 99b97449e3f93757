"""The register as its API sees it: implements `api.ports.Till` over intake, reads and spool."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

import msgspec

from tillkeeper.access.desk import AccessDesk
from tillkeeper.after.desk import AfterDesk
from tillkeeper.after.green import GreenDesk
from tillkeeper.api.hub import LiveHub
from tillkeeper.api.ports import BooksQuery, ChecksQuery, JobsQuery, KitchenDoor, LiveFeed, PreviewQuery
from tillkeeper.api.present import job_view
from tillkeeper.contract.acts import ActNoted
from tillkeeper.contract.authorisations import AuthorisationsView
from tillkeeper.contract.availability import AvailabilityView
from tillkeeper.contract.caller import INTEGRATION, Caller
from tillkeeper.contract.cash import DrawerList
from tillkeeper.contract.commands import AnyCommand, CommandResult, JobRef
from tillkeeper.contract.devices import FoundList, ReplacementBody, ReplacementView
from tillkeeper.contract.live import (
    AvailabilityChanged,
    CheckChanged,
    DeviceChanged,
    DrawersChanged,
    FoundChanged,
    JobChanged,
    StatusChanged,
)
from tillkeeper.contract.modes import ModeView
from tillkeeper.contract.pages import PageSettings, PreviewOptions
from tillkeeper.contract.views import BooksView, CatalogueView, CheckPage, CheckView, DeviceView, JobPage, JobView, StatusView
from tillkeeper.day.desk import DayDesk
from tillkeeper.devices.found import FoundDesk
from tillkeeper.devices.pictures import Pictures
from tillkeeper.devices.replace import SetupDesk
from tillkeeper.journal.records import KeptCommand
from tillkeeper.layouts.previews import Asked
from tillkeeper.network.desk import NetworkDesk
from tillkeeper.online.opening import OnlineOrders
from tillkeeper.privacy.desk import PrivacyDesk
from tillkeeper.roles.opening import Roles
from tillkeeper.spool.model import Job
from tillkeeper.spool.spool import Spool
from tillkeeper.till.drawers import DrawerDesk
from tillkeeper.till.hours import HoursDesk
from tillkeeper.till.intake import Intake
from tillkeeper.till.people import SignInDesk
from tillkeeper.till.reads import Reads
from tillkeeper.till.shelf import Held, Span
from tillkeeper.trust.desk import TrustDesk
from tillkeeper.upkeep.restarts import Restarts

_encode = msgspec.json.Encoder().encode
_decode_job = msgspec.json.Decoder(JobView).decode
_decode_jobs = msgspec.json.Decoder(JobPage).decode
_decode_replacement = msgspec.json.Decoder(ReplacementView).decode


@dataclass(frozen=True, kw_only=True)
class Till:
    """`status_now` makes the snapshot; `door` finds a display's driver or raises `NotFound`."""

    people: SignInDesk
    hours: HoursDesk
    drawers: DrawerDesk
    day: DayDesk
    network: NetworkDesk
    finder: FoundDesk
    setup: SetupDesk
    trust: TrustDesk
    access: AccessDesk
    privacy: PrivacyDesk
    roles: Roles
    authorisations: Callable[[], AuthorisationsView]
    after: AfterDesk
    green: GreenDesk
    online: OnlineOrders
    restarts: Restarts
    intake: Intake
    reads: Reads
    spool: Spool
    hub: LiveHub
    status_now: Callable[[], StatusView]
    mode_now: Callable[[], ModeView]
    door: Callable[[str], KitchenDoor]
    pictures: Pictures

    async def execute(self, key: str, command: AnyCommand, caller: Caller = INTEGRATION) -> tuple[CommandResult, bool]:
        return await self.intake.execute(key, command, caller)

    async def note_act(self, act: ActNoted) -> None:
        await self.intake.note(act)

    async def begin_replacement(
        self, key: str, device: str, asked: ReplacementBody, caller: Caller
    ) -> tuple[ReplacementView, bool]:
        async def work(_keep: Callable[[bytes], KeptCommand]) -> bytes:
            return _encode(await self.setup.begin(key, device, asked, caller))

        stored, replayed = await self.intake.once(key, _encode(["replace", device, asked]), work)
        return _decode_replacement(stored), replayed

    async def test_slip(self, key: str, device: str, by: str) -> tuple[JobRef, bool]:
        return await self.intake.test_slip(key, device, by)

    async def release_job(self, key: str, job_id: str, by: str) -> tuple[JobView, bool]:
        return await self._on_job(key, "release", job_id, by)

    async def release_jobs(self, key: str, by: str, *, training: bool) -> tuple[JobPage, bool]:
        async def work(keep: Callable[[bytes], KeptCommand]) -> bytes:
            kept: list[bytes] = []

            def keep_answer(jobs: tuple[Job, ...]) -> KeptCommand:
                kept.append(_encode(JobPage(jobs=tuple(job_view(job, self.reads.now_ms()) for job in jobs))))
                return keep(kept[0])

            await self.spool.release_all(by, training=training, keep=keep_answer)
            return kept[0]

        stored, replayed = await self.intake.once(key, _encode(["release all", training, by]), work)
        return _decode_jobs(stored), replayed

    async def cancel_job(self, key: str, job_id: str, by: str) -> tuple[JobView, bool]:
        return await self._on_job(key, "cancel", job_id, by)

    async def _on_job(self, key: str, what: Literal["release", "cancel"], job_id: str, by: str) -> tuple[JobView, bool]:
        act = self.spool.release if what == "release" else self.spool.cancel

        async def work(keep: Callable[[bytes], KeptCommand]) -> bytes:
            kept: list[bytes] = []

            def keep_answer(job: Job) -> KeptCommand:
                kept.append(_encode(job_view(job, self.reads.now_ms())))
                return keep(kept[0])

            await act(job_id, by, keep_answer)
            return kept[0]

        stored, replayed = await self.intake.once(key, _encode([what, job_id, by]), work)
        return _decode_job(stored), replayed

    async def check(self, ref: str) -> CheckView:
        return self.reads.check(ref)

    async def checks(self, query: ChecksQuery) -> CheckPage:
        return await self.reads.checks(query)

    async def job(self, job_id: str) -> JobView:
        return self.reads.job(job_id)

    async def jobs(self, query: JobsQuery) -> tuple[JobView, ...]:
        return self.reads.jobs(query)

    async def devices(self) -> tuple[DeviceView, ...]:
        return self.reads.devices()

    async def status(self) -> StatusView:
        return self.status_now()

    async def mode(self) -> ModeView:
        return self.mode_now()

    async def catalogue(self) -> CatalogueView:
        return self.reads.catalogue()

    async def availability(self) -> AvailabilityView:
        return self.reads.availability()

    async def pages(self) -> PageSettings:
        return self.reads.pages()

    async def preview_options(self) -> PreviewOptions:
        return self.pictures.options()

    async def preview(self, document: str, query: PreviewQuery) -> bytes:
        asked = Asked(
            document=document,
            station=query.station or "",
            language=query.language or "",
            columns=query.columns,
            training=query.training,
            copy=query.copy,
        )
        return await self.pictures.png(asked)

    async def books(self, query: BooksQuery) -> BooksView:
        return await self.reads.books(query)

    def subscribe(self) -> AbstractContextManager[LiveFeed]:
        return self.hub.subscribe()

    def kitchen(self, device: str) -> KitchenDoor:
        return self.door(device)


MAX_UNSYNCED = 2_000
"""Checks whose mark is taken back as soon as HQ has them; older ones show it when the list is asked for again."""


class Announcer:
    """Tells the live clients what has changed. Nothing is even put together while nobody listens."""

    def __init__(
        self, hub: LiveHub, reads: Reads, status_now: Callable[[], StatusView], drawers: Callable[[], DrawerList]
    ) -> None:
        self._hub = hub
        self._reads = reads
        self._status_now = status_now
        self._drawers = drawers
        self._told_drawers: DrawerList | None = None
        self._jobs: dict[str, Mapping[str, Job]] = {}
        """What was told of the jobs of each device."""
        self._unsynced: dict[str, Span] = {}
        """Check id -> where its events are, of checks that HQ did not hold when last told."""

    def check_changed(self, held: Held) -> None:
        self._unsynced.pop(held.check.check_id, None)
        self._unsynced[held.check.check_id] = held.span
        if len(self._unsynced) > MAX_UNSYNCED:
            del self._unsynced[next(iter(self._unsynced))]
        if self._hub.has_readers:
            self._hub.publish(CheckChanged(check=self._reads.summary(held)))

    def check_elsewhere(self, check_id: str) -> None:
        """Another register has it, and it is not as it was."""
        taking = self._reads.taking
        if self._hub.has_readers and taking is not None and (there := taking.there(check_id)) is not None:
            self._hub.publish(CheckChanged(check=self._reads.there(there)))

    def hq_answered(self) -> None:
        """HQ may hold more than before: the not-synced mark goes away on the pages too."""
        synced = []
        for check_id, span in self._unsynced.items():  # in the order of their newest event
            if self._reads.is_at_hq(span):
                synced.append(check_id)
            elif span.incarnation == self._reads.journal.incarnation:
                break  # an older log may be held up for long, the one being written holds up all that come after
        for check_id in synced:
            del self._unsynced[check_id]
            if self._hub.has_readers and (held := self._reads.shelf.get(check_id)) is not None:
                self._hub.publish(CheckChanged(check=self._reads.summary(held)))

    def device_changed(self, device: str) -> None:
        """The device itself, and each of its jobs that is another than when last told."""
        if not self._hub.has_readers:
            return
        if (view := self._reads.device(device)) is not None:
            self._hub.publish(DeviceChanged(device=view))
        jobs = {job.job_id: job for job in self._reads.spool.jobs_of(device)}
        told = self._jobs.get(device, {})
        self._jobs[device] = jobs
        for job_id in {*jobs, *told}:
            if jobs.get(job_id) != told.get(job_id):
                self._hub.publish(JobChanged(job=self._reads.job(job_id)))
        self.drawers_changed()  # a printer tells whether its drawer is open

    def drawers_changed(self) -> None:
        """What everybody may see of them."""
        if self._hub.has_readers and (drawers := self._drawers()) != self._told_drawers:
            self._told_drawers = drawers
            self._hub.publish(DrawersChanged(drawers=drawers))

    def found_changed(self, found: Callable[[], FoundList]) -> None:
        if self._hub.has_readers:
            self._hub.publish(FoundChanged(found=found()))

    def device_set_up(self, device: str, found: Callable[[], FoundList]) -> None:
        """It is another one from now on."""
        self.device_changed(device)
        self.found_changed(found)
        self.status_changed()

    def availability_changed(self) -> None:
        if self._hub.has_readers:
            self._hub.publish(AvailabilityChanged(availability=self._reads.availability()))

    def status_changed(self) -> None:
        if self._hub.has_readers:
            self._hub.publish(StatusChanged(status=self._status_now()))

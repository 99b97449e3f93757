"""Gathers the facts of one moment for the status snapshot."""

import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from tillkeeper import clock
from tillkeeper.config.model import Config
from tillkeeper.contract.modes import ModeView
from tillkeeper.contract.people import StaffListVersion
from tillkeeper.contract.roles import RolesBrief
from tillkeeper.contract.views import DeviceView, StatusView
from tillkeeper.devices.locator import Moved
from tillkeeper.diagnostics.facts import (
    CatalogueFacts,
    Facts,
    HqFacts,
    JournalFacts,
    MissedDrawerFacts,
    MovedFacts,
    NetworkFacts,
    NightlyFacts,
    OpenDrawerFacts,
    SinkFacts,
    UnreadFacts,
    UpgradeFacts,
)
from tillkeeper.diagnostics.snapshot import status_view
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.carried import LOST
from tillkeeper.journal.journal import Journal
from tillkeeper.kitchen.routing import on_the_lan
from tillkeeper.nightly.model import days_left
from tillkeeper.nightly.result import Latest
from tillkeeper.replication.link import LogStatus
from tillkeeper.replication.model import LogId
from tillkeeper.replication.replication import Books, Replication
from tillkeeper.spool.jobs import decode as decode_job
from tillkeeper.spool.model import Job
from tillkeeper.spool.ordered import by_age
from tillkeeper.spool.policy import KITCHEN
from tillkeeper.spool.spool import Spool
from tillkeeper.till.late import came_out_at, late_tickets
from tillkeeper.till.mode import ModeKeeper
from tillkeeper.till.shelf import Shelf
from tillkeeper.till.stamp import Stamp
from tillkeeper.upkeep.installed import made_ms

STAMPS = 20
"""So many of the newest events tell when the newest was: after a clock was set back, the last alone would not."""


@dataclass(frozen=True, kw_only=True)
class StatusDesk:
    config: Config
    journal: Journal
    shelf: Shelf
    spool: Spool
    catalogue_version: str
    set_aside: str
    version: str
    started_s: float
    mode: ModeKeeper
    replication: Replication
    devices: Callable[[], tuple[DeviceView, ...]]
    stamp: Stamp
    staff_trouble: Callable[[], str]
    staff: Callable[[str], StaffListVersion | None]
    trust_alarms: Callable[[], tuple[str, ...]]
    trust_standing: Callable[[str], str]
    drawers_left_open: Callable[[], tuple[str, ...]]
    drawers_open: Callable[[], tuple[OpenDrawerFacts, ...]]
    network: Callable[[], NetworkFacts]
    moved: Callable[[], tuple[Moved, ...]] = tuple
    roles: Callable[[], RolesBrief | None] = lambda: None
    online_trouble: Callable[[], str] = str
    fiscal_trouble: Callable[[], str] = str
    nightly: Latest | None = None
    catalogue_trouble: str = ""
    lan: Callable[[], tuple[str, ...]] = tuple
    unread: Callable[[], tuple[UnreadFacts, ...]] = tuple
    upgrade: Callable[[], tuple[str, bool, str]] = lambda: ("", False, "")
    newest_before_ms: int = 0
    """The latest stamp of before this start: what was stamped since may be wrong, however much it is."""

    def view(self) -> StatusView:
        now_s, now_ms = clock.boot_s(), clock.wall_ms()
        jobs = self.spool.jobs()
        held = [job for job in jobs if job.state == "held"]
        others = [job for job in held if job.document_class not in KITCHEN]
        devices = self.devices()
        books = self.replication.books()
        return status_view(
            Facts(
                store=self.config.store.id,
                register=self.config.this_register,
                incarnation=self.journal.incarnation,
                version=self.version,
                at_ms=now_ms,
                made_ms=made_ms(),
                uptime_s=now_s - self.started_s,
                business_day=self.stamp.stamped(now_ms),
                mode=self.mode.mode(),
                colour=self.mode.colour(),
                answers=self.mode.state.found == "fresh",
                switched_by=self.mode.switched.by if self.mode.switched else "",
                offline_support=self.config.offline.support,
                online_window_s=self.config.offline.online_window_s,
                hq=self._hq(books, now_s, now_ms),
                journal=self._journal(),
                catalogue=self._catalogue(),
                devices=devices,
                on_the_lan=on_the_lan(self.config.devices, self.config.this_register),
                only_here=books.only_here,
                to_hq=books.to_hq,
                sinks=sink_facts(books, now_s, self.trust_standing, self.staff),
                books_alarms=(*self.trust_alarms(), *books.alarms),
                prints_for=books.prints_for,
                roles=self.roles(),
                online_trouble=self.online_trouble(),
                fiscal_trouble=self.fiscal_trouble(),
                lan=self.lan(),
                unread=self.unread(),
                upgrade=UpgradeFacts(*self.upgrade()),
                jobs_waiting=len(jobs) - len(held),
                held_tickets=len(held) - len(others),
                held_others=len(others),
                held_other=min(others, key=by_age).job_id if others else "",
                staff_trouble=self.staff_trouble(),
                staff=self.staff(self.config.this_register),
                late=late_tickets(
                    jobs, self.spool.route, {one.device: one for one in devices}, self.config, now_ms, self._out_at
                ),
                drawers_left_open=self.drawers_left_open(),
                drawers_open=self.drawers_open(),
                drawers_stuck=tuple(drawer for one in self.spool.snapshot() for drawer in one.drawers_stuck),
                drawers_missed=tuple(
                    MissedDrawerFacts(drawer=drawer, printer=one.device, age_s=max(0, now_ms - at_ms) / 1000)
                    for one in self.spool.snapshot()
                    for drawer, at_ms in one.drawers_missed
                ),
                network=self.network(),
                nightly=self._nightly(now_ms),
                devices_moved=tuple(
                    MovedFacts(device=one.device, configured=one.configured, now=one.now) for one in self.moved()
                ),
                checks_open=sum(1 for held in self.shelf.open_checks() if not held.check.training),
            )
        )

    def mode_view(self) -> ModeView:
        """The mode alone, with who switched it."""
        status, state, switched = self.view(), self.mode.state, self.mode.switched
        return ModeView(
            mode=state.mode,
            dot=status.dot,
            words=state.cause,
            may_switch=self.config.offline.support,
            pending=None if state.mode == state.wanted else state.wanted,
            by_hand=switched.switch if switched else None,
            by=switched.by if switched else "",
            since_ms=switched.at_ms if switched else None,
            paused=status.paused,
        )

    def held_by_hq(self, incarnation: str) -> int:
        """Up to which seq HQ has answered for a log."""
        hq = self.replication.hq
        return hq.acked(LogId(self.config.this_register, incarnation)) if hq is not None else 0

    def not_at_hq(self) -> int:
        """Events of this register that HQ does not hold."""
        books = self.replication.books()
        return books.only_here if books.to_hq is None else books.to_hq

    def catalogue_age_s(self) -> float | None:
        adopted = self.journal.setting("catalogue_adopted_at_ms")
        return None if adopted is None else max(0, clock.wall_ms() - int(adopted)) / 1000

    def _journal(self) -> JournalFacts:
        """Also while its disk or its file fails: then what can not be learned is not known."""
        journal = self.journal
        free: int | None = None
        newest: int | None = None
        lost = False
        with suppress(OSError):
            free = shutil.disk_usage(journal.path.parent).free
        with suppress(StorageRefused):
            last = journal.last_seq
            stamps = [event.at_ms for event in journal.events(journal.incarnation, max(0, last - STAMPS), STAMPS)]
            newest = max([*stamps, self.newest_before_ms]) or None
            lost = journal.setting(LOST) == self.set_aside.encode()
        return JournalFacts(
            set_aside=self.set_aside, devices_lost=lost, refusing=journal.trouble or "", free_bytes=free, newest_at_ms=newest
        )  # fmt: skip

    def _catalogue(self) -> CatalogueFacts:
        return CatalogueFacts(version=self.catalogue_version, age_s=self.catalogue_age_s(), trouble=self.catalogue_trouble)

    def _nightly(self, now_ms: int) -> NightlyFacts:
        found = self.nightly.result() if self.nightly else None
        first: int | None = None
        if found is None:
            with suppress(StorageRefused):
                first = next((event.at_ms for event in self.journal.events(self.journal.incarnation, 0, 1)), None)
        return NightlyFacts(
            age_s=None if found is None else max(0, now_ms - found.at_ms) / 1000,
            in_use_s=None if first is None else max(0, now_ms - first) / 1000,
            problems=found.problems if found else (),
            days_left=days_left(found.nights) if found else None,
        )

    def _out_at(self, ticket: Job) -> str:
        return came_out_at(ticket, (decode_job(row.body) for row in self.journal.jobs(check_id=ticket.check_id)))

    def _hq(self, books: Books, now_s: float, now_ms: int) -> HqFacts:
        status = books.hq
        if status is None:
            return HqFacts(configured=False)
        return HqFacts(
            configured=True,
            exchange_age_s=None if status.last_ok_s is None else now_s - status.last_ok_s,
            last_error=status.last_error,
            hint=status.hint,
            clock_ahead_s=None if status.hq_minus_boot_s is None else now_ms / 1000 - (now_s + status.hq_minus_boot_s),
            rejected_events=sum(log.rejected for log in status.logs),
        )


def sink_facts(
    books: Books, now_s: float, standing: Callable[[str], str], staff: Callable[[str], StaffListVersion | None]
) -> tuple[SinkFacts, ...]:
    """HQ first, then the registers that this one sends to or hears. `standing`: why a register is no member, empty for those
    that are. `staff`: the list of staff that a register has, as far as known."""
    found = []
    if (hq := books.hq) is not None:
        age_s = None if hq.last_ok_s is None else now_s - hq.last_ok_s
        for_s = hq.behind / hq.events_per_s if hq.events_per_s > 0 and not hq.trouble else None
        found.append(
            SinkFacts(name="HQ", kind="hq", reachable=not hq.trouble and age_s is not None, behind=hq.behind, for_s=for_s,
                      heard_s=age_s, trouble=hq.last_error, put_off=_put_off(hq.logs),
                      others=hq.behind - hq.unsynced)
        )  # fmt: skip
    found += [
        SinkFacts(name=one.register, kind="register", reachable=one.reachable, behind=one.behind, for_s=one.for_s,
                  heard_s=one.heard_s, trouble=one.error, sends=one.sink, version=one.version,
                  outside=standing(one.register), put_off=_refusal_words(one.refuses), staff=staff(one.register))
        for one in books.peers
    ]  # fmt: skip
    return tuple(found)


def _refusal_words(code: str) -> str:
    """Of another register. `storage_refused` is what it answers with a full disk, or one that fails."""
    if code == "storage_refused":
        return "takes nothing: its disk is full or fails (see its own status)"
    return f"takes nothing: {code}" if code else ""


def _put_off(logs: Iterable[LogStatus]) -> str:
    """Of logs of others: what is own is refused as `last_error`."""
    for log in logs:
        if log.relayed and log.note and log.head > log.acked:
            return f"does not take the books of register {log.register}: {log.note}"
    return ""

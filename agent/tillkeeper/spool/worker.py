"""One device's worker: takes the jobs in turn, stores each step before or right after it happens, asks the policy what
follows. The only caller of its device."""

import asyncio
import logging
import math
from collections.abc import Iterable, Iterator
from heapq import merge

import msgspec

from tillkeeper.contract.documents import DocumentRerouted
from tillkeeper.errors import TillkeeperError
from tillkeeper.spool import jobs as steps
from tillkeeper.spool import policy
from tillkeeper.spool.asking import Asking
from tillkeeper.spool.elsewhere import DOUBTED, doubted
from tillkeeper.spool.health import DRIVER_FAULTS, Health
from tillkeeper.spool.keeping import STORAGE_RETRY_S, Keeper, settled_events
from tillkeeper.spool.model import Job, PulseData
from tillkeeper.spool.ordered import by_age
from tillkeeper.spool.policy import Route
from tillkeeper.spool.ports import DeviceSnapshot, Spooling
from tillkeeper.spool.queue import DeviceQueue, kind_of
from tillkeeper_drivers.api import (
    NOT_THERE,
    STUCK,
    Delivery,
    Device,
    Document,
    NotSent,
    OutcomeUnknown,
    Reason,
    Sensing,
)

log = logging.getLogger(__name__)

DELIVER_CEILING_S = 120.0
"""Drivers have deadlines of their own; one that hangs beyond this is cut off, and its outcome is unknown."""
POLL_S = 5.0
"""An idle device that does not tell by itself is asked: a cover that stands open is to be seen before the next ticket."""
FIRST_POLL_S = 0.2
STOPPED = "the agent stopped during the attempt"


class Worker:
    """`id`: the device's id in the config. `current`: the job in hand, which is not in `queue` meanwhile."""

    def __init__(self, worker_id: str, device: Device, spool: Spooling) -> None:
        self.id = worker_id
        self.queue = DeviceQueue()
        self.health = Health(device, spool.now_ms, lambda: spool.changed(worker_id), self._well_again)
        self.current: Job | None = None
        self._device = device
        # Looked at once: a snapshot is taken for each change, and asking a protocol costs 20 us.
        self._sensing = device if isinstance(device, Sensing) else None
        self._spool = spool
        self._keeper = Keeper(worker_id, spool, self.health)
        self._asking = Asking(worker_id, self.health, self.queue, spool)
        self._wake = asyncio.Event()
        self._came = False
        self._doubted = ""
        """The id of the job in hand, where that came to be doubted meanwhile."""
        self._delivering: asyncio.Timeout | None = None
        self._set_up = asyncio.Event()

    def wake(self) -> None:
        """The queue has changed."""
        # By way of a timer that is due: whoever gave the job gets its answer out before the loop turns to paper.
        asyncio.get_running_loop().call_later(0, self._wake.set)
        self._spool.changed(self.id)

    def device_came(self) -> None:
        """The device was plugged in, or found again: it is looked at and tried at once."""
        self._came = True
        self.health.end_pause()
        self._wake.set()

    def device_set_up(self) -> None:
        """It is another device, or has another driver, from now on: nothing holds that was known of the one before."""
        self.health.forget()
        self._set_up.set()
        self.device_came()
        self._spool.changed(self.id)

    def doubt(self, job_ids: Iterable[str]) -> None:
        """These may be on paper already, from before what the journal knows (`elsewhere.DOUBTED`)."""
        for job_id in job_ids:
            if self.current is not None and self.current.job_id == job_id:
                self._doubted = job_id
                if self._delivering is not None and not (self.current.may_have_printed or self._delivering.expired()):
                    # It has no mark, and its device may only just be found: cut off, for what comes out twice must say so.
                    self._delivering.reschedule(asyncio.get_running_loop().time())
            elif (job := self.queue.find(job_id)) is not None:
                self.queue.put(doubted(job))
        self.wake()

    def _well_again(self) -> None:
        if not self.queue.counts[0]:
            self.health.works()
        self._wake.set()

    def snapshot(self) -> DeviceSnapshot:
        health, current = self.health, self.current
        queued, held = self.queue.counts
        waiting = [job.created_at_ms for job in (current, self.queue.oldest_queued) if job is not None]
        return DeviceSnapshot(
            device=self.id,
            queued=queued + (current is not None),
            held=held,
            oldest_ms=min(waiting, default=None),
            current_job=current.job_id if current is not None else "",
            status=health.status,
            status_at_ms=health.status_at_ms,
            trouble=health.trouble,
            refusing_since_ms=health.refusing_since_ms,
            more_in_journal=self.queue.more_in_journal,
            open_level=self._sensing.open_level if self._sensing is not None else "unknown",
            drawers_stuck=tuple(health.stuck),
            drawers_missed=tuple(health.missed.items()),
        )

    def jobs(self, *, held: bool = False) -> Iterator[Job]:
        """As `Spool.waiting`, of this device."""
        aged = self.queue.by_age(held=held)
        return aged if held or self.current is None else merge((self.current,), aged, key=by_age)

    # --- the loop ---

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._attending(), name=f"attend {self.id}")
            await self._work()

    async def _attending(self) -> None:
        while True:
            await self.health.attend(self._spool.looks)
            await self._set_up.wait()
            self._set_up.clear()

    async def _work(self) -> None:
        while True:
            if self.queue.wants_more():
                self._load_more()
            while (interrupted := self.queue.interrupted) is not None:
                self._take(interrupted)
                await self._unknown(interrupted, interrupted.reason or STOPPED, self._spool.now_ms())
            self._wake.clear()
            job, reroute_to = self._next()
            if job is None:
                await self._idle()
                continue
            self._take(job)
            if reroute_to is not None:
                await self._reroute(job, reroute_to, self.health.last_reason)
            else:
                await self._attempt(job)

    def _load_more(self) -> None:
        try:
            self._spool.load(self.id, self.queue)
        except TillkeeperError as error:
            self._keeper.trouble(error)

    def _next(self) -> tuple[Job | None, policy.Reroute | None]:
        """The job whose turn it is; where the device refuses, a pulse (it may work without paper) or what another device
        can take over by now."""
        now_ms = self._spool.now_ms()
        first = next(self.queue.ready(now_ms), None)
        if first is None or self.health.pause_s <= 0 or first.document_class == "drawer_pulse":
            return first, None
        if self.health.refusing_since_ms is None:
            return None, None
        movable = {kind_of(sample) for sample in self.queue.samples() if self._reroute_of(sample, now_ms) is not None}
        for job in self.queue.ready(now_ms) if movable else ():
            still_wanted = policy.before_attempt(job, self._spool.route(job), now_ms)
            if kind_of(job) in movable and isinstance(still_wanted, policy.Go):
                # Alike is not the same: this one's paper may be in another worker's hands.
                reroute_to = self._reroute_of(job, now_ms)
                if reroute_to is not None:
                    return job, reroute_to
        return None, None

    def _reroute_of(self, job: Job, now_ms: int) -> policy.Reroute | None:
        decision = self._after_refusal(job, self._spool.route(job), self.health.last_reason, now_ms)
        return decision if isinstance(decision, policy.Reroute) else None

    async def _idle(self) -> None:
        """Wait for a job, for the time of one that waits, or for the next look at the device."""
        if self._came:
            self._came = False
            await self._asking.look()
            return
        poll_s = math.inf if self.health.attended else POLL_S if self.health.status is not None else FIRST_POLL_S
        waits = [poll_s]
        if self.health.pause_s > 0:
            waits.append(self.health.pause_s)
        soonest_ms = self.queue.soonest_ms(self._spool.now_ms())
        if soonest_ms is not None:
            waits.append(max(0.001, soonest_ms / 1000))
        try:
            async with asyncio.timeout(min(waits) if min(waits) < math.inf else None):
                await self._wake.wait()
        except TimeoutError:
            if min(waits) == poll_s and not self.health.attended:
                await self._asking.poll()

    # --- one attempt ---

    async def _attempt(self, job: Job) -> None:
        route = self._spool.route(job)
        decision = policy.before_attempt(job, route, self._spool.now_ms())
        if isinstance(decision, policy.Go) and self.queue.follows_held(job):
            decision = policy.Hold("an earlier ticket of this check is held")
        if isinstance(decision, policy.Hold):
            await self._end(job, "was_held", reason=decision.reason)
        elif isinstance(decision, policy.Expire):
            await self._end(job, "grew_too_old", reason=decision.reason)
        elif why := self._spool.withheld(job):
            await self._end(job, "was_rejected", reason=why)
        elif (reason := await self._asking.obstacle(job)) is not None:
            await self._refused(job, reason, route)
        elif not await self._came_in_doubt(job):
            await self._send(job, route)

    async def _send(self, job: Job, route: Route) -> None:
        try:
            document = self._spool.document(job)
        except DRIVER_FAULTS as error:
            log.exception("job %s can not be laid out", job.job_id)
            await self._end(job, "was_rejected", reason=f"can not be laid out: {type(error).__name__}")
            return
        if not self._device.accepts(document):
            await self._refused(job, "unsupported", route)
            return
        began_ms = self._spool.now_ms()
        sending = steps.begin(job, self._spool.token())
        try:
            # Before the first byte: an agent that dies from here on finds out that it may have printed.
            await self._spool.store((sending,), ())
        except TillkeeperError as error:
            self._keeper.trouble(error)
            # A pulse does not mind a closed device: it has to wait by itself.
            wait_ms = int(STORAGE_RETRY_S * 1000) if job.document_class == "drawer_pulse" else 0
            self._put_back(msgspec.structs.replace(job, next_try_at_ms=began_ms + wait_ms))
            return
        self.health.storage_trouble = False
        self.current = sending
        if isinstance(policy.before_attempt(job, route, self._spool.now_ms()), policy.Expire):
            await self._refused(sending, "no_answer", route)  # the disk took its time, or the machine slept: no byte has left
            return
        if await self._came_in_doubt(sending):
            return
        if why := self._spool.withheld(sending):
            await self._end(sending, "was_rejected", reason=why)
            return
        await self._deliver(sending, document, route, began_ms)

    async def _deliver(self, job: Job, document: Document, route: Route, began_ms: int) -> None:
        try:
            try:
                async with asyncio.timeout(DELIVER_CEILING_S) as self._delivering:
                    delivery = await self._device.deliver(document, job.token.encode("ascii"))
            finally:
                self._delivering = None
        except NotSent as error:
            await self._refused(job, error.reason, route)
        except OutcomeUnknown as error:
            await self._unknown(job, error.reason, began_ms)
        except TimeoutError:
            late = f"the driver gave no answer for {DELIVER_CEILING_S:g} s"
            await self._unknown(job, DOUBTED if job.job_id == self._doubted else late, began_ms)
        except DRIVER_FAULTS as error:
            log.exception("the driver of %s failed", self.id)
            await self._unknown(job, f"the driver failed: {type(error).__name__}", began_ms)
        else:
            await self._delivered(job, delivery)

    async def _delivered(self, job: Job, delivery: Delivery) -> None:
        self.health.works()
        if isinstance(job.data, PulseData):
            self.health.kicked(job.data.drawer, stuck=delivery.by == STUCK)
        event: steps.JobEvent = "was_confirmed" if delivery.how == "confirmed" else "went_out"
        await self._end(job, event, evidence=delivery.by)
        if self.health.may_be_over and not isinstance(job.data, PulseData):
            await self._asking.look()

    # --- what follows ---

    async def _refused(self, job: Job, reason: Reason, route: Route) -> None:
        now_ms = self._spool.now_ms()
        if await self._came_in_doubt(job):
            return
        self.health.refused(job, reason, now_ms)
        decision = self._after_refusal(job, route, reason, now_ms)
        if isinstance(decision, policy.Fail):
            await self._end(job, "was_rejected", reason=decision.reason)
            return
        was_sending = job.state == "sending"
        if was_sending:
            job = steps.refuse(job, now_ms, reason)
        if isinstance(decision, policy.Reroute):
            await self._reroute(job, decision, reason)
            return
        if job.document_class == "drawer_pulse":
            job = msgspec.structs.replace(job, next_try_at_ms=now_ms + decision.after_ms)
        else:
            self.health.pause(decision.after_ms / 1000)
        if was_sending:
            await self._keeper.keep((job,), ())
        self._put_back(job)

    def _after_refusal(self, job: Job, route: Route, reason: Reason, now_ms: int) -> policy.AfterRefusal:
        since_ms = self.health.refusing_since_ms
        return policy.after_refusal(
            job,
            reason,
            route,
            now_ms,
            refusals=job.attempts if job.document_class == "drawer_pulse" else self.health.refusals,
            since_ms=now_ms if since_ms is None else since_ms,
            open_backups=self._spool.chain.open_backups(job, route),
            carry_to=self._spool.chain.carry_to(job, route) if reason in NOT_THERE else "",
            island=reason in NOT_THERE and self._spool.chain.island(job),
            jitter=self._spool.jitter(),
        )

    async def _came_in_doubt(self, job: Job) -> bool:
        """While it was in hand and no byte had left: then what follows an unknown outcome has been done."""
        if job.job_id != self._doubted or job.may_have_printed:
            return False
        await self._unknown(doubted(job), DOUBTED, self._spool.now_ms())
        return True

    async def _unknown(self, job: Job, reason: str, began_ms: int) -> None:
        now_ms = self._spool.now_ms()
        decision = policy.after_unknown(job, reason, self._spool.route(job), now_ms, began_ms=began_ms)
        if isinstance(decision, policy.Repeat):
            after = steps.lose(
                job, "to_be_repeated", now_ms, reason=reason, mark=decision.mark, next_try_at_ms=decision.at_ms
            )  # fmt: skip
            await self._keeper.keep((after,), ())
            self._put_back(after)
        elif isinstance(decision, policy.Hold):
            await self._finish(steps.lose(job, "was_held", now_ms, reason=decision.reason, mark=decision.mark))
        else:
            await self._finish(steps.lose(job, "left_unconfirmed", now_ms, reason=decision.reason))

    async def _end(self, job: Job, event: steps.JobEvent, *, reason: str = "", evidence: str = "") -> None:
        now_ms = self._spool.now_ms()
        if isinstance(job.data, PulseData) and event in ("grew_too_old", "was_rejected"):
            self.health.not_kicked(job.data.drawer, now_ms)
        await self._finish(steps.settle(job, event, now_ms, reason=reason, evidence=evidence))

    async def _finish(self, job: Job) -> None:
        """Settled or held: both are told to the log."""
        await self._keeper.keep((job,), settled_events(job, job.evidence))
        if steps.is_settled(job.state):
            self._drop(job)
        else:
            self._put_back(job)

    async def _reroute(self, job: Job, decision: policy.Reroute, reason: str) -> None:
        # One paper is carried for all devices of the station: what waits for the others is settled with it.
        siblings = self._spool.chain.siblings(job) if decision.carried else ()
        moved = steps.moved_to(steps.together(job, siblings), self._spool.new_id(), decision.to_device, decision.mark)
        new = self._spool.prepare_one(moved)
        old = tuple(steps.settle(one, "was_rerouted", self._spool.now_ms(), reason=reason) for one in (job, *siblings))
        events = tuple(
            DocumentRerouted(
                job_id=one.job_id, new_job_id=new.job_id, from_device=one.device, to_device=new.device, reason=reason
            )
            for one in old
        )
        await self._keeper.keep((*old, new), events)
        self._drop(old[0])
        for sibling in siblings:
            self._spool.drop(sibling)
        self._spool.take_over(new)

    # --- helpers ---

    def _take(self, job: Job) -> None:
        self.queue.take(job.job_id)
        self.current = job

    def _put_back(self, job: Job) -> None:
        self.queue.put(job)
        self.current = None
        self._spool.changed(self.id)

    def _drop(self, job: Job) -> None:
        self.queue.drop(job.job_id)
        self.current = None
        self._spool.changed(self.id)

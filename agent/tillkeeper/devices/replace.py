"""The desk at which a device is replaced: a found printer prints a slip with a number, a person says "it is this one", and from
then on it is the device; what waits follows.

Nothing is durable before the person has said so. Then overlay and event go to the journal in one batch, and after that the
driver is made anew between two jobs: an agent that dies in between finds the overlay when it starts.
"""

import asyncio
import dataclasses
import logging
from typing import Any, cast

from msgspec.structs import replace

from tillkeeper.config.model import Config, Device
from tillkeeper.contract.base import Command, Event
from tillkeeper.contract.commands import CommandResult, JobRef
from tillkeeper.contract.devices import (
    ConfirmReplacement,
    DeviceReplaced,
    LearnDrawer,
    ResetDevice,
    TryDrawer,
    UndoReplacement,
)
from tillkeeper.devices import overlay as rules
from tillkeeper.devices import wiring
from tillkeeper.devices.overlay import Overlay
from tillkeeper.devices.replace_slip import SetupParts, Slips
from tillkeeper.errors import Conflict, NotFound, Refused, TillkeeperError
from tillkeeper.sales.permits import require_all
from tillkeeper.spool.health import DRIVER_FAULTS
from tillkeeper.spool.model import Job, TestSlipData
from tillkeeper.till.compose import Draft, Moment, pulse
from tillkeeper_drivers.api import Status

log = logging.getLogger(__name__)

LOOK_S = 5.0
WAITS_MS = 600_000
"""So long a slip waits for its answer."""
MOST_RELEASED = 200

Decided = ConfirmReplacement | UndoReplacement | ResetDevice | TryDrawer | LearnDrawer


class SetupDesk:
    """A `till.desk.Desk`, and what is asked before a command can be given. Implements `api.ports.SettingUp`."""

    name = "devices"
    commands: tuple[type[Command], ...] = (ConfirmReplacement, UndoReplacement, ResetDevice, TryDrawer, LearnDrawer)

    def __init__(self, parts: SetupParts) -> None:
        self._ = parts
        self._slips = Slips(parts)
        self.begin, self.probe = self._slips.begin, self._slips.probe
        self._release: dict[str, str] = {}
        """Device -> who has its held tickets printed."""
        self._levels: dict[str, Status] = {}

    @property
    def _config(self) -> Config:
        return self._.overlays.config

    # --- the desk ---

    async def draft(self, command: Command, moment: Moment) -> Draft:
        """See `till.desk.Desk`; for the refusals `docs/refusals.md`."""
        asked = cast(Decided, command)
        if asked.device not in self._config.devices:
            hint = "see the list of devices"
            raise NotFound("set up", f"device {asked.device}", "no device of this name is configured", hint)
        wiring.refuse("set up", asked.device, self._config)
        match asked:
            case ConfirmReplacement():
                return self._confirmed(asked, moment)
            case UndoReplacement() | ResetDevice():
                return self._taken_back(asked, moment)
            case TryDrawer():
                return await self._tried(asked, moment)
            case LearnDrawer():
                return await self._learned(asked, moment)

    def accepted(self, draft: Draft) -> None:
        for name in self._.overlays.filed:
            if (stored := draft.settings.get(rules.setting(name))) is None:
                continue
            self._slips.pending.pop(name, None)
            changed = self._.overlays.take(name, rules.decoded(stored))
            self._.later(self._renew(changed, name))

    async def _renew(self, changed: tuple[str, ...], name: str) -> None:
        for one in changed:
            # A drawer is its printer's work, and so is what its switch tells.
            if (worker := self._.registry.worker_of(one)) is None:
                continue
            try:
                await self._.registry.renew(worker)
            except DRIVER_FAULTS:
                log.exception("the driver of %s could not be made anew: the next start does it", worker)
            self._.spool.device_set_up(worker)
        self._.changed(name)
        by = self._release.pop(name, None)
        if by is not None:
            await self._release_held(name, by)

    async def _release_held(self, device: str, by: str) -> None:
        """In the order in which they were accepted. One that a person has cancelled meanwhile is no matter."""
        held = sorted((job for job in self._slips.waiting(device) if job.state == "held"), key=lambda job: job.order)
        for job in held[:MOST_RELEASED]:
            try:
                await self._.spool.release(job.job_id, by)
            except TillkeeperError as error:
                log.warning("held job %s stays where it is: %s", job.job_id, error)

    def _confirmed(self, asked: ConfirmReplacement, moment: Moment) -> Draft:
        name, subject = asked.device, f"device {asked.device}"
        before = self._.overlays.of(name)
        if before is not None and before.replacement == asked.replacement_id:
            return _draft((), {}, asked.replacement_id, moment)
        pending = self._slips.pending.get(name)
        if pending is None or pending.view.replacement_id != asked.replacement_id:
            who = (pending.by if pending is not None else "") or "somebody"
            other = "its slip is not known (any more)" if pending is None else f"{who} has begun another one"
            raise Conflict("confirm", f"replacement of {name}", other, "print a slip again")
        if moment.now_ms - pending.at_ms > WAITS_MS:
            raise Conflict("confirm", f"replacement of {name}", "its slip is too old", "print a slip again")
        caller = moment.caller
        if caller.scope != "full" and (caller.employee, caller.terminal) != (pending.by, pending.terminal):
            require_all("confirm", subject, ("set_up_devices",), caller)
        overlay = Overlay(
            kind=cast(Any, pending.device.kind),
            address=pending.device.address,
            mac=pending.device.mac,
            profile=pending.device.profile,
            at_ms=moment.now_ms,
            by=asked.by or pending.by,
            replacement=asked.replacement_id,
            over=rules.place(self._.overlays.filed[name]),
            before=None if before is None else replace(before, before=None),
        )
        if why := self._.overlays.problem(name, overlay):
            raise Refused("found_in_use", "confirm", subject, why, "choose another one")
        draft = self._changed(name, "replaced", overlay, overlay.by, moment, pending.given)
        if not asked.release:
            return draft
        self._release[name] = overlay.by
        return dataclasses.replace(draft, dropped=lambda: self._keep_held(name))

    def _keep_held(self, name: str) -> None:
        self._release.pop(name, None)

    def _taken_back(self, asked: UndoReplacement | ResetDevice, moment: Moment) -> Draft:
        before = self._.overlays.of(asked.device)
        if before is None:
            cause = "it is as the configuration says"
            verb = "undo" if isinstance(asked, UndoReplacement) else "reset"
            raise Conflict(verb, f"device {asked.device}", cause, "nothing has been replaced: there is nothing to take back")
        after = before.before if isinstance(asked, UndoReplacement) else None
        return self._changed(
            asked.device, "undone" if isinstance(asked, UndoReplacement) else "reset", after, asked.by, moment, ()
        )

    def _changed(
        self, name: str, cause: str, after: Overlay | None, by: str, moment: Moment, given: tuple[Event, ...]
    ) -> Draft:  # fmt: skip
        filed, now = self._.overlays.filed[name], self._config.devices[name]
        made = filed if after is None else rules.laid(filed, after)
        event = DeviceReplaced(
            device=name, cause=cause, before=rules.told(rules.place(now)), after=rules.told(rules.place(made)), by=by
        )
        entity = after.replacement if after is not None else ""
        return _draft((*given, event), {rules.setting(name): rules.encoded(after)}, entity, moment)

    # --- a drawer's switch ---

    async def _tried(self, asked: TryDrawer, moment: Moment) -> Draft:
        device = self._config.devices[asked.device]
        if device.bell_pin is not None:
            job = Job(
                job_id=moment.new_id(),
                device=asked.device,
                document_class="test_slip",
                data=TestSlipData(requested_at_ms=moment.now_ms, bell=True),
                created_at_ms=moment.now_ms,
            )
            return Draft((), None, (job,), (), CommandResult(events=0, jobs=(JobRef(job.job_id, "test_slip", job.device),)))
        drawer = self._drawer(asked.device)
        self._levels[asked.device] = await self._look(drawer.printer)
        kicked, job = pulse(asked.device, "setup", moment, "", asked.by)
        result = CommandResult(events=1, jobs=(JobRef(job.job_id, job.document_class, job.device),))
        return Draft((moment.stamp(kicked),), None, (job,), (), result)

    async def _learned(self, asked: LearnDrawer, moment: Moment) -> Draft:
        drawer, subject = self._drawer(asked.device), f"drawer {asked.device}"
        before = self._levels.get(asked.device)
        if before is None:
            raise Conflict("learn", subject, "it was not tried before", "try it first")
        if not asked.opened:
            return _draft((), {}, "", moment)
        level = (await self._look(drawer.printer)).drawer_pin_high
        if level == "unknown" or level == before.drawer_pin_high:
            cause = "the printer does not tell" if level == "unknown" else "its switch tells the same as before"
            hint = "shut the drawer and try once more; without a switch in its cable it can not be told whether it is open"
            raise Refused("drawer_untold", "learn", subject, cause, hint)
        old = self._.overlays.of(asked.device)
        overlay = Overlay(
            open_level="high" if level == "yes" else "low",
            at_ms=moment.now_ms,
            by=asked.by,
            over=rules.place(self._.overlays.filed[asked.device]),
            before=None if old is None else replace(old, before=None),
        )
        return self._changed(asked.device, "learned", overlay, asked.by, moment, ())

    def _drawer(self, name: str) -> Device:
        device = self._config.devices[name]
        if device.kind != "drawer":
            hint = "name a drawer, or a printer with a bell_pin"
            raise Refused("not_a_drawer", "try", f"device {name}", f"it is a {device.kind}", hint)
        return device

    async def _look(self, printer: str) -> Status:
        """The printer's own word of now; unknown where it does not come in time."""
        try:
            async with asyncio.timeout(LOOK_S):
                return await self._.registry.device(printer).status()
        except TimeoutError:
            return Status()


def _draft(events: tuple[Event, ...], settings: dict[str, bytes], entity_id: str, moment: Moment) -> Draft:
    result = CommandResult(events=len(events), entity_id=entity_id)
    return Draft(tuple(map(moment.stamp, events)), None, (), (), result, settings)

"""The desk at which a device is replaced: a found printer prints a slip with a number, a person says "it is this one", and from
then on it is the device; what waits follows.

Nothing is durable before the person has said so. Then overlay and event go to the journal in one batch, and after that the
driver is made anew between two jobs: an agent that dies in between finds the overlay when it starts.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, cast

from msgspec.structs import replace

from tillkeeper.config.model import Config, Device
from tillkeeper.contract.base import Command, Event
from tillkeeper.contract.caller import Caller
from tillkeeper.contract.commands import CommandResult, JobRef
from tillkeeper.contract.devices import (
    ConfirmReplacement,
    DeviceReplaced,
    LearnDrawer,
    ProbeBody,
    ProbeView,
    ReplacementBody,
    ReplacementView,
    ResetDevice,
    SheetLine,
    TryDrawer,
    UndoReplacement,
)
from tillkeeper.devices import overlay as rules
from tillkeeper.devices import pairing
from tillkeeper.devices.finder import Finder
from tillkeeper.devices.locator import Locator
from tillkeeper.devices.overlay import Overlay
from tillkeeper.devices.overlays import Overlays
from tillkeeper.devices.registry import Registry
from tillkeeper.errors import Conflict, NotFound, Refused, TillkeeperError
from tillkeeper.sales.permits import require_all
from tillkeeper.spool.health import DRIVER_FAULTS
from tillkeeper.spool.model import Job, TestSlipData
from tillkeeper.spool.policy import KITCHEN
from tillkeeper.spool.spool import Spool
from tillkeeper.till.approvals import Approvals
from tillkeeper.till.compose import Draft, Moment, pulse
from tillkeeper_drivers.api import NotSent, OutcomeUnknown, Status, TransportError
from tillkeeper_drivers.discovery.found import Found

log = logging.getLogger(__name__)

SLIP_S = 25.0
LOOK_S = 5.0
WAITS_MS = 600_000
"""So long a slip waits for its answer."""
MOST_ANSWERS = 32
MOST_RELEASED = 200

Decided = ConfirmReplacement | UndoReplacement | ResetDevice | TryDrawer | LearnDrawer


@dataclass(frozen=True, kw_only=True)
class SetupParts:
    """`later`: runs to its end in the background. `changed` is told the device after each durable change."""

    overlays: Overlays
    registry: Registry
    finder: Finder
    locator: Locator
    spool: Spool
    approvals: Approvals
    now_ms: Callable[[], int]
    new_id: Callable[[], str]
    later: Callable[[Coroutine[Any, Any, None]], object]
    changed: Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A slip that was printed and waits for its answer. `given`: by whose word it was begun, for the journal."""

    view: ReplacementView
    device: Device
    by: str
    terminal: str
    at_ms: int
    given: tuple[Event, ...]


class SetupDesk:
    """A `till.desk.Desk`, and what is asked before a command can be given. Implements `api.ports.SettingUp`."""

    name = "devices"
    commands: tuple[type[Command], ...] = (ConfirmReplacement, UndoReplacement, ResetDevice, TryDrawer, LearnDrawer)

    def __init__(self, parts: SetupParts) -> None:
        self._ = parts
        self._pending: dict[str, Pending] = {}
        self._answers: dict[str, ReplacementView] = {}
        self._release: dict[str, str] = {}
        """Device -> who has its held tickets printed."""
        self._levels: dict[str, Status] = {}

    @property
    def _config(self) -> Config:
        return self._.overlays.config

    # --- before a command: what is there, and the slip ---

    async def begin(self, key: str, device: str, asked: ReplacementBody, caller: Caller) -> ReplacementView:
        """Print a slip with a number on what was found. A second one for the same device takes the first one's place.

        Raises:
            NotFound: no such device, or what was found is not there any more.
            Refused: it can not take the place of this device, or printed nothing.
        """
        if (known := self._answers.get(key)) is not None:
            return known
        used = require_all("replace", f"device {device}", ("set_up_devices",), caller)
        configured, found = self._sought(device, asked.found)
        with self._.approvals.using(used, caller, "replace_device") as given:
            made, model_known = await self._candidate(device, configured, found, asked.profile)
            number = self._number()
            printed, detail = await self._print(device, made, found, number)
            view = ReplacementView(
                replacement_id=self._.new_id(),
                device=device,
                title=found.title,
                address=made.address,
                kind=made.kind,
                profile=made.profile,
                number=number,
                printed=printed,
                profile_known=model_known,
                detail=detail,
                waiting=len(self._waiting(device)),
            )
            self._pending[device] = Pending(
                view=view,
                device=made,
                by=caller.person(asked.by),
                terminal=caller.terminal,
                at_ms=self._.now_ms(),
                given=given,
            )
        while len(self._answers) >= MOST_ANSWERS:
            self._answers.pop(next(iter(self._answers)))
        self._answers[key] = view
        return view

    async def probe(self, device: str, asked: ProbeBody, caller: Caller) -> ProbeView:
        """Ask what was found who it is; with `sheet`, print its code pages. Raises as `begin`."""
        require_all("probe", f"device {device}", ("set_up_devices",), caller)
        configured, found = self._sought(device, asked.found)
        way = self._.registry.way(device, pairing.candidate(configured, found, configured.profile, False))
        sheet: tuple[SheetLine, ...] = ()
        try:
            async with self._.registry.apart(device):
                told = await pairing.ask(way)
                profile = asked.profile or found.profile or pairing.model_of(told, self._.overlays.models)
                if asked.sheet:
                    sheet = await pairing.print_sheet(device, way, profile)
        except TransportError as error:
            raise Refused("no_answer", "probe", f"device {device}", f"{found.title}: {error.detail}", "") from error
        return pairing.probe_view(found, told, profile, sheet)

    def _sought(self, device: str, identity: str) -> tuple[Device, Found]:
        configured = self._config.devices.get(device)
        if configured is None:
            raise NotFound("replace", f"device {device}", "no device of this name is configured", "see the list of devices")
        found = next((one for one in self._.finder.found() if one.identity == identity), None)
        if found is None:
            hint = "look at its cable and its lamp, then search again"
            raise NotFound("replace", f"device {device}", "what was chosen is not there any more", hint)
        pairing.refuse_found(device, configured, found, self._.locator.devices_of(found))
        return configured, found

    async def _candidate(self, name: str, device: Device, found: Found, profile: str) -> tuple[Device, bool]:
        """What the device would be, and whether its model is known: said, told by its name, or asked of the printer."""
        models = self._.overlays.models
        model = profile or found.profile
        if not model:
            way = self._.registry.way(name, pairing.candidate(device, found, device.profile, device.kind == "star"))
            try:
                async with self._.registry.apart(name):
                    told = await pairing.ask(way)
            except TransportError as error:
                raise self._no_slip(name, found, error.detail, "look at its cable, its lamp and its paper") from error
            model = pairing.model_of(told, models)
            if not model and told.speaks == ("star" if device.kind == "star" else "escpos"):
                return pairing.candidate(device, found, device.profile, device.kind == "star"), False
        if model and model not in models:
            hint = f"one of {', '.join(models)}"
            raise Refused("unknown_model", "replace", f"device {name}", f"there is no model {model}", hint)
        known = bool(model)
        star = model in self._.overlays.star if known else device.kind == "star"
        return pairing.candidate(device, found, model or device.profile, star), known

    def _number(self) -> str:
        taken = {pending.view.number for pending in self._pending.values()}
        return next(text for text in iter(lambda: str(100 + secrets.randbelow(900)), "") if text not in taken)

    async def _print(self, name: str, device: Device, found: Found, number: str) -> tuple[Any, str]:
        job = Job(
            job_id=self._.new_id(),
            device=name,
            document_class="test_slip",
            data=TestSlipData(requested_at_ms=self._.now_ms(), number=number),
            created_at_ms=self._.now_ms(),
        )
        document, trial = self._.registry.slip(job, device), self._.registry.trial(name, device)
        token = bytes(0x21 + secrets.randbelow(90) for _ in range(4))
        try:
            async with self._.registry.apart(name), asyncio.timeout(SLIP_S):
                delivery = await trial.deliver(document, token)
        except NotSent as error:
            raise self._no_slip(name, found, error.detail, error.hint) from error
        except OutcomeUnknown as error:
            return "unknown", error.detail
        except TimeoutError:
            return "unknown", f"it has not come to an end within {SLIP_S:g} s"
        return delivery.how, ""

    def _no_slip(self, name: str, found: Found, detail: str, hint: str) -> Refused:
        return Refused("slip_not_printed", "replace", f"device {name}", f"{found.title} printed nothing: {detail}", hint)

    def _waiting(self, device: str) -> list[Job]:
        return [job for job in self._.spool.jobs() if job.device == device and job.document_class in KITCHEN]

    # --- the desk ---

    async def draft(self, command: Command, moment: Moment) -> Draft:
        """See `till.desk.Desk`; for the refusals `docs/refusals.md`."""
        asked = cast(Decided, command)
        if asked.device not in self._config.devices:
            hint = "see the list of devices"
            raise NotFound("set up", f"device {asked.device}", "no device of this name is configured", hint)
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
            self._pending.pop(name, None)
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
        held = sorted((job for job in self._waiting(device) if job.state == "held"), key=lambda job: job.order)
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
        pending = self._pending.get(name)
        if pending is None or pending.view.replacement_id != asked.replacement_id:
            who = (pending.by if pending is not None else "") or "somebody"
            other = "its slip is not known (any more)" if pending is None else f"{who} has begun another one"
            raise Conflict("confirm", f"replacement of {name}", other, "print a slip again")
        if moment.now_ms - pending.at_ms > WAITS_MS:
            raise Conflict("confirm", f"replacement of {name}", "its slip is too old", "print a slip again")
        caller = moment.caller
        if caller.scope == "page" and (caller.employee, caller.terminal) != (pending.by, pending.terminal):
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
        if asked.release:
            self._release[name] = overlay.by
        return self._changed(name, "replaced", overlay, overlay.by, moment, pending.given)

    def _taken_back(self, asked: UndoReplacement | ResetDevice, moment: Moment) -> Draft:
        before = self._.overlays.of(asked.device)
        if before is None:
            cause = "it is as the configuration says"
            raise Conflict("undo", f"device {asked.device}", cause, "there is nothing to take back")
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

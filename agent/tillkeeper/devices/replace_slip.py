"""Before a device is replaced: what was found is asked who it is, and prints a slip with a number.

Nothing is durable here; a slip that nobody answers is forgotten.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from tillkeeper.config.model import Device
from tillkeeper.config.own_models import escpos
from tillkeeper.contract.base import Event
from tillkeeper.contract.caller import Caller
from tillkeeper.contract.devices import ProbeBody, ProbeView, ReplacementBody, ReplacementView, SheetLine
from tillkeeper.devices import pairing, wiring
from tillkeeper.devices.finder import Finder
from tillkeeper.devices.locator import Locator
from tillkeeper.devices.overlays import Overlays
from tillkeeper.devices.registry import Registry
from tillkeeper.errors import NotFound, Refused
from tillkeeper.sales.permits import require_all
from tillkeeper.spool.health import DRIVER_FAULTS
from tillkeeper.spool.model import Job, TestSlipData
from tillkeeper.spool.policy import KITCHEN
from tillkeeper.spool.spool import Spool
from tillkeeper.till.approvals import Approvals
from tillkeeper_drivers.api import NotSent, OutcomeUnknown, TransportError
from tillkeeper_drivers.discovery.found import Found

log = logging.getLogger(__name__)

SLIP_S = 25.0
MOST_ANSWERS = 32


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


class Slips:
    """`pending`: device -> the slip that waits for its answer."""

    def __init__(self, parts: SetupParts) -> None:
        self._ = parts
        self.pending: dict[str, Pending] = {}
        self._answers: dict[str, ReplacementView] = {}

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
                waiting=len(self.waiting(device)),
                models=pairing.choices(configured.kind, escpos(self._.overlays.config.models.own)),
            )
            self.pending[device] = Pending(
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
                    sheet = await pairing.print_sheet(device, way, profile, escpos(self._.overlays.config.models.own))
        except TransportError as error:
            raise Refused("no_answer", "probe", f"device {device}", f"{found.title}: {error.detail}", "") from error
        return pairing.probe_view(found, told, profile, sheet)

    def _sought(self, device: str, identity: str) -> tuple[Device, Found]:
        configured = self._.overlays.config.devices.get(device)
        if configured is None:
            raise NotFound("replace", f"device {device}", "no device of this name is configured", "see the list of devices")
        wiring.refuse("replace", device, self._.overlays.config)
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
        taken = {pending.view.number for pending in self.pending.values()}
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
        except DRIVER_FAULTS as error:
            log.exception("the driver of %s failed", name)
            detail = f"its driver failed ({type(error).__name__})"
            raise self._no_slip(name, found, detail, "choose its model by hand") from error
        return delivery.how, ""

    def _no_slip(self, name: str, found: Found, detail: str, hint: str) -> Refused:
        return Refused("slip_not_printed", "replace", f"device {name}", f"{found.title} printed nothing: {detail}", hint)

    def waiting(self, device: str) -> list[Job]:
        """The kitchen's jobs that wait for the device, held ones too."""
        return [job for job in self._.spool.jobs() if job.device == device and job.document_class in KITCHEN]

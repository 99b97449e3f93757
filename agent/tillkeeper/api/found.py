"""What is plugged in and what answers on the network, in the route table."""

from tillkeeper.api.ports import Till
from tillkeeper.api.routes import Answer, Call, Operation, command, read
from tillkeeper.contract.devices import (
    ConfirmReplacement,
    FoundList,
    LearnDrawer,
    ProbeBody,
    ProbeView,
    ReplacementBody,
    ReplacementView,
    ResetDevice,
    TryDrawer,
    UndoReplacement,
)
from tillkeeper.sales.permits import require_all


async def _found(till: Till, _call: Call) -> Answer:
    return Answer(till.finder.found())


async def _search(till: Till, call: Call) -> Answer:
    require_all("search", "devices", (), call.caller)
    return Answer(await till.finder.search())


async def _probe(till: Till, call: Call) -> Answer:
    return Answer(await till.setup.probe(call.params["device"], call.body, call.caller))


async def _replace(till: Till, call: Call) -> Answer:
    return Answer(*await till.begin_replacement(call.key, call.params["device"], call.body, call.caller))


_DEVICE = "/v1/devices/{device}"

OPERATIONS: tuple[Operation, ...] = (
    read("/v1/devices/found", "list_found", "What is plugged in or answered on the network", FoundList, _found, tag="devices"),
    # It changes nothing: to ask again is to look again, so there is no key.
    Operation(
        method="POST",
        path="/v1/devices/search",
        id="search_devices",
        summary="Ask the network for printers and displays; about two seconds",
        answer=FoundList,
        run=_search,
        tag="devices",
    ),
    # It changes nothing of the register: to ask again is to ask again.
    Operation(
        method="POST",
        path=_DEVICE + "/probe",
        id="probe_device",
        summary="Ask a found printer who it is and what it can do; up to 25 s",
        answer=ProbeView,
        run=_probe,
        body=ProbeBody,
        tag="devices",
    ),
    Operation(
        method="POST",
        path=_DEVICE + "/replacements",
        id="begin_replacement",
        summary="Print a slip with a number on a found printer that is to take this device's place",
        answer=ReplacementView,
        run=_replace,
        body=ReplacementBody,
        changes=True,
        tag="devices",
    ),
    command(
        _DEVICE + "/replacements/{replacement_id}/confirm",
        ConfirmReplacement,
        "It was the right printer: from now on it is this device",
        "devices",
    ),
    command(_DEVICE + "/undo", UndoReplacement, "Make the device again what it was before it was replaced", "devices"),
    command(_DEVICE + "/reset", ResetDevice, "Make the device again what the configuration says", "devices"),
    command(_DEVICE + "/try", TryDrawer, "One pulse, to see whether a drawer opens", "devices"),
    command(_DEVICE + "/learn", LearnDrawer, "Say whether the drawer has opened: its switch is learned", "devices"),
)

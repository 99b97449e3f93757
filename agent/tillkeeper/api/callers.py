"""Who asks, read from a request: the scope of its token, the terminal, the session, an approval, and on which side of training.

Headers: `Tillkeeper-Terminal`, `Tillkeeper-Session`, `Tillkeeper-Approval`, `Tillkeeper-Training`.
"""

import re

from msgspec.structs import replace
from starlette.requests import Request
from starlette.types import Scope as AsgiScope

from tillkeeper.api.auth import DEVICE_KEY, PairedDevice
from tillkeeper.api.ports import People
from tillkeeper.api.transport import PEER_KEY
from tillkeeper.api.ways import is_local_socket, scope_of
from tillkeeper.contract.caller import Caller, device_terminal
from tillkeeper.errors import BadRequest

TERMINAL_HEADER = "tillkeeper-terminal"
SESSION_HEADER = "tillkeeper-session"
APPROVAL_HEADER = "tillkeeper-approval"
TRAINING_HEADER = "tillkeeper-training"
_terminal = re.compile(r"[A-Za-z0-9._:-]{0,64}")
"""As ids are; the name goes into events and onto paper."""


def caller_of(request: Request, people: People) -> Caller:
    """The caller of this request; whoever has signed in is where that was, whatever terminal the header names. A
    paired device that has a place of its own is there, and no session of elsewhere opens anything on it. What was rung as
    practice, or as none, says so and stays it, however the session stands by the time that it arrives.

    Raises:
        BadRequest: the terminal can be the name of none, or training is neither on nor off.
    """
    said = request.headers
    if not _terminal.fullmatch(said.get(TERMINAL_HEADER, "")):
        hint = "send one of the terminals of the configuration"
        raise BadRequest("read", "Tillkeeper-Terminal", "it must be at most 64 letters, digits, `.`, `_`, `:` or `-`", hint)
    device = request.scope.get(DEVICE_KEY)
    terminal = said.get(TERMINAL_HEADER, "")
    if device is not None:
        terminal = terminal_of(device, terminal)
    caller = people.caller(
        scope_of(request.scope),
        terminal,
        said.get(SESSION_HEADER, ""),
        said.get(APPROVAL_HEADER, ""),
    )
    if device is not None and _has_place(device) and caller.terminal != terminal:
        caller = people.caller(caller.scope, terminal)  # a session of elsewhere makes this device no other place
    return replace(
        caller,
        training=_rung_in_training(said.get(TRAINING_HEADER, ""), caller.training),
        device=device.name if device is not None else "",
        local=local_of(request.scope),
    )


def _rung_in_training(said: str, session: bool) -> bool:
    """Whoever does not say it means what the session is. Raises `BadRequest`."""
    if said not in ("", "on", "off"):
        raise BadRequest("read", "Tillkeeper-Training", "it must be `on` or `off`", "say what it was when this was entered")
    return said == "on" if said else session


def local_of(scope: AsgiScope) -> str:
    """Who calls from this machine, where no person is named: the user of the unix socket, as the kernel says."""
    if is_local_socket(scope):
        return str(scope.get("state", {}).get(PEER_KEY, ""))
    return "integration" if scope_of(scope) == "full" else ""


def terminal_of(device: PairedDevice, said: str) -> str:
    """The place of a paired device: the one that it was paired for; a register device's own choice where that was none; and for
    all others one of their own, so that nobody who signs in there signs somebody out at a counter."""
    if not _has_place(device):
        return said
    return device.terminal if device.scope == "register" else device_terminal(device.name)


def _has_place(device: PairedDevice) -> bool:
    """Whether it is always the same; a register device that was paired for none chooses."""
    return device.scope != "register" or bool(device.terminal)

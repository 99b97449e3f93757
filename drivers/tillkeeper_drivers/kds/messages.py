"""What our kitchen display and its agent say to each other: JSON text frames (docs/kitchen-display-protocol.md)."""

from typing import Literal

import msgspec

from tillkeeper_drivers.api import Ticket

MAX_FRAME = 16_384
"""Longest frame taken from a display, in characters."""
MAX_ID = 128
MAX_JOBS = 64
"""Tickets that one touch may name."""


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """First frame of a display. `epoch` and `last_seq` as last seen from this agent; empty and 0 for a fresh page. `past`: it
    also wants what can be recalled."""

    last_seq: int = 0
    epoch: str = ""
    past: bool = False


class Ack(msgspec.Struct, frozen=True, tag="ack"):
    """The ticket is on the screen, or was already, or a cook has bumped it before."""

    seq: int
    job_id: str


class _OfCheck(msgspec.Struct, frozen=True):
    check_id: str
    station: str
    line_id: str = ""
    """Empty: the whole check at this station."""
    job_ids: tuple[str, ...] = ()
    """The tickets that the cook saw; empty: all that were acknowledged."""
    touch: str = ""
    """The display's own name for this touch. Answered by `Kept`."""


class Start(_OfCheck, frozen=True, tag="start"):
    """A cook has begun."""


class Bump(_OfCheck, frozen=True, tag="bump"):
    """A cook is done."""


class Recall(_OfCheck, frozen=True, tag="recall"):
    """What was bumped is back on the screen."""


class StopSeen(_OfCheck, frozen=True, tag="stop_seen"):
    """A cook has seen the STOP of a VOID: `job_ids` names the slips."""


Touch = Start | Bump | Recall | StopSeen
FromDisplay = Hello | Ack | Touch


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """Answer to `Hello`. With another `epoch` than the display knew, its `last_seq` means nothing any more."""

    device: str
    epoch: str
    seq: int
    beat_s: float
    """A display that hears nothing for three times this long has lost its agent, and says so."""
    now_ms: int
    """The agent's wall clock, milliseconds since the epoch: ages are counted from it, never from the tablet's clock."""
    register: str
    """The name by which people know the agent."""


class BoardState(msgspec.Struct, frozen=True, tag="board"):
    """After `Welcome`: job ids of what is open here, of what was bumped, and of the VOIDs whose STOP was seen. A ticket of this
    agent that is in none of them is unknown here, and stays on the screen."""

    open: tuple[str, ...]
    bumped: tuple[str, ...]
    stop_seen: tuple[str, ...]


class ShowTicket(msgspec.Struct, frozen=True, tag="ticket", omit_defaults=True):
    """A ticket to show. `replay`: it was sent before, on an earlier connection. `done_lines`: items ticked off. `stop_seen`: a
    cook has acknowledged its VOID."""

    seq: int
    job_id: str
    ticket: Ticket
    marks: tuple[str, ...]
    replay: bool
    done_lines: tuple[str, ...] = ()
    stop_seen: bool = False


class PastTicket(msgspec.Struct, frozen=True, tag="past"):
    """A bumped ticket that can be recalled: not to be acknowledged, nor shown among the open ones."""

    job_id: str
    ticket: Ticket
    marks: tuple[str, ...]


class Shared(msgspec.Struct, frozen=True, tag="shared"):
    """What was done with these tickets of this display on another display of the station, or by the agent (yesterday's tickets
    are bumped). `line_id`: with one item of them."""

    kind: Literal["started", "bumped", "recalled", "stop_seen"]
    job_ids: tuple[str, ...]
    line_id: str = ""


class Kept(msgspec.Struct, frozen=True, tag="kept"):
    """The touch of this name is durable (or changed nothing): the display need not send it again."""

    touch: str


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """The agent is alive. `now_ms` as in `Welcome`."""

    behind: int
    now_ms: int


class Bye(msgspec.Struct, frozen=True, tag="bye"):
    """The agent ends this connection. `reason` as in `CloseReason`."""

    reason: str
    detail: str = ""


ToDisplay = Welcome | BoardState | ShowTicket | PastTicket | Shared | Kept | Beat | Bye

_decoder: msgspec.json.Decoder[FromDisplay] = msgspec.json.Decoder(FromDisplay)
_encoder = msgspec.json.Encoder()


class BadFrame(ValueError):
    """A display sent what is no message. `reason`: "too_large" or "bad_frame"."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def decode(text: str) -> FromDisplay:
    """A display's frame.

    Raises:
        BadFrame: longer than `MAX_FRAME`, not JSON, an unknown type, a field missing or of the wrong type or too long.
    """
    if len(text) > MAX_FRAME:
        raise BadFrame("too_large", f"a frame of {len(text)} characters; the most is {MAX_FRAME}")
    try:
        message = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadFrame("bad_frame", str(error)) from error
    ids: tuple[str, ...] = (message.job_id,) if isinstance(message, Ack) else ()
    if isinstance(message, _OfCheck):
        ids = (message.check_id, message.station, message.line_id, message.touch, *message.job_ids)
        if len(message.job_ids) > MAX_JOBS:
            raise BadFrame("bad_frame", f"a touch names at most {MAX_JOBS} tickets")
    if any(len(value) > MAX_ID for value in ids):
        raise BadFrame("bad_frame", f"an id is at most {MAX_ID} characters")
    return message


def encode(message: ToDisplay) -> str:
    """A frame for a display."""
    return _encoder.encode(message).decode()

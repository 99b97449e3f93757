"""What our kitchen display and its agent say to each other: JSON text frames (docs/kitchen-display-protocol.md)."""

import msgspec

from tillkeeper_drivers.api import Ticket

MAX_FRAME = 16_384
"""Longest frame taken from a display, in characters."""
MAX_ID = 128


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """First frame of a display. `epoch` and `last_seq` as last seen from this agent; empty and 0 for a fresh page."""

    last_seq: int = 0
    epoch: str = ""


class Ack(msgspec.Struct, frozen=True, tag="ack"):
    """The ticket is on the screen, or was already, or a cook has bumped it before."""

    seq: int
    job_id: str


class _OfCheck(msgspec.Struct, frozen=True):
    check_id: str
    station: str
    line_id: str = ""
    """Empty: the whole check at this station."""


class Start(_OfCheck, frozen=True, tag="start"):
    """A cook has begun."""


class Bump(_OfCheck, frozen=True, tag="bump"):
    """A cook is done."""


class Recall(_OfCheck, frozen=True, tag="recall"):
    """What was bumped is back on the screen."""


FromDisplay = Hello | Ack | Start | Bump | Recall


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """Answer to `Hello`. With another `epoch` than the display knew, its `last_seq` means nothing any more."""

    device: str
    epoch: str
    seq: int
    beat_s: float
    """A display that hears nothing for three times this long has lost its agent, and says so."""


class ShowTicket(msgspec.Struct, frozen=True, tag="ticket"):
    """A ticket to show. `replay`: it was sent before, on an earlier connection."""

    seq: int
    job_id: str
    ticket: Ticket
    marks: tuple[str, ...] = ()
    replay: bool = False


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """The agent is alive."""

    behind: int


class Bye(msgspec.Struct, frozen=True, tag="bye"):
    """The agent ends this connection. `reason` as in `CloseReason`."""

    reason: str
    detail: str = ""


ToDisplay = Welcome | ShowTicket | Beat | Bye

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
    if isinstance(message, Start | Bump | Recall):
        ids = (message.check_id, message.station, message.line_id)
    if any(len(value) > MAX_ID for value in ids):
        raise BadFrame("bad_frame", f"an id is at most {MAX_ID} characters")
    return message


def encode(message: ToDisplay) -> str:
    """A frame for a display."""
    return _encoder.encode(message).decode()

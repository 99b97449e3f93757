"""What cooks did with the tickets of a display, as far as it outlives a restart. Pure.

The display drivers keep the boards; this decides which touches are events, and what of them is kept for the next start.
"""

from collections.abc import Iterable

import msgspec

from tillkeeper.contract.base import Event
from tillkeeper.contract.documents import TicketBumped, TicketRecalled, VoidAcknowledged
from tillkeeper.spool.model import Job
from tillkeeper_drivers.api import BoardEvent

MAX_KEPT = 500
"""As many tickets as a display's board has; of more the oldest touch is forgotten."""
STALE_AFTER_MS = 4 * 3_600_000
"""A ticket leaves the displays at the end of its business day, but not before it is this old."""


class Screen(msgspec.Struct, frozen=True, omit_defaults=True):
    """Job ids of a display's tickets: bumped ones, and VOIDs whose STOP was seen. The oldest touch first."""

    bumped: tuple[str, ...] = ()
    stops_seen: tuple[str, ...] = ()


def fresh(screens: Iterable[Screen], touch: BoardEvent, job_ids: Iterable[str]) -> tuple[str, ...]:
    """Which of these tickets the touch changes; none for a second bump (two screens, a repeated message) or a recall of what is
    open, for one line (that is for the screens alone), and for anything but a bump, a recall or a STOP that was seen."""
    if touch.line_id:
        return ()
    all_screens = tuple(screens)
    bumped = {job_id for screen in all_screens for job_id in screen.bumped}
    seen = {job_id for screen in all_screens for job_id in screen.stops_seen}
    ids = tuple(dict.fromkeys(job_ids))
    match touch.kind:
        case "bumped":
            return tuple(job_id for job_id in ids if job_id not in bumped)
        case "recalled":
            return tuple(job_id for job_id in ids if job_id in bumped)
        case "stop_seen":
            return tuple(job_id for job_id in ids if job_id not in seen)
        case _:
            return ()


def events(touch: BoardEvent, job_ids: tuple[str, ...]) -> tuple[Event, ...]:
    """What a touch that changed `job_ids` (not empty) is in the journal."""
    check_id, station, device = touch.check_id, touch.station, touch.device
    if touch.kind == "bumped":
        return (TicketBumped(check_id=check_id, station=station, device=device, job_ids=job_ids),)
    if touch.kind == "recalled":
        return (TicketRecalled(check_id=check_id, station=station, device=device, job_ids=job_ids),)
    return tuple(
        VoidAcknowledged(check_id=check_id, station=station, device=device, job_id=job_id) for job_id in job_ids
    )


def touched(screen: Screen, touch: BoardEvent, job_ids: Iterable[str]) -> Screen:
    """The screen after a touch of these of its tickets."""
    ids = tuple(job_ids)
    if touch.kind == "stop_seen":
        return Screen(screen.bumped, _newest((*screen.stops_seen, *ids)))
    others = tuple(job_id for job_id in screen.bumped if job_id not in ids)
    return Screen(_newest((*others, *ids)) if touch.kind == "bumped" else others, screen.stops_seen)


def _newest(job_ids: tuple[str, ...]) -> tuple[str, ...]:
    return job_ids[-MAX_KEPT:]


def stale(fired_day: str, today: str, age_ms: int) -> bool:
    """Whether a ticket fired on business day `fired_day` has left the displays by now. A clock that was set back makes nothing
    stale."""
    return fired_day < today and age_ms > STALE_AFTER_MS


def was_shown(job: Job) -> bool:
    """Whether a display may have had this ticket before a restart: it said so, or nobody knows. A ticket that waits to be sent
    again is among them, so that the screen has it at once and not twice."""
    return job.state in ("sent", "confirmed", "unconfirmed", "sending") or job.may_have_printed

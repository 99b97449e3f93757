"""Tickets that have not come out in time, by station. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest

from tillkeeper.config.model import Config
from tillkeeper.contract.views import DeviceView
from tillkeeper.diagnostics.facts import LateFacts
from tillkeeper.spool.model import Job, TicketData
from tillkeeper.spool.ordered import by_age
from tillkeeper.spool.policy import Route, alarming

LOOKED_AT = 20
"""Tickets of a station of which is asked whether they came out elsewhere."""


def late_tickets(
    jobs: Iterable[Job], route: Callable[[Job], Route], devices: Mapping[str, DeviceView], config: Config, now_ms: int,
    out_at: Callable[[Job], str] = lambda _job: "",
) -> tuple[LateFacts, ...]:  # fmt: skip
    """One entry for each station that has any, told by its oldest. A ticket that waits for two devices counts once; practice
    counts for nothing. Where one came out nowhere, those that came out at another device of the station are not told.

    Args:
        out_at: another device at which a ticket is known to have come out, or empty.
    """
    found: dict[str, dict[tuple[str, int], Job]] = {}
    for job in jobs:
        ticket = job.data
        if isinstance(ticket, TicketData) and not ticket.training and alarming(job, route(job), now_ms):
            found.setdefault(job.station, {}).setdefault((job.check_id, ticket.revision), job)
    told = []
    for station, late in found.items():
        aged = sorted(late.values(), key=by_age)
        settings = config.stations.get(station)
        several = settings is not None and len(settings.devices) > 1
        places = [out_at(job) for job in aged[:LOOKED_AT]] if several else []
        nowhere = [job for job, place in zip_longest(aged, places) if not place]
        told.append(_late(station, nowhere or aged, devices, config, now_ms, "" if nowhere else places[0]))
    return tuple(told)


def came_out_at(ticket: Job, of_check: Iterable[Job]) -> str:
    """The device at which `ticket` is known to have come out, empty for none. `of_check`: all jobs of its check."""
    revision = _revision(ticket)
    for job in of_check:
        if job.station == ticket.station and job.state == "confirmed" and _revision(job) == revision:
            return job.device
    return ""


def _revision(job: Job) -> int | None:
    return job.data.revision if isinstance(job.data, TicketData) else None


def _late(
    station: str, jobs: Sequence[Job], devices: Mapping[str, DeviceView], config: Config, now_ms: int, out_at: str
) -> LateFacts:
    oldest = jobs[0]
    device = devices.get(oldest.device)
    settings = config.stations.get(station)
    return LateFacts(
        station=station,
        title=settings.title if settings is not None else station,
        count=len(jobs),
        code=oldest.data.ticket_code if isinstance(oldest.data, TicketData) else "",
        age_s=max(0, now_ms - oldest.created_at_ms) / 1000,
        device=oldest.device,
        trouble=(device.trouble or device.note) if device is not None else "",
        out_at=out_at,
    )

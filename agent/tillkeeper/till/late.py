"""Tickets that have not come out in time, by station. Pure."""

from collections.abc import Callable, Iterable, Mapping

from tillkeeper.config.model import Config
from tillkeeper.contract.views import DeviceView
from tillkeeper.diagnostics.facts import LateFacts
from tillkeeper.spool.model import Job, TicketData
from tillkeeper.spool.policy import Route, alarming


def late_tickets(
    jobs: Iterable[Job], route: Callable[[Job], Route], devices: Mapping[str, DeviceView], config: Config, now_ms: int
) -> tuple[LateFacts, ...]:
    """One entry for each station that has any, told by its oldest. A ticket that waits for two devices counts once; practice
    counts for nothing."""
    found: dict[str, dict[tuple[str, int], Job]] = {}
    for job in jobs:
        ticket = job.data
        if isinstance(ticket, TicketData) and not ticket.training and alarming(job, route(job), now_ms):
            found.setdefault(job.station, {}).setdefault((job.check_id, ticket.revision), job)
    return tuple(_late(station, tuple(late.values()), devices, config, now_ms) for station, late in found.items())


def _late(
    station: str, jobs: tuple[Job, ...], devices: Mapping[str, DeviceView], config: Config, now_ms: int
) -> LateFacts:
    oldest = min(jobs, key=lambda job: (job.created_at_ms, job.order))
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
    )

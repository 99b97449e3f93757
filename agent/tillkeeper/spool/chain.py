"""Where a ticket may go that its device does not take: along the station's backups, and, where nothing of the station can be
reached, to the printer at the register."""

from collections.abc import Callable, Mapping
from typing import Protocol

from tillkeeper.config.model import Config
from tillkeeper.kitchen.routing import on_the_lan
from tillkeeper.spool.health import Health
from tillkeeper.spool.model import Job, TicketData
from tillkeeper.spool.policy import KITCHEN, Route
from tillkeeper.spool.queue import DeviceQueue

PAPER = ("escpos", "star")


class Place(Protocol):
    """A worker, as far as others look at it."""

    queue: DeviceQueue
    health: Health
    current: Job | None


class Chain:
    """Over all workers.

    Args:
        island: whether this register is known to be cut off from the store's network.
    """

    def __init__(self, config: Config, places: Mapping[str, Place], island: Callable[[], bool]) -> None:
        self._config, self._places, self._cut_off = config, places, island

    @property
    def _lan(self) -> frozenset[str]:
        """As the devices are now: a printer that was replaced may be plugged in here, or on the network, since."""
        return on_the_lan(self._config.devices, self._config.this_register)

    def island(self, job: Job) -> bool:
        """Whether the job's device is known to be beyond a broken network."""
        return job.device in self._lan and self._cut_off()

    def open_backups(self, job: Job, route: Route) -> tuple[str, ...]:
        """Who can take the job over, best first: its own device and the station's backups, each once a round and none that is
        known to refuse. Where none is left a new round begins with one that is known to be well."""
        if _training(job):
            return ()  # practice is nothing that another printer has to save
        chain = self._chain(job, route)
        fresh = tuple(name for name in chain if name not in job.visited and not self._places[name].health.refuses)
        return fresh or tuple(name for name in chain if name in job.visited and self._places[name].health.well)

    def carry_to(self, job: Job, route: Route) -> str:
        """The receipt printer of the terminal that rang it, where nothing of the station can be reached and that one can; else
        empty."""
        data = job.data
        if not route.carry or not isinstance(data, TicketData) or data.training or job.document_class not in KITCHEN:
            return ""
        chain = self._chain(job, route)
        printer = self._config.place(data.terminal).receipt_printer or ""
        if printer in ("", job.device, *route.devices, *chain, *job.visited) or not self._can_print(printer):
            return ""
        others = {*chain, *route.devices} - {job.device}
        if not all(self._gone(name) for name in others):
            return ""
        return "" if self._in_hand(job) else printer

    def siblings(self, job: Job) -> tuple[Job, ...]:
        """The same ticket for the station's other devices, as far as it waits; taken out of their queues."""
        found = []
        for place in self._places.values():
            alike = [other for other in place.queue.queued if _same_ticket(job, other)]
            for other in alike:
                place.queue.take(other.job_id)
            found += alike
        return tuple(found)

    def _chain(self, job: Job, route: Route) -> tuple[str, ...]:
        names = dict.fromkeys((job.home or job.device, *route.backups))
        return tuple(name for name in names if name != job.device and name in self._places)

    def _gone(self, name: str) -> bool:
        place = self._places.get(name)
        return place is None or place.health.unreachable or (name in self._lan and self._cut_off())

    def _can_print(self, printer: str) -> bool:
        place = self._places.get(printer)
        if place is None or self._config.devices[printer].kind not in PAPER or place.health.refuses:
            return False
        status = place.health.status
        return printer not in self._lan or (status is not None and status.reachable == "yes")

    def _in_hand(self, job: Job) -> bool:
        return any(place.current is not None and _same_ticket(job, place.current) for place in self._places.values())


def _training(job: Job) -> bool:
    return isinstance(job.data, TicketData) and job.data.training


def _same_ticket(job: Job, other: Job) -> bool:
    """Whether both tell one station the same about one check."""
    ours, theirs = job.data, other.data
    if other.job_id == job.job_id or not isinstance(ours, TicketData) or not isinstance(theirs, TicketData):
        return False
    return (job.check_id, job.station, job.document_class, ours.revision) == (
        other.check_id, other.station, other.document_class, theirs.revision,
    )  # fmt: skip

"""The messages of the live WebSocket: whole values, never differences, so that a repeat does no harm."""

from tillkeeper.contract.availability import AvailabilityView
from tillkeeper.contract.base import View
from tillkeeper.contract.cash import DrawerList
from tillkeeper.contract.devices import FoundList
from tillkeeper.contract.views import CheckSummary, DeviceView, JobView, StatusView


class LiveSnapshot(View, frozen=True, tag="snapshot"):
    """The first message on every connection: the state as it is, after which only what changes follows."""

    status: StatusView
    checks: tuple[CheckSummary, ...]
    """Those that are open."""
    jobs: tuple[JobView, ...]
    """Those that are not settled."""
    availability: AvailabilityView
    drawers: DrawerList


class StatusChanged(View, frozen=True, tag="status"):
    status: StatusView


class CheckChanged(View, frozen=True, tag="check"):
    check: CheckSummary


class JobChanged(View, frozen=True, tag="job"):
    job: JobView


class DeviceChanged(View, frozen=True, tag="device"):
    device: DeviceView


class AvailabilityChanged(View, frozen=True, tag="availability"):
    availability: AvailabilityView


class DrawersChanged(View, frozen=True, tag="drawers"):
    drawers: DrawerList


class FoundChanged(View, frozen=True, tag="found"):
    """Something was plugged in or out, answered for the first time, or moved."""

    found: FoundList


LiveMessage = (
    LiveSnapshot | StatusChanged | CheckChanged | JobChanged | DeviceChanged | AvailabilityChanged | DrawersChanged
    | FoundChanged
)

"""What the desk of paired devices stands on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from tillkeeper.config.model import Config
from tillkeeper.contract.access import LanView
from tillkeeper.contract.base import Event
from tillkeeper.till.approvals import Approvals


class Record(Protocol):
    async def __call__(self, events: tuple[Event, ...], settings: Mapping[str, bytes]) -> None:
        """Raises `StorageRefused`, `Overloaded`."""


class Reach(Protocol):
    """How devices reach this register (`access/serving.py`)."""

    def view(self) -> LanView: ...

    def authority(self) -> bytes:
        """The certificate that devices install (DER). Raises `NotFound` where there is none."""
        ...

    def pairing_url(self) -> str:
        """Where a device is paired, without the code; empty where it can not be reached."""
        ...


@dataclass(frozen=True, kw_only=True)
class AccessParts:
    """`now_s`: the boot clock; `record`: one durable batch."""

    config: Config
    approvals: Approvals
    reach: Reach
    setting: Callable[[str], bytes | None]
    record: Record
    now_s: Callable[[], float]
    now_ms: Callable[[], int]
    new_id: Callable[[], str]

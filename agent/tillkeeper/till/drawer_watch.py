"""Drawers that stand open: since when, by their sensors."""

from collections.abc import Callable

from tillkeeper.config.model import Config
from tillkeeper.contract.views import Tri
from tillkeeper.diagnostics.facts import OpenDrawerFacts


class DrawerWatch:
    """Asked now and then (`look`): between two looks a drawer that was shut and opened again counts as open all the time.

    Args:
        sensor: whether a drawer is open, as last heard.
        now_s: a clock that never goes back, in seconds.
    """

    def __init__(self, config: Config, sensor: Callable[[str], Tri], now_s: Callable[[], float]) -> None:
        self._limits = {name: device.left_open_s for name, device in config.devices.items() if device.kind == "drawer"}
        self._sensor, self._now_s = sensor, now_s
        self._open_since: dict[str, float] = {}

    def look(self) -> None:
        """One that no longer tells is not known to be open."""
        for drawer in self._limits:
            if self._sensor(drawer) == "yes":
                self._open_since.setdefault(drawer, self._now_s())
            else:
                self._open_since.pop(drawer, None)

    def too_long(self) -> tuple[OpenDrawerFacts, ...]:
        """Those open for longer than their `left_open_s`."""
        now_s = self._now_s()
        ages = {drawer: now_s - since for drawer, since in self._open_since.items()}
        return tuple(
            OpenDrawerFacts(drawer=drawer, age_s=age) for drawer, age in ages.items() if 0 < self._limits[drawer] <= age
        )

"""The overlays of this register as they stand in its journal, and the config as it is with them.

`config.devices` is one table for the whole life of the agent: who holds the config sees a device that was replaced at once.
"""

import logging
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from tillkeeper.config.load import star_profiles
from tillkeeper.config.model import Config, Device
from tillkeeper.config.own_models import escpos, read_once
from tillkeeper.contract.devices import ReplacedView
from tillkeeper.devices import overlay as rules
from tillkeeper.devices.overlay import Overlay

log = logging.getLogger(__name__)


class Overlays:
    """`filed`: the devices as the config file has them; `config`: with the overlays over it.

    Args:
        config: as it was read.
        setting: a durable setting of the journal.
    """

    def __init__(self, config: Config, setting: Callable[[str], bytes | None]) -> None:
        self.filed: dict[str, Device] = dict(config.devices)
        self.present: Callable[[], Mapping[str, str]] = dict
        """Where devices are at the moment (`Locator.addresses`): one that moved is not where it was when it was replaced."""
        self._profiles, self.star = frozenset(escpos(config.models.own)), star_profiles()
        self._overlays = dict[str, Overlay]()
        for name in self.filed:
            stored = setting(rules.setting(name))
            overlay = rules.decoded(stored)
            if overlay is not None:
                self._overlays[name] = overlay
            elif stored not in (None, rules.encoded(None)):
                log.error("what was said about %s can not be read (any more): replace it again if it was replaced", name)
        # Of a model that can not be read just now it is all the same: the one that it took the place of is gone.
        unread = {overlay.profile or "" for overlay in self._overlays.values()} if read_once(config.models.own).problems else ()
        self._laid = self._profiles.union(unread) - self.star
        made, self._ignored = rules.laid_over(self.filed, self._overlays, self._laid, self.star)
        self.config = replace(config, devices=made)
        for name, why in self._ignored.items():
            log.warning("what was said about %s is ignored, the configuration is followed: %s", name, why)

    @property
    def models(self) -> tuple[str, ...]:
        """The names of all models there are, the store's own ones among them."""
        return (*sorted(self._profiles), *sorted(self.star))

    def of(self, name: str) -> Overlay | None:
        return self._overlays.get(name)

    def all(self) -> dict[str, Overlay]:
        return dict(self._overlays)

    def problem(self, name: str, overlay: Overlay) -> str:
        """Why `overlay` can not be laid over the device, or an empty text."""
        return rules.problem(name, self.filed[name], overlay, self.config.devices, self._profiles, self.star)

    def take(self, name: str, overlay: Overlay | None) -> tuple[str, ...]:
        """What has become durable: it counts from now on. The names of the devices that are other ones by it."""
        if overlay is None:
            self._overlays.pop(name, None)
        else:
            self._overlays[name] = overlay
        made, self._ignored = rules.laid_over(self.filed, self._overlays, self._laid, self.star)
        devices = self.config.devices
        changed = tuple(one for one, device in made.items() if devices[one] != device)
        for one in changed:
            devices[one] = made[one]
        return changed

    def view(self, name: str) -> ReplacedView | None:
        overlay = self._overlays.get(name)
        if overlay is None or name not in self.filed:
            return None
        return rules.view(name, self.filed[name], overlay, self._ignored.get(name, ""), self.present().get(name, ""))

"""Which stations a line belongs to, and which devices serve or replace a station."""

from collections.abc import Mapping

from tillkeeper.config import address as where
from tillkeeper.config.model import Config, Device, Routing
from tillkeeper.sales.model import Line

_SEPARATOR = ","


def stations_for(item_id: str, category: str, routing: Routing) -> tuple[str, ...]:
    """The stations of an item: its own entry wins over its category's, and both win over the default."""
    if item_id in routing.items:
        return routing.items[item_id]
    return routing.categories.get(category, routing.default)


def station_field(item_id: str, category: str, routing: Routing) -> str:
    """The same as one text, as a line carries it from the moment it is rung ("grill", or "grill,bar" for several)."""
    return _SEPARATOR.join(stations_for(item_id, category, routing))


def line_stations(line: Line, config: Config) -> tuple[str, ...]:
    """The stations of a rung line that still exist. Where the config lost all of them, the item is routed anew: food that
    is owed never goes nowhere."""
    rung = tuple(part for part in line.station.split(_SEPARATOR) if part in config.stations)
    if rung:
        return rung
    return tuple(part for part in stations_for(line.item_id, "", config.routing) if part in config.stations)


def backups(station: str, config: Config) -> tuple[str, ...]:
    """The devices that step in for a station's own, best first; none where no backup is configured.

    `backup` names devices, or stations whose devices step in. A device of the station itself is left out: it prints the same
    ticket already.
    """
    own = config.stations.get(station)
    if own is None:
        return ()
    names = (own.backup,) if isinstance(own.backup, str) else own.backup
    chain: dict[str, None] = {}
    for name in names:
        stand_in = config.stations.get(name)
        chain |= dict.fromkeys(stand_in.devices if stand_in is not None else (name,))
    return tuple(device for device in chain if device not in own.devices and device in config.devices)


def on_the_lan(devices: Mapping[str, Device], register: str = "") -> frozenset[str]:
    """Names of those that only the store's network leads to, as seen from `register`. A display's page comes from wherever it
    is: over the network. What is wired to another register is beyond the network too. A drawer hangs on its printer's pin."""
    found = {name for name, device in devices.items() if _by_network(device, register)}
    return frozenset(found | {name for name, device in devices.items() if device.kind == "drawer" and device.printer in found})


def _by_network(device: Device, register: str) -> bool:
    if device.kind == "display" or device.register not in ("", register):
        return True
    return bool(device.address) and where.kind(device.address) == "tcp" and not _is_here(device.address)


def _is_here(address: str) -> bool:
    host, _ = where.host_port(address)
    return host in ("localhost", "::1") or host.startswith("127.")

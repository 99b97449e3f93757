"""Which stations a line belongs to, and which devices serve or replace a station."""

from tillkeeper.config.model import Config, Routing
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

    `backup` names a device, or a station whose devices step in. A device of the station itself is left out: it prints
    the same ticket already.
    """
    own = config.stations.get(station)
    if own is None or not own.backup:
        return ()
    stand_in = config.stations.get(own.backup)
    devices = stand_in.devices if stand_in is not None else (own.backup,)
    return tuple(device for device in devices if device not in own.devices and device in config.devices)

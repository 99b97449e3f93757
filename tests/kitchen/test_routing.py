"""Items to stations to devices."""

import msgspec
import pytest
from tests.kitchen.world import kitchen_config, line

from tillkeeper.config.model import Station
from tillkeeper.kitchen.routing import backups, line_stations, station_field, stations_for


@pytest.mark.parametrize(
    ("item", "category", "stations"),
    [("combo", "drinks", ("grill", "bar")), ("beer", "drinks", ("bar",)), ("burger", "", ("grill",)), ("x", "?", ("grill",))],
)
def test_items_win_over_categories_and_both_over_the_default(item: str, category: str, stations: tuple[str, ...]) -> None:
    config = kitchen_config()
    assert stations_for(item, category, config.routing) == stations
    rung = line("l1", station=station_field(item, category, config.routing))
    assert line_stations(rung, config) == stations


def test_a_station_that_is_gone_leaves_no_food_without_a_place() -> None:
    config = kitchen_config()
    assert line_stations(line("l1", station="pizza"), config) == ("grill",)
    assert line_stations(line("l1", station="pizza,bar"), config) == ("bar",)


@pytest.mark.parametrize(
    ("backup", "devices"),
    [
        ("", ()), ("receipt", ("receipt",)), ("bar", ("bar", "receipt")), ("nowhere", ()), ("grill", ()),
        ((), ()), (("receipt", "bar"), ("receipt", "bar")), (("bar", "receipt", "nowhere"), ("bar", "receipt")),
    ],
)  # fmt: skip
def test_backups_are_devices_or_the_devices_of_stations(backup: str | tuple[str, ...], devices: tuple[str, ...]) -> None:
    config = kitchen_config()
    grill = Station(title="Grill", devices=("grill",), backup=backup)
    config = msgspec.structs.replace(config, stations={**config.stations, "grill": grill})
    assert backups("grill", config) == devices
    assert backups("unknown", config) == ()

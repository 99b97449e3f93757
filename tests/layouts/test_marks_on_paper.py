"""Marks of tickets that came another way: above everything, at least twice as high, in the reader's language."""

import msgspec
import pytest
from tests.spool.virtual import run_virtual
from tests.spool.world import World

from tillkeeper.config.model import Config
from tillkeeper.layouts import documents, shelf
from tillkeeper_drivers.api import PrintDocument, Text


def ticket(mark: str, *, language: str = "en", bell_pin: int | None = None, bell: bool = True) -> PrintDocument:
    async def made() -> PrintDocument:
        world = World()
        spoken = msgspec.structs.replace(world.config.store, language=language)
        base: Config = msgspec.structs.replace(world.config, store=spoken)
        grill = msgspec.structs.replace(base.devices["grill"], bell_pin=bell_pin)
        station = msgspec.structs.replace(base.stations["grill"], bell=bell)
        config = msgspec.structs.replace(
            base, devices={**base.devices, "grill": grill}, stations={**base.stations, "grill": station}
        )
        job = msgspec.structs.replace(world.job("T-1"), marks=(mark,) if mark else ())
        document = documents.document(job, config, {}, shelf.chosen(config))
        assert isinstance(document, PrintDocument)
        return document

    return run_virtual(made())


@pytest.mark.parametrize(
    ("mark", "language", "words"),
    [
        ("CARRY TO KITCHEN: GRILL", "en", "CARRY TO KITCHEN: GRILL"),
        ("CARRY TO KITCHEN: GRILL", "de", "IN DIE KÜCHE BRINGEN: GRILL"),
        ("FROM REGISTER LANE", "fr", "DE LA CAISSE LANE"),
    ],
)
def test_a_mark_is_the_first_line_large_and_in_the_readers_words(mark: str, language: str, words: str) -> None:
    first = ticket(mark, language=language).blocks[0]
    assert isinstance(first, Text)
    assert first.text.strip() == words
    assert first.height >= 2
    assert first.invert


def test_a_ticket_rings_where_a_bell_hangs_and_its_station_wants_it() -> None:
    assert ticket("", bell_pin=5).bell
    assert not ticket("", bell_pin=5, bell=False).bell
    assert not ticket("").bell

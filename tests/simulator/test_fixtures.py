"""The byte fixtures of hw-fixtures/: the simulator answers and prints as they say."""

import asyncio
import tomllib
from pathlib import Path

import pytest

from tillkeeper_drivers.simulator.printer import VirtualPrinter
from tillkeeper_drivers.simulator.shop import render_bytes

FIXTURES = Path(__file__).resolve().parents[2] / "hw-fixtures"
DEVICES = sorted(path.parent for path in FIXTURES.glob("*/exchange.toml"))


@pytest.mark.parametrize("device", DEVICES, ids=lambda path: path.name)
def test_a_printer_answers_as_its_fixture_says(device: Path) -> None:
    exchange = tomllib.loads((device / "exchange.toml").read_text())

    async def run() -> None:
        async with asyncio.timeout(20), VirtualPrinter(exchange["model"], speed_mm_s=0) as printer:
            reader, writer = await asyncio.open_connection("127.0.0.1", printer.port)
            for step in exchange["step"]:
                writer.write(bytes.fromhex(step["send"]))
                expected = bytes.fromhex(step["expect"])
                assert await reader.readexactly(len(expected)) == expected, step["what"]
            writer.close()
            await writer.wait_closed()

    asyncio.run(run())


@pytest.mark.parametrize("device", DEVICES, ids=lambda path: path.name)
def test_a_ticket_reads_as_its_fixture_says(device: Path) -> None:
    model = tomllib.loads((device / "exchange.toml").read_text())["model"]
    data = bytes.fromhex((device / "ticket.hex").read_text())
    assert render_bytes(data, model).as_text() == (device / "ticket.txt").read_text()


def test_every_fixture_says_where_it_comes_from_and_none_is_called_captured() -> None:
    for device in DEVICES:
        text = (device / "provenance.md").read_text()
        for file in device.iterdir():
            assert file.name == "provenance.md" or f"`{file.name}`" in text, file
        assert "Nothing here was captured" in text
    assert len(DEVICES) >= 3

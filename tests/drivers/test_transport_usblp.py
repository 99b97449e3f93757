"""USB printers behind usblp nodes that umockdev makes up: `umock_usblp` has the scenarios, one process each."""

import pytest
from tests.drivers import umock

from tillkeeper_drivers.api import PortStatus
from tillkeeper_drivers.transport.usblp import read_port_status


@pytest.mark.parametrize("scenario", umock.scenarios("umock_usblp"))
def test_a_usb_printer(scenario: str) -> None:
    umock.run("umock_usblp", scenario)


@pytest.mark.parametrize("status", range(256))
def test_a_status_byte_says_what_its_bits_say_or_nothing(status: int) -> None:
    """USB printer class 1.1, 4.2.2: bit 5 paper empty, bit 4 selected, bit 3 no error, the others reserved."""
    expected = PortStatus(
        paper_out=f"{status:08b}"[2] == "1", selected=f"{status:08b}"[3] == "1", error=f"{status:08b}"[4] == "0"
    )
    reserved = any(f"{status:08b}"[at] == "1" for at in (0, 1, 5, 6, 7))
    assert read_port_status(status) == (None if reserved else expected)

"""What discovery lists can be written into the config as it is, whatever a device calls itself."""

from hypothesis import given
from hypothesis import strategies as st

from tillkeeper.config import address
from tillkeeper.config.model import Device
from tillkeeper.devices.locator import Locator
from tillkeeper_drivers.discovery import ports
from tillkeeper_drivers.discovery.ports import Port

TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FF, exclude_characters="\x7f"), max_size=40).map(
    lambda text: "".join(character for character in text if character.isprintable()).strip()
)
SOCKET = st.from_regex(r"[1-9]-[1-9](\.[1-9]){0,3}", fullmatch=True)
PORT = st.builds(
    Port,
    kind=st.sampled_from(["usb", "serial"]),
    node=st.sampled_from(["", "/dev/usb/lp0", "/dev/ttyUSB1"]),
    vendor_id=st.sampled_from([0x04B8, 0x0403, 0xFFFF]),
    product_id=st.sampled_from([0x6001, 0x0202]),
    port=SOCKET,
    interface=st.integers(0, 3),
    serial=TEXT,
    product=TEXT,
    manufacturer=TEXT,
    driver=st.sampled_from(["", "usbfs", "usblp"]),
    device_id=TEXT.map(lambda text: f"MFG:{text};MDL:{text};SN:{text};"),
    may_open=st.booleans(),
    probed_by=st.sampled_from(["", "ModemManager"]),
    holders=TEXT,
)


@given(st.lists(PORT, max_size=6, unique_by=lambda port: (port.port, port.interface * (port.kind == "serial"), port.kind)))
def test_each_address_is_one_and_means_its_device(there: list[Port]) -> None:
    found = ports.found(there, ("tm-t88vi", "generic-80"))
    assert len(found) == len(there)
    assert len({one.identity for one in found}) == len(found), "no two share an identity"
    locator = Locator(lambda: 0)
    for number, one in enumerate(found):
        assert address.problem(one.address) == "", one
        assert address.identity(one.address) == one.address
        locator.know(f"d{number}", Device(kind="escpos", address=one.address))
        assert bool(one.trouble) == bool(one.hint)
    for number, one in enumerate(found):
        assert f"d{number}" in locator.devices_of(one)
    for one in found:
        assert sum(ports.matches(port, one.identity) for port in there) == 1 or "serial=" in one.identity

"""Where a device is, in the words of the config."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillkeeper.config import address

GOOD = {
    "10.0.0.7:9100": "tcp",
    "[fe80::1]:9100": "tcp",
    "printer.local:1": "tcp",
    "serial:9100": "tcp",  # a host of that name
    "usb:9100": "tcp",
    "serial:/dev/ttyS0": "serial",
    "serial:/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0": "serial",
    "serial:/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0": "serial",
    "serial:/dev/pts/3": "serial",
    "serial:/dev/receipt": "serial",
    "usb:/dev/usb/lp0": "usb",
    "usb:/dev/receipt-printer": "usb",
}
BAD = (
    "serial:",
    "usb:",
    "serial:ttyS0",
    "serial:./dev/ttyS0",
    "serial:/tmp/ttyS0",
    "serial:/dev/",
    "serial:/dev//ttyS0",
    "serial:/dev/./ttyS0",
    "serial:/dev/serial/../sda",
    "serial:/dev/tty S0",
    "serial:/dev/ttyS0\n",
    "serial:/dev/tty\x00S0",
    "serial:/dev/usb/lp0",
    "serial:/dev/" + "x" * 300,
    "usb:/dev/ttyUSB0",
    "usb:/dev/serial/by-id/x",
    "usb:lp0",
    "tcp:/dev/ttyS0",
    "/dev/ttyS0",
    "10.0.0.7",
    "10.0.0.7:0",
    "",
)


@pytest.mark.parametrize(("text", "kind"), GOOD.items())
def test_an_address_says_what_is_there(text: str, kind: str) -> None:
    assert address.problem(text) == ""
    assert address.kind(text) == kind
    if kind == "tcp":
        host, port = address.host_port(text)
        assert text in (f"{host}:{port}", f"[{host}]:{port}")
    else:
        assert text == f"{kind}:{address.node(text)}"


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_address_says_why(text: str) -> None:
    assert address.problem(text)


@given(st.text(max_size=60), st.sampled_from(["", "serial:", "usb:", "serial:/dev/", "usb:/dev/"]))
def test_no_text_makes_it_fail_and_a_good_path_is_a_plain_one(text: str, start: str) -> None:
    if not address.problem(start + text) and address.kind(start + text) != "tcp":
        path = address.node(start + text)
        assert path.startswith("/dev/")
        assert path.isprintable()
        assert ".." not in path.split("/")

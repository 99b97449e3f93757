"""`register` of a device: which may have one, and which register that may be."""

from pathlib import Path

import pytest

from tillkeeper.config.embedded import example_toml
from tillkeeper.config.load import parse
from tillkeeper.config.model import Config
from tillkeeper.errors import ConfigInvalid
from tillkeeper.kitchen.routing import on_the_lan

SIDE = '\n[registers.side]\nletter = "C"\naddress = "192.168.1.12"\n'
FAR = '\n[devices.far]\nkind = "escpos"\naddress = "{address}"\nprofile = "tm-t88vi"\nregister = "side"\n'
DRAWER = '\n[devices.till]\nkind = "drawer"\nprinter = "far"\n'


def load(more: str, text: str = "") -> Config:
    return parse((text or example_toml()) + more, file="example.toml", folder=Path.cwd())


def problems(more: str) -> list[tuple[str, str]]:
    with pytest.raises(ConfigInvalid) as error:
        load(more)
    return [(problem.where, problem.what) for problem in error.value.extra["problems"]]


@pytest.mark.parametrize("address", ["usb:serial=ABC", "serial:/dev/no-such-port", "usb:/dev/usb/lp7", "192.168.1.90:9100"])
def test_a_device_of_another_register_needs_nothing_at_this_one(address: str) -> None:
    config = load(SIDE + FAR.format(address=address) + DRAWER)
    assert (config.wired_to("far"), config.wired_to("till"), config.wired_to("grill"), config.wired_to("none")) == (
        "side", "side", "", "",
    )  # fmt: skip
    assert {"far", "till"} <= on_the_lan(config.devices, "front")  # only the network leads to it


def test_at_the_register_that_it_is_wired_to_it_is_a_device_as_any_other() -> None:
    text = example_toml().replace('this_register = "front"', 'this_register = "side"')
    config = load(SIDE + FAR.format(address="usb:/dev/usb/lp7") + DRAWER, text)
    assert (config.wired_to("far"), config.wired_to("till")) == ("", "")
    assert not {"far", "till"} & on_the_lan(config.devices, "side")


def test_a_register_that_is_none_is_said_with_its_line() -> None:
    ((where, what),) = problems(SIDE + FAR.format(address="usb:/dev/usb/lp7").replace('"side"', '"sid"'))
    assert (where, what) == ("devices.far.register", "no register 'sid'")


def test_a_register_to_which_there_is_no_line_is_none_to_print_through() -> None:
    ((where, what),) = problems(SIDE.replace('address = "192.168.1.12"', "") + FAR.format(address="usb:/dev/usb/lp7"))
    assert where == "devices.far.register"
    assert "there is no line to register 'side'" in what


def test_neither_a_drawer_nor_a_display_is_wired_by_itself() -> None:
    drawer = SIDE + FAR.format(address="usb:/dev/usb/lp7") + DRAWER + 'register = "side"\n'
    assert problems(drawer) == [("devices.till.register", "'register' means nothing for a drawer: it is where its printer is")]
    display = SIDE + '\n[devices.page]\nkind = "display"\nregister = "side"\n'
    assert problems(display) == [("devices.page.register", "'register' is for printers, not for a device of kind 'display'")]

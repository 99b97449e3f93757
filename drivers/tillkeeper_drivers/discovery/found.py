"""What discovery has found: one value for every bus."""

from typing import Literal

import msgspec

Bus = Literal["usb", "serial", "network", "display"]
Trouble = Literal["", "no_permission", "held_by", "two_alike", "no_driver"]
"""`no_driver`: it is plugged in and has no node; `two_alike`: only its socket tells it from another one."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One device that is there now.

    `identity` stays the same when node or address change: "usb:serial=..", "usb:port=1-1.4", "serial:..", "mac:.." or, for
    what has told none of these, "address:..". `address`: as the config wants it. `port`: the kernel's path of the USB socket.
    `profile`: the model whose profile fits, empty where none is known. `detail` and `hint`: words about `trouble`, or about
    what is special."""

    identity: str
    bus: Bus
    address: str
    title: str
    vendor: str = ""
    model: str = ""
    serial: str = ""
    mac: str = ""
    port: str = ""
    profile: str = ""
    node: str = ""
    trouble: Trouble = ""
    detail: str = ""
    hint: str = ""

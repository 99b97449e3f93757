"""What people said about devices since the config was written: durable, and laid over the config. Pure.

An overlay wins over the config file, also over one that was edited since: nobody at a counter edits files at 19:00. Where the
two can not both be right (another device has the address now, the model is not known any more) the config is followed, and
the overlay is kept and said to be ignored.
"""

import json
from collections.abc import Collection, Mapping
from typing import Literal

import msgspec
from msgspec.structs import replace

from tillkeeper.config import address as where
from tillkeeper.config.model import Device, SerialLine
from tillkeeper.contract.devices import DevicePlace, ReplacedView

PRINTERS = ("escpos", "star", "escpos_display")
_LONG = 12
"""Longer runs of digits are shortened in events: a serial number must not look like a card's."""

_PLACE = ("kind", "address", "mac", "profile", "serial")
_encode = msgspec.json.Encoder().encode


class Overlay(msgspec.Struct, frozen=True, omit_defaults=True):
    """None: as the config says. `replacement`: the id of the replacement that led to it. `over`: what the config said then.
    `before`: the overlay that there was until then."""

    kind: Literal["escpos", "star", "escpos_display"] | None = None
    address: str | None = None
    mac: str | None = None
    profile: str | None = None
    serial: SerialLine | None = None
    open_level: Literal["high", "low"] | None = None
    at_ms: int = 0
    by: str = ""
    replacement: str = ""
    over: DevicePlace = DevicePlace()
    before: "Overlay | None" = None


_decode = msgspec.json.Decoder(Overlay | None).decode


def setting(device: str) -> str:
    """The name of the durable setting."""
    return f"devices.{device}"


def encoded(overlay: Overlay | None) -> bytes:
    return _encode(overlay)


def decoded(stored: bytes | None) -> Overlay | None:
    """None where there is none, or one of another version of this program that can not be read."""
    try:
        return None if stored is None else _decode(stored)
    except (msgspec.DecodeError, RecursionError):
        return None


def place(device: Device) -> DevicePlace:
    level = device.open_level if device.kind == "drawer" else ""
    return DevicePlace(kind=device.kind, address=device.address, mac=device.mac, profile=device.profile, open_level=level)


def told(found: DevicePlace) -> DevicePlace:
    """As it goes into an event."""
    return replace(found, address=_shortened(found.address))


def _shortened(text: str) -> str:
    digits = sum(character.isdigit() for character in text)
    return text if digits <= _LONG else f"{text.partition('=')[0]}=...{text[-6:]}" if "=" in text else f"...{text[-6:]}"


def laid(device: Device, overlay: Overlay) -> Device:
    """`device` as it is with `overlay`. A width of its own belongs to the model that it was written for."""
    said = {name: value for name in (*_PLACE, "open_level") if (value := getattr(overlay, name)) is not None}
    made = replace(device, **said)
    if overlay.profile is not None and overlay.profile != device.profile:
        made = replace(made, columns=None)
    return made if where.kind(made.address) == "tcp" or not made.address else replace(made, hold=False)


def laid_over(
    devices: Mapping[str, Device], overlays: Mapping[str, Overlay], profiles: Collection[str], star: Collection[str]
) -> tuple[dict[str, Device], dict[str, str]]:
    """The devices with their overlays, and why some are ignored.

    Args:
        devices: of the config.
        profiles, star: the models that the ESC/POS driver and the Star driver know.
    """
    made, ignored = dict(devices), dict[str, str]()
    for name in sorted(overlays, key=lambda one: overlays[one].at_ms):
        if (device := devices.get(name)) is None:
            continue
        if why := problem(name, device, overlays[name], made, profiles, star):
            ignored[name] = why
        else:
            made[name] = laid(device, overlays[name])
    return made, ignored


def problem(
    name: str, device: Device, overlay: Overlay, others: Mapping[str, Device], profiles: Collection[str], star: Collection[str]
) -> str:
    """Why `overlay` can not be laid over `device`, or an empty text."""
    if overlay.open_level is not None and device.kind != "drawer":
        return f"it is a {device.kind} now, and no drawer"
    if overlay.address is None:
        return ""
    if device.kind not in PRINTERS:
        return f"it is a {device.kind} now, and no printer"
    made = laid(device, overlay)
    if wrong := where.problem(made.address):
        return wrong
    if made.profile not in (star if made.kind == "star" else profiles) and (made.profile or made.kind != "escpos_display"):
        return f"there is no model {made.profile!r}"
    for other, it in others.items():
        if other != name and it.address and it.address == made.address:
            return f"{other} has the address {made.address}"
        if other != name and it.mac and made.mac and where.mac(it.mac) == where.mac(made.mac) and _port(it) == _port(made):
            return f"{other} has the MAC {made.mac}"
    return ""


def _port(device: Device) -> int:
    return where.host_port(device.address)[1] if where.kind(device.address) == "tcp" else 0


def agrees(device: Device, overlay: Overlay, present: str = "") -> bool:
    """Whether `device`, as the config says, is the same with and without `overlay`; also where the config has the address
    `present` to which the overlay's device was followed."""
    followed = replace(overlay, address=present) if present and overlay.mac else overlay
    return any(laid(device, one) == device for one in (overlay, followed))


def view(name: str, device: Device, overlay: Overlay, ignored: str, present: str = "") -> ReplacedView:
    """`device`: as the config says. `present`: the address that it has at the moment, where it is known."""
    now = place(device)
    said = now.open_level if overlay.address is None else ", ".join(part for part in (now.address, now.profile) if part)
    compared = replace(now, open_level=""), replace(overlay.over, open_level="")
    edited = now.open_level != overlay.over.open_level if overlay.address is None else compared[0] != compared[1]
    same = not ignored and agrees(device, overlay, present)
    lines = toml(name, overlay, "" if ignored else present)
    return ReplacedView(
        at_ms=overlay.at_ms, by=overlay.by, configured=said, edited=edited and not same, same=same, ignored=ignored, toml=lines
    )


def toml(name: str, overlay: Overlay, present: str = "") -> str:
    """The lines for the config file that make the overlay superfluous. `present`: the address to which it was followed."""
    if present and overlay.address is not None:
        overlay = replace(overlay, address=present)
    lines = [f"[devices.{_key(name)}]"]
    said = {field: getattr(overlay, field) for field in ("kind", "address", "mac", "profile", "open_level")}
    lines += [f"{field} = {json.dumps(value)}" for field, value in said.items() if value]
    if overlay.address is not None and not overlay.mac:
        lines.append("# without a mac")
    if overlay.serial is not None:
        line = msgspec.structs.asdict(overlay.serial)
        lines.append("serial = { " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in line.items()) + " }")
    return "\n".join(lines)


def _key(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else json.dumps(name)

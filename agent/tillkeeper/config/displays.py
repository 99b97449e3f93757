"""Rules for kitchen displays that other makers built: where they are, and where they may call. Pure."""

import ipaddress

from tillkeeper.config import address as where
from tillkeeper.config.raw import Report, Table
from tillkeeper.config.raw import table as _table
from tillkeeper.config.raw import tables as _tables
from tillkeeper.config.raw import text as _text

KINDS = ("epson_kds", "fresh_kds", "logic_controls")
_OTHERS = ("escpos", "star", "escpos_display", "display", "drawer")
_OWN_KEYS = {"callback": "epson_kds", "kds_station": "logic_controls"}
_NOT_THEIRS = ("profile", "serial", "bell_pin", "columns", "hold")


def check(document: Table, report: Report) -> None:
    """Report each rule that a device of one of `KINDS`, or another with a key of theirs, breaks."""
    taken = {_text(_table(document, "api"), "listen"): "the API"}
    for name, device in _tables(document, "devices"):
        path, kind, address = ("devices", name), _text(device, "kind"), _text(device, "address")
        for key, owner in _OWN_KEYS.items():
            if key in device and kind in (*KINDS, *_OTHERS) and kind != owner:
                report((*path, key), f"{key!r} means nothing for a device of kind {kind!r}")
        if kind in (*KINDS, *_OTHERS) and kind != "logic_controls" and address and where.kind(address) == "folder":
            report((*path, "address"), "only a display of kind 'logic_controls' is reached by a folder")
        if kind not in KINDS:
            continue
        if not address:
            report(path, "a display needs an 'address' (host:port)")
        elif where.kind(address) in ("usb", "serial"):
            report((*path, "address"), f"a display of kind {kind!r} is on the network")
        for key in _NOT_THEIRS:
            if key in device:
                report((*path, key), f"{key!r} means nothing for a device of kind {kind!r}")
        callback = _text(device, "callback")
        if callback and (wrong := _callback_problem(callback)):
            report((*path, "callback"), wrong)
        elif callback and taken.setdefault(callback, f"device {name!r}") != f"device {name!r}":
            report((*path, "callback"), f"{taken[callback]} listens there already")


def _callback_problem(callback: str) -> str:
    """An address of this machine, by number: that is what the display is told, and nothing else is listened on."""
    if not where.is_host_port(callback):
        return f"{callback!r} is not ADDRESS:PORT of this machine, where the display calls"
    host, _port = where.host_port(callback)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"{host!r} is a name: write this machine's own address in the display's network"
    return f"{host} is every network of this machine: name the one that the display is in" if address.is_unspecified else ""

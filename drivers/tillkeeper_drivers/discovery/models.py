"""Makers of USB printers and adapters, and which profile fits a model's name. Pure.

Numbers are from the USB ID repository (usb.ids) and the devices' own descriptors.
"""

import re
from collections.abc import Collection

PRINTER_MAKERS: dict[int, str] = {
    0x04B8: "Epson",
    0x0519: "Star",
    0x1D90: "Citizen",
    0x2730: "Citizen",
    0x1504: "Bixolon",
    0x0416: "Zijiang",
    0x0FE6: "generic",
    0x0DD4: "Custom",
    0x154F: "SNBC",
    0x20D1: "Rongta",
}
ADAPTERS: dict[tuple[int, int], str] = {
    (0x1A86, 0x7523): "CH340",
    (0x1A86, 0x5523): "CH341",
    (0x10C4, 0xEA60): "CP210x",
    (0x10C4, 0xEA70): "CP2105",
    (0x0403, 0x6001): "FT232",
    (0x0403, 0x6010): "FT2232",
    (0x0403, 0x6015): "FT231X",
    (0x067B, 0x2303): "PL2303",
    (0x067B, 0x23A3): "PL2303GC",
}
"""USB serial adapters by vendor and product: their chip."""

_WORD = re.compile(r"[a-z0-9]+")
_RUNS = ("0123456789abcdef", "1234567890", "fedcba9876543210")


def maker(vendor_id: int, said: str) -> str:
    """The maker's name; `said` is what the device itself calls it."""
    return PRINTER_MAKERS.get(vendor_id, "") or said


def device_id(text: str) -> dict[str, str]:
    """The keys of an IEEE 1284 device id ("MFG:EPSON;CMD:ESC/POS;MDL:TM-T88V;CLS:PRINTER;"), by their short names."""
    long = {"MANUFACTURER": "MFG", "MODEL": "MDL", "COMMAND SET": "CMD", "CLASS": "CLS", "SERN": "SN", "SERIALNUMBER": "SN"}
    found: dict[str, str] = {}
    for part in text.split(";")[:32]:
        key, colon, value = part.partition(":")
        if colon:
            key = key.strip().upper()
            found.setdefault(long.get(key, key), value.strip())
    return found


def profile(model: str, known: Collection[str]) -> str:
    """The name in `known` that fits `model` ("TM-T88VI Series" -> "tm-t88vi"): the longest whose words are all there, in
    order and in one piece. Empty where none does."""
    words = _WORD.findall(model.lower())
    fitting = [name for name in known if _within(_WORD.findall(name.lower()), words)]
    return max(fitting, key=lambda name: (len(name), name), default="")


def _within(name: list[str], words: list[str]) -> bool:
    return bool(name) and any(words[at : at + len(name)] == name for at in range(len(words) - len(name) + 1))


def tells_apart(serial: str) -> bool:
    """Whether a serial number looks like one, and not like the same default in every device ("0001", "12345678", "00000")."""
    text = serial.lower()
    return len(text) >= 5 and len(set(text)) >= 3 and not any(text in run for run in _RUNS)

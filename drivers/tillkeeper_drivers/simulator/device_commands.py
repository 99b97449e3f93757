"""Commands about the mechanism and its answers: cutting, pulses, status, identity, process ids, symbols.

Source: Epson ESC/POS reference, the page of the command named in `DEVICE_COMMANDS`.
"""

from typing import Literal

from tillkeeper_drivers.simulator.effects import AsbSet, Barcode, Cut, Initialised, ProcessId, Pulse, QrCode, Reply, StatusAsked
from tillkeeper_drivers.simulator.graphics import stored_graphics
from tillkeeper_drivers.simulator.head import Head
from tillkeeper_drivers.simulator.qr_size import qr_modules
from tillkeeper_drivers.simulator.text_commands import Handler

_QR_MAX = 7089


def _initialise(head: Head, p: bytes) -> None:
    head.reset()
    head.out.append(Initialised())


def _cut(head: Head, p: bytes) -> None:
    """`GS V`: A cuts here, B feeds first, C and D (97, 98, 103, 104) keep a position, which is the same on one sheet."""
    if p[0] not in (0, 1, 48, 49, 65, 66, 97, 98, 103, 104):
        head.unknown(b"\x1dV" + p, "no such cut")
    elif not head.at_line_start:
        head.unknown(b"\x1dV" + p, "only at the beginning of a line")
    else:
        if len(p) > 1 and p[1]:
            head.feed(p[1])
        head.out.append(Cut(partial=p[0] not in (0, 48, 65, 97, 103)))


def _old_cut(head: Head, p: bytes) -> None:
    if head.at_line_start:
        head.out.append(Cut(partial=True))
    else:
        head.unknown(b"\x1bi", "only at the beginning of a line")


def _pulse(head: Head, p: bytes) -> None:
    pins: dict[int, Literal[2, 5]] = {0: 2, 48: 2, 1: 5, 49: 5}
    pin = pins.get(p[0])
    if pin is None:
        head.unknown(b"\x1bp" + p, "no such connector pin")
        return
    head.out.append(Pulse(pin, p[1] * 2, max(p[1], p[2]) * 2))


def _asb(head: Head, p: bytes) -> None:
    if head.model.asb:
        head.out.append(AsbSet(p[0]))
    else:
        head.unknown(b"\x1da" + p, "not on this model")


def _status(head: Head, p: bytes) -> None:
    if head.model.gs_r and p[0] in (1, 49):
        head.out.append(StatusAsked(1))
    elif head.model.gs_r and p[0] in (2, 50):
        head.out.append(StatusAsked(2))
    else:
        head.unknown(b"\x1dr" + p, "not on this model")


def _identity(head: Head, p: bytes) -> None:
    """`GS I n`: one byte for 1 to 3, a block `5F .. 00` for the names. The firmware says that it is simulated."""
    model = head.model
    one = {1: 0x20, 2: 0x02 if model.cutter else 0x00, 3: 0x01}.get(p[0] - 48 if p[0] in (49, 50, 51) else p[0])
    text = {65: "0.0 SIMULATED", 66: model.maker, 67: model.name, 68: head.serial}.get(p[0])
    if model.gs_i and one is not None:
        head.out.append(Reply(bytes([one])))
    elif model.gs_i and text is not None:
        head.out.append(Reply(b"\x5f" + text.encode("ascii", "replace")[:80] + b"\0"))
    else:
        head.unknown(b"\x1dI" + p, "not on this model")


def _gs_parenthesis(head: Head, p: bytes) -> None:
    """`GS ( x pL pH ...`; `p` starts with the letter."""
    letter, body = p[:1], p[3:]
    if letter == b"H" and head.model.process_id and len(body) == 6 and body[:2] == b"00":
        if all(0x20 <= d <= 0x7E for d in body[2:]):
            head.out.append(ProcessId(body[2:]))
            return
        head.unknown(b"\x1d(" + p, "process id out of range")
    elif letter == b"k" and head.model.qr and body[:1] == b"1":
        _qr(head, body[1:])
    elif letter == b"L" and head.model.raster:
        stored_graphics(head, body)
    elif letter != b"D":
        head.unknown(b"\x1d(" + p, "not on this model")


def _qr(head: Head, body: bytes) -> None:
    """`GS ( k` with cn = 49: functions 165 (model), 167 (module), 169 (level), 180 (store), 181 (print)."""
    fn, rest = body[:1], body[1:]
    if fn == b"C" and len(rest) == 1 and 1 <= rest[0] <= 16:
        head.qr_module = rest[0]
    elif fn == b"E" and len(rest) == 1 and 48 <= rest[0] <= 51:
        head.qr_level = "LMQH"[rest[0] - 48]
    elif fn == b"P" and rest[:1] == b"0" and 1 < len(rest) <= 1 + _QR_MAX:
        head.qr_data = rest[1:]
    elif fn == b"Q" and rest == b"0" and head.qr_data:
        modules = qr_modules(len(head.qr_data), head.qr_level)
        size = modules * head.qr_module
        if modules and size <= head.width:
            head.graphics(QrCode(0, head.qr_data, head.qr_module, head.qr_level, modules), size, size)
        else:
            head.unknown(b"\x1d(k1Q0", "the symbol is wider than the paper")
    elif fn != b"A":
        head.unknown(b"\x1d(k1" + body, "QR parameter out of range")


def _barcode(head: Head, p: bytes) -> None:
    data = p[1:].rstrip(b"\0") if p[0] <= 6 else p[2:]
    width = min(head.width, (11 * len(data) + 35) * head.barcode_module)
    head.graphics(Barcode(0, p[0], data, width, head.barcode_height), width, head.barcode_height)


DEVICE_COMMANDS: dict[bytes, Handler] = {
    b"\x1b@": _initialise,
    b"\x1bi": _old_cut,
    b"\x1bm": _old_cut,
    b"\x1bp": _pulse,
    b"\x1dV": _cut,
    b"\x1da": _asb,
    b"\x1dr": _status,
    b"\x1dI": _identity,
    b"\x1d(": _gs_parenthesis,
    b"\x1dk": _barcode,
}

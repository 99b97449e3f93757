"""What a control request does to a virtual printer; the requests are described in `control`."""

from typing import TYPE_CHECKING, Any

import msgspec

from tillkeeper_drivers.simulator.control import BadRequest, take
from tillkeeper_drivers.simulator.faults import Faults
from tillkeeper_drivers.simulator.mechanism import NEAR_END_LINES, ROLL_LINES

if TYPE_CHECKING:
    from tillkeeper_drivers.simulator.printer import VirtualPrinter

_ON_OFF = {"on": True, "off": False}
_OPEN = {"open": True, "closed": False}
_HEAD = {"hot": True, "cool": False}
_DRAWER = ("open", "closed", "stuck", "free")
_PAPER = {"near_end": NEAR_END_LINES, "full": ROLL_LINES, "out": 0}
_SLOW_BYTES_PER_S = 100.0
_SWITCHES: dict[str, tuple[str, object]] = {
    "rst": ("rst_on_connect", True),
    "silent": ("silent", True),
    "mute": ("mute", True),
    "garbage": ("garbage", True),
    "truncate": ("truncate", True),
    "echo": ("echo", True),
    "babble": ("babble", True),
    "wrong_id": ("wrong_id", True),
    "close_each_byte": ("close_after_bytes", 1),
    "slow_drain": ("drain_bytes_per_s", _SLOW_BYTES_PER_S),
}
_LATER = ("paper_out", "cover_open", "power_loss")


async def command(printer: "VirtualPrinter", request: dict[str, Any]) -> dict[str, Any]:
    """See `Controlled.command`."""
    power = take(request, "power", _ON_OFF)
    if power == "off":
        printer.power_off()
    elif power == "on":
        try:
            await printer.power_on()
        except OSError as error:
            raise BadRequest(f"power: {error}") from error
    cover = take(request, "cover", _OPEN)
    if cover is not None:
        printer.set_cover(open_=_OPEN[cover])
    _paper(printer, take(request, "paper"))
    if take(request, "tear"):
        await printer.tear()
    cutter = take(request, "cutter", {"jam": 0, "clear": 0})
    if cutter is not None:
        printer.jam_cutter() if cutter == "jam" else printer.clear_cutter()
    head = take(request, "head", _HEAD)
    if head is not None:
        printer.set_overheated(hot=_HEAD[head])
    _drawer(printer, take(request, "drawer", dict.fromkeys(_DRAWER)))
    lie = take(request, "lie")
    if lie is not None:
        printer.mechanism.lies = bool(lie)
    _faults(printer, take(request, "faults"))
    _fault(printer, take(request, "fault"), take(request, "after_lines"))
    printer.changed.notify()
    return {"state": state(printer)} if take(request, "state") else {}


def _paper(printer: "VirtualPrinter", paper: object) -> None:
    if paper is None:
        return
    lines = _PAPER.get(paper) if isinstance(paper, str) else paper
    if isinstance(lines, bool) or not isinstance(lines, int):
        raise BadRequest(f"paper: a number of lines, or one of {', '.join(_PAPER)}")
    printer.load_paper(lines)


def _drawer(printer: "VirtualPrinter", drawer: str | None) -> None:
    if drawer in ("open", "closed"):
        printer.set_drawer(open_=drawer == "open")
    elif drawer is not None:
        printer.mechanism.drawer_stuck = drawer == "stuck"


def _faults(printer: "VirtualPrinter", faults: object) -> None:
    if faults is None:
        return
    if not isinstance(faults, dict):
        raise BadRequest("faults: an object")
    try:
        wanted = msgspec.convert(msgspec.structs.asdict(printer.faults) | faults, Faults)
    except msgspec.ValidationError as error:
        raise BadRequest(f"faults: {error}") from error
    _replace(printer.faults, wanted)


def _fault(printer: "VirtualPrinter", fault: object, after_lines: object) -> None:
    if fault is None:
        return
    if after_lines is not None:
        lines = printer.rng.randint(1, 10) if after_lines == "random" else after_lines
        if fault not in _LATER or isinstance(lines, bool) or not isinstance(lines, int):
            raise BadRequest(f"after_lines: a number or \"random\", with one of {', '.join(_LATER)}")
        setattr(printer.faults, f"{fault}_after_lines", lines)
    elif fault in _SWITCHES:
        name, value = _SWITCHES[str(fault)]
        setattr(printer.faults, name, value)
    elif fault == "none":
        _replace(printer.faults, Faults())
        printer.mechanism.lies = False
    else:
        _at_once(printer, str(fault))


def _at_once(printer: "VirtualPrinter", fault: str) -> None:
    match fault:
        case "paper_out":
            printer.load_paper(0)
        case "cover_open":
            printer.set_cover(open_=True)
        case "power_loss":
            printer.lose_power()
        case "cutter_jam":
            printer.jam_cutter()
        case "unrecoverable":
            printer.break_down()
        case "lie":
            printer.mechanism.lies = True
        case _:
            names = (*_LATER, "cutter_jam", "unrecoverable", "lie", *_SWITCHES, "none")
            raise BadRequest(f"fault: {fault!r} is none of {', '.join(names)}")


def _replace(faults: Faults, wanted: Faults) -> None:
    """In place: the engine holds the same object."""
    for name in faults.__struct_fields__:
        setattr(faults, name, getattr(wanted, name))


def state(printer: "VirtualPrinter") -> dict[str, Any]:
    """What a person in front of the printer sees, and what only a simulator can tell."""
    mechanism = printer.mechanism
    return {
        "name": printer.name,
        "model": printer.model.name,
        "host": printer.host,
        "port": printer.port,
        "power": printer.powered,
        "connected": printer.connected,
        "online": mechanism.online,
        "cover_open": mechanism.cover_open,
        "paper_lines": mechanism.paper_dots // printer.model.line_spacing,
        "paper_out": mechanism.paper_out,
        "paper_near_end": mechanism.paper_near_end,
        "cutter_error": mechanism.cutter_error,
        "overheated": mechanism.overheated,
        "drawer_open": mechanism.drawer_open,
        "slips": printer.count,
        "lines_hanging": len(printer.hanging.lines),
        "buffered_bytes": printer.model.buffer_bytes - printer.engine.room,
        "unknown_commands": [{"data": u.data.hex(" "), "why": u.why} for u in printer.engine.unknown],
        "faults": {name: value for name, value in msgspec.structs.asdict(printer.faults).items() if value},
    }

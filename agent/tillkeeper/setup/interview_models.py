"""Questions about what a printer is: its model, and the speed of its serial line. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from tillkeeper.config import address as where
from tillkeeper.config.model import SerialLine
from tillkeeper.setup import checks
from tillkeeper.setup.answers import PrinterSaid
from tillkeeper.setup.asking import Interview, Wrong, ask, say
from tillkeeper.setup.known import Known

LIST = "?"
BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400)


@dataclass(frozen=True)
class Candidate:
    """A printer that could be used. `name`: as it is configured, else empty. `usual`: taken unless somebody says otherwise.
    `is_known`: its model is."""

    name: str
    printer: PrinterSaid
    words: str
    trouble: str = ""
    usual: bool = True
    is_known: bool = True


def model(known: Known, candidate: Candidate, *, several: bool, me: str) -> Interview[PrinterSaid]:
    """The printer with its model and its line."""
    printer, line = candidate.printer, candidate.printer.serial
    key = f"printers.{candidate.name or printer.address}"
    model = yield from _model(known, candidate, f"{key}.model")
    if where.kind(printer.address) == "serial":
        baud = yield from ask(f"{key}.serial.baud", "  its speed in baud (its self test prints it)", _baud, str(line.baud))
        line = SerialLine(baud=baud, parity=line.parity, data_bits=line.data_bits, stop_bits=line.stop_bits, flow=line.flow)  # type: ignore[arg-type]
    plugged = where.kind(printer.address) != "tcp"
    return replace(
        printer, model=model, serial=line, register=me if plugged and several else printer.register if several else ""
    )


def _model(known: Known, candidate: Candidate, key: str) -> Interview[str]:
    """One that nobody knows is asked, where it is on the network; where it says nothing all models are listed."""
    usual = candidate.printer.model
    if not candidate.is_known:
        told = known.identify(candidate.printer.address) if where.kind(candidate.printer.address) == "tcp" else ""
        silent = "  It is not known which model this is. There are:"
        yield from say(f"  It says that it is: {known.models.get(told, told)}." if told else _listed(known, silent))
        usual = told or usual
    while True:
        text = f"Model of {candidate.words} ({LIST} lists them)"
        if (typed := (yield from ask(key, text, _model_or(usual), usual))) != LIST:
            return typed
        yield from say(_listed(known))


def _listed(known: Known, title: str = "  Models:") -> str:
    return "\n".join([title, *(f"  {name:15} {title}" for name, title in known.models.items())])


def _model_or(own: str) -> Callable[[str], str]:
    """A model of ours, or the one that is configured (the store's own), or `LIST`."""
    return lambda text: text.strip() if text.strip() in (own, LIST) else checks.model(text)


def _baud(text: str) -> int:
    if not text.strip().isdecimal() or int(text) not in BAUDS:
        raise Wrong(f"one of {', '.join(map(str, BAUDS))}")
    return int(text)

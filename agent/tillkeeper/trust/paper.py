"""The recovery code on paper. It goes from the command line to the printer: no job of the spool, no event, no line of a log
and no file ever holds it."""

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from tillkeeper.config.load import load
from tillkeeper.config.model import Config
from tillkeeper.devices.registry import driver_of
from tillkeeper.errors import Refused
from tillkeeper_drivers.api import Block, Device, Feed, NotSent, OutcomeUnknown, PrintDocument, Rule, Text

PRINT_S = 40.0
PRINTERS = ("escpos", "star")
LEAST, MOST = 0x21, 0x7E
"""Of a byte of a job's token (`Device.deliver`)."""


def document(store: str, register: str, code: str, day: str) -> PrintDocument:
    """`code`: groups with dashes between them. Each gets a line with its number: a mistyped one is told by that."""
    return PrintDocument(job_id="recovery-code", blocks=tuple(_blocks(store, register, code, day)))


def _blocks(store: str, register: str, code: str, day: str) -> Iterator[Block]:
    yield Text("RECOVERY CODE", align="centre", width=2, height=2, bold=True)
    yield Text(f"Store {store}", align="centre")
    yield Rule()
    for number, group in enumerate(code.split("-"), 1):
        yield Text(f"{number}  {group}", width=2, height=2)
    yield Rule()
    yield Text("Whoever has this paper can make any machine a register of the store, and let registers go.")
    yield Feed()
    yield Text("Lock it away, not where the registers are.")
    yield Text("When the register with the store's key dies: tillkeeper store recover")
    yield Feed()
    yield Text(f"Printed at {register}, {day}")


def printer_of(config: Config, wanted: str) -> str:
    """The device to print on: `wanted`, or the register's receipt printer. Raises: Refused."""
    name = wanted or config.register.receipt_printer
    device = config.devices.get(name)
    if device is None or device.kind not in PRINTERS:
        cause = f"{name!r} is no printer of the configuration" if name else "this register has no receipt printer"
        raise Refused("no_printer", "print", "the recovery code", cause, "name one with --printer")
    if register := config.wired_to(name):
        cause = f"{name!r} is wired to register {register}, and the code goes through no other register"
        raise Refused("no_printer", "print", "the recovery code", cause, f"print it at register {register}, or use --printer")
    return name


def print_code(config_file: Path, wanted: str, code: str, day: str) -> Literal["confirmed", "sent"]:
    """Print it now, on a connection of its own; the agent may run or not.

    Raises:
        ConfigInvalid: the configuration, which says how the printer is reached.
        Refused: `no_printer`, `not_printed` (nothing left), `may_have_printed` (nobody knows).
    """
    config = load(config_file)
    name = printer_of(config, wanted)
    paper = document(config.store.id, config.this_register, code, day)
    return asyncio.run(_printed(driver_of(name, config), name, paper))


async def _printed(device: Device, name: str, paper: PrintDocument) -> Literal["confirmed", "sent"]:
    token = bytes(LEAST + secrets.randbelow(MOST - LEAST + 1) for _ in range(4))
    try:
        async with asyncio.timeout(PRINT_S):
            return (await device.deliver(paper, token)).how
    except NotSent as error:
        hint = f"{error.hint or 'look at the printer'}; then `tillkeeper store paper` prints it again"
        raise Refused("not_printed", "print", f"device {name}", error.detail, hint) from error
    except (OutcomeUnknown, TimeoutError) as error:
        cause = error.detail if isinstance(error, OutcomeUnknown) else f"not done within {PRINT_S:g} s"
        hint = "look whether it has come out whole; if not, `tillkeeper store paper` prints it again"
        raise Refused("may_have_printed", "print", f"device {name}", cause, hint) from error
    finally:
        await device.close()

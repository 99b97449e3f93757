"""Practice beside the business: which check is which, who may work on it, and where its kitchen tickets go. Pure."""

from msgspec.structs import replace

from tillkeeper.config.model import Config
from tillkeeper.contract.caller import Caller
from tillkeeper.contract.commands import EnterFromPaper, OpenCheck, PlaceOrder
from tillkeeper.errors import Refused
from tillkeeper.sales.model import Check

LETTER = "T"
"""Starts the ticket codes of practice; no register has it."""


def in_training(command: OpenCheck | PlaceOrder | EnterFromPaper, caller: Caller) -> bool:
    """Whether the check that this command opens is practice: a session says so for a page, the command for an integration."""
    return caller.training or command.training


def require_same_side(check: Check, caller: Caller, operation: str) -> None:
    """On a page, practice is worked on in practice only, and the business outside of it only.

    Raises:
        Refused: `training_check`, `not_training`.
    """
    if caller.scope == "full" or check.training == caller.training:
        return
    subject = f"check {check.ticket_code}"
    if check.training:
        raise Refused("training_check", operation, subject, "it is practice", "switch training on to work on it")
    raise Refused("not_training", operation, subject, "it is a real sale", "switch training off to work on it")


def kitchen_of(config: Config, check: Check) -> Config:
    """The configuration by which the check's kitchen tickets are made. Those of practice go to the receipt printer of the
    terminal that opened it, to the kitchen (where they are marked), or nowhere."""
    where = config.training.kitchen
    if not check.training or where == "kitchen":
        return config
    printer = config.place(check.terminal).receipt_printer if where == "receipt_printer" else ""
    devices = (printer,) if printer else ()
    return replace(config, stations={name: replace(one, devices=devices, backup="") for name, one in config.stations.items()})

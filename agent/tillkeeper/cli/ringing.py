"""The options that ring lines and name the guest, shared by `order` and `check`.

`--mod`, `--note`, `--seat`, `--course`, `--hold` and `--line-discount` belong to the `--item` before them.
"""

import argparse
import re
from collections.abc import Sequence
from typing import Any

from tillkeeper.cli.exits import UsageError
from tillkeeper.cli.options import whole
from tillkeeper.cli.output import Money
from tillkeeper.contract.values import MAX_QUANTITY

_COUNT = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?", re.ASCII)
ORDER_TYPES = ("dine_in", "takeout", "drive_through", "delivery")


def counted(text: str) -> tuple[str, int]:
    """`burger:2` is two burgers, `burger` one. A name that ends in a colon and a number needs its count too.

    Raises:
        UsageError: the count is no whole number from 1 to `MAX_QUANTITY`.
    """
    name, colon, count = text.rpartition(":")
    if not (colon and name and _COUNT.fullmatch(count)):
        return text, 1
    if not count.isdigit() or not 1 <= int(count) <= MAX_QUANTITY:
        raise UsageError(f"{text!r}: {count} is no quantity; it is a whole number from 1 to {MAX_QUANTITY}")
    return name, int(count)


def _counted(parser: argparse.ArgumentParser, text: str, option: str | None) -> tuple[str, int]:
    try:
        return counted(text)
    except UsageError as error:
        parser.error(f"argument {option}: {error}")


class _Item(argparse.Action):
    def __call__(
        self, parser: argparse.ArgumentParser, space: argparse.Namespace, value: Any, option: str | None = None
    ) -> None:
        item_id, quantity = _counted(parser, value, option)
        space.lines = [*(space.lines or ()), {"item_id": item_id, "quantity": quantity}]


class _OfItem(argparse.Action):
    """An option of the item before it."""

    def __call__(
        self, parser: argparse.ArgumentParser, space: argparse.Namespace, value: Any, option: str | None = None
    ) -> None:
        if not space.lines:
            parser.error(f"{option} belongs to an --item before it")
        line = space.lines[-1]
        if self.dest == "modifiers":
            modifier_id, quantity = _counted(parser, value, option)
            line.setdefault("modifiers", []).append({"modifier_id": modifier_id, "quantity": quantity})
        elif self.dest == "line_discount":
            space.line_discounts = [*(space.line_discounts or ()), {"code": value, "line": len(space.lines) - 1}]
        else:
            line[self.dest] = True if self.nargs == 0 else value


def add_lines(parser: argparse.ArgumentParser, *, discounts: bool = False) -> None:
    group = parser.add_argument_group("lines")
    group.add_argument("--item", dest="lines", action=_Item, metavar="ID[:N]", help="ring N pieces (repeat for more lines)")
    group.add_argument("--mod", dest="modifiers", action=_OfItem, metavar="ID[:N]", help="a modifier of the item before")
    group.add_argument("--note", dest="note", action=_OfItem, metavar="TEXT", help="a note to the item before")
    group.add_argument(
        "--seat", dest="seat", action=_OfItem, type=whole(1, 99), metavar="N", help="the guest of the item before"
    )
    group.add_argument(
        "--course", dest="course", action=_OfItem, type=whole(1, 20), metavar="N", help="the course of the item before (1)"
    )
    group.add_argument("--line-type", dest="order_type", action=_OfItem, choices=ORDER_TYPES, help="of the item before only")
    group.add_argument("--hold", dest="held", action=_OfItem, nargs=0, help="hold the item before back from the kitchen")
    if discounts:
        group.add_argument("--line-discount", dest="line_discount", action=_OfItem, metavar="CODE", help="on the item before")
    parser.set_defaults(lines=None, line_discounts=None)


def add_check_facts(parser: argparse.ArgumentParser) -> None:
    """Order type, table, guest."""
    group = parser.add_argument_group("check")
    types = group.add_mutually_exclusive_group()
    for order_type in ORDER_TYPES:
        option = "--" + order_type.replace("_", "-")
        default = " (when nothing else is said)" if order_type == "dine_in" else ""
        types.add_argument(
            option, dest="type", action="store_const", const=order_type, help=f"the type of the whole check{default}"
        )
    parser.set_defaults(type="dine_in")
    group.add_argument("--table", default="", help="the table's number or name")
    group.add_argument("--covers", type=whole(0, 999), default=0, metavar="N", help="how many guests")
    group.add_argument("--server", default="", metavar="PERSON", help="who serves the guests")
    group.add_argument("--name", default="", help="the guest's name")
    group.add_argument("--phone", default="", help="the guest's telephone number")
    group.add_argument("--check-note", default="", metavar="TEXT", help="a note to the whole check")
    group.add_argument("--training", action="store_true", help="practice: in no book, the drawer stays shut")


def check_facts(args: argparse.Namespace) -> dict[str, Any]:
    facts = {"table": args.table, "covers": args.covers, "server": args.server, "name": args.name, "phone": args.phone}
    facts |= {"note": args.check_note, "by": args.by, "training": args.training}
    return {"order_type": args.type} | {name: value for name, value in facts.items() if value}


def discounts(codes: Sequence[str], money: Money, reason: str = "") -> list[dict[str, Any]]:
    """`CODE` or `CODE=AMOUNT`."""
    found: list[dict[str, Any]] = []
    for text in codes:
        code, equals, amount = text.partition("=")
        found.append({"code": code} | ({"amount_minor": money.minor(amount)} if equals else {}))
    return [discount | ({"reason": reason} if reason else {}) for discount in found]

"""The options that ring lines and take money, shared by `order` and `check`.

`--mod`, `--note`, `--seat`, `--course`, `--hold` and `--line-discount` belong to the `--item` before them.
"""

import argparse
from collections.abc import Sequence
from typing import Any

from tillkeeper.cli.exits import UsageError
from tillkeeper.cli.output import Money, to_minor
from tillkeeper.sales.money import minor_digits

ORDER_TYPES = ("dine_in", "takeout", "drive_through", "delivery")


def counted(text: str) -> tuple[str, int]:
    """`burger:2` is two burgers, `burger` one. A name with a colon of its own needs its count too."""
    name, colon, count = text.rpartition(":")
    return (name, int(count)) if colon and name and count.isascii() and count.isdigit() else (text, 1)


class _Item(argparse.Action):
    def __call__(
        self, _parser: argparse.ArgumentParser, space: argparse.Namespace, value: Any, _option: str | None = None
    ) -> None:
        item_id, quantity = counted(value)
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
            modifier_id, quantity = counted(value)
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
    group.add_argument("--seat", dest="seat", action=_OfItem, type=int, metavar="N")
    group.add_argument("--course", dest="course", action=_OfItem, type=int, metavar="N")
    group.add_argument("--line-type", dest="order_type", action=_OfItem, choices=ORDER_TYPES, help="of the item before only")
    group.add_argument("--hold", dest="held", action=_OfItem, nargs=0, help="hold the item before back from the kitchen")
    if discounts:
        group.add_argument("--line-discount", dest="line_discount", action=_OfItem, metavar="CODE")
    parser.set_defaults(lines=None, line_discounts=None)


def add_check_facts(parser: argparse.ArgumentParser) -> None:
    """Order type, table, guest."""
    group = parser.add_argument_group("check")
    for order_type in ORDER_TYPES:
        option = "--" + order_type.replace("_", "-")
        group.add_argument(option, dest="type", action="store_const", const=order_type)
    parser.set_defaults(type="dine_in")
    group.add_argument("--table", default="")
    group.add_argument("--covers", type=int, default=0)
    group.add_argument("--server", default="")
    group.add_argument("--name", default="", help="the guest's name")
    group.add_argument("--phone", default="")
    group.add_argument("--check-note", default="", metavar="TEXT", help="a note to the whole check")


def check_facts(args: argparse.Namespace) -> dict[str, Any]:
    facts = {"table": args.table, "covers": args.covers, "server": args.server, "name": args.name, "phone": args.phone}
    facts |= {"note": args.check_note, "by": args.by}
    return {"order_type": args.type} | {name: value for name, value in facts.items() if value}


def add_tenders(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("payment")
    group.add_argument(
        "--cash", nargs="?", const="", metavar="AMOUNT", help="pay in cash: what the guest gives, or exactly what is due"
    )
    group.add_argument(
        "--tender",
        action="append",
        default=[],
        metavar="ID[=AMOUNT]",
        help="another tender; exactly what is due without an amount",
    )


def tenders(args: argparse.Namespace, catalogue: dict[str, Any]) -> list[dict[str, Any]]:
    """The tenders that the options ask for; cash comes last, so that it pays the rest.

    Raises:
        UsageError: an amount that is none, or no cash tender in the store's currency.
    """
    offers = {offer["tender"]: offer for offer in catalogue["tenders"]}
    found = [_tender(text, offers, Money(catalogue)) for text in args.tender]
    if args.cash is not None:
        own = [
            name
            for name, offer in offers.items()
            if offer["kind"] == "cash" and offer["currency"] in ("", catalogue["currency"])
        ]
        if not own:
            raise UsageError("this store has no cash tender in its own currency")
        found.append(_tender(f"{own[0]}={args.cash}" if args.cash else own[0], offers, Money(catalogue)))
    return found


def _tender(text: str, offers: dict[str, dict[str, Any]], money: Money) -> dict[str, Any]:
    name, equals, amount = text.partition("=")
    if not equals:
        return {"tender": name}
    currency = str(offers.get(name, {}).get("currency") or money.currency)
    digits = money.digits if currency == money.currency else minor_digits(currency)
    return {"tender": name, "tendered_minor": to_minor(amount, digits)}


def discounts(codes: Sequence[str], money: Money, reason: str = "") -> list[dict[str, Any]]:
    """`CODE` or `CODE=AMOUNT`."""
    found: list[dict[str, Any]] = []
    for text in codes:
        code, equals, amount = text.partition("=")
        found.append({"code": code} | ({"amount_minor": money.minor(amount)} if equals else {}))
    return [discount | ({"reason": reason} if reason else {}) for discount in found]

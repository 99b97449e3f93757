"""The sums of a business day, as this register knows them."""

import argparse
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection
from tillkeeper.cli.options import day
from tillkeeper.sales.money import minor_digits, to_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--day", type=day, metavar="YYYY-MM-DD", help="the business day (the open one)")
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        books = client.get("/v1/books", day=args.day)
    output.show(args, books, text(books))
    return exits.OK


def text(books: dict[str, Any]) -> str:
    digits = minor_digits(str(books["currency"]))

    def money(minor: int) -> str:
        return to_text(minor, digits)

    sums = ("gross", "net", "tax", "discount", "rounding", "refund", "refund_tax")
    counts = ("checks_opened", "checks_closed", "checks_voided", "checks_open", "no_sales")
    rows = [(name.replace("_", " "), books[name]) for name in counts]
    rows += [(name.replace("_", " "), money(books[f"{name}_minor"])) for name in sums]
    taxes = [(tax["code"], tax["title"], money(tax["net_minor"]), money(tax["tax_minor"])) for tax in books["taxes"]]
    tenders = [
        (tender["tender"], *(money(tender[f"{name}_minor"]) for name in ("taken", "returned", "refunded")))
        for tender in books["tenders"]
    ]
    waiting = books["only_here"]
    return "\n\n".join(
        [
            f"business day {output.clean(books['business_day'])} of this register, in {output.clean(books['currency'])}",
            output.table(("", ">"), rows),
            output.table(("TAX", "NAME", ">NET", ">TAX"), taxes, empty="no taxes"),
            output.table(("TENDER", ">TAKEN", ">RETURNED", ">REFUNDED"), tenders, empty="no tenders"),
            f"not at HQ yet: {output.count(waiting, 'event')}" if waiting else "everything of this register is at HQ",
        ]
    )

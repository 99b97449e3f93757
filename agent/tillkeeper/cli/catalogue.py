"""What can be sold: what the agent sells now, a check of a catalogue file, and the import of an export of orders."""

import argparse
from pathlib import Path
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection, add_json
from tillkeeper.cli.own_files import installed
from tillkeeper.errors import NotFound

MAX_SOURCE = 256 * 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="what the agent sells now: what goes after --item, --mod, --discount, --tender")
    show.add_argument("--item", metavar="ID", help="only this item, with its modifiers")
    add_connection(show)
    check = actions.add_parser("check", help="check a catalogue file (TOML or JSON)")
    check.add_argument("file", type=Path)
    check.add_argument(
        "--config", type=Path, metavar="FILE",
        help="check its tax categories against this configuration (the installed register's, where this is one)",
    )  # fmt: skip
    add_json(check)
    imports = actions.add_parser("import", help="make a catalogue (and orders) of a tab-separated export of orders")
    imports.add_argument("source", type=Path, metavar="SRC.tsv")
    imports.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="the catalogue to write (TOML)")
    imports.add_argument("--orders-out", type=Path, metavar="FILE", help="the orders to write, for `simulate day`")
    imports.add_argument("--tax", default="food", metavar="CATEGORY", help="tax category of all items (food)")
    add_json(imports)


def run(args: argparse.Namespace) -> int:
    if args.action == "import":
        return _import(args)
    if args.action == "check":
        return _check(args)
    with Client.of(args) as client:
        catalogue = client.get("/v1/catalogue")
    if args.item is None:
        output.show(args, catalogue, text(catalogue))
        return exits.OK
    for item in catalogue["items"]:
        if item["item_id"] == args.item:
            groups = [group for group in catalogue["modifier_groups"] if group["group_id"] in item["modifier_groups"]]
            words = f"{_items([item], output.Money(catalogue))}\n\n{_groups(groups, output.Money(catalogue))}"
            output.show(args, item | {"modifier_groups": groups}, words)
            return exits.OK
    raise NotFound("show", args.item, "the agent sells no such item", "`tillkeeper catalogue show` lists what there is")


def _import(args: argparse.Namespace) -> int:
    from tillkeeper.cli import orders, tsv_import
    from tillkeeper.sales.catalogue import parse_catalogue

    if args.source.stat().st_size > MAX_SOURCE:
        raise exits.UsageError(f"{args.source} is larger than {MAX_SOURCE} bytes")
    try:
        source = args.source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise exits.UsageError(f"{args.source} is not UTF-8 text") from error
    found = tsv_import.import_tsv(source, args.source.name, tax=args.tax)
    catalogue = parse_catalogue(found.catalogue.encode(), args.out.name, [args.tax])
    args.out.write_text(found.catalogue, encoding="utf-8")
    if args.orders_out:
        args.orders_out.write_bytes(orders.encode(found.orders))
    modifiers = sum(len(group.modifiers) for group in catalogue.groups.values())
    facts = {
        "version": catalogue.version,
        "items": len(catalogue.items),
        "modifiers": modifiers,
        "orders": len(found.orders),
        "total_minor": found.total_minor,
    }
    made = f"{output.count(len(catalogue.items), 'item')} and {output.count(modifiers, 'modifier')}"
    words = f"{made} written to {args.out} (version {catalogue.version})"
    if args.orders_out:
        words += (
            f"\n{output.count(len(found.orders), 'order')}, {found.total_minor / 100:.2f} in all, written to {args.orders_out}"
        )
    output.show(args, facts, words)
    return exits.OK


def _check(args: argparse.Namespace) -> int:
    from tillkeeper.config.load import load
    from tillkeeper.sales.catalogue import parse_catalogue

    config = args.config or installed()
    taxes = list(load(config).taxes.categories) if config else None
    catalogue = parse_catalogue(args.file.read_bytes(), str(args.file), taxes)
    facts = {"version": catalogue.version, "sha256": catalogue.sha256, "items": len(catalogue.items)}
    output.show(
        args, facts, f"{args.file}: {output.count(len(catalogue.items), 'item')}, version {facts['version']}, no problems"
    )
    return exits.OK


def text(catalogue: dict[str, Any]) -> str:
    money = output.Money(catalogue)
    tenders = [
        (tender["tender"], tender["title"], tender["kind"], "" if tender["available"] else tender["unavailable_words"])
        for tender in catalogue["tenders"]
    ]
    discounts = [
        (offer["code"], offer["name"], _worth(offer, money), f"on the {offer['scope']}") for offer in catalogue["discounts"]
    ]
    return "\n\n".join(
        [
            f"version {catalogue['version']}, age {output.age(catalogue['age_s'])}, prices in {catalogue['currency']}",
            _items(catalogue["items"], money),
            _groups(catalogue["modifier_groups"], money),
            output.table(("DISCOUNT", "NAME", ">WORTH", ""), discounts, empty="no discounts"),
            output.table(("TENDER", "TITLE", "KIND", "NOT AVAILABLE"), tenders, empty="no tenders"),
        ]
    )


def _items(items: list[dict[str, Any]], money: output.Money) -> str:
    rows = [
        (item["item_id"], item["name"], item["category"], money.text(item["price_minor"]), ", ".join(item["modifier_groups"]))
        for item in items
    ]
    return output.table(("ID", "ITEM", "CATEGORY", ">PRICE", "MODIFIER GROUPS"), rows, empty="no items")


def _groups(groups: list[dict[str, Any]], money: output.Money) -> str:
    """Each group with how many are to be taken, and under it its modifiers: the ids are what `--mod` takes."""
    rows: list[tuple[str, str, str]] = []
    for group in groups:
        rows.append((group["group_id"], f"{group['name']} ({_how_many(group['minimum'], group['maximum'])})", ""))
        rows += [
            (f"  {offer['modifier_id']}", offer["name"], money.text(offer["price_minor"]) if offer["price_minor"] else "")
            for offer in group["modifiers"]
        ]
    return output.table(("MODIFIER", "NAME", ">PRICE"), rows, empty="no modifiers")


def _how_many(low: int, high: int | None) -> str:
    if high is None:
        return f"{low} or more" if low else "any number"
    if low == high:
        return f"exactly {low}"
    return f"{low} to {high}" if low else f"up to {high}"


def _worth(offer: dict[str, Any], money: output.Money) -> str:
    if offer["rate_ppm"] is not None:
        return f"{offer['rate_ppm'] / 10_000:g} %"
    return "CODE=AMOUNT" if offer["amount_minor"] is None else money.text(offer["amount_minor"])

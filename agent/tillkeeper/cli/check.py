"""List, show and change checks. REF is the long id, today's ticket code (B-037) or the check number."""

import argparse
from typing import Any

from tillkeeper.cli import exits, output, paying, ringing
from tillkeeper.cli.client import Client, add_connection, add_key, segment
from tillkeeper.cli.options import MAX_ROWS, add_ref, day, whole
from tillkeeper.cli.order import result_text

_CHANGES = {
    "add": ("ring lines", "lines"),
    "send": ("send to the kitchen what is not held back", "send"),
    "fire": ("fire lines, a course, or everything not yet fired", "fire"),
    "hold": ("hold lines back from the kitchen", "hold"),
    "discount": ("apply a discount", "discounts"),
    "pay": ("take money", "tenders"),
    "close": ("close a check on which nothing is due", "close"),
    "await": ("settle it later by a tender that can not be taken now", "await"),
    "void": ("void a check", "void"),
    "void-line": ("void a line or some of its pieces", "lines"),
    "refund": ("give money back on a closed check", "refunds"),
    "receipt": ("print the receipt again, marked as a copy", "receipt"),
    "ticket": ("print the last kitchen ticket again, marked", "ticket"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="newest first")
    listing.add_argument("--state", choices=("open", "closed", "voided"))
    listing.add_argument("--day", type=day, metavar="YYYY-MM-DD", help="opened on this business day")
    awaits = listing.add_mutually_exclusive_group()
    awaits.add_argument("--awaiting", action="store_const", const="true", help="only those to be settled later")
    awaits.add_argument("--not-awaiting", dest="awaiting", action="store_const", const="false", help="only the others")
    listing.add_argument("--type", choices=ringing.ORDER_TYPES, help="of this order type")
    listing.add_argument("--limit", type=whole(1, MAX_ROWS), default=50, metavar="N", help=f"at most N, up to {MAX_ROWS} (50)")
    listing.add_argument("--before", metavar="ID", help="the last long id of the page before")
    add_connection(listing)
    show = actions.add_parser("show", help="one check")
    add_ref(show)
    add_connection(show)
    opening = actions.add_parser("open", help="open a check")
    ringing.add_check_facts(opening)
    ringing.add_lines(opening)
    add_key(opening)
    add_connection(opening)
    for name, (words, _path) in _CHANGES.items():
        change = actions.add_parser(name, help=words)
        add_ref(change)
        _add_change(change, name)
        add_key(change)
        add_connection(change)
        if name in ("pay", "void", "refund"):
            change.set_defaults(timeout=paying.CALL_S)


def _add_change(parser: argparse.ArgumentParser, name: str) -> None:
    if name == "add":
        ringing.add_lines(parser)
    elif name in ("fire", "hold"):
        parser.add_argument("--line", action="append", default=[], metavar="ID", required=name == "hold", help="a line's id")
        if name == "fire":
            parser.add_argument("--course", type=whole(1, 20), metavar="N", help="the lines of this course")
    elif name == "discount":
        parser.add_argument("code", metavar="CODE[=AMOUNT]")
        parser.add_argument("--line", metavar="ID", help="on this line only")
    elif name == "pay":
        paying.add_tenders(parser)
        parser.add_argument(
            "--although-unreachable", action="store_true", help="also where it may be paid at a silent register: ask the guest"
        )
    elif name == "void-line":
        parser.add_argument("line", metavar="LINE[:N]")
    elif name == "refund":
        parser.add_argument("--tender", required=True, metavar="ID", help="how the money goes back")
        parser.add_argument("--amount", help="this much; else these pieces, else all that is left")
        parser.add_argument("--line", action="append", default=[], metavar="ID:N", help="N pieces of this line")
    elif name == "await":
        choice = parser.add_mutually_exclusive_group(required=True)
        choice.add_argument("--tender", metavar="ID", help="by which it is to be settled")
        choice.add_argument("--no-more", action="store_true", help="it is not awaited any more")
    elif name == "ticket":
        parser.add_argument("--station", metavar="ID", help="only the ticket of this kitchen station")
    if name in ("void", "void-line", "refund", "discount"):
        parser.add_argument("--reason", required=name != "discount", default="", help="why; it goes to the journal")


def run(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        if args.action == "list":
            picked = {"state": args.state, "day": args.day, "awaiting": args.awaiting, "order_type": args.type}
            answer = client.get("/v1/checks", **picked, limit=args.limit, before=args.before)
            text = _table(answer, output.Money(client.get("/v1/catalogue")))
        elif args.action == "show":
            answer = client.get(f"/v1/checks/{segment(args.ref)}")
            text = check_text(answer, output.Money(client.get("/v1/catalogue")))
        else:
            catalogue = client.get("/v1/catalogue")
            answer = _change(client, args, catalogue)
            text = result_text(answer, output.Money(catalogue))
    output.show(args, answer, text)
    return exits.OK


def _change(client: Client, args: argparse.Namespace, catalogue: dict[str, Any]) -> Any:
    if args.action == "open":
        body = ringing.check_facts(args) | ({"lines": args.lines} if args.lines else {})
        return client.post("/v1/checks", body, args.key)
    if args.action == "pay":
        return paying.pay(client, f"/v1/checks/{segment(args.ref)}", args, catalogue)
    path = f"/v1/checks/{segment(args.ref)}/{_CHANGES[args.action][1]}"
    body = {"by": args.by}
    if args.action == "void-line":
        line, pieces = ringing.counted(args.line)
        path += f"/{segment(line)}/void"
        body |= {"reason": args.reason} | ({"quantity": pieces} if line != args.line else {})
    else:
        body |= _body(args, output.Money(catalogue))
    return client.post(path, body, args.key)


def _body(args: argparse.Namespace, money: output.Money) -> dict[str, Any]:
    if args.action == "add":
        if not args.lines:
            raise exits.UsageError("nothing to ring: name an --item")
        return {"lines": args.lines}
    if args.action == "hold":
        return {"line_ids": args.line}
    if args.action == "fire":
        return {"line_ids": args.line} | ({"course": args.course} if args.course else {})
    if args.action == "discount":
        return ringing.discounts([args.code], money, args.reason)[0] | ({"line_id": args.line} if args.line else {})
    if args.action == "refund":
        body: dict[str, Any] = {"tender": args.tender, "reason": args.reason}
        if args.line:
            body["quantities"] = dict(ringing.counted(line) for line in args.line)
        return body | ({"amount_minor": money.minor(args.amount)} if args.amount else {})
    if args.action == "await":
        return {"tender": args.tender}
    if args.action == "void":
        return {"reason": args.reason}
    return {"station": args.station} if args.action == "ticket" and args.station else {}


def _table(page: dict[str, Any], money: output.Money) -> str:
    headings = ("CODE", "NUMBER", "STATE", "TYPE", "OPENED", "TABLE", ">TOTAL", ">DUE", "SYNC", "ID")
    rows = [
        (
            check["ticket_code"],
            check["number"] or "",
            _state(check),
            check["order_type"] + (f" {check['car']}" if check["car"] else ""),
            output.clock(check["opened_at_ms"]),
            check["table"],
            money.text(check["gross_minor"]),
            "-" if check["state"] == "voided" else money.text(check["due_minor"]),
            "" if check["synced"] else "not synced",
            check["check_id"],
        )
        for check in page["checks"]
    ]
    more = f"\nmore: --before {page['next_before']}" if page["next_before"] else ""
    return output.table(headings, rows, empty="no checks") + more


def _state(check: dict[str, Any]) -> str:
    """With what a person has to know before touching it; of a list or of one check (`conflicts`: how many, or which). An
    agent that waits for its restart after an upgrade knows less."""
    conflicts, elsewhere = check.get("conflicts", 0), check.get("elsewhere")
    count = conflicts if isinstance(conflicts, int) else len(conflicts)
    marks = [str(check["state"])]
    marks += [f"awaits {check['awaiting']}"] if check["awaiting"] else []
    marks += ["FROZEN"] if check.get("frozen") else []
    marks += [f"at {elsewhere['register']}{'' if elsewhere['reachable'] else ' (silent)'}"] if elsewhere else []
    marks += [f"may be paid at {', '.join(check['doubt'])}"] if check.get("doubt") else []
    marks += [f"MERGED, look at {count}"] if count else []
    marks += ["from paper"] if check.get("slip") else []
    return ", ".join([*marks, *(["TRAINING"] if check["training"] else [])])


def _trouble(check: dict[str, Any], money: output.Money) -> list[str]:
    """Why it can not be changed here or now, and what a person should look at, each with what to do."""
    code, lines = check["ticket_code"], []
    if where := check.get("elsewhere"):
        lost = "this register had it before it lost its disk" if where["mine"] else f"register {where['register']} has it"
        silent = "" if where["reachable"] or where["mine"] else " and is silent: it may have been changed or paid there"
        lines.append(f"ELSEWHERE: {lost}{silent} (tillkeeper take {code})")
    for one in check.get("frozen", ()):
        what = f"{one['tender']} {money.text(one['amount_minor'])}, {one['situation'].replace('_', ' ')}"
        reason = f": {one['reason']}" if one["reason"] else ""
        lines.append(f"FROZEN by a call whose outcome is not known: {what}{reason} (tillkeeper cards)")
    if check.get("doubt"):
        lines.append(f"MAY BE PAID ALREADY at {', '.join(check['doubt'])}: ask the guest")
    for one in check.get("conflicts", ()):
        about = " ".join(part for part in (one.get("subject"), one.get("detail")) if part)
        lines.append(f"MERGED with {one['register']}: {one['code'].replace('_', ' ')}{f' ({about})' if about else ''}")
    if check.get("overpaid_minor"):
        lines.append(f"PAID TWICE: {money.text(check['overpaid_minor'])} to be given back (tillkeeper after)")
    return lines


def check_text(check: dict[str, Any], money: output.Money) -> str:
    """One check in full."""
    clean = output.clean
    number = f", number {check['number']}" if check["number"] else ""
    synced = "" if check["synced"] or check["elsewhere"] else ", NOT SYNCED"
    head = f"{check['ticket_code']}{number}, {_state(check)}, {check['order_type']}{synced}"
    known = ("car", "table", "covers", "server", "name", "phone", "note")
    facts = [f"{key} {check[key]}" for key in known if check[key]]
    rows: list[tuple[object, ...]] = []
    for line in check["lines"]:
        unit = line["unit_price_minor"] + sum(mod["price_minor"] * mod.get("quantity", 1) for mod in line["modifiers"])
        rows.append((line["quantity"], line["name"], line["state"], money.text(unit * line["quantity"]), line["line_id"]))
        rows += [("", f"  {modifier['name']}", "", "", "") for modifier in line["modifiers"]]
        rows += [("", f"  “{line['note']}”", "", "", "")] if line["note"] else []
    totals = check["totals"]
    sums = [(name, money.text(totals[f"{name}_minor"])) for name in ("subtotal", "discount", "tax", "gross", "paid")]
    sums.append(("due", "-" if check["state"] == "voided" else money.text(totals["due_minor"])))
    payments = [(payment["tender"], money.text(payment["amount_minor"])) for payment in check["payments"]]
    parts = [clean(head) + f"\nid {clean(check['check_id'])}, opened {output.clock(check['opened_at_ms'])}"]
    parts += [clean(", ".join(facts))] if facts else []
    parts += [clean("\n".join(trouble))] if (trouble := _trouble(check, money)) else []
    parts.append(output.table((">N", "ITEM", "STATE", ">PRICE", "LINE"), rows, empty="no lines"))
    parts.append(output.table(("", f">{money.currency}"), [*sums, *payments]))
    return "\n\n".join(parts)

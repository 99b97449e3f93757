"""Place a whole order in one command: opened, rung, discounted, sent to the kitchen, paid - or nothing of it.

tillkeeper order --item burger:2 --mod rare --mod with-fries --item cola --mod large --takeout --cash 50.00
"""

import argparse
from typing import Any

from tillkeeper.cli import exits, output, paying, ringing
from tillkeeper.cli.client import Client, add_connection, add_key


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    ringing.add_lines(parser, discounts=True)
    ringing.add_check_facts(parser)
    paying.add_tenders(parser)
    parser.add_argument("--discount", action="append", default=[], metavar="CODE[=AMOUNT]", help="on the whole check")
    parser.add_argument("--reason", default="", help="why there is a discount")
    parser.add_argument("--no-send", action="store_true", help="do not send it to the kitchen yet")
    add_key(parser)
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    if not args.lines:
        raise exits.UsageError("an order needs at least one --item")
    with Client.of(args) as client:
        catalogue = client.get("/v1/catalogue")
        money = output.Money(catalogue)
        of_lines = [discount | ({"reason": args.reason} if args.reason else {}) for discount in args.line_discounts or ()]
        body = ringing.check_facts(args) | {
            "lines": args.lines,
            "discounts": of_lines + ringing.discounts(args.discount, money, args.reason),
            "tenders": paying.tenders(args, catalogue),
            "send": not args.no_send,
        }
        answer = client.post("/v1/orders", body, args.key)
    output.show(args, answer, result_text(answer, money))
    return exits.OK


def result_text(answer: dict[str, Any], money: output.Money) -> str:
    """The answer to a command that changed a check (`contract.commands.CommandResult`)."""
    head = f"{answer.get('ticket_code') or answer.get('check_id', '')} {answer.get('state', '')}"
    lines = [output.clean(head.strip())]
    totals = answer.get("totals")
    if totals:
        parts = [f"total {money.full(totals['gross_minor'])}", f"of it tax {money.text(totals['tax_minor'])}"]
        if totals["discount_minor"]:
            parts.append(f"discount {money.text(totals['discount_minor'])}")
        parts.append(f"paid {money.text(totals['paid_minor'])}")
        if answer.get("state") != "voided":
            parts.append(f"due {money.text(totals['due_minor'])}")
        lines.append(", ".join(parts))
        if totals["due_minor"] and answer.get("state") != "voided":
            lines.append(f"DUE {money.full(totals['due_minor'])}")
    if answer.get("change_minor"):
        lines.append(f"CHANGE {money.full(answer['change_minor'])}")
    if answer.get("refund_minor"):
        lines.append(f"GIVE BACK {money.full(answer['refund_minor'])}")
    for job in answer.get("jobs", ()):
        station = f" for {job['station']}" if job.get("station") else ""
        lines.append(output.clean(f"  {job['document_class']}{station} on {job['device']} ({job['job_id']})"))
    if not answer.get("events"):
        lines.append("nothing changed")
    return "\n".join(lines)

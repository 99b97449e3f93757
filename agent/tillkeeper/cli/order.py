"""Place a whole order in one command: opened, rung, discounted, sent to the kitchen, paid - or nothing of it.

tillkeeper order --item burger:2 --mod rare --mod with-fries --item cola --mod large --takeout --cash 50.00
tillkeeper order --from-paper 17 --at 14:35 --item burger --cash 10.00    what was sold on paper: no ticket, no drawer
"""

import argparse
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tillkeeper.cli import exits, output, paying, ringing
from tillkeeper.cli.client import Client, add_connection, add_key
from tillkeeper.cli.exits import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    ringing.add_lines(parser, discounts=True)
    ringing.add_check_facts(parser)
    paying.add_tenders(parser)
    parser.add_argument("--discount", action="append", default=[], metavar="CODE[=AMOUNT]", help="on the whole check")
    parser.add_argument("--reason", default="", help="why there is a discount")
    parser.add_argument("--no-send", action="store_true", help="do not send it to the kitchen yet")
    paper = parser.add_argument_group("what was sold on paper")
    paper.add_argument("--from-paper", metavar="SLIP", help="the number on the slip: no ticket, no drawer, no receipt")
    paper.add_argument("--at", metavar="TIME", help="the time on the slip: 14:35 (today, or yesterday), or 2026-11-22T14:35")
    paper.add_argument("--receipt", action="store_true", help="print a receipt all the same")
    paper.add_argument("--another", action="store_true", help="this number is known, and yet it is another slip")
    add_key(parser)
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    if not args.lines:
        raise UsageError("an order needs at least one --item")
    if args.from_paper is None and (args.at or args.receipt or args.another):
        raise UsageError("--at, --receipt and --another belong to --from-paper")
    if args.from_paper is not None and args.no_send:
        raise UsageError("what was sold on paper is never sent: leave --no-send out")
    with Client.of(args) as client:
        catalogue = client.get("/v1/catalogue")
        money = output.Money(catalogue)
        of_lines = [discount | ({"reason": args.reason} if args.reason else {}) for discount in args.line_discounts or ()]
        body = ringing.check_facts(args) | {
            "lines": args.lines,
            "discounts": of_lines + ringing.discounts(args.discount, money, args.reason),
            "tenders": paying.tenders(args, catalogue),
        }
        if args.from_paper is not None:
            zone = client.get("/v1/pages")["timezone"]
            answer = client.post("/v1/orders/from-paper", body | _slip(args, zone), args.key)
        else:
            answer = client.post("/v1/orders", body | {"send": not args.no_send}, args.key)
    output.show(args, answer, result_text(answer, money))
    return exits.OK


def _slip(args: argparse.Namespace, zone: str) -> dict[str, Any]:
    slip: dict[str, Any] = {"slip": args.from_paper, "print_receipt": args.receipt, "although_known": args.another}
    if args.at:
        slip["slip_at_ms"] = slip_time_ms(args.at, zone, datetime.now(ZoneInfo(zone)))
    return slip


def slip_time_ms(text: str, zone: str, now: datetime) -> int:
    """Wall clock, ms since the epoch. An hour that is still to come today was yesterday's.

    Raises:
        UsageError: neither a time of day nor a date with one.
    """
    try:
        if "T" in text:
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(zone))
        else:
            hour, minute = text.split(":")
            at = datetime.combine(now.date(), time(int(hour), int(minute)), ZoneInfo(zone))
            at = at - timedelta(days=1) if at > now + timedelta(minutes=10) else at
    except ValueError:
        raise UsageError(f"--at: {text!r} is no time; write 14:35 or 2026-11-22T14:35") from None
    return int(at.timestamp() * 1000)


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

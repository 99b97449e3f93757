"""The end of day: what it waits for, closing it, what a manager signs, the figures.

tillkeeper day                            what would be closed next, and what that waits for
tillkeeper day close --wait 120           close it, for at most two minutes waiting for what is missing
tillkeeper day gap C --reason "stolen"    close without the rest of register C's log
tillkeeper day export 2026-11-20 --format csv --out day.csv
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection, add_key, segment
from tillkeeper.cli.exits import ApiProblem
from tillkeeper.cli.options import day
from tillkeeper.sales.money import minor_digits, to_text

WAITED_FOR = frozenset({"day_not_ready"})
LOOK_AGAIN_S = 1.0
MIN_TIMEOUT_S = 30.0
"""A close asks every register, waits for their logs and adds up."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    add_connection(parser)
    show = actions.add_parser("show", help="a day's figures; without a day: what would be closed next")
    show.add_argument("day", nargs="?", type=day, metavar="YYYY-MM-DD", help="(what would be closed next)")
    listed = actions.add_parser("list", help="closed days, newest first")
    close = actions.add_parser("close", help="close the day of the whole store, at its primary")
    close.add_argument("day", nargs="?", type=day, metavar="YYYY-MM-DD", help="(the oldest that is not closed)")
    close.add_argument("--wait", type=float, default=0.0, metavar="S", help="seconds to wait for what is missing (0)")
    close.add_argument("--no-print", action="store_true", help="no Z on paper")
    gap = actions.add_parser("gap", help="close without what is missing of a register's log")
    gap.add_argument("register", metavar="REGISTER", help="its name in [registers]")
    gap.add_argument("--day", type=day, metavar="YYYY-MM-DD", help="(the one that is to be closed)")
    park = actions.add_parser("park", help="a register is out of use: no close waits for it")
    unpark = actions.add_parser("unpark", help="it is in use again")
    for action in (park, unpark):
        action.add_argument("register", metavar="REGISTER", help="its name in [registers]")
    for action in (gap, park, unpark):
        action.add_argument("--reason", required=action is not unpark, default="", help="why; it goes to the journal")
    again = actions.add_parser("print", help="the Z of a closed day again, as a copy")
    export = actions.add_parser("export", help="a day's figures for other programs")
    for action in (again, export):
        action.add_argument("day", type=day, metavar="YYYY-MM-DD")
    export.add_argument("--format", choices=("csv", "json"), default="csv", help="(csv)")
    export.add_argument("--out", type=Path, metavar="FILE", help="where to write it (standard output)")
    for action in (close, gap, park, unpark, again):
        add_key(action)
    for action in (show, listed, close, gap, park, unpark, again, export):
        add_connection(action)


def run(args: argparse.Namespace) -> int:
    if args.action == "close":
        args.timeout = max(args.timeout, MIN_TIMEOUT_S)
    with Client.of(args) as client:
        if args.action == "list":
            answer = client.get("/v1/days")
            output.show(args, answer, list_text(answer, output.Money(client.get("/v1/catalogue"))))
        elif args.action == "export":
            _export(args, client.get(f"/v1/days/{args.day}"))
        elif args.action == "close":
            report = client.get(f"/v1/days/{_close(client, args)}")
            output.show(args, report, report_text(report))
        elif args.action in ("gap", "park", "unpark", "print"):
            answer = _change(client, args)
            said = f"{args.action}: {output.clean(answer.get('entity_id', ''))}"
            on = ", ".join(output.clean(job["device"]) for job in answer.get("jobs", ()))
            output.show(args, answer, f"{said} on {on}" if on else f"{said} recorded")
        elif getattr(args, "day", None):
            report = client.get(f"/v1/days/{args.day}")
            output.show(args, report, report_text(report))
        else:
            answer = client.get("/v1/day")
            output.show(args, answer, status_text(answer))
    return exits.OK


def _change(client: Client, args: argparse.Namespace) -> Any:
    if args.action == "print":
        return client.post(f"/v1/days/{args.day}/report", {"by": args.by}, args.key)
    body: dict[str, Any] = {"reason": args.reason, "by": args.by}
    if args.action == "gap":
        return client.post(
            "/v1/day/gaps", body | {"register": args.register} | ({"day": args.day} if args.day else {}), args.key
        )
    return client.post(f"/v1/registers/{segment(args.register)}/{args.action}", body, args.key)


def _close(client: Client, args: argparse.Namespace) -> str:
    """The day that is closed now. Waiting, what it waits for is said as often as it changes."""
    body: dict[str, Any] = {"by": args.by, "print_report": not args.no_print} | ({"day": args.day} if args.day else {})
    until_s, said = time.monotonic() + args.wait, ""
    while True:
        try:
            return str(client.post("/v1/day/close", body, args.key)["entity_id"])
        except ApiProblem as problem:
            missing = problem.problem.get("missing")
            waits = str(problem.problem.get("type", "")).rpartition("/")[2] in WAITED_FOR or missing is not None
            if not waits or time.monotonic() >= until_s:
                raise
            words = "; ".join(str(one["words"]) for one in missing or ())
            if words != said:
                sys.stderr.write(f"{time.strftime('%H:%M:%S')}  {output.clean(words)}\n")
                sys.stderr.flush()
                said = words
            body["day"] = problem.problem.get("day", body.get("day"))  # the day that was meant, also after midnight
            time.sleep(LOOK_AGAIN_S)


def _export(args: argparse.Namespace, report: dict[str, Any]) -> None:
    from tillkeeper.contract.day import DayReport
    from tillkeeper.day.export import to_csv

    known = msgspec.convert(report, DayReport)
    text = to_csv(known) if args.format == "csv" else msgspec.json.format(msgspec.json.encode(known), indent=2).decode() + "\n"
    if args.out is None:
        sys.stdout.write(text)
    else:
        args.out.write_text(text, encoding="utf-8", newline="")
        output.say(f"written: {args.out}")


def status_text(status: dict[str, Any]) -> str:
    head = [f"today is {status['today']}; {output.clean(status['words'])}"]
    if status["open"]:
        head.append(f"open: {', '.join(status['open'])}")
    if status["last_closed"]:
        head.append(f"last closed: {status['last_closed']}, Z {status['last_z']}")
    rows = [
        ("WAIT" if one["blocks"] else "ok", one["register"], one["state"].replace("_", " "), one["words"])
        for one in status["members"]
    ]
    todo = [f"{output.clean(one['register'])}: {output.clean(one['todo'])}" for one in status["members"] if one["todo"]]
    return "\n\n".join(["\n".join(head), output.table(("", "REGISTER", "STATE", "WHY"), rows), *todo])


def list_text(answer: dict[str, Any], money: output.Money) -> str:
    rows = [
        (
            one["day"], one["z"], one["sales"], money.text(one["gross_minor"]), output.clock(one["closed_at_ms"]),
            one["register"], one["by"], _remarks(one),
        )
        for one in answer["days"]
    ]  # fmt: skip
    return output.table(("DAY", ">Z", ">SALES", ">GROSS", "CLOSED", "AT", "BY", ""), rows, empty="no day is closed yet")


def _remarks(one: dict[str, Any]) -> str:
    said = [output.count(one[name], word) for name, word in (("adjustments", "adjustment"), ("gaps", "gap")) if one[name]]
    said += [f"{one['parked']} parked"] if one["parked"] else []
    said += [] if one["counts"] else ["does not count: another primary closed this day too"]
    return ", ".join(said)


def report_text(report: dict[str, Any]) -> str:
    """A day as a few tables."""
    digits, figures, closed = report["minor_digits"], report["figures"], report["closed"]
    books = figures["books"]

    def money(minor: int | None) -> str:
        return "" if minor is None else to_text(minor, digits)

    title = f"Z {closed['z']}, closed {output.clock(closed['closed_at_ms'])} by {closed['by'] or '?'}" if closed else "open"
    names = ("gross", "net", "tax", "discount", "rounding", "refunded", "refunded_tax")
    rows = [(name.replace("_", " "), str(books[name])) for name in ("sales", "refunds", "voids", "no_sales")]
    rows += [(name.replace("_", " "), money(books[f"{name}_minor"])) for name in names]
    taxes = [(code, money(tax["net_minor"]), money(tax["tax_minor"])) for code, tax in books["taxes"].items()]
    tenders = [
        (name, *(money(one[f"{part}_minor"]) for part in ("taken", "returned", "refunded")))
        for name, one in books["tenders"].items()
    ]
    drawers = [
        (one["register"], one["drawer"], one["number"] or "", one["state"], currency, *amounts)
        for one in figures["drawers"]
        for currency, *amounts in _cash(one, report["currency"])
    ]
    parts = [
        f"business day {report['day']}, {output.clean(title)}, in {output.clean(report['currency'])}",
        output.table(("", ">"), rows),
        output.table(("TAX", ">NET", ">TAX"), taxes, empty="no taxes"),
        output.table(("TENDER", ">TAKEN", ">RETURNED", ">REFUNDED"), tenders, empty="no tenders"),
        output.table(
            ("REGISTER", "DRAWER", ">Z", "STATE", "", ">EXPECTED", ">COUNTED", ">OVER / SHORT"), drawers, empty="no drawers"
        ),
    ]
    for one in figures["adjustments"]:
        sales, gross = output.count(one["figures"]["sales"], "sale"), money(one["figures"]["gross_minor"])
        parts.append(f"adjustment of {one['of']}: {sales}, gross {gross}")
    parts += (
        [f"{output.count(figures['open_checks_count'], 'open check')} carried over"] if figures["open_checks_count"] else []
    )
    parts += [f"{output.count(figures['frozen_count'], 'card sale')} without an outcome"] if figures["frozen_count"] else []
    parts += [f"without the rest of {output.clean(one['register'])}: {output.clean(one['reason'])}" for one in report["gaps"]]
    parts += [f"parked: {output.clean(one['register'])}: {output.clean(one['reason'])}" for one in report["parked"]]
    parts += [f"booked in {later}: {output.count(one['sales'], 'sale')} of this day" for later, one in report["late"].items()]
    return "\n\n".join(parts)


def _cash(one: dict[str, Any], home: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for currency in one["over_short_minor"] or [home]:
        amounts = (one[part].get(currency) for part in ("expected_minor", "counted_minor", "over_short_minor"))
        texts = ("" if minor is None else to_text(minor, minor_digits(currency)) for minor in amounts)
        found.append((currency, *texts))
    return found

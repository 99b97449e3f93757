"""Cash drawers: sessions with float, paid in and out, safe drop, blind count, X and Z; and a no-sale.

tillkeeper drawer open 150.00             begin a session with its float
tillkeeper drawer count 482.15 EUR=20     what lies in it; the answer says what was expected
tillkeeper drawer close                   the Z, on paper and here
"""

import argparse
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection, add_key, segment
from tillkeeper.cli.exits import ApiProblem, UsageError
from tillkeeper.cli.options import whole
from tillkeeper.sales.money import minor_digits, to_text

MOVEMENTS = {"paid-in": "paid_in", "paid-out": "paid_out", "drop": "safe_drop"}
_CHANGES = {
    "no-sale": "one pulse, and a no-sale in the journal",
    "open": "begin a session with its float",
    "paid-in": "put cash in without a sale",
    "paid-out": "take cash out without a sale",
    "drop": "take cash to the safe",
    "count": "count the session: it takes no more money",
    "close": "close a counted session and print its Z",
}
_READS = {"x": "what the session comes to so far", "z": "the Z of a closed session"}
_AMOUNT = "in the store's currency, as 150.00"
_SESSION = "its id, where it is not the one that is next"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_connection(actions.add_parser("list", help="drawers and their sessions"))
    for name, words in (_CHANGES | _READS).items():
        action = actions.add_parser(name, help=words)
        action.add_argument("--drawer", default="drawer", help="the drawer's name in the configuration (drawer)")
        if name in ("open", *MOVEMENTS):
            action.add_argument("amount", metavar="AMOUNT", help=_AMOUNT)
        if name in ("no-sale", *MOVEMENTS):
            action.add_argument("--reason", required=True, help="why; it goes to the journal")
        if name == "count":
            action.add_argument("counted", nargs="+", metavar="[CUR=]AMOUNT", help=f"{_AMOUNT}; foreign cash as EUR=20")
        if name in ("count", "close", "x"):
            action.add_argument("--session", metavar="ID", help=_SESSION)
        if name == "z":
            action.add_argument("--number", type=whole(1, 999_999_999), metavar="N", help="of which Z (the newest)")
        if name in _READS:
            action.add_argument("--print", action="store_true", help="on paper as well; a Z is marked as a copy")
        add_key(action)
        add_connection(action)


def run(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        if args.action == "list":
            answer = client.get("/v1/drawers")
            output.show(args, answer, _drawers(answer, output.Money(client.get("/v1/catalogue"))))
        elif args.action in _READS:
            answer = _report(client, args)
            output.show(args, answer, report_text(answer))
        elif args.action in ("count", "close"):
            answer = client.post(f"{_path(args)}/{args.action}", _body(client, args), args.key)
            output.show(args, answer, report_text(answer["report"]))
        else:
            answer = _change(client, args)
            jobs = ", ".join(job["job_id"] for job in answer.get("jobs", ()))
            words = {"no-sale": "no-sale", "open": "session"}.get(args.action, "movement")
            output.show(args, answer, f"{words} {answer.get('entity_id', '')} recorded; pulse: {jobs or 'none'}")
    return exits.OK


def _path(args: argparse.Namespace) -> str:
    return f"/v1/drawers/{segment(args.drawer)}"


def _change(client: Client, args: argparse.Namespace) -> Any:
    if args.action == "no-sale":
        return client.post("/v1/no-sales", {"drawer": args.drawer, "reason": args.reason, "by": args.by}, args.key)
    digits = output.Money(client.get("/v1/catalogue")).digits
    if args.action == "open":
        body: dict[str, Any] = {"float_minor": _minor(args.amount, digits), "by": args.by}
        return client.post(f"{_path(args)}/open", body, args.key)
    amount = output.to_minor(args.amount, digits)
    body = {"kind": MOVEMENTS[args.action], "amount_minor": amount, "reason": args.reason, "by": args.by}
    return client.post(f"{_path(args)}/movements", body, args.key)


def _body(client: Client, args: argparse.Namespace) -> dict[str, Any]:
    body: dict[str, Any] = {"by": args.by}
    if args.session:
        body["session_id"] = args.session
    if args.action == "count":
        money = output.Money(client.get("/v1/catalogue"))
        counted: dict[str, int] = {}
        for given in args.counted:
            currency, _, amount = given.rpartition("=")
            currency = currency.upper() or money.currency
            if currency in counted:
                raise UsageError(f"{currency} is counted twice")
            counted[currency] = _minor(amount, money.digits if currency == money.currency else minor_digits(currency))
        body["counted"] = counted
    return body


def _minor(text: str, digits: int) -> int:
    """As `output.to_minor`, and nothing at all is an amount too."""
    return 0 if text.strip("0.") == "" and "0" in text else output.to_minor(text, digits)


def _report(client: Client, args: argparse.Namespace) -> Any:
    session = getattr(args, "session", None)
    if args.action == "z":
        before = None if args.number is None else args.number + 1
        closed = client.get(f"{_path(args)}/sessions", limit=1, before=before)["sessions"]
        if not closed or (args.number is not None and closed[0]["number"] != args.number):
            wanted = f"Z {args.number}" if args.number else "Z"
            raise ApiProblem(404, {"cause": f"drawer {args.drawer} has no {wanted} yet", "hint": "see `drawer list`"})
        session = closed[0]["session_id"]
    if args.print:
        body = {"by": args.by} | ({"session_id": session} if session else {})
        client.post(f"{_path(args)}/report", body, args.key)
    return client.get(f"{_path(args)}/report", session=session)


def _drawers(answer: dict[str, Any], money: output.Money) -> str:
    rows = []
    for drawer in answer["drawers"]:
        sessions = [one for one in (drawer["session"], *drawer["waiting"]) if one]
        for one in sessions or [None]:
            state = ("", "", "", "") if one is None else (
                one["session_id"], one["state"], output.clock(one["opened_at_ms"]), money.text(one["float_minor"])
            )  # fmt: skip
            rows.append((drawer["drawer"], drawer["open"], *state, one["opened_by"] if one else ""))
    return output.table(("DRAWER", "IS OPEN", "SESSION", "STATE", "SINCE", ">FLOAT", "BY"), rows, empty="no drawers")


def report_text(report: dict[str, Any]) -> str:
    """An X or Z as a few tables; what is not to be seen before the count is left out."""
    session, currency = report["session"], report["currency"]
    digits = minor_digits(currency)

    def money(minor: int) -> str:
        return to_text(minor, digits)

    title = f"Z {session['number']}" if report["kind"] == "z" else "X"
    head = f"{title} of {output.clean(session['drawer'])}, session {output.clean(session['session_id'])}, {session['state']}"
    parts = [f"{head}, in {output.clean(currency)}", f"opened {output.clock(session['opened_at_ms'])}"]
    figures = report["figures"]
    if figures is None:
        return "\n".join([*parts, "what it comes to is told once it is counted"])
    names = ("float", "gross", "net", "tax", "discount", "rounding", "refunded", "returned", "change", "cash_back")
    rows = [(name, str(figures.get(name, 0))) for name in ("sales", "refunds", "voids", "no_sales")]
    rows += [(name, money(figures.get(f"{name}_minor", 0))) for name in (*names, "paid_in", "paid_out", "safe_drop")]
    tenders = [(name, money(amount)) for name, amount in figures.get("tenders", {}).items()]
    columns = (session["expected_minor"] or {}, session["counted_minor"], session["over_short_minor"])
    currencies = dict.fromkeys(name for column in columns for name in column or ())
    cash = [(name, *(_in(column, name) for column in columns)) for name in currencies]
    return "\n\n".join(
        [
            "\n".join(parts),
            output.table(("", ">"), [(name.replace("_", " "), value) for name, value in rows]),
            output.table(("TENDER", ">KEPT"), tenders, empty="no tenders"),
            output.table(("CASH", ">EXPECTED", ">COUNTED", ">OVER / SHORT"), cash),
        ]
    )


def _in(amounts: dict[str, int] | None, currency: str) -> str:
    """Empty for what is not known yet."""
    return "" if amounts is None else to_text(amounts.get(currency, 0), minor_digits(currency))

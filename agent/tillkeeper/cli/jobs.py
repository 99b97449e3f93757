"""What waits for printers and displays; release or cancel what is held."""

import argparse
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection, add_key, segment
from tillkeeper.cli.options import MAX_ROWS, whole

TICKETS = ("kitchen_ticket", "change_slip")
NONE = {
    "unsettled": "nothing waits for a device; `tillkeeper jobs list --state all` has what was printed too",
    "held": "nothing is held",
    "all": "no jobs",
}
SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="oldest first")
    listing.add_argument("--state", choices=tuple(NONE), default="unsettled", help="(unsettled)")
    listing.add_argument("--limit", type=whole(1, MAX_ROWS), default=100, metavar="N", help=f"at most N, to {MAX_ROWS} (100)")
    add_connection(listing)
    for name, words in (("show", "one job"), ("release", "print a held job now"), ("cancel", "never print this job")):
        action = actions.add_parser(name, help=words)
        if name == "release":
            action.add_argument("job", nargs="?", default="", help="its id, as `jobs list` says it, or --all")
            action.add_argument("--all", action="store_true", help="all held kitchen tickets, in order")
        else:
            action.add_argument("job", help="its id, as `jobs list` says it")
        if name != "show":
            add_key(action)
        add_connection(action)


def run(args: argparse.Namespace) -> int:
    others: list[dict[str, Any]] = []
    with Client.of(args) as client:
        if args.action == "list":
            answer = client.get("/v1/jobs", state=args.state, limit=args.limit)
            jobs = answer["jobs"]
        elif args.action == "release" and bool(args.job) == args.all:
            raise exits.UsageError("name one job, or give --all; see `tillkeeper jobs list --state held`")
        elif args.action == "release" and args.all:
            answer = client.post("/v1/jobs/release", {"by": args.by}, args.key)
            jobs = answer["jobs"]
            others = client.get("/v1/jobs", state="held", limit=MAX_ROWS)["jobs"]
        else:
            path = f"/v1/jobs/{segment(args.job)}"
            answer = (
                client.get(path) if args.action == "show" else client.post(f"{path}/{args.action}", {"by": args.by}, args.key)
            )
            jobs = [answer]
    text = table(jobs) if jobs else NONE[args.state] if args.action == "list" else "no kitchen ticket is held"
    text += still_held(others)
    if args.action == "list" and answer["more"]:
        text += f"\nmore than {args.limit}: see --limit"
    output.show(args, answer, text)
    return exits.OK


def still_held(jobs: list[dict[str, Any]]) -> str:
    """What `--all` leaves, and how it is released."""
    left = [job for job in jobs if job["document_class"] not in TICKETS]
    if not left:
        return ""
    still = "1 receipt or report is" if len(left) == 1 else f"{len(left)} receipts or reports are"
    lines = ["", f"{still} still held; those are released one by one:"]
    for job in left[:SHOWN]:
        what = " ".join(filter(None, (job["document_class"], job["ticket_code"])))
        lines.append(f"  tillkeeper jobs release {output.clean(job['job_id'])}   {output.clean(what)}")
    lines += ["  and more: tillkeeper jobs list --state held"] if len(left) > SHOWN else []
    return "\n".join(lines)


def table(jobs: list[dict[str, Any]]) -> str:
    headings = ("JOB", "DOCUMENT", "DEVICE", "STATE", ">AGE", "CHECK", "WHY", "MARKS")
    rows = [
        (
            job["job_id"],
            job["document_class"],
            job["device"],
            job["state"],
            output.age(job["age_s"]),
            job["ticket_code"],
            job["reason"] or job["evidence"],
            ", ".join(job["marks"]) or ("may have printed" if job["may_have_printed"] else ""),
        )
        for job in jobs
    ]
    return output.table(headings, rows)

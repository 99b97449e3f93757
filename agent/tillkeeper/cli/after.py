"""What an outage left behind for people: each with its amount and what resolves it.

`settle` takes what only needs to be seen, or was dealt with elsewhere, off the list, at every register.
"""

import argparse
import json
import shlex
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection, add_key, segment

HOWS = {"seen": "seen", "elsewhere": "settled_otherwise", "written-off": "written_off"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    add_connection(parser)
    parser.add_argument("--here", action="store_true", help="only what this register knows; the others are not asked")
    settle = actions.add_parser("settle", help="it has been dealt with: list it no more")
    settle.add_argument("task", metavar="TASK", help="its id, as the list says it")
    settle.add_argument("--how", choices=sorted(HOWS), default="seen", help="how it was dealt with (seen)")
    settle.add_argument("--reason", default="", help="in a few words; needed where money is at stake")
    add_key(settle)
    add_connection(settle)


def run(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        if args.action == "settle":
            body = {"how": HOWS[args.how], "reason": args.reason, "by": args.by}
            done = client.post(f"/v1/after/{segment(args.task)}/settle", body, args.key)
            output.show(args, done, "settled" if done["events"] else "settled before")
            return exits.OK
        found = client.get("/v1/after", store="false" if args.here else None)
        money = None if args.json else output.Money(client.get("/v1/catalogue"))
    output.show(args, found, text(found, money) if money is not None else "")
    return exits.OK


def text(found: dict[str, Any], money: output.Money) -> str:
    clean = output.clean
    lines = [clean(found["words"])]
    lines += [f"not asked: {clean(words)}" for words in found["unknown"]]
    for task in found["tasks"]:
        amount = "" if task["amount_minor"] is None else f"  {money.full(task['amount_minor'])}"
        code = f"  check {clean(task['ticket_code'])}" if task["ticket_code"] else ""
        where = f"{output.clock(task['at_ms'])}  register {clean(task['register'])}"
        lines += ["", f"{clean(task['task_id'])}  {where}{code}{amount}"]
        lines += [f"  {clean(task['words'])}.", f"  {clean(task['hint'])}"]
        lines += [f"  To be done at register {clean(task['register'])}."] if task["only_there"] else []
        lines += [f"  - {clean(way['label'])}: {_way(task, way)}" for way in task["ways"]]
        if task["settles"]:
            lines.append(f"  - seen, or dealt with elsewhere: tillkeeper after settle {clean(task['task_id'])}")
    if found["more"]:
        lines += ["", f"and {found['more']} more"]
    return "\n".join(lines)


def _way(task: dict[str, Any], way: dict[str, Any]) -> str:
    """As a command where there is one, else as the request."""
    path, body, check = way["path"], way["body"] or {}, task["ticket_code"] or task["check_id"]
    tender = shlex.quote(str(body.get("tender", "")))
    match path.strip("/").split("/"):
        case ["v1", "checks", _, "authorisation", ("query" | "abandon") as act]:
            said = f"tillkeeper cards {act} {check}"
        case ["v1", "checks", _, "tenders"] if list(body) == ["tender"]:
            said = f"tillkeeper check pay {check} --tender {tender}"
        case ["v1", "jobs", job, ("release" | "cancel") as act]:
            said = f"tillkeeper jobs {act} {job}"
        case _:
            said = f"POST {path} {json.dumps(body, ensure_ascii=False) if body else ''}".rstrip()
    return output.clean(said)

"""Who is the store's primary and who its backup.

tillkeeper roles                                      who has which role, and what this register waits for
tillkeeper roles assign --primary A --backup B        from now on; `--backup none` for a store without one
tillkeeper roles confirm-away A                       register A is switched off or broken: this one goes on without it
"""

import argparse
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection, add_key

_CAUSES = {
    "configured": "as configured", "assigned": "assigned", "promoted": "the backup took over",
    "declared_alone": "the primary went on without its backup", "returned": "the backup is back", "raised": "renewed",
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    add_connection(parser)
    show = actions.add_parser("show", help="who has which role (the default)")
    assign = actions.add_parser("assign", help="give the roles to these registers")
    assign.add_argument("--primary", required=True, metavar="REGISTER", help="its name in [registers]")
    assign.add_argument("--backup", required=True, metavar="REGISTER", help="its name, or 'none' for none")
    away = actions.add_parser("confirm-away", help="the other one of primary and backup is switched off or broken")
    away.add_argument("register", metavar="REGISTER", help="its name in [registers]")
    for action in (assign, away):
        add_key(action)
    for action in (show, assign, away):
        add_connection(action)


def run(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        if args.action in (None, "show"):
            roles = client.get("/v1/roles")
            output.show(args, roles, text(roles))
            return exits.OK
        body: dict[str, Any] = {"by": args.by}
        if args.action == "assign":
            body |= {"primary": args.primary} | ({} if args.backup == "none" else {"backup": args.backup})
            answer = client.post("/v1/roles/assign", body, args.key)
        else:
            answer = client.post("/v1/roles/confirm-away", body | {"register": args.register}, args.key)
        roles = client.get("/v1/roles")
    nothing = "" if answer["events"] else "nothing changed\n"
    output.show(args, answer, nothing + text(roles))
    return exits.OK


def text(roles: dict[str, Any]) -> str:
    """The answer of `GET /v1/roles`, in words."""
    clean, now = output.clean, roles["now"]
    rows = [
        (
            one["register"], "" if one["role"] == "none" else one["role"],
            "this register" if one["register"] == roles["register"] else _heard(one),
        )
        for one in roles["registers"]
    ]  # fmt: skip
    cause = _CAUSES.get(roles["cause"], clean(roles["cause"]))
    who = f", {clean(roles['by'])}" if roles["by"] else f", witness {clean(roles['witness'])}" if roles["witness"] else ""
    epoch = f"{now['epoch']['counter']}.{clean(now['epoch']['register'])}" if now["epoch"]["counter"] else "0"
    lines = [output.table(("REGISTER", "ROLE", "HEARD"), rows), "", f"epoch {epoch}: {cause}{who}"]
    lines += [f"this register: {clean(now['words'])}"] if now["words"] else []
    lines += [clean(words) for words in now["alarms"]]
    lines += [f"`tillkeeper roles confirm-away {clean(one)}` if it is switched off or broken" for one in roles["confirm"]]
    return "\n".join(lines)


def _heard(one: dict[str, Any]) -> str:
    if one["heard_s"] is None:
        return "never"
    return "now" if one["reachable"] else f"{output.age(one['heard_s'])} ago"

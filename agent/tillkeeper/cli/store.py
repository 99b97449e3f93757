"""The store's keys: which registers belong together, and how one joins, leaves or takes the place of one that died.

`create`, `join` and `recover` work on the register's own files, with the agent running or not: start it again afterwards.
`code`, `leave` and `status` ask the running agent.
"""

import argparse
import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection, add_json
from tillkeeper.cli.exits import UsageError
from tillkeeper.cli.store_site import Found, find
from tillkeeper.cli.terminal import clean

if TYPE_CHECKING:
    from tillkeeper.trust.acts import Outcome

MAX_STDIN = 400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="a new store, with this register as its first; shows the recovery code once")
    code = actions.add_parser("code", help="a code with which one register may join, for ten minutes")
    join = actions.add_parser("join", help="join a store with a code")
    leave = actions.add_parser("leave", help="let a register go: its key ends for ever")
    recover = actions.add_parser("recover", help="bring the store's authority back with the printed recovery code")
    add_connection(actions.add_parser("status", help="who belongs to the store"))
    for action in (create, join, recover):
        action.add_argument("--config", type=Path, required=True, metavar="FILE", help="the register's configuration")
        action.add_argument("--by", default="", metavar="PERSON", help="who does it: the name goes to the journal (nobody)")
        add_json(action)
    for action in (code, leave):
        action.add_argument("register", metavar="REGISTER", help="its name in [registers]")
        action.add_argument("--by", default="", metavar="PERSON", help="who does it: the name goes to the journal (nobody)")
        add_connection(action)
    code.add_argument("--may-admit", action="store_true", help="it also gets the authority's key: it may admit, and let go")
    code.add_argument("--replace", action="store_true", help="it belongs to the store already and has lost its disk")
    code.add_argument("--address", default="", metavar="HOST", help="of this register, where the configuration does not say")
    join.add_argument("code", metavar="CODE", nargs="?", help="as `code` printed it; asked for where it is missing")
    leave.add_argument("--recovery-code", action="store_true", help="ask for it: this register has no authority's key")
    recover.add_argument(
        "--peer", action="append", default=[], metavar="HOST[:PORT]", help="a register that lives (those of the configuration)"
    )
    recover.add_argument("--alone", action="store_true", help="there is no other register, or none is left")


def run(args: argparse.Namespace) -> int:
    acts: dict[str, Callable[[argparse.Namespace], int]] = {
        "create": _create, "join": _join, "recover": _recover, "code": _code, "leave": _leave, "status": _status,
    }  # fmt: skip
    return acts[args.action](args)


# --- on the register's own files ---


def _create(args: argparse.Namespace) -> int:
    from tillkeeper.trust.acts import create

    made = create(_site(args).site, args.by)
    words = [
        f"store {made.roster.store} is made, and register {next(iter(made.roster.members))} belongs to it.",
        "",
        f"Recovery code:  {made.recovery}",
        "",
        "Write it down or print it, and keep it away from the registers: it is shown this once. When this register dies, it is",
        "what another one becomes the store's authority with (`tillkeeper store recover`).",
        "",
        "Start the agent again. Then `tillkeeper store code REGISTER` lets the next one join.",
    ]
    output.show(args, _facts(made) | {"recovery_code": made.recovery}, "\n".join(words))
    return exits.OK


def _join(args: argparse.Namespace) -> int:
    from tillkeeper.trust.acts import join_store
    from tillkeeper.trust.codes import read_join_code

    found = _site(args)
    code = read_join_code(args.code or _asked("Join code: "))
    made = join_store(found.site, code, args.by)
    words = [f"register {found.site.register} belongs to store {made.roster.store} now, admitted by {clean(made.at)}."]
    output.show(args, _facts(made), "\n".join([*words, *map(clean, made.notes), "Start the agent again."]))
    return exits.OK


def _recover(args: argparse.Namespace) -> int:
    from tillkeeper.trust.acts import recover
    from tillkeeper.trust.codes import read_recovery_code
    from tillkeeper.trust.desk import place

    found = _site(args)
    peers = [place(text, found.port) for text in args.peer or found.others]
    made = recover(found.site, read_recovery_code(_asked("Recovery code: ")), peers, alone=args.alone, by=args.by)
    words = [f"register {found.site.register} keeps the authority's key of store {made.roster.store} now."]
    output.show(args, _facts(made), "\n".join([*words, *map(clean, made.notes), "Start the agent again."]))
    return exits.OK


def _site(args: argparse.Namespace) -> Found:
    """Files that the agent can not read help nobody, so they are written as the user who owns its data."""
    found = find(args.config)
    data = found.site.data_dir
    data.mkdir(parents=True, exist_ok=True)
    owner = data.stat().st_uid
    if owner != os.geteuid():
        raise UsageError(f"{data} belongs to user {owner}: run this as that user (sudo -u '#{owner}' ...)")
    return found


def _facts(made: "Outcome") -> dict[str, Any]:
    return {
        "store": made.roster.store,
        "authority": made.roster.authority,
        "key": made.key,
        "registers": sorted(made.roster.members),
        "admitted_by": made.at,
        "notes": list(made.notes),
    }


def _asked(prompt: str) -> str:
    """Typed unseen, or the first line of a pipe. Never an argument: those are seen by every user of the machine."""
    if sys.stdin.isatty():
        return getpass.getpass(prompt)
    line = sys.stdin.readline(MAX_STDIN)
    if not line:
        raise UsageError(f"nobody answers {prompt.strip()!r}: give it on standard input")
    return line


# --- at the running agent ---


def _code(args: argparse.Namespace) -> int:
    body = {"register": args.register, "may_admit": args.may_admit, "replace": args.replace, "address": args.address}
    with Client.of(args) as client:
        made = client.post("/v1/store/codes", body | {"by": args.by})
    words = [
        f"Join code for {clean(made['register'])}:  {clean(made['code'])}",
        "",
        f"There: tillkeeper store join CODE --config FILE. It holds for {made['expires_s'] / 60:.0f} minutes and leads to "
        f"{clean(made['address'])};",
        f"{made['tries']} wrong tries, a new code or a restart of this agent end it.",
    ]
    if made["replaces"]:
        words.append(f"The key that {clean(made['register'])} had ends with that.")
    output.show(args, made, "\n".join(words))
    return exits.OK


def _leave(args: argparse.Namespace) -> int:
    code = _asked("Recovery code: ").strip() if args.recovery_code else ""
    with Client.of(args) as client:
        store = client.post("/v1/store/leave", {"register": args.register, "recovery_code": code, "by": args.by})
    output.show(args, store, f"{clean(args.register)} has left.\n\n{text(store)}")
    return exits.OK


def _status(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        store = client.get("/v1/store")
    output.show(args, store, text(store))
    return exits.OK


def text(store: dict[str, Any]) -> str:
    if not store["joined"]:
        why = clean(store["trouble"]) or "it has joined no store, and no other register is believed"
        return f"register {clean(store['register'])} works alone: {why}"
    me = "belongs to it" if store["member"] else "NO LONGER BELONGS TO IT: join again with a new code"
    lines = [
        f"store {clean(store['store'])}, authority {store['authority'][:16]}, roster {store['digest'][:8]}",
        f"this register, {clean(store['register'])}, {me}" + ("; it keeps the authority's key" if store["may_admit"] else ""),
        "",
        output.table(
            ("REGISTER", "KEY", "MAY ADMIT"),
            [(one["register"], one["key"][:16], "yes" if one["may_admit"] else "") for one in store["members"]],
            empty="nobody belongs to it",
        ),
    ]
    if store["left"]:
        ends = [(one["register"], one["key"][:16], sum(one["finals"].values())) for one in store["left"]]
        lines += ["", output.table(("LEFT", "KEY", ">EVENTS THAT COUNT"), ends)]
    if (code := store["code"]) is not None:
        left = f"{code['expires_s']:.0f} s and {output.count(code['tries_left'], 'wrong try').replace('trys', 'tries')}"
        lines += ["", f"a join code for {clean(code['register'])} is open: {left} are left"]
    return "\n".join(lines)

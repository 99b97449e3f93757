"""The store's keys: which registers belong together, and how one joins, leaves or takes the place of one that died.

`create`, `join`, `recover` and `paper` work on the register's own files, with the agent running or not; start it again after
the first three.
`code`, `leave` and `status` ask the running agent.
"""

import argparse
import getpass
import sys
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection, add_json
from tillkeeper.cli.exits import UsageError
from tillkeeper.cli.own_files import add_config, check_owner, config_file
from tillkeeper.cli.store_site import Found, find
from tillkeeper.cli.terminal import clean
from tillkeeper.errors import TillkeeperError

if TYPE_CHECKING:
    from tillkeeper.trust.acts import Outcome

MAX_STDIN = 400
TRIES = 5
"""At a keyboard."""
C = TypeVar("C")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="a new store, with this register as its first; shows the recovery code once")
    code = actions.add_parser("code", help="a code with which one register may join, for ten minutes")
    join = actions.add_parser("join", help="join a store with a code")
    paper = actions.add_parser("paper", help="print the recovery code again, where the authority's key is kept")
    leave = actions.add_parser("leave", help="let a register go: its key ends for ever")
    recover = actions.add_parser("recover", help="bring the store's authority back with the printed recovery code")
    add_connection(actions.add_parser("status", help="who belongs to the store"))
    create.add_argument("--print", action="store_true", help="the code on the receipt printer, instead of on the screen")
    for action in (create, paper):
        action.add_argument("--printer", default="", metavar="NAME", help="another one of the configuration's printers")
    for action in (create, join, recover, paper):
        add_config(action)
        if action is not paper:  # which writes nothing into the journal
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
        "create": _create, "paper": _paper, "join": _join, "recover": _recover,
        "code": _code, "leave": _leave, "status": _status,
    }  # fmt: skip
    return acts[args.action](args)


# --- on the register's own files ---


def _create(args: argparse.Namespace) -> int:
    from tillkeeper.trust.acts import create

    found = _site(args)
    if args.print:
        _printable(args)
    made = create(found.site, args.by)
    words = [f"store {made.roster.store} is made, and register {next(iter(made.roster.members))} belongs to it.", ""]
    after = [
        "HQ takes what registers hand in for each other once its credentials say whose signatures count (docs/hq-contract.md):",
        "",
        *_for_hq(made.roster.store, made.roster.authority),
        "",
        "Next: start this register's agent (again), then `tillkeeper store code REGISTER` for each other register.",
    ]
    facts = _facts(made)
    if args.print:
        try:
            return _on_paper(args, made.recovery, facts, "\n".join([*words, *after]))
        except TillkeeperError as error:
            exits.explain(error, as_json=args.json)
    words += [
        f"Recovery code:  {made.recovery}",
        "",
        "Write it down or print it, and keep it away from the registers: it is shown this once. When this register dies,",
        "another one takes over with it (`tillkeeper store recover`); without it none could join or leave any more.",
        "",
        *after,
    ]
    output.show(args, facts | {"recovery_code": made.recovery, "printed": ""}, "\n".join(words))
    return exits.PARTLY if args.print else exits.OK


def _paper(args: argparse.Namespace) -> int:
    from tillkeeper.trust.codes import recovery_code
    from tillkeeper.trust.trouble import TrustTrouble

    found = _site(args)
    if (secret := found.site.shelf.authority_secret()) is None:
        cause, hint = "this register does not keep the authority's key", "print it where `store status` says that it is"
        raise TrustTrouble("no_authority_key", "print", "the recovery code", cause, hint)
    return _on_paper(args, recovery_code(secret), {"store": found.site.store}, "")


def _printable(args: argparse.Namespace) -> None:
    """Before anything is made: is there a printer at all. Raises: ConfigInvalid, Refused."""
    from tillkeeper.config.load import load
    from tillkeeper.trust.paper import printer_of

    printer_of(load(config_file(args.config)), args.printer)


def _on_paper(args: argparse.Namespace, code: str, facts: dict[str, Any], words: str) -> int:
    """The code is on no screen. Raises: ConfigInvalid, Refused."""
    from tillkeeper.trust.paper import print_code

    how = print_code(config_file(args.config), args.printer, code, date.today().isoformat())
    said = "the recovery code is on paper" + ("" if how == "confirmed" else ": look whether it came out whole")
    output.show(args, facts | {"printed": how}, f"{said}. Keep it away from the registers.\n{words}".rstrip())
    return exits.OK


def _join(args: argparse.Namespace) -> int:
    from tillkeeper.trust.acts import join_store
    from tillkeeper.trust.codes import read_join_code

    found = _site(args)
    code = read_join_code(args.code) if args.code else _typed("Join code: ", read_join_code, _shown)
    made = join_store(found.site, code, args.by)
    words = [f"register {found.site.register} belongs to store {made.roster.store} now, admitted by {clean(made.at)}."]
    words += [*map(clean, made.notes), "Next: start this register's agent (again); `tillkeeper store status` then lists all."]
    output.show(args, _facts(made), "\n".join(words))
    return exits.OK


def _recover(args: argparse.Namespace) -> int:
    from tillkeeper.trust.acts import recover
    from tillkeeper.trust.codes import read_recovery_code
    from tillkeeper.trust.desk import place

    found = _site(args)
    peers = [place(text, found.port) for text in args.peer or found.others]
    secret = _typed("Recovery code (not shown): ", read_recovery_code, getpass.getpass)
    made = recover(found.site, secret, peers, alone=args.alone, by=args.by)
    words = [f"register {found.site.register} keeps the authority's key of store {made.roster.store} now."]
    words += [*map(clean, made.notes), "Next: start this register's agent (again), so that the others know it too."]
    output.show(args, _facts(made), "\n".join(words))
    return exits.OK


def _site(args: argparse.Namespace) -> Found:
    found = find(config_file(args.config))
    check_owner(found.site.data_dir)
    found.site.data_dir.mkdir(parents=True, exist_ok=True)
    return found


def _for_hq(store: str, authority: str) -> list[str]:
    return ["    [[stores]]", f'    store = "{clean(store)}"', f'    authority = "{clean(authority)}"']


def _facts(made: "Outcome") -> dict[str, Any]:
    return {
        "store": made.roster.store,
        "authority": made.roster.authority,
        "key": made.key,
        "registers": sorted(made.roster.members),
        "admitted_by": made.at,
        "notes": list(made.notes),
    }


def _typed(prompt: str, read: Callable[[str], C], ask: Callable[[str], str]) -> C:
    """A code from the keyboard, asked for again where it was mistyped; or the first line of a pipe. One that lasts is never
    an argument: those are seen by every user of the machine."""
    from tillkeeper.trust.trouble import TrustTrouble

    for _ in range(TRIES - 1 if sys.stdin.isatty() else 0):
        try:
            return read(_asked(prompt, ask))
        except TrustTrouble as trouble:
            print(f"{trouble.cause}: once more", file=sys.stderr)
    return read(_asked(prompt, ask))


def _shown(prompt: str) -> str:
    """A join code is worth nothing once it was used, and fifty characters are not typed unseen."""
    print(prompt, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline(MAX_STDIN)


def _asked(prompt: str, ask: Callable[[str], str]) -> str:
    if sys.stdin.isatty():
        try:
            line = ask(prompt)
        except EOFError:
            line = ""
        if not line:
            raise UsageError(f"nobody answers {prompt.strip()!r}")
        return line
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
        "There: `sudo tillkeeper setup`, or with a configuration that is there `tillkeeper store join`. Both",
        f"ask for it. It leads to {clean(made['address'])} and holds for {made['expires_s'] / 60:.0f} minutes;",
        f"{made['tries']} wrong tries, a new code or a restart of this agent end it.",
    ]
    if made["replaces"]:
        words.append(f"The key that {clean(made['register'])} had ends with that.")
    output.show(args, made, "\n".join(words))
    return exits.OK


def _leave(args: argparse.Namespace) -> int:
    code = _asked("Recovery code (not shown): ", getpass.getpass).strip() if args.recovery_code else ""
    with Client.of(args) as client:
        before = client.get("/v1/store")
        store = client.post("/v1/store/leave", {"register": args.register, "recovery_code": code, "by": args.by})
    words = [f"{clean(args.register)} has left.", ""]
    if any(one["may_admit"] for one in before.get("members", ()) if one["register"] == args.register):
        words = [
            f"{clean(args.register)} has left. It has had the authority's key: if that machine, or a copy of its disk, is in",
            "strange hands, docs/trust.md says what to do.",
            "",
        ]
    output.show(args, store, "\n".join([*words, text(store)]))
    return exits.OK


def _status(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        store = client.get("/v1/store")
    output.show(args, store, text(store))
    return exits.OK


def text(store: dict[str, Any]) -> str:
    restart = "there are new keys on this register's disk: START ITS AGENT AGAIN"
    if not store["joined"]:
        why = clean(store["trouble"]) or "it has joined no store, and no other register is believed"
        return f"register {clean(store['register'])} works alone: {restart if store.get('restart') else why}"
    me = "belongs to it" if store["member"] else "NO LONGER BELONGS TO IT: join again with a new code"
    lines = [
        f"store {clean(store['store'])}, roster {store['digest'][:8]}",
        f"authority {clean(store['authority'])}",
        f"this register, {clean(store['register'])}, {me}" + ("; it keeps the authority's key" if store["may_admit"] else ""),
        *([restart] if store.get("restart") else []),
        "",
        output.table(
            ("REGISTER", "KEY", "MAY ADMIT"),
            [(one["register"], one["key"][:16], "yes" if one["may_admit"] else "") for one in store["members"]],
            empty="nobody belongs to it",
        ),
    ]
    if store.get("waiting"):
        lines += ["", f"not in the store yet: {', '.join(map(clean, store['waiting']))} (`tillkeeper store code REGISTER`)"]
    if store["left"]:
        ends = [(one["register"], one["key"][:16], sum(one["finals"].values())) for one in store["left"]]
        lines += ["", output.table(("LEFT", "KEY", ">EVENTS THAT COUNT"), ends)]
    if (code := store["code"]) is not None:
        seconds, tries = f"{code['expires_s']:.0f} s", output.count(code["tries_left"], "wrong try").replace("trys", "tries")
        state = f"is open: {seconds} and {tries} are left"
        if code.get("used"):
            state = f"was used; for {seconds} the same register is answered again, should the answer have been lost"
        lines += ["", f"the join code for {clean(code['register'])} {state}"]
    return "\n".join(lines)

"""Set this register up, as root: asks the few questions that it can not answer itself, shows all that it would write, and
starts the register. Run again it shows what holds now and changes only what is answered anew.

With --answers FILE nobody is asked (docs/setup.md).
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tillkeeper.cli import exits
from tillkeeper.cli.client import Client
from tillkeeper.cli.exits import ApiProblem, Unreachable, UsageError
from tillkeeper.cli.terminal import clean
from tillkeeper.config.files import CONFIG
from tillkeeper.contract.devices import FoundView
from tillkeeper.errors import ConfigInvalid, TillkeeperError
from tillkeeper.setup import doing, ending, machine, plan, site, starting, units
from tillkeeper.setup.answers import Answers
from tillkeeper.setup.asking import Wrong, ask, ask_yes
from tillkeeper.setup.cloning import to_text
from tillkeeper.setup.dialogue import converse, say
from tillkeeper.setup.disk import locked
from tillkeeper.setup.ending import Words
from tillkeeper.setup.interview import interview
from tillkeeper.setup.known import Known, Menu, Secrets
from tillkeeper.setup.plan import Plan, Present
from tillkeeper.setup.site import Site
from tillkeeper.setup.telling import told
from tillkeeper.setup.unattended import pin_length, unattended

HELLO = """\
An empty line takes what stands in [brackets]. Nothing is written before you have seen all of it; Ctrl-C ends.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--answers", type=Path, metavar="FILE", help="take the answers from a file and ask nothing")
    parser.add_argument(
        "--check", action="store_true", help="with --answers: change nothing; exit code 1 where something would"
    )
    parser.add_argument(
        "--print-answers", action="store_true", help="what was answered here, for the next register; no secrets"
    )
    parser.add_argument(
        "--root", type=Path, default=Path("/"), metavar="DIR", help="write below DIR, for images; starts nothing"
    )
    parser.add_argument("--test-slip", action="store_true", help="with --answers: print a test slip at the end")


def run(args: argparse.Namespace) -> int:
    if (args.check or args.test_slip) and args.answers is None:
        raise UsageError("--check and --test-slip go with --answers FILE")
    here = site.find(args.root)
    before = _look(here)
    if args.print_answers:
        if before.content is None:
            raise UsageError(f"{here.config}: there is no configuration yet")
        sys.stdout.write(to_text(before.answers))
        return exits.OK
    if args.answers is not None:
        said, menu, secrets = unattended(args.answers, here, before)
        made = plan.make(here, before, said, menu, secrets, _new_key)
        say(told(here, made, whole=False))
        if args.check:
            say("\nNothing was changed (--check)." if made.changes else "\nAll of it is so already.")
            return exits.REFUSED if made.changes else exits.OK
    else:
        said, menu, secrets, made = _asked(here, before)
    try:
        return _do(args, here, before, said, menu, secrets, made)
    except KeyboardInterrupt:
        say("\nInterrupted: the configuration is the old one or the new one, and whole. Run setup again.")
        raise


def _look(here: Site) -> Present:
    try:
        return plan.look(here)
    except ConfigInvalid as error:
        hint = "put it right by hand (`tillkeeper config check`), or move it away and run setup again"
        raise ConfigInvalid(error.operation, error.subject, error.cause, hint, **error.extra) from error


def _new_key() -> str:
    import secrets

    from tillkeeper.config.network_rules import KEY_DIGITS

    return secrets.token_hex(KEY_DIGITS // 2)


# --- answers from a person ---


def _asked(here: Site, before: Present) -> tuple[Answers, Menu, Secrets, Plan]:
    """Raises KeyboardInterrupt where the person does not want it."""
    sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]  # of a terminal that speaks no UTF-8
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    known = _known(here, before)
    said = before.answers
    say(HELLO)
    try:
        while True:
            said, menu, secrets = converse(interview(known, said))
            try:
                made = plan.make(here, before, said, menu, secrets, _new_key)
            except ConfigInvalid as error:
                exits.explain(error, as_json=False)
                if not converse(ask_yes("again", "Go through the questions again?", default=True)):
                    raise KeyboardInterrupt from error
                continue
            say(told(here, made, whole=True))
            wanted = converse(ask("write", "Do this? yes, no, or again (all questions once more)", _yes_no_again, "yes"))
            if wanted == "yes":
                return said, menu, secrets, made
            if wanted == "no":
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        say("\nNothing was changed.")
        raise


def _yes_no_again(text: str) -> str:
    word = text.strip().lower()
    for one in ("yes", "no", "again"):
        if word and one.startswith(word):
            return one
    raise Wrong("yes, no or again")


def _known(here: Site, before: Present) -> Known:
    zone, tongue = machine.timezone(here.root), machine.locale(here.root)

    def found() -> tuple[FoundView, ...]:
        say("Looking at what is plugged in, asking the network (two seconds) ...")
        return machine.found_devices()

    def identify(address: str) -> str:
        say(f"Asking {address} what it is ({machine.IDENTIFY_S:g} seconds at most) ...")
        return machine.identified(address)

    return Known(
        menu=lambda typed: machine.read_menu(here, typed, start=Path.cwd()),
        found=tuple if here.is_image else found,  # this machine is another one
        identify=(lambda _address: "") if here.is_image else identify,
        models=machine.models(),
        hostname="" if here.is_image else machine.hostname(),
        timezone=zone,
        language=machine.language(tongue),
        country=machine.country(zone, tongue),
        addresses=() if here.is_image else machine.addresses(),
        own=() if here.is_image else machine.own_addresses(),
        people=before.people,
        joined=before.joined,
        has_token=before.has_token,
        fresh=before.content is None,
        pin_length=pin_length(before),
    )


# --- doing it ---


def _do(args: argparse.Namespace, here: Site, before: Present, said: Answers, menu: Menu, secrets: Secrets, made: Plan) -> int:
    tell: Callable[[str], None] = lambda text: say(f"  {clean(text)}")  # noqa: E731 - two lines that differ from print
    again = made.needs_restart
    if made.changes:
        doing.make_folders(here, made.data)
        with locked(here.folder):
            if plan.look(here).content != before.content:
                raise UsageError(f"{here.config} was changed by somebody else meanwhile: run setup again")
            if made.joins:
                tell("joining the store ...")
                for note in doing.join(here, made, said, secrets.join_code, _who()):
                    tell(note)
                made = plan.make(here, plan.look(here), said, menu, secrets, _new_key)
            doing.carry_out(here, made, said, secrets, time.strftime("%Y-%m-%dT%H-%M-%S"), tell)
    if not units.booted(here):
        return _not_started(here, said, made)
    socket = (before.config or made.loaded).api.socket
    return _start(args, here, said, made, socket, again=again, tell=tell)


# --- the register itself ---


def _rest(here: Site, said: Answers, made: Plan) -> Words:
    now = plan.look(here)
    return ending.of_answers(said, made.loaded, joined=now.joined, people=bool(now.people))


def _not_started(here: Site, said: Answers, made: Plan) -> int:
    start = [" ".join(command) for command in units.commands(list(units.UNITS))]
    if here.is_image:
        after = ["the image's register starts at its first boot, where the package has enabled its units"]
    else:
        after = ["systemd does not run here. Where it does: " + "; ".join(f"`{one}`" for one in start)]
        after += [
            "else by hand: `systemd-tmpfiles --create tillkeeper.conf`, "
            f"`tillkeeper run --config {CONFIG}` as the user tillkeeper, `tillkeeper probe` as root"
        ]
    say(ending.summary(_written(here, after=after), _rest(here, said, made)))
    return exits.OK


def _written(here: Site, *, trouble: Sequence[str] = (), after: Sequence[str] = ()) -> Words:
    return Words(works=(f"{here.config} is right",), trouble=tuple(trouble), after=tuple(after))


def _start(
    args: argparse.Namespace, here: Site, said: Answers, made: Plan, socket: str, *, again: bool, tell: Callable[[str], None]
) -> int:
    """`socket`: of the agent that may run already."""
    failed, waits = starting.start(socket, again=again, by=_who(), tell=tell)
    look = "`journalctl -u tillkeeper -n 20` says more"
    if failed:
        say(ending.summary(_written(here, trouble=[failed], after=[look])))
        return exits.PARTLY
    if waits:
        after = [f"the register sells on as it was, and starts again by itself at the next quiet moment ({waits})"]
        after += ["`tillkeeper restart` says what it waits for"]
        say(ending.summary(_written(here, after=after), _rest(here, said, made)))
        return exits.OK
    with Client(socket=made.loaded.api.socket) as client:
        try:
            status = starting.served(client)
        except (Unreachable, ApiProblem) as error:
            say(ending.summary(_written(here, trouble=[str(error)], after=[look])))
            return exits.UNREACHABLE
        if not again and _is_older(status, here):
            tell("the agent runs since before the configuration was written")
            return _start(args, here, said, made, socket, again=True, tell=tell)
        _slip(args, client, said, tell)
        works = ending.of_agent(status, client.get("/v1/preflight"))
    say(ending.summary(works, _rest(here, said, made)))
    return exits.OK


def _who() -> str:
    return os.environ.get("SUDO_USER", "root")


def _is_older(status: "dict[str, Any]", here: Site) -> bool:
    """Whether the agent was started before its configuration was written: a setup before was cut off in between, or somebody
    wrote it by hand. What was written by a clock that is ahead tells nothing."""
    written_s, now_s = here.config.stat().st_mtime, time.time()
    return bool(now_s - status["uptime_s"] < written_s <= now_s)


def _slip(args: argparse.Namespace, client: Client, said: Answers, tell: Callable[[str], None]) -> None:
    """Wanted or not, it never makes the setup fail."""
    printer = said.this.receipt_printer
    asks = args.answers is None
    if not printer or not (
        args.test_slip or (asks and converse(ask_yes("slip", f"Print a test slip on {printer}?", default=True)))
    ):
        return
    try:
        client.post(f"/v1/devices/{printer}/test", {"by": _who()})
        tell(f"a test slip for {printer} is on its way; if none comes out, `tillkeeper devices list` says why")
    except (ApiProblem, Unreachable, TillkeeperError) as error:
        tell(f"no test slip: {error}")

"""What is wrong with the network and what to do about it; what was wrong; a deeper look.

tillkeeper network                        now: what is wrong, what that rests on, what to do
tillkeeper network --watch                and again whenever it changes, until Ctrl-C
tillkeeper network history                what was wrong, newest first
tillkeeper network diagnose --pcap        DHCP, switch port, duplicate addresses, routes; at most 30 s
tillkeeper network key --write FILE       a key for the beacons of a store's registers
"""

import argparse
import grp
import json
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection, add_json, add_key, segment
from tillkeeper.cli.options import MAX_ROWS, whole
from tillkeeper.config.network_rules import KEY_DIGITS

LOOK_S = 0.5
STEP_S = 0.25
DIAGNOSIS_S = 60.0
"""The agent gives up on a diagnosis before that."""
NOT_WATCHED = "the network is not watched (`watch = false` in [network]): nothing new is added here"
PROBER_GROUP = "tillkeeper-probe"

clean = output.clean


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--watch", action="store_true", help="go on and say each change")
    parser.add_argument("--details", action="store_true", help="also every column and every target")
    add_connection(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    # What stands before the action holds for it: an action's own defaults would take the place of what was given there.
    again = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    add_connection(again)
    history = actions.add_parser("history", help="what was wrong, newest first", parents=[again])
    history.add_argument("--limit", type=whole(1, MAX_ROWS), default=20, metavar="N", help="at most so many (20)")
    diagnose = actions.add_parser("diagnose", help="look deeper; the prober sends a few questions more", parents=[again])
    diagnose.add_argument("--pcap", action="store_true", help="keep what was sent and heard, in a file on the register")
    add_key(diagnose)
    key = actions.add_parser(
        "key", help="make the store's beacon key (network.key_file)", argument_default=argparse.SUPPRESS
    )
    key.add_argument("--write", type=Path, required=True, metavar="FILE", help="a new file, mode 640")
    add_json(key)


def run(args: argparse.Namespace) -> int:
    if args.action and (args.watch or args.details):
        raise exits.UsageError(f"--watch and --details show the network now: not with `{args.action}`")
    if args.action == "key":
        return _key(args)
    with Client.of(args) as client:
        if args.action == "history":
            answer = client.get("/v1/network/history", limit=args.limit)
            watched = args.json or client.get("/v1/network")["prober"]["state"] != "off"
            output.show(args, answer, history_text(answer, watched=watched))
        elif args.action == "diagnose":
            return _diagnose(args, client)
        elif args.watch:
            return _watch(args, client)
        else:
            answer = client.get("/v1/network")
            output.show(args, answer, text(answer, details=args.details))
    return exits.OK


# --- now ---


def text(now: dict[str, Any], *, details: bool = False) -> str:
    lines = [_headline(now), *([clean(now["works"])] if now["works"] else [])]
    if now["evidence"]:
        lines += ["", "What this rests on", *(f"  - {clean(words)}" for words in now["evidence"])]
    if now["question"]:
        lines += ["", f"To tell which: {clean(now['question'])}"]
    if now["what_to_do"]:
        lines += ["", "What to do", *(f"  {number}. {clean(words)}" for number, words in enumerate(now["what_to_do"], 1))]
    for also in now["also"]:
        lines += ["", f"Also: {clean(also['text'])}"]
        lines += [f"  {clean(also['hint'])}"] if also["hint"] else []
    if details:
        lines += ["", *_details(now)]
    return "\n".join([*lines, "", *_prober(now)])


def _headline(now: dict[str, Any]) -> str:
    since = "" if now["since_age_s"] is None else f" for {output.age(now['since_age_s'])}"
    named = f"  ({' or '.join(clean(code) for code in now['faults'])})" if now["faults"] else ""
    said = "off" if now["prober"]["state"] == "off" else clean(now["phase"])
    return f"[{said}{since}] {clean(now['headline'])}{named}"


def _prober(now: dict[str, Any]) -> list[str]:
    prober = now["prober"]
    lines = []
    if prober["state"] == "reporting":
        where = f"{clean(prober['version'])} on {clean(prober['interface']) or 'no interface'}"
        asked = f"{prober['probes_sent']} questions asked, {prober['arp_sent']} by ARP"
        lines.append(f"prober {where}: {asked}, {prober['wan_bytes']} bytes to the internet")
    elif prober["version"] and prober["pid"] is not None:
        lines.append(f"the last prober was {clean(prober['version'])}, process {prober['pid']}")
    if prober["trouble"]:
        lines.append(f"prober: {clean(prober['trouble'])}")
    if now["history_trouble"]:
        lines.append(f"the timeline is not being written: {clean(now['history_trouble'])}")
    return lines


def _details(now: dict[str, Any]) -> list[str]:
    columns = [
        (
            column["column"], column["state"], column["hits"], column["misses"], column["late"], column["run"], column["paths"],
            _ms(column["rtt_ms"]), _ms(column["usual_ms"]), column["detail"],
        )
        for column in now["columns"]
    ]  # fmt: skip
    targets = [
        (
            target["target"], target["address"], target["way"], target["works"], target["sent"], target["answered"],
            target["late"], _ms(target["rtt_ms"]), target["mac"],
        )
        for target in now["targets"]
    ]  # fmt: skip
    heads = ("COLUMN", "STATE", ">HITS", ">MISSES", ">LATE", ">RUN", ">PATHS", ">RTT MS", ">USUAL", "DETAIL")
    asked = ("TARGET", "ADDRESS", "WAY", "WORKS", ">SENT", ">ANSWERED", ">LATE", ">RTT MS", "MAC")
    peers = [(peer["register"], peer["address"], peer["phase"], ", ".join(peer["faults"])) for peer in now["peers"]]
    return [
        output.table(heads, columns, empty="no columns"), "",
        output.table(asked, targets, empty="no targets"), "",
        output.table(("REGISTER", "ADDRESS", "PHASE", "FAULTS"), peers, empty="no other register is heard"),
    ]  # fmt: skip


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _watch(args: argparse.Namespace, client: Client) -> int:
    """Until Ctrl-C, which is its orderly end. An agent that goes away in between is waited for."""
    said: object = None
    first = True
    try:
        while True:
            try:
                now = client.get("/v1/network")
            except (exits.Unreachable, exits.ApiProblem) as error:
                if first or (isinstance(error, exits.ApiProblem) and error.exit_code != exits.UNREACHABLE):
                    raise
                now, fresh = None, [str(error)]
            else:
                fresh = [now["phase"], now["headline"], now["faults"], now["prober"]["state"]]
                fresh += [one["code"] for one in now["also"]]
            if fresh != said:
                said = fresh
                _say_change(args, now, fresh[0], first=first)
            first = False
            time.sleep(LOOK_S)
    except KeyboardInterrupt:
        return exits.OK


def _say_change(args: argparse.Namespace, now: dict[str, Any] | None, trouble: str, *, first: bool) -> None:
    if args.json:
        output.say(json.dumps(now if now is not None else {"unreachable": trouble}, ensure_ascii=False))
        return
    words = text(now, details=args.details) if now is not None else clean(trouble)
    output.say(("" if first else "\n") + f"--- {output.clock(round(time.time() * 1000))}\n{words}")


# --- what was ---


def history_text(answer: dict[str, Any], *, watched: bool = True) -> str:
    lines = [] if watched else [NOT_WATCHED]
    for entry in answer["entries"]:
        lasted = "end unknown" if entry["lasted_s"] is None else output.age(entry["lasted_s"])
        lasted = "goes on" if entry["going_on"] else lasted
        lines.append(f"{output.clock(entry['began_at_ms'])}  {lasted:>11}  {clean(entry['headline'])}")
        if entry["corrected_faults"]:
            lines.append(f"{'':14}afterwards known: {clean(entry['corrected_headline'])}")
        if entry["why"]:
            lines.append(f"{'':14}{clean(entry['why'])}")
    if not lines:
        lines.append("nothing was wrong with the network as far as is known")
    if answer["more"]:
        lines.append("there is more: --limit")
    if answer["trouble"]:
        lines.append(f"the timeline is not being written: {clean(answer['trouble'])}")
    return "\n".join(lines)


# --- a deeper look ---


def _diagnose(args: argparse.Namespace, client: Client) -> int:
    """Says each step as it begins and ends."""
    say: Callable[[str], None] = (lambda _text: None) if args.json else output.say
    now = client.post("/v1/network/diagnoses", {"pcap": args.pcap, "by": args.by}, args.key)
    path = f"/v1/network/diagnoses/{segment(now['diagnosis_id'])}"
    told: dict[str, str] = {}
    until_s = time.monotonic() + DIAGNOSIS_S
    while True:
        for step in now["steps"]:
            if told.get(step["check"]) != step["state"]:
                told[step["check"]] = step["state"]
                say(step_text(step))
        if now["state"] != "running" or time.monotonic() > until_s:
            break
        time.sleep(STEP_S)
        now = client.get(path)
    if args.json:
        output.say(json.dumps(now, ensure_ascii=False, indent=2))
    for line in _end(now):
        say(line)
    return exits.OK if now["state"] == "done" else exits.REFUSED


def step_text(step: dict[str, Any]) -> str:
    lines = [f"[{clean(step['state'])}] {clean(step['check'])}: {clean(step['words'])}"]
    for name, value in step["result"].items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        if shown not in ("", None):
            lines.append(f"    {clean(name)}: {clean(shown)}")
    return "\n".join(lines)


def _end(now: dict[str, Any]) -> list[str]:
    lines = []
    if now["state"] == "done":
        lines.append(f"done in {output.age(now['took_s'])}")
    else:
        lines.append(f"not done: {clean(now['trouble']) or 'it is still running'}")
    if now["pcap"]:
        lines.append(f"capture: {clean(now['pcap'])}")
    return lines


def _key(args: argparse.Namespace) -> int:
    """A new file: one that is there is never written over, for the other registers have it."""
    path: Path = args.write
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        os.fchmod(handle, 0o640)  # whatever the umask says
        group = _give_to_prober(handle)
        file.write(secrets.token_hex(KEY_DIGITS // 2) + "\n")
        file.flush()
        os.fsync(handle)
    readable = f"group {group} may read it" if group else "the prober's user must be able to read it"
    words = f"{path}: copy it to every register of the store and name it as `key_file` in [network]; {readable}"
    output.show(args, {"file": str(path), "group": group}, words)
    return exits.OK


def _give_to_prober(handle: int) -> str:
    """The group that the file now belongs to, empty where the prober's is not here or not ours to give."""
    try:
        os.fchown(handle, -1, grp.getgrnam(PROBER_GROUP).gr_gid)
    except (KeyError, PermissionError):
        return ""
    return PROBER_GROUP

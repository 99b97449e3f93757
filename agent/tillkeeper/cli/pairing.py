"""A technician's way to another printer: `devices pair`, `replace`, `undo` and `reset`.

tillkeeper devices replace grill --with "TM-m30"     a slip, "is it this one?", and the tickets that wait follow
tillkeeper devices pair                              the same, with the printer asked first; each question has a flag
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection, add_key, new_key, segment
from tillkeeper.config import address as where

PRINTERS = ("escpos", "star", "escpos_display")
ANSWER_S = 60.0
"""A slip and a probe take their time."""
ACTIONS = ("pair", "replace", "undo", "reset")
clean = output.clean
Parsers = Any
"""What `add_subparsers` gives."""


def add_actions(actions: Parsers) -> None:
    replace = actions.add_parser("replace", help="another printer takes this one's place, and what waits follows")
    replace.add_argument("device", help="its name in the configuration")
    _found(replace, required=True)
    pair = actions.add_parser("pair", help="ask a found printer who it is and what it can do, and make it a device")
    pair.add_argument("device", nargs="?", help="of the configuration (asked)")
    _found(pair, required=False)
    pair.add_argument("--sheet", choices=("yes", "no"), help="print a sheet of code pages (asked where the model is not known)")
    pair.add_argument("--lines", metavar="LETTERS", help="the lines of the sheet that read right, as ACD (asked)")
    pair.add_argument("--paper", choices=("80", "58"), help="paper width in mm of a model that is not known (asked)")
    pair.add_argument("--drawer", metavar="NAME", help="also try this drawer, and learn what its switch tells")
    pair.add_argument("--opened", choices=("yes", "no"), help="whether the drawer has opened (asked)")
    pair.add_argument("--bell", action="store_true", help="also ring the bell that hangs on it")
    pair.add_argument("--export", type=Path, metavar="FILE", help="write what was learned as a profile")
    for name, words in (("undo", "what it was before it was replaced last"), ("reset", "what the configuration says")):
        back = actions.add_parser(name, help=f"make a device again {words}")
        back.add_argument("device", help="its name in the configuration")
        add_key(back)
        add_connection(back)


def _found(parser: argparse.ArgumentParser, *, required: bool) -> None:
    what = "identity, address or part of the title of what `discover` lists" + ("" if required else " (asked)")
    parser.add_argument("--with", dest="found", metavar="FOUND", required=required, help=what)
    parser.add_argument("--profile", default="", help="its model, where it does not tell or tells wrong")
    parser.add_argument("--yes", action="store_true", help="it is the right one, whatever comes out: ask nothing")
    parser.add_argument("--keep-held", action="store_true", help="tickets that are held stay held")
    add_key(parser)
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    args.timeout = max(args.timeout, ANSWER_S)
    with Client.of(args) as client:
        if args.action in ("undo", "reset"):
            answer = client.post(f"/v1/devices/{segment(args.device)}/{args.action}", {"by": args.by}, args.key)
            now = _device(client, args.device)
            output.show(args, answer, f"{args.device} is {now['address']} ({now['profile'] or now['kind']}) again")
            return exits.OK
        if args.action == "replace":
            found = _pick(client, args.found, args.device)
            return _slip(args, client, args.device, found, args.profile)
        return _pair(args, client)


# --- steps ---


def _device(client: Client, name: str) -> dict[str, Any]:
    for one in client.get("/v1/devices")["devices"]:
        if one["device"] == name:
            return dict(one)
    raise exits.UsageError(f"no device {name!r} is configured")


def _pick(client: Client, wanted: str | None, device: str) -> dict[str, Any]:
    """What `--with` means, or what a person chooses."""
    found = [one for one in client.post("/v1/devices/search", {})["found"] if one["bus"] != "display"]
    if wanted is None:
        if not found:
            raise exits.UsageError("no printer is plugged in or answers: switch it on and try again")
        for number, one in enumerate(found, 1):
            used = f"   in use as {', '.join(one['devices'])}" if one["devices"] else ""
            output.say(f"{number:3}  {clean(one['title'])}, {clean(one['address'])}{clean(used)}")
        said = _ask(f"Which one is to be {device}?", [str(number) for number in range(1, len(found) + 1)])
        return dict(found[int(said) - 1])
    fitting = _fitting(found, wanted)
    if len(fitting) != 1:
        there = ", ".join(f"{clean(one['title'])} ({clean(one['address'])})" for one in fitting or found) or "nothing"
        why = "several fit" if fitting else "none fits"
        raise exits.UsageError(f"--with {wanted}: {why}; there is {there}" + ("" if fitting else _by_hand(wanted, device)))
    return dict(fitting[0])


def _fitting(found: list[dict[str, Any]], wanted: str) -> list[dict[str, Any]]:
    """Those whose identity, address (with or without its port) or MAC it is; else those that have it in their title."""
    exact = [one for one in found if wanted in (one["identity"], one["address"])]
    if exact:
        return exact
    network = [one for one in found if one["bus"] == "network"]
    mac = where.mac(wanted)
    at = [one for one in network if wanted == where.host_port(one["address"])[0] or (mac and mac == where.mac(one["mac"]))]
    return at or [one for one in found if wanted.lower() in one["title"].lower()]


def _by_hand(wanted: str, device: str) -> str:
    """What helps where `wanted` is an address: not every printer answers a search."""
    if not where.is_host_port(wanted) and wanted.count(".") != 3:
        return ""
    address = wanted if where.is_host_port(wanted) else f"{wanted}:9100"
    return (
        f". A printer that answers no search is not listed: write its address into the configuration, in [devices.{device}]"
        f' address = "{address}", and start the agent again'
    )


def _slip(args: argparse.Namespace, client: Client, device: str, found: dict[str, Any], profile: str) -> int:
    """Print it, ask, and make it so."""
    key = args.key or new_key()
    body = {"found": found["identity"], "profile": profile, "by": args.by}
    slip = client.post(f"/v1/devices/{segment(device)}/replacements", body, key)
    said = {"confirmed": "has printed", "sent": "was sent", "unknown": "may have printed"}[slip["printed"]]
    waiting = f"; {output.count(slip['waiting'], 'ticket')} will follow" if slip["waiting"] else ""
    if not args.json:
        output.say(f"{clean(slip['title'])} {said} slip {slip['number']}, as {clean(slip['profile'])}{waiting}.")
        if not slip["profile_known"]:
            output.say("  It does not say which model it is: `--profile` says so.")
    if not args.yes and _ask("Is it the right printer?", ["y", "n"]) != "y":
        output.show(args, {**slip, "confirmed": False}, "Nothing was changed.")
        return exits.REFUSED
    path = f"/v1/devices/{segment(device)}/replacements/{segment(slip['replacement_id'])}/confirm"
    client.post(path, {"by": args.by, "release": not args.keep_held}, f"{key}.confirm")
    output.show(args, {**slip, "confirmed": True}, f"{device} is {slip['address']} ({slip['profile']}) from now on.")
    return exits.OK


def _pair(args: argparse.Namespace, client: Client) -> int:
    device = args.device
    if device is None:
        names = [one["device"] for one in client.get("/v1/devices")["devices"] if one["kind"] in PRINTERS]
        device = _ask("Which device of the configuration is it to be?", names)
    found = _pick(client, args.found, device)
    told = _probe(client, device, found, args, sheet=False)
    if not args.json:
        output.say(facts(told))
    profile = args.profile or told["profile"]
    pages: dict[int, str] = {}
    if told["speaks"] == "escpos" and _wants_sheet(args, profile):
        pages = _pages(args, _probe(client, device, found, args, sheet=True)["sheet"])
    if not profile and told["speaks"] == "escpos":
        paper = args.paper or ("80" if args.yes else _ask("How wide is its paper, in mm?", ["80", "58"]))
        profile = f"generic-{paper}"
    if args.export is not None:
        _export(args, told, profile, pages)
    ended = _slip(args, client, device, found, profile)
    if ended == exits.OK and args.bell:
        _bell(args, client, device)
    if ended == exits.OK and args.drawer:
        _drawer(args, client, args.drawer)
    return ended


def _probe(client: Client, device: str, found: dict[str, Any], args: argparse.Namespace, *, sheet: bool) -> dict[str, Any]:
    body = {"found": found["identity"], "profile": args.profile, "sheet": sheet, "by": args.by}
    return dict(client.post(f"/v1/devices/{segment(device)}/probe", body))


def _wants_sheet(args: argparse.Namespace, profile: str) -> bool:
    if args.sheet is not None or args.yes or profile:
        return bool(args.sheet == "yes")
    return _ask("Its model is not known. Print a sheet of code pages?", ["y", "n"]) == "y"


def _pages(args: argparse.Namespace, sheet: list[dict[str, Any]]) -> dict[int, str]:
    """The pages that read right, in the order in which they were named."""
    lines = {line["letter"]: line for line in sheet}
    if not args.json:
        output.say("Each line of the sheet should read:")
        output.say("\n".join(f"  {letter}  {clean(line['text'])}" for letter, line in lines.items()))
    said = args.lines
    if said is None and not args.yes:
        said = _read("Which lines read right? (as ACD, the best first) ")
    chosen = dict.fromkeys(letter for letter in (said or "").upper() if letter.isalpha())
    if unknown := [letter for letter in chosen if letter not in lines]:
        raise exits.UsageError(f"the sheet has no line {', '.join(unknown)}")
    return {int(lines[letter]["page"]): str(lines[letter]["codec"]) for letter in chosen}


def _export(args: argparse.Namespace, told: dict[str, Any], profile: str, pages: dict[int, str]) -> None:
    """What was learned, as a profile that can be added to the known ones."""
    import msgspec

    from tillkeeper.contract.devices import ProbeView
    from tillkeeper.devices.pairing import exported

    model = "-".join(part for part in (told["maker"], told["model"]) if part) or args.export.stem
    name = "-".join("".join(character if character.isalnum() else " " for character in model.lower()).split())
    text = exported(msgspec.convert(told, ProbeView), name or "unknown", profile or "generic-80", pages)
    args.export.write_text(text, "utf-8")
    if not args.json:
        output.say(f"{args.export}: profile {name}")


def _bell(args: argparse.Namespace, client: Client, device: str) -> None:
    """Rings with a slip, after asking."""
    if not args.yes and _ask(f"Ring the bell of {device} now?", ["y", "n"]) != "y":
        return
    client.post(f"/v1/devices/{segment(device)}/try", {"by": args.by})
    if not args.yes and _ask("Did it ring?", ["y", "n"]) != "y":
        sys.stderr.write("Look at its cable and at bell_pin: a drawer's plug fits there too.\n")


def _drawer(args: argparse.Namespace, client: Client, drawer: str) -> None:
    """One pulse, after asking, and what its switch tells."""
    if not args.yes and _ask(f"Shut {drawer}. Try it now?", ["y", "n"]) != "y":
        return
    client.post(f"/v1/devices/{segment(drawer)}/try", {"by": args.by})
    opened = args.opened or {"y": "yes", "n": "no"}[_ask("Did the drawer open?", ["y", "n"])]
    client.post(f"/v1/devices/{segment(drawer)}/learn", {"opened": opened == "yes", "by": args.by})
    if not args.json:
        known, not_opened = "its switch is known now", "it did not open: look at its cable and its pin"
        output.say(f"{drawer}: {known if opened == 'yes' else not_opened}")


def facts(told: dict[str, Any]) -> str:
    """What it told of itself, as a table."""
    names = (
        ("speaks", told["speaks"] or "nothing that is known"),
        ("maker", told["maker"]),
        ("model", told["model"]),
        ("model id", "" if told["model_id"] is None else str(told["model_id"])),
        ("firmware", told["firmware"]),
        ("serial", told["serial"]),
        ("cutter", told["cutter"]),
        ("status by DLE EOT", told["real_time_status"]),
        ("status by itself", told["automatic_status"]),
        ("answers GS r", told["paper_query"]),
        ("confirms (GS ( H, counter)", told["process_id"]),
        ("profile", told["profile"] or "none fits"),
        ("", told["detail"]),
    )
    return output.table(("", ""), [row for row in names if row[1]])


# --- asking ---


def _ask(question: str, answers: list[str]) -> str:
    """One of `answers`. Raises `UsageError` where nobody is there to answer."""
    while True:
        said = _read(f"{question} [{'/'.join(answers)}] ").strip()
        if said in answers:
            return said
        if said.lower() in answers:
            return said.lower()


def _read(prompt: str) -> str:
    sys.stderr.write(prompt)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise exits.UsageError(f"nobody answers {prompt.strip()!r}: each question has a flag, see --help")
    return line.rstrip("\n")

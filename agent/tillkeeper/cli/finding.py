"""What is plugged in and what answers on the network, and the devices as they change.

tillkeeper devices discover        asks the network (two seconds) and lists all; without an agent, as this user sees it
tillkeeper devices watch           says each change of a device, until Ctrl-C
"""

import argparse
import asyncio
import json
import time
from typing import Any

from tillkeeper.cli import exits, output, status
from tillkeeper.cli.client import Client

LOOK_S = 0.5
NO_AGENT = "No agent answers: this is what this user sees, and what of it is configured is not known."
clean = output.clean


def discover(args: argparse.Namespace) -> int:
    try:
        with Client.of(args) as client:
            answer = client.post("/v1/devices/search", {})
    except exits.Unreachable:
        if args.url:
            raise
        answer = asyncio.run(_here())
        output.show(args, answer, f"{text(answer)}\n\n{NO_AGENT}")
    else:
        output.show(args, answer, text(answer))
    return exits.OK


async def _here() -> dict[str, Any]:
    """The same without an agent."""
    import msgspec

    from tillkeeper.clock import wall_ms
    from tillkeeper.devices.finder import Finder
    from tillkeeper.devices.found import FoundDesk
    from tillkeeper.devices.locator import Locator
    from tillkeeper.devices.registry import profiles

    locator = Locator(wall_ms)
    finder = Finder(locator, profiles=profiles)
    await finder.look()
    answer: dict[str, Any] = msgspec.to_builtins(await FoundDesk(finder, locator).search())
    return answer


def text(answer: dict[str, Any]) -> str:
    """A table, and what is wrong below it."""
    rows = [
        (one["title"], one["address"], one["mac"] or one["port"], one["profile"] or "?", ", ".join(one["devices"]) or "-")
        for one in answer["found"]
    ]
    heads = ("WHAT", "ADDRESS", "MAC OR SOCKET", "PROFILE", "CONFIGURED AS")
    lines = [output.table(heads, rows, empty="nothing is plugged in, nothing answers")]
    for one in answer["found"]:
        if one["trouble"] or one["detail"]:
            lines += ["", f"{clean(one['title'])} ({clean(one['address'])}): {clean(one['detail'])}"]
            lines += [f"  {clean(one['hint'])}"] if one["hint"] else []
    for one in answer["moved"]:
        lines += ["", f"{clean(one['device'])} moved from {clean(one['configured'])} to {clean(one['now'])} and was followed"]
    return "\n".join(lines)


# --- watching ---


def watch(args: argparse.Namespace) -> int:
    """Until Ctrl-C, which is its orderly end. An agent that goes away in between is waited for."""
    told: dict[str, str] | None = None
    away = False
    with Client.of(args) as client:
        try:
            while True:
                try:
                    now = seen(client.get("/v1/devices"), client.get("/v1/devices/found"))
                except (exits.Unreachable, exits.ApiProblem) as error:
                    if told is None or (isinstance(error, exits.ApiProblem) and error.exit_code != exits.UNREACHABLE):
                        raise
                    if not away:
                        _say(args, "agent", str(error))
                    away = True
                else:
                    for what, words in changes(told, now):
                        _say(args, what, words)
                    told, away = now, False
                time.sleep(LOOK_S)
        except KeyboardInterrupt:
            return exits.OK


def _say(args: argparse.Namespace, what: str, words: str) -> None:
    at_ms = round(time.time() * 1000)
    if args.json:
        output.say(json.dumps({"at_ms": at_ms, "what": what, "words": words}, ensure_ascii=False))
    else:
        output.say(f"{output.clock(at_ms)}  {clean(what)}: {clean(words)}")


def seen(devices: dict[str, Any], found: dict[str, Any]) -> dict[str, str]:
    """What there is -> its state in words."""
    states = {f"device {one['device']}": _state(one) for one in devices["devices"]}
    states |= {f"{one['title']} ({one['address']})": one["detail"] or "there" for one in found["found"]}
    return states | {f"address of {one['device']}": f"{one['now']}, configured {one['configured']}" for one in found["moved"]}


def _state(device: dict[str, Any]) -> str:
    words = status.state(device)
    words += ["drawer closed"] if device["drawer_open"] == "no" else []
    words += ["its buffer is full"] if device["buffer_full"] == "yes" else []
    words += [f"{device['queued']} waiting"] if device["queued"] else []
    words += [f"{device['held']} held"] if device["held"] else []
    words += [f"behind by {device['behind']}"] if device["behind"] else []
    return ", ".join(words)


def changes(before: dict[str, str] | None, now: dict[str, str]) -> list[tuple[str, str]]:
    """What is to be said: all of it the first time."""
    before = before or {}
    fresh = [(what, words) for what, words in now.items() if before.get(what) != words]
    return fresh + [(what, "gone") for what in before if what not in now]

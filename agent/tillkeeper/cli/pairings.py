"""Which devices are paired with the store, when this register heard them last, and how they reach it."""

import argparse
import time
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        found = client.get("/v1/pairings")
    output.show(args, found, words(found, time.time()))
    return exits.OK


def words(found: dict[str, Any], now_s: float) -> str:
    """All of it, for people."""
    lan = found["lan"]
    lines = [
        f"Devices reach this register at {', '.join(lan['urls'])}" if lan["urls"] else "[lan] is off: no device reaches it."
    ]
    if lan["trouble"]:
        lines.append(f"It does not work now: {output.clean(lan['trouble'])}")
    if lan["urls"] and not lan["secure"]:
        lines.append("Without HTTPS: anybody on the network can listen, and pages do not survive a reload on their own.")
    if lan["fingerprint"]:
        lines.append(f"Certificate to install: SHA-256 {lan['fingerprint']}")
    if found["open"]:
        one = found["open"]
        state = f"is open for {one['expires_s']:.0f} s more"
        state += f"; {one['refused']} wrong {'try' if one['refused'] == 1 else 'tries'}" if one["refused"] else ""
        lines.append(f"A code for {one['name']} ({one['scope']}) {'has been used' if one['used'] else state}.")
    lines.append("")
    rows = [
        (one["name"], one["scope"], one["terminal"], _seen(one, now_s), one["register"], output.clean(one["by"]))
        for one in found["devices"]
    ]
    table = output.table(("NAME", "SCOPE", "PLACE", "LAST HEARD HERE", "PAIRED AT", "BY"), rows)
    lines.append(table if rows else "No device is paired: `tillkeeper pair kitchen NAME`.")
    return "\n".join(lines)


def _seen(one: dict[str, Any], now_s: float) -> str:
    if one["connected"]:
        return "connected"
    if one["last_seen_ms"] is None:
        return "not since the start"
    age_s = max(0.0, now_s - one["last_seen_ms"] / 1000)
    for limit, unit, word in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if age_s < limit:
            return f"{age_s / unit:.0f} {word} ago"
    return f"{age_s / 86_400:.0f} days ago"

"""The register in one look: connection, what only this machine holds, devices, advisories."""

import argparse
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import Client, add_connection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    with Client.of(args) as client:
        status = client.get("/v1/status")
    output.show(args, status, text(status))
    return exits.OK


def text(status: dict[str, Any]) -> str:
    clean = output.clean
    lines = [
        f"{clean(status['store'])} / {clean(status['register'])}",
        f"tillkeeper {clean(status['version'])}, up {output.age(status['uptime_s'])}",
        f"[{clean(status['dot']['colour'])}] {clean(status['dot']['words'])}",
        f"offline support: {'enabled' if status['offline_support'] else 'not enabled'}",
        f"business day {clean(status['business_day'])}, {output.count(status['checks_open'], 'open check')}",
        clean(status["only_here_words"]) or f"only on this register: {status['only_here']}",
        f"catalogue {clean(status['catalogue_version'])}, age {output.age(status['catalogue_age_s'])}",
    ]
    if staff := status.get("staff"):  # none of an agent of an earlier version
        age_s = max(0.0, (status["at_ms"] - staff["changed_at_ms"]) / 1000)
        lines.append(f"staff: {staff['people']} on list {clean(staff['version'])}, changed {output.age(age_s)} ago")
    lines += [f"{clean(_name(sink))}: {clean(sink['words'])}" for sink in status["sinks"]]
    lines += [f"paused: {clean(words)}" for words in status["paused"]]
    if not status["selling"]:
        lines.append("NOT SELLING: the journal refuses to store")
    if status["jobs_waiting"] or status["jobs_held"]:
        lines.append(f"jobs: {status['jobs_waiting']} waiting, {status['jobs_held']} held")
    lines += ["", devices(status["devices"])]
    for advisory in status["advisories"]:
        subject = f" ({clean(advisory['subject'])})" if advisory["subject"] else ""
        lines += [
            "",
            f"{clean(advisory['severity']).upper()}: {clean(advisory['title'])}{subject}",
            f"  {clean(advisory['text'])}",
        ]
        if advisory["hint"]:
            lines.append(f"  {clean(advisory['hint'])}")
    return "\n".join(lines)


def _name(sink: dict[str, Any]) -> str:
    return str(sink["name"]) if sink["kind"] == "hq" else f"register {sink['name']}"


def state(device: dict[str, Any]) -> list[str]:
    """How a device is, and what else is worth a look; the register's page says the same. Unknown is never shown as fine."""
    known = "no trouble known" if device["known"] else "unknown: it has said nothing yet"
    words = [device["trouble"] or device.get("note") or known]
    words += ["paper near its end"] if device.get("paper_near_end") == "yes" else []
    return words + (["drawer open"] if device.get("drawer_open") == "yes" else [])


def devices(found: list[dict[str, Any]]) -> str:
    rows = [
        (
            device["device"],
            device["kind"],
            ", ".join(state(device)),
            device["queued"],
            device["held"],
            ", ".join(device["stations"]),
        )
        for device in found
    ]
    return output.table(("DEVICE", "KIND", "STATE", ">QUEUED", ">HELD", "STATIONS"), rows, empty="no devices")

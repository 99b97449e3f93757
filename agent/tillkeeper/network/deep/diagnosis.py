"""Puts the checks of a diagnosis together and runs them."""

import ipaddress
import secrets
import time
from contextlib import ExitStack
from pathlib import Path

from tillkeeper.network import dns
from tillkeeper.network.assignment import CAPTURE_BYTES, Assignment
from tillkeeper.network.deep import dhcp, dissect, duplicate, gateway, path_mtu, switch_port, trace
from tillkeeper.network.deep.check import Check, Plain, Tell
from tillkeeper.network.deep.line import Line, listening
from tillkeeper.network.deep.link import Link, is_wireless
from tillkeeper.network.deep.pcap import Capture
from tillkeeper.network.deep.resolvers import Resolvers
from tillkeeper.network.deep.run import Run, refused

RAW_CHECKS = ("dhcp", "switch_port", "duplicate_address", "gateway", "route_hq", "route_anycast", "path_mtu")
NOWHERE: dict[str, str] = {"ipv4": "0.0.0.0", "ipv6": "::"}  # noqa: S104
ASKED_BY = 0
"""Standard input: it ends with whoever asked."""


def diagnose(assignment: Assignment, tell: Tell, end_s: float) -> str:
    """Until all checks have ended, at `end_s` of the monotonic clock at the latest. The path of the capture, or "".

    Raises `check.Abandoned`."""
    checks: list[Check] = [Link(assignment.interface), _resolvers(assignment)]
    with ExitStack() as stack:
        line, capture = None, None
        try:
            line = Line(assignment.interface, assignment.arp_per_s, _wanted(assignment), time.monotonic)
        except OSError as error:
            for name in RAW_CHECKS:
                tell(name, "failed", refused(error), {})
        else:
            stack.callback(line.close)
            checks += _raw_checks(assignment, line)
        if assignment.pcap:
            capture = _capture(assignment, tell)
        if capture is not None:
            stack.enter_context(capture)
        Run(line, capture, ASKED_BY, tell, time.monotonic).until_done(checks, end_s)
        if capture is None:
            return ""
        found: dict[str, Plain] = {"path": assignment.pcap, "frames": capture.frames, "left_out": capture.left_out}
        tell("capture", "done", f"{capture.frames} frames in {assignment.pcap}", found)
        return assignment.pcap


def _capture(assignment: Assignment, tell: Tell) -> Capture | None:
    try:
        capture = Capture(Path(assignment.pcap), listening(assignment.interface), CAPTURE_BYTES)
    except OSError as error:
        tell("capture", "failed", f"Nothing is captured. {refused(error)}", {})
        return None
    tell("capture", "running", "Keeping what is sent and heard, without what could be secret ...", {})
    return capture


def _resolvers(assignment: Assignment) -> Check:
    only_ipv6 = bool(assignment.addresses) and not _own(assignment, "ipv4")
    record: dns.Record = "AAAA" if only_ipv6 else "A"
    own, others = assignment.resolvers, assignment.other_resolvers
    return Resolvers(own, others, assignment.name, record, nonsense=secrets.token_hex(8), identifier=secrets.randbelow(65536))


def _raw_checks(assignment: Assignment, line: Line) -> list[Check]:
    hq, anycast = assignment.hq, assignment.anycast
    hq_from, anycast_from = _source(assignment, hq), _source(assignment, anycast)
    # Identifiers that differ from each other and from one diagnosis to the next; the ports are dynamic ones.
    first, port = secrets.randbelow(65536 - 3), 49152 + secrets.randbelow(16000)
    addresses = tuple(each.address for each in assignment.addresses if not each.address.startswith("fe80:"))
    gateways = tuple((asked, _asking(assignment, asked)) for asked in _gateways(assignment))
    return [
        dhcp.Dhcp(line, secrets.randbits(32), assignment.gateways.get("ipv4", "")),
        switch_port.SwitchPortCheck(line, wireless=is_wireless(assignment.interface)),
        duplicate.DuplicateAddress(line, addresses, dissect.vendor),
        gateway.GatewayClaims(line, gateways, dissect.vendor),
        trace.Trace(line, "hq", hq, hq_from, first, port),
        trace.Trace(line, "anycast", anycast, anycast_from, first + 1, port + 1),
        path_mtu.PathMtu(line, (("HQ", hq, hq_from), (anycast, anycast, anycast_from)), first + 2),
    ]


def _gateways(assignment: Assignment) -> list[str]:
    return [address.partition("%")[0] for address in assignment.gateways.values()]


def _wanted(assignment: Assignment) -> frozenset[bytes]:
    wanted = [*(each.address for each in assignment.addresses), *_gateways(assignment)]
    return frozenset(ipaddress.ip_address(address).packed for address in wanted)


def _own(assignment: Assignment, family: str) -> list[str]:
    return [each.address for each in assignment.addresses if each.family == family]


def _source(assignment: Assignment, target: str) -> str:
    """The own address that a packet to `target` carries; a link-local one goes nowhere."""
    own = _own(assignment, "ipv6" if ":" in target else "ipv4") if target else []
    return next((address for address in own if not address.startswith(("fe80:", "169.254."))), "")


def _asking(assignment: Assignment, gateway: str) -> str:
    """The own address to ask for a gateway from: of its subnet, else the first, else none (a probe)."""
    family = "ipv6" if ":" in gateway else "ipv4"
    same = [each for each in assignment.addresses if each.family == family]
    near = [
        each.address
        for each in same
        if ipaddress.ip_address(gateway) in ipaddress.ip_network(f"{each.address}/{each.prefix}", strict=False)
    ]
    return next(iter([*near, *(each.address for each in same)]), NOWHERE[family])

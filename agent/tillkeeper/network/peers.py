"""What other registers' word changes: who it is that is cut off, and which router is the right one. Pure."""

from tillkeeper.network.faults import Fault, depth
from tillkeeper.network.model import ColumnName, Evidence, PeerState, Sign, Tri

LAG_S = 2.5
"""A beacon a second, heard within three: before that a peer may still tell of the time before the fault."""
AGREES = -0.7
DISAGREES = 2.5
"""Nats for each of the first two peers that see what I see, or see the opposite for longer than `LAG_S`."""
COUNTED = 2
LAN_ROUNDS = 7
SHARED_FROM = 3
"""Layers from the router on are the same for all registers (`faults.LAYERS`)."""


def live(evidence: Evidence) -> tuple[PeerState, ...]:
    """Peers whose word is of now: nobody who went silent together with everything else."""
    heard = evidence.columns.get("broadcast")
    if heard is not None and (heard.state == "no" or heard.run > 0):
        return ()
    return evidence.peers


def word_cost(fault: Fault, silent: set[ColumnName], onset_s: float, evidence: Evidence) -> float:
    """What peers' columns add to the cost of a fault that all registers should feel. `silent`: columns that are silent here."""
    if depth(fault.code) < SHARED_FROM or not silent:
        return 0.0
    cost = 0.0
    for peer in live(evidence)[:COUNTED]:
        said = {word_of(peer, name) for name in silent if fault.columns[name] == "no"} - {"unknown"}
        if said == {"no"}:
            cost += AGREES
        elif said == {"yes"}:
            cost += DISAGREES if evidence.at_s - onset_s > LAG_S else 0.0
    return cost


def word_of(peer: PeerState, name: ColumnName) -> Tri:
    return peer.columns.get(name, "unknown")


def gateway_faults(signs: tuple[Sign, ...], evidence: Evidence, pinned: str) -> tuple[str, ...]:
    """Of a changed MAC of the router: two that answer, or one that peers or the owner know otherwise, are a pretender; a new
    one alone is another router (or VRRP's next)."""
    kinds = {sign.kind: sign for sign in signs}
    two, changed = kinds.get("gateway_two_macs"), kinds.get("gateway_mac_changed")
    if two is not None:
        return ("gateway_spoofed",)
    if changed is None:
        return ()
    old, _, new = changed.detail.partition(" -> ")
    new = new.partition(" ")[0]
    if "VRRP" in changed.detail or (pinned and new == pinned.lower()):
        return ("gateway_replaced",)
    router = evidence.columns.get("router")
    if router is not None and router.run >= LAN_ROUNDS:
        return ("gateway_spoofed", "gateway_replaced")  # it took the address of a router that was dead, and routes nothing
    known = [peer.gateway_mac for peer in live(evidence) if peer.gateway_mac]
    if new and new in known:
        return ("gateway_replaced",)
    if old and old in known and evidence.at_s - changed.since_s > LAG_S:
        return ("gateway_spoofed",)
    return ("gateway_spoofed", "gateway_replaced") if pinned else ("gateway_replaced",)

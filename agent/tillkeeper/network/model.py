"""The values of the network room: what can be asked, what came back, what it shows. Pure.

All times are seconds of CLOCK_BOOTTIME (`_s`), round trips milliseconds (`_ms`). Addresses are texts in their usual form, MACs
"aa:bb:cc:dd:ee:ff". What is not known is "unknown" or None, never a guess.
"""

from typing import Literal

import msgspec

Family = Literal["ipv4", "ipv6"]
Tri = Literal["yes", "no", "unknown"]
Role = Literal[
    "self", "gateway", "switch", "peer", "printer", "display", "modem", "hop2", "anycast", "resolver", "other_resolver",
    "portal", "hq",
]  # fmt: skip
Way = Literal["arp", "nd", "echo", "hop", "tcp", "dns", "http", "tls"]
"""How a target is asked. `hop`: an echo whose TTL ends at the hop that is meant; its time-exceeded is the answer."""
Answer = Literal["reply", "refused", "unreachable", "redirected", "wrong"]
"""`refused`: the host is alive and nobody listens (RST, port unreachable). `unreachable`: a router says so. `wrong`: an answer
that is not what was asked for (SERVFAIL, HTTP 5xx, another certificate's name)."""
ColumnName = Literal[
    "carrier", "address", "broadcast", "gateway", "switch", "neighbours", "router", "hop2", "modem", "anycast", "resolver",
    "other_resolver", "portal", "hq",
]  # fmt: skip
"""C, -, B, Ag, As, Ap, R, T2, -, X, D, D', H, S of the table in docs/network.md, in the order in which one needs the other."""
Phase = Literal["checking", "fine", "suspect", "confirmed"]
"""`checking`: not enough is known, at the start and after a pause."""


class Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all values here."""


# --- what is asked ---


class Target(Value, frozen=True):
    """Something that can be asked. `name` is unique ("gateway", "peer:bar", "printer:grill", "anycast:1.1.1.1"). `host` is the
    name to ask a resolver for, or to send in Host and SNI. `ways`: how it may be asked, best first."""

    name: str
    role: Role
    family: Family
    address: str
    ways: tuple[Way, ...]
    host: str = ""
    port: int = 0
    path: str = ""
    wan: bool = False
    """Behind the router: its bytes are counted against the store's day."""


class Probe(Value, frozen=True):
    """One question, to be sent now. `number` comes back with the answer. `mac`: where an ARP request or neighbour solicitation
    goes; empty for broadcast (multicast). `sender`: the sender's address of an ARP request; "0.0.0.0" asks who else has my
    address (RFC 5227, 1.1) or for the gateway while I have none. After `timeout_ms` the shell may forget it."""

    number: int
    target: Target
    way: Way
    timeout_ms: int
    ttl: int = 0
    mac: str = ""
    sender: str = ""


# --- what comes back: the facts that the engine takes ---


class Replied(Value, frozen=True, tag="replied"):
    """`at_s` is when the kernel saw it. `mac`: who sent it on the LAN; `address`: who answered, where it was not the target
    (a router's ICMP error). `clock_ahead_s`: own wall clock minus the answer's Date."""

    number: int
    at_s: float
    rtt_ms: float
    answer: Answer = "reply"
    mac: str = ""
    address: str = ""
    detail: str = ""
    clock_ahead_s: float | None = None


class NotSent(Value, frozen=True, tag="not_sent"):
    """The kernel refused to send. `error` is the name of the errno ("ENETDOWN", "ENETUNREACH", "ENOBUFS")."""

    number: int
    at_s: float
    error: str


class Address(Value, frozen=True):
    family: Family
    address: str
    prefix: int


class LinkSeen(Value, frozen=True, tag="link"):
    """An interface as the kernel describes it (RTM_NEWLINK), `gone` after RTM_DELLINK. `others`: the names of those that there
    are, where it is gone."""

    at_s: float
    interface: str
    carrier: Tri
    admin_up: bool
    mac: str = ""
    wireless: bool = False
    gone: bool = False
    others: tuple[str, ...] = ()


class AddressesSeen(Value, frozen=True, tag="addresses"):
    """All addresses that an interface has now; link-local ones of IPv4 (169.254/16) and IPv6 are among them."""

    at_s: float
    interface: str
    addresses: tuple[Address, ...]


class RoutesSeen(Value, frozen=True, tag="routes"):
    """The default gateways now, by family; a family without one is missing. `interface`: of the preferred one."""

    at_s: float
    interface: str
    gateways: dict[Family, str]


class NeighbourSeen(Value, frozen=True, tag="neighbour"):
    """The kernel's neighbour table has another MAC for an address (RTM_NEWNEIGH). Its liveness states are too slow to use."""

    at_s: float
    interface: str
    address: str
    mac: str


class ArpSeen(Value, frozen=True, tag="arp"):
    """An ARP frame of somebody else that is no answer to a probe: it claims that `sender_address` is at `sender_mac`."""

    at_s: float
    interface: str
    sender_address: str
    sender_mac: str
    target_address: str
    is_reply: bool


class ResolversSeen(Value, frozen=True, tag="resolvers"):
    """The machine's own resolvers (resolv.conf), and what names lately resolved to (name -> addresses)."""

    at_s: float
    addresses: tuple[str, ...]
    cached: dict[str, tuple[str, ...]] = {}


class UplinkSeen(Value, frozen=True, tag="uplink"):
    """The agent's own stamps: when it last sent what HQ then answered, and when an attempt was last found to have failed.
    `trouble` is the code of that failure (`replication.trouble.Kind`), empty while HQ answers. `beat_s`: how often it asks."""

    at_s: float
    ok_at_s: float | None
    failed_at_s: float | None
    trouble: str = ""
    beat_s: float = 1.0


class DevicesSeen(Value, frozen=True, tag="devices"):
    """The agent's word of where printers and displays are: all of them, in the stead of those that `Setup` names."""

    at_s: float
    targets: tuple[Target, ...]


class Wifi(Value, frozen=True):
    """Of /proc/net/wireless and nl80211. None where the driver does not say."""

    associated: Tri
    signal_dbm: float | None = None
    retries_per_s: float | None = None
    power_save: Tri = "unknown"


class HostSeen(Value, frozen=True, tag="host"):
    """Once in a while: how busy the interface and this machine are, of psutil and /proc. `clock_set_s`: by how much somebody
    set the wall clock since the last one was told."""

    at_s: float
    interface: str
    rx_packets_per_s: float
    tx_packets_per_s: float
    rx_errors_per_s: float = 0.0
    cpu_percent: float = 0.0
    clock_set_s: float = 0.0
    wifi: Wifi | None = None


class Stalled(Value, frozen=True, tag="stalled"):
    """This process did not run between the two times (SIGSTOP, no CPU). `suspended`: nor did the machine, so that answers may
    be lost."""

    from_s: float
    to_s: float
    suspended: bool = False


class Mark(Value, frozen=True):
    """A finished or running trouble as a peer tells it: ages count back from when the beacon was sent. `ended_age_s` None
    while it goes on. `carrier_lost`: its own carrier went away with it."""

    faults: tuple[str, ...]
    began_age_s: float
    ended_age_s: float | None
    carrier_lost: bool = False


class PeerState(Value, frozen=True):
    """What a register says of itself once a second, and at once when it begins to suspect."""

    register: str
    session: int
    """Random, of this run of the prober."""
    sequence: int
    address: str
    columns: dict[ColumnName, Tri]
    phase: Phase
    faults: tuple[str, ...] = ()
    gateway_mac: str = ""
    marks: tuple[Mark, ...] = ()
    wan_asked: bool = False
    """It asked something behind the router within the last second: the others may leave it out."""
    wan_loses: bool = False
    """More than one of its questions behind the router was lost just now."""


class BeaconSeen(Value, frozen=True, tag="beacon"):
    """An authentic beacon of another register. Forged, replayed and foreign ones never get here."""

    at_s: float
    interface: str
    mac: str
    state: PeerState


Fact = (
    Replied | NotSent | LinkSeen | AddressesSeen | RoutesSeen | NeighbourSeen | ArpSeen | ResolversSeen | UplinkSeen | HostSeen
    | Stalled | BeaconSeen | DevicesSeen
)  # fmt: skip


# --- what it shows ---


class Column(Value, frozen=True):
    """One column of the table. `hits`, `misses`: questions of the last `evidence.WINDOW_S` that were answered, or not in
    time; `run`: rounds in a row without any answer, until now; `paths`: how many different targets this rests on. A target
    whose question never worked carries no weight and is not counted here (capabilities are learned while healthy)."""

    state: Tri
    hits: int = 0
    misses: int = 0
    late: int = 0
    run: int = 0
    paths: int = 0
    since_s: float | None = None
    rtt_ms: float | None = None
    usual_ms: float | None = None
    detail: str = ""
    answered_s: float | None = None
    """When it was last answered; with `missing_s`, when the first unanswered question of `run` was sent, it dates a fault."""
    missing_s: float | None = None
    recent: str = ""
    """The last rounds, at most 32, oldest first: "." answered, "x" not. Tells a burst of losses from silence."""
    asked_s: tuple[float, ...] = ()
    """When each round of `recent` was sent, or answered; empty while nothing anywhere is missing."""


SignKind = Literal[
    "interface_missing", "interface_misnamed", "interface_disabled", "link_flapping", "address_missing",
    "address_self_assigned", "wrong_subnet",
    "gateway_missing", "duplicate_address", "gateway_mac_changed", "gateway_two_macs", "broadcast_loop", "loss", "latency",
    "captive_redirect", "on_backup_line", "router_says_unreachable", "hq_refuses", "hq_untrusted", "hq_wrong_answer",
    "hq_host_alive", "hq_path_unreachable", "clock_wrong", "router_advertisement_lost", "family_broken", "wifi_not_associated",
    "wifi_weak",
    "wifi_isolated", "device_routed", "device_silent", "duplicate_device", "peer_silent", "resolver_lies", "metered",
]  # fmt: skip


class Sign(Value, frozen=True):
    """Something that is seen directly and not through a column. `layer`: for loss and latency, where it begins
    ("lan", "router", "isp", "internet"). `amount`: fraction, milliseconds, dBm or seconds, as the kind has it."""

    kind: SignKind
    since_s: float
    subject: str = ""
    layer: str = ""
    amount: float = 0.0
    detail: str = ""


class Evidence(Value, frozen=True):
    """All that is known at a moment. `columns` take the better of both families; `families` keep them apart."""

    at_s: float
    interface: str
    columns: dict[ColumnName, Column]
    families: dict[Family, dict[ColumnName, Column]] = {}
    signs: tuple[Sign, ...] = ()
    peers: tuple[PeerState, ...] = ()
    """Those heard within the last three seconds."""
    trusted: bool = True
    """False just after the start, a long stall or a suspend: no verdict may rest on it."""

    def states(self) -> dict[ColumnName, Tri]:
        return {name: column.state for name, column in self.columns.items()}


class Explanation(Value, frozen=True):
    """What explains the evidence at the least cost. `faults`: codes of `faults.FAULTS`, all that fit equally well, likeliest
    first; empty where nothing is wrong. `also`: degradations and advisories that hold besides. `margin`: cost to the next
    explanation that is not among them, in nats."""

    faults: tuple[str, ...]
    also: tuple[str, ...] = ()
    margin: float = 0.0
    certain: bool = False
    """The kernel said so (carrier, addresses) or it was seen directly: no rounds need to be waited for."""


class Verdict(Value, frozen=True):
    """What is said. While `phase` is "fine" or "checking" `faults` is empty; "suspect" names them with reserve."""

    phase: Phase
    faults: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    since_s: float = 0.0


class TargetState(Value, frozen=True):
    """A target as the technician reads it. `works`: whether this way of asking has ever been answered. `run`: questions in a
    row without an answer. `answered_s`: of the last answer, on the boot clock."""

    name: str
    role: Role
    address: str
    way: Way
    works: Tri
    sent: int
    answered: int
    late: int
    rtt_ms: float | None
    mac: str = ""
    run: int = 0
    answered_s: float | None = None


class Report(Value, frozen=True):
    """What the prober tells the agent: on every change, and once a second as a sign of life."""

    at_s: float
    verdict: Verdict
    evidence: Evidence
    targets: tuple[TargetState, ...] = ()
    probes_sent: int = 0
    arp_sent: int = 0
    wan_bytes: int = 0
    stalls: int = 0


class Step(Value, frozen=True):
    """What the engine wants done now. `beacon`: to be broadcast."""

    probes: tuple[Probe, ...] = ()
    report: Report | None = None
    beacon: PeerState | None = None

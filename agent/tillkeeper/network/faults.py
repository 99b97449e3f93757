"""The catalogue of faults: what each is called, where it sits, how likely it is and what it makes of every column. Pure.

Priors are costs in nats: -ln of a rough chance that just this broke, given that something did, plus a few for that being rare.
Only their differences matter, and they are small against a handful of unanswered rounds: evidence decides, priors order what it
leaves open. They follow what support desks of shops see: power and plugs before devices, devices before lines, lines before
firmware.
"""

from typing import Literal

from tillkeeper.network.model import ColumnName, SignKind, Value

Layer = Literal["register", "cable", "switch", "router", "modem", "isp", "internet", "dns", "hq"]
Prediction = Literal["yes", "no", "free"]
Severity = Literal["outage", "degraded"]

LAYERS: tuple[Layer, ...] = ("register", "cable", "switch", "router", "modem", "isp", "internet", "dns", "hq")
"""From the register outwards: what is nearer hides what is farther."""
COLUMNS: tuple[ColumnName, ...] = (
    "carrier", "address", "broadcast", "gateway", "switch", "neighbours", "router", "hop2", "modem", "anycast", "resolver",
    "other_resolver", "portal", "hq",
)  # fmt: skip
_MARKS: dict[str, Prediction] = {"1": "yes", "0": "no", "-": "free"}


class Fault(Value, frozen=True):
    """`columns`: what a register sees while it lasts; "free" where it may be either. `keys`: the columns whose unanswered
    rounds count, `rounds`: how many of them confirm it. `signs`: one of them must be seen (none: columns alone tell).
    `certain`: that sign, or the kernel, is proof at once; else it has to last `hysteresis.SIGN_S`."""

    code: str
    title: str
    layer: Layer
    prior: float
    columns: dict[ColumnName, Prediction]
    keys: tuple[ColumnName, ...] = ()
    rounds: int = 7
    signs: tuple[SignKind, ...] = ()
    certain: bool = False
    severity: Severity = "outage"


def _columns(row: str) -> dict[ColumnName, Prediction]:
    marks = row.replace(" ", "")
    return {name: _MARKS[mark] for name, mark in zip(COLUMNS, marks, strict=True)}


def _fault(
    code: str, title: str, layer: Layer, prior: float, row: str, keys: tuple[ColumnName, ...] = (), rounds: int = 7
) -> Fault:
    return Fault(code=code, title=title, layer=layer, prior=prior, columns=_columns(row), keys=keys, rounds=rounds)


def _seen(code: str, title: str, layer: Layer, sign: SignKind, row: str, *, prior: float = 1.0, certain: bool = True) -> Fault:
    return Fault(code=code, title=title, layer=layer, prior=prior, columns=_columns(row), signs=(sign,), certain=certain)


def _worse(kind: Literal["loss", "latency"], layer: Layer, place: str, title: str) -> Fault:
    return Fault(
        code=f"{kind}_{place}", title=title, layer=layer, prior=5.5, columns=_columns("-" * len(COLUMNS)), signs=(kind,),
        severity="degraded",
    )  # fmt: skip


_LAN: tuple[ColumnName, ...] = ("router", "neighbours", "gateway")
_WAN: tuple[ColumnName, ...] = ("anycast", "hop2")
# A row: carrier address | broadcast gateway switch neighbours | router hop2 modem anycast | resolver other_resolver portal hq
_ALL = (
    _seen("interface_missing", "The network adapter is missing", "register", "interface_missing", "-- ---- ---- ----"),
    _seen("interface_misnamed", "The setting names another adapter", "register", "interface_misnamed", "-- ---- ---- ----"),
    _seen("interface_disabled", "The network adapter is switched off", "register", "interface_disabled", "-- ---- ---- ----"),
    _seen("duplicate_address", "Another device uses my address", "register", "duplicate_address", "11 ---- ---- ----"),
    _seen("dhcp_lost", "The register has no address", "register", "address_missing", "1- ---- ---- ----"),
    _seen("no_gateway", "The register knows no router", "register", "gateway_missing", "11 ---- ---- ----", certain=False),
    _seen("wrong_subnet", "The register's address is of another network", "register", "wrong_subnet", "11 ---- ---- ----"),
    # Carrier: of every ten, six are the plug or the cable, the rest somebody's vacuum cleaner on the switch's socket.
    _fault("cable", "Own cable or network adapter", "cable", 4.0, "0- ---- ---- ----"),
    _fault("switch_power", "The switch has no power", "switch", 4.5, "0- ---- ---- ----"),
    _seen("wifi_lost", "The Wi-Fi connection is lost", "cable", "wifi_not_associated", "-- ---- ---- ----"),
    _seen("link_flapping", "The cable connection comes and goes", "cable", "link_flapping", "-- ---- ---- ----"),
    _seen("broadcast_loop", "A loop floods the network", "switch", "broadcast_loop", "1- ---- ---- ----", certain=False),
    # Deaf, though there is carrier. A dead receiver alone is rare.
    _fault("own_port", "Own switch port or VLAN", "switch", 5.5, "1- 0000 0000 0000", _LAN),
    _fault("switch_hung", "The switch hangs", "switch", 5.6, "1- 0000 0000 0000", _LAN),
    _fault("nic_receive", "The network adapter receives nothing", "register", 7.0, "1- 0000 0000 0000", _LAN),
    _fault("nic_transmit", "The network adapter sends nothing", "register", 6.5, "1- 1000 0000 0000", _LAN),
    _fault("router_dead", "The router is dead", "router", 4.5, "1- 1011 0000 -000", ("router", "gateway")),
    _fault("router_cable", "The cable between router and switch", "router", 5.0, "1- 1011 0000 -000", ("router", "gateway")),
    _fault("router_hung", "The router hangs", "router", 5.0, "1- 1111 0000 -000", ("router",), 8),
    _seen("gateway_spoofed", "Something poses as the router", "router", "gateway_two_macs", "11 ---- ---- ----", prior=2.0),
    _seen("gateway_replaced", "The router was replaced", "router", "gateway_mac_changed", "11 ---- ---- ----"),
    _seen("ipv6_router_lost", "The router no longer offers IPv6", "router", "router_advertisement_lost", "11 -1-- ---- ----"),
    _fault("modem", "The modem", "modem", 5.0, "1- 1111 1000 -000", _WAN),
    _fault("isp_access", "The provider's line to the store", "isp", 5.1, "1- 1111 1010 -000", _WAN),
    _fault("router_no_forward", "The router answers but forwards nothing", "router", 6.5, "1- 1111 1000 -000", _WAN),
    _fault("isp_upstream", "The provider's network", "isp", 5.5, "1- 1111 11-0 -000", ("anycast",)),
    _fault("dns_own", "The name server", "dns", 5.0, "1- 1111 1--1 01-1", ("resolver",), 4),
    _fault("dns_blocked", "Name lookups are blocked", "dns", 6.0, "1- 1111 1--1 00-1", ("resolver", "other_resolver"), 4),
    _seen("captive_portal", "The line wants a login page", "internet", "captive_redirect", "1- 1111 11-- --00", certain=False),
    _fault("hq_server", "The HQ server", "hq", 5.0, "1- 1111 1--1 1-10", ("hq",), 4),
    _fault("hq_path", "The way to the HQ server", "hq", 5.8, "1- 1111 1--1 1--0", ("hq",), 4),
    _worse("loss", "switch", "lan", "Packets are lost in the store's network"),
    _worse("loss", "router", "router", "Packets are lost at the router"),
    _worse("loss", "isp", "isp", "Packets are lost on the provider's line"),
    _worse("loss", "internet", "internet", "Packets are lost in the internet"),
    _worse("latency", "switch", "lan", "The store's network is slow"),
    _worse("latency", "router", "router", "The router is slow"),
    _worse("latency", "isp", "isp", "The provider's line is slow"),
    _worse("latency", "internet", "internet", "The internet is slow"),
)  # fmt: skip

FAULTS: dict[str, Fault] = {fault.code: fault for fault in _ALL}

ADVISORIES: dict[str, str] = {
    "on_backup_line": "The store is on the backup line",
    "clock_wrong": "This register's clock is wrong",
    "family_broken": "One of the two internet protocols does not work",
    "wifi_weak": "The Wi-Fi signal is weak",
    "wifi_isolated": "The Wi-Fi keeps devices apart",
    "device_routed": "A device is in another network",
    "device_silent": "A device does not answer",
    "duplicate_device": "Two devices have one address",
    "peer_silent": "Another register is not heard",
    "hq_refuses": "HQ refuses this register",
    "hq_untrusted": "HQ's certificate is not believed",
    "hq_wrong_answer": "HQ gives wrong answers",
    "resolver_lies": "The name server gives wrong addresses",
    "metered": "The line counts its bytes",
}
"""What `also` may hold, without the subject behind a colon; besides "and:<code of a fault>", of several that fit equally well
"and:<code>|<code>", likeliest first."""
AND = "and:"


def besides(codes: tuple[str, ...]) -> str:
    """A second fault (or the set that it is one of) as `also` says it."""
    return AND + "|".join(codes)


def second_of(also: str) -> tuple[str, ...]:
    """The faults behind an "and:"; empty for an advisory, and where one of them is unknown."""
    codes = tuple(also.removeprefix(AND).split("|")) if also.startswith(AND) else ()
    return codes if all(code in FAULTS for code in codes) else ()


def depth(code: str) -> int:
    """How far from the register a fault sits."""
    return LAYERS.index(FAULTS[code].layer)

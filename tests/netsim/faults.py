"""Every single fault: how it begins and ends in the virtual store, and what a verdict may say of it.

`alike` is what nothing that the prober can see keeps apart from the truth in this store; a verdict is *right* where it names
the truth and nothing beyond that set, *ambiguous* where it names more, *wrong* where the truth is not in it.
"""

from collections.abc import Callable
from typing import NamedTuple

from tests.netsim import store as s
from tests.netsim.simulation import Simulation

from tillkeeper.network.model import Address

Do = Callable[[Simulation], None]
Suits = Callable[[s.Store], bool]


class Fault(NamedTuple):
    """`depth`: how far from the register, 0 its own plug. A wrong address is the register's own; a lost one
    may follow from a dead router, so either may be named. `degrades`: nothing is down, so it hides nothing. `advisory`: it is
    said in `also`, and no fault may be confirmed. `local`: the other registers have nothing. `goal_s`: CONFIRMED p95."""

    name: str
    code: str
    depth: int
    begin: Do
    end: Do
    goal_s: float = 2.0
    goal_right: float = 99.0
    alike: Callable[[s.Store], frozenset[str]] | None = None
    suits: Suits = lambda store: True
    degrades: bool = False
    advisory: bool = False
    local: bool = False
    lasts_s: float = 15.0

    def allowed(self, store: s.Store) -> frozenset[str]:
        return (self.alike(store) if self.alike else frozenset()) | {self.code}


def _parts(*parts: str) -> tuple[Do, Do]:
    return (lambda sim: sim.world.break_(*parts)), (lambda sim: sim.world.mend(*parts))


def _mode(*names: str) -> tuple[Do, Do]:
    def set_all(sim: Simulation, on: bool) -> None:
        for name in names:
            sim.world.mode(name, on)

    return (lambda sim: set_all(sim, True)), (lambda sim: set_all(sim, False))


def _link(part: str, addresses: bool = False) -> tuple[Do, Do]:
    """The kernel notices it."""

    def told(sim: Simulation) -> None:
        for machine in sim.machines:
            if part == "power" or machine.index == 0:
                sim.kernel_says_link(machine.index)
                if addresses:
                    sim.kernel_says_addresses(machine.index)

    def begin(sim: Simulation) -> None:
        sim.world.break_(part)
        told(sim)

    def end(sim: Simulation) -> None:
        sim.world.mend(part)
        told(sim)

    return begin, end


def _addresses(mode: str, taken: str = "") -> tuple[Do, Do]:
    def begin(sim: Simulation) -> None:
        sim.world.mode(mode)
        if taken:
            sim.taken_over[0] = Address(family="ipv4", address=taken, prefix=24), s.GATEWAY["ipv4"]
        sim.kernel_says_addresses(0)

    def end(sim: Simulation) -> None:
        sim.world.mode(mode, False)
        if taken:
            sim.taken_over.pop(0, None)
        sim.kernel_says_addresses(0)

    return begin, end


def _loss(part: str, share: float) -> tuple[Do, Do]:
    return (lambda sim: sim.world.lose(part, share)), (lambda sim: sim.world.lose(part, 0.0))


def _slow(part: str, by_ms: float) -> tuple[Do, Do]:
    return (lambda sim: sim.world.slow(part, by_ms)), (lambda sim: sim.world.slow(part, 0.0))


def _replaced(sim: Simulation) -> None:
    sim.world.gateway_mac = s.NEW_GATEWAY_MAC
    sim.world.changed()
    sim.announced(s.GATEWAY["ipv4"], s.NEW_GATEWAY_MAC)


def _back(sim: Simulation) -> None:
    sim.world.gateway_mac = s.GATEWAY_MAC
    sim.world.changed()
    sim.announced(s.GATEWAY["ipv4"], s.GATEWAY_MAC)


def _spoofed(sim: Simulation) -> None:
    sim.world.mode("spoofed")

    def again() -> None:
        if "spoofed" in sim.world.modes:
            sim.announced(s.GATEWAY["ipv4"], s.ATTACKER_MAC)
            sim.at(sim.now_s + 1.0, again)

    again()


def _spoof_ended(sim: Simulation) -> None:
    sim.world.mode("spoofed", False)
    sim.announced(s.GATEWAY["ipv4"], s.GATEWAY_MAC)


def _twin(sim: Simulation) -> None:
    """The other host announces itself, as RFC 5227 asks, in half of the cases."""
    sim.world.mode("twin0")
    if sim.random.random() < 0.5:
        sim.announced(s.register_address(0, "ipv4"), s.TWIN_MAC)


def _loop(sim: Simulation) -> None:
    sim.world.mode("loop")
    sim.world.lose("switch", 0.6)
    sim.world.slow("switch", 40.0)


def _loop_ended(sim: Simulation) -> None:
    sim.world.mode("loop", False)
    sim.world.lose("switch", 0.0)
    sim.world.slow("switch", 0.0)


def _flapping(sim: Simulation) -> None:
    sim.world.mode("flapping")

    def turn() -> None:
        if "flapping" not in sim.world.modes or "cable0" in sim.world.down:
            sim.world.mend("cable0")
        else:
            sim.world.break_("cable0")
        sim.kernel_says_link(0)
        if "flapping" in sim.world.modes:
            sim.at(sim.now_s + sim.random.uniform(0.4, 1.6), turn)

    turn()


def _flapping_ended(sim: Simulation) -> None:
    sim.world.mode("flapping", False)
    sim.world.mend("cable0")
    sim.kernel_says_link(0)


def _failover(sim: Simulation) -> None:
    """The router takes three seconds to notice."""
    sim.world.break_("access")
    sim.at(sim.now_s + 3.0, lambda: sim.world.mode("on_backup"))


def _failed_back(sim: Simulation) -> None:
    sim.world.mode("on_backup", False)
    sim.world.mend("access")


def _set(*codes: str) -> Callable[[s.Store], frozenset[str]]:
    return lambda store: frozenset(codes)


def _deaf(store: s.Store) -> frozenset[str]:
    alone = store.registers == 1 or not store.beacons
    return frozenset({"own_port", "switch_hung", "nic_receive"} | ({"nic_transmit"} if alone else set()))


def _modem(store: s.Store) -> frozenset[str]:
    if store.router_tells:
        return frozenset({"modem"} if s.modem_asked(store) else {"modem", "isp_access"})
    return _no_forward(store)


def _no_forward(store: s.Store) -> frozenset[str]:
    return frozenset({"modem", "router_no_forward"} | (set() if s.modem_asked(store) else {"isp_access"}))


def _access(store: s.Store) -> frozenset[str]:
    return frozenset() if s.modem_asked(store) else frozenset({"modem", "isp_access", "router_no_forward"})


def _wired(store: s.Store) -> bool:
    return not store.wireless


def _v4(store: s.Store) -> bool:
    return "ipv4" in store.families


CARRIER, PORT, ROUTER_SET = _set("cable", "switch_power"), _deaf, _set("router_dead", "router_cable")
HQ_SET = _set("hq_server", "hq_path")
OUTAGES = (
    Fault("cable", "cable", 0, *_link("cable0"), 0.05, 100, CARRIER, _wired, local=True),
    Fault("switch without power", "switch_power", 0, *_link("power"), 0.05, 100, CARRIER, _wired),
    Fault("Wi-Fi lost", "wifi_lost", 0, *_link("cable0"), 0.05, 100, suits=lambda store: store.wireless, local=True),
    Fault("interface disabled", "interface_disabled", 0, *_link("nic0", True), 0.2, 100, local=True),
    Fault("interface missing", "interface_missing", 0, *_link("missing0", True), 0.2, 100, local=True),
    Fault("own port", "own_port", 1, *_parts("port0"), 1.0, 99, PORT, local=True),
    Fault("switch hung", "switch_hung", 1, *_parts("switch"), 1.0, 99, PORT),
    Fault("NIC receive dead", "nic_receive", 1, *_parts("rx0"), 1.0, 99, PORT, local=True),
    Fault("NIC transmit dead", "nic_transmit", 1, *_parts("tx0"), 1.0, 99,
          lambda store: _deaf(store) if store.registers == 1 else frozenset(), local=True),
    Fault("broadcast loop", "broadcast_loop", 1, _loop, _loop_ended, 5.0, 95),
    Fault("link flapping", "link_flapping", 0, _flapping, _flapping_ended, 15.0, 95, CARRIER, _wired, local=True, lasts_s=20.0),
    Fault("address lost (DHCP)", "dhcp_lost", 3, *_addresses("no_address0"), 0.2, 100, local=True,
          suits=lambda store: "ipv6" not in store.families),
    Fault("wrong subnet", "wrong_subnet", 1, *_addresses("wrong_subnet0", "10.9.8.7"), 0.2, 100, suits=_v4, local=True),
    Fault("duplicate address", "duplicate_address", 2, _twin, _mode("twin0")[1], 0.5, 99, suits=_v4, local=True),
    Fault("router dead", "router_dead", 3, *_parts("router"), 1.0, 99, ROUTER_SET),
    Fault("cable router-switch", "router_cable", 3, *_parts("router_cable"), 1.0, 99, ROUTER_SET),
    Fault("gateway replaced", "gateway_replaced", 3, _replaced, _back, 0.3, 98, suits=_v4),
    Fault("gateway spoofed", "gateway_spoofed", 3, _spoofed, _spoof_ended, 0.3, 98, suits=_v4),
    Fault("router hung", "router_hung", 4, *_mode("router_hung"), 1.2, 98),
    Fault("router forwards nothing", "router_no_forward", 5, *_mode("no_forward"), 2.0, 99, _no_forward),
    Fault("modem", "modem", 5, *_parts("modem"), 2.0, 99, _modem),
    Fault("ISP access", "isp_access", 5, *_parts("access"), 2.0, 99, _access),
    Fault("ISP upstream", "isp_upstream", 6, *_parts("upstream"), 2.0, 99),
    Fault("own resolver", "dns_own", 7, *_parts("resolver"), 2.0, 99),
    Fault("own resolver says SERVFAIL", "dns_own", 7, *_mode("dns_fails"), 2.0, 99),
    Fault("DNS blocked", "dns_blocked", 7, *_mode("dns_blocked"), 2.0, 99),
    Fault("captive portal, echo blocked", "captive_portal", 7, *_mode("captive"), 2.0, 99),
    Fault("captive portal, echo free", "captive_portal", 7, *_mode("captive", "captive_lets_echo"), 2.0, 99),
    Fault("HQ silent", "hq_server", 8, *_parts("hq"), 2.0, 99, HQ_SET),
    Fault("HQ refuses connections", "hq_server", 8, *_mode("hq_refuses_connections"), 2.0, 99),
    Fault("path to HQ says unreachable", "hq_path", 8, *_mode("hq_unreachable"), 2.0, 99, HQ_SET),
    Fault("path to HQ silent", "hq_path", 8, *_parts("hq_path"), 2.0, 99, HQ_SET),
)  # fmt: skip

LAYERS = {"lan": "cable0", "router": "router_cable", "isp": "access", "internet": "upstream"}
_DEPTH = {"lan": 1, "router": 3, "isp": 5, "internet": 6}
DEGRADED = (
    *(Fault(f"loss 20 % {layer}", f"loss_{layer}", _DEPTH[layer], *_loss(part, 0.2), 2.0, 95, degrades=True, lasts_s=20.0)
      for layer, part in LAYERS.items()),
    *(Fault(f"loss 5 % {layer}", f"loss_{layer}", _DEPTH[layer], *_loss(part, 0.05), 6.0, 95, degrades=True, lasts_s=30.0)
      for layer, part in LAYERS.items()),
    *(Fault(f"latency {layer}", f"latency_{layer}", _DEPTH[layer], *_slow(part, 60.0 if layer == "lan" else 250.0), 6.0, 95,
            degrades=True, lasts_s=25.0)
      for layer, part in LAYERS.items()),
    Fault("IPv6 router lost", "ipv6_router_lost", 3, *_addresses("no_route0:ipv6"), 0.2, 99, degrades=True, local=True,
          suits=lambda store: "ipv6" in store.families),
)  # fmt: skip

ADVISORIES = (
    Fault("on the backup line", "on_backup_line", 5, _failover, _failed_back, 15.0, 95, advisory=True, lasts_s=30.0,
          suits=lambda store: store.backup),
    Fault("IPv6 broken behind the router", "family_broken:ipv6", 5, *_parts("v6"), 10.0, 95, advisory=True, lasts_s=25.0,
          suits=lambda store: len(store.families) == 2),
    Fault("printer silent", "device_silent:grill", 1, *_parts("printer"), 15.0, 95, advisory=True, lasts_s=30.0),
    Fault("peer silent", "peer_silent:front", 1, *_parts("cable1"), 10.0, 95, advisory=True, lasts_s=25.0,
          suits=lambda store: store.registers > 1),
    Fault("HQ refuses the credentials", "hq_refuses", 8, *_mode("hq_refuses"), 10.0, 95, advisory=True, lasts_s=25.0,
          suits=lambda store: store.uplink),
    Fault("Wi-Fi weak", "wifi_weak", 0, *_mode("weak"), 10.0, 95, advisory=True, lasts_s=25.0,
          suits=lambda store: store.wireless),
)  # fmt: skip
ALL = (*OUTAGES, *DEGRADED, *ADVISORIES)
BY_NAME = {fault.name: fault for fault in ALL}

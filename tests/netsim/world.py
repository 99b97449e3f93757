"""What becomes of a question: it follows from the parts on its way (`parts`) and what is wrong with them."""

from typing import NamedTuple

from tests.netsim import store as s
from tests.netsim.parts import Parts

from tillkeeper.network.model import Family, Probe


class Fate(NamedTuple):
    """One answer: how likely it survives the way, its round trip, what it says. `error`: the kernel refused to send."""

    survives: float
    rtt_ms: float
    answer: str = "reply"
    mac: str = ""
    address: str = ""
    detail: str = ""
    error: str = ""


class Outcome(NamedTuple):
    """`unresolved`: the neighbour that the kernel itself asks for in vain because of this question."""

    fates: tuple[Fate, ...]
    unresolved: str = ""


NOTHING = Outcome(())
LAN_MS, ROUTER_MS, MODEM_MS, HOP2_MS, FAR_MS, HQ_MS = 0.3, 0.5, 1.0, 8.0, 12.0, 25.0
TELLING_HOP = "203.0.113.9"
"""The router on the way to HQ that says "host unreachable", where one does."""


class World(Parts):
    """The parts, and the walks over them. A walk is remembered until a part changes."""

    def __init__(self, store: s.Store) -> None:
        super().__init__(store)
        self._known: dict[tuple[int, str, str, int, str, str], Outcome] = {}
        self._lan_hosts = {
            address: (name, mac) for name, (mac, addresses) in s.devices(store).items() for address in addresses.values()
        }
        for index in range(store.registers):
            for family in ("ipv4", "ipv6"):
                self._lan_hosts[s.register_address(index, family)] = (f"register{index}", s.register_mac(index))  # type: ignore[arg-type]

    def changed(self) -> None:
        super().changed()
        self._known.clear()

    def fate(self, index: int, probe: Probe) -> Outcome:
        key = (index, probe.target.name, probe.way, probe.ttl, probe.mac, probe.sender + probe.target.address)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._walk(index, probe)
        return known

    def hq_survival(self, index: int) -> float:
        """Of one round trip to HQ, as the agent's own link meets it."""
        fate = self._hq(index, self.store.families[0], "tls")
        return fate.survives if fate and fate.answer == "reply" else 0.0

    def _walk(self, index: int, probe: Probe) -> Outcome:
        target, family = probe.target, probe.target.family
        if not self.interface_up(index):
            return Outcome((Fate(1.0, 0.0, error="ENETDOWN"),))
        if probe.way in ("arp", "nd"):
            return self._neighbour(index, probe)
        if not self.has_address(index, family):
            return Outcome((Fate(1.0, 0.0, error="ENETUNREACH"),))
        if not target.address and not target.host:
            return Outcome((Fate(1.0, 0.0, error="EAI_NONAME"),))
        if target.address in (s.GATEWAY[family], s.HOP1[family]):
            return self._router(index, probe)
        if target.address in self._lan_hosts:
            return self._lan(index, probe)
        if f"no_route{index}:{family}" in self.modes:
            return Outcome((Fate(1.0, 0.0, error="ENETUNREACH"),))
        unresolved = "" if self.through((*self.own(index), "router_cable", "router"))[0] else s.GATEWAY[family]
        fate = self._beyond(index, probe)
        return Outcome((fate,) if fate else (), unresolved)

    def _neighbour(self, index: int, probe: Probe) -> Outcome:
        """All that answer an ARP request or a neighbour solicitation, the real owner first."""
        address, own = probe.target.address, self.own(index)
        answers: list[Fate] = []
        if address in (s.GATEWAY[probe.target.family], s.HOP1[probe.target.family]):
            owners = [(("router_cable", "router"), self.gateway_mac)]
            if "spoofed" in self.modes:
                owners.append((("attacker",), s.ATTACKER_MAC))
        elif address == s.register_address(index, probe.target.family):
            owners = [(("twin",), s.TWIN_MAC)] if f"twin{index}" in self.modes else []
        elif address in self._lan_hosts:
            name, mac = self._lan_hosts[address]
            owners = [(self._parts_of(name), mac)]
        else:
            owners = []
        if probe.mac:
            owners = [one for one in owners if one[1] == probe.mac]
        for parts, mac in owners:
            survives, added = self.through((*own, *parts))
            if survives and not (parts and parts[0] != "router_cable" and "isolated" in self.modes):
                answers.append(Fate(survives, LAN_MS + added, mac=mac, address=address))
        return Outcome(tuple(answers))

    def _parts_of(self, name: str) -> tuple[str, ...]:
        if name.startswith("register"):
            peer = name.removeprefix("register")
            return f"nic{peer}", f"missing{peer}", f"asleep{peer}", f"tx{peer}", f"rx{peer}", f"cable{peer}", f"port{peer}"
        return (name,)

    def _lan(self, index: int, probe: Probe) -> Outcome:
        name, _ = self._lan_hosts[probe.target.address]
        survives, added = self.through((*self.own(index), *self._parts_of(name)))
        if not survives:
            return Outcome((), probe.target.address)
        if "isolated" in self.modes or f"wrong_subnet{index}" in self.modes:
            return NOTHING
        survives *= self._twinned(index)
        answer = "reply" if probe.way in ("echo", "hop") else "refused"
        return Outcome((Fate(survives, LAN_MS + added, answer, address=probe.target.address),))

    def _twinned(self, index: int) -> float:
        """Answers go to whoever the others took last for the owner of the address."""
        return 0.5 if f"twin{index}" in self.modes else 1.0

    def _routed(self, index: int) -> tuple[float, float]:
        """As far as the router's layer 3."""
        survives, added = self.through((*self.own(index), "router_cable", "router"))
        if self.modes & {"router_hung", f"wrong_subnet{index}"}:
            return 0.0, 0.0
        return survives * self._twinned(index), added

    def _router(self, index: int, probe: Probe) -> Outcome:
        if not self.through((*self.own(index), "router_cable", "router"))[0]:
            return Outcome((), probe.target.address)
        survives, added = self._routed(index)
        if not survives:
            return NOTHING
        if probe.way == "dns":
            fate = self._own_resolver(index, probe.target.family)
            return Outcome((fate,) if fate else ())
        if probe.way in ("echo", "hop"):
            if not self.store.gateway_echoes:
                return NOTHING
            return Outcome((Fate(survives, ROUTER_MS + added, address=probe.target.address),))
        return Outcome((Fate(survives, ROUTER_MS + added, "refused"),))

    def _access(self, index: int, family: Family) -> tuple[float, float, bool]:
        """Through the provider's first router: survival, milliseconds, and whether by the backup line."""
        survives, added = self._routed(index)
        if not survives or "no_forward" in self.modes or (family == "ipv6" and "v6" in self.down):
            return 0.0, 0.0, False
        if "on_backup" in self.modes:
            more, extra = self.through(("backup",))
            return survives * more, added + extra + 30.0, True
        more, extra = self.through(("modem", "access"))
        return survives * more, added + extra, False

    def _far(self, index: int, family: Family) -> tuple[float, float]:
        survives, added, _ = self._access(index, family)
        more, extra = self.through(("upstream",))
        return survives * more, added + extra

    def _beyond(self, index: int, probe: Probe) -> Fate | None:
        """What is asked behind the router."""
        target, family = probe.target, probe.target.family
        near, near_ms = self._routed(index)
        if not near:
            return None
        if probe.way == "hop" and probe.ttl == 1:
            return Fate(near, ROUTER_MS + near_ms, address=s.HOP1[family])
        if target.address == s.MODEM:
            more, extra = self.through(("modem",))
            forwards = "no_forward" not in self.modes
            return Fate(near * more, MODEM_MS + near_ms + extra) if more and forwards else None
        if self.store.router_tells and "modem" in self.down and "on_backup" not in self.modes:
            return Fate(near, ROUTER_MS + near_ms, "unreachable", address=s.HOP1[family])
        survives, added, backup = self._access(index, family)
        if not survives:
            return None
        if (probe.way == "hop" and probe.ttl == 2) or target.address in (s.HOP2[family], s.BACKUP_HOP2[family]):
            hop = (s.BACKUP_HOP2 if backup else s.HOP2)[family]
            if probe.way != "hop" and target.address != hop:
                return None
            return Fate(survives, HOP2_MS + added, address=hop)
        return self._at_the_far_end(index, probe)

    def _at_the_far_end(self, index: int, probe: Probe) -> Fate | None:
        target, family = probe.target, probe.target.family
        survives, added = self._far(index, family)
        if not survives:
            return None
        if probe.way == "hop" and probe.ttl:
            return Fate(survives, FAR_MS + added, address=s.FAR_HOP[family])
        if probe.way == "http":
            return self._portal(survives, added)
        if target.role == "hq" or target.address in s.HQ.values():
            return self._hq(index, family, probe.way)
        if probe.way == "dns":
            if target.address in s.ISP_RESOLVER.values():
                return self._own_resolver(index, family)
            return self._other_resolver(survives, added, target.address)
        if "captive" in self.modes and "captive_lets_echo" not in self.modes:
            return None
        more, extra = self.through((f"anycast:{target.address}",))
        return Fate(survives * more, FAR_MS + added + extra) if more else None

    def _portal(self, survives: float, added: float) -> Fate | None:
        if "captive" in self.modes:
            return Fate(survives, FAR_MS + added, "redirected", detail="login.example")
        more, extra = self.through(("portal",))
        return Fate(survives * more, 2 * FAR_MS + added + extra) if more else None

    def _hq(self, index: int, family: Family, way: str) -> Fate | None:
        survives, added = self._far(index, family)
        if not survives:
            return None
        if "captive" in self.modes:
            return Fate(survives, HQ_MS + added, "wrong", detail="certificate of another name") if way == "tls" else None
        more, extra = self.through(("hq_path", "hq"))
        rtt_ms = added + extra + HQ_MS * (3 if way == "tls" else 1)
        if "hq_unreachable" in self.modes:
            return Fate(survives, HQ_MS + added, "unreachable", address=TELLING_HOP)
        if "hq_refuses_connections" in self.modes:
            return Fate(survives * more, rtt_ms, "refused") if more else None
        if "hq_wrong" in self.modes and way == "tls":
            return Fate(survives * more, rtt_ms, "wrong", detail="certificate has expired") if more else None
        return Fate(survives * more, rtt_ms) if more else None

    def _own_resolver(self, index: int, family: Family) -> Fate | None:
        survives, added = self._far(index, family)
        if not survives or "dns_blocked" in self.modes or "resolver" in self.down:
            return None
        if "dns_fails" in self.modes:
            return Fate(survives, ROUTER_MS + added, "wrong", detail="SERVFAIL")
        more, extra = self.through(("resolver",))
        lied = "10.11.12.13" if "resolver_lies" in self.modes else s.HQ[family]
        return Fate(survives * more, 4.0 + added + extra, detail=lied)

    def _other_resolver(self, survives: float, added: float, address: str) -> Fate | None:
        if self.modes & {"dns_blocked", "captive"}:
            return None
        more, extra = self.through((f"anycast:{address}",))
        return Fate(survives * more, FAR_MS + added + extra, detail=s.HQ["ipv4"]) if more else None

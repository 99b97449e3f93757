"""Gives each question to the sockets that can ask it, and keeps these on the chosen interface."""

import ipaddress
import os
from collections.abc import Callable
from pathlib import Path

from tillkeeper.network.assignment import Assignment
from tillkeeper.network.model import Fact, Family, NotSent, PeerState, Probe
from tillkeeper.network.prober import clock
from tillkeeper.network.prober.beacons import Beacons
from tillkeeper.network.prober.deep import Diagnoses
from tillkeeper.network.prober.echo import Echo, open_raw
from tillkeeper.network.prober.lan import Lan
from tillkeeper.network.prober.log import log
from tillkeeper.network.prober.poller import Poller
from tillkeeper.network.prober.resolv import Names
from tillkeeper.network.prober.setup import Plan
from tillkeeper.network.prober.wan import Wan
from tillkeeper.network.prober.watch import Watch
from tillkeeper.network.wire import Diagnose, DiagnoseEnded, DiagnoseStep

RESOLV_CONF = Path("/etc/resolv.conf")
NO_CAPABILITY = (
    "no CAP_NET_RAW: neighbours and hops can not be asked (start it as tillkeeper-probe.service, or give its unit "
    "AmbientCapabilities=CAP_NET_RAW)"
)


class Senders:
    """Everything that sends. What lacks a capability is left out and said in `trouble`; the rest works without."""

    def __init__(
        self, plan: Plan, poller: Poller, tell: Callable[[Fact], None], watch: Watch,
        diagnosed: Callable[[DiagnoseStep | DiagnoseEnded], None],
    ) -> None:  # fmt: skip
        setup = plan.setup
        self._setup, self._tell, self._watch = setup, tell, watch
        self.trouble = ""
        captures = Path(os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0] or "/tmp")  # noqa: S108 - names are new ones
        self._diagnoses = Diagnoses(poller, diagnosed, captures)
        names = {target.host for target in setup.targets if not target.address}
        self._names = Names(RESOLV_CONF, names, setup.families, tell)
        self._wan = Wan(poller, tell, self._names)
        self._lan = Lan(poller, tell, self._own, watch.is_own_mac)
        self._echoes: dict[Family, Echo] = {}
        for family in setup.families:
            try:
                self._echoes[family] = Echo(family, open_raw(family), tell, self._is_own)
            except PermissionError:
                self.trouble = NO_CAPABILITY
            except OSError as error:
                log("family_missing", family=family, why=str(error))
        if self.trouble:
            log("capability_missing", trouble=self.trouble)
        self._beacon_port = plan.network.beacon_port
        self._beacons: Beacons | None = None
        if plan.key:
            self.keyed(plan.key)

    def bind(self, interface: str, index: int, mac: str) -> None:
        """Another interface is ours."""
        if not self.trouble:
            try:
                self._lan.bind(interface, index, mac)
            except PermissionError:
                self.trouble = NO_CAPABILITY
                log("capability_missing", trouble=self.trouble)
        if self._beacons is not None:
            self._beacons.bind(interface, index)

    def moved(self) -> None:
        """Own addresses or gateways are others."""
        own = [address.address for address in self._watch.addresses if address.family == "ipv4"]
        gateway = self._watch.gateways.get("ipv4")
        self._lan.watch(frozenset([*own, gateway] if gateway else own))

    def ask(self, probe: Probe, now_s: float) -> None:
        """Send `probe`, or tell why not."""
        target = probe.target
        address = target.address or self._names.address(target.host, target.family)
        if not address:
            self._refuse(probe, now_s, "EAI_NONAME")
        elif probe.way in ("arp", "nd"):
            if self.trouble:
                self._refuse(probe, now_s, "EPERM")
            else:
                self._lan.ask(probe, address, clock.boot_s())
        elif probe.way in ("echo", "hop"):
            echo = self._echoes.get(target.family)
            if echo is None:
                self._refuse(probe, now_s, "EPERM" if self.trouble else "EAFNOSUPPORT")
            else:
                echo.ask(probe, address, self._watch.index, clock.boot_s())
        else:
            self._wan.ask(probe, address, self._watch.index, now_s)

    def keyed(self, key: bytes) -> None:
        """Exchange beacons from now on."""
        watch, register = self._watch, self._setup.register
        self._beacons = Beacons(self._tell, watch.mac_of, key=key, port=self._beacon_port, register=register)
        self._beacons.bind(watch.interface, watch.index)

    def beacon(self, state: PeerState) -> None:
        if self._beacons is not None:
            self._beacons.send(state)

    def diagnose(self, request: Diagnose) -> None:
        """Somebody wants to know more."""
        self._diagnoses.start(request, self._assignment(request), clock.boot_s())

    def drain(self) -> None:
        """Before each step of the engine: what is not waited for."""
        self._lan.drain()
        if self._beacons is not None:
            self._beacons.drain()
        for echo in self._echoes.values():
            echo.drain()

    def tick(self, now_s: float) -> None:
        """Once a second. After a pause an answer may have waited for longer than its question is kept: it is read first."""
        self.drain()
        self._diagnoses.tick(now_s)
        self._names.refresh(now_s)
        for resolver, name, record in self._names.due(now_s):
            self._wan.look_up(resolver, self._watch.index, name, record)
        self._wan.sweep(now_s)
        self._lan.sweep(now_s)
        for echo in self._echoes.values():
            echo.sweep(now_s)

    def close(self) -> None:
        self._diagnoses.close()
        self._wan.close()
        self._lan.close()
        for echo in self._echoes.values():
            echo.close()
        if self._beacons is not None:
            self._beacons.close()

    def _refuse(self, probe: Probe, now_s: float, error: str) -> None:
        self._tell(NotSent(number=probe.number, at_s=now_s, error=error))

    def _is_own(self, address: str) -> bool:
        return any(own.address == address for own in self._watch.addresses)

    def _own(self, target: str) -> str:
        """The own address whose network holds `target`, else the first of its family, or an empty text."""
        family: Family = "ipv6" if ":" in target else "ipv4"
        own = [address for address in self._watch.addresses if address.family == family]
        near = next((address for address in own if _within(address.address, address.prefix, target)), None)
        return (near or own[0]).address if own else ""

    def _assignment(self, request: Diagnose) -> Assignment:
        anycast = next((target.address for target in self._setup.targets if target.role == "anycast"), "")
        hq = next((target for target in self._setup.targets if target.role == "hq"), None)
        return Assignment(
            request=request.request, interface=self._watch.interface, addresses=self._watch.addresses,
            gateways=self._watch.gateways, hq=(hq.address or self._names.address(hq.host, hq.family)) if hq else "",
            anycast=anycast, resolvers=self._names.servers, other_resolvers=self._setup.other_resolvers,
            name=self._setup.resolve_name,
        )  # fmt: skip


def _within(own: str, prefix: int, target: str) -> bool:
    return ipaddress.ip_address(target) in ipaddress.ip_network(f"{own}/{prefix}", strict=False)

"""Who says to be the gateway? Asked several times: a spoofing device answers beside the real one, or announces itself."""

from collections import Counter
from collections.abc import Callable

from tillkeeper.network.deep.check import Check, Found, Line, Outcome, Skip, spaced
from tillkeeper.network.deep.values import Claim, Heard

ASKS = 5
EVERY_S = 1.4
WAIT_S = 2.0
MAX_MACS = 8
VRRP = ("00:00:5e:00:01:", "00:00:5e:00:02:", "00:00:0c:07:ac:", "00:00:0c:9f:f")
"""Addresses that routers share on purpose: VRRP (RFC 5798, 7.3) for IPv4 and IPv6, HSRP 1 and 2."""


class GatewayFound(Found, frozen=True):
    """`macs`: "address: MAC, maker, heard n times". `silent`: those that nobody is. `gratuitous`: how often an address was
    announced unasked."""

    macs: list[str]
    several: bool
    silent: list[str]
    gratuitous: int


class GatewayClaims(Check):
    """`gateways`: (gateway, own address to ask from) for each family."""

    name = "gateway"
    doing = "Asking who has the gateway's address ..."

    def __init__(self, line: Line, gateways: tuple[tuple[str, str], ...], vendor: Callable[[str], str]) -> None:
        self._line = line
        self._gateways = dict(gateways)
        self._vendor = vendor
        self._due: list[tuple[float, str]] = []
        self._end_s: float | None = None
        self._answers: Counter[tuple[str, str]] = Counter()
        self._gratuitous: Counter[str] = Counter()

    def begin(self, now_s: float) -> None:
        if not self._gateways:
            raise Skip("there is no default gateway")
        if not self._line.mac:
            raise Skip("the interface is no Ethernet: its gateway has no MAC")
        self._due = sorted((time_s, gateway) for gateway in self._gateways for time_s in spaced(now_s + 0.1, EVERY_S, ASKS))

    def take(self, heard: Heard, now_s: float) -> None:
        if not isinstance(heard, Claim) or heard.address not in self._gateways or heard.mac == self._line.mac:
            return
        key = (heard.address, heard.mac)
        if key in self._answers or len(self._answers) < MAX_MACS:
            self._answers[key] += 1
            self._gratuitous[heard.address] += heard.gratuitous

    def poll(self, now_s: float, *, last: bool) -> Outcome | None:
        if self._due and now_s >= self._due[0][0]:
            gateway = self._due[0][1]
            if self._line.ask(gateway, self._gateways[gateway]):
                self._due.pop(0)
        if not self._due and self._end_s is None:
            self._end_s = now_s + WAIT_S
        if not last and (self._end_s is None or now_s < self._end_s):
            return None
        return self._outcome()

    def _outcome(self) -> Outcome:
        macs = [f"{address}: {self._named(mac)}, heard {count} times" for (address, mac), count in self._answers.items()]
        several = [address for address in self._gateways if self._count(address) > 1]
        silent = [address for address in self._gateways if not self._count(address)]
        announced = sum(self._gratuitous.values())
        found = GatewayFound(macs=macs, several=bool(several), silent=silent, gratuitous=announced)
        said = []
        for address in self._gateways:
            owners = " and ".join(self._named(mac) for claimed, mac in self._answers if claimed == address)
            if address in several:
                said.append(f"several devices say to be the gateway {address}: {owners}; one of them may be spoofing")
            else:
                said.append(f"the gateway {address} is {owners}" if owners else f"the gateway {address} does not answer")
        if announced:
            said.append(f"announced {announced} times without being asked")
        words = "; ".join(said)
        return Outcome(state="done", words=words[0].upper() + words[1:], found=found)

    def _count(self, address: str) -> int:
        return sum(claimed == address for claimed, _ in self._answers)

    def _named(self, mac: str) -> str:
        shared = "shared by routers (VRRP, HSRP)" if mac.startswith(VRRP) else self._vendor(mac)
        return f"{mac} ({shared})" if shared else mac

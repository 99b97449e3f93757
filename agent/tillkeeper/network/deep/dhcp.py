"""Which DHCP servers are there, and what would they give? Only DISCOVER is sent: nobody's lease changes."""

from tillkeeper.network.deep.check import Check, Found, Line, Outcome, Skip, spaced
from tillkeeper.network.deep.values import Heard, Offer

WAIT_S = 10.0
"""Servers ping an address for up to 3 s before they offer it; a rogue one may be slower than the real one."""
MAX_SERVERS = 8


class DhcpFound(Found, frozen=True):
    """`offers`: one line for each server. `router`, `resolvers`, `address`, `lease_s`: of the first offer."""

    servers: list[str]
    offers: list[str]
    address: str
    router: str
    resolvers: list[str]
    lease_s: int | None
    several: bool
    foreign_router: bool
    """An offer names another router than the one in use."""


class Dhcp(Check):
    """`gateway`: the one in use now, empty for none."""

    name = "dhcp"
    doing = "Asking for an address by DHCP ..."

    def __init__(self, line: Line, transaction: int, gateway: str) -> None:
        self._line = line
        self._transaction = transaction
        self._gateway = gateway
        self._due: list[float] = []
        self._end_s = 0.0
        self._offers: dict[tuple[str, str], Offer] = {}

    def begin(self, now_s: float) -> None:
        if not self._line.mac:
            raise Skip("the interface is no Ethernet: DHCP is not spoken there")
        self._due = spaced(now_s, 3.0, 3)
        self._end_s = now_s + WAIT_S

    def take(self, heard: Heard, now_s: float) -> None:
        if isinstance(heard, Offer) and heard.transaction == self._transaction and len(self._offers) < MAX_SERVERS:
            self._offers.setdefault((heard.server, heard.mac), heard)

    def poll(self, now_s: float, *, last: bool) -> Outcome | None:
        if self._due and now_s >= self._due[0]:
            self._due.pop(0)
            # Once somebody has offered the others have heard the question as well.
            if not self._offers:
                self._line.discover(self._transaction)
        return self._outcome() if last or now_s >= self._end_s else None

    def _outcome(self) -> Outcome:
        offers = list(self._offers.values())
        if not offers:
            return Outcome(state="done", words="No DHCP server answers", found=_found((), foreign=False))
        foreign = bool(self._gateway) and any(self._gateway not in offer.routers for offer in offers)
        found = _found(tuple(offers), foreign=foreign)
        first = offers[0]
        words = _words(first)
        if found.several:
            named = " and ".join(f"{offer.server} ({offer.mac})" for offer in offers)
            words = f"{len(offers)} DHCP servers answer: {named}; one of them may be a rogue"
        if foreign:
            words += f"; the router in use is {self._gateway}, another one is offered"
        return Outcome(state="done", words=words, found=found)


def _found(offers: tuple[Offer, ...], *, foreign: bool) -> DhcpFound:
    first = offers[0] if offers else None
    return DhcpFound(
        servers=[offer.server for offer in offers],
        offers=[_line(offer) for offer in offers],
        address=first.address if first else "",
        router=first.routers[0] if first and first.routers else "",
        resolvers=list(first.resolvers) if first else [],
        lease_s=first.lease_s if first else None,
        several=len(offers) > 1,
        foreign_router=foreign,
    )


def _words(offer: Offer) -> str:
    routers, resolvers = ", ".join(offer.routers) or "none", ", ".join(offer.resolvers) or "none"
    return f"{offer.server} offers {offer.address}, router {routers}, resolvers {resolvers}"


def _line(offer: Offer) -> str:
    via = f" via relay {offer.relay}" if offer.relay else ""
    lease = f", for {offer.lease_s} s" if offer.lease_s is not None else ""
    return f"{_words(offer)}{lease}; sent by {offer.mac}{via}"

"""Questions over TCP and UDP: starts an exchange for each, bounds how many are open, closes every one in time."""

from collections.abc import Callable

from tillkeeper.network import dns
from tillkeeper.network.model import Fact, Family, NotSent, Probe, Replied, Target
from tillkeeper.network.prober.exchange import DNS_PORT, DnsExchange, Exchange, HttpExchange, Outcome, TlsExchange
from tillkeeper.network.prober.pending import KEEP_S
from tillkeeper.network.prober.poller import Poller
from tillkeeper.network.prober.resolv import Names

MOST_OPEN = 96
"""Sockets at a time, our own look-ups included: a burst of 10 Hz on three ways whose answers do not come."""
LOOKUP_TIMEOUT_MS = 2000
_RESOLVERS = ("resolver", "other_resolver")
_PORTS = {"tcp": 443, "http": 80, "tls": 443}


class Wan:
    """Asks over TCP and UDP and tells what comes back."""

    def __init__(self, poller: Poller, tell: Callable[[Fact], None], names: Names) -> None:
        self._poller = poller
        self._tell = tell
        self._names = names
        self._open: dict[Exchange, float] = {}

    @property
    def open(self) -> int:
        """Exchanges that hold a socket."""
        return len(self._open)

    def ask(self, probe: Probe, address: str, scope: int, now_s: float) -> None:
        """Start the exchange that `probe.way` names."""
        if len(self._open) >= MOST_OPEN:
            self._tell(NotSent(number=probe.number, at_s=now_s, error="EMFILE"))
            return
        target, ended = probe.target, self._ended
        port = target.port or _PORTS.get(probe.way, 443)
        exchange: Exchange
        if probe.way == "dns":
            record: dns.Record = "AAAA" if target.family == "ipv6" else "A"
            port = target.port if target.role in _RESOLVERS and target.port else DNS_PORT
            exchange = DnsExchange(probe, address, scope, port, self._poller, ended, record, target.host)
        elif probe.way == "http":
            exchange = HttpExchange(probe, address, scope, port, self._poller, ended)
        elif probe.way == "tls":
            exchange = TlsExchange(probe, address, scope, port, self._poller, ended)
        else:
            exchange = Exchange(probe, address, scope, port, self._poller, ended)
        self._begin(exchange)

    def look_up(self, resolver: str, scope: int, name: str, record: dns.Record) -> None:
        """Ask `resolver` for `name` on our own account; the answer goes to `Names`."""
        if len(self._open) >= MOST_OPEN:
            return
        family: Family = "ipv6" if ":" in resolver else "ipv4"
        target = Target(name="", role="resolver", family=family, address=resolver, ways=("dns",), host=name)
        probe = Probe(number=-1, target=target, way="dns", timeout_ms=LOOKUP_TIMEOUT_MS)
        self._begin(DnsExchange(probe, resolver, scope, DNS_PORT, self._poller, self._looked_up, record, name))

    def sweep(self, now_s: float) -> None:
        """Close those whose time is over."""
        for exchange in [exchange for exchange, until_s in self._open.items() if until_s <= now_s]:
            exchange.close()
            del self._open[exchange]

    def close(self) -> None:
        for exchange in self._open:
            exchange.close()
        self._open.clear()

    def _begin(self, exchange: Exchange) -> None:
        self._open[exchange] = exchange.sent_s + exchange.probe.timeout_ms / 1000 + KEEP_S
        exchange.start()

    def _ended(self, exchange: Exchange, outcome: Outcome) -> None:
        self._learn(exchange, outcome)
        probe = exchange.probe
        if outcome.error:
            self._tell(NotSent(number=probe.number, at_s=outcome.at_s, error=outcome.error))
        elif outcome.answer is not None:
            self._tell(
                Replied(
                    number=probe.number, at_s=outcome.at_s, rtt_ms=max(0.0, (outcome.at_s - exchange.sent_s) * 1000),
                    answer=outcome.answer, address=outcome.source, detail=outcome.detail, clock_ahead_s=outcome.clock_ahead_s,
                )
            )  # fmt: skip

    def _looked_up(self, exchange: Exchange, outcome: Outcome) -> None:
        self._learn(exchange, outcome)

    def _learn(self, exchange: Exchange, outcome: Outcome) -> None:
        del self._open[exchange]
        if isinstance(exchange, DnsExchange) and outcome.addresses and exchange.probe.target.role == "resolver":
            self._names.learn(exchange.name, exchange.record, outcome.addresses, outcome.at_s)

"""Do the register's own resolvers say what others say? Asked for the same name, and for one that cannot exist."""

import ipaddress
import socket
from collections.abc import Iterable

from tillkeeper.network import dns
from tillkeeper.network.deep.check import Check, Found, Outcome, Skip

TRIES_S = (0.0, 1.0, 2.5)
END_S = 4.5
MAX_RESOLVERS = 3
"""Of each side: resolv.conf has no more either."""
DNS_PORT = 53
CODES = {0: "no address", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}


class ResolversFound(Found, frozen=True):
    """`own`, `others`: "resolver: what it said". `agree`: None where one side is silent. `invents`: an own resolver has an
    address for a name that cannot exist (RFC 6761, 6.4): it leads to somebody's page."""

    name: str
    own: list[str]
    others: list[str]
    agree: bool | None
    invents: bool


class _Query:
    """One question to one resolver, on a socket of its own."""

    def __init__(self, resolver: str, name: str, record: dns.Record, identifier: int, port: int) -> None:
        self.resolver, self.said, self.addresses = resolver, "", frozenset[str]()
        self._name, self._record, self._identifier = name, record, identifier
        family = socket.AF_INET6 if ":" in resolver else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.connect((resolver, port))
        except OSError as error:
            self._end(error.strerror or str(error))

    @property
    def answered(self) -> bool:
        return bool(self.said)

    def send(self) -> None:
        try:
            self._socket.send(dns.query(self._identifier, self._name, self._record))
        except OSError as error:
            self._end(error.strerror or str(error))

    def receive(self) -> None:
        try:
            data = self._socket.recv(4096)
        except BlockingIOError:
            return
        except OSError as error:
            self._end("nobody listens there" if isinstance(error, ConnectionRefusedError) else error.strerror or str(error))
            return
        response = dns.parse(data, self._identifier, self._name, self._record)
        if response is not None:
            self.addresses = frozenset(response.addresses)
            self._end(", ".join(sorted(self.addresses)[:4]) or CODES.get(response.code, f"code {response.code}"))

    def _end(self, said: str) -> None:
        self.said = said
        self._socket.close()

    def close(self) -> None:
        self._socket.close()


class Resolvers(Check):
    """`name`: what HQ is called, or any other that should resolve. `nonsense`: a label that nobody has made up before."""

    name = "resolvers"
    doing = "Comparing what resolvers say ..."

    def __init__(
        self,
        own: tuple[str, ...],
        others: tuple[str, ...],
        name: str,
        record: dns.Record,
        *,
        nonsense: str,
        identifier: int,
        port: int = DNS_PORT,
    ) -> None:
        self._name, self._record, self._nonsense, self._identifier, self._port = name, record, nonsense, identifier, port
        self._addresses = (own[:MAX_RESOLVERS], tuple(each for each in others if each not in own)[:MAX_RESOLVERS])
        self._own: list[_Query] = []
        self._others: list[_Query] = []
        self._canaries: list[_Query] = []
        self._began_s = 0.0
        self._tries = list(TRIES_S)

    def begin(self, now_s: float) -> None:
        own, others = self._addresses
        if not self._name:
            raise Skip("there is no name to ask for")
        if not own:
            raise Skip("no resolver is configured on this machine")
        self._began_s = now_s
        self._own, self._others = self._queries(own, self._name), self._queries(others, self._name)
        self._canaries = self._queries(own, f"{self._nonsense}.invalid")

    def _queries(self, resolvers: Iterable[str], name: str) -> list[_Query]:
        return [_Query(each, name, self._record, self._identifier, self._port) for each in resolvers]

    def poll(self, now_s: float, *, last: bool) -> Outcome | None:
        queries = [*self._own, *self._others, *self._canaries]
        if self._tries and now_s >= self._began_s + self._tries[0]:
            self._tries.pop(0)
            for query in queries:
                if not query.answered:
                    query.send()
        for query in queries:
            if not query.answered:
                query.receive()
        if not last and now_s < self._began_s + END_S and not all(query.answered for query in queries):
            return None
        for query in queries:
            query.close()
        return self._outcome()

    def _outcome(self) -> Outcome:
        own, others = _together(self._own), _together(self._others)
        agree = bool(own & others) if own and others else None
        invents = any(query.addresses for query in self._canaries)
        found = ResolversFound(
            name=self._name, own=_lines(self._own), others=_lines(self._others), agree=agree, invents=invents
        )  # fmt: skip
        if invents:
            words = "An own resolver has an address for a name that cannot exist: it leads to somebody's page"
        elif not own:
            besides = ", another one has" if others else "; nor has another one"
            words = f"No own resolver has an address for {self._name}{besides}"
        elif not others:
            words = f"The own resolvers answer for {self._name}; there is no other answer to compare with"
        elif agree:
            words = f"Own and other resolvers agree about {self._name}"
        elif any(not _public(each) for each in own) and all(_public(each) for each in others):
            words = f"The own resolvers give a private address for {self._name}, others a public one"
        else:
            words = f"Own and other resolvers give different addresses for {self._name}: large services do, and liars"
        return Outcome(state="done", words=words, found=found)


def _together(queries: list[_Query]) -> frozenset[str]:
    return frozenset().union(*(query.addresses for query in queries))


def _public(address: str) -> bool:
    return ipaddress.ip_address(address).is_global


def _lines(queries: list[_Query]) -> list[str]:
    return [f"{query.resolver}: {query.said or 'no answer'}" for query in queries]

"""The machine's resolvers (resolv.conf(5)), and the addresses that names lately had."""

import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

from tillkeeper.network.dns import Record
from tillkeeper.network.model import Fact, Family, ResolversSeen
from tillkeeper.plain_file import open_plain

MAX_BYTES = 64 * 1024
MOST = 3
"""MAXNS of resolv.h: the system's own resolver reads no more."""
LOCAL_STUBS = frozenset({"127.0.0.53", "127.0.0.54"})
STUB_BEHIND = Path("/run/systemd/resolve/resolv.conf")
"""systemd-resolved(8): the servers that its stub asks."""
FRESH_S = 300.0
RETRY_S = 5.0
MOST_ADDRESSES = 8


def parse(text: str) -> tuple[str, ...]:
    """The addresses of `nameserver` lines, at most `MOST`; a scope (fe80::1%eth0) is dropped, the interface is known."""
    found: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "nameserver":
            continue
        address = literal(words[1].partition("%")[0])
        if address and address not in found:
            found.append(address)
    return tuple(found[:MOST])


def literal(text: str) -> str:
    """`text` in its usual form where it is an address of IPv4 or IPv6, else an empty text."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        return socket.inet_ntop(family, socket.inet_pton(family, text))
    except (OSError, UnicodeError, ValueError):
        return ""


class Names:
    """What `ResolversSeen` says, and when a name wants to be looked up again.

    Args:
        path: of resolv.conf.
        wanted: names without an address of their own.
    """

    def __init__(self, path: Path, wanted: Iterable[str], families: tuple[Family, ...], tell: Callable[[Fact], None]) -> None:
        self._path = path
        self._tell = tell
        self._stamp: object = None
        self._servers: tuple[str, ...] = ()
        self._known: dict[tuple[str, Record], tuple[str, ...]] = {}
        records: list[Record] = ["AAAA" if family == "ipv6" else "A" for family in families]
        self._due = {(name, record): 0.0 for name in sorted(set(wanted)) for record in records}
        self._turn = 0

    @property
    def servers(self) -> tuple[str, ...]:
        return self._servers

    def address(self, name: str, family: Family) -> str:
        """The last known one, or an empty text."""
        known = self._known.get((name, "AAAA" if family == "ipv6" else "A"), ())
        return known[0] if known else ""

    def refresh(self, now_s: float) -> None:
        """Read resolv.conf again where it has changed; one that can not be read names nobody."""
        stamp = (_stamp(self._path), _stamp(STUB_BEHIND))
        if stamp == self._stamp:
            return
        self._stamp = stamp
        servers = _read(self._path)
        if servers and set(servers) <= LOCAL_STUBS:
            servers = _read(STUB_BEHIND) or servers
        if servers != self._servers:
            self._servers = servers
            self._due = dict.fromkeys(self._due, 0.0)
            self._say(now_s)

    def learn(self, name: str, record: Record, addresses: tuple[str, ...], now_s: float) -> None:
        """An answer came. Only names that are wanted are kept."""
        key = (name, record)
        if key not in self._due:
            return
        self._due[key] = now_s + FRESH_S
        usable = tuple(sorted(addresses)[:MOST_ADDRESSES])
        if usable != self._known.get(key):
            self._known[key] = usable
            self._say(now_s)

    def due(self, now_s: float) -> list[tuple[str, str, Record]]:
        """(resolver, name, record) to be asked now. Each is due again after `RETRY_S` unless an answer comes."""
        if not self._servers:
            return []
        found = []
        for (name, record), due_s in self._due.items():
            if due_s <= now_s:
                self._due[name, record] = now_s + RETRY_S
                found.append((self._servers[self._turn % len(self._servers)], name, record))
        self._turn += bool(found)
        return found

    def _say(self, now_s: float) -> None:
        cached: dict[str, tuple[str, ...]] = {}
        for (name, _), addresses in self._known.items():
            cached[name] = cached.get(name, ()) + addresses
        self._tell(ResolversSeen(at_s=now_s, addresses=self._servers, cached=cached))


def _stamp(path: Path) -> object:
    """Changes when the file does: renamed over, written to, or a link that points elsewhere."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)


def _read(path: Path) -> tuple[str, ...]:
    try:
        with open_plain(path) as file:
            return parse(file.read(MAX_BYTES).decode("utf-8", "replace"))
    except OSError:
        return ()

"""Has another device my address? Three probes for each (RFC 5227, 2.1.1; RFC 4862, 5.4)."""

from collections.abc import Callable

from tillkeeper.network.deep.check import Check, Found, Line, Outcome, Skip, spaced
from tillkeeper.network.deep.values import Claim, Heard

PROBES = 3
EVERY_S = 1.2
WAIT_S = 2.0
"""After the last probe: PROBE_NUM, PROBE_MIN and ANNOUNCE_WAIT of RFC 5227, 1.1."""
MAX_ADDRESSES = 4
MAX_MACS = 8


class DuplicateFound(Found, frozen=True):
    """`claims`: "address: MAC, maker, n times"."""

    duplicate: bool
    asked: list[str]
    claims: list[str]


class DuplicateAddress(Check):
    """`vendor`: who made a MAC."""

    name = "duplicate_address"
    doing = "Asking whether another device has this register's address ..."

    def __init__(self, line: Line, addresses: tuple[str, ...], vendor: Callable[[str], str]) -> None:
        self._line = line
        self._addresses = addresses[:MAX_ADDRESSES]
        self._vendor = vendor
        self._due: list[tuple[float, str]] = []
        self._end_s: float | None = None
        self._claims: dict[tuple[str, str], int] = {}

    def begin(self, now_s: float) -> None:
        if not self._addresses:
            raise Skip("the interface has no address")
        if not self._line.mac:
            raise Skip("the interface is no Ethernet: nobody else can have the address")
        times = spaced(now_s, EVERY_S, PROBES)
        self._due = sorted((time_s, address) for address in self._addresses for time_s in times)

    def take(self, heard: Heard, now_s: float) -> None:
        if isinstance(heard, Claim) and heard.address in self._addresses and heard.mac != self._line.mac:
            key = (heard.address, heard.mac)
            if key in self._claims or len(self._claims) < MAX_MACS:
                self._claims[key] = self._claims.get(key, 0) + 1

    def poll(self, now_s: float, *, last: bool) -> Outcome | None:
        if self._due and now_s >= self._due[0][0]:
            address = self._due[0][1]
            if self._line.ask(address, "::" if ":" in address else "0.0.0.0"):  # noqa: S104
                self._due.pop(0)
        if not self._due and self._end_s is None:
            self._end_s = now_s + WAIT_S
        if not last and (self._end_s is None or now_s < self._end_s):
            return None
        return self._outcome()

    def _outcome(self) -> Outcome:
        claims = [
            f"{address}: {mac}{', ' + maker if (maker := self._vendor(mac)) else ''}, {count} times"
            for (address, mac), count in self._claims.items()
        ]
        found = DuplicateFound(duplicate=bool(claims), asked=list(self._addresses), claims=claims)
        if claims:
            return Outcome(state="done", words=f"Another device has this register's address: {'; '.join(claims)}", found=found)
        return Outcome(state="done", words=f"Nobody else has {', '.join(self._addresses)}", found=found)

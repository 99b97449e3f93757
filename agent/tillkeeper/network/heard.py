"""What answers say besides that there was one: who sends errors, what the clock of others shows, which way packets go. Pure."""

from collections import deque
from collections.abc import Callable

from tillkeeper.network.capabilities import Path
from tillkeeper.network.model import Family, Replied

HELD_S = 3.0
"""Routers send their errors at most once a second; one holds for so long."""
HQ_HELD_S = 8.0
CLOCK_OFF_S = 120.0
CLOCK_HELD_S = 600.0
HOP_KNOWN = 3
ADOPT_S = 600.0
MOST = 8


class Lasting:
    """Something that was seen at times: since when, last when, and in which words."""

    __slots__ = ("detail", "last_s", "since_s", "subject")

    def __init__(self) -> None:
        self.since_s: float | None = None
        self.last_s = 0.0
        self.detail = ""
        self.subject = ""

    def saw(self, at_s: float, detail: str = "", subject: str = "") -> None:
        if self.since_s is None:
            self.since_s = at_s
        self.last_s = at_s
        self.detail = detail[:200]
        self.subject = subject[:64]

    def over(self) -> None:
        self.since_s = None

    def holds(self, now_s: float, held_s: float) -> bool:
        if self.since_s is not None and now_s - self.last_s > held_s:
            self.since_s = None
        return self.since_s is not None


class HopWatch:
    """The second hop as its time-exceeded shows it. `usual`: through which of them it goes when all is as always (several,
    where the provider balances)."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.usual: list[str] = []
        self.last: deque[str] = deque(maxlen=HOP_KNOWN)
        self.strange_s: float | None = None

    def saw(self, address: str, at_s: float) -> None:
        self.last.append(address)
        if address in self.usual:
            self.strange_s = None
            return
        if self.usual and self.strange_s is None:
            self.strange_s = at_s
        self.counts[address] = self.counts.get(address, 0) + 1
        if len(self.counts) > MOST:
            del self.counts[min(self.counts, key=self.counts.__getitem__)]
        known = self.counts.get(address, 0) >= HOP_KNOWN
        adopted = self.strange_s is not None and at_s - self.strange_s > ADOPT_S
        mixed = self.usual and any(other in self.usual for other in self.last)
        if known and (not self.usual or adopted or mixed):
            self.usual = [address, *self.usual][:MOST] if mixed else [address]
            self.counts.clear()
            self.strange_s = None

    def elsewhere(self) -> str:
        """The hop that it goes through now, if it is none of the usual ones."""
        if self.usual and len(self.last) == HOP_KNOWN and not any(address in self.usual for address in self.last):
            return self.last[-1]
        return ""


class Heard:
    """Fed with every answer that was waited for."""

    def __init__(self) -> None:
        self.redirected = Lasting()
        self._unredirected = 0
        self.router_says = Lasting()
        self.hq_alive = Lasting()
        self.hq_path = Lasting()
        self.hq_refuses = Lasting()
        self.hq_untrusted = Lasting()
        self.hq_wrong = Lasting()
        self.clocks: dict[str, tuple[float, float]] = {}
        self.hops: dict[Family, HopWatch] = {"ipv4": HopWatch(), "ipv6": HopWatch()}
        self.resolved: dict[str, tuple[float, tuple[str, ...]]] = {}

    def take(self, path: Path, reply: Replied, gateways: frozenset[str], *, hq_objects: bool) -> None:
        role = path.target.role
        by = reply.address
        if reply.answer == "unreachable":
            if by in gateways:
                self.router_says.saw(reply.at_s, reply.detail, by)
            elif role == "hq" and by:
                self.hq_path.saw(reply.at_s, reply.detail or by, by)
        if role == "portal":
            if reply.answer == "redirected":
                self.redirected.saw(reply.at_s, reply.detail)
                self._unredirected = 0
            elif reply.answer == "reply":
                self.redirected.over()
        elif role == "hq":
            self._take_hq(reply, hq_objects=hq_objects)
        elif role == "hop2" and path.way == "hop" and reply.answer == "reply" and by:
            self.hops[path.target.family].saw(by, reply.at_s)
        elif role in ("resolver", "other_resolver") and reply.answer == "reply" and reply.detail:
            self.resolved[role] = (reply.at_s, tuple(reply.detail[:400].split(",")))
        if reply.clock_ahead_s is not None:
            source = "hq" if role == "hq" else path.target.name
            if source in self.clocks or len(self.clocks) < MOST:
                self.clocks[source] = (reply.at_s, reply.clock_ahead_s)
        if path.target.wan and reply.answer == "reply":
            self.router_says.over()

    def _take_hq(self, reply: Replied, *, hq_objects: bool) -> None:
        if reply.answer in ("refused", "wrong"):
            self.hq_alive.saw(reply.at_s, reply.detail or reply.answer)
            if reply.answer == "wrong":
                self.hq_wrong.saw(reply.at_s, reply.detail)
        elif reply.answer == "reply":
            self.hq_path.over()
            if not hq_objects:
                self.hq_alive.over()
                self.hq_wrong.over()

    def portal_silent(self, *, others: bool) -> bool:
        """The check for a login page went unanswered; `others`: what is nearer is silent too. Whether one that was seen before
        is no longer there to be said: one miss may be chance, and is none where something nearer has died since."""
        self._unredirected += 1
        if self.redirected.since_s is None or (self._unredirected < 2 and not others):
            return False
        self.redirected.over()
        return True

    def take_trouble(self, trouble: str, at_s: float) -> None:
        """The agent's own code for what went wrong with HQ: all but silence mean that something answered."""
        if trouble == "credentials_refused":
            self.hq_refuses.saw(at_s, trouble)
        elif trouble == "untrusted":
            self.hq_untrusted.saw(at_s, trouble)
        elif trouble in ("batch_refused", "garbage", "redirected"):
            self.hq_wrong.saw(at_s, trouble)
        if trouble in ("timeout", "unreachable"):
            self.hq_untrusted.over()

    def hq_answered(self) -> None:
        for lasting in (self.hq_alive, self.hq_path, self.hq_refuses, self.hq_untrusted, self.hq_wrong):
            lasting.over()

    def clock_set(self, by_s: float) -> None:
        """Somebody set the own wall clock: what others said of it holds, moved by as much."""
        self.clocks = {source: (at_s, ahead_s + by_s) for source, (at_s, ahead_s) in self.clocks.items()}

    def clock_ahead_s(self, now_s: float) -> float | None:
        """By how much the own clock is ahead, if HQ says so, or two others agree; None while it is right or unknown."""
        fresh = {source: ahead for source, (at_s, ahead) in self.clocks.items() if now_s - at_s <= CLOCK_HELD_S}
        off = {source: ahead for source, ahead in fresh.items() if abs(ahead) > CLOCK_OFF_S}
        if "hq" in off:
            return off["hq"]
        values = sorted(off.values())
        agree = len(values) >= 2 and values[-1] - values[0] <= CLOCK_OFF_S
        return values[0] if agree and "hq" not in fresh else None

    def lies(self, now_s: float, gateways: frozenset[str], nowhere: Callable[[str], bool]) -> str:
        """What the own resolver says of a name, if no server can be there, or if others place it elsewhere than at nobody's or
        the router's own address. `nowhere`: no server of that name can be at this address."""
        own, other = self.resolved.get("resolver"), self.resolved.get("other_resolver")
        if own is not None and now_s - own[0] <= CLOCK_HELD_S and all(nowhere(address) for address in own[1]):
            return own[1][0]
        if own is None or other is None or now_s - max(own[0], other[0]) > CLOCK_HELD_S:
            return ""
        odd = [a for a in own[1] if a in gateways or a.startswith(("0.", "127.")) or a in ("::", "::1")]
        return odd[0] if odd and not set(own[1]) & set(other[1]) else ""

"""The open questions: what became of each of them, and what else an answer proves. Pure; bounded."""

import math

from tillkeeper.network.budget import ByteBudget, bytes_of
from tillkeeper.network.cadence import UNANSWERED
from tillkeeper.network.capabilities import Open, Path
from tillkeeper.network.evidence import DEAD_ROUNDS, SHARED, EvidenceKeeper
from tillkeeper.network.heard import Heard
from tillkeeper.network.locate import Locators
from tillkeeper.network.model import Family, NotSent, Probe, Replied
from tillkeeper.network.plan import Plan
from tillkeeper.network.signs import Signs
from tillkeeper.network.surroundings import Surroundings

LATE_S = 2.0
"""So long after its time-out an answer still counts as late."""
MOST_OPEN = 512
LAN_COLUMNS = frozenset({"gateway", "router", "neighbours", "switch", "broadcast"})
STIR_ROUNDS = 9
ACCEPTS = 5
"""So many connections in a row that HQ's host has taken are no chance of a lossy line."""
_NONE = frozenset[str]()
ACCEPTS_ONLY = "takes connections and does not answer"
STIR_S = 3.0
"""A column that has been silent for longer has been asked enough; it is looked after in calm."""


class Stir:
    """Until when what is in doubt is asked every round."""

    __slots__ = ("lan_s", "losses_s", "lossy_s", "wan_s")
    HOLD_S = 1.0
    LOSSY_S, LOSSY_REST_S = 0.7, 4.0

    def __init__(self) -> None:
        self.lan_s = self.wan_s = self.lossy_s = -1.0
        self.losses_s = -1e9

    def losses(self, now_s: float) -> None:
        """What is behind the router may be losing, as others or the agent's own exchange saw: asked closely for a moment."""
        if now_s - self.losses_s >= self.LOSSY_REST_S:
            self.losses_s, self.lossy_s = now_s, now_s + self.LOSSY_S

    def column(self, name: str, now_s: float, run: int) -> None:
        until_s = now_s + self.HOLD_S
        if name in LAN_COLUMNS:
            self.lan_s = max(self.lan_s, until_s)
            if run < 2:
                return
        self.wan_s = max(self.wan_s, until_s)

    def all(self, until_s: float) -> None:
        self.lan_s = max(self.lan_s, until_s)
        self.wan_s = max(self.wan_s, until_s)


class Questions:
    def __init__(
        self, known: Surroundings, plan: Plan, keeper: EvidenceKeeper, heard: Heard, locator: Locators, signs: Signs
    ) -> None:
        self._known, self._plan, self._keeper = known, plan, keeper
        self._heard, self._locator, self._signs = heard, locator, signs
        self._wan: ByteBudget = plan.wan
        self._open: dict[int, Open] = {}
        self._overdue: dict[int, Open] = {}
        self.stir = Stir()
        self.number = 0
        self.round = 0
        self.poked = False
        """Something was seen that may be a sign: evaluate at the next tick."""

    def ask(self, path: Path, now_s: float, *, broadcast: bool = False) -> Probe:
        self.number += 1
        gateway_mac = ""
        sender = ""
        if path.target.role == "gateway" and path.way in ("arp", "nd"):
            gateway_mac = self._signs.gateway(path.target.family).current
            if path.way == "arp" and not self._known.own_ipv4():
                sender = "0.0.0.0"  # noqa: S104 - nobody's address, not all interfaces
        probe = self._plan.probe(path, self.number, broadcast=broadcast, gateway_mac=gateway_mac, sender=sender)
        if len(self._open) >= MOST_OPEN:
            del self._open[next(iter(self._open))]
        self._open[probe.number] = Open(path, probe, self.round, now_s)
        return probe

    def wait_anew(self, now_s: float) -> None:
        """This process did not run for a moment, until now."""
        for waiting in self._open.values():
            waiting.waits_anew(now_s)

    def drop(self) -> None:
        """What is open says nothing: this machine, or the line, was away meanwhile."""
        self._open.clear()
        self._overdue.clear()

    # --- answers ---

    def not_sent(self, fact: NotSent, now_s: float) -> None:
        waiting = self._open.pop(fact.number, None)
        # The kernel's own ARP came to nothing: that is silence. All else (no route, no capability, no buffer) says nothing.
        if waiting is not None and fact.error == "EHOSTUNREACH" and self._counts(waiting.path):
            self._missed(waiting, now_s)

    def replied(self, fact: Replied, now_s: float) -> None:
        waiting = self._open.pop(fact.number, None)
        late = waiting is None
        if waiting is None:
            waiting = self._overdue.pop(fact.number, None)
            if waiting is None:
                return
        path, target = waiting.path, waiting.path.target
        at_s = fact.at_s if waiting.sent_s <= fact.at_s <= now_s + 1.0 else now_s
        if target.wan:
            self._wan.spend(bytes_of(path.way, target.family, answer=True))
        if fact.mac and path.way in ("arp", "nd") and not self._took_mac(waiting, fact.mac, at_s):
            return
        gateways = frozenset(self._known.gateways.values()) if fact.answer == "unreachable" else _NONE
        self._heard.take(path, fact, gateways, hq_objects=self._known.hq_objects)
        if target.role == "self":
            return
        if fact.answer == "unreachable":
            self._unreachable(waiting, fact, now_s, late=late)
            return
        self._answered(waiting, fact, at_s, late=late)

    def _took_mac(self, waiting: Open, mac: str, at_s: float) -> bool:
        """Whether the answer is the asked one's. An own-address check is answered by a stranger, if by anybody."""
        path, target = waiting.path, waiting.path.target
        mac = mac.lower()
        if target.role == "self":
            link = self._known.link
            if link is None or mac != link.mac.lower():
                self._signs.own_address(target.address).saw(mac, at_s)
                self.poked = True
            return False
        if target.role == "gateway":
            watch = self._signs.gateway(target.family)
            watch.saw(mac, at_s, asked_s=waiting.sent_s)
            self.poked = self.poked or bool(watch.state) or mac != watch.usual
        elif target.family == "ipv4" and mac not in self._signs.router_macs():
            self._signs.twins.saw(target.address, mac, at_s)
        path.mac = mac
        return True

    def _answered(self, waiting: Open, fact: Replied, at_s: float, *, late: bool) -> None:
        path, target, name = waiting.path, waiting.path.target, waiting.path.column
        family = target.family
        before = path.run
        wrong = _is_wrong(path, fact)
        if path.near and path.way != "arp":
            self._plan.kernel_arp.answered(target.address)
        if target.role == "resolver" and not path.answered:
            self._keeper.detail("resolver", "")
        path.answered += not late
        path.late += late
        if path.works != "yes":
            path.works = "yes"
            self._plan.choose()
        if not wrong:
            rtt_ms = _round_trip_ms(waiting, fact, at_s)
            if rtt_ms is not None:
                path.took(rtt_ms)
            if path.answered_now(at_s):
                self._plan.choose()
            self._locator.hit(path, waiting.sent_s, rtt_ms, late=late)
        self._proves(path, family, waiting.sent_s, at_s)
        if not name or not self._counts(path):
            return
        keeper = self._keeper
        if target.role == "hq" and (self._known.hq_objects if not wrong else self._known.hq_proven(at_s)):
            return  # what the agent's own exchange with HQ has shown counts for more
        if wrong:
            self._refuted(waiting, fact, at_s)
        elif target.role == "hq" and path.way == "tcp" and not late and self._hangs(path, at_s):
            self._accepted_only(waiting, at_s)
        elif late:
            if waiting.entry is not None:
                keeper.late(family, name, waiting.entry, self.round, at_s)
        else:
            if keeper.run(name) >= DEAD_ROUNDS or before >= DEAD_ROUNDS:
                self.stir.column(name, at_s, DEAD_ROUNDS)
            keeper.hit(family, name, waiting.number, waiting.sent_s, at_s)
        if target.role == "hop2" and fact.address:
            keeper.detail("hop2", fact.address)

    def _refuted(self, waiting: Open, fact: Replied, at_s: float) -> None:
        path = waiting.path
        family, name = path.target.family, path.column
        detail = fact.detail or fact.answer
        if path.target.role in ("hq", "portal"):
            if self._keeper.family_state(family, name)[0] != "no":
                self.stir.column(name, at_s, 0)
            self._keeper.refute(family, name, waiting.number, waiting.sent_s, detail)
            path.run += 1
            self.poked = True
        elif self._keeper.timed_out(waiting, others_answer=self._others_answer(path, at_s)):
            self._plan.choose()
        elif self._keeper.run(name) < STIR_ROUNDS:
            self.stir.column(name, at_s, 0)

    def _hangs(self, path: Path, at_s: float) -> bool:
        """HQ's host takes one connection after the other, and nothing that is sent through them is answered: neither to the
        agent nor to a request of ours that used to be."""
        if path.clean < ACCEPTS or self._known.hq_proven(at_s) or self._locator.loss is not None:
            return False
        return self._known.uplink_timed_out(at_s) or any(
            other.way != "tcp" and other.works == "yes" and other.run >= UNANSWERED
            and (other.target.name, other.target.family) == (path.target.name, path.target.family)
            for other in self._plan.paths
        )  # fmt: skip

    def _accepted_only(self, waiting: Open, at_s: float) -> None:
        keeper = self._keeper
        self._heard.hq_alive.saw(at_s, ACCEPTS_ONLY)
        keeper.refute(waiting.path.target.family, "hq", waiting.number, waiting.sent_s, ACCEPTS_ONLY)
        self.poked = True
        if keeper.run("hq") < STIR_ROUNDS:
            self.stir.column("hq", at_s, 0)

    def _proves(self, path: Path, family: Family, sent_s: float, at_s: float) -> None:
        """An answer of the gateway shows that its MAC lives; one from behind it, that it forwards."""
        keeper, target = self._keeper, path.target
        here = target.role == "gateway" or target.address in self._known.gateways.values()
        if here:
            if target.address == self._known.gateways.get(family):
                self._known.lasting[family] = target.address
                self._signs.worked.add(family)
            if path.column == "router":
                keeper.hit(family, "gateway", self.round, sent_s, at_s)
            elif path.way == "dns":
                keeper.hit(family, "router", self.round, sent_s, at_s)
        elif target.wan and not self._known.contains(target.address):
            keeper.hit(family, "router", self.round, sent_s, at_s)
            keeper.hit(family, "gateway", self.round, sent_s, at_s)

    def _unreachable(self, waiting: Open, fact: Replied, now_s: float, *, late: bool) -> None:
        """A router says that it cannot get there. If it is ours, it lives."""
        family = waiting.path.target.family
        self.poked = True
        if fact.address and fact.address == self._known.gateways.get(family):
            self._keeper.hit(family, "router", self.round, waiting.sent_s, now_s)
            self._keeper.hit(family, "gateway", self.round, waiting.sent_s, now_s)
        if not late:
            self._missed(waiting, now_s)

    # --- silence ---

    def time_out(self, now_s: float) -> None:
        for number in [number for number, waiting in self._open.items() if waiting.deadline_s <= now_s]:
            waiting = self._open.pop(number)
            if waiting.path.target.role == "self":
                waiting.path.run += 1
                continue
            self._missed(waiting, now_s)
            if len(self._overdue) >= MOST_OPEN:
                del self._overdue[next(iter(self._overdue))]
            self._overdue[number] = waiting
        for number in [number for number, waiting in self._overdue.items() if waiting.deadline_s + LATE_S <= now_s]:
            del self._overdue[number]

    def _missed(self, waiting: Open, now_s: float) -> None:
        path, name = waiting.path, waiting.path.column
        works = path.works
        if path.target.role == "resolver" and works != "yes" and path.required(now_s) and self._lonely(path):
            # The system itself names it: it is typed wrong, or down since before the start.
            path.works = "yes"
            self._keeper.detail("resolver", f"{path.target.address} has never answered")
        if not self._counts(path):
            path.missed(None)
        else:
            self._locator.miss(path, waiting.sent_s)
            if path.target.role == "portal" and self._heard.portal_silent(others=self._nearer_silent()):
                self._keeper.believe_silence("portal")
                self.poked = True
            if self._keeper.timed_out(waiting, others_answer=self._others_answer(path, now_s)):
                self._plan.choose()
            elif path.weighs and path.run < STIR_ROUNDS:
                self._stir(name, now_s)
        if path.works != works:
            self._plan.choose()

    def _lonely(self, path: Path) -> bool:
        """No resolver of the system's own answers, though the router does and others behind it do."""
        keeper = self._keeper
        if keeper.run("router") or keeper.answered_s("router") is None:
            return False
        if any(other.target.role == "resolver" and other is not path and other.answered for other in self._plan.paths):
            return False
        beyond = ("anycast", "other_resolver")
        return any(not keeper.run(name) and (keeper.answered_s(name) or 0.0) >= path.since_s for name in beyond)

    def _nearer_silent(self) -> bool:
        return any(self._keeper.run(name) >= DEAD_ROUNDS for name in ("gateway", "router", "hop2"))

    def _stir(self, name: str, now_s: float) -> None:
        """On a line that is known to lose, single misses are no news."""
        run, missing_s = self._keeper.run(name), self._keeper.missing_s(name)
        if missing_s is not None and now_s - missing_s > STIR_S:
            return
        if self._locator.loss is None or run >= 2:
            self.stir.column(name, now_s, run)

    def _counts(self, path: Path) -> bool:
        """Time-exceeded is limited by most routers, so its silence says nothing where the hop itself answers echoes."""
        if path.way != "hop":
            return True
        name = path.target.name
        direct = self._plan.find("hop2:direct" + name[4:] if name.startswith("hop2") else name.partition(":")[0], "echo")
        return direct is None or direct.works != "yes"

    def _others_answer(self, path: Path, now_s: float) -> bool:
        if path.column not in SHARED:
            return False
        near = path.column == "neighbours"
        since_s = now_s - 0.35
        return any(
            other.answered_s is not None and other.answered_s > since_s and other.target.name != path.target.name
            and (other.column == path.column or (near and other.column in ("gateway", "router", "switch")))
            for other in self._plan.paths
        )  # fmt: skip


def _round_trip_ms(waiting: Open, fact: Replied, at_s: float) -> float | None:
    """None: not known, for part of it is this process's."""
    if not waiting.timed:
        return None
    plausible = math.isfinite(fact.rtt_ms) and 0 <= fact.rtt_ms <= 60_000
    return fact.rtt_ms if plausible else (at_s - waiting.sent_s) * 1000


def _is_wrong(path: Path, fact: Replied) -> bool:
    """Whether the answer is not the one that its column needs. An RST or a port that is unreachable shows a living host, which
    is all that is asked of most; of HQ and of resolvers more is asked."""
    if fact.answer == "reply":
        return False
    if fact.answer == "refused":
        return path.target.role in ("hq", "portal") or path.way == "dns"
    return fact.answer in ("wrong", "redirected")

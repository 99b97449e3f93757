"""What to ask next: the cadence of every question in every mood, within the budgets. Pure.

`TICK_S` is the round. In calm the gateway's echo is the only thing that is asked each round; the first miss anywhere stirs, and
what is in doubt is asked each round for a second; what stays silent is then asked a few times a second, so that its return is
seen at once.
"""

from zlib import crc32

from tillkeeper.network.budget import ArpBudget, ByteBudget, KernelArp, bytes_of, next_turn_s, printer_interval_s
from tillkeeper.network.capabilities import LEARNED, Path
from tillkeeper.network.locate import meter_of
from tillkeeper.network.model import Family, Probe
from tillkeeper.network.mood import Mood
from tillkeeper.network.setup import Setup
from tillkeeper.network.surroundings import Surroundings
from tillkeeper.network.targets import LAN_ROLES, wanted

TICK_S = 0.1
LOCATE_S = TICK_S / 3
SOON_S = 0.5
RESOLVER_S = 1.0
LEARN_S = 1.0
DEAD_S = 0.3
"""What is known to be dead is asked so often, that its return be seen."""
APART_S = 3.0
"""The same for what cannot answer as long as something nearer does not."""
PORTAL_S = 60.0
TLS_S = 600.0
"""A whole handshake is 7 kB."""
UNANSWERED = 3
"""Requests to HQ without an answer after which that it takes connections is no comfort."""
METERED = 12.0
"""On a metered line everything behind the router is asked so many times more seldom at rest."""
RETRY_S = 60.0
"""A way that does not work, or that is not the best, is tried again so often."""
WAN_TURN_S = 0.5
"""The store asks something behind the router so often, all registers together."""
WAN_TURN_CHEAP_S = 0.25
"""The same where these are but echoes of one protocol, and the agent's own exchanges show HQ: 30 MB a day. The first miss of a
line that loses comes twice as soon."""
WAN_LEARN_S = 10.0
MODEM_MOST_S = 6.0
"""Three of them are the patience of its column."""
PROOF_BEATS = 1.5
"""While HQ was heard so lately it is not asked itself, and on a metered line nothing else behind the router either."""
ANSWERS_S = 20.0
HOP_CREDIT = 4.0
HOP_PER_S = 0.8
"""Linux sends six time-exceeded at once and then one a second to a host (icmp_ratelimit, icmp(7)); others are alike."""
OWN_CHECK_S = 0.33
OWN_CHECKS_PER_S = 12
TURNS = {"hq": 4.0, "hop2": 0.2}
"""How much a second since the last question weighs: one beyond the second hop passes that as well."""
RANK = {"yes": 0, "unknown": 1, "no": 2}


class Plan:
    """Keeps the paths, and when each is due. Budgets are spent as questions are chosen."""

    def __init__(self, setup: Setup, now_s: float) -> None:
        self.setup = setup
        self.arp = ArpBudget()
        self.kernel_arp = KernelArp()
        self.wan = ByteBudget(setup, now_s)
        self.paths: list[Path] = []
        self.sent = 0
        self.wan_asked_s: float | None = None
        self._known: dict[tuple[str, str], Path] = {}
        self._best: dict[str, Path] = {}
        self._metered = METERED if setup.metered else 1.0
        self._far = max(1.0, setup.registers / 2) * self._metered
        """How much more seldom than `WAN_LEARN_S` each target behind the router is asked at rest."""
        cheap = setup.has_uplink and not setup.metered and len(setup.families) == 1
        self._turn_every_s = (WAN_TURN_CHEAP_S if cheap else WAN_TURN_S) * max(1, setup.registers) * self._metered
        self._turn_s = next_turn_s(now_s, self._turn_every_s, setup)
        self._printer_s = printer_interval_s(setup)
        self._credits: dict[str, tuple[float, float]] = {}
        self._asked_s: dict[str, float] = {}
        """When one of those that take turns was last asked, in whatever way."""
        self._gateways = self._resolvers = 1
        """How many of them answer, and take turns."""
        self._one_neighbour = ""
        self._soon: list[Path] = []
        self._soon_s = float("-inf")

    def rebuild(self, known: Surroundings, hop2: dict[Family, str], now_s: float) -> None:
        """Keeps what was learned of every path that stays."""
        fresh: dict[tuple[str, str], Path] = {}
        for want in wanted(self.setup, known, hop2):
            key = (want.target.name, want.way)
            path = self._known.get(key)
            if path is None or path.target != want.target:
                path = Path(want.target, want.way, want.column, now_s, assumed=want.assumed)
                path.due_s = self._first_s(path, now_s, len(fresh))
                path.meter = meter_of(path)
            address = want.target.address
            path.near = address not in known.gateways.values() and known.contains(address)
            fresh[key] = path
        self._known = fresh
        self.paths = list(fresh.values())
        self.choose()

    def _first_s(self, path: Path, now_s: float, index: int) -> float:
        if path.target.role in ("printer", "display"):
            return next_turn_s(now_s, self._printer_s, self.setup, _shift(path))
        return now_s if path.target.role == "gateway" else now_s + 0.02 + (index % 10) * 0.1

    def choose(self) -> None:
        """The best way of every target: the first that works, else the first that may."""
        self._soon_s = float("-inf")
        before, self._best = self._best, {}
        for path in self.paths:
            best = self._best.get(path.target.name)
            if path.column != "gateway" and (best is None or _rank(path) < _rank(best)):
                self._best[path.target.name] = path
        for name, path in self._best.items():
            if before.get(name, path) is not path:
                path.due_s = min(path.due_s, 0.0)
        neighbours = [p for p in self._best.values() if p.target.role in LAN_ROLES and p.weighs]
        self._one_neighbour = neighbours[0].target.name if neighbours else ""
        near = [path for path in self.paths if path.weighs and not path.target.wan]
        self._gateways = max(1, sum(1 for path in near if path.target.role == "gateway" and path.way == "echo"))
        self._resolvers = max(1, sum(1 for path in near if path.target.role == "resolver"))

    def find(self, name: str, way: str) -> Path | None:
        return self._known.get((name, way))

    # --- what is due ---

    def due(self, now_s: float, mood: Mood) -> list[Path]:
        """The paths to be asked now, spending the budgets. ARP of the gateway comes first."""
        self.wan.refill(now_s)
        chosen: list[Path] = []
        for path in self._soon_due(now_s, mood):
            if now_s + 0.005 < path.due_s and not mood.lan and not mood.wan and not (mood.own_suspected or mood.locating):
                continue
            interval_s = self._interval_s(path, mood)
            if interval_s is None:
                continue
            asked_s = path.asked_s
            # Half a tick of grace, so that the rounds of one cadence do not slip by a tick each time.
            at_s = path.due_s if asked_s is None else min(path.due_s, asked_s + interval_s)
            turns, apart_s = self._turns_of(path, mood)
            if turns:
                at_s = max(at_s, self._asked_s.get(turns, -1e9) + apart_s)
            if now_s + (0.01 if mood.half or interval_s < TICK_S else 0.03) < at_s:
                continue
            if self._affords(path, now_s, mood):
                chosen.append(path)
                path.asked_s = now_s
                path.due_s = self._next_s(path, now_s, interval_s)
                if turns:
                    self._asked_s[turns] = now_s
        if (mood.wan or mood.locating == "follow") and not mood.half and mood.locating != "far":
            chosen += self._burst(now_s, mood)
        turn = self._take_turn(now_s, mood)
        if turn is not None:
            chosen.append(turn)
        return chosen

    def _burst(self, now_s: float, mood: Mood) -> list[Path]:
        """One anycast target of each family every round, in turns, so that rounds come at the full rate and rest on all."""
        chosen = []
        for family in self.setup.families:
            waiting = [
                path for path in self._best.values()
                if path.weighs and path.target.role == "anycast" and path.target.family == family
            ]  # fmt: skip
            path = min(waiting, key=lambda path: path.asked_s or 0.0, default=None)
            if path is not None and self._affords(path, now_s, mood):
                path.asked_s = now_s
                chosen.append(path)
        return chosen

    def _soon_due(self, now_s: float, mood: Mood) -> list[Path]:
        """All; in calm, in which most wait for minutes, those whose time comes within `SOON_S`."""
        if mood.lan or mood.wan or mood.own_suspected or mood.locating:
            self._soon_s = float("-inf")
            return self.paths
        if now_s >= self._soon_s:
            self._soon_s = now_s + SOON_S
            self._soon = [path for path in self.paths if path.due_s <= self._soon_s + TICK_S]
        return self._soon

    def _turns_of(self, path: Path, mood: Mood) -> tuple[str, float]:
        """Who takes turns with it, and how far apart they are asked; ("", 0) for nobody. In calm one round of the gateway's
        families does for all of them, and one question a second for all resolvers on the LAN."""
        role = path.target.role
        if role in ("printer", "display"):
            return path.target.name, self._printer_s
        if mood.lan or mood.wan or mood.locating or not path.weighs or path.run or path.target.wan:
            return "", 0.0
        if role == "gateway" and path.way == "echo" and self._gateways > 1:
            return role, TICK_S
        return (role, RESOLVER_S) if role == "resolver" and self._resolvers > 1 else ("", 0.0)

    def _next_s(self, path: Path, now_s: float, interval_s: float) -> float:
        if path.target.role in ("printer", "display"):
            turn_s = next_turn_s(now_s + self._printer_s / 2, self._printer_s, self.setup, _shift(path))
            return turn_s + max(0.0, interval_s - self._printer_s)
        return now_s + interval_s

    def _affords(self, path: Path, now_s: float, mood: Mood) -> bool:
        if path.way in ("arp", "nd"):
            urgent = mood.own_suspected if path.target.role == "self" else mood.lan and path.column == "gateway"
            if not self.arp.take(now_s, urgent=urgent):
                return False
        elif path.way == "hop":
            credit, at_s = self._credits.get(path.target.name, (HOP_CREDIT, now_s))
            credit = min(HOP_CREDIT, credit + (now_s - at_s) * HOP_PER_S)
            if credit < 1.0:
                self._credits[path.target.name] = (credit, now_s)
                return False
            self._credits[path.target.name] = (credit - 1.0, now_s)
        elif path.near and not _answers(path, now_s):
            chosen = mood.lan_dead and path.target.name == self._one_neighbour  # the one that the return of the LAN shows by
            if not chosen and not self.kernel_arp.take(path.target.address, now_s):
                return False
        if path.target.wan:
            size = bytes_of(path.way, path.target.family, answer=False)
            lossy = mood.lossy or mood.locating == "far"
            if not self.wan.take(size, burst=mood.wan and not lossy, locating=lossy and not mood.lossy):
                return False
            self.wan_asked_s = now_s
        return True

    def _take_turn(self, now_s: float, mood: Mood) -> Path | None:
        """In calm this register's turn to ask something behind the router: whatever was not asked for longest."""
        if now_s + 0.005 < self._turn_s:
            return None
        self._turn_s = next_turn_s(now_s, self._turn_every_s, self.setup)
        if mood.wan or mood.half:
            return None
        waiting = [
            path for path in self._best.values()
            if path.weighs and _takes_turns(path) and (path.asked_s is None or now_s - path.asked_s >= self._wait_s(path, mood))
        ]  # fmt: skip
        if not waiting:
            return None
        # Without the agent's stamps nothing else tells of HQ.
        path = max(waiting, key=lambda path: (now_s - (path.asked_s or 0.0)) * TURNS.get(path.target.role, 1.0))
        if not self._affords(path, now_s, mood):
            return None
        path.asked_s = now_s
        return path

    def _wait_s(self, path: Path, mood: Mood) -> float:
        """The agent's own exchanges are proof: of HQ anywhere, of all behind the router where its bytes are dear."""
        if mood.cut_off and path.target.role == "hq":
            return APART_S
        if not mood.proven or path.answered < LEARNED:
            return 0.0
        return RETRY_S * self._far if path.target.role == "hq" else WAN_LEARN_S * self._far if self.setup.metered else 0.0

    def _interval_s(self, path: Path, mood: Mood) -> float | None:
        """How long after the last question the next one goes out; None: not now."""
        role, way = path.target.role, path.way
        if mood.half:
            far = mood.locating == "far" and role in ("hop2", "anycast")
            return LOCATE_S if (far or role == "gateway") and way == "echo" and path.weighs else None
        if role == "self":
            calm_s = max(OWN_CHECK_S, self.setup.registers / OWN_CHECKS_PER_S)
            return 0.25 if mood.own_suspected else max(2.0, calm_s) if mood.lan else calm_s
        if path.column == "gateway":
            return self._resolve_s(path, mood)
        if self._best.get(path.target.name) is not path:
            return self._spare_s(path, mood)
        if path.works == "no":
            return RETRY_S / 6 if role == "resolver" else RETRY_S
        if mood.lan_dead and role in LAN_ROLES and path.target.name != self._one_neighbour:
            return 5.0
        learning = path.works == "unknown"
        if role in LAN_ROLES:
            return self._lan_s(path, mood, learning=learning)
        return self._far_s(path, mood, learning=learning)

    def _spare_s(self, path: Path, mood: Mood) -> float:
        """A way that is not the best one: learned once, then tried now and then."""
        if path.target.role == "hq" and mood.hq_doubted and path.weighs and path.run and not mood.cut_off:
            return LEARN_S if path.run < UNANSWERED else 2.0 if mood.wan else 10 * LEARN_S
        if path.way == "tls" or path.target.role == "hq":
            return 2.0 if mood.wan and mood.hq_doubted else TLS_S * self.setup.registers * self._metered
        if path.target.wan:
            return RETRY_S * 10 * self._far if path.works != "unknown" else LEARN_S * 3
        return RETRY_S if path.works != "unknown" or path.way in ("arp", "nd") else LEARN_S

    def _resolve_s(self, path: Path, mood: Mood) -> float:
        """ARP and neighbour solicitations of the gateway: rare while it answers echoes, four a second in doubt."""
        if mood.lan:
            return 0.25 if len(self.setup.families) == 1 else 0.35
        if path.way == "nd":
            return 10.0
        echo = self._known.get(("gateway", "echo"))
        if not path.mac or mood.mac_changed:
            return 0.5
        return 5.0 if echo is not None and echo.weighs and not echo.run else 0.5

    def _lan_s(self, path: Path, mood: Mood, *, learning: bool) -> float:
        role = path.target.role
        slow = 2.0 if path.way in ("arp", "nd") else 1.0
        if role in ("printer", "display"):
            if learning or path.silent:
                return max(5.0 if path.silent else 1.0, self._printer_s)
            if mood.lan or mood.locating or path.run:
                return self._printer_s if path.run else max(self._printer_s, 0.5 * slow)
            return max(1.0 * slow, self._printer_s)
        if path.silent:
            return 2.0
        if role == "switch":
            return 0.25 * slow if mood.lan else 0.5 * slow
        if mood.lan or mood.locating:
            return TICK_S if slow == 1.0 else 0.5
        return 1.0 * slow

    def _far_s(self, path: Path, mood: Mood, *, learning: bool) -> float | None:
        """The gateway's layer 3, and what lies behind it."""
        role, way = path.target.role, path.way
        stirred = mood.wan or mood.locating == "far"
        dead = path.run >= 3 and path.weighs
        if role == "gateway":
            if way == "echo":
                in_turns = path.weighs and not path.run and not mood.locating
                return TICK_S * self._gateways if in_turns and not mood.lan else TICK_S
            echo = self._known.get((path.target.name.partition(":")[0], "echo"))
            if echo is not None and echo.weighs:
                return 10.0
            return 0.3 if mood.lan or mood.wan else 1.3
        if role == "modem":
            return 0.2 if stirred else 0.5 if dead else min(MODEM_MOST_S, 2.0 * self.setup.registers)
        if role == "resolver":
            calm_s = self.setup.registers * self._metered if path.target.wan else RESOLVER_S * self._resolvers
            dead_s = APART_S if path.target.wan and mood.cut_off else DEAD_S
            return TICK_S if mood.wan and path.run else 0.3 if mood.wan else dead_s if dead else calm_s
        if role == "other_resolver":
            calm_s = WAN_LEARN_S * self._far
            dead_s = APART_S if mood.cut_off else 4 * DEAD_S
            return 0.2 if mood.wan and mood.resolver_fails else dead_s if dead else calm_s
        if role == "portal":
            calm_s = LEARN_S * 3 if learning else PORTAL_S * self.setup.registers * self._metered
            dead_s = APART_S if mood.cut_off else 5 * DEAD_S
            if (mood.locating or mood.lossy) and not path.run:
                return 5.0 if mood.lossy else 1.5
            return 0.5 if mood.wan and not mood.cut_off else dead_s if dead else calm_s
        if role == "hop2" and way == "hop":
            found = self.find("hop2:direct" + path.target.name[4:], "echo") is not None
            return 0.3 if mood.wan else LEARN_S if learning else WAN_LEARN_S * self._far if found else 1.5
        if role == "hq" and mood.cut_off:
            return APART_S if way == "tcp" else 4 * APART_S
        if role == "hq" and way == "tls":
            if mood.hq_doubted and (mood.wan or dead):
                return 0.25 if mood.wan else 5 * DEAD_S
            return 1.0 if mood.wan else TLS_S * self.setup.registers * self._metered
        if learning:
            return LEARN_S
        if role == "anycast":
            return TICK_S if mood.locating == "far" else 4 * DEAD_S if dead and not mood.wan else None
        if role == "hq":
            return TICK_S if mood.wan and (path.run or mood.hq_doubted) else 0.5 if stirred else DEAD_S if dead else None
        return TICK_S if stirred else DEAD_S if dead else 2 * TICK_S if mood.locating == "follow" else None

    # --- a question ---

    def probe(self, path: Path, number: int, *, broadcast: bool = False, gateway_mac: str = "", sender: str = "") -> Probe:
        """Builds it and counts it. A unicast that came to nothing three times is followed by a broadcast now and then."""
        path.sent += 1
        self.sent += 1
        target, way = path.target, path.way
        mac = ""
        if way in ("arp", "nd") and target.role != "self" and not broadcast and not (path.run >= 3 and path.run % 3 == 0):
            mac = gateway_mac or path.mac
        ttl = (1 if target.role == "gateway" else 2) if way == "hop" else 0
        return Probe(
            number=number, target=target, way=way, timeout_ms=path.timeout_ms(), ttl=ttl, mac=mac,
            sender="0.0.0.0" if target.role == "self" else sender,  # noqa: S104
        )  # fmt: skip


def _rank(path: Path) -> tuple[int, int]:
    ways = path.target.ways
    if path.target.role == "hq" and path.way == "tcp":
        return RANK[path.works], -1  # a whole handshake or request is for doubts only
    return RANK[path.works] + path.silent, ways.index(path.way) if path.way in ways else len(ways)


def _shift(path: Path) -> float:
    """Each printer has a phase of its own, the same at all registers, so that they are not all asked in the same round."""
    return crc32(path.target.name.encode()) % 997 / 997


def _answers(path: Path, now_s: float) -> bool:
    """So lately that the kernel knows its MAC for certain."""
    return path.run < 2 and path.answered_s is not None and now_s - path.answered_s < ANSWERS_S


def _takes_turns(path: Path) -> bool:
    return path.target.wan and path.target.role in ("anycast", "hop2", "hq") and path.way in ("echo", "tcp", "dns")

"""What to ask next, within the budgets. Pure. How often in which mood: `cadence`."""

from zlib import crc32

from tillkeeper.network.budget import ArpBudget, ByteBudget, KernelArp, bytes_of, next_turn_s
from tillkeeper.network.cadence import RESOLVER_S, TICK_S, Cadence
from tillkeeper.network.capabilities import Path
from tillkeeper.network.locate import meter_of
from tillkeeper.network.model import Family, Probe
from tillkeeper.network.mood import Mood
from tillkeeper.network.setup import Setup
from tillkeeper.network.surroundings import Surroundings
from tillkeeper.network.targets import wanted

SOON_S = 0.5
WAN_TURN_S = 0.5
"""The store asks something behind the router so often, all registers together."""
WAN_TURN_CHEAP_S = 0.25
"""The same where these are but echoes of one protocol, and the agent's own exchanges show HQ: 30 MB a day. The first miss of a
line that loses comes twice as soon."""
PROOF_BEATS = 1.5
"""While HQ was heard so lately it is not asked itself, and on a metered line nothing else behind the router either."""
ANSWERS_S = 20.0
HOP_CREDIT = 4.0
HOP_PER_S = 0.8
"""Linux sends six time-exceeded at once and then one a second to a host (icmp_ratelimit, icmp(7)); others are alike."""
USUAL = 10
"""Answers."""
TURNS = {"hq": 4.0, "hop2": 0.2}
"""How much a second since the last question weighs: one beyond the second hop passes that as well."""


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
        self.cadence = Cadence(setup)
        cheap = setup.has_uplink and not setup.metered and len(setup.families) == 1
        self._turn_every_s = (WAN_TURN_CHEAP_S if cheap else WAN_TURN_S) * max(1, setup.registers) * self.cadence.metered
        self._turn_s = next_turn_s(now_s, self._turn_every_s, setup)
        self._credits: dict[str, tuple[float, float]] = {}
        self._asked_s: dict[str, float] = {}
        """When one of those that take turns was last asked, in whatever way."""
        self._soon: list[Path] = []
        self._soon_s = float("-inf")
        self._forgot_s = float("-inf")

    def forgot_neighbours(self, now_s: float) -> None:
        """The kernel has forgotten all MACs: it does when the last address or the carrier goes (net/ipv4/fib_frontend.c,
        fib_disable_ip; net/core/neighbour.c, neigh_carrier_down). So what is asked next makes it ask by ARP first."""
        self._forgot_s = now_s

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
        self._known = self.cadence.known = fresh
        self.paths = list(fresh.values())
        self.choose()

    def _first_s(self, path: Path, now_s: float, index: int) -> float:
        if path.target.role in ("printer", "display"):
            return next_turn_s(now_s, self.cadence.printer_s, self.setup, _shift(path))
        return now_s if path.target.role == "gateway" else now_s + 0.02 + (index % 10) * 0.1

    def choose(self) -> None:
        """See `Cadence.choose`; what is asked for the first time is due at once."""
        self._soon_s = float("-inf")
        for path in self.cadence.choose(self.paths):
            path.due_s = min(path.due_s, 0.0)

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
            interval_s = self.cadence.interval_s(path, mood)
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
                path for path in self.cadence.best.values()
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
            return path.target.name, self.cadence.printer_s
        if mood.lan or mood.wan or mood.locating or not path.weighs or path.run or path.target.wan:
            return "", 0.0
        if role == "gateway" and path.way == "echo" and self.cadence.gateways > 1:
            return role, TICK_S
        return (role, RESOLVER_S) if role == "resolver" and self.cadence.resolvers > 1 else ("", 0.0)

    def _next_s(self, path: Path, now_s: float, interval_s: float) -> float:
        if path.target.role in ("printer", "display"):
            turn_s = next_turn_s(now_s + self.cadence.printer_s / 2, self.cadence.printer_s, self.setup, _shift(path))
            return turn_s + max(0.0, interval_s - self.cadence.printer_s)
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
        elif path.near and not _answers(path, now_s, self._forgot_s):
            shows_return = mood.lan_dead and path.target.name == self.cadence.one_neighbour
            if not shows_return and not self.kernel_arp.take(path.target.address, now_s):
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
            path for path in self.cadence.best.values()
            if path.weighs and _takes_turns(path)
            and (path.asked_s is None or now_s - path.asked_s >= self.cadence.wait_s(path, mood))
        ]  # fmt: skip
        if not waiting:
            return None
        # Without the agent's stamps nothing else tells of HQ.
        path = max(waiting, key=lambda path: (now_s - (path.asked_s or 0.0)) * _weight(path))
        if not self._affords(path, now_s, mood):
            return None
        path.asked_s = now_s
        return path

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


def _weight(path: Path) -> float:
    """How much a second since the last question weighs. What is usual at a path has to be known before it matters."""
    return TURNS.get(path.target.role, 1.0) if path.answered >= USUAL else 1.0


def _shift(path: Path) -> float:
    """Each printer has a phase of its own, the same at all registers, so that they are not all asked in the same round."""
    return crc32(path.target.name.encode()) % 997 / 997


def _answers(path: Path, now_s: float, forgot_s: float) -> bool:
    """So lately that the kernel knows its MAC for certain; it forgot all at `forgot_s`."""
    return path.run < 2 and path.answered_s is not None and path.answered_s > max(now_s - ANSWERS_S, forgot_s)


def _takes_turns(path: Path) -> bool:
    return path.target.wan and path.target.role in ("anycast", "hop2", "hq") and path.way in ("echo", "tcp", "dns")

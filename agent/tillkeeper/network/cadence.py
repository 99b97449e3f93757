"""How often each question is asked, by what it is and in which mood. Pure.

`TICK_S` is the round. In calm the gateway's echo is the only thing that is asked each round; what is in doubt is asked each
round for a second; what stays silent is then asked a few times a second, so that its return is seen at once.
"""

from tillkeeper.network.budget import printer_interval_s
from tillkeeper.network.capabilities import LEARNED, Path
from tillkeeper.network.mood import Mood
from tillkeeper.network.setup import Setup
from tillkeeper.network.targets import LAN_ROLES

TICK_S = 0.1
LOCATE_S = TICK_S / 3
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
WAN_LEARN_S = 10.0
MODEM_MOST_S = 6.0
"""Three of them are the patience of its column."""
OWN_CHECK_S = 0.33
OWN_CHECKS_PER_S = 12
RANK = {"yes": 0, "unknown": 1, "no": 2}


class Cadence:
    """`known`: all paths by target and way. `best`: of each target the path that is asked. `gateways`, `resolvers`: how many of
    them answer and take turns. `one_neighbour`: by whom the return of a dead LAN shows."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.metered = METERED if setup.metered else 1.0
        self.far = max(1.0, setup.registers / 2) * self.metered
        """How much more seldom than `WAN_LEARN_S` each target behind the router is asked at rest."""
        self.printer_s = printer_interval_s(setup)
        self.known: dict[tuple[str, str], Path] = {}
        self.best: dict[str, Path] = {}
        self.gateways = self.resolvers = 1
        self.one_neighbour = ""

    def choose(self, paths: list[Path]) -> list[Path]:
        """The best way of every target: the first that works, else the first that may. Returns those that were not the best
        before."""
        before, self.best = self.best, {}
        for path in paths:
            best = self.best.get(path.target.name)
            if path.column != "gateway" and (best is None or _rank(path) < _rank(best)):
                self.best[path.target.name] = path
        neighbours = [p for p in self.best.values() if p.target.role in LAN_ROLES and p.weighs]
        self.one_neighbour = neighbours[0].target.name if neighbours else ""
        near = [path for path in paths if path.weighs and not path.target.wan]
        self.gateways = max(1, sum(1 for path in near if path.target.role == "gateway" and path.way == "echo"))
        self.resolvers = max(1, sum(1 for path in near if path.target.role == "resolver"))
        return [path for name, path in self.best.items() if before.get(name, path) is not path]

    def interval_s(self, path: Path, mood: Mood) -> float | None:
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
        if self.best.get(path.target.name) is not path:
            return self._spare_s(path, mood)
        if path.works == "no":
            return RETRY_S / 6 if role == "resolver" else RETRY_S
        if mood.lan_dead and role in LAN_ROLES and path.target.name != self.one_neighbour:
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
            return 2.0 if mood.wan and mood.hq_doubted else TLS_S * self.setup.registers * self.metered
        if path.target.wan:
            return RETRY_S * 10 * self.far if path.works != "unknown" else LEARN_S * 3
        return RETRY_S if path.works != "unknown" or path.way in ("arp", "nd") else LEARN_S

    def _resolve_s(self, path: Path, mood: Mood) -> float:
        """ARP and neighbour solicitations of the gateway: rare while it answers echoes, four a second in doubt."""
        if mood.lan:
            return 0.25 if len(self.setup.families) == 1 else 0.35
        if path.way == "nd":
            return 10.0
        echo = self.known.get(("gateway", "echo"))
        if not path.mac or mood.mac_changed:
            return 0.5
        return 5.0 if echo is not None and echo.weighs and not echo.run else 0.5

    def _lan_s(self, path: Path, mood: Mood, *, learning: bool) -> float:
        role = path.target.role
        slow = 2.0 if path.way in ("arp", "nd") else 1.0
        if role in ("printer", "display"):
            if learning or path.silent:
                return max(5.0 if path.silent else 1.0, self.printer_s)
            if mood.lan or mood.locating or path.run:
                return self.printer_s if path.run else max(self.printer_s, 0.5 * slow)
            return max(1.0 * slow, self.printer_s)
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
                return TICK_S * self.gateways if in_turns and not mood.lan else TICK_S
            echo = self.known.get((path.target.name.partition(":")[0], "echo"))
            if echo is not None and echo.weighs:
                return 10.0
            return 0.3 if mood.lan or mood.wan else 1.3
        if role == "modem":
            return 0.2 if stirred else 0.5 if dead else min(MODEM_MOST_S, 2.0 * self.setup.registers)
        if role == "resolver":
            calm_s = self.setup.registers * self.metered if path.target.wan else RESOLVER_S * self.resolvers
            dead_s = APART_S if path.target.wan and mood.cut_off else DEAD_S
            return TICK_S if mood.wan and path.run else 0.3 if mood.wan else dead_s if dead else calm_s
        if role == "other_resolver":
            calm_s = WAN_LEARN_S * self.far
            dead_s = APART_S if mood.cut_off else 4 * DEAD_S
            return 0.2 if mood.wan and mood.resolver_fails else dead_s if dead else calm_s
        if role == "portal":
            calm_s = LEARN_S * 3 if learning else PORTAL_S * self.setup.registers * self.metered
            dead_s = APART_S if mood.cut_off else 5 * DEAD_S
            if (mood.locating or mood.lossy) and not path.run:
                return 5.0 if mood.lossy else 1.5
            return 0.5 if mood.wan and not mood.cut_off else dead_s if dead else calm_s
        if role == "hop2" and way == "hop":
            found = ("hop2:direct" + path.target.name[4:], "echo") in self.known
            return 0.3 if mood.wan else LEARN_S if learning else WAN_LEARN_S * self.far if found else 1.5
        if role == "hq" and mood.cut_off:
            return APART_S if way == "tcp" else 4 * APART_S
        if role == "hq" and way == "tls":
            if mood.hq_doubted and (mood.wan or dead):
                return 0.25 if mood.wan else 5 * DEAD_S
            return 1.0 if mood.wan else TLS_S * self.setup.registers * self.metered
        if learning:
            return LEARN_S
        if role == "anycast":
            return TICK_S if mood.locating == "far" else 4 * DEAD_S if dead and not mood.wan else None
        if role == "hq":
            return TICK_S if mood.wan and (path.run or mood.hq_doubted) else 0.5 if stirred else DEAD_S if dead else None
        return TICK_S if stirred else DEAD_S if dead else 2 * TICK_S if mood.locating == "follow" else None

    def wait_s(self, path: Path, mood: Mood) -> float:
        """The agent's own exchanges are proof: of HQ anywhere, of all behind the router where its bytes are dear."""
        if mood.cut_off and path.target.role == "hq":
            return APART_S
        if not mood.proven or path.answered < LEARNED:
            return 0.0
        return RETRY_S * self.far if path.target.role == "hq" else WAN_LEARN_S * self.far if self.setup.metered else 0.0


def _rank(path: Path) -> tuple[int, int]:
    ways = path.target.ways
    if path.target.role == "hq" and path.way == "tcp":
        return RANK[path.works], -1  # a whole handshake or request is for doubts only
    return RANK[path.works] + path.silent, ways.index(path.way) if path.way in ways else len(ways)

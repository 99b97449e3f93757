"""Answers and silences, brought into the columns of the table, by family and together. Pure."""

from collections.abc import Iterable

from tillkeeper.network.capabilities import SILENT_ROUNDS, Open, Path
from tillkeeper.network.model import Column, ColumnName, Evidence, Family, PeerState, Sign, Tri
from tillkeeper.network.setup import Setup
from tillkeeper.network.windows import GONE, WINDOW_S, Entry, Run, Tally

__all__ = ["DEAD_ROUNDS", "WINDOW_S", "EvidenceKeeper"]

DEAD_ROUNDS = 3
STALE_S = 15.0
"""A column that was not asked for so long is unknown; those asked more seldom have more patience (`patience_s`)."""
NAMES: tuple[ColumnName, ...] = (
    "carrier", "address", "broadcast", "gateway", "switch", "neighbours", "router", "hop2", "modem", "anycast", "resolver",
    "other_resolver", "portal", "hq",
)  # fmt: skip
METERED = 12.0
SHARED = frozenset({"neighbours", "anycast", "resolver", "other_resolver"})
"""Columns of several targets, of which one may be switched off without anything being broken."""
BEHIND: frozenset[str] = frozenset({"hop2", "anycast", "other_resolver", "portal", "hq"})
UNKNOWN = Column(state="unknown")
RANK = {"yes": 0, "no": 1, "unknown": 2}


def patience_s(setup: Setup, name: str) -> float:
    """Three times the rarest that a column is asked when all is well, see `plan`."""
    times = max(1, setup.registers) * (METERED if setup.metered else 1.0)
    if name == "portal":
        return 180.0 * times
    return STALE_S * times if name in BEHIND or name == "resolver" else STALE_S


class EvidenceKeeper:
    """`hit`, `miss` and `late` are called for every question, `evidence` when something is to be judged."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._joint: dict[str, Run] = {name: Run() for name in NAMES}
        self._refuted: set[tuple[str, str]] = set()
        """Columns whose last answer was a plain wrong one (a portal, an RST of HQ): no rounds need to be waited for."""
        self._since: dict[tuple[str, str], tuple[Tri, float]] = {}
        self._details: dict[str, str] = {}
        self._missing = False
        """Whether anything was unanswered when evidence was last asked for."""

    # --- what happened ---

    def hit(self, family: str, name: str, number: int, sent_s: float, at_s: float) -> None:
        self._tally(family, name).hit(number, sent_s, at_s)
        self._joint[name].hit(number, at_s)
        if self._refuted:
            self._refuted.discard((family, name))

    def miss(self, family: str, name: str, number: int, sent_s: float) -> Entry:
        self._joint[name].miss(number, sent_s)
        return self._tally(family, name).miss(number, sent_s)

    def late(self, family: str, name: str, entry: Entry, number: int, at_s: float) -> None:
        self._tally(family, name).came_late(entry, number, at_s)
        self._joint[name].hit(number, at_s)

    def refute(self, family: str, name: str, number: int, sent_s: float, detail: str) -> None:
        """An answer came, and it was the wrong one."""
        self.miss(family, name, number, sent_s)
        self._refuted.add((family, name))
        self._tally(family, name).detail = detail[:200]

    def timed_out(self, waiting: Open, *, others_answer: bool) -> bool:
        """Counts a question as missing. Whether its target has just been taken out of its column as switched off."""
        path, name = waiting.path, waiting.path.column
        if not path.weighs or not name:
            path.missed(None)
            return False
        waiting.entry = self.miss(path.target.family, name, waiting.number, waiting.sent_s)
        path.missed(waiting.entry)
        if path.run < SILENT_ROUNDS or name not in SHARED or not others_answer:
            return False
        tally = self._tally(path.target.family, name)
        for entry in path.recent_misses:
            tally.change(entry, GONE)
        path.recent_misses.clear()
        path.silent = True
        return True

    def detail(self, name: ColumnName, detail: str) -> None:
        """Words that go with the merged column (the second hop's address, what the uplink's trouble is)."""
        self._details[name] = detail

    def forget(self) -> None:
        """What was seen before says nothing any more."""
        for tally in self._tallies.values():
            tally.forget()
        for run in self._joint.values():
            run.forget()
        self._refuted.clear()
        self._since = {key: known for key, known in self._since.items() if key[1] in ("carrier", "address")}

    def _tally(self, family: str, name: str) -> Tally:
        tally = self._tallies.get((family, name))
        if tally is None:
            tally = self._tallies[family, name] = Tally()
        return tally

    # --- what it shows ---

    def refuted(self, name: str) -> bool:
        """Whether its last answer, of any family, was a plain wrong one."""
        return any(column == name for _, column in self._refuted)

    def believe_silence(self, name: str) -> None:
        """What was answered last, and wrongly, is too old to speak: the column's rounds do."""
        self._refuted = {key for key in self._refuted if key[1] != name}

    def run(self, name: str) -> int:
        return self._joint[name].run

    def missing_s(self, name: str) -> float | None:
        return self._joint[name].missing_s

    def answered_s(self, name: str) -> float | None:
        return self._joint[name].answered_s

    def calm(self) -> bool:
        """Every question of the last rounds was answered."""
        return not self._refuted and not any(tally.run.run for tally in self._tallies.values())

    def family_state(self, family: str, name: str) -> tuple[Tri, int]:
        tally = self._tallies.get((family, name))
        return ("unknown", 0) if tally is None else (self._since.get((family, name), ("unknown", 0.0))[0], tally.run.run)

    def family_answered_s(self, family: str, name: str) -> float | None:
        tally = self._tallies.get((family, name))
        return None if tally is None else tally.run.answered_s

    def evidence(
        self, now_s: float, *, interface: str, given: dict[ColumnName, Column], blind: bool, paths: Iterable[Path],
        beacons: int, signs: tuple[Sign, ...], peers: tuple[PeerState, ...], trusted: bool,
    ) -> Evidence:  # fmt: skip
        """`given`: the columns that the kernel says. `blind`: without carrier nothing else can be known. `beacons`: how many
        peers the column of broadcasts rests on."""
        counted: dict[tuple[str, str], list[Path]] = {}
        for path in paths:
            if path.works == "yes" and not path.silent and path.column:
                counted.setdefault((path.target.family, path.column), []).append(path)
        self._missing = any(run.run for run in self._joint.values())
        families: dict[Family, dict[ColumnName, Column]] = {}
        columns: dict[ColumnName, Column] = dict.fromkeys(NAMES, UNKNOWN)
        if not blind:
            for family in self._setup.families:
                found = families[family] = {}
                for name in NAMES:
                    tally = self._tallies.get((family, name))
                    if tally is not None:
                        found[name] = self._column(family, name, tally, now_s, counted.get((family, name), ()), beacons)
            for name in NAMES:
                columns[name] = self._merged(name, [family[name] for family in families.values() if name in family])
        columns.update(given)
        return Evidence(
            at_s=now_s, interface=interface, columns=columns, families=families, signs=signs, peers=peers, trusted=trusted,
        )  # fmt: skip

    def _column(
        self, family: str, name: ColumnName, tally: Tally, now_s: float, paths: "list[Path] | tuple[()]", beacons: int
    ) -> Column:
        tally.expire(now_s)
        run = tally.run
        was, since_s = self._since.get((family, name), ("unknown", now_s))
        state: Tri = was
        if tally.last_s is None or now_s - tally.last_s > patience_s(self._setup, name):
            state = "unknown"
        elif (family, name) in self._refuted or run.run >= DEAD_ROUNDS:
            state = "no"
        elif run.outcomes and (run.run == 0 or (was == "unknown" and run.answered_s is not None)):
            state = "yes"
        if state != was:
            since_s = run.missing_s if state == "no" and run.missing_s is not None else now_s
            self._since[family, name] = (state, since_s)
        if state == "yes":
            tally.detail = ""
        nearest = min((path for path in paths if path.srtt_ms is not None), key=lambda path: path.srtt_ms or 0.0, default=None)
        targets = len({path.target.name for path in paths})
        if name == "broadcast":
            targets = beacons
        elif name == "hq" and not targets and state != "unknown":
            targets = 1  # the agent's own stamps
        return Column(
            state=state, hits=tally.counts[0], misses=tally.counts[1], late=tally.counts[2], run=run.run, paths=targets,
            since_s=since_s, rtt_ms=None if nearest is None else nearest.srtt_ms,
            usual_ms=None if nearest is None else nearest.usual_ms, detail=tally.detail, answered_s=run.answered_s,
            missing_s=run.missing_s, recent=run.recent(), asked_s=run.times() if self._missing else (),
        )  # fmt: skip

    def _merged(self, name: ColumnName, found: list[Column]) -> Column:
        if not found:
            return UNKNOWN
        best = found[0]
        detail = self._details.get(name, "") or best.detail
        if len(found) > 1:
            best = min(found, key=lambda column: (RANK[column.state], column.run, -(column.answered_s or 0.0)))
            detail = self._details.get(name, "") or best.detail
        elif detail == best.detail:
            return best
        joint = self._joint[name]
        if len(found) == 1:
            return _replaced(best, best.run, best.missing_s, best.answered_s, best.recent, best.asked_s, detail)
        times = joint.times() if self._missing else ()
        return _replaced(best, joint.run, joint.missing_s, joint.answered_s, joint.recent(), times, detail)


def _replaced(
    column: Column, run: int, missing_s: float | None, answered_s: float | None, recent: str, asked_s: tuple[float, ...],
    detail: str,
) -> Column:  # fmt: skip
    return Column(
        state=column.state, hits=column.hits, misses=column.misses, late=column.late, run=run, paths=column.paths,
        since_s=column.since_s, rtt_ms=column.rtt_ms, usual_ms=column.usual_ms, detail=detail, answered_s=answered_s,
        missing_s=missing_s, recent=recent, asked_s=asked_s,
    )  # fmt: skip

"""Evidence without an engine: a row of the table as a register would see it, and a small world of rounds that loses, delays and
dies as it is told. For tests of what is made of evidence."""

import random
from collections import deque
from collections.abc import Callable, Iterable

from tillkeeper.network.faults import COLUMNS
from tillkeeper.network.model import Column, ColumnName, Evidence, PeerState, Sign, Tri
from tillkeeper.network.setup import Setup

SETUP = Setup(register="till-1", targets=())
NOW_S = 1_000.0
KERNEL = ("carrier", "address")


def answering(at_s: float = NOW_S, *, age_s: float = 0.1, paths: int = 2) -> Column:
    return Column(state="yes", hits=45, paths=paths, since_s=1.0, answered_s=at_s - age_s, recent="." * 30, rtt_ms=0.4)


def silent(at_s: float = NOW_S, *, run: int = 10, for_s: float = 1.0, paths: int = 2) -> Column:
    since_s = at_s - for_s
    return Column(
        state="no", hits=40, misses=run, run=run, paths=paths, since_s=since_s, answered_s=since_s - 0.05, missing_s=since_s,
        recent="." * 20 + "x" * min(run, 12),
    )  # fmt: skip


def losing(misses: int, *, hits: int = 21, at_s: float = NOW_S) -> Column:
    """Answers, but not always."""
    return Column(state="yes", hits=hits, misses=misses, paths=2, since_s=1.0, answered_s=at_s - 0.1, recent=".x...x.." * 3)


def unknown() -> Column:
    return Column(state="unknown")


def row(
    marks: str,
    *,
    at_s: float = NOW_S,
    signs: Iterable[Sign] = (),
    peers: Iterable[PeerState] = (),
    trusted: bool = True,
    for_s: float = 1.0,
    run: int = 10,
) -> Evidence:
    """`marks`: one for each of `COLUMNS`: 1 answers, 0 silent for `for_s`, ? unknown. Spaces are for the eye."""
    columns: dict[ColumnName, Column] = {}
    for name, mark in zip(COLUMNS, marks.replace(" ", ""), strict=True):
        if name in KERNEL:
            state: Tri = "yes" if mark == "1" else "no" if mark == "0" else "unknown"
            columns[name] = Column(state=state, since_s=at_s - (for_s if mark == "0" else 500.0))
        else:
            columns[name] = {"1": answering(at_s), "0": silent(at_s, run=run, for_s=for_s), "?": unknown()}[mark]
    return Evidence(
        at_s=at_s, interface="eth0", columns=columns, signs=tuple(signs), peers=tuple(peers), trusted=trusted
    )  # fmt: skip


def sign(kind: str, *, age_s: float = 1.0, subject: str = "", layer: str = "", amount: float = 0.0, detail: str = "") -> Sign:
    return Sign(kind=kind, since_s=NOW_S - age_s, subject=subject, layer=layer, amount=amount, detail=detail)  # type: ignore[arg-type]


def peer(
    register: str = "bar", *, sequence: int = 100, session: int = 7, gateway_mac: str = "", **columns: Tri
) -> PeerState:
    return PeerState(
        register=register, session=session, sequence=sequence, address="192.168.1.11", columns=columns, phase="fine",
        gateway_mac=gateway_mac,
    )  # type: ignore[arg-type]  # fmt: skip


# --- a world of rounds ---

PERIOD_S: dict[ColumnName, float] = {
    "broadcast": 1.0, "gateway": 0.25, "switch": 0.5, "neighbours": 0.1, "router": 0.1, "hop2": 0.1, "modem": 0.2,
    "anycast": 0.1, "resolver": 0.2, "other_resolver": 0.5, "portal": 0.5, "hq": 0.25,
}  # fmt: skip
"""How often each column is asked while something is in doubt."""
PATHS: dict[ColumnName, int] = {"neighbours": 3, "anycast": 2, "broadcast": 2}
TIMEOUT_S: dict[ColumnName, float] = {
    "resolver": 0.5, "other_resolver": 0.5, "portal": 0.8, "hq": 0.8, "hop2": 0.3, "anycast": 0.3
}  # fmt: skip
BEHIND_ROUTER = ("hop2", "modem", "anycast", "resolver", "other_resolver", "portal", "hq")
WINDOW_S = 5.0


class World:
    """Rounds of all columns on a virtual clock. `dead(now_s)`: the columns that nothing answers for, `loss(now_s)`: the chance
    that a single question is lost, `lost_columns`: whom that hits (all by default)."""

    def __init__(
        self,
        seed: int,
        *,
        loss: Callable[[float], float] = lambda now_s: 0.0,
        dead: Callable[[float], set[ColumnName]] = lambda now_s: set(),
        absent: Iterable[ColumnName] = (),
        lossy: Iterable[ColumnName] = tuple(PERIOD_S),
    ) -> None:
        self._random = random.Random(seed)
        self._loss, self._dead, self._absent, self._lossy = loss, dead, set(absent), set(lossy)
        self.now_s = 0.0
        self._due = {name: self._random.random() * period for name, period in PERIOD_S.items()}
        self._open: deque[tuple[float, float, ColumnName, bool]] = deque()
        self._rounds: dict[ColumnName, deque[tuple[float, bool]]] = {name: deque(maxlen=64) for name in PERIOD_S}
        self._run: dict[ColumnName, int] = dict.fromkeys(PERIOD_S, 0)
        self._answered: dict[ColumnName, float | None] = dict.fromkeys(PERIOD_S)
        self._missing: dict[ColumnName, float | None] = dict.fromkeys(PERIOD_S)

    def step(self, by_s: float = 0.1) -> Evidence:
        self.now_s += by_s
        dead = self._dead(self.now_s)
        for name, period in PERIOD_S.items():
            while self._due[name] <= self.now_s and name not in self._absent:
                sent_s = self._due[name]
                self._due[name] += period
                answered = name not in self._dead(sent_s) and not self._lost(name, sent_s)
                wait_s = 0.0 if answered else TIMEOUT_S.get(name, 0.12)
                self._open.append((sent_s + wait_s, sent_s, name, answered))
        waiting: deque[tuple[float, float, ColumnName, bool]] = deque()
        for known_s, sent_s, name, answered in sorted(self._open):
            if known_s > self.now_s:
                waiting.append((known_s, sent_s, name, answered))
            elif answered or not (self._answered[name] or -1.0) > sent_s:
                self._take(name, sent_s, answered)
        self._open = waiting
        return self._evidence(dead)

    def _lost(self, name: ColumnName, sent_s: float) -> bool:
        chance = self._loss(sent_s) if name in self._lossy else 0.0
        return all(self._random.random() < chance for _ in range(1 if name == "anycast" else PATHS.get(name, 1)))

    def _take(self, name: ColumnName, sent_s: float, answered: bool) -> None:
        self._rounds[name].append((sent_s, answered))
        if answered:
            self._run[name], self._answered[name], self._missing[name] = 0, sent_s, None
        else:
            self._run[name] += 1
            if self._missing[name] is None:
                self._missing[name] = sent_s

    def _evidence(self, dead: set[ColumnName]) -> Evidence:
        columns: dict[ColumnName, Column] = {}
        for name in COLUMNS:
            if name in KERNEL:
                columns[name] = Column(state="no" if name in dead else "yes", since_s=0.0)
                continue
            kept = [one for one in self._rounds[name] if one[0] > self.now_s - WINDOW_S]
            rounds = [good for _, good in kept]
            if not rounds or self._answered[name] is None or name in self._absent:
                columns[name] = Column(state="unknown")
                continue
            run = self._run[name]
            columns[name] = Column(
                state="no" if run >= 3 else "yes", hits=sum(rounds), misses=len(rounds) - sum(rounds), run=run,
                paths=PATHS.get(name, 1), since_s=self._missing[name] if run >= 3 else 0.0, answered_s=self._answered[name],
                missing_s=self._missing[name], recent="".join("." if good else "x" for good in rounds[-32:]),
                asked_s=tuple(at_s for at_s, _ in kept[-32:]),
            )  # fmt: skip
        return Evidence(at_s=self.now_s, interface="eth0", columns=columns)

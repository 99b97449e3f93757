"""What the judges share: the evidence put together, promises, and the lab's own fold of the books. Pure."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from tests.storelab.evidence import Event, Evidence

EXAMPLES = 5
SUMS = ("sales", "gross_minor", "net_minor", "tax_minor", "taken_minor")


class Promise(msgspec.Struct):
    """`broken`: how often, 0 where it is kept."""

    name: str
    unit: str
    broken: int = 0
    examples: list[str] = msgspec.field(default_factory=list)

    def fail(self, words: str, times: int = 1) -> None:
        self.broken += times
        if len(self.examples) < EXAMPLES:
            self.examples.append(words)


class Verdict(msgspec.Struct, frozen=True):
    promises: tuple[Promise, ...]
    counts: dict[str, int]

    @property
    def kept(self) -> bool:
        return not any(promise.broken for promise in self.promises)


class Ground:
    """`union`: what is on the disks that are left; `at_hq`: in HQ's books and quarantine; `everywhere`: both, and what was on
    disks that are lost. `astray`: events that their author's disk does not have (any more), or has beside another one at the
    same place: a disk was lost, put back or copied. `copied`: what a clone alone wrote. All by hash."""

    def __init__(self, evidence: Evidence) -> None:
        self.e = evidence
        self.union: dict[str, Event] = {}
        for part in (*evidence.held.values(), *evidence.own.values()):
            self.union |= part
        self.at_hq: dict[str, Event] = {**{name: event for name, (_, event) in evidence.hq.aside.items()}, **evidence.hq.good}
        self.everywhere: dict[str, Event] = {**evidence.buried, **self.union, **self.at_hq}
        self.gone = evidence.gone.keys() - self.union.keys() - self.at_hq.keys()
        self.bodies = {name: json.loads(event.body) for name, event in self.everywhere.items()}
        self.places: dict[tuple[str, str, int], set[str]] = defaultdict(set)
        for name, event in self.everywhere.items():
            self.places[event.place].add(name)
        self.astray = {
            name
            for name, event in self.everywhere.items()
            if name not in evidence.own.get(event.register, ()) or len(self.places[event.place]) > 1
        }
        self.copied = {
            name
            for machine, events in evidence.own.items()
            if machine.endswith("-twin")
            for name in events
            if name not in evidence.own.get(machine.removesuffix("-twin"), ())
        }
        self.promises: list[Promise] = []
        self.counts: Counter[str] = Counter()

    def promise(self, name: str, unit: str) -> Promise:
        made = Promise(name, unit)
        self.promises.append(made)
        return made

    def of_kind(self, events: Iterable[str], *kinds: str) -> Iterator[tuple[str, Event, dict[str, Any]]]:
        for name in events:
            event = self.everywhere[name]
            if event.type in kinds:
                yield name, event, self.bodies[name]

    def fold(self, events: Mapping[str, Event]) -> Counter[str]:
        sums: Counter[str] = Counter()
        for name, event in events.items():
            self.post(sums, event.type, self.bodies[name])
        return sums

    def post(self, sums: Counter[str], kind: str, body: dict[str, Any]) -> None:
        """A check that two registers closed counts once: the merge takes back what both had counted."""
        if body.get("training"):
            return
        if kind == "tender_recorded":
            sums["taken_minor"] += body["amount_minor"]
        elif kind == "check_closed":
            _count(sums, body["totals"], 1)
        elif kind == "check_merged":
            for totals in body.get("taken_back", ()):
                _count(sums, totals, -1)
            for totals in body.get("put_back", ()):
                _count(sums, totals, 1)
            if body.get("totals"):
                _count(sums, body["totals"], 1)


def _count(sums: Counter[str], totals: Mapping[str, int], times: int) -> None:
    sums["sales"] += times
    for field in ("gross_minor", "net_minor", "tax_minor"):
        sums[field] += times * totals[field]


def of_event(event: Event) -> str:
    body: dict[str, Any] = json.loads(event.body)
    of = f" of check {body['check_id']}" if "check_id" in body else ""
    return f"{event.register} {event.incarnation} {event.seq} {event.type}{of}"

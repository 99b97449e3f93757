"""Compares what is left: the clients' ledger, the disks, HQ, the paper. Pure; knows no cause, and folds the books itself.

Numbers in brackets are the invariants of docs/promises.md.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from tests.storelab.evidence import Event, Evidence

EXAMPLES = 5
MOST_ALONE_S = 120.0
"""No register of the lab is cut off from all others and from HQ for so long."""
SUMS = ("sales", "gross_minor", "net_minor", "tax_minor", "taken_minor")
LISTED_BESIDES_FORKS = ("after_leaving",)
"""What else may be in quarantine without a fork: what a register wrote with a key that was replaced."""


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


def judge(evidence: Evidence) -> Verdict:
    return _Judge(evidence).judge()


class _Judge:
    def __init__(self, evidence: Evidence) -> None:
        self.e = evidence
        self.union: dict[str, Event] = {}
        for part in (*evidence.held.values(), *evidence.own.values()):
            self.union |= part
        self.at_hq: dict[str, Event] = {**{name: event for name, (_, event) in evidence.hq.aside.items()}, **evidence.hq.good}
        self.everywhere: dict[str, Event] = {**evidence.buried, **self.union, **self.at_hq}
        self.gone = evidence.gone.keys() - self.union.keys() - self.at_hq.keys()
        self.bodies = {name: json.loads(event.body) for name, event in self.everywhere.items()}
        self.promises: list[Promise] = []
        self.counts: Counter[str] = Counter()

    def promise(self, name: str, unit: str) -> Promise:
        made = Promise(name, unit)
        self.promises.append(made)
        return made

    def judge(self) -> Verdict:
        self.sales()
        self.once()
        self.cents()
        self.everything()
        self.conflicts()
        self.tickets()
        self.numbers()
        chains = self.promise("chains and signatures that do not verify", "logs")
        for words in self.e.broken:
            chains.fail(words)
        refused = self.promise("sales refused", "sales")
        for words in self.e.refused:
            refused.fail(words)
        return Verdict(tuple(self.promises), dict(self.counts))

    def closed(self, events: Mapping[str, Event]) -> dict[str, list[str]]:
        """check id -> hashes of the events that closed it."""
        found: dict[str, list[str]] = defaultdict(list)
        for name, event in events.items():
            if event.type == "check_closed" and not self.bodies[name].get("training"):
                found[self.bodies[name]["check_id"]].append(name)
        return found

    # --- [I1, I2] what a client was told ---

    def sales(self) -> None:
        missing = self.promise("acknowledged sales missing at HQ", "sales")
        other = self.promise("sales at HQ with another amount than was answered", "sales")
        hoarded = self.promise(f"sales lost with a disk after more than {MOST_ALONE_S:g} s without a copy", "sales")
        unmade = self.promise("acknowledged sales that were on no disk", "sales")
        at_hq, buried, disks = self.closed(self.at_hq), self.closed(self.e.buried), self.closed(self.union)
        for sale in self.e.sold:
            words = f"{sale.key} of {sale.machine}, check {sale.check_id}, {sale.amount_minor}"
            self.counts["sales accepted"] += 1
            self.counts["minor accepted"] += sale.amount_minor
            self.counts["sales accepted, by the clone"] += sale.machine.endswith("-twin")
            there = at_hq.get(sale.check_id, [])
            for name in there:
                if self.gross(name) != sale.amount_minor:
                    other.fail(f"{words}: {self.gross(name)} at HQ")
            if there:
                continue
            lost = [name for name in buried.get(sale.check_id, []) if name in self.gone]
            if lost:
                age_s = self.e.gone[lost[0]] - sale.answered_s
                if age_s > MOST_ALONE_S:
                    hoarded.fail(f"{words}: {age_s:.0f} s after it was answered")
                self.counts["oldest only on the lost disk"] = max(self.counts["oldest only on the lost disk"], round(age_s))
                self.counts["only on the lost disk"] += 1
                self.counts["minor only on the lost disk"] += sale.amount_minor
            elif sale.check_id in disks or sale.check_id in buried:
                missing.fail(words)
            else:
                unmade.fail(words)

    def gross(self, name: str) -> int:
        return int(self.bodies[name]["totals"]["gross_minor"])

    def once(self) -> None:
        twice = self.promise("sales or events at HQ twice", "")
        for name, count in Counter(self.e.hq.hashes).items():
            if count > 1:
                twice.fail(f"event {name} {count} times in the books")
        for name in self.e.hq.good.keys() & self.e.hq.aside.keys():
            twice.fail(f"event {name} in the books and in quarantine")
        for check, names in self.closed(self.at_hq).items():
            if len(names) > 1:
                twice.fail(f"check {check} is closed {len(names)} times")
        paid = Counter(self.bodies[name]["tender_id"] for name, one in self.at_hq.items() if one.type == "tender_recorded")
        for tender, count in paid.items():
            if count > 1:
                twice.fail(f"payment {tender} {count} times")
        self.asked_again()

    def asked_again(self) -> None:
        """One intention, one sale: a client that asks again under the same key must not get a second one. Where the disk that
        knew the key was replaced in between, the register can not know it."""
        again = self.promise("sales made twice by asking again", "sales")
        checks = self.checks_of_keys(self.at_hq)
        lives = {sale.key: sale.lives for sale in self.e.sold}
        closed = self.closed(self.at_hq)
        for key, found in checks.items():
            sold = [check for check in found if check in closed]
            if len(sold) > 1 and len(set(lives.get(key, (0, 0)))) > 1:
                self.counts["asked again across a lost disk"] += len(sold) - 1
            elif len(sold) > 1:
                again.fail(f"{key}: checks {', '.join(sorted(sold))}", len(sold) - 1)
            self.counts["taken and never answered"] += bool(sold) and key not in lives

    def checks_of_keys(self, events: Mapping[str, Event]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for name, event in events.items():
            if event.type == "line_added" and (key := self.bodies[name].get("note")):
                found[key].add(self.bodies[name]["check_id"])
        return found

    # --- [I2] to the cent ---

    def cents(self) -> None:
        off = self.promise("cents between HQ's books and the union of the registers'", "cents")
        # What was on a disk that is lost now, and is at HQ, is theirs too.
        kept = {name: event for name, event in self.e.buried.items() if name in self.at_hq}
        union, good = self.fold({**kept, **self.union}), self.fold(self.e.hq.good)
        aside = self.fold({name: event for name, (_, event) in self.e.hq.aside.items()})
        self.counts["cents compared"] = union["gross_minor"]
        for name in SUMS:
            shown, listed = self.e.hq.books.get(name, 0), self.e.hq.quarantined.get(name, 0)
            if shown + listed != union[name]:
                words = f"{name}: HQ shows {shown} and {listed} in quarantine, the registers have {union[name]}"
                off.fail(words, abs(shown + listed - union[name]))
            if (shown, listed) != (good[name], aside[name]):
                words = f"{name}: HQ shows {shown}, {listed}; its events sum up to {good[name]}, {aside[name]}"
                off.fail(words, abs(shown - good[name]) + abs(listed - aside[name]))
        self.counts["cents in quarantine"] = aside["gross_minor"]

    def fold(self, events: Mapping[str, Event]) -> Counter[str]:
        sums: Counter[str] = Counter()
        for name, event in events.items():
            body = self.bodies[name]
            if body.get("training"):
                continue
            if event.type == "check_closed":
                sums["sales"] += 1
                sums.update({field: body["totals"][field] for field in ("gross_minor", "net_minor", "tax_minor")})
            elif event.type == "tender_recorded":
                sums["taken_minor"] += body["amount_minor"]
        return sums

    def everything(self) -> None:
        lacks = self.promise("events of the registers missing at HQ", "events")
        for name in sorted(self.union.keys() - self.at_hq.keys(), key=lambda name: self.union[name].place):
            lacks.fail(_words(self.union[name]))
        dropped = self.promise("events lost although another disk had them", "events")
        for name in self.e.buried.keys() - self.union.keys() - self.at_hq.keys() - self.gone:
            dropped.fail(_words(self.e.buried[name]))
        strange = self.promise("events at HQ that nobody wrote", "events")
        for name in self.at_hq.keys() - self.union.keys() - self.e.buried.keys():
            strange.fail(_words(self.at_hq[name]))
        self.counts["events"] = len(self.union)
        self.counts["events only on the lost disk"] = len(self.gone)

    # --- none swallowed ---

    def conflicts(self) -> None:
        swallowed = self.promise("events of forked logs that HQ does not list", "events")
        silent = self.promise("forked logs that no register shows", "logs")
        aimless = self.promise("events in quarantine without a cause", "events")
        places: dict[tuple[str, str, int], set[str]] = defaultdict(set)
        for name, event in (self.union | self.at_hq).items():
            places[event.place].add(name)
        forked = {place[:2]: 0 for place, names in places.items() if len(names) > 1}
        for name, event in (self.union | self.at_hq).items():
            if event.place[:2] not in forked or name in self.e.hq.good:
                continue
            forked[event.place[:2]] += 1
            self.counts["conflicts expected"] += 1
            if name in self.e.hq.aside:
                self.counts["conflicts listed"] += 1
            else:
                swallowed.fail(_words(event))
        shown = self.e.conflicts_held | set(self.renewed())
        for log in forked:
            if log not in shown:
                silent.fail(f"{log[0]} {log[1]}")
        self.counts["forked logs"] = len(forked)
        for reason, event in self.e.hq.aside.values():
            self.counts[f"in quarantine: {reason}"] += 1
            # What lies behind an event that is lost fits nothing any more.
            if event.place[:2] not in forked and reason not in LISTED_BESIDES_FORKS and not self.cut_off(event):
                aimless.fail(f"{reason}: {_words(event)}")

    def cut_off(self, event: Event) -> bool:
        return any(self.e.buried[name].place[:2] == event.place[:2] for name in self.gone)

    def renewed(self) -> Iterable[tuple[str, str]]:
        """Logs of which their register said that it writes them no further."""
        for name, event in (self.union | self.at_hq).items():
            body = self.bodies[name]
            if event.type == "incarnation_began" and body.get("previous_incarnation"):
                yield event.register, body["previous_incarnation"]

    # --- [I6] paper ---

    def tickets(self) -> None:
        never = self.promise("fired tickets that never came out", "tickets")
        unmarked = self.promise("repeats of tickets without a mark", "tickets")
        fired: dict[str, set[str]] = defaultdict(set)
        for name, event in self.everywhere.items():
            if event.type == "ticket_fired":
                fired[self.bodies[name]["check_id"]].add(name)
        printed = Counter(slip.key for slip in self.e.slips)
        plain = Counter(slip.key for slip in self.e.slips if not slip.marked)
        self.counts["tickets printed"], self.counts["marked repeats"] = printed.total(), printed.total() - plain.total()
        for key, checks in self.checks_of_keys(self.everywhere).items():
            # HQ prints nothing: a register must hold it.
            left = [check for check in checks if any(name in self.union for name in fired[check])]
            if len(left) > printed[key]:
                never.fail(f"{key}: {len(left)} fired, {printed[key]} came out", len(left) - printed[key])
            more = plain[key] - sum(bool(fired[check]) for check in checks)
            if more > 0 and key in self.e.copied:
                self.counts["repeats without a mark, of copied disks"] += more
            elif more > 0:
                unmarked.fail(f"{key}: {plain[key]} times without a mark", more)

    # --- [I8] ---

    def numbers(self) -> None:
        wrong = self.promise("checks without a number of their own", "checks")
        for number, count in Counter(self.e.hq.numbers.values()).items():
            if count > 1:
                wrong.fail(f"number {number} has {count} checks", count - 1)
        self.codes()
        for name, event in self.e.hq.good.items():
            if event.type == "check_opened" and self.bodies[name]["check_id"] not in self.e.hq.numbers:
                wrong.fail(f"check {self.bodies[name]['check_id']} has none")

    def codes(self) -> None:
        """How many checks have a ticket code that another has; those that a clone gave are counted apart."""
        copies = set().union(*(names for machine, names in self.e.own.items() if machine.endswith("-twin")))
        cloned = copies.difference(*(names for machine, names in self.e.own.items() if not machine.endswith("-twin")))
        given: dict[str, list[str]] = defaultdict(list)
        for name, event in self.at_hq.items():
            if event.type == "check_opened":
                given[self.bodies[name]["ticket_code"]].append(name)
        for names in given.values():
            own = [name for name in names if name not in cloned]
            self.counts["ticket codes given twice"] += max(0, len(own) - 1)
            self.counts["ticket codes given twice, by a clone"] += len(names) - max(1, len(own))


def _words(event: Event) -> str:
    body: dict[str, Any] = json.loads(event.body)
    of = f" of check {body['check_id']}" if "check_id" in body else ""
    return f"{event.register} {event.incarnation} {event.seq} {event.type}{of}"

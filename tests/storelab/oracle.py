"""Compares what is left: the clients' ledger, the disks, HQ, the paper. Pure; knows no cause, and folds the books itself.

Numbers in brackets are the invariants of docs/promises.md.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from tests.storelab.evidence import Event, Evidence
from tests.storelab.ground import SUMS, Ground, Verdict, of_event
from tests.storelab.together import judge_together

MOST_ALONE_S = 120.0
"""No register of the lab is cut off from all others and from HQ for so long."""
ADDED = "zx"
"""Begins the keys of lines that were added later: whether they were sent to a kitchen is up to whoever added them."""
LISTED_BESIDES_FORKS = ("after_leaving",)
"""What else may be in quarantine without a fork: what a register wrote with a key that was replaced."""


def judge(evidence: Evidence) -> Verdict:
    return _Judge(evidence).judge()


class _Judge(Ground):
    def judge(self) -> Verdict:
        self.sales()
        self.once()
        self.cents()
        self.everything()
        self.conflicts()
        self.tickets()
        self.numbers()
        judge_together(self)
        chains = self.promise("chains and signatures that do not verify", "logs")
        for words in self.e.broken:
            chains.fail(words)
        refused = self.promise("sales and other commands refused", "")
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
        # Two sides of a forked check may both be paid: the merge makes one sale of it.
        merged = {body["check_id"] for _, _, body in self.of_kind(self.at_hq, "check_forked", "check_merged")}
        for check, names in self.closed(self.at_hq).items():
            if len(names) > 1 and check not in merged:
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
            if event.type == "line_added" and (key := self.bodies[name].get("note", "")) and key[:2] != ADDED:
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

    def everything(self) -> None:
        lacks = self.promise("events of the registers missing at HQ", "events")
        for name in sorted(self.union.keys() - self.at_hq.keys(), key=lambda name: self.union[name].place):
            lacks.fail(of_event(self.union[name]))
        dropped = self.promise("events lost although another disk had them", "events")
        for name in self.e.buried.keys() - self.union.keys() - self.at_hq.keys() - self.gone:
            dropped.fail(of_event(self.e.buried[name]))
        strange = self.promise("events at HQ that nobody wrote", "events")
        for name in self.at_hq.keys() - self.union.keys() - self.e.buried.keys():
            strange.fail(of_event(self.at_hq[name]))
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
                swallowed.fail(of_event(event))
        shown = self.e.conflicts_held | set(self.renewed())
        for log in forked:
            if log not in shown:
                silent.fail(f"{log[0]} {log[1]}")
        self.counts["forked logs"] = len(forked)
        for reason, event in self.e.hq.aside.values():
            self.counts[f"in quarantine: {reason}"] += 1
            # What lies behind an event that is lost fits nothing any more.
            if event.place[:2] not in forked and reason not in LISTED_BESIDES_FORKS and not self.cut_off(event):
                aimless.fail(f"{reason}: {of_event(event)}")

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
        """How many checks have a ticket code that another one of the day has; those that a clone gave are counted apart."""
        copies = set().union(*(names for machine, names in self.e.own.items() if machine.endswith("-twin")))
        cloned = copies.difference(*(names for machine, names in self.e.own.items() if not machine.endswith("-twin")))
        given: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name, event in self.at_hq.items():
            if event.type == "check_opened":
                given[event.day, self.bodies[name]["ticket_code"]].append(name)
        for names in given.values():
            own = [name for name in names if name not in cloned]
            self.counts["ticket codes given twice"] += max(0, len(own) - 1)
            self.counts["ticket codes given twice, by a clone"] += len(names) - max(1, len(own))

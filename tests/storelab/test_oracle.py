"""The oracle of the store lab sees what it is there for: whole books pass, broken ones do not, each for its own reason."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.storelab.evidence import AtHq, Event, Evidence, Here, Paid, RolesSaid, Slip, Sold
from tests.storelab.oracle import Verdict, judge

TAX, NET = 80, 1000
_replace = msgspec.structs.replace


def event(register: str, seq: int, kind: str, log: str = "log", twin: str = "", **body: Any) -> Event:
    return Event(register, f"{register}-{log}", seq, kind, json.dumps(body), f"{register}-{log}-{seq}{twin}")


def sale(register: str, seq: int, number: int, *, log: str = "log", twin: str = "") -> list[Event]:
    """Six events, from `seq` on, of the sale `number`."""
    check = f"{register}-check-{number}{twin}"
    totals = {"gross_minor": NET + TAX + number, "net_minor": NET + number, "tax_minor": TAX}
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("check_opened", {"ticket_code": f"{register}-{number}{twin}"}),
        ("line_added", {"note": f"key-{check}", "line_id": f"line-{check}"}),
        ("ticket_fired", {"job_id": f"job-{check}"}),
        ("tender_recorded", {"tender_id": f"tender-{check}", "amount_minor": totals["gross_minor"]}),
        ("check_closed", {"totals": totals}),
        ("document_settled", {}),
    ]
    return [event(register, seq + place, kind, log, twin, check_id=check, **body) for place, (kind, body) in enumerate(bodies)]


def named(*events: Event) -> dict[str, Event]:
    return {one.hash: one for one in events}


def sums(events: dict[str, Event]) -> dict[str, int]:
    found = dict.fromkeys(("sales", "gross_minor", "net_minor", "tax_minor", "taken_minor"), 0)
    for one in events.values():
        body = json.loads(one.body)
        if one.type == "check_closed":
            found["sales"] += 1
            for name in ("gross_minor", "net_minor", "tax_minor"):
                found[name] += body["totals"][name]
        elif one.type == "tender_recorded":
            found["taken_minor"] += body["amount_minor"]
    return found


def at_hq(good: dict[str, Event], aside: dict[str, Event]) -> AtHq:
    opened = sorted(json.loads(one.body)["check_id"] for one in (good | aside).values() if one.type == "check_opened")
    return AtHq(
        good, {name: ("forked_log", one) for name, one in aside.items()}, tuple(good), sums(good), sums(aside),
        {check: number for number, check in enumerate(opened, 1)},
    )  # fmt: skip


def sold(one: Event) -> Sold:
    body = json.loads(one.body)
    return Sold(f"key-{body['check_id']}", one.register, body["check_id"], body["totals"]["gross_minor"])


def whole() -> Evidence:
    """Two registers with two sales each; r2 was cloned after the first sale, and the clone's second one is in quarantine. A
    third register lost its disk with a sale that nobody else had, and has sold again in a new log."""
    r1 = named(event("r1", 1, "incarnation_began"), *sale("r1", 2, 1), *sale("r1", 8, 2))
    before = [event("r2", 1, "incarnation_began"), *sale("r2", 2, 1)]
    r2 = named(*before, *sale("r2", 8, 2))
    twin = sale("r2", 8, 2, twin="-twin")
    began = event("r2", 1, "incarnation_began", "new", previous_incarnation="r2-log", reason="forked_log")
    lost = named(event("r3", 1, "incarnation_began"), *sale("r3", 2, 1))
    r3 = named(event("r3", 1, "incarnation_began", "new"), *sale("r3", 2, 2, log="new"))
    closed = [one for part in (r1, r2, named(*twin), lost, r3) for one in part.values() if one.type == "check_closed"]
    return Evidence(
        sold=tuple(map(sold, closed)),
        own={"r1": r1, "r2": r2, "twin": named(*before, *twin, began), "r3": r3},
        held={"r1": r2, "r2": r1},
        gone=dict.fromkeys(lost, 30.0),
        buried=lost,
        hq=at_hq(r1 | r2 | r3 | named(began), named(*twin)),
        slips=tuple(Slip(one.register, sold(one).key, marked=False) for one in closed if one.hash not in lost),
        checks={name: here(events) for name, events in (("r1", r1), ("r2", r2), ("r3", r3))},
        roles={name: RolesSaid("r1", "r2", (3, "r1"), name == "r1") for name in ("r1", "r2", "r3")},
    )


def here(events: dict[str, Event]) -> dict[str, Here]:
    """What the tables of a register say of the checks that it closed."""
    found = {}
    for one in events.values():
        if one.type == "check_closed":
            body = json.loads(one.body)
            check = body["check_id"]
            parts = frozenset({f"line-{check}"}), frozenset({f"tender-{check}"})
            found[check] = Here(*parts, "closed", body["totals"]["gross_minor"])
    return found


def broken(verdict: Verdict) -> set[str]:
    return {promise.name for promise in verdict.promises if promise.broken}


def test_whole_books_pass() -> None:
    verdict = judge(whole())
    assert broken(verdict) == set(), verdict
    assert verdict.counts["sales accepted"] == 7
    assert verdict.counts["only on the lost disk"] == 1
    assert (verdict.counts["conflicts expected"], verdict.counts["conflicts listed"]) == (6, 6)
    assert verdict.counts["cents compared"] == 6 * (NET + TAX) + 4 * 2 + 2 * 1


def test_what_only_hq_kept_of_a_lost_disk_counts() -> None:
    evidence = whole()
    lost = dict(evidence.buried)
    aside = {name: one for name, (_, one) in evidence.hq.aside.items()}
    verdict = judge(_replace(evidence, hq=at_hq({**evidence.hq.good, **lost}, aside)))
    assert broken(verdict) == set(), verdict
    assert verdict.counts.get("only on the lost disk", 0) == 0


Change = Callable[[Evidence], Evidence]


def of(evidence: Evidence, kind: str, log: str = "r1-log") -> str:
    """The hash of the newest event of this kind."""
    everything = {**evidence.hq.good, **{name: one for name, (_, one) in evidence.hq.aside.items()}}
    found = [one for one in everything.values() if one.type == kind and one.incarnation == log]
    return max(found, key=lambda one: one.seq).hash


def swallowed(evidence: Evidence, *names: str) -> Evidence:
    """HQ has never heard of these, and neither have its sums."""
    good = {name: one for name, one in evidence.hq.good.items() if name not in names}
    aside = {name: one for name, (_, one) in evidence.hq.aside.items() if name not in names}
    return _replace(evidence, hq=at_hq(good, aside))


def lost_everywhere(evidence: Evidence) -> Evidence:
    """A sale that was answered, and is on no disk at all."""
    ghost = Sold("key-ghost", "r1", "ghost", 100)
    return _replace(evidence, sold=(*evidence.sold, ghost))


def dropped_by_a_holder(evidence: Evidence) -> Evidence:
    """What the lost disk had was held by another register at that moment, and is nowhere now."""
    return _replace(evidence, gone={})


def hoarded(evidence: Evidence) -> Evidence:
    """The lost sale had been on that disk alone for long."""
    return _replace(evidence, gone=dict.fromkeys(evidence.gone, 500.0))


def doubled_row(evidence: Evidence) -> Evidence:
    return _replace(evidence, hq=_replace(evidence.hq, hashes=(*evidence.hq.hashes, of(evidence, "check_closed"))))


def closed_twice(evidence: Evidence) -> Evidence:
    """The same sale, once more, as an event of a later log."""
    body = json.loads(evidence.hq.good[of(evidence, "check_closed")].body)
    again = event("r1", 2, "check_closed", "later", **body)
    return with_more(evidence, again)


def with_more(evidence: Evidence, *events: Event) -> Evidence:
    """Written by r1, and in HQ's books."""
    good = {**evidence.hq.good, **named(*events)}
    aside = {name: one for name, (_, one) in evidence.hq.aside.items()}
    return _replace(evidence, own={**evidence.own, "r1": {**evidence.own["r1"], **named(*events)}}, hq=at_hq(good, aside))


def with_check(evidence: Evidence, machine: str, check: str, **changes: Any) -> Evidence:
    """A register's table says something else of a check that r1 has."""
    found = evidence.checks["r1"][check]._replace(**changes)
    return _replace(evidence, checks={**evidence.checks, machine: {**evidence.checks[machine], check: found}})


def assigned(seq: int, counter: int, primary: str, register: str = "r1", **body: Any) -> Event:
    record = {"counter": counter, "register": register, "primary": primary, **body}
    return event("r1", seq, "roles_assigned")._replace(body=json.dumps(record), at_ms=seq * 1000)


def day_closed(seq: int, counter: int, z: int = 1, sales: int = 0) -> Event:
    body = {"day": "2026-11-22", "z": z, "tails": {}, "figures": {"books": {"sales": sales}}}
    one = event("r1", seq, "day_closed", epoch={"counter": counter, "register": "r1"}, **body)
    return one._replace(day="2026-11-22", at_ms=seq * 1000)


def cent_off(evidence: Evidence) -> Evidence:
    books = {**evidence.hq.books, "gross_minor": evidence.hq.books["gross_minor"] + 1}
    return _replace(evidence, hq=_replace(evidence.hq, books=books))


def other_amount(evidence: Evidence) -> Evidence:
    first, *rest = evidence.sold
    return _replace(evidence, sold=(_replace(first, amount_minor=first.amount_minor + 1), *rest))


def unshown_fork(evidence: Evidence) -> Evidence:
    """No register began a new log, and none has the other branch aside."""
    began = next(one for one in evidence.own["twin"].values() if one.incarnation == "r2-new")
    twin = {name: one for name, one in evidence.own["twin"].items() if name != began.hash}
    return swallowed(_replace(evidence, own={**evidence.own, "twin": twin}), began.hash)


def sold_again(evidence: Evidence) -> Evidence:
    """The same key, two checks."""
    more = [one._replace(body=one.body.replace("key-r1-check-9", "key-r1-check-2")) for one in sale("r1", 14, 9)]
    good = {**evidence.hq.good, **named(*more)}
    aside = {name: one for name, (_, one) in evidence.hq.aside.items()}
    slips = (*evidence.slips, Slip("r1", "key-r1-check-2", marked=False))
    return _replace(
        evidence, own={**evidence.own, "r1": {**evidence.own["r1"], **named(*more)}}, hq=at_hq(good, aside), slips=slips
    )


def strange_event(evidence: Evidence) -> Evidence:
    more = event("r9", 1, "incarnation_began")
    aside = {name: one for name, (_, one) in evidence.hq.aside.items()}
    return _replace(evidence, hq=at_hq({**evidence.hq.good, more.hash: more}, aside))


def aimless_quarantine(evidence: Evidence) -> Evidence:
    name = of(evidence, "document_settled")
    good = {one: kept for one, kept in evidence.hq.good.items() if one != name}
    aside = {one: kept for one, (_, kept) in evidence.hq.aside.items()} | {name: evidence.hq.good[name]}
    return _replace(evidence, hq=at_hq(good, aside))


def same_number(evidence: Evidence) -> Evidence:
    return _replace(evidence, hq=_replace(evidence.hq, numbers=dict.fromkeys(evidence.hq.numbers, 1)))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda e: swallowed(e, *(one.hash for one in sale("r1", 8, 2))), {"acknowledged sales missing at HQ"}),
        (lambda e: swallowed(e, of(e, "document_settled")), {"events of the registers missing at HQ"}),
        (lost_everywhere, {"acknowledged sales that were on no disk"}),
        (dropped_by_a_holder, {"events lost although another disk had them"}),
        (hoarded, {"sales lost with a disk after more than 120 s without a copy"}),
        (doubled_row, {"sales or events at HQ twice"}),
        (closed_twice, {"sales or events at HQ twice"}),
        (cent_off, {"cents between HQ's books and the union of the registers'"}),
        (other_amount, {"sales at HQ with another amount than was answered"}),
        (lambda e: swallowed(e, *(f"r2-log-{n}-twin" for n in range(8, 14))), {"events of forked logs that HQ does not list"}),
        (unshown_fork, {"forked logs that no register shows"}),
        (sold_again, {"sales made twice by asking again"}),
        (strange_event, {"events at HQ that nobody wrote"}),
        (aimless_quarantine, {"events in quarantine without a cause"}),
        (lambda e: _replace(e, slips=e.slips[1:]), {"fired tickets that never came out"}),
        (lambda e: _replace(e, slips=(*e.slips, e.slips[0])), {"repeats of tickets without a mark"}),
        (same_number, {"checks without a number of their own"}),
        (lambda e: _replace(e, broken=("r1: hash of event 3",)), {"chains and signatures that do not verify"}),
        (lambda e: _replace(e, refused=("409",)), {"sales and other commands refused"}),
        (lambda e: with_check(e, "r2", "r1-check-1"), {"checks without one owner"}),
        (lambda e: with_check(e, "r1", "r1-check-1", lines=frozenset()), {"lines that a check lacks in the end"}),
        (lambda e: with_check(e, "r1", "r1-check-1", payments=frozenset()), {"payments that a check lacks in the end"}),
        (
            lambda e: with_check(e, "r1", "r1-check-1", gross_minor=1),
            {"checks that the books count as something else than they are"},
        ),
        (
            lambda e: _replace(e, paid=(Paid("r1", "r1-check-1", 0),) * 2),
            {"acknowledged payments of open checks that HQ lacks"},
        ),
        (lambda e: with_more(e, assigned(20, 5, "r1"), assigned(21, 5, "r2")), {"epochs with two records"}),
        (
            lambda e: with_more(e, assigned(20, 5, "r2", "r2", cause="promoted"), day_closed(21, 4)),
            {"acts under a lower epoch than the register had obeyed", "acts of a primary after another one had taken over"},
        ),
        (
            lambda e: _replace(e, roles={**e.roles, "r2": RolesSaid("r2", "", (2, "r2"), holds=True)}),
            {"registers that do not agree on one primary and one backup in the end"},
        ),
        (
            lambda e: _replace(e, closes=frozenset({("2026-11-22", 1)})),
            {"days that were answered as closed, and HQ does not know"},
        ),
        (lambda e: with_more(e, day_closed(20, 3), day_closed(21, 3, z=2)), {"days closed twice under one epoch"}),
        (
            lambda e: with_more(e, day_closed(20, 3, sales=1)),
            {"closed days whose Z is not the sum of the events under its tails"},
        ),
        (
            lambda e: _replace(e, hq=_replace(e.hq, days={"2026-11-22": {"gross_minor": 1}})),
            {"cents by which a business day at HQ is not the sum of its events"},
        ),
    ],
)  # fmt: skip
def test_broken_books_are_seen(change: Change, found: set[str]) -> None:
    assert found <= broken(judge(change(whole())))


def test_a_marked_repeat_and_one_of_a_copied_disk_are_counted_and_no_fault() -> None:
    evidence = whole()
    first = evidence.slips[0]
    marked = judge(_replace(evidence, slips=(*evidence.slips, first._replace(marked=True))))
    assert (broken(marked), marked.counts["marked repeats"]) == (set(), 1)
    copied = judge(_replace(evidence, slips=(*evidence.slips, first), copied=frozenset({first.key})))
    assert (broken(copied), copied.counts["repeats without a mark, of copied disks"]) == (set(), 1)

"""Judges what only a store of several registers has: checks that change hands, epochs of roles, closed days. Pure.

Numbers in brackets are the invariants of docs/promises.md.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from tests.storelab.evidence import Event
from tests.storelab.ground import Ground, of_event

from tillkeeper.contract.days import Close, Days, Place
from tillkeeper.contract.roles import Epoch

CHANGES = ("check_handed_over", "check_taken", "check_forked", "check_yielded", "check_merged")
FIGURES = ("sales", "gross_minor", "net_minor", "tax_minor")


def judge_together(ground: Ground) -> None:
    _checks(ground)
    _payments(ground)
    _epochs(ground)
    _roles(ground)
    _days(ground)
    for kind, label in (("check_taken", "checks handed over"), ("check_forked", "checks forked"), ("check_merged", "merges")):
        ground.counts[label] = sum(1 for _ in ground.of_kind(ground.everywhere, kind))


# --- [I11] ---


def _checks(ground: Ground) -> None:
    """Those whose last owner's disk was lost, put back or copied, and those with an event of a fork, are only counted."""
    owners = ground.promise("checks without one owner", "checks")
    lines = ground.promise("lines that a check lacks in the end", "lines")
    payments = ground.promise("payments that a check lacks in the end", "payments")
    books = ground.promise("checks that the books count as something else than they are", "checks")
    by_check: dict[str, set[str]] = defaultdict(set)
    for name in ground.everywhere:
        if (check := ground.bodies[name].get("check_id")) and not ground.bodies[name].get("training"):
            by_check[check].add(name)
    for check, names in by_check.items():
        if not _judged(ground, names):
            ground.counts["checks touched by a disk that was lost or copied"] += 1
            continue
        moved = any(ground.of_kind(names, *CHANGES))
        ground.counts["checks that changed hands"] += moved
        here = {host: found[check] for host, found in ground.e.checks.items() if check in found and not host.endswith("-twin")}
        if len(here) != 1:
            owners.fail(f"check {check} is at {sorted(here)}; {_story(ground, names)}")
            continue
        ((host, found),) = here.items()
        rung = {body["line_id"] for _, _, body in ground.of_kind(names, "line_added")}
        paid = {body["tender_id"] for _, _, body in ground.of_kind(names, "tender_recorded")}
        if missing := rung - found.lines:
            lines.fail(f"check {check} at {host}: {_story(ground, names)}", len(missing))
        if missing := paid - found.payments:
            payments.fail(f"check {check} at {host}: {_story(ground, names)}", len(missing))
        counted = ground.fold({name: ground.everywhere[name] for name in names})["gross_minor"]
        if counted != found.gross_minor:
            words = f"check {check} at {host} is {found.state}, {found.gross_minor}, and {counted} in the books"
            books.fail(f"{words}; {_story(ground, names)}")


def _judged(ground: Ground, names: set[str]) -> bool:
    """Whether whoever has the highest claim has all that it wrote about the check, and nothing else was written twice."""
    claims = [((0, ""), event.register) for _, event, _ in ground.of_kind(names, "check_opened")]
    moved = ground.of_kind(names, "check_taken", "check_forked")
    claims += [((body["hand"], event.register), event.register) for _, event, body in moved]
    if not claims or not any(ground.of_kind(names, "check_opened")):
        return False
    _, owner = max(claims)
    forked = any(len(ground.places[ground.everywhere[name].place]) > 1 for name in names)
    by_owner = {name for name in names if ground.everywhere[name].register == owner}
    return not (forked or by_owner & ground.astray or names & (ground.gone | ground.copied | ground.e.hq.aside.keys()))


def _story(ground: Ground, names: Iterable[str]) -> str:
    events = sorted((ground.everywhere[name] for name in names), key=lambda event: (event.at_ms, event.place))
    return ", ".join(f"{event.register} {event.seq} {event.type}" for event in events)


def _payments(ground: Ground) -> None:
    """Those that were answered: by register and check, for one machine never takes one away."""
    missing = ground.promise("acknowledged payments of open checks that HQ lacks", "payments")
    taken = Counter((event.register, body["check_id"]) for _, event, body in ground.of_kind(ground.at_hq, "tender_recorded"))
    lost = Counter((event.register, body["check_id"]) for _, event, body in ground.of_kind(ground.gone, "tender_recorded"))
    for (machine, check), count in Counter((one.machine, one.check_id) for one in ground.e.paid).items():
        at = (machine.removesuffix("-twin"), check)
        if count > taken[at] + lost[at]:
            missing.fail(f"check {check} at {machine}: {count} answered, {taken[at]} at HQ, {lost[at]} on the lost disk")
    ground.counts["payments of open checks"] = len(ground.e.paid)


# --- [I5, I14] ---


class _Act(NamedTuple):
    epoch: Epoch
    event: Event
    by: str


def _epochs(ground: Ground) -> None:
    one = ground.promise("epochs with two records", "epochs")
    fell = ground.promise("acts under a lower epoch than the register had obeyed", "acts")
    late = ground.promise("acts of a primary after another one had taken over", "acts")
    records: dict[Epoch, set[tuple[str, str, str]]] = defaultdict(set)
    acts: list[_Act] = []
    forgot: dict[str, Epoch] = defaultdict(Epoch)
    taken_over: list[_Act] = []
    for name, event, body in ground.of_kind(ground.everywhere, "roles_assigned", "day_tail_declared", "day_closed"):
        if event.type == "roles_assigned":
            epoch = Epoch(body["counter"], body["register"])
            # A register whose disk was put back may decide again what it does not know to have decided.
            if name not in ground.astray:
                records[epoch].add((body["primary"], body.get("backup", ""), body.get("absent", "")))
            if body.get("cause") == "promoted":
                taken_over.append(_Act(epoch, event, body["primary"]))
            ground.counts[f"roles {body.get('cause', 'assigned')}"] += 1
        else:
            epoch = _epoch(body)
            if event.type == "day_closed":
                acts.append(_Act(epoch, event, event.register))
        if name in ground.astray:
            forgot[event.register] = max(epoch, forgot[event.register])
        if event.type != "day_tail_declared":
            ground.counts["acts under an epoch"] += 1
    for epoch, found in records.items():
        if len(found) > 1:
            one.fail(f"{epoch}: {sorted(found)}")
    for act in acts:
        # With a new disk and no line a register knows no epoch, and a manager may have said that the primary is away.
        if act.epoch < forgot[act.event.register]:
            continue
        for other in taken_over:
            if other.epoch > act.epoch and other.by != act.by and act.event.at_ms > other.event.at_ms:
                after_ms = act.event.at_ms - other.event.at_ms
                late.fail(f"{of_event(act.event)} under {act.epoch}, {after_ms} ms after {other.epoch} of {other.by}")
    for log in _logs(ground):
        highest = Epoch()
        for event, body in log:
            epoch = Epoch(body["counter"], body["register"]) if event.type == "roles_assigned" else _epoch(body)
            if epoch < highest:
                fell.fail(f"{of_event(event)} under {epoch} after {highest}")
            highest = max(highest, epoch)


def _logs(ground: Ground) -> Iterator[list[tuple[Event, dict[str, Any]]]]:
    """What each log has under an epoch, in its order; branches of a fork are no order."""
    logs: dict[tuple[str, str], list[tuple[Event, dict[str, Any]]]] = defaultdict(list)
    for _, event, body in ground.of_kind(ground.everywhere, "roles_assigned", "day_tail_declared", "day_closed"):
        if len(ground.places[event.place]) == 1:
            logs[event.place[:2]].append((event, body))
    for found in logs.values():
        yield sorted(found, key=lambda one: one[0].seq)


def _epoch(body: dict[str, Any]) -> Epoch:
    said = body.get("epoch") or {}
    return Epoch(said.get("counter", 0), said.get("register", "")) if isinstance(said, dict) else Epoch(*said)


def _roles(ground: Ground) -> None:
    apart = ground.promise("registers that do not agree on one primary and one backup in the end", "registers")
    said = ground.e.roles
    if not said:
        return
    (most, _), *_ = Counter(one[:3] for one in said.values()).most_common()
    for register, one in said.items():
        if one[:3] != most or not one.primary or not one.backup or one.primary == one.backup:
            apart.fail(f"{register} says {one}, most say {most}")
        if one.holds != (register == one.primary):
            apart.fail(f"{register} says {one}")


# --- [I9] ---


def _days(ground: Ground) -> None:
    closes = [_close(event, body) for _, event, body in ground.of_kind(ground.e.hq.good, "day_closed")]
    days = Days(closes)
    ground.counts["days closed"] = len(days.closes)
    ground.counts["closes beside another one of the day"] = len(closes) - len(days.closes)
    _acknowledged(ground)
    _once(ground, closes)
    off = ground.promise("cents by which a business day at HQ is not the sum of its events", "cents")
    ours: dict[str, Counter[str]] = defaultdict(Counter)
    for name, event in ground.e.hq.good.items():
        day = days.posted(event.day, Place(*event.place)) if event.day else ""
        ground.post(ours[day], event.type, ground.bodies[name])
        ground.counts["events in another day than stamped"] += bool(day != event.day)
    for day in ground.e.hq.days.keys() | {day for day in ours if day}:
        shown = ground.e.hq.days.get(day, {})
        for field in FIGURES:
            there, here = shown.get(field, 0), ours[day][field]
            if there != here:
                off.fail(f"{day}: {field} is {there} at HQ, its events come to {here}", abs(there - here))
    _under_tails(ground, days)


def _close(event: Event, body: dict[str, Any]) -> Close:
    return Close(body["day"], _epoch(body), body["z"], body["tails"], Place(*event.place))


def _acknowledged(ground: Ground) -> None:
    missing = ground.promise("days that were answered as closed, and HQ does not know", "days")
    there = {(body["day"], body["z"]) for _, _, body in ground.of_kind(ground.at_hq, "day_closed")}
    lost = {(body["day"], body["z"]) for _, _, body in ground.of_kind(ground.gone, "day_closed")}
    for day, z in ground.e.closes - there - lost:
        missing.fail(f"{day}, Z {z}")


def _once(ground: Ground, closes: list[Close]) -> None:
    """Whoever lost what it had written may write it again; else an epoch closes a day once."""
    twice = ground.promise("days closed twice under one epoch", "days")
    sound = [close for close in closes if not ground.places[tuple(close.at)] & ground.astray]
    for (day, epoch), count in Counter((close.day, close.epoch) for close in sound).items():
        if count > 1:
            twice.fail(f"{day} under {epoch}: {count} times", count - 1)


def _under_tails(ground: Ground, days: Days) -> None:
    """The figures of a close are those of the events under its tails, where all of these are left and none has a double."""
    off = ground.promise("closed days whose Z is not the sum of the events under its tails", "days")
    bodies = {event.place: body for _, event, body in ground.of_kind(ground.e.hq.good, "day_closed")}
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for name, event in ground.everywhere.items():
        place = Place(*event.place)
        day = days.posted(event.day, place) if event.day else ""
        close = days.closes.get(day)
        if close is not None and place.seq <= close.tails.get(place.register, {}).get(place.incarnation, 0):
            ground.post(sums[day], event.type, ground.bodies[name])
    for day, close in days.closes.items():
        if any(len(ground.places.get(place, ())) != 1 for place in _covered(close)):
            ground.counts["closed days over a log that was forked or lost"] += 1
            continue
        ground.counts["closed days compared"] += 1
        books = bodies[tuple(close.at)]["figures"]["books"]
        for field in FIGURES:
            if books.get(field, 0) != sums[day][field]:
                off.fail(f"{day}: {field} is {books.get(field, 0)} on the Z, its events come to {sums[day][field]}")


def _covered(close: Close) -> Iterator[tuple[str, str, int]]:
    for register, logs in close.tails.items():
        for log, tail in logs.items():
            yield from ((register, log, seq) for seq in range(1, tail + 1))

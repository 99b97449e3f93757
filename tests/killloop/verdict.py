"""The promises, each counted over everything that the run left behind. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from tests.killloop.journal import Written
from tests.killloop.paper import Print, fold
from tests.killloop.selling import Sold

from tillkeeper.contract.books import Books, day_books, days, post
from tillkeeper.contract.documents import DrawerKicked, ReceiptIssued, TicketFired
from tillkeeper.contract.events import CheckClosed, CheckOpened
from tillkeeper.contract.values import JobState
from tillkeeper.journal.verify import LogReport

EXAMPLES = 5
BEGAN: tuple[JobState, ...] = ("sent", "confirmed", "unconfirmed")
"""States of a pulse that may have reached the drawer."""


class Left(msgspec.Struct, frozen=True):
    """Everything that is there after the run. `hq_checks`: check id -> HQ's record; `titles`: station -> title; `serves`:
    station -> the devices that may print its tickets."""

    sold: Mapping[str, Sold]
    wrong: Sequence[str]
    written: Written
    chain: Sequence[LogReport]
    hq_events: Sequence[Mapping[str, Any]]
    hq_checks: Mapping[str, Mapping[str, Any]]
    hq_books: Sequence[Mapping[str, Any]]
    prints: Sequence[Print]
    pulses: int
    titles: Mapping[str, str]
    serves: Mapping[str, frozenset[str]]


class Promise(msgspec.Struct, frozen=True):
    """`broken`: how often it was not kept, with the first examples; 0 is the goal of all."""

    name: str
    broken: int
    unit: str
    examples: tuple[str, ...] = ()


def judge(left: Left) -> list[Promise]:
    return [
        _promise("guests who got a wrong or another answer", "answers", left.wrong),
        _promise("accepted orders lost or changed in the journal", "orders", _lost(left)),
        _promise("orders in the journal that no guest was told of", "orders", _untold(left)),
        _promise("logs with a broken chain", "logs", _broken_chains(left)),
        _promise("events that HQ lacks, doubles or changed", "events", _at_hq(left)),
        _promise("orders doubled, unnumbered or changed at HQ", "orders", _checks_at_hq(left)),
        _promise("differences between the books", "differences", _books(left)),
        _promise("fired tickets that never came out", "tickets", _tickets_missing(left)),
        _promise("tickets repeated without a mark", "tickets", _unmarked_tickets(left)),
        _promise("receipts that never came out", "receipts", _receipts_missing(left)),
        _promise("receipts repeated without a mark", "receipts", _unmarked_receipts(left)),
        _promise("drawer pulses too many", "pulses", _pulses(left)),
        _promise("documents that never reached an end", "jobs", _unsettled(left)),
    ]


def _promise(name: str, unit: str, found: Iterable[str]) -> Promise:
    broken = list(found)
    return Promise(name, len(broken), unit, tuple(broken[:EXAMPLES]))


# --- the journal ---


def _lost(left: Left) -> Iterable[str]:
    closed = {event.check_id: event.totals.gross_minor for event in left.written.of(CheckClosed)}
    taken = Counter(sold.check_id for sold in left.sold.values())
    for key, sold in left.sold.items():
        if taken[sold.check_id] > 1:
            yield f"{key}: check {sold.check_id} was given to another order too"
        if closed.get(sold.check_id) != sold.gross_minor:
            yield f"{key}: answered {sold.gross_minor}, journal {closed.get(sold.check_id)}"


def _untold(left: Left) -> Iterable[str]:
    told = {sold.check_id for sold in left.sold.values()}
    opened = Counter(event.check_id for event in left.written.of(CheckOpened))
    return (f"{check_id}, {count} times" for check_id, count in opened.items() if check_id not in told or count > 1)


def _broken_chains(left: Left) -> Iterable[str]:
    return (f"{log.incarnation}: {log.problem}" for log in left.chain if log.problem)


# --- HQ ---


def _at_hq(left: Left) -> Iterable[str]:
    mine = {(one.incarnation, one.seq): one.hash for one in left.written.envelopes}
    theirs = Counter((one["incarnation"], one["seq"]) for one in left.hq_events)
    hashes = {(one["incarnation"], one["seq"]): one["hash"] for one in left.hq_events}
    for place in mine.keys() | hashes.keys():
        if theirs[place] != 1 or mine.get(place) != hashes.get(place):
            yield f"{place}: {theirs[place]} times, register {mine.get(place)}, HQ {hashes.get(place)}"


def _checks_at_hq(left: Left) -> Iterable[str]:
    numbers = Counter(record["number"] for record in left.hq_checks.values())
    for key, sold in left.sold.items():
        record = left.hq_checks.get(sold.check_id)
        if record is None or record["totals"] is None or record["totals"]["gross_minor"] != sold.gross_minor:
            yield f"{key}: {record}"
        elif numbers[record["number"]] != 1:
            yield f"{key}: number {record['number']} is not its own"


def _books(left: Left) -> Iterable[str]:
    books: Books = {}
    for day, event in left.written.events:
        post(books, event, day)
    own = {day: msgspec.to_builtins(day_books(books, day)) for day in days(books)}
    theirs = {str(one["business_day"]): dict(one) for one in left.hq_books}
    for day in own.keys() | theirs.keys():
        if own.get(day) != theirs.get(day):
            yield f"{day}: register {own.get(day)}, HQ {theirs.get(day)}"
    told = sum(sold.gross_minor for sold in left.sold.values())
    kept = sum(day["gross_minor"] for day in own.values())
    if told != kept:
        yield f"guests were told {told}, the register's books say {kept}"


# --- paper and screens ---


def _codes(left: Left) -> dict[str, str]:
    return {event.check_id: event.ticket_code for event in left.written.of(CheckOpened)}


def _tickets_missing(left: Left) -> Iterable[str]:
    codes = _codes(left)
    found: dict[tuple[str, str], list[Print]] = defaultdict(list)
    for one in left.prints:
        if one.kind == "ticket":
            found[one.code, one.station].append(one)
    for fired in left.written.of(TicketFired):
        place = codes[fired.check_id], left.titles[fired.station]
        wanted = [fold(f"{item.quantity} x {item.name}") for item in fired.items]
        wanted += [fold(modifier) for item in fired.items for modifier in item.modifiers]
        if not any(all(text in one.text for text in wanted) for one in found[place]):
            yield f"{place} job {fired.job_id}: {left.written.jobs.get(fired.job_id)}; there is {found[place]}"


def _unmarked_tickets(left: Left) -> Iterable[str]:
    codes = _codes(left)
    plain = [one for one in left.prints if one.kind == "ticket" and not one.marked_repeat]
    for place, count in Counter((one.code, one.station) for one in plain if one.station).items():
        if count > 1:
            yield f"{place}: {count} times"
    # A ticket torn above its station's name may be any of those of its order that this device prints.
    possible = Counter(
        (codes[fired.check_id], device) for fired in left.written.of(TicketFired) for device in left.serves[fired.station]
    )
    for there, count in Counter((one.code, one.device) for one in plain).items():
        if count > possible[there]:
            yield f"{there}: {count} papers for {possible[there]} tickets"


def _receipts_missing(left: Left) -> Iterable[str]:
    codes = _codes(left)
    whole = {(one.code, one.device) for one in left.prints if one.kind == "receipt"}
    ends = [one.text for one in left.prints if one.kind == "receipt"]
    said = "\n".join(ends)
    for issued in left.written.of(ReceiptIssued):
        if (codes[issued.check_id], issued.device) not in whole or fold(f"Check {issued.check_id}") not in said:
            yield f"{codes[issued.check_id]} job {issued.job_id}: {left.written.jobs.get(issued.job_id)}"


def _unmarked_receipts(left: Left) -> Iterable[str]:
    plain = Counter(one.code for one in left.prints if one.kind == "receipt" and not one.marked_repeat)
    return (f"{code}: {count} times" for code, count in plain.items() if count > 1)


# --- jobs ---


def _pulses(left: Left) -> Iterable[str]:
    asked = {event.job_id for event in left.written.of(DrawerKicked)}
    states = Counter(left.written.jobs[job_id].state for job_id in asked)
    began = sum(states[state] for state in BEGAN)
    return (f"{left.pulses} pulses of {began} that began, {dict(states)}" for _ in range(began, left.pulses))


def _unsettled(left: Left) -> Iterable[str]:
    ends = ("sent", "confirmed", "rerouted")
    for job in left.written.jobs.values():
        pulse = job.document_class == "drawer_pulse" and job.state in ("unconfirmed", "expired", "failed")
        if job.state not in ends and not pulse:
            yield f"{job.document_class} on {job.device} is {job.state}: {job.reason}"

"""Do journal, HQ, paper, kitchen page and drawers agree with what the people know? Pure: a list of differences, in words."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from tests.browser.lunch.told import Told, ToldCheck
from tests.killloop.paper import fold as letters
from tests.killloop.verdict import Left, judge

from tillkeeper.contract.availability import AvailabilitySet
from tillkeeper.contract.books import Books, day_books, days, post
from tillkeeper.contract.cash import CashMoved, DrawerCounted, DrawerReportPrinted, DrawerSessionClosed
from tillkeeper.contract.documents import NoSaleRecorded, TicketBumped, TicketFired, TicketRecalled, TicketReprinted
from tillkeeper.contract.events import CheckOpened
from tillkeeper.contract.people import TimeEntryRecorded, TipsDeclared
from tillkeeper.sales.checks import fold
from tillkeeper.sales.model import Check
from tillkeeper.sales.money import to_text

KEPT = (
    "logs with a broken chain",
    "events that HQ lacks, doubles or changed",
    "fired tickets that never came out",
    "receipts that never came out",
    "drawer pulses too many",
    "documents that never reached an end",
)
"""Promises of the kill loop's verdict that hold for any day, whoever sold."""


class Seen(msgspec.Struct, frozen=True):
    """The kitchen page. `ever`: job ids of all tickets it has shown; `now`: those on the screen at the end."""

    ever: frozenset[str]
    now: frozenset[str]


def differences(told: Told, left: Left, seen: Seen, device: str) -> list[str]:
    """Everything that does not fit, worst first. `device`: the display that the kitchen page is."""
    checks = fold((event, day, 0) for day, event in left.written.events)
    return [
        *_promises(left),
        *_checks(told, left, checks),
        *_money(told, left),
        *_receipts(told, left, checks),
        *_kitchen(left, seen, device),
        *_drawers(told, left),
        *_people(told, left),
    ]


def _promises(left: Left) -> Iterable[str]:
    for promise in judge(left):
        if promise.name in KEPT and promise.broken:
            yield f"{promise.broken} {promise.name}: {promise.examples}"


# --- checks ---


def _checks(told: Told, left: Left, checks: Mapping[str, Check]) -> Iterable[str]:
    opened = Counter(event.ticket_code for event in left.written.of(CheckOpened))
    for code, times in opened.items():
        if times != 1:
            yield f"{code} was opened {times} times"
        if code not in told.checks:
            yield f"{code} is in the journal, and nobody rang it"
    by_code = {check.ticket_code: check for check in checks.values()}
    for code, known in told.checks.items():
        check = by_code.get(code)
        if check is None:
            yield f"{code} was rung and is not in the journal"
        else:
            yield from _check(known, check)


def _check(known: ToldCheck, check: Check) -> Iterable[str]:
    pieces = Counter[str]()
    for line in check.lines:
        pieces[line.item_id] += line.quantity
    paid = Counter[str]()
    for payment in check.payments:
        paid[payment.tender] += payment.amount_minor
    refunded = sum(refund.amount_minor + refund.rounding_minor for refund in check.refunds)
    total = check.closed_totals.gross_minor if check.closed_totals else 0
    pairs = {
        "state": (known.state, check.state),
        "training": (known.training, check.training),
        "refunded": (known.refunded_minor, refunded),
    }
    if known.state != "voided":
        pairs["pieces"] = (+known.pieces, +pieces)
        pairs["paid"] = (+known.paid, +paid)
    if known.state == "closed":
        pairs["total"] = (known.total_minor, total)
    for what, (people, journal) in pairs.items():
        if people != journal:
            yield f"{known.code} {what}: people {people}, journal {journal}"


# --- books ---


def _money(told: Told, left: Left) -> Iterable[str]:
    books: Books = {}
    for day, event in left.written.events:
        post(books, event, day)
    own = {day: msgspec.to_builtins(day_books(books, day)) for day in days(books)}
    theirs = {str(one["business_day"]): dict(one) for one in left.hq_books}
    for day in own.keys() | theirs.keys():
        if own.get(day) != theirs.get(day):
            yield f"books of {day}: register {own.get(day)}, HQ {theirs.get(day)}"
    real = [check for check in told.checks.values() if not check.training]
    sums = {
        "gross_minor": sum(check.total_minor for check in real if check.state == "closed"),
        "sales": sum(check.state == "closed" for check in real),
        "voids": sum(check.state == "voided" for check in real),
        "refunded_minor": sum(check.refunded_minor for check in real),
    }
    for name, people in sums.items():
        journal = sum(day[name] for day in own.values())
        if people != journal:
            yield f"{name}: people {people}, books {journal}"


# --- paper ---


def _receipts(told: Told, left: Left, checks: Mapping[str, Check]) -> Iterable[str]:
    papers = defaultdict(list)
    for one in left.prints:
        if one.kind == "receipt":
            papers[one.code].append(one)
    for code, known in told.checks.items():
        if known.state != "closed":
            continue
        amount = letters(f"Total {to_text(known.total_minor, 2)}")
        if not any(letters(to_text(known.total_minor, 2)) in paper.text for paper in papers[code]):
            yield f"{code}: no receipt says {amount}; there is {papers[code]}"
        plain = [one for one in papers[code] if not one.marks]
        refunds = sum(len(check.refunds) for check in checks.values() if check.ticket_code == code)
        if len(plain) > 1 + refunds:
            yield f"{code}: {len(plain)} receipts without a mark"
        banners = {"training" in one.text for one in papers[code]}
        if banners - {known.training}:
            yield f"{code}: the training banner is wrong on {papers[code]}"


# --- the kitchen page ---


def _kitchen(left: Left, seen: Seen, device: str) -> Iterable[str]:
    codes = {event.check_id: event.ticket_code for event in left.written.of(CheckOpened)}
    told = [event for _day, event in left.written.events if isinstance(event, TicketFired | TicketReprinted)]
    wanted = {event.job_id: event for event in told if event.device == device}
    for job in wanted.keys() - seen.ever:
        yield f"ticket {codes[wanted[job].check_id]} ({job}) was never on the kitchen page"
    up: set[str] = set()
    for _day, event in left.written.events:
        if isinstance(event, TicketFired | TicketReprinted) and event.device == device:
            up.add(event.job_id)
        elif isinstance(event, TicketBumped | TicketRecalled):
            back = isinstance(event, TicketRecalled)
            for job in wanted.keys() & set(event.job_ids):
                if (job in up) == back:
                    yield f"ticket {codes[wanted[job].check_id]} ({job}) was {'recalled' if back else 'bumped'} twice"
            up = up | set(event.job_ids) & wanted.keys() if back else up - set(event.job_ids)
    for job in up ^ seen.now:
        code = codes[wanted[job].check_id] if job in wanted else "of nobody"
        yield f"ticket {code} ({job}) is up in {'the journal' if job in up else 'the page'} alone"


# --- drawers and people ---


def _drawers(told: Told, left: Left) -> Iterable[str]:
    counted = defaultdict(list)
    for event in left.written.of(DrawerCounted):
        counted[event.drawer].append({name: minor for name, minor in event.counted_minor.items() if minor})
    for name, purse in told.purses.items():
        known = [{currency: minor for currency, minor in one.items() if minor} for one in purse.counted]
        if counted[name] != known:
            yield f"{name}: people counted {known}, journal {counted[name]}"
    closed: dict[str, list[int]] = defaultdict(list)
    for event in left.written.of(DrawerSessionClosed):
        closed[event.drawer].append(event.number)
        if any(event.over_short_minor.values()):
            yield f"{event.drawer} Z {event.number} is over or short: {event.over_short_minor}, {event.figures}"
    for name, numbers in closed.items():
        if numbers != list(range(1, len(numbers) + 1)) or len(numbers) != len(told.purses[name].counted):
            yield f"{name}: Z numbers {numbers} for {len(told.purses[name].counted)} counts"
    printed = Counter(
        event.session_id for event in left.written.of(DrawerReportPrinted) if event.kind == "z" and not event.copy
    )
    for event in left.written.of(DrawerSessionClosed):
        if printed[event.session_id] != 1:
            yield f"{event.drawer} Z {event.number}: {printed[event.session_id]} Z reports"
    moved = Counter[str]()
    for move in left.written.of(CashMoved):
        moved[move.kind] += move.amount_minor
    if moved != told.moved:
        yield f"cash moved: people {told.moved}, journal {moved}"
    no_sales = sum(1 for _event in left.written.of(NoSaleRecorded))
    if no_sales != told.no_sales:
        yield f"no-sales: people {told.no_sales}, journal {no_sales}"


def _people(told: Told, left: Left) -> Iterable[str]:
    pairs: dict[str, tuple[Sequence[object], Sequence[object]]] = {
        "time entries": (
            sorted(told.clocked),
            sorted((event.employee, event.kind) for event in left.written.of(TimeEntryRecorded)),
        ),
        "sold out": (
            told.sold_out,
            [(event.subject_id, event.state) for event in left.written.of(AvailabilitySet) if event.by],
        ),
        "tips": (
            sorted(told.tips.items()),
            sorted((event.employee, event.cash_tips_minor) for event in left.written.of(TipsDeclared)),
        ),
    }
    for what, (people, journal) in pairs.items():
        if list(people) != list(journal):
            yield f"{what}: people {people}, journal {journal}"
